"""The conformance suite on a toy catalogue: a good connector passes, bad ones are caught."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cloud.standins.running import QuietServer, running
from conformance import Known, ServedConformance
from typing_extensions import override

from panosc.domain.errors import Upstream
from panosc.domain.query import Query, Word
from panosc.federation.contract import (
    Batch,
    Connector,
    Cursor,
    Found,
    Mapped,
    Probed,
    Raw,
    Support,
    Tried,
)
from panosc.federation.naming import Names

RECORDS = [{"id": number, "title": f"Iron sample {number}"} for number in range(7)]
PAGE = 3


class _Toy(BaseHTTPRequestHandler):
    @override
    def log_message(self, format: str, *args: Any) -> None:
        return

    def do_GET(self) -> None:
        skip = int(parse_qs(urlsplit(self.path).query).get("skip", ["0"])[0])
        body = json.dumps({"total": len(RECORDS), "items": RECORDS[skip : skip + PAGE]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class ToyConnector(Connector):
    """Reads the toy catalogue."""

    kind = "toy"
    title = "Toy"
    abilities = frozenset({"search", "changes", "sweep"})
    tried = (Tried(what="the toy", how="its own mock"),)

    async def page(self, skip: int) -> tuple[list[Any], int]:
        found = await self.caller.json("things", {"skip": skip})
        total = found.get("total") if isinstance(found, dict) else None
        items = found.get("items") if isinstance(found, dict) else None
        if not isinstance(items, list) or type(total) is not int:
            raise Upstream("The toy answered no page.", provider=self.source.name)
        ids = [item.get("id") if isinstance(item, dict) else None for item in items]
        if not all(type(number) is int for number in ids):
            raise Upstream("The toy answered what is no thing.", provider=self.source.name)
        return items, total

    @override
    async def probe(self) -> Probed:
        _, total = await self.page(0)
        return Probed(
            totals={"Dataset": total},
            features={"query": Support(state="no", evidence="The toy has no words.")},
        )

    @override
    def map(self, raw: Raw) -> Mapped:
        content = raw.content if isinstance(raw.content, dict) else {}
        pid = Names(self.source).pid(raw.external_id)
        title = content.get("title")
        row = {"pid": pid, "source": self.source.name}
        if isinstance(title, str):
            row["title"] = title
        return Mapped(rows=[("Dataset", row)], homes={str(pid): f"{self.source.url}/things"})

    @override
    async def search(self, query: Query) -> Found:
        items, total = await self.page(0)
        given = [
            {"pid": f"src/{item['id']}", "title": str(item.get("title"))}
            for item in items[: query.limit]
        ]
        return Found(items=given, total=total, unasked=frozenset({"words"}))

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        skip = cursor["skip"] if cursor else 0
        while True:
            items, total = await self.page(skip)
            skip += len(items)
            raws = [Raw(kind="thing", external_id=str(item["id"]), content=item) for item in items]
            yield Batch(raws=raws, cursor={"skip": skip}, total=total)
            if skip >= total:
                return
            if not items:
                raise Upstream("The toy ended early.", provider=self.source.name)

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        async for batch in self.changes(None):
            yield [(raw.kind, raw.external_id) for raw in batch.raws]


class TestToy(ServedConformance):
    connector = ToyConnector
    known = (
        Known(
            kind="thing",
            external_id="3",
            model="Dataset",
            pid="src/3",
            has={"title": "Iron sample 3"},
        ),
    )
    question = Query(model="Dataset", words=(Word(text="iron"),), limit=10)

    @classmethod
    @contextmanager
    def standing(cls) -> Iterator[str]:
        with running(QuietServer(("127.0.0.1", 0), _Toy)) as address:
            yield f"{address}/api/"


class _Halves(ToyConnector):
    """Takes any empty page for the end."""

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        for skip in (0, 3, 6):
            found = await self.caller.json("things", {"skip": skip})
            items = found.get("items", []) if isinstance(found, dict) else []
            yield [("thing", str(item["id"])) for item in items]


class _Trusting(ToyConnector):
    """Believes what it reads."""

    @override
    def map(self, raw: Raw) -> Mapped:
        pid = f"src/{raw.external_id}"
        row = {"pid": pid, "title": raw.content["title"], "source": "src"}
        return Mapped(rows=[("Dataset", row)])


class _Unprefixed(ToyConnector):
    """Forgets the prefix."""

    @override
    def map(self, raw: Raw) -> Mapped:
        return Mapped(rows=[("Dataset", {"pid": raw.external_id, "source": "src"})])


class _Forgetful(ToyConnector):
    """Its cursor is one batch ahead."""

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        async for batch in super().changes(cursor):
            yield Batch(raws=batch.raws, cursor={"skip": batch.cursor["skip"] + PAGE})


@contextmanager
def _suite(connector_class: type[Connector]) -> Iterator[tuple[TestToy, str]]:
    class Suite(TestToy):
        connector = connector_class
        __test__ = False

    with Suite.reached() as url:
        yield Suite(), url


def test_a_sweep_that_ends_early_is_caught() -> None:
    with _suite(_Halves) as (suite, url):
        raws = [raw for batch in suite.batches(url) for raw in batch.raws]
        with pytest.raises(AssertionError):
            suite.test_half_a_list_is_not_taken_for_all(url, raws, "object")


def test_a_map_that_believes_what_it_reads_is_caught() -> None:
    with _suite(_Trusting) as (suite, url):
        raws = [raw for batch in suite.batches(url) for raw in batch.raws]
        with pytest.raises(Exception, match=r"title|subscriptable|not a text|indices"):
            suite.test_map_takes_whatever_a_stranger_writes(url, raws)


def test_identifiers_without_prefix_are_caught() -> None:
    with _suite(_Unprefixed) as (suite, url):
        raws = [raw for batch in suite.batches(url) for raw in batch.raws]
        with pytest.raises(AssertionError):
            suite.test_rows_are_taken_by_the_catalogue(url, raws)


def test_a_cursor_that_loses_records_is_caught() -> None:
    with _suite(_Forgetful) as (suite, url), pytest.raises(AssertionError):
        suite.test_going_on_from_any_cursor_loses_nothing(url)
