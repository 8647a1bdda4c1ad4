"""A stand-in for ICAT's REST interface, written from icat.server 6.2 (``ICATRest.java``).

It has ICAT's traps: times to the second, more than ``maxEntities`` is an error and no part, what is
null is left out, the time of a record does not move when what belongs to it changes, and rows that
the authorisation rules (JPQL themselves) do not let an account see are silently not there.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cloud.standins.icat_jpql import (
    MANY,
    ONE,
    BadQuery,
    Env,
    Parsed,
    Parser,
    Row,
    Store,
    environments,
)
from cloud.standins.running import QuietServer, running
from typing_extensions import override

Params = Mapping[str, str]
ROOT = "simple/root"
ANON = "anon/anon"


class Refused(Exception):
    """An error of ICAT: its word for it, and the status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass(kw_only=True)
class Icat:
    """One ICAT; everything may be changed while it runs.

    `rules` are (names of who may, or None for all; entity or query of what may be read).
    """

    store: Store = field(default_factory=Store)
    rules: Sequence[tuple[frozenset[str] | None, str]] = ()
    accounts: dict[str, str] = field(default_factory=dict)
    """Password by name, for the plug-in ``db``."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    most: int = 10_000
    version: str = "6.2.0"
    has_engine: bool = True
    sessions: dict[str, str] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _seen: dict[tuple[str, str, int, str], set[int] | None] = field(default_factory=dict)

    def answer(self, method: str, path: str, params: Params) -> Any:
        """Return what a route answers.

        Raises
        ------
        Refused
        """
        place = path.removeprefix("/icat/")
        if method == "GET" and place in {"version", "properties"}:
            return {"version": self.version} if place == "version" else self._properties()
        if method == "POST" and place == "session":
            return self._enter(params)
        return self._within(method, place.split("/"), params)

    def _within(self, method: str, place: list[str], params: Params) -> Any:
        """Return what a route answers to somebody who is in."""
        match method, place:
            case "GET", ["session", session]:
                return {"userName": self._user(session), "remainingMinutes": 119.5}
            case "PUT", ["session", session]:
                self._user(session)
                return None
            case "GET", ["entityManager"]:
                return self.query(params.get("query", ""), self._user(params.get("sessionId", "")))
            case "GET", ["search", "documents"] if self.has_engine:
                return self._search(params, self._user(params.get("sessionId", "")))
            case _:
                raise Refused("NOT_IMPLEMENTED", f"No {place}", 501)

    def _properties(self) -> Any:
        keys = [{"name": "username"}, {"name": "password", "hide": True}]
        return {
            "maxEntities": self.most,
            "lifetimeMinutes": 120,
            "authenticators": [
                {"mnemonic": "db", "keys": keys},
                {"mnemonic": "anon", "keys": []},
            ],
            "containerType": "Payara",
        }

    def _enter(self, params: Params) -> Any:
        said = json.loads(params.get("json", "null"))
        credentials: dict[str, str] = {}
        for item in said["credentials"]:
            credentials |= item
        user = ANON
        if said["plugin"] != "anon":
            name = credentials.get("username", "")
            if said["plugin"] != "db" or self.accounts.get(name) != credentials.get("password", ""):
                raise Refused("SESSION", "The username and password do not match", 403)
            user = ROOT if name == "root" else f"db/{name}"
        session = str(uuid.uuid4())
        self.sessions[session] = user
        return {"sessionId": session}

    def _user(self, session: str) -> str:
        if session not in self.sessions:
            raise Refused("SESSION", f"Unable to find user by sessionid: {session}", 403)
        return self.sessions[session]

    def query(self, text: str, user: str) -> list[Any]:
        """Return what a query answers an account.

        Raises
        ------
        Refused
        """
        self.queries.append(text)
        try:
            parsed = Parser(text, self.store, now=self.clock(), user=user).parse()
            return self._answered(parsed, user)
        except BadQuery as error:
            raise Refused("BAD_PARAMETER", str(error)) from None

    def seen(self, entity: str, user: str) -> set[int] | None:
        """Return the ids of what an account may see, None for all."""
        if user == ROOT:
            return None
        # a release date that comes is seen within a minute
        key = (entity, user, self.store.version, f"{self.clock():%F %H:%M}")
        if key not in self._seen:
            self._seen = {old: ids for old, ids in self._seen.items() if old[2:] == key[2:]}
            self._seen[key] = self._allowed(entity, user)
        return self._seen[key]

    def _allowed(self, entity: str, user: str) -> set[int] | None:
        found: set[int] = set()
        for who, what in self.rules:
            if who is not None and user not in who:
                continue
            if what == entity:
                return None
            if what.startswith(f"SELECT o FROM {entity} "):
                rule = Parser(what, self.store, now=self.clock(), user=user).parse()
                found |= {env["o"][1]["id"] for env in environments(rule, self.store, _all)}
        return found

    def _answered(self, parsed: Parsed, user: str) -> list[Any]:
        envs = list(environments(parsed, self.store, lambda entity: self.seen(entity, user)))
        for value, is_down in reversed(parsed.order):
            envs.sort(key=_key_of(value), reverse=is_down)
        if parsed.fold:
            return [self._folded(parsed, envs)]
        rows = [tuple(value(env) for value in parsed.what) for env in envs]
        if parsed.is_distinct:
            rows = list(dict.fromkeys(rows))
        if parsed.limit is not None:
            rows = rows[parsed.limit[0] : parsed.limit[0] + parsed.limit[1]]
        if len(rows) > self.most:
            raise Refused("VALIDATION", f"attempt to return more than {self.most} entities")
        if parsed.names == [parsed.alias]:
            seen: dict[str, set[int] | None] = {}
            return [self._entity(parsed, int(row[0]), user, seen) for row in rows]
        shown = [[_shown(value) for value in row] for row in rows]
        return [row[0] for row in shown] if len(parsed.what) == 1 else shown

    def _folded(self, parsed: Parsed, envs: list[Env]) -> Any:
        values = [parsed.what[0](env) for env in envs]
        if parsed.is_distinct:
            values = list(dict.fromkeys(values))
        if parsed.fold == "COUNT":
            return len(values)
        known = [value for value in values if value is not None]
        if not known:
            return None
        return _shown(max(known) if parsed.fold == "MAX" else min(known))

    def _entity(
        self, parsed: Parsed, number: int, user: str, seen: dict[str, set[int] | None]
    ) -> Row:
        row = self.store.rows[parsed.entity][number]

        def may(entity: str, other: Row) -> bool:
            if entity not in seen:
                seen[entity] = self.seen(entity, user)
            visible = seen[entity]
            return visible is None or other["id"] in visible

        return {parsed.entity: self._with(parsed.entity, row, parsed.includes, may)}

    def _with(
        self, entity: str, row: Row, includes: list[list[str]], may: Callable[[str, Row], bool]
    ) -> Row:
        shown = {
            name: _shown(value)
            for name, value in row.items()
            if value is not None and name not in ONE.get(entity, {})
        }
        for name in dict.fromkeys(path[0] for path in includes if path):
            target, others = self.store.follow(entity, row, name)
            rest = [path[1:] for path in includes if path[:1] == [name]]
            found = [self._with(target, other, rest, may) for other in others if may(target, other)]
            if name in MANY.get(entity, {}):
                shown[name] = found
            elif found:
                shown[name] = found[0]
        return shown

    def _search(self, params: Params, user: str) -> Any:
        asked = json.loads(params["query"])
        entity = asked["target"]
        if entity not in {"Dataset", "Investigation"}:
            raise Refused("BAD_PARAMETER", f"{entity} is no target")
        terms = asked.get("text", "").replace('"', "").split()
        visible = self.seen(entity, user)
        results = []
        for number, row in self.store.rows.get(entity, {}).items():
            words = self._words(entity, row)
            is_fit = all((term[1:] not in words) for term in terms if term[0] == "-") and (
                all(term[1:].lower() in words for term in terms if term[0] == "+")
                if any(term[0] == "+" for term in terms)
                else any(term.lower() in words for term in terms)
            )
            if is_fit and (visible is None or number in visible):
                results.append({"id": number, "score": 1.0, "source": {"id": number}})
        return {"results": results[: int(params.get("maxCount", 100))]}

    def _words(self, entity: str, row: Row) -> set[str]:
        rows = [row]
        if entity == "Dataset":
            rows += self.store.follow(entity, row, "investigation")[1]
        said = " ".join(
            str(item.get(name) or "")
            for item in rows
            for name in ("name", "title", "summary", "description")
        )
        # as Lucene does, at an underscore no word ends
        return set(re.findall(r"\w+", said.lower()))


def _all(_entity: str) -> None:
    return None


def _key_of(value: Callable[[Env], Any]) -> Callable[[Env], Any]:
    return lambda env: (value(env) is not None, value(env))


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return value


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # head and body are written apart: without this each answer waits 40 ms for an ACK
    disable_nagle_algorithm = True
    icat: Icat

    @override
    def log_message(self, format: str, *args: Any) -> None:
        return

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        self.icat.asked.append(f"{self.command} {parts.path}")
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        status = 200
        answer: Any
        try:
            params = dict(parse_qsl(parts.query)) | dict(parse_qsl(body))
            answer = self.icat.answer(self.command, parts.path, params)
        except Refused as error:
            status, answer = error.status, {"code": error.code, "message": error.message}
        except (ValueError, KeyError, TypeError) as error:
            status, answer = 400, {"code": "BAD_PARAMETER", "message": str(error)}
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status if content else 204)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - names of http.server


@contextmanager
def serving(icat: Icat, *, port: int = 0) -> Iterator[str]:
    """Serve it on a port of this machine, 0: a free one; yield its address."""
    handler = type("Handler", (_Handler,), {"icat": icat})
    with running(QuietServer(("127.0.0.1", port), handler)) as address:
        yield f"{address}/icat"
