"""What can come next in the search box."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc.search.language.box import split_box
from panosc.search.language.completing import MOST, Suggestion, complete
from panosc.search.language.cursor import token_at
from panosc.search.language.url import read_box

FACETS = {
    "facility": [("ESS", "ESS", 7), ("ILL", "ILL", 3), ("Two words", "Two words", 1)],
    "instrument": [("D22", "D22", 3)],
    "technique": [("PaNET01189", "small angle neutron scattering", 4), ("own:x", "odd way", 1)],
    "kind": [("raw", "raw", 9)],
    "access": [("open", "open", 8)],
    "year": [("2024", "2024", 5), ("2023", "2023", 1)],
}


class Shelf:
    """A small catalogue, as one person knows it."""

    def values(self, field, prefix, limit):
        found = FACETS[field]
        return [item for item in found if item[1].lower().startswith(prefix.lower())][:limit]

    def parameters(self, prefix, limit):
        names = ["photon_energy", "temperature"]
        return [(name, name, None) for name in names if name.startswith(prefix.lower())][:limit]

    def units(self, parameter):
        return {"temperature": ["K", "degC"]}.get(parameter, [])

    def words(self, prefix, limit):
        return [(word, word, 2) for word in ("silver", "ice cream") if word.startswith(prefix)]


def texts(text: str, cursor: int | None = None) -> list[str]:
    return [item.text for item in complete(text, cursor, Shelf())]


def applied(text: str, item: Suggestion) -> str:
    return text[: item.start] + item.text + text[item.end :]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("", "facility:"),
        ("fac", "facility:"),
        ("ice -fac", "facility:"),
        ("beaml", "instrument:"),
        ("temp", "temperature:"),
        ("ener", "photon_energy:"),
        ("facility:", "ESS"),
        ("facility:i", "ILL"),
        ("facility:(ESS or i", "ILL"),
        ('facility:"two', '"Two words"'),
        ("technique:sans", "SANS"),
        ("technique:PaNET0118", "PaNET01189"),
        ('technique:"small angle n', '"small angle neutron scattering"'),
        ("technique:odd", "own:x"),
        ("created:20", "2024"),
        ("access:o", "open"),
        ("temperature:300", "300K"),
        ("temperature:<300 ", "facility:"),
        ("temperature:5..10°", "5..10°C"),
        ("title:sil", "silver"),
        ("sil", "silver"),
        ("ice", '"ice cream"'),
        ("sans", "technique:SANS"),
        ("d2", "instrument:D22"),
    ],
)
def test_what_comes_first(text: str, first: str) -> None:
    assert texts(text)[0] == first


@pytest.mark.parametrize(
    ("text", "cursor", "applied_text"),
    [
        ("fac lysozyme", 3, "facility: lysozyme"),
        ("ice facility:il x", 15, "ice facility:ILL x"),
        ("ice facility:ilx x", 15, "ice facility:ILL x"),
        ('facility:"two w" x', 14, 'facility:"Two words" x'),
        ("-tech", 5, "-technique:"),
        ("facility:(ESS or il)", 19, "facility:(ESS or ILL)"),
    ],
)
def test_a_suggestion_replaces_what_was_begun(text: str, cursor: int, applied_text: str) -> None:
    assert applied(text, complete(text, cursor, Shelf())[0]) == applied_text


@pytest.mark.parametrize(
    "text", ['"small an', 'facility:"ESS"', "facility:(ESS)", "zzz", "bytes:1", "x" * 1001, "a\0"]
)
def test_nothing_to_suggest(text: str) -> None:
    assert texts(text) == []


def test_counts_and_labels_come_along() -> None:
    item = complete("technique:SANS", None, Shelf())[0]
    assert (item.kind, item.label, item.count) == (
        "technique",
        "SANS: small angle neutron scattering",
        4,
    )
    # what nobody has here comes after what is here, without a number
    unused = complete("technique:x-ray", None, Shelf())
    assert unused
    assert all(found.count is None for found in unused)


@given(
    st.text(max_size=40) | st.text(st.sampled_from('aot: ":()-\\fcily'), max_size=40),
    st.none() | st.integers(-3, 50),
)
def test_any_text_at_any_place(text: str, cursor: int | None) -> None:
    found = complete(text, cursor, Shelf())
    assert len(found) <= MOST
    for item in found:
        assert 0 <= item.start <= item.end <= len(text)
        read_box(applied(text, item))


@given(st.text(st.sampled_from('ab: "()-'), max_size=30), st.integers(0, 30))
def test_the_token_lies_around_the_cursor(text: str, cursor: int) -> None:
    place = min(cursor, len(text))
    token = token_at(text, place)
    if token is not None:
        assert token.start <= place <= token.end
    assert split_box(text, lambda name, value: True) is not None
