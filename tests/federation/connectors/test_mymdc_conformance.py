"""myMdC keeps what every connector has to keep."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from cloud.standins.mymdc import ACCOUNT, PASSWORD, MyMdC, serving
from cloud.standins.mymdc_records import some
from conformance import Known, ServedConformance
from pydantic import SecretStr

from panosc.federation.connectors import mymdc


class TestMyMdC(ServedConformance):
    connector = mymdc.MyMdcConnector
    examples = 10
    given: ClassVar[dict[str, Any]] = {"account": ACCOUNT, "secret": SecretStr(PASSWORD)}
    options: ClassVar[dict[str, str]] = {
        "proposals": "1999-2001",
        "email": "reader@example.org",
        "doi_prefix": "10.22003",
    }
    known = (
        Known(
            kind="proposal",
            external_id="2000",
            model="Document",
            pid="src/p002000",
            has={
                "title": "Snapshots of lysozyme",
                "access": "embargoed",
                "embargoUntil": datetime(2025, 8, 23, 8, tzinfo=UTC),
                "doi": "10.22003/xfel.mdc.exp.200",
            },
            home="https://in.example.org/upex/proposal/2000",
        ),
        Known(
            kind="run",
            external_id="2001/2",
            model="Dataset",
            pid="src/p002001/r0002",
            has={
                "title": "Run 2 of Snapshots of warm dense iron",
                "size": 6_000_000,
                "creationDate": datetime(2024, 1, 2, 8, 10, tzinfo=UTC),
                "instrumentId": "src/instrument/FXE",
                "ownerGroup": "p002001",
            },
        ),
        Known(
            kind="sample",
            external_id="300",
            model="Sample",
            pid="src/sample/300",
            has={"name": "Lysozyme"},
        ),
        Known(
            kind="instrument",
            external_id="1",
            model="Instrument",
            pid="src/instrument/SPB",
            has={"name": "SPB instrument", "facility": "A Facility"},
        ),
    )

    @classmethod
    @contextmanager
    def standing(cls) -> Iterator[str]:
        with serving(MyMdC(records=some(2, 3))) as address:
            yield address
