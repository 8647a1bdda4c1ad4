"""One record from the catalogue that it is of, or from any other that knows it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from panosc.domain.errors import Upstream
from panosc.domain.query import Compare, Include, Query
from panosc.federation.live.listing import Listed
from panosc.federation.live.records.applying import fits, related
from panosc.federation.live.records.shaping import Shaped, shown
from panosc.federation.live.records.taking import Brought
from panosc.federation.same.keys import identifier_key
from panosc.search.service import Answer

Ask = Callable[[Sequence[Listed]], Iterator[tuple[str, Brought]]]
"""Asks some catalogues for the record."""


def shaped(query: Query, pid: str) -> Shaped:
    """Return the question for one record; includes choose what it holds, not whether it is."""
    one = Compare(property="pid", operator="eq", operands=(pid,))
    return Shaped(
        replace(query, where=one, limit=1, skip=0, order=(), words=(), after=None),
        is_filtering=False,
    )


def with_files() -> Query:
    """Return the question for a dataset with its files."""
    files = Include(relation="files", scope=Query(model="File"))
    return Query(model="Dataset", includes=(files,))


def fetched(listed: Sequence[Listed], pid: str, ask: Ask) -> Mapping[str, Brought] | None:
    """Return what the first catalogue brought that knows a record, its home asked first.

    Raises
    ------
    Upstream
        If its home, which its identifier names, does not answer.
    """
    homes = [one for one in listed if one.prefix and pid.startswith(one.prefix)]
    home = max(homes, key=lambda one: len(one.prefix), default=None)
    if home is not None:
        found, fates = _first(ask([home]), pid)
        if found is not None:
            return found
        if fates.get(home.name) != "answered":
            raise Upstream(
                f"{home.title}, which {pid} is of, does not answer now.",
                provider=home.name,
                hint="Try again later.",
            )
    found, _ = _first(ask([one for one in listed if one is not home]), pid)
    return found


def _first(
    answers: Iterator[tuple[str, Brought]], pid: str
) -> tuple[Mapping[str, Brought] | None, Mapping[str, str]]:
    fates: dict[str, str] = {}
    key = identifier_key(pid)
    for name, brought in answers:
        fates[name] = brought.fared
        # whoever does not look at the condition answers with any record
        hits = [hit for hit in brought.hits if identifier_key(hit.item["pid"]) == key]
        if hits:
            return {name: replace(brought, hits=hits[:1])}, fates
    return None, fates


def files(item: Mapping[str, Any], query: Query) -> Answer:
    """Return the files of a dataset as a question about them says."""
    rows = [one for one in related(item, "files") if fits(query.where, "File", one)]
    end = None if not query.limit else query.skip + query.limit
    page = [shown(one, query) for one in rows[query.skip : end]]
    return Answer(total=len(rows), items=iter(page))
