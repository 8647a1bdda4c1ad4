"""Announcements of those who are no stewards: only of their instrument's files, and never open."""

from pathlib import Path

import announcing_node as given
import pytest
import sqlalchemy as sa
from announcing_node import Node, write_nexus

from panosc.catalogue.intake import announcement
from panosc.catalogue.tables import dataset, group, group_member


@pytest.fixture
def folder(announcing: Node) -> Path:
    """The folder of the instrument, with another's beside it."""
    found = announcing.data / "id02"
    found.mkdir()
    write_nexus(announcing.data / "id99" / "secret.nxs", "Of another")
    return found


def access(node: Node) -> list[tuple[str | None, bool]]:
    with node.engine.connect() as connection:
        rows = connection.execute(sa.select(dataset.c.owner_group, dataset.c.pid))
        found = [(row.owner_group, row.pid) for row in rows]
    return sorted(
        ((owner, _is_open(node, pid)) for owner, pid in found), key=lambda item: str(item[0])
    )


def _is_open(node: Node, pid: str) -> bool:
    answer = node.ask(None, "GET", f"/panosc-api/Datasets/{pid}")
    assert answer.status_code in {200, 404}
    return answer.status_code == 200


def test_others_announce_only_what_lies_in_the_folders_of_their_instrument(
    announcing: Node, folder: Path
) -> None:
    (folder / "over").symlink_to(announcing.data / "id99")
    for path in (
        announcing.data,
        announcing.data / "id99",
        announcing.data / "id99" / "secret.nxs",
        folder / ".." / "id99",
        folder / "over",
        folder / "over" / "secret.nxs",
        f"{folder}-more",
    ):
        for who in ("scientist", "id02"):
            paths = [str(folder), str(path)]
            answer = announcing.announce(who, paths=paths, instrument="ID02")
            assert answer.status_code == 403, (who, path)
            assert "instrument_roots" in answer.json()["hint"]
        # what it was made from leads to PIDs: those of others are no business of theirs
        origin = {"paths": [str(folder)], "derivedFrom": ["10.5072/x", str(path)]}
        assert announcing.announce("id02", **origin).status_code == 403, path
    # the folders of an instrument are no right of the service of another
    assert announcing.announce("id99", paths=[str(folder)]).status_code == 403
    assert announcing.rows() == {}
    assert announcing.announce("steward", paths=[str(announcing.data)]).status_code == 202


def test_a_link_laid_afterwards_leads_to_no_other_instrument(
    announcing: Node, folder: Path
) -> None:
    later = folder / "later"
    body = {"paths": [str(later)], "instrument": "ID02"}
    assert announcing.announce("scientist", id="x", **body).status_code == 202
    later.symlink_to(announcing.data / "id99")
    announcing.desk().step()
    found = announcing.find("x", "scientist").json()
    assert (found["state"], found["pids"]) == ("failed", [])
    assert announcing.places() == []
    # whoever is in charge no more does not try again either
    with announcing.engine.begin() as connection:
        connection.execute(sa.delete(group_member).where(group_member.c.person == "u-scientist"))
    assert announcing.ask("scientist", "POST", "/api/v1/ingest/x/retry").status_code == 403


def test_what_others_announce_without_a_known_proposal_is_closed(
    announcing: Node, folder: Path
) -> None:
    for number, proposal in enumerate((None, "HG-404", "instrument:10.5072/id02", "TEAM")):
        path = write_nexus(folder / f"{number}.nxs", f"Number {number}")
        body = {"paths": [str(path)], "instrument": "ID02"}
        if proposal is not None:
            body["proposal"] = proposal
        assert announcing.announce("scientist", **body).status_code == 202
    with announcing.engine.begin() as connection:
        connection.execute(sa.insert(group).values(name="TEAM"))
    while announcing.desk().step():
        pass
    assert access(announcing) == [
        ("HG-404", False),
        (None, False),
        ("TEAM", False),
        ("instrument:10.5072/id02", False),
    ]


def test_what_stewards_announce_without_a_proposal_is_open(announcing: Node, folder: Path) -> None:
    path = write_nexus(folder / "a.nxs")
    announcing.announce(id="x", paths=[str(path)])
    # whoever announces it again does not take it back, nor open it further
    announcing.announce("id02", id="y", paths=[str(path)])
    while announcing.desk().step():
        pass
    assert announcing.find("y", "id02").json()["pids"] == announcing.find("x").json()["pids"]
    assert access(announcing) == [(None, True)]


def test_an_announcement_of_no_known_right_is_not_taken(announcing: Node, folder: Path) -> None:
    row = {"id": "u-user:x", "kind": "http", "who": "u-user", "at": given.NOW}
    said = {"said": {"paths": [str(folder)]}}
    with announcing.engine.begin() as connection:
        connection.execute(sa.insert(announcement).values(**row, next_try=given.NOW, body=said))
    announcing.desk().step()
    assert announcing.rows()["u-user:x"].state == "failed"
