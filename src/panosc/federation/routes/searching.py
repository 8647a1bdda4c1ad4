"""The search API over all catalogues: what ``/panosc-api`` answers where others are asked live.

It answers as the federated search service of PaNOSC does: the same parameters, a ``provider`` in
each item, who is asked in the root document. While no other catalogue is asked live, and wherever
``providers=local`` says so, this node answers alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from typing_extensions import override

from panosc import __version__
from panosc.domain.access import Who
from panosc.domain.errors import BadFilter, NotFound
from panosc.domain.query import Compare, Not, Query, all_of
from panosc.federation.live.answer import HERE, Merged
from panosc.federation.live.records.shaping import MOST
from panosc.federation.overview.catalogues import Catalogue
from panosc.federation.routes import naming
from panosc.federation.service import Federation
from panosc.search.routes import PREFIX, Local, as_json, nothing_there
from panosc.search.service import SearchService

DEFAULT_LIMIT = 100
_MINUTE_S, _HOUR_S = 60, 3600


class Federated(Local):
    """Answers from all catalogues."""

    def __init__(
        self,
        service: SearchService,
        federation: Federation,
        address: Callable[[Request], Callable[[str], str]],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(service)
        self._federation = federation
        self._address = address
        self._clock = clock
        self._begun = clock()

    @override
    def root(self, request: Request) -> Response:
        """Answer as the root of the federated search service does: who is asked, and how."""
        if not self._federation.has_live():
            raise nothing_there(request)
        settings = self._federation.settings
        seconds = (self._clock() - self._begun).total_seconds()
        own = self._own(request)
        others = _addresses(self._federation.catalogues(), own)
        return as_json(
            {
                "uptime_seconds": seconds,
                "uptime": _clock_of(seconds),
                "api_version": "1.0",
                "docker_image_version": f"panosc {__version__}",
                "hosting_facility": settings.facility,
                "environment": "production",
                "data_providers": list(dict.fromkeys([own, *others.values()])),
                "provider_timeout_ms": round(settings.federation_deadline_s * 1000),
                "default_limit": DEFAULT_LIMIT,
                "filter_invalid_scores": False,
                "logging": False,
            }
        )

    @override
    def find(self, request: Request, who: Who, query: Query) -> Response:
        names = self._names(request)
        if self._is_alone(names):
            return super().find(request, who, self._without_copies(request, query))
        merged = self._federation.live.ask(who, bounded(query), names=names)
        said = naming.headers(merged.total, merged.fates, is_least=merged.is_least)
        return as_json(self._items(request, merged), said)

    @override
    def count(self, request: Request, who: Who, query: Query) -> Response:
        names = self._names(request)
        if self._is_alone(names):
            return super().count(request, who, self._without_copies(request, query))
        total, fates = self._federation.live.count(who, query, names=names)
        is_least = any(fate.total is None for fate in fates)
        return as_json({"count": total}, naming.headers(total, fates, is_least=is_least))

    @override
    def get(self, request: Request, who: Who, pid: str, query: Query) -> Response:
        names = self._names(request)
        if self._is_alone(names):
            return super().get(request, who, pid, query)
        found = self._federation.live.get(who, query.model, pid, query)
        if found is None:
            raise _unknown(query.model, pid)
        return as_json(found | {"provider": self._provider(request, found)})

    @override
    def files(self, request: Request, who: Who, pid: str, query: Query) -> Response:
        if self._is_alone(self._names(request)):
            return super().files(request, who, pid, query)
        wanted = replace(query, limit=min(query.limit or DEFAULT_LIMIT, MOST))
        answer = self._federation.live.files(who, pid, wanted)
        if answer is None:
            raise _unknown("Dataset", pid)
        return as_json(list(islice(answer.items, MOST)), {"X-Total-Count": str(answer.total)})

    @override
    def count_files(self, request: Request, who: Who, pid: str, query: Query) -> Response:
        if self._is_alone(self._names(request)):
            return super().count_files(request, who, pid, query)
        answer = self._federation.live.files(who, pid, replace(query, limit=1))
        if answer is None:
            raise _unknown("Dataset", pid)
        return as_json({"count": answer.total})

    def _names(self, request: Request) -> frozenset[str] | None:
        """Return which catalogues are asked; this node alone where no other is."""
        if not self._federation.has_live():
            return frozenset({HERE})
        return naming.chosen(
            request.query_params.getlist(naming.PARAMETER), self._federation.live_names()
        )

    def _without_copies(self, request: Request, query: Query) -> Query:
        """Return a question that finds this node's own records alone, if it was put so.

        Who asks other catalogues asks each for its own: copies would come from everywhere.
        """
        copied = self._federation.copied_names() if naming.PARAMETER in request.query_params else []
        if not copied:
            return query
        is_copy = Compare(property="source", operator="inq", operands=tuple(copied))
        return replace(query, where=all_of((query.where, Not(is_copy))))

    def _is_alone(self, names: frozenset[str] | None) -> bool:
        return names == frozenset({HERE})

    def _items(self, request: Request, merged: Merged) -> list[dict[str, Any]]:
        addresses = self._providers(request)
        own = self._own(request)
        return [item | {"provider": provider_of(item, own, addresses)} for item in merged.items]

    def _provider(self, request: Request, item: Mapping[str, Any]) -> str:
        return provider_of(item, self._own(request), self._providers(request))

    def _own(self, request: Request) -> str:
        return self._address(request)(PREFIX)

    def _providers(self, request: Request) -> dict[str, str]:
        """Return the address of each live catalogue."""
        return _addresses(self._federation.known(), self._own(request))


def _addresses(catalogues: Iterable[Catalogue], own: str) -> dict[str, str]:
    """Return the address of each live catalogue; of what is in a private network our own."""
    return {one.name: one.address or own for one in catalogues if one.is_live}


def bounded(query: Query) -> Query:
    """Return a question that reaches no deeper than all catalogues are asked.

    Raises
    ------
    BadFilter
        If it begins behind that.
    """
    if query.skip >= MOST:
        raise BadFilter(
            f"Pages over several catalogues end at record {MOST}.",
            field="skip",
            hint="Ask one of them (`providers=local` is this node), or narrow the question.",
        )
    limit = min(query.limit or DEFAULT_LIMIT, MOST - query.skip)
    return replace(query, limit=limit)


def provider_of(item: Mapping[str, Any], own: str, addresses: Mapping[str, str | None]) -> str:
    """Return the address under which a record can be asked for: where it was told of first."""
    first = next(iter(item.get("sources", ())), HERE)
    return addresses.get(first) or own


def _unknown(model: str, pid: str) -> NotFound:
    return NotFound(f"Unknown “{model}” id “{pid}”: no catalogue that answered has it.")


def _clock_of(seconds: float) -> str:
    whole = int(seconds)
    hours, rest = divmod(whole, _HOUR_S)
    return f"{hours:02d}:{rest // _MINUTE_S:02d}:{rest % _MINUTE_S:02d}"
