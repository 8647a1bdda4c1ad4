"""ICAT+ keeps what every connector has to keep, with an account and without."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from cloud.standins import icatplus as standin
from cloud.standins.icatplus_records import some
from conformance import ConnectorConformance, Known, ServedConformance
from icatplus_asking import AT
from pydantic import SecretStr
from typing_extensions import override

from panosc.domain.query import Query, Text
from panosc.federation.connectors.icatplus import IcatPlusConnector


class TestIcatPlus(ServedConformance):
    connector = IcatPlusConnector
    examples = 12
    given: ClassVar[dict[str, Any]] = {"account": "reader", "secret": SecretStr("reader")}
    options: ClassVar[dict[str, str]] = {
        "plugin": "db",
        "files": "5",
        "portal": "https://data.example.org",
    }
    known = (
        Known(
            kind="investigation",
            external_id="1001",
            model="Document",
            pid="10.5072/esrf-es-1001",
            has={
                "title": "Structure of lysozyme under pressure",
                "doi": "10.5072/esrf-es-1001",
                "ownerGroup": "ES-1001",
                "access": "embargoed",
            },
            home="https://doi.org/10.5072/esrf-es-1001",
        ),
        Known(
            kind="dataset",
            external_id="100101",
            model="Dataset",
            pid="src/100101",
            has={
                "title": "lysozyme_0001",
                "kind": "raw",
                "size": 231530419,
                "embargoUntil": "2029-09-05T00:00:00+00:00",
                "creationDate": datetime(2026, 9, 6, 0, 7, tzinfo=UTC),
            },
            home="https://data.example.org/dataset/100101",
        ),
    )
    question = Query(model="Dataset", where=Text("_000"), limit=10)

    @classmethod
    @override
    @contextmanager
    def standing(cls) -> Iterator[str]:
        with standin.serving(some(2, at=AT, each=3)) as url:
            yield url


class TestIcatPlusFeed(ConnectorConformance):
    """The open feed, without an account."""

    connector = IcatPlusConnector
    examples = 12
    options: ClassVar[dict[str, str]] = {"begin": "2026-09-01", "feed_access": "open"}
    known = (
        Known(
            kind="datasetdocument",
            external_id="100101",
            model="Dataset",
            pid="src/100101",
            has={"title": "lysozyme_0001", "isPublic": True},
        ),
    )
    question = Query(model="Dataset", where=Text("_000"), limit=10)

    @classmethod
    @override
    @contextmanager
    def standing(cls) -> Iterator[str]:
        plus = some(2, at=AT, each=3)
        for number in (1001, 1002):
            plus.investigations[number]["releaseDate"] = "2020-01-01T00:00:00.000Z"
        for made in plus.datasets.values():
            above = plus.investigations[made["investigation"]["id"]]
            made["investigation"]["releaseDate"] = above["releaseDate"]
        with standin.serving(plus) as url:
            yield url
