"""What ICAT's messages say: as the ESRF's own library writes them, and as nobody should."""

import contextlib
import warnings
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st
from pyicat_plus._icat_messaging.serializers.dataset import serialize_dataset_message
from pyicat_plus._icat_messaging.serializers.investigation import serialize_investigation_message

from panosc.catalogue.intake import announcement
from panosc.domain.errors import Invalid
from panosc.ingest.messages import icat
from panosc.ingest.messages.bodies import Announced
from panosc.ingest.messages.icat import Investigation
from panosc.ingest.messages.listening import broker, keep
from panosc.ingest.messages.register import Register

NS = 'xmlns:tns="http://www.esrf.fr/icat"'


def written(**metadata: Any) -> bytes:
    with warnings.catch_warnings():
        # it warns of what its definitions do not know
        warnings.simplefilter("ignore")
        return serialize_dataset_message(
            beamline="ID02",
            proposal="HG-123",
            dataset="capillary_0001",
            path="/data/visitor/hg123/id02/20260101/RAW_DATA/capillary/capillary_0001",
            metadata={"Sample_name": "silver behenate", **metadata},
        )


def test_a_raw_dataset_as_the_esrf_writes_it() -> None:
    message = written(
        startDate="2026-01-02T10:00:00+01:00",
        endDate="2026-01-02T11:00:00+01:00",
        InstrumentMonochromator_energy=12.4,
        InstrumentSource_current=199.5,
        SamplePositioners_value=[1.5, 2],
        Sample_chemical_formula="C22H43AgO2",
        definition=["SAXS"],
        scanNumber=7,
    )
    found = icat.read(message)
    assert isinstance(found, Announced)
    assert found.paths == ["/data/visitor/hg123/id02/20260101/RAW_DATA/capillary/capillary_0001"]
    assert found.complete
    assert (found.title, found.kind) == ("capillary_0001", "raw")
    assert (found.proposal, found.instrument) == ("hg-123", "id02")
    assert found.start is not None
    assert found.start.isoformat() == "2026-01-02T10:00:00+01:00"
    [sample] = found.samples
    assert (sample.name, sample.formula) == ("silver behenate", "C22H43AgO2")
    by_name = {item.name: item for item in found.parameters}
    energy = by_name["photon_energy"]
    assert (energy.value, energy.unit) == (12.4, "keV")
    assert energy.path == "/instrument/monochromator/energy"
    assert (by_name["source_current"].value, by_name["source_current"].unit) == (199.5, "mA")
    assert by_name["SamplePositioners_value"].value == "1.5 2"
    assert by_name["scanNumber"].value == 7
    assert not {"location", "proposal", "startDate", "Sample_name"} & set(by_name)
    assert found.techniques == ["PaNET01188"]
    assert found.derived_from == []


def test_a_processed_dataset_names_what_it_was_made_from() -> None:
    found = icat.read(written(input_datasets=["/data/a", "/data/b"]))
    assert isinstance(found, Announced)
    assert found.kind == "reduced"
    assert found.derived_from == ["/data/a", "/data/b"]


def test_an_investigation_begins() -> None:
    found = icat.read(serialize_investigation_message("ID02", "HG-123"))
    assert isinstance(found, Investigation)
    assert (found.proposal, found.instrument) == ("hg-123", "id02")


def test_files_and_values_of_the_sample_are_understood_where_they_are_sent() -> None:
    message = f"""<tns:dataset {NS} complete="false"><tns:investigation>x-1</tns:investigation>
    <tns:instrument>bm02</tns:instrument><tns:name>n</tns:name><tns:location>/data/x</tns:location>
    <tns:sample><tns:name>s</tns:name><tns:parameter><tns:name>Sample_thickness</tns:name>
    <tns:value>2</tns:value></tns:parameter></tns:sample>
    <tns:datafile><tns:location>/data/x/a.h5</tns:location></tns:datafile>
    <tns:datafile><tns:location>b.h5</tns:location></tns:datafile></tns:dataset>"""
    found = icat.read(message.encode())
    assert isinstance(found, Announced)
    assert not found.complete
    assert found.paths == ["/data/x/a.h5", "/data/x/b.h5"]
    [thickness] = found.parameters
    assert (thickness.name, thickness.value, thickness.unit) == ("sample_thickness", 2, "mm")


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    f"<tns:dataset {NS}><tns:location>&b;</tns:location></tns:dataset>"
)
FILE = (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    f"<tns:dataset {NS}><tns:location>&a;</tns:location></tns:dataset>"
)
NONSENSE = {
    "empty": (b"", "not XML"),
    "text": (b"hello", "not XML"),
    "json": (b'{"datasetId": 1}', "not XML"),
    "cut": (written()[:300], "not XML"),
    "bytes": (bytes(range(256)), "not XML"),
    "other": (b"<x/>", "neither a dataset"),
    "nowhere": (f"<tns:dataset {NS}/>".encode(), "location"),
    "nameless": (f"<tns:investigation {NS}/>".encode(), "experiment"),
    "entities": (LAUGHS.encode(), "not read"),
    "outside": (FILE.encode(), "not read"),
    "encoding": (b'<?xml version="1.0" encoding="unheard-of"?><x/>', ""),
    "time": (written().replace(b"<tns:startDate>2", b"<tns:startDate>never 2"), "start"),
    "long": (written(Sample_description="x" * 30_000), "samples"),
    "huge": (b"<x>" + b" " * icat.LARGEST, "bytes"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_what_makes_no_sense_is_refused_with_the_reason(name: str) -> None:
    content, reason = NONSENSE[name]
    with pytest.raises(Invalid) as caught:
        icat.read(content)
    assert reason in caught.value.detail


@given(st.binary(max_size=300), st.integers(0, 2000), st.integers(0, 50))
@example(b"]]>", 40, 0)
def test_no_message_is_worse_than_refused(noise: bytes, at: int, cut: int) -> None:
    message = written(input_datasets=["/data/a"])
    place = at % len(message)
    # anything but what can be told to a person fails the test
    with contextlib.suppress(Invalid):
        icat.read(message[:place] + noise + message[place + cut :])


def test_nothing_is_lost_of_what_makes_no_sense(engine: sa.Engine, settings: Any) -> None:
    from announcing_node import NOW  # noqa: PLC0415 - hypothesis wants the name `given`

    register = Register(engine, settings, lambda: NOW)
    for content, _ in NONSENSE.values():
        keep(register, content)
        # the broker sends it again
        keep(register, content)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(announcement)).all()
    assert len(rows) == len(NONSENSE)
    assert {(row.state, row.kind) for row in rows} == {("failed", "icat-unknown")}
    assert all(row.detail for row in rows)
    kept = {row.body["message"] for row in rows}
    assert "hello" in kept
    assert LAUGHS in kept
    assert max(map(len, kept)) <= 200_000


def test_the_address_of_a_broker() -> None:
    found = broker("stomp://us%40er:p%3Aw@mq.example:61614")
    assert (found.host, found.port, found.user, found.password) == (
        "mq.example",
        61614,
        "us@er",
        "p:w",
    )
    assert "p:w" not in f"{found} {found!r}"
    assert broker("stomps://mq.example").is_encrypted
    assert broker("stomp://mq.example").port == 61613
    for wrong in ("", "mq.example:61613", "http://mq.example", "stomp://:secret@", "stomp://h:x"):
        with pytest.raises(Invalid) as caught:
            broker(wrong)
        assert "secret" not in caught.value.detail
