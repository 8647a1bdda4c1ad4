"""From facts to rows: identifiers, times, access; pure."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc.domain.times import utc
from panosc.ingest.formats import Contributor, Facts, Specimen
from panosc.ingest.knowledge import probe_of, techniques
from panosc.ingest.records import Terms, orcid, rows_of, slug

TERMS = Terms(prefix="10.5072", time_zone="Europe/Paris", facility="ILL")


def _rows(facts: Facts, terms: Terms = TERMS) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for model, row in rows_of(facts, pid="10.5072/x", name="file.nxs", terms=terms):
        found.setdefault(model, []).append(row)
    return found


def test_a_full_file_becomes_rows() -> None:
    facts = Facts(
        format="NeXus/HDF5",
        title="MgB2",
        start="2024-07-01 12:00:00",
        definitions=("NXsas", "NXfluo"),
        probe="neutron",
        instrument="D22",
        samples=(Specimen(name="MgB2", identifier="S 1"), Specimen(formula="H2O")),
        people=(
            Contributor(name="A. Müller", orcid="0000-0002-1825-0097", affiliation="ILL, Grenoble"),
            Contributor(name="B. Wrong", role="local contact", orcid="0000-0002-1825-0098"),
        ),
    )
    rows = _rows(facts)
    dataset = rows["Dataset"][0]
    assert dataset["title"] == "MgB2"
    assert dataset["creationDate"] == "2024-07-01T10:00:00Z"
    assert (dataset["kind"], dataset["access"], dataset["isPublic"]) == ("raw", "open", True)
    assert dataset["instrumentId"] == rows["Instrument"][0]["pid"] == "10.5072/instrument/ill-d22"
    assert [row["name"] for row in rows["Technique"]] == [
        "small angle neutron scattering",
        "x-ray fluorescence spectroscopy",
    ]
    assert rows["Technique"][0]["pid"] == "http://purl.org/pan-science/PaNET/PaNET01189"
    assert [(row["pid"], row["name"]) for row in rows["Sample"]] == [
        ("10.5072/sample/ill-s-1", "MgB2"),
        ("10.5072/x/sample/2", "H2O"),
    ]
    assert [(row["id"], row["orcid"]) for row in rows["Person"]] == [
        ("0000-0002-1825-0097", "0000-0002-1825-0097"),
        ("b-wrong", None),
    ]
    assert [(row["personId"], row["role"], row.get("affiliationId")) for row in rows["Member"]] == [
        ("0000-0002-1825-0097", "creator", "ill-grenoble"),
        ("b-wrong", "local contact", None),
    ]


def test_a_file_that_says_nothing_is_a_dataset_all_the_same() -> None:
    rows = _rows(Facts(format="NeXus/HDF5"), Terms(prefix="local", time_zone="UTC"))
    assert set(rows) == {"Dataset"}
    assert rows["Dataset"][0]["title"] == "file.nxs"
    assert rows["Dataset"][0]["creationDate"] is None


def test_an_address_is_never_published() -> None:
    person = Contributor(name="Ada")
    assert not any("mail" in name for name in type(person).__slots__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-07-01T12:00:00Z", "2024-07-01T12:00:00Z"),
        ("2024-07-01T12:00:00+02:00", "2024-07-01T10:00:00Z"),
        ("2001-02-07T08:54:21-0600", "2001-02-07T14:54:21Z"),
        ("2024-07-01T12:00:00", "2024-07-01T10:00:00Z"),
        ("2007-12-03 16:16:36", "2007-12-03T15:16:36Z"),
        ("2014-04-25T09:33:43.637", "2014-04-25T07:33:43.637000Z"),
        ("2021-03-29T15:51:44.650319123", "2021-03-29T13:51:44.650319Z"),
        ("04/19/2022 14:41:59", "2022-04-19T12:41:59Z"),
        ("19/04/2022 14:41:59", "2022-04-19T12:41:59Z"),
        ("11-May-2016 12:20:43", "2016-05-11T10:20:43Z"),
        ("2016-06-23", "2016-06-22T22:00:00Z"),
        ("03/04/2022 14:41:59", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        ("0001-01-01T00:00:00", None),
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_times_in_the_spellings_that_are_met(text: str | None, expected: str | None) -> None:
    assert utc(text, zone=ZoneInfo("Europe/Paris")) == expected


@given(
    st.datetimes(datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2100-01-01")),
    st.integers(-12 * 60, 12 * 60),
)
def test_a_time_with_a_zone_means_the_same_everywhere(local: datetime, minutes: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    found = utc(moment.isoformat(), zone=ZoneInfo("Asia/Tokyo"))
    assert found is not None
    assert found.endswith("Z")
    assert datetime.fromisoformat(found) == moment.astimezone(UTC)


def _checked(digits: str) -> str:
    """Return the ORCID iD of 15 digits: its last is such that the weighted sum is 1 modulo 11."""
    weights = [2**power % 11 for power in range(15, 0, -1)]
    total = sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=True))
    last = (1 - total) % 11
    whole = digits + ("X" if last == 10 else str(last))
    return "-".join(whole[i : i + 4] for i in range(0, 16, 4))


@given(st.text("0123456789", min_size=15, max_size=15), st.integers(0, 15), st.integers(1, 9))
def test_an_orcid_counts_only_with_its_check_digit(digits: str, place: int, shift: int) -> None:
    right = _checked(digits)
    assert orcid(f"https://orcid.org/{right}") == right
    positions = [index for index, letter in enumerate(right) if letter.isdigit()]
    where = positions[place % len(positions)]
    wrong = right[:where] + str((int(right[where]) + shift) % 10) + right[where + 1 :]
    assert orcid(wrong) is None


@given(st.text(max_size=200))
def test_every_name_has_a_key_that_fits_into_a_url(name: str) -> None:
    key = slug(name)
    assert 0 < len(key) <= 80
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_names_in_other_scripts_keep_apart() -> None:
    assert slug("小角散乱") != slug("中性子")
    assert slug("Jörg Müller") == slug("jorg muller")


@pytest.mark.parametrize(
    ("words", "probe"),
    [
        ("Spallation Neutron Source", "neutron"),
        ("Reactor Neutron Source", "neutron"),
        ("Synchrotron X-ray Source", "x-ray"),
        ("Free-Electron Laser", "x-ray"),
        ("Pulsed Muon Source", "muon"),
        ("X-ray", "x-ray"),
        ("OPCPA", None),
        (None, None),
    ],
)
def test_probes_are_recognised(words: str | None, probe: str | None) -> None:
    assert probe_of(words) == probe


def test_a_technique_depends_on_the_probe() -> None:
    def labels(definition: str, probe: str | None) -> list[str]:
        return [term.label for term in techniques((definition,), probe)]

    assert labels("NXcanSAS", "x-ray") == ["small angle x-ray scattering"]
    assert labels("NXcanSAS", None) == ["small angle scattering"]
    assert labels("NXmx", "electron") == ["macromolecular crystallography"]
    assert labels("NXscan", "x-ray") == []
