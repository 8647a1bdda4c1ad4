"""What the page offers as “This page as”: the same question as a file, a command, in Python.

Every one of them asks exactly what the page asks; tests run those that can be run.
"""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from keyword import iskeyword

from fastapi import Request

from panosc.domain.access import Who
from panosc.domain.arguments import argument_name
from panosc.portal.site import Site
from panosc.portal.words import query_string
from panosc.search.language.selection import Selection

_FORMATS = (
    ("JSON", "json", "this page"),
    ("CSV", "csv", "all, up to 10,000"),
    ("BibTeX", "bib", "all, up to 10,000"),
    ("Atom", "atom", "a feed to subscribe to"),
)
_AUTHORIZED = ' -H "Authorization: Bearer $PANOSC_TOKEN"'


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAs:
    """A search in other spellings."""

    links: tuple[tuple[str, str, str], ...]
    """Name, address and what it holds, of each file."""
    curl: str
    python: str
    filter: str | None
    """The PaNOSC filter, where the question can be written as one."""
    params: str
    """The canonical query part, as a search is kept by."""
    has_token: bool
    """Whether the commands send a token, since the page is of one who has signed in."""


def search_as(site: Site, request: Request, who: Who, selection: Selection) -> SearchAs:
    """Return the other spellings of what a page shows."""
    is_known = who.person is not None
    whole = replace(selection, page=1)
    json = site.render.address(request, "/search.json") + _query(selection)
    return SearchAs(
        links=tuple(
            (
                name,
                f"{site.render.root}/search.{form}{_query(selection if form == 'json' else whole)}",
                holds,
            )
            for name, form, holds in _FORMATS
        ),
        curl=f"curl -s {shlex.quote(json)}" + (_AUTHORIZED if is_known else ""),
        python=python(site.render.address(request), selection, with_token=is_known),
        filter=None,
        params=query_string(replace(selection, page=1).params()),
        has_token=is_known,
    )


def python(address: str, selection: Selection, *, with_token: bool = False) -> str:
    """Return a program that prints what the page shows."""
    start = (selection.page - 1) * selection.size
    arguments = ", ".join(_arguments(selection.params()))
    token = ', token=os.environ["PANOSC_TOKEN"]' if with_token else ""
    imports = "import os\n\nimport panosc" if with_token else "import panosc"
    return f"""\
{imports}

client = panosc.connect({address!r}{token})
found = client.search({arguments})
print(len(found), "datasets")
for dataset in found[{start}:{start + selection.size}]:
    print(dataset.pid, dataset.title)"""


def _arguments(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the arguments of a call, last those that cannot be written as keywords."""
    values: dict[str, list[str]] = {}
    for key, value in pairs:
        if key not in {"page", "size"}:
            values.setdefault(key, []).append(value)
    found = [repr(values.pop("q")[0])] if "q" in values else []
    odd: dict[str, str | list[str]] = {}
    for key, given in values.items():
        name, written = argument_name(key), given[0] if len(given) == 1 else given
        if name.isidentifier() and not iskeyword(name):
            found.append(f"{name}={written!r}")
        else:
            odd[name] = written
    return [*found, f"**{odd!r}"] if odd else found


def _query(selection: Selection) -> str:
    text = query_string(selection.params())
    return f"?{text}" if text else ""
