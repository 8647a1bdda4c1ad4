"""Identifiers are told apart by their spelling and checksums, which are computed here anew."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc.publication import identifiers

DIGITS = st.text("0123456789", min_size=1, max_size=15)
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def _iso_11_2(digits: str) -> str:
    """The check sign of ISO 7064 MOD 11-2, as a weighted sum and not as a running one."""
    total = sum(int(digit) * pow(2, 15 - place, 11) for place, digit in enumerate(digits))
    return "0123456789X"[(1 - total) % 11]


@given(st.text("0123456789", min_size=15, max_size=15))
def test_an_orcid_has_one_check_sign(digits: str) -> None:
    right = _iso_11_2(digits)
    for sign in "0123456789X":
        whole = "-".join(re.findall(".{4}", digits + sign))
        expected = f"https://orcid.org/{whole}" if sign == right else None
        assert identifiers.orcid(whole) == expected


@given(st.text(CROCKFORD, min_size=6, max_size=6), st.integers(0, 99))
def test_a_ror_has_one_pair_of_check_digits(letters: str, given_pair: int) -> None:
    body = f"0{letters}"
    number = sum(CROCKFORD.index(sign) * 32**place for place, sign in enumerate(reversed(body)))
    right = 98 - (number * 100) % 97
    found = identifiers.ror(f"https://ror.org/{body}{given_pair:02d}")
    assert (found is not None) == (given_pair == right)
    # ISO 7064: the whole, its check digits among it, leaves one
    assert (number * 100 + right) % 97 == 1


@given(st.integers(0, 99_999), st.sampled_from(["", "http://purl.org/pan-science/PaNET/"]))
def test_a_technique_of_panet_has_five_digits(number: int, before: str) -> None:
    assert identifiers.panet(f" {before}PaNET{number:05d} ") == f"PaNET{number:05d}"
    assert identifiers.panet(f"{before}PaNET{number:05d}1") is None
    assert identifiers.panet(f"{before}{number:05d}") is None


@given(st.text(max_size=40))
def test_what_leads_somewhere_is_an_address_of_its_kind(text: str) -> None:
    found = identifiers.pidinst(text)
    assert found is None or re.match(r"https://(doi\.org|hdl\.handle\.net)/[!-~]+$", found)
    as_rrid = identifiers.rrid(text)
    assert as_rrid is None or identifiers.rrid(as_rrid) == as_rrid
    as_award = identifiers.award(text)
    if as_award is not None:
        assert as_award[0].isprintable()
        assert as_award[1] is None or identifiers.is_web(as_award[1])


@given(st.from_regex(r"21\.T[0-9]{1,6}/[A-Za-z0-9.]{1,20}", fullmatch=True))
def test_a_handle_of_an_instrument_is_written_in_any_way(handle: str) -> None:
    expected = f"https://hdl.handle.net/{handle}"
    for text in (handle, f"hdl:{handle}", expected):
        assert identifiers.pidinst(text) == expected


@given(DIGITS)
def test_an_award_is_a_number_or_leads_somewhere(digits: str) -> None:
    assert identifiers.award(digits) == (digits, None)
    named = f"10.3030/{digits}"
    assert identifiers.award(f"doi:{named}") == (named, f"https://doi.org/{named}")


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "https://x.org/<a>", "a\x00b", "x" * 5000, "\u202ereversed", ""],
    ids=["script", "mark-up", "null", "long", "reversed", "empty"],
)
def test_strange_text_is_none(text: str) -> None:
    checks = (identifiers.panet, identifiers.pidinst, identifiers.rrid, identifiers.award)
    assert [check(text) for check in checks] == [None] * len(checks)
