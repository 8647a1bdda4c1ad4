"""`panosc audit`: lines for a program, a table for a person, and following what comes."""

import json
from datetime import UTC, datetime

import pytest

from panosc.catalogue.database import open_database
from panosc.domain.access import OPERATOR
from panosc.policy import audit
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def trail(node):
    """Adds lines to the trail of a node, and leaves its database running meanwhile."""
    with open_database(Settings(home=node.home)) as engine:

        def add(event, subject="10.5072/a", **options):
            with engine.begin() as connection:
                audit.record(connection, OPERATOR, event, now=NOW, subject=subject, **options)

        yield add


def test_printed_chosen_and_followed(node, trail):
    trail("dataset.released", reason="A\tpaper\nis out")
    trail("dataset.withdrawn", reason="Wrong")
    trail("share.given", subject="10.5072/b", until=None)
    done = node.run("audit", "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == [
        "dataset.released",
        "dataset.withdrawn",
        "share.given",
    ]
    assert lines[0]["at"] == "2026-06-01T12:00:00Z"
    first = lines[0]["number"]
    chosen = node.run("audit", "--after", str(first), "--event", "dataset.*")
    assert chosen.stdout.splitlines() == [
        "number\ttime\tperson\tevent\tsubject\treason",
        f"{first + 1}\t2026-06-01 12:00:00\toperator\tdataset.withdrawn\t10.5072/a\tWrong",
    ]
    assert node.run("audit", "--person", "u-nobody", "--json").stdout == ""
    following = node.start("audit", "--follow", "--json", "--after", str(first + 1))
    assert json.loads(following.stdout.readline())["event"] == "share.given"
    trail("dataset.restored")
    assert json.loads(following.stdout.readline())["event"] == "dataset.restored"
