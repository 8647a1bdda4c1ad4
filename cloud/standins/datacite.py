"""A stand-in for the lists of DataCite's REST API, over what the house's own stand-in holds.

States, events and refusals are those of `panosc.publication.minting.standin`. Lists are written
from DataCite's documentation and from its server's source (lupo): only findable DOIs, by pages of
a cursor in the order in which they were made, whatever ``sort`` says; links to the next page.
Of the query syntax it speaks phrases, AND, OR, NOT, fields and ranges of ``updated``.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
from cloud.standins.running import QuietServer, running
from typing_extensions import override

from panosc.publication.minting.standin import Repository

_TOKEN = re.compile(
    r"\s*(?:(?P<sign>[()])|(?P<word>AND|OR|NOT)\b"
    r"|(?P<range>updated:\[\"?(?P<since>[^\s\"\]]+)\"? TO \*\])"
    r"|types\.resourceTypeGeneral:\((?P<types>[A-Za-z ]+)\)"
    r"|\"(?P<phrase>(?:[^\"\\]|\\.)*)\")"
)
Fits = Callable[[Mapping[str, Any]], bool]


class SyntaxRefusedError(Exception):
    """The query cannot be parsed; DataCite answers 400."""


def parsed(query: str) -> Fits:
    """Return which DOIs a query means.

    Raises
    ------
    SyntaxRefusedError
    """
    tokens: list[re.Match[str]] = []
    at = 0
    while at < len(query.rstrip()):
        found = _TOKEN.match(query, at)
        if found is None:
            raise SyntaxRefusedError(query[at:])
        tokens.append(found)
        at = found.end()
    fits = _either(tokens)
    if tokens:
        raise SyntaxRefusedError(query)
    return fits


def phrases(query: str) -> list[str]:
    """Return the phrases of a query as they were before they were escaped."""
    return [
        re.sub(r"\\(.)", r"\1", found["phrase"])
        for found in _TOKEN.finditer(query)
        if found["phrase"] is not None
    ]


def _either(tokens: list[re.Match[str]]) -> Fits:
    found = [_both(tokens)]
    while tokens and tokens[0]["word"] == "OR":
        tokens.pop(0)
        found.append(_both(tokens))
    return lambda item: any(fits(item) for fits in found)


def _both(tokens: list[re.Match[str]]) -> Fits:
    found = [_one(tokens)]
    while tokens and tokens[0]["word"] == "AND":
        tokens.pop(0)
        found.append(_one(tokens))
    return lambda item: all(fits(item) for fits in found)


def _one(tokens: list[re.Match[str]]) -> Fits:
    if not tokens:
        raise SyntaxRefusedError("it ends too early")
    token = tokens.pop(0)
    if token["word"] == "NOT":
        inner = _one(tokens)
        return lambda item: not inner(item)
    if token["sign"] == "(":
        inner = _either(tokens)
        if not tokens or tokens.pop(0)["sign"] != ")":
            raise SyntaxRefusedError("a bracket is not closed")
        return inner
    if token["range"]:
        since = token["since"]
        return lambda item: str(item["updated"]) >= since
    if token["types"]:
        kinds = token["types"].split(" OR ")
        return lambda item: item.get("types", {}).get("resourceTypeGeneral") in kinds
    if token["phrase"] is None:
        raise SyntaxRefusedError(token[0])
    words = re.findall(r"\w+", re.sub(r"\\(.)", r"\1", token["phrase"]).lower())
    return lambda item: " ".join(words) in _text(item)


def _text(item: Mapping[str, Any]) -> str:
    return " ".join(re.findall(r"\w+", orjson.dumps(item).decode().lower()))


@dataclass(kw_only=True)
class Lists:
    """DOIs that are listed; `repository` knows of their states."""

    repository: Repository = field(default_factory=lambda: Repository(prefix="10.5072"))
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    made: dict[str, int] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    busy: int = 0
    """So many requests are answered 429."""
    circles: bool = False

    def put(self, doi: str, event: str = "publish", **attributes: Any) -> None:
        """Make or change a DOI; ``event="hide"`` takes it out of the lists."""
        at = self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        given = {**attributes, "event": event, "updated": at}
        if doi not in self.made:
            self.made[doi] = len(self.made)
        self.repository.put(doi, given)

    def page(self, asked: dict[str, str], base: str) -> dict[str, Any]:
        """Return one page of a list.

        Raises
        ------
        SyntaxRefusedError
        """
        fits = parsed(asked["query"]) if asked.get("query") else (lambda _: True)
        prefixes = asked.get("prefix", "").split(",")
        kinds = [kind for kind in asked.get("resource-type-id", "").split(",") if kind]
        found = [
            record.as_json()
            for _, record in sorted(self.repository.records.items(), key=self._order)
            if record.state == "findable" and record.doi.split("/")[0] in prefixes
        ]
        found = [
            item
            for item in found
            if fits(item["attributes"]) and (not kinds or _kind(item) in kinds)
        ]
        size = min(int(asked.get("page[size]", "25")), 1000)
        cursor = asked.get("page[cursor]")
        start = 0
        if cursor not in {None, "1"}:
            last = int(base64.b64decode(str(cursor)).decode())
            start = sum(1 for item in found if self.made[item["id"]] <= last)
        shown = found[start : start + size]
        if "fields[dois]" in asked:
            shown = [{**item, "attributes": {"doi": item["id"]}} for item in shown]
        links = {}
        if cursor is not None and len(shown) == size and shown:
            last = self.made[shown[-1]["id"]]
            at = base64.b64encode(str(0 if self.circles else last).encode()).decode()
            # like DataCite's, the link forgets the order
            kept = {key: value for key, value in asked.items() if key != "sort"}
            links["next"] = f"{base}/dois?" + urlencode({**kept, "page[cursor]": at})
        return {"data": shown, "meta": {"total": len(found)}, "links": links}

    def _order(self, entry: tuple[str, Any]) -> int:
        return self.made[entry[0]]


def _kind(item: Mapping[str, Any]) -> str:
    types = item["attributes"].get("types") or {}
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", types.get("resourceTypeGeneral", "")).lower()


def described(title: str, *, general: str = "Dataset", **more: Any) -> dict[str, Any]:
    """Return what DataCite knows of a DOI."""
    return {
        "url": "https://facility.example/data/1",
        "titles": [{"title": title}],
        "creators": [
            {
                "name": "Example, Ada",
                "nameType": "Personal",
                "givenName": "Ada",
                "familyName": "Example",
                "affiliation": [
                    {
                        "name": "A University",
                        "affiliationIdentifier": "https://ror.org/02550n020",
                        "affiliationIdentifierScheme": "ROR",
                    }
                ],
                "nameIdentifiers": [
                    {
                        "nameIdentifier": "https://orcid.org/0000-0002-1825-0097",
                        "nameIdentifierScheme": "ORCID",
                    }
                ],
            }
        ],
        "publisher": {"name": "A Facility"},
        "publicationYear": 2024,
        "types": {"resourceTypeGeneral": general, "resourceType": "Raw data"},
        "dates": [{"date": "2024-02-01/2024-02-03", "dateType": "Collected"}],
        "rightsList": [{"rights": "CC BY 4.0", "rightsIdentifier": "cc-by-4.0"}],
        "viewCount": 3,
        **more,
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        lists = self.server.lists
        parts = urlsplit(self.path)
        asked = dict(parse_qsl(parts.query))
        lists.asked.append(asked)
        if lists.busy:
            lists.busy -= 1
            self._send(429, {"errors": [{"status": "429", "title": "Too many requests"}]})
        elif parts.path != "/dois":
            self._send(404, {"errors": [{"status": "404", "title": "Not found"}]})
        else:
            host = f"http://{self.headers['host']}"
            try:
                self._send(200, lists.page(asked, host))
            except SyntaxRefusedError:
                self._send(400, {"errors": [{"status": "400", "title": "The query is invalid"}]})

    def _send(self, status: int, told: Any) -> None:
        body = orjson.dumps(told)
        self.send_response_only(status)
        self.send_header("Date", format_datetime(self.server.lists.clock(), usegmt=True))
        self.send_header("Content-Type", "application/vnd.api+json")
        self.send_header("Content-Length", str(len(body)))
        if status == 429:  # noqa: PLR2004
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)


class _Server(QuietServer):
    def __init__(self, lists: Lists, port: int) -> None:
        self.lists = lists
        super().__init__(("127.0.0.1", port), _Handler)


@contextmanager
def serving(lists: Lists, *, port: int = 0) -> Iterator[str]:
    """Serve on this machine; yield the address."""
    with running(_Server(lists, port)) as address:
        yield address
