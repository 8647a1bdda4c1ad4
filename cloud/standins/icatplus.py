"""A stand-in for ICAT+ of the ESRF, larger than the mock of ``pyicat-plus``.

Written from the models and routes of ``icat-plus-client`` 5.7, by whose models the tests check its
answers. It has the traps of ICAT+: sessions in paths and as bearer tokens, no question without a
filter, values that are texts, datasets within datasets, a feed that tells less.

The account is ``reader``, ``reader``; `icatplus_records` makes records for it.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cloud.standins.running import QuietServer, running
from typing_extensions import override

Json = Any
Params = Mapping[str, str]
_WITHIN = re.compile(r"/catalogue/([\w-]+)/(investigation|datafile)(?:/id/(\d+)/\w+)?")
ACCOUNT, PASSWORD = "reader", "reader"


class Refused(Exception):
    """A status that is no answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(kw_only=True)
class Plus:
    """One ICAT+; everything may be changed while it runs.

    A dataset has the keys of the models, and ``outputDatasets`` always.
    """

    investigations: dict[int, dict[str, Json]] = field(default_factory=dict)
    datasets: dict[int, dict[str, Json]] = field(default_factory=dict)
    users: dict[int, list[dict[str, Json]]] = field(default_factory=dict)
    files: dict[int, list[dict[str, Json]]] = field(default_factory=dict)
    lists: dict[str, Json] = field(default_factory=dict)
    """What open routes list, by path."""
    units: dict[str, str] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sessions: set[str] = field(default_factory=set)
    tells_units: bool = True
    """Whether parameters have units, or only the list of parameters has."""
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, params: Params, said: Json, session: str) -> Json:
        """Return what a route answers.

        Raises
        ------
        Refused
        """
        if method == "POST" and path == "/session":
            return self._enter(said)
        if method == "GET" and path in self.lists:
            return self.lists[path]
        if path == "/catalogue/datasets":
            return self._datasets(params, session)
        if path == "/catalogue/datasets/documents":
            return self._feed(params)
        if found := re.fullmatch(r"/doi/([^/]+)/([^/]+)/json-datacite", path):
            return self._datacite(f"{found[1]}/{found[2]}")
        return self._within(path, params)

    def _within(self, path: str, params: Params) -> Json:
        """Return what a route answers that has the session in its path."""
        found = re.fullmatch(
            r"/catalogue/([\w-]+)/(investigation|datafile)(?:/id/(\d+)/\w+)?", path
        )
        if found is None:
            raise Refused(404)
        if found[1] not in self.sessions:
            raise Refused(403)
        if found[3] is not None:
            return self.users.get(int(found[3]), [])
        return self._investigations(params) if found[2] == "investigation" else self._files(params)

    def _enter(self, said: Json) -> Json:
        if not isinstance(said, dict) or (said.get("username"), said.get("password")) != (
            ACCOUNT,
            PASSWORD,
        ):
            raise Refused(403)
        session = str(uuid.uuid4())
        self.sessions.add(session)
        return {
            "sessionId": session,
            "username": ACCOUNT,
            "name": ACCOUNT,
            "fullName": "Reader",
            "lifeTimeMinutes": 120,
            "isAdministrator": False,
        }

    def _is_released(self, investigation: Mapping[str, Json]) -> bool:
        release = investigation.get("releaseDate")
        return bool(investigation.get("doi") and release and release <= self.clock().isoformat())

    def _investigations(self, params: Params) -> Json:
        wanted = {int(word) for word in params.get("ids", "").split(",") if word}
        found = []
        for item in self.investigations.values():
            has_text = f"{item['name']} {item.get('title')} {item.get('summary')}".lower()
            is_fit = (
                (not wanted or item["id"] in wanted)
                and (params.get("filter") != "released" or self._is_released(item))
                and (params.get("filter") != "embargoed" or _is_later(item, self.clock()))
                and params.get("search", "").lower() in has_text
                and max(item["startDate"], item.get("endDate") or "") >= params.get("startDate", "")
                and item["startDate"] < params.get("endDate", "9")
            )
            if is_fit:
                found.append(item)
        return _page(found, params)

    def _datasets(self, params: Params, session: str) -> Json:
        if session and session not in self.sessions:
            raise Refused(403)
        known = {"investigationIds", "datasetIds", "sampleId", "instrumentName", "startDate"}
        if not (known | {"endDate"}) & params.keys():
            raise Refused(400)
        found = [
            item
            for item in self.datasets.values()
            if (session or self._is_released(item["investigation"])) and _fits(item, params)
        ]
        shown = [self._shown(item, is_nested=params.get("nested") == "true") for item in found]
        return _page(shown, params)

    def _shown(self, dataset: dict[str, Json], *, is_nested: bool) -> dict[str, Json]:
        shown = {key: item for key, item in dataset.items() if key != "outputDatasets"}
        shown["parameters"] = [
            {"id": number, "name": name, "value": value}
            | ({"units": self.units.get(name, "NA")} if self.tells_units else {})
            for number, (name, value) in enumerate(dataset["parameters"].items())
        ]
        if is_nested:
            shown["outputDatasets"] = [
                self._shown(item, is_nested=True) for item in dataset["outputDatasets"]
            ]
        return shown

    def _feed(self, params: Params) -> Json:
        begin, end = params.get("startDate", ""), params.get("endDate", "9")
        found = [
            {
                "id": item["id"],
                "name": item["name"],
                "startDate": item["startDate"],
                "endDate": item["endDate"],
                "location": item["location"],
                "sampleName": item["sampleName"],
                "investigation": {key: item["investigation"][key] for key in ("id", "name")},
                "parameters": [
                    {"name": name, "value": value} for name, value in item["parameters"].items()
                ],
            }
            for item in self.datasets.values()
            if begin <= item["startDate"] < end
        ]
        skip = int(params.get("skip", 0))
        return found[skip : skip + int(params.get("limit", 1000))]

    def _files(self, params: Params) -> Json:
        found = [{"Datafile": item} for item in self.files.get(int(params["datasetId"]), [])]
        skip = int(params.get("skip", 0))
        return found[skip : skip + int(params.get("limit", 1000))]

    def _datacite(self, doi: str) -> Json:
        for item in self.investigations.values():
            if item.get("doi") == doi:
                users = self.users.get(item["id"], [])
                return {
                    "doi": doi,
                    "url": f"https://doi.org/{doi}",
                    "publicationYear": item["startDate"][:4],
                    "creators": [{"name": user["fullName"]} for user in users],
                    "titles": {"title": item["title"]},
                    "publisher": "ESRF",
                    "subjects": [],
                    "dates": [{"date": item["startDate"], "dateType": "Created"}],
                }
        raise Refused(404)


def _is_later(investigation: Mapping[str, Json], now: datetime) -> bool:
    return (investigation.get("releaseDate") or "") > now.isoformat()


def _page(found: list[dict[str, Json]], params: Params) -> Json:
    if params.get("sortBy"):
        found = sorted(found, key=lambda item: item[params["sortBy"]])
    skip, limit = int(params.get("skip", 0)), int(params.get("limit", 10_000))
    pages = -(-len(found) // limit)
    meta = {"page": {"total": len(found), "totalPages": pages, "currentPage": skip // limit + 1}}
    return [item | {"meta": meta} for item in found[skip : skip + limit]]


def _fits(item: Mapping[str, Json], params: Params) -> bool:
    checks = {
        "investigationIds": lambda said: str(item["investigation"]["id"]) in said.split(","),
        "datasetIds": lambda said: str(item["id"]) in said.split(","),
        "sampleId": lambda said: str(item.get("sampleId")) == said,
        "instrumentName": lambda said: item["instrumentName"] == said,
        "startDate": lambda said: item["startDate"] >= said,
        "endDate": lambda said: item["startDate"] < said,
        "datasetType": lambda said: item["type"] == said,
        "search": lambda said: said.lower() in f"{item['name']} {item['sampleName']}".lower(),
        "techniquePids": lambda said: any(
            technique["pid"] in said.split(",") for technique in item["techniques"]
        ),
        "parameters": lambda said: all(_holds(item, term) for term in said.split(",")),
    }
    return all(check(params[name]) for name, check in checks.items() if name in params)


def _holds(item: Mapping[str, Json], term: str) -> bool:
    name, operator, said = (*term.split("~"), "", "")[:3]
    value = item["parameters"].get(name)
    if value is None or not operator:
        return value is not None
    try:
        left, right = float(value), float(said)
    except ValueError:
        return bool(operator == "eq" and value == said) or (operator == "like" and said in value)
    return {
        "eq": left == right,
        "gt": left > right,
        "gteq": left >= right,
        "lt": left < right,
        "lteq": left <= right,
    }.get(operator, False)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # head and body are written apart: without this each answer waits 40 ms for an ACK
    disable_nagle_algorithm = True
    plus: Plus

    @override
    def log_message(self, format: str, *args: Any) -> None:
        return

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        self.plus.asked.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        session = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        status, answer = 200, None
        try:
            said = json.loads(body) if body else None
            params = dict(parse_qsl(parts.query))
            answer = self.plus.answer(self.command, parts.path, params, said, session)
        except Refused as error:
            status = error.status
        except (ValueError, KeyError):
            status = 400
        content = json.dumps(answer).encode() if status == 200 else b"refused"  # noqa: PLR2004
        self.send_response(status)
        kind = "application/json" if status == 200 else "text/plain"  # noqa: PLR2004
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815 - names of http.server


@contextmanager
def serving(plus: Plus, *, port: int = 0) -> Iterator[str]:
    """Serve it on a port of this machine, 0: a free one; yield its address."""
    handler = type("Handler", (_Handler,), {"plus": plus})
    with running(QuietServer(("127.0.0.1", port), handler)) as address:
        yield address
