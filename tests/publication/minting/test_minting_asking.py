"""Who may have a DOI registered, and what the policy of the data says of it."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
import yaml
from minting_house import NODE, House, dataset, house, load, with_account

from panosc.app import publications
from panosc.catalogue.people import audit
from panosc.catalogue.tables import ruling
from panosc.domain.access import ANYONE, OPERATOR, Who
from panosc.domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PanoscError,
    Unauthenticated,
    Unavailable,
    WrongScope,
)
from panosc.policy.shelf import EXAMPLES, open_shelf
from panosc.publication.minting.account import account_of
from panosc.publication.minting.standin import StandIn
from panosc.publication.minting.suffixes import doi_of
from panosc.settings import Settings

PIDS = [str(dataset(number)["pid"]) for number in range(5)]


def _who(role: str, group: str = "team-a", **more: object) -> Who:
    return Who(person="u-1", groups=frozenset({group}), duties=frozenset({(role, group)}), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "error"),
    [
        (ANYONE, Unauthenticated),
        (_who("team"), Forbidden),
        (_who("pi", "team-b"), Forbidden),
        (_who("pi", scopes=frozenset({"read"})), WrongScope),
        (_who("pi"), None),
        (Who(person="u-2", roles=frozenset({"steward"})), None),
        (Who(person="u-3", roles=frozenset({"director"})), Forbidden),
    ],
    ids=["nobody", "team", "other PI", "reading token", "PI", "steward", "director"],
)
@pytest.mark.parametrize("model", ["Dataset", "Document"])
def test_pi_and_stewards_publish(
    node: House, engine: sa.Engine, model: str, who: Who, error: type[PanoscError] | None
) -> None:
    load(engine, (model, dataset(0)))
    if error is None:
        line = node.minting.mint(who, model, PIDS[0])  # type: ignore[arg-type]
        assert (line.wanted, line.by) == ("findable", who.person)
        with engine.connect() as connection:
            events = connection.execute(sa.select(audit.c.event, audit.c.person)).all()
        assert ("doi.wanted", who.person) in [tuple(event) for event in events]
        return
    with pytest.raises(error):
        node.minting.mint(who, model, PIDS[0])  # type: ignore[arg-type]


def test_what_nobody_may_know_of_is_not_there(node: House, engine: sa.Engine) -> None:
    load(engine, ("Dataset", dataset(0, access="closed", isPublic=None)))
    for pid in (PIDS[0], "local/none", "nul\0"):
        with pytest.raises(NotFound):
            node.minting.mint(_who("pi", "team-b"), "Dataset", pid)


def test_what_brought_a_doi_gets_no_other(node: House, engine: sa.Engine) -> None:
    load(
        engine,
        ("Dataset", dataset(0, pid="10.1234/theirs")),
        ("Document", {"pid": "P-1", "doi": "10.1234/P", "isPublic": True}),
        ("Dataset", dataset(1, pid="10.5072/ours")),
    )
    with pytest.raises(Conflict, match=r"10\.1234/theirs"):
        node.minting.mint(OPERATOR, "Dataset", "10.1234/theirs")
    with pytest.raises(Conflict, match=r"10\.1234/p"):
        node.minting.mint(OPERATOR, "Document", "P-1")
    assert node.minting.mint(OPERATOR, "Dataset", "10.5072/ours").doi == "10.5072/ours"


def test_what_is_findable_is_no_draft_again(node: House, engine: sa.Engine) -> None:
    load(engine, ("Dataset", dataset(0)))
    node.minting.mint(OPERATOR, "Dataset", PIDS[0])
    node.settle()
    with pytest.raises(Conflict, match="for ever"):
        node.minting.mint(OPERATOR, "Dataset", PIDS[0], state="draft")


def test_an_account_needs_an_address_and_a_password(settings: Settings, engine: sa.Engine) -> None:
    assert account_of(settings) is None
    services = publications(engine, settings, lambda: None, shelf=open_shelf(settings, engine))  # type: ignore[arg-type,return-value]
    with pytest.raises(Unavailable, match="stable, and local"):
        services.minting.mint(OPERATOR, "Dataset", "x")
    named = settings.model_copy(update={"datacite_account": "A.B"})
    with pytest.raises(Invalid, match="public address"):
        account_of(named)
    with pytest.raises(Invalid, match="no password"):
        account_of(named.model_copy(update={"base_url": NODE}))
    away = {"base_url": NODE, "datacite_password_file": Path("/none/here")}
    with pytest.raises(Invalid, match="/none/here"):
        account_of(named.model_copy(update=away))


@pytest.fixture
def governed(engine: sa.Engine, settings: Settings, stand_in: StandIn) -> Settings:
    """Settings of a node whose policy says something else of each class."""
    document = yaml.safe_load((EXAMPLES / "panosc-public.yaml").read_text())
    classes = document["scope"]["data_classes"]
    classes["raw"]["doi"], classes["reduced"]["doi"] = "auto", "inherit"
    classes["results"]["doi"] = "none"
    folder = settings.home / "policies"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(yaml.safe_dump(document))
    load(
        engine,
        ("Dataset", dataset(0)),
        ("Dataset", dataset(1, kind="reduced")),
        ("Dataset", dataset(2, kind="simulated")),
        ("Dataset", dataset(3, isPublic=None, access="closed")),
        ("Dataset", dataset(4)),
    )
    name = open_shelf(settings, engine).in_force[0].name
    with engine.begin() as connection:
        rows = connection.execute(
            sa.text("select id from dataset where pid <> :pid"), {"pid": PIDS[4]}
        )
        given = [{"dataset_id": key, "policy": name} for key in rows.scalars()]
        connection.execute(sa.insert(ruling), given)
    return with_account(settings, stand_in)


def test_the_policy_decides(engine: sa.Engine, governed: Settings, stand_in: StandIn) -> None:
    """Automatic for raw data that anyone may know of; refused where it says so."""
    with house(engine, governed, stand_in) as node:
        node.settle()
        first, closed = (doi_of("Dataset", PIDS[at], prefix="10.5072") for at in (0, 3))
        assert set(stand_in.repository.records) == {first}
        assert stand_in.repository.records[first].state == "findable"
        with pytest.raises(Conflict, match="belong to"):
            node.minting.mint(OPERATOR, "Dataset", PIDS[1])
        with pytest.raises(Conflict, match="no DOI"):
            node.minting.mint(OPERATOR, "Dataset", PIDS[2])
        # what opens gets one, without anybody's act
        load(engine, ("Dataset", dataset(3)))
        node.settle()
        assert set(stand_in.repository.records) == {first, closed}
        # and so does what becomes known with time
        later = dataset(5, isPublic=None, access="embargoed", embargoUntil="2027-01-01T00:00:00Z")
        load(engine, ("Dataset", later))
        node.settle()
        assert len(stand_in.repository.records) == 2


def _panosc(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    program = str(Path(sys.executable).with_name("panosc"))
    command = [program, "doi", *words, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_queues_and_tells(
    engine: sa.Engine, settings: Settings, stand_in: StandIn
) -> None:
    load(engine, ("Dataset", dataset(0)), ("Document", {"pid": "P-1", "isPublic": True}))
    assert settings.database_url is not None
    settings.home.mkdir(parents=True, exist_ok=True)
    lines = {
        "database_url": settings.database_url.get_secret_value(),
        "base_url": NODE,
        "datacite_account": stand_in.account,
        "datacite_password": stand_in.password,
        "datacite_url": stand_in.url,
    }
    text = "\n".join(f'{name} = "{value}"' for name, value in lines.items())
    (settings.home / "panosc.toml").write_text(f'{text}\noutbound_hosts = ["127.0.0.1"]\n')
    done = _panosc(settings.home, "mint", PIDS[0], "local/none", "--document", "P-1", "--json")
    assert done.returncode == 3, done.stderr
    assert [line["pid"] for line in orjson.loads(done.stdout)] == [PIDS[0], "P-1"]
    assert "local/none" in done.stderr
    told = orjson.loads(_panosc(settings.home, "status", "--json").stdout)
    assert told["counts"]["waiting"] == 2
    assert told["running"] is False
    with house(engine, settings, stand_in) as node:
        # the command asked the real clock
        node.clock.pass_by(days=3650)
        node.settle()
    assert {record.state for record in stand_in.repository.records.values()} == {"findable"}
