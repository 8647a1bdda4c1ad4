"""What an export is asked for: the address of the search page with another ending.

An export is for programs. Where the page leaves out what it cannot use and says so, an export
is refused: nobody would read the sentence, and the file would hold what was not asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from fastapi import Request

from panosc.domain.access import Who
from panosc.domain.errors import Invalid
from panosc.domain.query import Include, Query
from panosc.portal.pages.exports import records
from panosc.portal.pages.search.place import read
from panosc.portal.site import Site
from panosc.portal.words import query_string
from panosc.search.known import KnownTo
from panosc.search.language.selection import Selection
from panosc.search.service import Answer

FORMATS = ("json", "csv", "bib", "atom")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request for an export, understood."""

    site: Site
    who: Who
    selection: Selection
    address: Callable[[str], str]
    """Makes a path of this node a public address."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that the question speaks of."""
        found = [item.name for item in self.selection.ranges]
        found += [item.name for item in self.selection.texts]
        return tuple(dict.fromkeys(found))

    def answer(self, query: Query) -> Answer:
        """Return what fits, with all that exports tell."""
        asked = records.asking(query)
        if self.names:
            # whatever fits has all of them, so that the condition in it leaves out nothing
            scope = records.measuring(self.names)
            include = Include(relation="parameters", scope=scope)
            asked = replace(asked, includes=(*asked.includes, include))
        return self.site.search.answer(self.who, asked)

    def page(self, selection: Selection) -> Answer:
        """Return the page that a selection is at, read to its end."""
        answer = self.answer(selection.query())
        return replace(answer, items=iter(list(answer.items)))

    def everything(self, most: int) -> Answer:
        """Return the first `most` of what fits, whatever the page."""
        return self.answer(replace(self.selection.query(), limit=most, skip=0))

    def named(self, most: int) -> Answer:
        """Return the first `most` of what fits by their PIDs alone."""
        query = replace(self.selection.query(), limit=most, skip=0)
        return self.site.search.answer(self.who, replace(query, fields=frozenset({"pid"})))

    def at(self, selection: Selection, form: str = "") -> str:
        """Return the public address of a selection, as a page or in a format."""
        text = query_string(selection.params())
        path = f"/search.{form}" if form else "/search"
        return self.address(path + (f"?{text}" if text else ""))


def understood(site: Site, request: Request, who: Who) -> Asked:
    """Return what a request asks for.

    Raises
    ------
    Invalid
        If something in it cannot be used.
    """
    names = KnownTo(site.search, who).names
    selection = read(request.query_params.multi_items(), names, site.render.root).selection
    if selection.problems:
        raise Invalid(
            " ".join(selection.problems),
            hint="The page /search explains what it can be asked, and shows such links.",
        )

    return Asked(site=site, who=who, selection=selection, address=site.absolute(request))
