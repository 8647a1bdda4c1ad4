"""Names, units, dates and sizes as people write them; mistakes are explained with the nearest."""

import time

import pytest

from panosc.domain.query import Not, Related
from panosc.search.language.names import Names
from panosc.search.language.selection import Excluded
from panosc.search.language.spans import days, read_days, read_sizes, read_years, sizes
from panosc.search.language.url import parse, read_box

UNITS = {
    "temperature": ["K"],
    "incident_wavelength": ["angstrom"],
    "photon_energy": ["eV"],
    "dose": ["arb"],
    "q_max": ["1/angstrom"],
}
PLACES = {"ess": "ESS", "ill": "ILL"}
INSTRUMENTS = {"d22": "10.5072/d22", "10.5072/d22": "10.5072/d22"}
SPELLINGS = {"facility": PLACES, "instrument": INSTRUMENTS, "technique": {"own:x": "own:x"}}
NAMES = Names(
    parameters=[*UNITS, "chemical_formula"],
    units=lambda name: UNITS.get(name, ()),
    spellings=SPELLINGS.get,
)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("wavelength:0.9..1.1Å", [("incident_wavelength", "0.9..1.1 angstrom")]),
        ("wavelength:0.9..1.1 A", [("incident_wavelength", "0.9..1.1 angstrom")]),
        ("incident_wavelength:4A..0.8nm", [("incident_wavelength", "0.4..0.8 nm")]),
        ("temperature:<300K", [("temperature", "<300 K")]),
        ('temperature:"<= 300 K"', [("temperature", "..300 K")]),
        ("temperature:≥5K", [("temperature", "5.. K")]),
        ("temperature:-20..5°C", [("temperature", "-20..5 degC")]),
        ("temperature:300 kelvin", [("temperature", "300 K")]),
        ("Temperature:>1e2K", [("temperature", ">100 K")]),
        ("energy:12keV", [("photon_energy", "12 keV")]),
        ("dose:5arb", [("dose", "5 arb")]),
        ("q_max:0.1..0.5Å⁻¹", [("q_max", "0.1..0.5 1/angstrom")]),
        ("formula:Cu", [("chemical_formula", "Cu")]),
        ("-formula:Cu", [("-chemical_formula", "Cu")]),
        ("facility:(ess OR ill)", [("facility", "ESS"), ("facility", "ILL")]),
        ("beamline:d22", [("instrument", "10.5072/d22")]),
        ("technique:small-angle-scattering", [("technique", "PaNET01124")]),
        ('technique:"X-Ray Diffraction"', [("technique", "PaNET01216")]),
        (
            "technique:http://purl.org/pan-science/PaNET/PaNET01189",
            [("technique", "PaNET01189")],
        ),
        ("technique:own:X", [("technique", "own:x")]),
        ("technique:INS", [("technique", "PaNET01245")]),
        ("doi:https://doi.org/10.5072/x", [("pid", "10.5072/x")]),
        ("access:public kind:RAW", [("kind", "raw"), ("access", "open")]),
        ("size:>1.5GB", [("bytes", ">1500MB")]),
        ("created:2024-3-7", [("created", "2024-03-07")]),
        ("year:>2020", [("year", "2021..")]),
        ("sort:-released page:3", [("q", "page:3"), ("sort", "-released")]),
        ("title: silver", [("title", "silver")]),
        ("title:", []),
        ("https://doi.org/10.1/x 12:30 Fe:Co", [("q", "https://doi.org/10.1/x 12:30 Fe:Co")]),
        ('"technique:SANS"', [("q", '"technique:SANS"')]),
        ("elements:Li,Fe", [("q", "elements:Li,Fe")]),
    ],
)
def test_what_people_write(text: str, pairs: list[tuple[str, str]]) -> None:
    selection = read_box(text, NAMES)
    assert selection.params() == pairs
    assert selection.problems == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tecnique:SANS", "There is no field “tecnique”; it was looked for as words. Did you"),
        ("temperatur:5K", "Did you mean temperature?"),
        ("temperature:5nm", "“nm” is not a unit of temperature. Its values are in K."),
        ("temperature:5kelvn", "There is no unit “kelvn”. Did you mean K? Its values are in K."),
        ("energy:12kev/s2z", "There is no unit “kev/s2z”."),
        ("facility:ESSS", "There is no facility “ESSS” here. Did you mean ESS?"),
        ("technique:tomografy", "Did you mean tomography?"),
        ("year:soon", "“soon” is no year"),
        ("created:2024-13", "“2024-13” is no date"),
        ("size:big", "“big” is no size"),
        ("access:secret", "Access is one of"),
        ("sort:colour", "Results cannot be sorted"),
    ],
)
def test_mistakes_are_explained(text: str, says: str) -> None:
    selection = read_box(f"ice {text}", NAMES)
    assert len(selection.problems) == 1
    assert says in selection.problems[0]
    assert selection.words.startswith("ice")
    assert not list(selection.filters())


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("2024", "2024"),
        ("2024-2-29", "2024-02-29"),
        (">2024", "2025.."),
        ("<2024-03", "..2024-02"),
        (">2024-02-28", "2024-02-29.."),
        (">=2024-01", "2024-01.."),
        ("<=2024", "..2024"),
        ("2023..", "2023.."),
        ("..", None),
        ("2023-02-30", None),
        ("2023..2024..2025", None),
        (">2023..2024", None),
        (">9999", None),
        ("<0001", None),
        ("", None),
        ("0000", None),
    ],
)
def test_days(text: str, spelt: str | None) -> None:
    assert read_days(text) == spelt
    if spelt:
        assert days(spelt) is not None
        assert read_days(spelt) == spelt


def test_a_month_ends_with_its_last_day() -> None:
    start, end = days("2024-02") or (None, None)
    assert (start and start.isoformat(), end and end.isoformat()) == (
        "2024-02-01T00:00:00+00:00",
        "2024-03-01T00:00:00+00:00",
    )
    assert (days("..9999") or (0, 0))[1] is None


@pytest.mark.parametrize(
    ("text", "spelt", "meant"),
    [
        ("1GB", "1GB", (10**9, 10**9)),
        ("1.5 gb..", "1500MB..", (1_500_000_000, None)),
        ("..1KiB", "..1024B", (None, 1024)),
        (">1MB", ">1MB", (10**6 + 1, None)),
        ("<=0", "..0B", (None, 0)),
        ("999999999PB", None, None),
        ("..", None, None),
        ("-1GB", None, None),
        ("1GB..x", None, None),
        ("1e3", None, None),
    ],
)
def test_sizes(text: str, spelt: str | None, meant: object) -> None:
    assert read_sizes(text) == spelt
    assert sizes(spelt or text) == meant


@pytest.mark.parametrize(
    ("text", "spelt"),
    [("2020", "2020"), (">=2020", "2020.."), ("<1", None), (">9999", None), ("2020-01", None)],
)
def test_years(text: str, spelt: str | None) -> None:
    assert read_years(text) == spelt


def test_what_is_excluded_is_denied_as_a_whole() -> None:
    selection = parse([("-facility", "ESS"), ("-facility", "ILL"), ("-temperature", "<80 K")])
    assert selection.excluded[0] == Excluded(name="facility", value="ESS")
    where = selection.query().where
    assert [type(clause) for clause in getattr(where, "clauses", ())] == [Not, Not]
    first = getattr(where, "clauses", (None,))[0]
    assert isinstance(first, Not)
    assert isinstance(first.clause, Related)
    assert first.clause.clause.operands == ("ESS", "ILL")  # type: ignore[union-attr]
    assert selection.without("-facility").params() == [("-temperature", "<80 K")]
    assert selection.without("facility") == selection


@pytest.mark.parametrize(
    "text",
    [
        "a:" * 500,
        '"' * 1000,
        "(" * 1000,
        "facility:(" + "a or " * 190 + ")",
        "wavelength:" + "1" * 980,
        "wavelength:" + ".." * 480,
        "wavelength:1" + " " * 900 + "..2",
        "x" * 1001,
        "technique:" + "a" * 290,
        "temperature:1" + "/m" * 140,
        "\u202etitle:abc\u2066 facility:\u202e",
        "title:\ud800",
        "title:a\0b",
        "-" * 1000,
        "- -: +: :: -a: a:-",
        "bytes:" + "9" * 200 + "PB",
        "created:" + "9" * 200,
        "\U0001d495itle:x \uff54itle:y",
    ],
    ids=lambda text: f"{text[:8]!a}-{len(text)}",
)
def test_hostile_texts_are_read_quickly(text: str) -> None:
    start = time.process_time()
    selection = read_box(text, NAMES)
    selection.query()
    assert time.process_time() - start < 2
    assert len(list(selection.filters())) <= 100
    assert all(sentence.isprintable() and len(sentence) < 300 for sentence in selection.problems)
    assert parse(selection.params(), names=NAMES).params() == selection.params()


def test_many_parts_are_cut() -> None:
    selection = parse([(f"p_{number}", "1..2") for number in range(600)])
    assert len(selection.ranges) == 50
    assert len(selection.problems) <= 50
    selection = parse([("-kind", str(number)) for number in range(600)])
    assert len(selection.excluded) == 50
