"""Values out of a stranger's JSON, as all connectors read them."""

import doctest
from datetime import UTC, datetime

import pytest

from panosc.federation import values


def test_the_examples_are_true() -> None:
    found = doctest.testmod(values)
    assert (found.failed, bool(found.attempted)) == (0, True)


@pytest.mark.parametrize(
    "strange",
    [
        True,
        None,
        [],
        {},
        float("nan"),
        float("-inf"),
        pytest.param(10**5000, id="long"),
        " \t",
        "\0",
    ],
)
def test_what_is_no_text_is_none(strange: object) -> None:
    assert (values.text(strange), values.line(strange)) == (None, None)


def test_what_no_database_keeps_is_left_out() -> None:
    assert values.text("a\0b\ud800") == "ab?"
    assert values.line("a\0\x07\nb", 3) == "a\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    "strange",
    ["1_000", "9" * 20, "9" * 400, 2**70, pytest.param(10**5000, id="long"), "1e999", "x"],
)
def test_what_is_no_number_is_none(strange: object) -> None:
    assert values.number(strange) is None


def test_times_are_read_in_the_spellings_that_are_met() -> None:
    wanted = datetime(2005, 5, 27, 5, 44, 13, tzinfo=UTC)
    for told in ("2005-05-27T07:44:13+02:00", "2005-05-27 05:44:13", "27-May-2005 05:44:13"):
        assert values.moment(told) == wanted, told
    assert values.when(20050527) is None


def test_one_thing_alone_is_a_list_only_where_that_is_meant() -> None:
    alone = {"name": "Ada"}
    assert list(values.objects(alone)) == []
    assert list(values.loosely(alone)) == list(values.loosely([alone, "Bo", None])) == [alone]
    assert list(values.loosely([alone, "Bo", 7], "name")) == [alone, {"name": "Bo"}, {"name": 7}]
    assert list(values.objects([alone, alone, 1, alone], 3)) == [alone, alone]
