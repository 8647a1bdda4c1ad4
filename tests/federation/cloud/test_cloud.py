"""The cloud of `make cloud`, small: six nodes and a portal that asks and copies them all."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cloud.facilities import FACILITIES
from cloud.run import Cloud, cloud

COUNT = 60
NAMES = {one.name for one in FACILITIES}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of few records and two measured files."""
    home = tmp_path_factory.mktemp("cloud")
    with cloud(home, count=COUNT, files=2, tell=lambda _line: None) as running:
        yield running


def _asked(cloud: Cloud, path: str, **params: Any) -> httpx.Response:
    return httpx.get(f"{cloud.portal.address}{path}", params=params, timeout=30).raise_for_status()


def _fates(answer: httpx.Response) -> dict[str, str]:
    told = answer.headers["x-panosc-providers"]
    return dict(re.findall(r"([a-z-]+)=([a-z]+)", told))


@pytest.mark.slow
def test_one_question_finds_records_of_all_six_and_one_that_is_gone_is_named(small: Cloud) -> None:
    assert set(small.copies) == NAMES
    # half of CERIC's ICAT is under embargo, a tenth of SciCat not published
    assert all(count >= COUNT / 2 for count in small.copies.values())

    asked = {"filter": json.dumps({"query": "lysozyme", "limit": 1000})}
    answer = _asked(small, "/panosc-api/Datasets", **asked)
    found = {name for item in answer.json() for name in item["sources"]}
    assert found >= NAMES
    assert {name for name, fate in _fates(answer).items() if fate == "answered"} >= NAMES

    page = html.unescape(_asked(small, "/search", q="lysozyme").text)
    for one in FACILITIES:
        assert one.title in page
    table = html.unescape(_asked(small, "/facilities").text)
    for one in FACILITIES:
        assert one.title in table

    small.nodes["ill"].stop()
    # another question: the answer to the first may be kept for a while
    asked = {"filter": json.dumps({"query": "perovskite", "limit": 1000})}
    answer = _asked(small, "/panosc-api/Datasets", **asked)
    fates = _fates(answer)
    assert fates.pop("ill") in {"failed", "late", "down"}
    assert {fates[name] for name in NAMES - {"ill"}} == {"answered"}
    assert "ill" in {name for item in answer.json() for name in item["sources"]}, "copies stand in"
