"""ICAT keeps what every connector has to keep."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from cloud.standins import icat as standin
from cloud.standins.icat_records import some
from conformance import Known, ServedConformance
from pydantic import SecretStr
from typing_extensions import override

from panosc.domain.query import Query, Word
from panosc.federation.connectors.icat import IcatConnector


class TestIcat(ServedConformance):
    connector = IcatConnector
    examples = 12
    given: ClassVar[dict[str, Any]] = {"account": "reader", "secret": SecretStr("reader")}
    known = (
        Known(
            kind="investigation",
            external_id="2",
            model="Document",
            pid="10.5072/inv-2",
            has={
                "title": "Structure of iron under pressure",
                "ownerGroup": "P2002",
                "access": "embargoed",
                "keywords": ["iron"],
            },
            home="https://doi.org/10.5072/inv-2",
        ),
        Known(
            kind="dataset",
            external_id="1",
            model="Dataset",
            pid="src/1",
            has={
                "title": "scan_0001_000",
                "kind": "reduced",
                "size": 1000,
                "creationDate": datetime(2026, 9, 1, tzinfo=UTC),
                "embargoUntil": "2029-08-31T00:00:00+00:00",
            },
        ),
        Known(
            kind="instrument",
            external_id="1",
            model="Instrument",
            pid="src/instrument-SAXS",
            has={"name": "SAXS", "facility": "CERIC (stand-in)"},
        ),
    )
    question = Query(model="Dataset", words=(Word(text="pressure"),), limit=10)

    @classmethod
    @override
    @contextmanager
    def standing(cls) -> Iterator[str]:
        icat = some(2, at=datetime(2026, 10, 1, tzinfo=UTC), each=3).icat
        # two batches of each kind, and an answer may not hold all
        icat.most = 4
        with standin.serving(icat) as url:
            yield url
