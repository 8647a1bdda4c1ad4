"""Choosing datasets by a search, for acts on many of them at once.

The search is spelt as the search page's URL does, or as a filter of the search API.
"""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from panosc.domain.access import Who
from panosc.domain.errors import BadFilter
from panosc.domain.query import And, Query
from panosc.search.known import KnownTo
from panosc.search.language.selection import SIZES
from panosc.search.language.url import parse
from panosc.search.loopback.document import argument
from panosc.search.loopback.filter import read_filter
from panosc.search.service import SearchService

_MOST_PAIRS = 500
_HINT = "Write it like the address of the search page: facility=ESS&kind=raw"


class Chooser:
    """Finds datasets by what stands in a URL."""

    def __init__(self, search: SearchService) -> None:
        self._search = search

    def pids(self, who: Who, where: str) -> Sequence[str]:
        """Return the PIDs of all datasets that `who` may list and that fit.

        Parameters
        ----------
        where : str
            Such as ``facility=ESS&kind=raw``, or ``{"where": {"title": {"like": "scan%"}}}``.

        Raises
        ------
        BadFilter
            If any part of it cannot be used: what nobody asked for must not be chosen.
        """
        query = self._query(who, where.strip())
        return [item["pid"] for item in self._search.find(who, query)]

    def _query(self, who: Who, where: str) -> Query:
        pid = frozenset({"pid"})
        if where.startswith("{"):
            query = read_filter(argument([("filter", where)], "filter"), "Dataset")
            if not (query.words or query.includes or query.where != And(())):
                raise BadFilter("This filter has no condition.", field="where", hint=_HINT)
            return replace(query, fields=pid)
        pairs = parse_qsl(
            where.removeprefix("?"), keep_blank_values=True, max_num_fields=_MOST_PAIRS
        )
        selection = parse(pairs, names=KnownTo(self._search, who).names)
        if selection.problems:
            raise BadFilter(" ".join(selection.problems), field="where")
        chosen = replace(selection.from_start(), sort="", size=SIZES[0])
        if not chosen.params():
            raise BadFilter("This chooses nothing.", field="where", hint=_HINT)
        return replace(chosen.query(), fields=pid, order=(), limit=None)
