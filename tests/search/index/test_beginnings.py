"""A field that surely lacks a stem is not read: whatever it says, nothing is overlooked."""

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from panosc.search.index import analysis
from panosc.search.index.text.spelling import beginning, letters
from panosc.search.panet import ontology

WORDS = (
    *("haematite", "hematite", "caesium", "aluminium", "oestrogen", "mould", "paediatric", "teeth"),
    *("celsius", "in situ", "X-ray", "x ray", "nano-particle", "anaesthesia", "analysing", "lysed"),
    *(
        "crystallisation",
        "colour",
        "fibres",
        "NaCl",
        "Fe3O4",
        "CuSO4 * 5H2O",
        "YBa2Cu3O7-d",
        "mice",
    ),
    *(
        "dying",
        "skies",
        "Ising",
        "ised",
        "5mm",
        "100keV",
        "run_0001_scan.nxs",
        "a-b_c.d",
        "isation",
    ),
    *(
        "doi:10.5072/a",
        "https://doi.org/10.5072/a",
        "f'https://hdl.handle.net/1/b'",
        "(SAXS)",
        "rises",
    ),
)
TEXTS = st.lists(
    st.sampled_from(WORDS)
    | st.text("abcdehilmnoprstuyz", min_size=3, max_size=12)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
    max_size=8,
).flatmap(lambda words: st.sampled_from(" -_/'").map(lambda sign: sign.join(words)))


@given(TEXTS)
@settings(max_examples=3000, deadline=None)
@example("haematite mould celsius in-situ")
@example("fhttps://doi.org/quoted")
def test_the_beginning_of_each_stem_is_among_the_letters(text: str) -> None:
    stems = {one for row in analysis.alternatives(text) for one in row} | set(analysis.stems(text))
    seen = letters(text)
    for stem in stems:
        first = beginning(stem)
        assert first is None or seen is None or first in seen, (stem, text)


def test_so_it_is_of_what_is_written_about_instruments_and_techniques() -> None:
    texts = [name for concept in ontology() for name in (*concept.names, concept.definition or "")]
    texts += Path(__file__).parents[3].joinpath("docs", "search.md").read_text("utf-8").splitlines()
    sure = 0
    for text in texts:
        seen = letters(text)
        for stem in analysis.stems(text):
            first = beginning(stem)
            if first is not None and seen is not None:
                sure += 1
                assert first in seen, (stem, text)
    assert sure > 1_500


@given(st.dictionaries(st.sampled_from(sorted(analysis.WEIGHTS)), st.lists(TEXTS, max_size=3)))
@settings(max_examples=300, deadline=None)
def test_what_is_weighed_is_what_the_index_has(texts: dict[str, list[str]]) -> None:
    levels = analysis.impacts(texts)
    weighing = analysis.Weighing(texts)
    for level, stems in enumerate(levels):
        for stem in stems:
            assert analysis.level_of(weighing.of(stem)) == level, stem
