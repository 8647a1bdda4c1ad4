"""Groups that an adopted catalogue gives access to: exactly those, beside what people here give."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.federation.harvesting.conftest import NOW, Added
from tests.federation.harvesting.made import Event, MadeConnector, feed

from panosc.catalogue.people import account
from panosc.catalogue.tables import dataset, group_member, ruling, share
from panosc.catalogue.writer import write
from panosc.domain.access import RULES, Who, may
from panosc.domain.errors import Conflict
from panosc.federation import connectors
from panosc.federation.harvesting.harvester import Harvester, Wish
from panosc.federation.harvesting.removing import remove
from panosc.federation.harvesting.taking import MOST_READERS
from panosc.federation.source import Source
from panosc.federation.sources import Sources
from panosc.identity.standing import standing_of
from panosc.policy.decisions.acts import Acts
from panosc.policy.decisions.records import load
from panosc.policy.decisions.sharing import Sharing
from panosc.policy.sql import count_listed, visible
from panosc.settings import Settings

WISH = Wish(by="test")
PEOPLE = {"u-pi": ("p7", "pi"), "u-staff": ("staff", "team"), "u-stranger": ("others", "pi")}
TEAM: None = None
"""As `source` says of what somebody here gave."""


@pytest.fixture(autouse=True)
def _people(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        given = [{"id": name, "kind": "person", "name": name.title()} for name in PEOPLE]
        connection.execute(sa.insert(account), given)
        held = [
            {"group": group, "person": name, "role": role} for name, (group, role) in PEOPLE.items()
        ]
        connection.execute(sa.insert(group_member), held)


def told(
    *readers: Any, pid: str = "d", name: str = "1", row: Mapping[str, Any] | None = None
) -> Event:
    """Return a closed dataset of the group p7 that some more groups see."""
    said = {"pid": pid, "title": "Secret", "isPublic": False, "access": "closed"}
    rows = [["Dataset", said | {"ownerGroup": "p7"} | dict(row or {})]]
    return name, {"rows": rows, "readers": {pid: list(readers)}}


def given(engine: sa.Engine) -> list[tuple[str, str | None]]:
    """Return with whom something is shared, and which catalogue says so."""
    select = sa.select(share.c.reader, share.c.source).order_by(share.c.reader, share.c.source)
    with engine.connect() as connection:
        return [(row.reader, row.source) for row in connection.execute(select)]


def person(engine: sa.Engine, name: str) -> Who:
    with engine.connect() as connection:
        return standing_of(connection, name, now=NOW).who(via="session")


def who_see(engine: sa.Engine, pid: str = "d", now: datetime = NOW) -> set[str]:
    """Return the people who see a dataset, as both forms of the decision say."""
    found: set[str] = set()
    for name in PEOPLE:
        who = person(engine, name)
        with engine.connect() as connection:
            is_here = dataset.c.pid == pid
            seen = sa.select(dataset.c.id).where(is_here, visible(dataset, who, "bytes", now=now))
            record = load(connection, is_here)
            assert record is not None
            is_seen = connection.scalar(seen) is not None
            assert is_seen == may(who, "bytes", record.guard, now=now)
            assert connection.scalar(sa.select(count_listed(dataset, who, now=now))) == is_seen
        if is_seen:
            found.add(name)
    return found


def fed(engine: sa.Engine) -> int:
    """Return how many changes the feed tells of."""
    with engine.connect() as connection:
        return connection.scalar(sa.text("select count(*) from changes")) or 0


def source_of(name: str, path: Path, *, is_adopted: bool) -> Source:
    return Source(
        name=name, kind="made", url=path.as_uri(), title=name.title(), is_adopted=is_adopted
    )


class Shadow:
    """An adopted catalogue, and the team here that shares what it tells."""

    def __init__(self, engine: sa.Engine, harvester: Harvester, path: Path) -> None:
        self.engine, self._harvester, self._path = engine, harvester, path
        self.sharing = Sharing(Acts(engine, lambda: NOW, lambda _: RULES))

    def tells(self, *events: Event) -> None:
        """Let it tell of something, and be harvested."""
        feed(self._path, events)
        assert self._harvester.harvest("there", WISH).counts.refused == 0

    def team_gives(self, reader: str, until: datetime | None = None) -> str:
        """Share the dataset as its principal investigator."""
        who = person(self.engine, "u-pi")
        return self.sharing.give(who, "d", kind="group", name=reader, until=until).id


@pytest.fixture
def shadow(engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path) -> Shadow:
    path = feed(tmp_path / "feed", [])
    path.touch()
    add(path, is_adopted=True)
    return Shadow(engine, harvester, path)


def test_its_groups_see_a_dataset_and_strangers_do_not(shadow: Shadow) -> None:
    shadow.tells(told("staff", "p7", "staff"))
    # its own group needs no share
    assert given(shadow.engine) == [("staff", "there")]
    assert who_see(shadow.engine) == {"u-pi", "u-staff"}


def test_what_it_says_is_followed(shadow: Shadow) -> None:
    shadow.tells(told("staff", "x"))
    with shadow.engine.connect() as connection:
        before = connection.scalar(sa.select(share.c.id).where(share.c.reader == "staff"))
    shadow.tells(told("staff", "others", row={"title": "Renamed"}))
    assert given(shadow.engine) == [("others", "there"), ("staff", "there")]
    with shadow.engine.connect() as connection:
        after = connection.scalar(sa.select(share.c.id).where(share.c.reader == "staff"))
    assert after == before, "what is said again stays as it is"
    shadow.tells(told("others"))
    assert who_see(shadow.engine) == {"u-pi", "u-stranger"}
    shadow.tells(told())
    assert given(shadow.engine) == []
    assert who_see(shadow.engine) == {"u-pi"}


def test_a_change_of_groups_alone_is_told_to_the_feed(shadow: Shadow) -> None:
    shadow.tells(told("staff"))
    before = fed(shadow.engine)
    shadow.tells(told())
    assert fed(shadow.engine) == before + 1


@pytest.mark.parametrize("is_deleted", [True, False])
def test_nothing_is_left_of_what_is_published_or_deleted_there(
    is_deleted: bool, shadow: Shadow
) -> None:
    shadow.tells(told("staff"), told("staff", pid="e", name="2"))
    is_open = {"isPublic": True, "access": "open"}
    shadow.tells(("1", None) if is_deleted else told(row=is_open))
    with shadow.engine.connect() as connection:
        keys = {"e": connection.scalar(sa.select(dataset.c.id).where(dataset.c.pid == "e"))}
        assert connection.execute(sa.select(share.c.dataset_id)).all() == [(keys["e"],)]


def test_what_the_team_gives_stands_beside_it(shadow: Shadow) -> None:
    """Neither ends, shortens or hides the other."""
    soon = NOW + timedelta(days=2)
    shadow.tells(told())
    first = shadow.team_gives("staff", soon)
    assert who_see(shadow.engine, now=soon) == {"u-pi"}
    shadow.tells(told("staff"))
    assert who_see(shadow.engine, now=soon) == {"u-pi", "u-staff"}, "the catalogue says for ever"
    assert shadow.team_gives("staff", soon) == first, "the team changes what it gave itself"
    assert given(shadow.engine) == [("staff", "there"), ("staff", TEAM)]
    shadow.tells(told())
    assert given(shadow.engine) == [("staff", TEAM)]
    assert who_see(shadow.engine) == {"u-pi", "u-staff"}
    shadow.tells(("1", None))
    assert given(shadow.engine) == [("staff", TEAM)]
    shadow.tells(told("others"))
    assert given(shadow.engine) == [("others", "there"), ("staff", TEAM)]


def test_the_team_sees_who_gives_what_and_takes_back_its_own_alone(shadow: Shadow) -> None:
    shadow.tells(told("staff"))
    shadow.team_gives("staff")
    pi = person(shadow.engine, "u-pi")
    by_source = {item.source: item for item in shadow.sharing.listed(pi, "d")}
    theirs, ours = by_source["there"], by_source[TEAM]
    assert (theirs.by, theirs.by_name, theirs.until) == ("connector:there", "There", None)
    assert (ours.by, ours.by_name) == ("u-pi", "U-Pi")
    with pytest.raises(Conflict, match="there"):
        shadow.sharing.take_back(pi, "d", theirs.id)
    shadow.sharing.take_back(pi, "d", ours.id)
    assert given(shadow.engine) == [("staff", "there")]


def test_nothing_is_left_when_it_is_removed(shadow: Shadow, settings: Settings) -> None:
    shadow.tells(told("staff"), told("staff", pid="e", name="2"))
    shadow.team_gives("others")
    source = Sources(shadow.engine, lambda: NOW).get("there").source
    remove(shadow.engine, source, lambda: NOW, by="test", settings=settings)
    assert given(shadow.engine) == [("others", TEAM)]


def test_what_is_erased_here_is_shared_with_nobody(shadow: Shadow) -> None:
    shadow.tells(told("staff"))
    with shadow.engine.begin() as connection:
        key = connection.scalar(sa.select(dataset.c.id))
        connection.execute(sa.insert(ruling).values(dataset_id=key, mark="erased"))
    shadow.tells(told("others"))
    assert given(shadow.engine) == []


def test_what_becomes_this_nodes_own_is_no_longer_shared_by_it(shadow: Shadow) -> None:
    shadow.tells(told("staff"))
    own = {"pid": "d", "title": "Ours", "isPublic": False, "ownerGroup": "p7"}
    with shadow.engine.begin() as connection:
        write(connection, [("Dataset", own)], now=NOW)
    assert given(shadow.engine) == []
    shadow.tells(told("staff", "others"))
    assert given(shadow.engine) == []
    assert who_see(shadow.engine) == {"u-pi"}


def test_names_of_groups_are_a_strangers_text(shadow: Shadow) -> None:
    bad = ["node", "person:u-stranger", "link:0", "", " a ", "\0", "x" * 201, 7, None, []]
    shadow.tells(told(*bad, "x" * 200, "staff"))
    assert given(shadow.engine) == [("staff", "there"), ("x" * 200, "there")]
    assert who_see(shadow.engine) == {"u-pi", "u-staff"}
    shadow.tells(told(*(f"g{number:04d}" for number in range(5000))))
    assert len(given(shadow.engine)) == MOST_READERS


def test_a_plain_harvest_gives_nobody_access(
    engine: sa.Engine, harvester: Harvester, add: Added, tmp_path: Path
) -> None:
    add(feed(tmp_path / "feed", [told("staff")]))
    harvester.harvest("there", WISH)
    assert given(engine) == []
    assert who_see(engine) == set()


@pytest.mark.parametrize("order", [("there", "plain", "late"), ("late", "plain", "there")], ids=str)
def test_of_the_same_dataset_only_the_best_source_gives_access(
    order: Sequence[str],
    engine: sa.Engine,
    harvester: Harvester,
    settings: Settings,
    tmp_path: Path,
) -> None:
    is_adopted = {"there": True, "plain": False, "late": True}
    groups = {"there": "staff", "plain": "others", "late": "others"}
    sources = Sources(engine, lambda: NOW)
    for number, name in enumerate(is_adopted):
        path = feed(tmp_path / name, [told(groups[name])])
        made = source_of(name, path, is_adopted=is_adopted[name])
        Sources(engine, lambda n=number: NOW + timedelta(days=n)).add(  # type: ignore[misc]
            made, secret_file=None, by="test"
        )
    for name in order:
        harvester.harvest(name, WISH)
    assert given(engine) == [("staff", "there")]
    remove(engine, sources.get("there").source, lambda: NOW, by="test", settings=settings)
    assert given(engine) == [("others", "late")]
    remove(engine, sources.get("late").source, lambda: NOW, by="test", settings=settings)
    assert given(engine) == []


def test_nothing_is_left_where_the_other_source_cannot_be_understood_any_more(
    engine: sa.Engine,
    harvester: Harvester,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where its plug-in is not there: the record stays as it is, the access does not."""

    class Other(MadeConnector):
        kind = "other"

    known = connectors.kinds()
    monkeypatch.setattr(connectors, "kinds", lambda: known | {"other": Other})
    sources = Sources(engine, lambda: NOW)
    for name, kind in (("there", "made"), ("plugin", "other")):
        path = feed(tmp_path / name, [told("staff")])
        made = source_of(name, path, is_adopted=name == "there")
        sources.add(replace(made, kind=kind), secret_file=None, by="test")
        harvester.harvest(name, WISH)
    assert given(engine) == [("staff", "there")]
    monkeypatch.setattr(connectors, "kinds", lambda: known)
    feed(tmp_path / "there", [("1", None)])
    before = fed(engine)
    harvester.harvest("there", WISH)
    assert given(engine) == []
    assert fed(engine) == before + 1
    assert "u-staff" not in who_see(engine)
