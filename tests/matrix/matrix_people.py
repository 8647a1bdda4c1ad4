"""The persons of the matrix and the node that they ask; states come about by the public ways."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from http.client import HTTPConnection
from pathlib import Path

import matrix_catalogue as given
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI
from matrix_catalogue import DATASETS, NOW

from panosc.app import create_app
from panosc.catalogue.intake import announcement
from panosc.catalogue.loading import load
from panosc.catalogue.people import account, alias, session
from panosc.data.overviews.following import Keeper as Overviewer
from panosc.domain.access import OPERATOR
from panosc.identity.groups.keeping import GroupStore
from panosc.identity.service import Identity, build
from panosc.policy.births import for_groups, for_writers
from panosc.policy.shelf import open_shelf
from panosc.publication.oai.following import Keeper as Harvester
from panosc.search.index.following import rebuild
from panosc.search.panet import lineage
from panosc.settings import Settings

PERSONS = (
    "anonymous",
    "stranger",
    "member",
    "guest",
    "pi",
    "contact",
    "steward",
    "administrator",
    "token_write",
    "service",
    "token_read",
    "sharee",
    "link",
    "newcomer",
    "director",
    "scientist",
)
"""Of the issue: somebody who has not signed in, a stranger who has (the PI of another proposal),
a member of the team, one whose time as a guest is over, the PI, the local contact, a steward, an
administrator, a token of the member that may only write, the service of another beamline.
Besides: a token of the member that may only read, somebody whom the PI shared embargoed and
closed data with, whoever has opened the link to these, a new member of the team who has not
accepted the terms, a director, and whoever is in charge of the instrument."""
THOROUGH = ("anonymous", "stranger", "member", "pi", "steward")
"""Those who are asked also about records whose state came about by an act or the policy."""
SIGNED_IN = tuple(name for name in PERSONS if name not in {"anonymous", "link"})
TOKENS = ("token_write", "token_read", "service")
"""Persons that are programs."""
OUTSIDERS = (
    *("anonymous", "stranger", "guest", "administrator", "token_write", "service"),
    *("newcomer", "director"),
)
"""Those who see no more than anyone of the datasets of the team."""
INSIDERS = ("member", "pi", "contact", "token_read", "scientist")
GIVEN = ("sharee", "link")
_COOKIES = [name for name in SIGNED_IN if name not in TOKENS]
_IN_NODE = ("steward", "administrator", "director")
SERVICE = "svc-d33"


@dataclass(frozen=True)
class Answer:
    """What came back; `headers` in lower case, one text for all of one name."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def text(self) -> str:
        """Everything in it, for a search."""
        return "\n".join([*(f"{k}: {v}" for k, v in self.headers.items()), self.body])


@dataclass
class Node:
    """A served node with its persons."""

    variant: str
    app: FastAPI
    engine: sa.Engine
    settings: Settings
    address: str
    identity: Identity
    credentials: dict[str, dict[str, str]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """What was made at random: value → the name that it goes by in a comparison."""
    asked: int = 0
    _connections: dict[str, HTTPConnection] = field(default_factory=dict)

    def ask(
        self,
        person: str,
        method: str,
        path: str,
        *,
        body: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request as `person` would."""
        self.asked += 1
        host = self.address.removeprefix("http://")
        sent = {"Accept": "*/*", **self.credentials[person], **(headers or {})}
        if method not in {"GET", "HEAD", "OPTIONS"}:
            sent["Origin"] = self.address
        connection = self._connections.setdefault(person, HTTPConnection(host, timeout=60))
        connection.request(method, path, body=body, headers=sent)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            key = name.lower()
            found[key] = f"{found[key]}, {value}" if key in found else value
        return Answer(status=answer.status, headers=found, body=text)

    def post(self, person: str, path: str, body: str) -> Answer:
        """Send JSON, as is done to make the states; it has to succeed."""
        sent = {"Content-Type": "application/json"}
        answer = self.ask(person, "POST", path, body=body, headers=sent)
        assert answer.status < 300, (person, path, answer)
        return answer

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


@contextmanager
def served_node(
    variant: str, engine: sa.Engine, settings: Settings, folder: Path
) -> Iterator[Node]:
    """Load one variant of the catalogue, serve it, and let acts bring about the other states."""
    _load(engine, settings, given.write_folder(variant, folder))
    app = create_app(settings, engine, clock=lambda: NOW)
    with _serving(app) as address:
        identity = build(engine, settings, lambda: NOW)
        node = Node(variant, app, engine, settings, address, identity)
        _sign_in(node)
        _act(node)
        _keep_searches(node)
        rebuild(engine, settings, lambda: NOW, tell=lambda _done, _total: None)
        Overviewer(engine, settings, lambda: NOW).catch_up()
        # harvesters are told of seconds that are over
        Harvester(engine, lambda: NOW - timedelta(hours=1), lineage, "ILL").catch_up()
        try:
            yield node
        finally:
            node.close()


def _load(engine: sa.Engine, settings: Settings, catalogue: Path) -> None:
    with engine.begin() as connection:
        for person in _COOKIES:
            terms = None if person == "newcomer" else settings.terms_version
            row = {"id": f"u-{person}", "kind": "person", "name": f"Person {person}"}
            values = {**row, "terms": terms, "created": NOW, "seen": NOW}
            connection.execute(sa.insert(account).values(values))
            names = {"name": f"uo:{person}", "person": f"u-{person}"}
            connection.execute(sa.insert(alias).values(**names))
    shelf = open_shelf(settings, engine)
    groups = GroupStore(engine, lambda: NOW, for_groups(shelf))

    def beside(connection, paths):
        done = groups.load(connection, paths, who=OPERATOR)
        return {"Group": done.groups, "GroupMember": done.members}

    load(engine, catalogue, now=NOW, beside=beside, born=for_writers(shelf, NOW))
    with engine.begin() as connection:
        said = {"paths": ["/measured/x"], "instrument": given.D22}
        failed = {"kind": "http", "state": "failed", "body": {"said": said}}
        row = {"id": "u-scientist:run-1", "who": "u-scientist", **failed}
        connection.execute(sa.insert(announcement).values(**row, at=NOW, next_try=NOW))
    for person in _IN_NODE:
        groups.add(OPERATOR, "node", f"u-{person}", role=person)


def _sign_in(node: Node) -> None:
    sessions, tokens = node.identity.sessions, node.identity.tokens
    node.credentials = {name: {} for name in PERSONS}
    for person in _COOKIES:
        with node.engine.begin() as connection:
            at = {"provider": "test", "iss": "https://idp.example", "sub": person}
            value = sessions.begin(connection, f"u-{person}", **at)
            handle = sa.select(session.c.handle).where(session.c.account == f"u-{person}")
            node.ids[connection.scalar(handle)] = f"session-{person}"
        node.credentials[person] = {"Cookie": f"{sessions.cookie}={value}"}
    kept = node.credentials["member"]["Cookie"].partition("=")[2]
    member = sessions.find(kept).standing.who(via="session")
    for person, scope in (("token_write", "write"), ("token_read", "read")):
        made = tokens.create(member, name=person, scopes=[scope], days=30)
        secret = made.secret
        node.ids[made.token.id] = f"token-{person}"
        node.credentials[person] = {"Authorization": f"Bearer {secret}"}
    node.identity.services.add_service(OPERATOR, SERVICE, instrument=given.D33)
    options = {"name": "beamline", "scopes": ["read", "data"], "days": 30}
    made = tokens.create(OPERATOR, owner=SERVICE, **options)
    node.ids[made.token.id] = "token-service"
    node.credentials["service"] = {"Authorization": f"Bearer {made.secret}"}


def _act(node: Node) -> None:
    """Bring about the states that records do not say themselves, and share what is hidden."""
    at = "/api/v1/datasets/" + given.PREFIX
    node.post("pi", f"{at}/open-ruled/release", "{}")
    node.post("steward", f"{at}/withdrawn-ruled/withdraw", '{"reason": "It was wrong."}')
    asked = node.post("steward", f"{at}/erased-ruled/erase", '{"reason": "A judge says so."}')
    number = _value(asked, "id")
    node.ids[number] = "request-erasure"
    node.post("director", f"/api/v1/requests/{number}/answer", '{"granted": true}')
    links = []
    for record in DATASETS:
        is_left_out = record.state == "closed" and node.variant != given.VARIANTS[0]
        if record.state not in {"embargoed", "closed"} or is_left_out:
            continue
        person = '{"kind": "person", "name": "u-sharee"}'
        made = node.post("pi", f"{at}/{record.key}/shares", person)
        node.ids[_value(made, "id")] = f"share-{record.key}"
        made = node.post("pi", f"{at}/{record.key}/shares", '{"kind": "link"}')
        node.ids[_value(made, "id")] = f"link-{record.key}"
        secret = _value(made, "path").removeprefix("/share/")
        node.ids[secret] = f"secret-{record.key}"
        links.append(secret)
    node.credentials["link"] = {"Cookie": f"panosc-links={'.'.join(links)}"}
    asking = '{"kind": "%s", "pid": "%s", "text": "Please.", "years": %s}'
    pid = f"{given.PREFIX}/embargoed-said"
    for person, kind, years in (("stranger", "access", "null"), ("pi", "extension", "1")):
        made = node.post(person, "/api/v1/requests", asking % (kind, pid, years))
        node.ids[_value(made, "id")] = f"request-{kind}"


def _keep_searches(node: Node) -> None:
    """Let people keep searches; that of the steward is named after what is hidden."""
    (closed,) = (record for record in DATASETS if record.key == "closed-said")
    named = {
        "member": "Ours",
        "stranger": "Others'",
        "steward": closed.core(node.variant)["title"],
    }
    for person, name in named.items():
        body = {"name": name, "params": f"instrument={given.D22}&sort=title"}
        made = node.post(person, "/api/v1/searches", json.dumps(body))
        node.ids[_value(made, "id")] = f"search-{person}"


def _value(answer: Answer, name: str) -> str:
    return answer.body.split(f'"{name}":"')[1].split('"')[0]


def is_given(person: str, state: str) -> bool:
    """Whether the team shared datasets in `state` with `person`."""
    return person in GIVEN and state in {"embargoed", "closed"}


def sees(person: str, model: str, state: str) -> set[str]:
    """Return the levels that `person` sees of records of the team: core, detail.

    This is contracts.md, "Access: two levels, five states", once more.
    """
    if state in {"erased", "never"}:
        return set()
    if state == "open":
        return {"core", "detail"}
    if state == "withdrawn":
        return {"core", "detail"} if person == "steward" else {"core"}
    # whoever is in charge of an instrument, and whoever it is shared with, is of datasets
    of_team = person in INSIDERS and (model == "Dataset" or person != "scientist")
    if of_team or person == "steward" or (model == "Dataset" and is_given(person, state)):
        return {"core", "detail"}
    return {"core"} if state == "embargoed" else set()


@cache
def secrets_kept_from(person: str, variant: str) -> dict[str, str]:
    """Return every text that may be in no answer to `person`: text → what it is."""
    found: dict[str, str] = {}
    for record in given.RECORDS:
        levels = sees(person, record.model, record.state)
        if "core" not in levels:
            found |= {
                text: f"{kind} of {record.key}" for kind, text in record.core(variant).items()
            }
        if "detail" not in levels:
            found |= {
                text: f"{kind} of {record.key}" for kind, text in record.detail(variant).items()
            }
    # names of the team are for those whose care its data are, not for whoever got a share
    if person not in {*INSIDERS, "steward", "newcomer"}:
        found |= {f"Person {name}": "name of one of the team" for name in ("contact", "newcomer")}
    return found


@contextmanager
def _serving(app: FastAPI) -> Iterator[str]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_keep_alive=7200)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
