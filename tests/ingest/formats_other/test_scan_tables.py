"""SPEC files against silx; numors of the ILL as their description says."""

from pathlib import Path
from typing import Any

import pytest
import written_files as files
from silx.io.specfile import SpecFile

from panosc.ingest.formats import Facts, Source
from panosc.ingest.formats.ill import IllFormat
from panosc.ingest.formats.spec import SpecFormat


def _facts(form: Any, text: str, name: str = "536854") -> Facts:
    content = text.encode("latin-1")
    source = Source(path=Path(name), head=content, content=content)
    assert form.claims(source)
    facts: Facts = form.read(source)
    return facts


def _values(facts: Facts) -> dict[str, Any]:
    return {item.name: item.value for item in facts.parameters}


# ---- SPEC ----


def test_a_spec_file_says_what_silx_reads(tmp_path: Path) -> None:
    path = tmp_path / "gaas_0815"
    path.write_text(files.SPEC, "utf-8")
    facts = _facts(SpecFormat(), files.SPEC)
    theirs = SpecFile(str(path))
    values = _values(facts)
    assert values["scan_count"] == len(theirs) == 3
    commands = dict.fromkeys(scan.scan_header_dict["S"].split(maxsplit=1)[1] for scan in theirs)
    assert values["scan_command"].split("; ") == [" ".join(line.split()) for line in commands]
    assert facts.start == theirs[0].file_header_dict["D"]
    assert facts.end == theirs[2].scan_header_dict["D"]
    energy = theirs[0].motor_positions[theirs[0].motor_names.index("energy")]
    assert values["photon_energy"] == energy
    assert values["exposure_time"] == 1
    assert facts.title == "GaAs wafer, first day"
    assert [person.name for person in facts.people] == ["opid01"]
    theirs.close()


@pytest.mark.parametrize(
    ("comment", "title"),
    [
        ("fourc  User = specuser", "ascan  th 0 1 10 1"),
        ("my sample  User = specuser", "my sample"),
        ("", "ascan  th 0 1 10 1"),
    ],
)
def test_the_name_of_a_program_is_no_title(comment: str, title: str) -> None:
    text = f"#F a\n#E 1385716800\n#C {comment}\n\n#S 1  ascan  th 0 1 10 1\n#N 1\n#L th\n1\n"
    facts = _facts(SpecFormat(), text)
    assert facts.title == " ".join(title.split())
    assert facts.start == "2013-11-29T09:20:00+00:00"
    assert facts.end is None


def test_a_spec_file_without_a_file_header_is_read() -> None:
    facts = _facts(SpecFormat(), "#S 7  ascan th 0 1 1 1\n#D Fri Nov 29 10:21:07 2013\n#L a\n1\n")
    assert facts.start == "Fri Nov 29 10:21:07 2013"
    assert _values(facts)["scan_count"] == 1


def test_of_a_large_spec_file_both_ends_are_read(tmp_path: Path) -> None:
    scan = "\n#S {0}  ascan th 0 1 1 1\n#D Fri Nov 29 11:{0:02}:00 2013\n#L th\n" + "1\n" * 80_000
    content = (files.SPEC + "".join(scan.format(n) for n in range(4, 34))).encode()
    path = tmp_path / "long"
    path.write_bytes(content)
    facts = SpecFormat().read(Source(path=path, head=content[:4096]))
    assert facts.start == "Fri Nov 29 10:20:00 2013"
    assert facts.end == "Fri Nov 29 11:33:00 2013"
    assert "scan_count" not in _values(facts)
    assert [item.reason for item in facts.refusals] == ["too-large"]
    assert _values(_facts(SpecFormat(), content.decode()))["scan_count"] == 33


# ---- ILL ----


def test_a_powder_numor() -> None:
    facts = _facts(IllFormat(), files.numor())
    assert facts.instrument == "D2B"
    assert facts.title == "Na2Ca3Al2F14 in a cryostat"
    assert facts.start == "2012-04-26T12:08:20"
    assert [(person.name, person.role) for person in facts.people] == [
        ("Curie", None),
        ("SUAR", "local contact"),
    ]
    assert facts.probe == "neutron"
    assert _values(facts) == {
        "run_number": "536854",
        "scan_type": "2theta",
        "scan_points": 25,
        "wavelength": 1.594,
        "sample_temperature_setpoint": 250,
        "regulation_temperature": 249.7,
        "sample_temperature": 249.9,
    }
    units = {item.name: item.unit for item in facts.parameters}
    assert units["wavelength"] == "angstrom"
    assert units["sample_temperature"] == "K"


def test_a_numor_with_lines_of_names() -> None:
    facts = _facts(IllFormat(), files.numor_of_lines())
    assert facts.title == "Kinetics of C3S hydration"
    assert facts.proposal == "5-25-198"
    assert {person.name: person.role for person in facts.people} == {
        "CURIE Marie": None,
        "HANSEN Thomas": "local contact",
    }
    assert (facts.start, facts.end) == ("2001-05-13T10:54:22", "2001-05-13T11:54:22")
    assert _values(facts)["wavelength"] == 2.418


def test_a_triple_axis_scan() -> None:
    facts = _facts(IllFormat(), files.TRIPLE_AXIS)
    assert (facts.instrument, facts.proposal) == ("IN20", "4-01-789")
    assert facts.title == "MnF2, magnon at the zone boundary"
    assert facts.start == "2008-02-12T10:11:12"
    assert {person.name: person.role for person in facts.people} == {
        "Curie": None,
        "Meitner": None,
        "Kulda": "local contact",
    }
    values = _values(facts)
    assert values["scan_command"].startswith("SC QH 1 0 0 5")
    assert (values["q_h"], values["q_k"], values["energy_transfer"]) == (1, 0, 5)
    assert (values["fixed_wavevector"], values["sample_temperature"]) == (2.662, 4.25)
    assert values["magnetic_field"] == 3.5


def test_names_stay_with_their_values_when_a_value_is_missing() -> None:
    spoilt = files.numor().replace("  2.49700000E+02", "        ********")
    values = _values(_facts(IllFormat(), spoilt))
    assert "regulation_temperature" not in values
    assert values["sample_temperature"] == 249.9


@pytest.mark.parametrize("counts", ["99999999", "-3", "x", "1e9"])
def test_counts_that_are_wrong_do_no_harm(counts: str) -> None:
    spoilt = files.numor().replace("      11       3", f"{counts:>8}{counts:>8}")
    facts = _facts(IllFormat(), spoilt)
    assert facts.instrument == "D2B"
