"""The checks of FAIR: what each rests on, and that nothing is told that is not public."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import publication_catalogue as given
import pytest

from panosc.domain.access import Who
from panosc.publication.fair import checks
from panosc.publication.record import Agent, Licence, Publication

TEAM = Who(person="u-1", groups=frozenset({"team-a"}))
Tell = Callable[..., Publication]


def _verdicts(publication: Publication) -> dict[str, str]:
    return {item.check.name: item.verdict for item in checks.report(publication).findings}


def test_a_well_described_dataset_lacks_little(told: Tell) -> None:
    report = checks.report(told(given.OPEN))
    # one of its two files has no checksum
    assert [check.name for check in report.missing] == ["content"]
    most = sum(check.points for check in checks.CHECKS)
    assert report.score == (most - 2) * 100 // most


def test_a_bare_dataset_lacks_nearly_all(told: Tell) -> None:
    passed = [name for name, verdict in _verdicts(told(given.BARE)).items() if verdict == "passed"]
    assert passed == ["licence"]
    assert checks.report(told(given.BARE)).score < 10


def test_what_rests_on_hidden_detail_is_not_told(told: Tell) -> None:
    hidden = {name for name, found in _verdicts(told(given.EMBARGOED)).items() if found == "hidden"}
    assert hidden == {"content", "units", "definition", "format"}
    assert "hidden" not in _verdicts(told(given.EMBARGOED, TEAM)).values()


NOBODY = (Agent(name=given.FACILITY, is_person=False),)
UNKNOWN = (Agent(name="Ada Example"),)


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("doi", {"doi": None}),
        ("title", {"title": given.OPEN}),
        ("people", {"creators": NOBODY}),
        ("orcid", {"creators": UNKNOWN}),
        ("description", {"is_described": False}),
        ("keywords", {"keywords": ()}),
        ("technique", {"techniques": ()}),
        ("links", {"related": ()}),
        ("instrument", {"instrument": None}),
        ("licence", {"licence": Licence(name="ask us")}),
        ("licence", {"licence": None}),
        ("provenance", {"collected": (None, None)}),
        ("provenance", {"kind": "reduced", "related": ()}),
    ],
)
def test_each_check_fails_where_its_matter_is_missing(
    told: Tell, check: str, change: dict[str, Any]
) -> None:
    whole = told(given.OPEN)
    assert _verdicts(whole)[check] == "passed"
    assert _verdicts(replace(whole, **change))[check] == "failed"


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("files", {"files": (), "file_count": 0}),
        ("units", {"parameters": ()}),
        ("definition", {"definition": None}),
        ("format", {"files": ()}),
    ],
)
def test_each_check_of_detail_fails_where_its_matter_is_missing(
    told: Tell, check: str, change: dict[str, Any]
) -> None:
    whole = told(given.OPEN)
    assert whole.detail is not None
    assert _verdicts(whole)[check] == "passed"
    assert _verdicts(replace(whole, detail=replace(whole.detail, **change)))[check] == "failed"


def test_content_is_known_when_every_file_has_its_checksum(told: Tell) -> None:
    whole = told(given.OPEN)
    assert whole.detail is not None
    files = tuple(replace(file, sha256="ab" * 32) for file in whole.detail.files)
    mended = replace(whole, detail=replace(whole.detail, files=files))
    assert checks.report(mended).score == 100


def test_every_check_says_what_to_do() -> None:
    names = [check.name for check in checks.CHECKS]
    assert len(set(names)) == len(names)
    assert all(check.mends and check.asks.endswith(".") for check in checks.CHECKS)
    assert checks.named("no such") is None
