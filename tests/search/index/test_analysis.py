"""Stems, spellings, formulas, units, impacts: both sides of a search read alike."""

# ruff: noqa: RUF001 (signs that look alike are what this is about)

import re
import string
import time
from importlib import resources
from pathlib import Path

import nexusformat
import pytest
import snowballstemmer
from hypothesis import example, given
from hypothesis import strategies as st

from panosc.search.index import analysis
from panosc.search.index.analysis import (
    LEVEL_VALUES,
    LEVELS,
    alternatives,
    elements,
    impacts,
    rarity,
    score,
    stems,
    surface_words,
)
from panosc.search.index.text import formulas, spelling
from panosc.search.panet import ontology

SUBSCRIPTS = str.maketrans(string.digits, "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans(string.digits + "+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
FIELDS = sorted(analysis.WEIGHTS)
texts = st.text(max_size=80)
words = st.text(st.characters(categories=["Ll", "Lu", "Nd"]), min_size=1, max_size=12)
records = st.dictionaries(st.sampled_from(FIELDS), st.lists(texts, max_size=3))


def flat(rows: list[list[str]]) -> set[str]:
    return {stem for row in rows for stem in row}


def findable(text: str) -> set[str]:
    return set().union(*impacts({"title": [text]}))


def is_found(question: str, text: str) -> bool:
    """Whether a word of a question is in a text, in one of its forms."""
    there, row = findable(text), [stem for stem in stems(text) if stem]

    def stands(wanted: list[str]) -> bool:
        if len(wanted) == 1:
            return wanted[0] in there
        size = len(wanted)
        return any(row[at : at + size] == wanted for at in range(len(row)))

    return any(stands(wanted) for wanted in alternatives(question))


# -- spellings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forms",
    [
        "crystallise crystallised crystallising crystallisation crystallize crystallization",
        "colour colours color colors coloured colored",
        "fibre fibres fiber fibers",
        "tumour tumours tumor",
        "polarised polarized polarisation polarization",
        "ageing aging aged",
        "analyse analysed analysing analyze analyzed analysis analyses",
        "spectrum spectra",
        "tooth teeth",
        "tomography tomographic",
        "spectroscopy spectroscopic",
        "aluminium aluminum",
        "sulphate sulfate sulfates",
        "haemoglobin hemoglobin",
        "caesium cesium",
        "centre center centres",
        "nanometre nanometres nanometer nanometers",
        "x-ray X-Ray xray x‑ray x-rays XRAYS",
        "in-situ insitu In-Situ",
        "nanoparticle nano-particles nanoparticles",
        "quasielastic quasi-elastic",
        "Müller Muller muller MÜLLER Müller",
        "Sørensen Sorensen",
        "Ångström angstrom Å",
        "Łódź Lodz",
        "straße strasse",
        "µm μm um",
    ],
)
def test_one_stem_for_all_forms(forms: str) -> None:
    assert len({tuple(stems(form)) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("noise", "nose"),
        ("precise", "price"),
        ("rise", "rize"),
        ("SANS", "SAXS"),
        ("polar", "polymer"),
        ("neutron", "neutrino"),
        ("Fe2O3", "Fe3O4"),
        ("12", "120"),
    ],
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert stems(one) != stems(other)


def test_positions_stay_true_where_a_word_says_nothing() -> None:
    assert stems("The growth of thin films") == ["", "growth", "", "thin", "film"]


def test_the_stemmer_is_the_published_one() -> None:
    """The words of PaNET and of the NeXus definitions, against the reference of Snowball."""
    reference = snowballstemmer.stemmer("english")
    folder = Path(str(nexusformat.__file__)).parent / "definitions"
    sources = [resources.files("panosc.search").joinpath("panet.json").read_text("utf-8")]
    sources += [path.read_text("utf-8") for path in sorted(folder.rglob("NX*.nxdl.xml"))[:80]]
    vocabulary = set(re.findall(r"[a-z]{2,}", " ".join(sources).lower()))
    assert len(vocabulary) > 2000
    stemmer = spelling._stemmer
    wrong = {
        word: reference.stemWord(word)
        for word in vocabulary
        if "".join(stemmer.analyze(word)) != reference.stemWord(word)
    }
    assert wrong == {}


@given(texts)
def test_reading_is_the_same_each_time_and_bounded(text: str) -> None:
    found = stems(text)
    assert found == stems(text)
    for stem in found + sorted(findable(text)):
        assert len(stem.encode("utf-8")) < 4 * analysis._REMEMBERED
        assert not any(letter.isspace() for letter in stem)


@given(texts)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert spelling.fold(spelling.fold(text)) == spelling.fold(text)


@given(st.text("abcdefghijklmnop ", max_size=40), st.sampled_from("\u0301\u0308\u0327\u030a"))
def test_accents_do_not_matter(text: str, accent: str) -> None:
    assert stems(text.replace("e", "e" + accent).replace("o", "o" + accent)) == stems(text)


@given(words)
def test_a_word_finds_itself(word: str) -> None:
    if alternatives(word):
        assert is_found(word, f"about {word} here")


@given(st.lists(words, min_size=2, max_size=3))
def test_a_compound_finds_itself(parts: list[str]) -> None:
    word = "-".join(parts)
    if alternatives(word):
        assert is_found(word, f"about {word} here")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("small-angle", "small angle scattering"),
        ("small-angle", "small-angle scattering"),
        ("smallangle", "small-angle scattering"),
        ("SANS-I", "measured at SANS-I"),
        ("sans-i", "SANS-I PSI"),
        ("id01", "ID01 of the ESRF"),
        ("ray", "X-ray diffraction"),
        ("situ", "in situ diffraction"),
        ("5nm", "particles of 5 nm"),
        ("5", "particles of 5nm"),
        ("nm", "particles of 5nm"),
        ("12keV", "at 12 keV"),
        ("100K", "at 100 K"),
        ("0.5K", "at 0.50 K"),
        ("300°C", "at 300 °C"),
        ("lactalbumin", "α-Lactalbumin"),
        ("alpha", "α-Lactalbumin"),
        ("β-Ga2O3", "beta Ga2O3"),
        ("10.5072/some-doc.29", "https://doi.org/10.5072/some-doc.29"),
        ("https://doi.org/10.5072/some-doc.29", "10.5072/some-doc.29"),
        ("Dupont", "Marie-Hélène Dupont"),
        ("photon_energy", "photon energy"),
    ],
)
def test_what_finds_what(question: str, text: str) -> None:
    assert is_found(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("small-angle", "small steps, wide angle"),
        ("5nm", "50 nm"),
        ("LiFePO4", "LiMnPO4"),
        ("the", "the"),
        ("", "anything"),
        ("- +", "anything"),
    ],
)
def test_what_does_not_find_what(question: str, text: str) -> None:
    assert not is_found(question, text)


# -- formulas and units ------------------------------------------------------------------------

FORMULAS = [
    "LiFePO4", "Fe3O4", "YBa2Cu3O7", "CuSO4", "BaTiO3", "C2H6", "Ca3SiO5", "Bi2Sr2CaCu2O8",
    "LiNi0.8Mn0.1Co0.1O2", "(NH4)2SO4", "NaCl", "GaAs",
]  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_with_subscripts_are_the_same(formula: str) -> None:
    assert stems(formula.translate(SUBSCRIPTS)) == stems(formula)
    assert elements(formula.translate(SUBSCRIPTS)) == elements(f"with {formula} in it")
    assert len(elements(formula)) > 1
    assert is_found(formula.lower(), f"powder of {formula}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("LiFePO4", "FeLiO4P"),
        ("CuSO4·5H2O", "CuSO4.5H2O"),
        ("CuSO4·5H2O", "CuSO4 · 5 H2O"),
        ("CuSO4*5H2O", "CuSO4•5H₂O"),
        ("CuSO4", "CuSO4·5H2O"),
        ("Fe3+", "Fe³⁺"),
        ("Fe3+", "Fe(III)"),
        ("Fe", "Fe3+"),
        ("YBa2Cu3O7-x", "YBa₂Cu₃O₇₋δ"),
        ("YBa2Cu3O7", "YBa2Cu3O7-δ"),
        ("Ca2+", "Ca²⁺"),
        ("H2O", "in H₂O"),
        ("Fe2O3", "γ-Fe2O3"),
        ("Fe2O3", "(Fe2O3)"),
        ("TiO2", "Au/TiO2"),
    ],
)
def test_variants_of_formulas(one: str, other: str) -> None:
    assert is_found(one, other)


@given(st.lists(st.sampled_from(sorted(formulas.SYMBOLS)), min_size=2, max_size=5, unique=True),
       st.randoms(use_true_random=False))  # fmt: skip
def test_the_order_of_the_elements_does_not_matter(symbols: list[str], chance: "st.Random") -> None:
    counted = [symbol + str(chance.randint(2, 9)) for symbol in symbols]
    one = formulas.read("".join(counted))
    chance.shuffle(counted)
    other = formulas.read("".join(counted))
    if one is not None and other is not None:
        assert one.composition == other.composition
        assert set(symbols) <= one.elements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LiFePO₄ cathodes", "Li Fe P O"),
        ("Fe3O4 and TiO2", "Fe O Ti"),
        ("rock salt NaCl.", "Na Cl"),
        ("(La1-xCaxMnO3)", "La Ca Mn O"),
        ("Ti-6Al-4V parts", "Ti Al V"),
        ("Co/Pt layers", "Co Pt"),
        ("Au/TiO2", "Au Ti O"),
        ("Fe³⁺ in glass", "Fe"),
        ("heavy water D2O", "D H O"),
        ("CuSO4·5H2O", "Cu S O H"),
        ("Cu", "Cu"),
        ("In the beam He said CO", ""),
        ("INSTITUTE SANS BaFFLing PHONON NO", ""),
        ("PHONON", ""),
        ("ID22 IN5 IN15 P65 I06 B18 D33 ID01", ""),
        ("P65", "P"),
        ("Mn12 acetate", ""),
        ("a lifepo4 cell", ""),
        ("", ""),
    ],
)
def test_elements(text: str, expected: str) -> None:
    assert elements(text) == frozenset(expected.split())


@given(texts)
def test_elements_are_elements(text: str) -> None:
    assert elements(text) <= formulas.SYMBOLS


@pytest.mark.parametrize("unit", ["K", "nm", "keV", "GPa", "T", "mm", "angstrom", "bar", "mbar"])
@pytest.mark.parametrize("value", ["5", "0.5", "120", "12.40"])
def test_a_space_before_a_unit_does_not_matter(value: str, unit: str) -> None:
    assert stems(f"glass at {value}{unit}, in air") == stems(f"glass at {value} {unit} in air")


@pytest.mark.parametrize("code", ["ID16B", "3D", "SANS2D", "12x", "v1", "MCM-41"])
def test_codes_are_no_values(code: str) -> None:
    assert stems(code)[0] == code.partition("-")[0].lower()


# -- slips ---------------------------------------------------------------------------------------


@given(
    st.sampled_from(sorted({word for one in ontology() for word in one.label.split()})),
    st.data(),
)
def test_one_slip_is_seen_through(word: str, data: st.DataObject) -> None:
    [[stem]] = [row[:1] for row in alternatives(word)[:1]] or [[""]]
    if not word.isalpha() or len(word) < 5 or not stem:
        return
    place = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    left, right = word[:place], word[place:]
    for typed in (
        left + right[1:],
        left + letter + right,
        left + letter + right[1:],
        left + right[1:2] + right[:1] + right[2:],
    ):
        assert stem in analysis.slips(typed) | {stem for row in alternatives(typed) for stem in row}


@pytest.mark.parametrize("word", ["ice", "LiFePO4", "300", "x-ray", "", "a b", "é" * 3, "q" * 99])
def test_what_is_no_plain_word_has_no_slips(word: str) -> None:
    assert analysis.slips(word) == frozenset()


# -- weights -----------------------------------------------------------------------------------


@given(records, st.lists(texts, max_size=2))
def test_stems_asked_for_one_by_one_weigh_what_they_weigh_together(
    record: dict[str, list[str]], others: list[str]
) -> None:
    levels = {stem: at for at, level in enumerate(impacts(record)) for stem in level}
    weighing = analysis.Weighing(record)
    asked = levels.keys() | {stem for text in others for stem in stems(text) if stem}
    for stem in asked:
        total = weighing.of(stem)
        assert (total > 0) == (stem in levels)
        assert not total or analysis.level_of(total) == levels[stem]


pieces = st.sampled_from(
    [
        "X",
        "x",
        "-",
        " ",
        "ray",
        "RAYS",
        "in",
        "In",
        "ex",
        "situ",
        "VIVO",
        "operando",
        "micro",
        "bio",
    ]
)


@given(st.lists(pieces | texts, max_size=8))
@example(["X", " ", "ray"])
@example(["in", " ", "situ"])
@example(["Ex", " ", "VIVO"])
@example(["in", " ", "vitro"])
@example(["in", " ", "operando"])
@example(["bio", "-", "physics"])
def test_texts_without_compounds_need_not_be_searched_for_any(some: list[str]) -> None:
    text = spelling.fold("".join(some))
    assert analysis._together(text) == analysis._JOINED.sub(analysis._join, text)


@given(records)
def test_each_stem_is_in_one_level(record: dict[str, list[str]]) -> None:
    found = impacts(record)
    assert len(found) == LEVELS
    assert sum(map(len, found)) == len(frozenset().union(*found))
    wanted = {stem for values in record.values() for text in values for stem in stems(text)} - {""}
    assert wanted <= frozenset().union(*found)
    assert impacts(dict(reversed(record.items()))) == found


def test_levels_rise_and_stay_in_bounds() -> None:
    assert len(LEVEL_VALUES) == LEVELS
    assert list(LEVEL_VALUES) == sorted(set(LEVEL_VALUES))
    assert LEVEL_VALUES[0] > 0
    assert LEVEL_VALUES[-1] <= 1


def level_of(stem: str, record: dict[str, list[str]]) -> int:
    return next(level for level, found in enumerate(impacts(record)) if stem in found)


def test_where_a_word_stands_and_how_often_counts() -> None:
    title = {"title": ["bone scan"], "abstract": ["a study of lungs"]}
    abstract = {"title": ["lung scan"], "abstract": ["a study of bone"]}
    broader = {"title": ["lung scan"], "broader": ["bone imaging"]}
    both = {"title": ["bone scan"], "keywords": ["bone"], "abstract": ["a study of bone"]}
    long = {"title": ["bone " + " ".join(f"word{n}" for n in range(30))]}
    assert level_of("bone", both) > level_of("bone", title) > level_of("bone", abstract)
    assert level_of("bone", abstract) >= level_of("bone", broader)
    assert level_of("bone", title) > level_of("bone", long)


def test_common_words_of_the_field_tell_less() -> None:
    def tells(word: str) -> float:
        [[stem]] = alternatives(word)
        return rarity(stem)

    assert tells("sample") < tells("tomography") < tells("lysozyme")
    assert tells("12") < tells("lysozyme")
    assert all(1 <= tells(word) <= 7 for word in ("use", "data", "beam", "zirconolite"))


def test_the_statistics_are_small_and_name_their_sources() -> None:
    file = resources.files("panosc.search.index.text").joinpath("word_statistics.txt")
    text = file.read_text("utf-8")
    assert len(text) < 100_000
    assert "PaNET" in text.split("\n1.")[0]


@given(st.floats(0, 1e6))
def test_scores_lie_between_0_and_1(total: float) -> None:
    assert 0 < score(total) < 1
    assert score(total) <= score(total + 1)


# -- strangers ---------------------------------------------------------------------------------

HOSTILE = {
    "long word": "x" * 1_000_000,
    "many words": "a1 " * 400_000,
    "zalgo": "z" + "\u0301\u0336" * 300_000,
    "nothing": "\0" * 1_000_000,
    "brackets": "(" * 500_000,
    "formula": "Fe2O3" * 200_000,
    "hyphens": "x-" * 500_000,
    "right to left": "\u202eשלום" * 100_000,
    "half a letter": "\ud800 x" * 100_000,
    "digits": "1." * 500_000,
    "subscripts": "₂" * 500_000,
    "spaces": " " * 1_000_000,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_is_bounded_and_quick(name: str) -> None:
    text = HOSTILE[name]
    start = time.process_time()
    found = findable(text)
    rows = alternatives(text)
    elements(text)
    surface_words([text])
    # far from what any of them takes, and far from what backtracking would
    assert time.process_time() - start < 3
    assert len(stems(text)) <= analysis.MOST_STEMS
    assert len(found) <= 2 * analysis.MOST_STEMS
    for stem in found | flat(rows):
        assert stem.encode("utf-8")
        assert len(stem) <= analysis._REMEMBERED


def test_every_technique_is_found_by_its_names() -> None:
    for concept in ontology():
        there = findable(" ".join(concept.names))
        for name in concept.names:
            for word in name.split():
                rows = alternatives(word)
                assert not rows or any(set(row) <= there for row in rows), (name, word)
