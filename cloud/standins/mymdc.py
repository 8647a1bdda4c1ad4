"""A stand-in for myMdC of the European XFEL: what can be read of it.

Written from the wire form of ``metadata_client`` 4.2 and the answers that its tests expect; that
client reads it in our tests. It lists no proposals, says of nothing when it changed, and gives
pages with their number in headers.

The client of OAuth2 is ``reader``, ``reader``. python -m cloud.standins.mymdc PORT serves some;
with a file of JSON (class: records) as a second argument those.
"""

import base64
import json
import math
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cloud.standins.running import QuietServer, running
from typing_extensions import override

Json = Any
Record = dict[str, Json]
ACCOUNT, PASSWORD = "reader", "reader"
_FILTERS = {
    "experiments": {"name", "proposal_id"},
    "samples": {"name", "proposal_id"},
    "data_groups": {"name", "experiment_id"},
    "dataset_files": {"data_group_id"},
    "instruments": {"identifier", "facility_id", "topic_id"},
    "techniques": {"identifier", "name"},
    "proposals": {"number"},
    "units": {"name"},
    "runs": {"run_number", "experiment_id"},
    "users": set(),
}
_LISTED = ("id", "run_number", "flg_status", "flg_run_quality", "size", "num_files", "repositories")


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True)
class Page:
    """A part of a list, or an object with one inside."""

    content: Json
    page: int
    size: int
    total: int

    @property
    def headers(self) -> dict[str, str]:
        """What is said of the whole list."""
        return {
            "X-Total-Pages": str(max(1, math.ceil(self.total / self.size))),
            "X-Count-Per-Page": str(self.size),
            "X-Current-Page": str(self.page),
            "X-Total-Count": str(self.total),
        }


@dataclass(kw_only=True)
class MyMdC:
    """One myMdC; everything may be changed while it runs.

    Records have the fields of the client, by the names of their class in the address. A run has
    ``data_groups``, the identifiers of its raw ones, which are given apart.
    """

    records: dict[str, list[Record]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    logins: int = 0
    asked: list[str] = field(default_factory=list)

    def enter(self, basic: str, body: str) -> Json:
        """Return a token for a client.

        Raises
        ------
        Refused
        """
        said = dict(parse_qsl(body))
        known = base64.b64encode(f"{ACCOUNT}:{PASSWORD}".encode()).decode()
        if basic != f"Basic {known}" or said.get("grant_type") != "client_credentials":
            said_why = "Client authentication failed due to unknown client"
            raise Refused(401, {"error": "invalid_client", "error_description": said_why})
        self.logins += 1
        token = f"token-{self.logins}"
        self.tokens.add(token)
        return {"access_token": token, "token_type": "Bearer", "expires_in": 7200}

    def answer(self, target: str, headers: Mapping[str, str]) -> Json:
        """Return what an address answers.

        Raises
        ------
        Refused
        """
        self.asked.append(target)
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or "@" not in headers.get("X-User-Email", ""):
            raise Refused(401, {"error": "The access token is invalid"})
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        path = [one for one in parts.path.split("/") if one]
        if path[:3] == ["api", "proposals", "by_number"]:
            return self._proposal(path[3], path[4:], query)
        if path == ["api", "me"]:
            path = ["api", "users", "1"]
        return self._found(path, query)

    def _found(self, path: list[str], query: Mapping[str, str]) -> Json:
        match path:
            case ["api", "runs", "runs_by_proposal"]:
                return _paged(self._runs(query["proposal_number"]), query)
            case ["api", "runs", "all_raw_data_groups_ids"]:
                return [one for run in self._asked_runs(query) for one in run["data_groups"]]
            case ["api", "dataset_files", "search_dataset_files"]:
                ids = {one for run in self._asked_runs(query) for one in run["data_groups"]}
                files = self.records.get("dataset_files", [])
                return [file for file in files if file["data_group_id"] in ids]
            case ["api", name] if name in _FILTERS:
                return self._listed(name, query)
            case ["api", name, number] if name in _FILTERS and re.fullmatch(r"-?\d+", number):
                return _bare(self._one(name, int(number)))
            case _:
                raise Refused(404, {"info": "Resource not found!"})

    def _one(self, name: str, number: int) -> Record:
        for record in self.records.get(name, []):
            if record["id"] == number:
                return record
        raise Refused(404, {"info": "Resource not found!"})

    def _listed(self, name: str, query: Mapping[str, str]) -> Page:
        wanted = {key: query[key] for key in _FILTERS[name] if key in query}
        if not wanted and name != "instruments":
            # nothing but instruments and reports is listed without saying of what
            raise Refused(404, {"info": "Resource not found!"})
        found = [
            _bare(record)
            for record in self.records.get(name, [])
            if all(str(record.get(key)) == value for key, value in wanted.items())
        ]
        return _paged(found, query)

    def _proposal(self, number: str, rest: list[str], query: Mapping[str, str]) -> Json:
        known = [one for one in self.records.get("proposals", []) if str(one["number"]) == number]
        if not known:
            raise Refused(404, {"info": f"Proposal number {number} not found"})
        proposal = known[0]
        if not rest:
            return proposal
        runs = self._runs(number)
        if rest[1:]:
            runs = [run for run in runs if str(run["run_number"]) == rest[1]]
        short = [{key: run.get(key) for key in _LISTED} for run in runs]
        page = _paged(short, query)
        head = {key: proposal[key] for key in ("id", "number", "title")}
        return Page({"proposal": head, "runs": page.content}, page.page, page.size, page.total)

    def _runs(self, number: str) -> list[Record]:
        proposals = {
            one["id"] for one in self.records.get("proposals", []) if str(one["number"]) == number
        }
        experiments = {
            one["id"]
            for one in self.records.get("experiments", [])
            if one["proposal_id"] in proposals
        }
        runs = self.records.get("runs", [])
        return [run for run in runs if run["experiment_id"] in experiments]

    def _asked_runs(self, query: Mapping[str, str]) -> list[Record]:
        runs = self._runs(query["proposal_number"])
        return [run for run in runs if str(run["run_number"]) == query["run_number"]]


def _bare(record: Record) -> Record:
    return {key: value for key, value in record.items() if key != "data_groups"}


def _paged(records: list[Record], query: Mapping[str, str]) -> Page:
    page, size = int(query.get("page", 1)), int(query.get("page_size", 100))
    return Page(records[(page - 1) * size : page * size], page, size, len(records))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body in one piece: two would wait 40 ms for each other."""
    server: "_Server"

    @override
    def log_message(self, format: str, *args: Json) -> None:
        return

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        status, headers = 200, {}
        try:
            if self.command == "POST" and self.path == "/oauth/token":
                answer = self.server.mymdc.enter(self.headers.get("authorization", ""), body)
            else:
                answer = self.server.mymdc.answer(self.path, dict(self.headers))
        except Refused as refused:
            status, answer = refused.status, refused.body
        if isinstance(answer, Page):
            headers, answer = answer.headers, answer.content
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815 - names of http.server


class _Server(QuietServer):
    def __init__(self, mymdc: MyMdC, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.mymdc = mymdc


@contextmanager
def serving(mymdc: MyMdC, port: int = 0) -> Iterator[str]:
    """Serve a myMdC on this machine; yield its address."""
    with running(_Server(mymdc, port)) as address:
        yield address


if __name__ == "__main__":
    from cloud.standins.mymdc_records import some

    told = json.loads(Path(sys.argv[2]).read_text()) if sys.argv[2:] else some(100, 20)
    with serving(MyMdC(records=told), int(sys.argv[1])) as address:
        sys.stdout.write(f"ready {address}\n")
        sys.stdout.flush()
        threading.Event().wait()
