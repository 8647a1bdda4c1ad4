"""A stand-in for the records API of InvenioRDM, written from its documentation.

Records of the RDM shape, searched by a query string, listed by pages of a window of 10 000, of all
or of one community. Deleted records leave the lists, and answer 410 with their tombstone.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from cloud.standins.running import QuietServer, running
from typing_extensions import override

WINDOW = 10_000
_SINCE = re.compile(r'updated:\["([^"]+)" TO \*\]')
_PHRASE = re.compile(r'(NOT )?"((?:[^"\\]|\\.)*)"')
Answer = tuple[int, Any]


@dataclass(kw_only=True)
class Repository:
    """Records by their identifiers."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    tombstones: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    largest: int = 100
    """The largest page; for a larger one it answers 400."""
    is_silent: bool = False
    """It gives smaller pages than were asked for, without a word."""
    limits: list[int] = field(default_factory=list)
    """Calls that are left, as each answer says it."""
    window: int = WINDOW

    def put(self, key: str, **more: Any) -> None:
        """Make or change a record."""
        at = self.clock().astimezone(UTC).isoformat()
        old = self.records.get(key, {"created": at, "revision_id": 0})
        new = {**record(key), **old, **more, "id": key, "updated": at}
        self.records[key] = {**new, "revision_id": old["revision_id"] + 1}

    def delete(self, key: str, note: str = "") -> None:
        """Delete a record and leave a tombstone."""
        del self.records[key]
        self.tombstones[key] = {
            "removal_reason": {"id": "retracted"},
            "note": note,
            "is_visible": True,
        }

    def answer(self, path: str, asked: dict[str, str]) -> Answer:
        """Return status and body."""
        self.asked.append({"path": path, **asked})
        found = re.fullmatch(r"/api/(?:communities/([^/]+)/)?records(?:/([^/]+))?", path)
        if found is None:
            return 404, {"status": 404, "message": "Not found"}
        if found[2] in self.tombstones:
            return 410, {"status": 410, "tombstone": self.tombstones[found[2]]}
        if found[2]:
            one = self.records.get(found[2])
            return (404, {"status": 404}) if one is None else (200, one)
        return self._list(found[1], asked)

    def _list(self, community: str | None, asked: dict[str, str]) -> Answer:
        size, page = int(asked.get("size", "25")), int(asked.get("page", "1"))
        if size > self.largest:
            if not self.is_silent:
                problem = {"field": "size", "messages": [f"Must be at most {self.largest}."]}
                return 400, {"status": 400, "errors": [problem]}
            size = self.largest
        if size * page > self.window:
            return 400, {"status": 400, "message": "Maximum number of results reached."}
        query = asked.get("q", "")
        found = [item for item in self.records.values() if _fits(item, query)]
        if community is not None:
            found = [item for item in found if item.get("community") == community]
        is_late = asked.get("sort") != "updated-asc"
        found.sort(key=lambda item: (item["updated"], item["id"]), reverse=is_late)
        start = (page - 1) * size
        return 200, {"hits": {"hits": found[start : start + size], "total": len(found)}}


def _fits(item: Mapping[str, Any], query: str) -> bool:
    since = _SINCE.search(query)
    if since is not None and item["updated"] < since[1]:
        return False
    if "resource_type.id:dataset" in query:
        is_dataset = item["metadata"]["resource_type"]["id"] == "dataset"
        if is_dataset == ("NOT metadata" in query):
            return False
    text = orjson.dumps(item["metadata"]).decode().lower()
    rest = _SINCE.sub("", query)
    found = [(bool(m[1]), m[2].lower() in text) for m in _PHRASE.finditer(rest)]
    wanted = [is_there for is_denied, is_there in found if not is_denied]
    denied = [is_there for is_denied, is_there in found if is_denied]
    fits = any(wanted) if " OR " in rest else all(wanted)
    return fits and not any(denied)


def record(key: str, *, kind: str = "dataset", title: str = "Data", **more: Any) -> dict[str, Any]:
    """Return a record as the API gives it."""
    return {
        "id": key,
        "pids": {
            "doi": {"identifier": f"10.5281/inv.{key}", "provider": "datacite"},
            "oai": {"identifier": f"oai:inv.example:{key}", "provider": "oai"},
        },
        "parent": {"id": f"p-{key}", "pids": {"doi": {"identifier": f"10.5281/inv.p{key}"}}},
        "versions": {"index": 1, "is_latest": True},
        "metadata": {
            "resource_type": {"id": kind, "title": {"en": kind.capitalize()}},
            "title": title,
            "description": "<p>What was <b>measured</b>.</p>",
            "publication_date": "2018/2020-09",
            "publisher": "Inv",
            "creators": [
                {
                    "person_or_org": {
                        "type": "personal",
                        "name": "Example, Ada",
                        "given_name": "Ada",
                        "family_name": "Example",
                        "identifiers": [{"scheme": "orcid", "identifier": "0000-0002-1825-0097"}],
                    },
                    "affiliations": [{"id": "02550n020", "name": "A University"}],
                }
            ],
            "rights": [{"id": "cc-by-4.0", "title": {"en": "CC BY 4.0"}}],
            "subjects": [{"subject": "ice"}],
            "related_identifiers": [
                {
                    "identifier": "10.5072/raw",
                    "scheme": "doi",
                    "relation_type": {"id": "isderivedfrom"},
                }
            ],
            **more,
        },
        "files": {
            "enabled": True,
            "count": 1,
            "total_bytes": 3000,
            "entries": {"a.h5": {"key": "a.h5", "size": 3000, "checksum": "md5:00"}},
        },
        "access": {
            "record": "public",
            "files": "public",
            "embargo": {"active": False},
            "status": "open",
        },
        "links": {"self_html": f"https://inv.example/records/{key}"},
        "stats": {"all_versions": {"views": 7}},
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        repository = self.server.repository
        repository.headers.append(dict(self.headers))
        parts = urlsplit(self.path)
        status, told = repository.answer(parts.path, dict(parse_qsl(parts.query)))
        body = orjson.dumps(told)
        now = repository.clock()
        self.send_response_only(status)
        self.send_header("Date", format_datetime(now, usegmt=True))
        self.send_header("Content-Type", "application/vnd.inveniordm.v1+json")
        self.send_header("Content-Length", str(len(body)))
        if repository.limits:
            self.send_header("X-RateLimit-Remaining", str(repository.limits.pop(0)))
            self.send_header("X-RateLimit-Reset", str(int(now.timestamp()) + 30))
        self.end_headers()
        self.wfile.write(body)


class _Server(QuietServer):
    def __init__(self, repository: Repository, port: int) -> None:
        self.repository = repository
        super().__init__(("127.0.0.1", port), _Handler)


@contextmanager
def serving(repository: Repository, *, port: int = 0) -> Iterator[str]:
    """Serve on this machine; yield the address."""
    with running(_Server(repository, port)) as address:
        yield address
