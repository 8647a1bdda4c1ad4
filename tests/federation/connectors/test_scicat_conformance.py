"""SciCat keeps what every connector has to keep, anonymously and with an account."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from cloud.standins.scicat import ACCOUNT, PASSWORD, SciCat, serving
from cloud.standins.scicat_records import dataset_pid, some
from conformance import Known, ServedConformance
from pydantic import SecretStr

from panosc.domain.query import Query, Word
from panosc.federation.connectors import scicat


class TestSciCat(ServedConformance):
    connector = scicat.ScicatConnector
    examples = 20
    options: ClassVar[dict[str, str]] = {"frontend": "https://scicat.example.org"}
    known = (
        Known(
            kind="dataset",
            external_id=dataset_pid(0),
            model="Dataset",
            pid=dataset_pid(0),
            has={
                "title": "LoKI micelles 0",
                "isPublic": True,
                "size": 1000,
                "kind": "raw",
                "creationDate": datetime(2024, 1, 1, tzinfo=UTC),
                "endDate": datetime(2024, 1, 1, 0, 30, tzinfo=UTC),
                "instrumentId": "20.500.12269/instrument-loki",
            },
            home="https://scicat.example.org/datasets/20.500.12269%2F"
            "00000000-0000-4000-8000-000000000000",
        ),
        Known(
            kind="proposal",
            external_id="20240001",
            model="Document",
            pid="src/20240001",
            has={"title": "Neutrons for micelles", "type": "proposal", "isPublic": True},
        ),
        Known(
            kind="publication",
            external_id="10.17199/ess.00000",
            model="Document",
            pid="10.17199/ess.00000",
            has={"doi": "10.17199/ess.00000", "type": "publication"},
        ),
        Known(
            kind="sample",
            external_id="S-1",
            model="Sample",
            pid="src/S-1",
            has={"name": "Micelles", "description": "Micelles; temperature 280 K"},
        ),
        Known(
            kind="instrument",
            external_id="20.500.12269/instrument-loki",
            model="Instrument",
            pid="20.500.12269/instrument-loki",
            has={"name": "LoKI", "facility": "A Facility"},
        ),
    )
    question = Query(model="Dataset", words=(Word(text="micelles"),), limit=10)

    @classmethod
    @contextmanager
    def standing(cls) -> Iterator[str]:
        # pages of 13, so that there are several
        with serving(SciCat(records=some(40), cap=13)) as address:
            yield address


class TestSciCatWithAccount(TestSciCat):
    """The same, as somebody who sees more, of a catalogue that is this facility's own."""

    examples = 5
    given: ClassVar[dict[str, Any]] = {
        "account": ACCOUNT,
        "secret": SecretStr(PASSWORD),
        "is_adopted": True,
    }

    @classmethod
    @contextmanager
    def standing(cls) -> Iterator[str]:
        with serving(SciCat(records=some(40), shows_history=True, has_v4=False)) as address:
            yield address
