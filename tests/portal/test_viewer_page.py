"""The text of the viewer's page: what a file holds, a part at a time, and who may not see it."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from viewer_catalogue import (
    BARE,
    BROKEN,
    CLOSED,
    EMBARGOED,
    EVIL,
    LONG,
    OPEN,
    STACK,
    STACKS,
    TAPE,
    WITHDRAWN,
    viewed,  # noqa: F401
)

from panosc.portal import security
from panosc.portal.rendering import Renderer


def address(pid, **asked):
    """Return the address of a view."""
    return f"/datasets/{pid}/-/view?{urlencode(asked)}"


def words(page):
    """Return the text of a page's main part, as one line."""
    (main,) = re.findall(r"<main.*?</main>", page.text, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


@pytest.fixture
def ask(viewed):  # noqa: F811
    """Asks for a view."""
    return lambda pid, **asked: viewed.get(address(pid, **asked))


def test_it_begins_with_the_default_plot(ask):
    page = ask(OPEN)
    assert page.status_code == 200
    text = words(page)
    assert "Group /entry/data" in text
    assert "Signal I" in text
    assert "Shape 120 Type 64-bit float Unit 1/cm" in text
    assert "0 10.0743882628" in text
    assert 'data-path="/entry/data"' in page.text
    assert 'data-file="looked.nxs"' in page.text
    assert f'data-url="/datasets/{OPEN}/-/h5"' in page.text


def test_without_a_default_plot_it_begins_with_the_nearest_one(ask):
    text = words(ask(STACKS))
    # its stack, which comes first, is no plot
    assert "Group /entry/image" in text
    assert "Signal counts" in text


def test_what_only_claims_to_be_a_plot_is_passed_over(ask):
    assert "Array /entry/array" in words(ask(OPEN, file="claims.h5"))
    assert "Array /text Shape one value" in words(ask(OPEN, file="bare.h5"))
    assert "Group / " in words(ask(OPEN, file="empty.h5"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("whole", "Type 64-bit integer Least 1152921504606846976 Greatest 1152921504606846978"),
        ("flags", "Type true or false Rows 0 to 1 of 2. Row Value 0 true 1 false"),
        ("text", "Shape one value Type text The only value. Value 0 Probe µ"),
        ("names", f"Row Value 0 first 1 {EVIL}"),
        ("table", "Type record of a, b Rows 0 to 1 of 2. Row a b 0 1 2.5 1 3 4.5"),
        ("complex", "Type complex number Rows 0 to 2 of 3."),
        ("odd", "Row Value 0 1.0 1 not finite 2 not finite"),
        ("half", "Type 16-bit float Least 0.0 Greatest 2.0 Mean 1.0"),
        ("big", "Type 32-bit float Least 0.0 Greatest 2.0 Mean 1.0"),
        ("nothing", "Shape empty Type 32-bit float It holds no values."),
        ("none", "Shape 0 × 4 Type 64-bit float It holds no values."),
        ("soft", "Link that leads nowhere /kinds/soft It leads to /nowhere ,"),
        ("away", "Link to another file /kinds/away It leads to elsewhere.h5 , /x ,"),
        (EVIL, f"Array /kinds/{EVIL} Shape one value"),
    ],
)
def test_every_kind_of_value_has_words(ask, name, expected):
    page = ask(OPEN, path=f"/kinds/{name}")
    assert page.status_code == 200
    assert " ".join(expected.split()) in words(page)
    assert EVIL not in page.text


def test_a_group_tells_its_members_and_attributes(ask):
    page = ask(OPEN, path="/kinds")
    text = words(page)
    assert "15 members." in text
    assert "half Array 3, 16-bit float" in text
    assert "away Link to another file elsewhere.h5: /x" in text
    assert "offsets [1.5, 2.5] 2, 64-bit float" in text
    assert f"note {EVIL} text" in text
    assert "deg 90 ° text of 4 bytes" in text
    assert EVIL not in page.text


def test_a_stack_is_walked_by_links_alone(viewed, ask):  # noqa: F811
    page = ask(STACKS, path="/entry/stack")
    seen = {}
    for _ in range(40):
        frame, first, left = re.search(
            r"Frame (\d+), rows ([\d,]+) to [\d,]+, columns ([\d,]+) to", words(page)
        ).groups()
        rows = re.findall(r'<tr><th scope="row" class="num">([\d,]+)</th>(.*?)</tr>', page.text)
        for number, cells in rows:
            values = re.findall(r">([\d,]+)</td>", cells)
            seen |= {
                (int(frame), int(number), int(left) + column): int(value)
                for column, value in enumerate(values)
            }
        ways = {
            text: there.replace("&amp;", "&")
            for there, text in re.findall(r'<li><a href="([^"]+)">([^<]+)</a></li>', page.text)
        }
        # along the columns of the first rows, then down, then to the next frame
        way = ways.get("Columns after") if int(first) == 0 else ways.get("Rows after")
        way = way or ways.get("Rows after") or ways.get("Next frame")
        if way is None:
            break
        page = viewed.get(way.partition("#")[0])
        assert page.status_code == 200
    else:
        pytest.fail("it never ended")
    assert {frame for frame, _, _ in seen} == {0, 1, 2, 3}
    assert max(row for _, row, _ in seen) == 59
    assert max(column for _, _, column in seen) == 79
    assert all(value == STACK[place] for place, value in seen.items())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"frame": "99", "row": "10000", "col": "10000"}, "Frame 3, rows 50 to 59, columns 70 to"),
        ({"frame": "x,-1,²"}, "Frame 0, rows 0 to 24, columns 0 to 9"),
        ({"frame": "1,2,3,4"}, "Frame 1, rows 0 to 24"),
        ({"row": str(2**70)}, "rows 50 to 59"),
    ],
)
def test_what_lies_outside_is_brought_within(ask, asked, expected):
    assert expected in words(ask(STACKS, path="/entry/stack", **asked))


@pytest.mark.parametrize("asked", [{"row": "-1"}, {"col": "x"}, {"frame": "1" * 300}])
def test_what_is_no_place_is_refused(ask, asked):
    assert ask(STACKS, path="/entry/stack", **asked).status_code == 422


def test_the_links_to_values_give_them(viewed, ask):  # noqa: F811
    page = ask(STACKS, path="/entry/stack", frame="2", row="25")
    links = [
        link.replace("&amp;", "&") for link in re.findall(r'href="([^"]+/h5/data[^"]+)"', page.text)
    ]
    answers = {link: viewed.get(link) for link in links}
    assert {answer.status_code for answer in answers.values()} == {200}
    shown = [answer for link, answer in answers.items() if "0%3A10" in link]
    assert len(shown) == 3
    (told,) = (answer for link, answer in answers.items() if "0%3A10" in link and "json" in link)
    assert told.json() == STACK[2, 25:50, :10].tolist()
    (whole,) = (
        answer for link, answer in answers.items() if "selection" not in link and "npy" in link
    )
    assert whole.content.endswith(STACK.tobytes())


@pytest.mark.parametrize(
    ("pid", "status", "said"),
    [
        (CLOSED, 404, "There is no dataset"),
        ("10.5072/never", 404, "There is no dataset"),
        (EMBARGOED, 403, "under embargo"),
        (WITHDRAWN, 410, "withdrawn"),
    ],
)
def test_what_one_may_not_see_is_said_and_nothing_else(ask, pid, status, said):
    for asked in ({}, {"file": "x.h5"}, {"path": "/joined"}):
        page = ask(pid, **asked)
        assert page.status_code == status
        assert said in words(page)
        assert ".h5" not in words(page).replace("x.h5", "")
        assert "data-island" not in page.text


@pytest.mark.parametrize(
    ("pid", "asked", "status", "said"),
    [
        (OPEN, {"path": "/entry/nowhere"}, 404, "/entry/nowhere"),
        (OPEN, {"file": "other.nxs"}, 404, "other.nxs"),
        (BROKEN, {"file": "gone.h5"}, 422, "gone"),
        (BROKEN, {"file": "changed.h5"}, 422, "changed"),
        (BROKEN, {"file": "a.txt"}, 422, "HDF5"),
        (OPEN, {"path": "a\x00b"}, 422, "path"),
    ],
)
def test_what_cannot_be_looked_at_is_explained(ask, pid, asked, status, said):
    page = ask(pid, **asked)
    assert page.status_code == status
    assert said in words(page)
    assert "data-island" not in page.text


def test_a_file_on_tape_says_what_can_be_seen_and_how_to_get_it(ask):
    page = ask(TAPE)
    text = words(page)
    assert page.status_code == 200
    assert "data-island" not in page.text
    assert "On tape" in text
    assert "ask for the file to be brought back to disk" in text
    assert f'href="/datasets/{TAPE}/-/restore"' in page.text


def test_a_dataset_without_files_says_so(ask):
    page = ask(BARE)
    assert page.status_code == 200
    assert "No file of this dataset is here to be looked at." in words(page)
    assert ask(BARE, file="some.h5").status_code == 404


def test_a_lost_source_is_said_and_not_shown_as_zeros(ask):
    text = words(ask(BROKEN, file="missing.h5", path="/joined"))
    assert "Shape 4 × 10" in text
    assert "lost.h5" in text
    assert "Table of values" not in text
    assert "0.0" not in text


def test_values_too_long_for_a_page_come_with_code_that_reads_them(ask):
    page = ask(OPEN, path="/kinds/long")
    text = words(page)
    assert "too long to be shown" in text
    assert "The whole array: JSON" in text
    assert len(page.content) < 60_000
    (code,) = re.findall(r"<pre[^>]*><code>(.*?)</code>", page.text, re.DOTALL)
    told = {}
    exec(unescape(code), told)
    told["node"].close()
    assert list(told["part"]) == ["x" * LONG] * 10


def test_only_this_page_may_do_more_than_others(viewed, ask):  # noqa: F811
    policy = ask(OPEN).headers["content-security-policy"]
    assert policy == security.VIEWER_POLICY
    assert policy.replace(" blob:", "") == security.CONTENT_POLICY
    assert "unsafe" not in policy
    other = viewed.get(f"/datasets/{OPEN}")
    assert other.headers["content-security-policy"] == security.CONTENT_POLICY
    assert "dist/" not in other.text
    assert f'href="/datasets/{OPEN}/-/view"' in other.text


def test_without_the_bundle_the_text_is_there(viewed, ask, monkeypatch):  # noqa: F811
    told = Renderer.page

    def without(self, *given, **content):
        monkeypatch.setitem(self._environment.globals, "island", {}.get)
        return told(self, *given, **content)

    monkeypatch.setattr(Renderer, "page", without)
    page = ask(OPEN)
    assert page.status_code == 200
    assert "not installed at this node" in words(page)
    assert "Signal I" in words(page)
    assert "data-island" not in page.text
