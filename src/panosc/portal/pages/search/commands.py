"""What the page offers as “This page as”: the same question as a file, a command, in Python.

Every one of them asks exactly what the page asks; tests run those that can be run.
"""

import json
import shlex
from dataclasses import dataclass, replace

from fastapi import Request

from panosc.domain.access import Who
from panosc.portal.site import Site
from panosc.portal.words import query_string
from panosc.search.language.arguments import to_python
from panosc.search.language.selection import SIZES, Selection
from panosc.search.loopback.writing import write_standard

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
    filter: str
    """The filter of the PaNOSC search API."""
    params: str
    """The canonical query part, as a search is kept by."""
    has_token: bool
    """Whether the commands send a token, since the page is of one who has signed in."""


def search_as(site: Site, request: Request, who: Who, selection: Selection) -> SearchAs:
    """Return the other spellings of what a page shows."""
    is_known = who.person is not None
    whole = selection.from_start()
    answered = site.render.address(request, "/search.json") + _query(selection)
    return SearchAs(
        links=tuple(
            (
                name,
                f"{site.render.root}/search.{form}{_query(selection if form == 'json' else whole)}",
                holds,
            )
            for name, form, holds in _FORMATS
        ),
        curl=f"curl -s {shlex.quote(answered)}" + (_AUTHORIZED if is_known else ""),
        python=python(site.render.address(request), selection, with_token=is_known),
        filter=json.dumps(write_standard(selection.query()), indent=1, ensure_ascii=False),
        params=query_string(selection.from_start().params()),
        has_token=is_known,
    )


def python(address: str, selection: Selection, *, with_token: bool = False) -> str:
    """Return a program that prints what the page shows, or all that is found."""
    start = (selection.page - 1) * selection.size
    # numbers of results are known on numbered pages only: behind them it prints all
    shown = "found" if selection.after else f"found[{start}:{start + selection.size}]"
    arguments = to_python(replace(selection.from_start(), size=SIZES[0]))
    token = ', token=os.environ["PANOSC_TOKEN"]' if with_token else ""
    imports = "import os\n\nimport panosc" if with_token else "import panosc"
    return f"""\
{imports}

client = panosc.connect({address!r}{token})
found = client.search({arguments})
print(len(found), "datasets")
for dataset in {shown}:
    print(dataset.pid, dataset.title)"""


def _query(selection: Selection) -> str:
    text = query_string(selection.params())
    return f"?{text}" if text else ""
