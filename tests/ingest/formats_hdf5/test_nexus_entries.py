"""Files of several scans: what each says alone, and what they say together."""

import subprocess
import sys
from pathlib import Path

import h5py
import hdf5_written as written
import hostile
import pytest

from panosc.domain.errors import Unreadable
from panosc.ingest.formats import Source, Specimen

SCANS = [
    ("ascan samy 0 4 4 0.1", "2024-03-01T10:00:00+01:00", "2024-03-01T10:05:00+01:00"),
    ("loopscan 5 0.1", "2024-03-01T10:10:00+01:00", "2024-03-01T10:15:00+01:00"),
    ("amesh samy 0 1 4 samz 0 1 4 0.1", "2024-03-01T10:20:00+01:00", "2024-03-01T10:25:00+01:00"),
]


def test_every_scan_of_a_session_file_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "sample_0001.h5"
    written.bliss(path, SCANS).close()
    facts = written.facts_of(path, by_entry=True)
    by_name = {part.name: part.facts for part in facts.parts}
    assert set(by_name) == {"1.1", "2.1", "3.1"}
    for number, (title, start, end) in enumerate(SCANS, start=1):
        part = by_name[f"{number}.1"]
        assert (part.title, part.start, part.end) == (title, start, end)
        assert part.instrument == "ESRF-ID11"
        assert part.samples == (Specimen(name=f"sample{number}"),)
        assert part.default_plot == f"/{number}.1/plotselect/diode1"
        assert part.entries == 1
        values = {(item.name, item.value, item.unit) for item in part.parameters}
        assert ("sample_temperature", 20.0 + number, "K") in values
        assert sum(name == "sample_temperature" for name, _, _ in values) == 1
        assert ("creator", "Bliss", None) in values
        assert all(item.path.startswith((f"/{number}.1/", "/@")) for item in part.parameters)
        assert (part.refusals, part.parts, part.is_open) == ((), (), False)


def test_together_they_last_from_the_first_start_to_the_last_end(tmp_path: Path) -> None:
    path = tmp_path / "sample_0001.h5"
    written.bliss(path, SCANS).close()
    facts = written.facts_of(path)
    # BLISS makes the last scan the default one
    assert facts.title == SCANS[2][0]
    assert (facts.start, facts.end) == (SCANS[0][1], SCANS[2][2])
    assert facts.default_plot == "/3.1/plotselect/diode1"
    assert {sample.name for sample in facts.samples} == {"sample1", "sample2", "sample3"}
    assert (facts.entries, facts.parts, facts.refusals) == (3, (), ())


def test_times_in_other_zones_are_compared_as_times(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    scans = [
        ("b", "2024-03-01T12:00:00+05:00", "2024-03-01T12:30:00+05:00"),
        ("a", "2024-03-01T09:00:00.5Z", "2024-03-01T09:00:00.75Z"),
        ("c", "2024-03-01T09:00:00Z", "2024-03-01T09:00:00.7Z"),
    ]
    written.bliss(path, scans).close()
    facts = written.facts_of(path)
    assert (facts.start, facts.end) == (scans[0][1], scans[1][2])


def test_while_one_scan_has_no_end_the_file_has_none(tmp_path: Path) -> None:
    path = tmp_path / "sample_0001.h5"
    written.bliss(path, [*SCANS[:2], (*SCANS[2][:2], None)]).close()
    facts = written.facts_of(path, by_entry=True)
    assert facts.end is None
    assert facts.start == SCANS[0][1]
    assert {part.name: part.facts.end for part in facts.parts} == {
        "1.1": SCANS[0][2],
        "2.1": SCANS[1][2],
        "3.1": None,
    }
    # no writer says that it is at it: the file is not open
    assert not facts.is_open


def test_what_a_writer_has_open_for_readers_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sample_0001.h5"
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); import hdf5_written as written;"
        "from test_nexus_entries import SCANS; from pathlib import Path;"
        "file = written.bliss(Path(sys.argv[1]), [SCANS[0], (*SCANS[1][:2], None)],"
        " libver='latest'); file.swmr_mode = True; file.flush();"
        "print('written', flush=True); sys.stdin.read(); file.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path), str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{Path(hostile.__file__).parent}:{Path(__file__).parent}"},
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline().strip() == "written"
        facts = written.facts_of(path, by_entry=True)
        assert facts.is_open
        assert (facts.title, facts.end, facts.entries) == (SCANS[1][0], None, 2)
        # a scan that has ended is whole, whatever becomes of the file
        assert {p.name: p.facts.is_open for p in facts.parts} == {"1.1": False, "2.1": True}
        # a large file is read where it lies, from its first bytes
        with path.open("rb") as file:
            head = file.read(4096)
        assert Source(path=path, head=head).is_written
        writer.communicate()
    assert not written.facts_of(path).is_open


def test_what_a_writer_has_open_for_itself_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with written.bliss(path, SCANS, libver="latest") as file:
        file.flush()
        with pytest.raises(Unreadable) as caught:
            written.facts_of(path)
        assert caught.value.reason == "open-for-writing"
    assert not written.facts_of(path).is_open


@pytest.mark.parametrize(
    "fields",
    [
        {"experiment_identifier": "hg-123"},
        {"proposal_identifier": "hg-123", "experiment_identifier": "visit 5"},
        {"proposal_id": " hg-123 "},
    ],
    ids=["experiment", "identifier", "id"],
)
def test_a_proposal_is_told(tmp_path: Path, fields: dict[str, str]) -> None:
    with hostile.nexus(tmp_path / "x.nxs") as file:
        for name, value in fields.items():
            file["entry"][name] = value
    assert written.facts_of(tmp_path / "x.nxs").proposal == "hg-123"


def test_one_entry_is_one_part(tmp_path: Path) -> None:
    hostile.nexus(tmp_path / "x.nxs", title="alone").close()
    whole = written.facts_of(tmp_path / "x.nxs", by_entry=True)
    (part,) = whole.parts
    assert part.name == "entry"
    for name in ("title", "start", "samples", "people", "parameters", "default_plot", "probe"):
        assert getattr(part.facts, name) == getattr(whole, name), name


def test_what_is_refused_in_one_entry_is_not_held_against_the_others(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with written.bliss(path, SCANS) as file:
        del file["2.1/title"]
        file["2.1/title"] = h5py.ExternalLink("/etc/passwd", "/")
    facts = written.facts_of(path, by_entry=True)
    refused = {part.name: [item.reason for item in part.facts.refusals] for part in facts.parts}
    assert refused == {"1.1": [], "2.1": ["external-link"], "3.1": []}
    assert [item.reason for item in facts.refusals] == ["external-link"]
