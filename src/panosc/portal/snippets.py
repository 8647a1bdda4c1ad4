"""Code that a page shows, to be copied and run as it stands; tests run it."""

import shlex
from urllib.parse import quote

_DATASET = '{"include":[{"relation":"parameters"},{"relation":"files"},{"relation":"techniques"}]}'


def python(address: str) -> str:
    """Return Python that reads one record with what belongs to it."""
    return f"""\
import json
from urllib.parse import quote
from urllib.request import urlopen

record = {address!r}
related = {_DATASET!r}
with urlopen(record + "?filter=" + quote(related)) as answer:
    dataset = json.load(answer)
print(dataset["title"])
for parameter in dataset["parameters"]:
    print(parameter["name"], parameter["value"], parameter.get("unit", ""))"""


def part(address: str, pid: str, file: str, path: str) -> str:
    """Return Python that reads a part of an array."""
    return f"""\
import panosc

node = panosc.connect({address!r})
array = node[{pid!r}].files[{file!r}][{path!r}]
print(array.shape, array.dtype)
part = array[:10]"""


def curl_all(address: str) -> str:
    """Return commands that fetch and check all files of a dataset, and go on after a break."""
    return f"curl -fsS -o download.sh {shlex.quote(address + '?as=curl')}\nsh download.sh"


def wget_all(address: str) -> str:
    """Return a command that fetches all files of a dataset into this folder."""
    return (
        f"wget -qO- {shlex.quote(address + '?as=urls')} |\n"
        "  wget --continue --content-disposition --input-file=-"
    )


def python_all(address: str, pid: str) -> str:
    """Return Python that fetches and checks all files of a dataset."""
    return f"""\
import panosc

node = panosc.connect({address!r})
paths = node[{pid!r}].download("data")"""


def curl(address: str, query: str = "") -> str:
    """Return a command that prints the answer; `query` is an encoded query part."""
    return f"curl -s {shlex.quote(address + ('?' + query if query else ''))}"


def filtered(address: str, text: str) -> str:
    """Return a command that asks with a filter, readable and encoded by curl itself."""
    return f"curl -sG {shlex.quote(address)} --data-urlencode {shlex.quote('filter=' + text)}"


def encoded(text: str) -> str:
    """Return a filter as part of an address."""
    return quote(text, safe="")
