"""A provider of the PaNOSC search API, of few records, that has the faults it is told to have.

Written from the standard's documents and from what is known of five providers: it stands for
servers that cannot run here.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cloud.standins.running import running
from typing_extensions import override

Item = dict[str, Any]
MANY = 25

_RELATIONS = {
    "Datasets": ("instrument", "techniques", "samples", "parameters", "documents"),
    "Documents": ("members", "datasets", "parameters"),
    "Instruments": (),
    "members": ("person", "affiliation"),
}
_TEXTS = ("title", "summary", "name")
METALS = ("Iron", "Copper", "Nickel", "Cobalt", "Silver")


def catalogue() -> dict[str, list[Item]]:
    """Return the records: datasets with all relations, documents, instruments."""
    instruments = [{"pid": f"inst-{name}", "name": name, "facility": "F"} for name in ("D7", "D22")]
    datasets = [
        {
            "pid": f"10.5072/data.{number:02}",
            "title": f"{METALS[number % 5]} diffraction number {number}",
            "isPublic": number != 24,
            "creationDate": f"2021-03-{number + 1:02}T10:00:00.000Z",
            "size": 1000 + number,
            "instrument": instruments[number % 2],
            "techniques": [{"pid": "PaNET01188", "name": "small angle x-ray scattering"}],
            "samples": [{"pid": f"s{number}", "name": METALS[number % 5]}],
            "parameters": [
                {"name": "temperature", "value": 10 + number, "unit": "K"},
                {"name": "title of run", "value": "a run", "unit": None},
            ],
        }
        for number in range(MANY)
    ]
    documents = [
        {
            "pid": f"{number}",
            "title": f"{METALS[number]} at low temperature",
            "summary": "What was found",
            "doi": f"10.5072/DOC.{number}",
            "type": "proposal",
            "isPublic": True,
            "startDate": "2021-03-01T00:00:00.000Z",
            "members": [
                {
                    "role": "PI",
                    "person": {
                        "id": "p1",
                        "fullName": "Ada Example",
                        "orcid": "0000-0002-1825-0097",
                    },
                    "affiliation": {"id": "a1", "name": "An Institute", "country": "FR"},
                }
            ],
            "datasets": [
                {"pid": f"10.5072/data.{number:02}", "title": f"{METALS[number]} diffraction"}
            ],
            "parameters": [{"name": "cycle", "value": "2021-1"}],
        }
        for number in range(3)
    ]
    return {"Datasets": datasets, "Documents": documents, "Instruments": instruments}


def fits(item: Item, where: Any) -> bool:
    """Whether a record fulfils a condition of the standard."""
    for key, value in (where or {}).items():
        if key == "and":
            found = all(fits(item, one) for one in value)
        elif key == "or":
            found = any(fits(item, one) for one in value)
        elif key == "text":
            found = any(value.lower() in str(item.get(name, "")).lower() for name in _TEXTS)
        else:
            found = _compares(item.get(key), value)
        if not found:
            return False
    return True


def _compares(given: Any, wanted: Any) -> bool:
    if given is None or not isinstance(wanted, dict):
        return bool(given == wanted)
    (operator, value), *_ = wanted.items()
    try:
        match operator:
            case "between":
                return bool(value[0] <= given <= value[1])
            case "gt" | "gte" | "lt" | "lte":
                bigger = given > value if operator[0] == "g" else given < value
                return bigger or (operator.endswith("e") and given == value)
    except TypeError:
        return False
    return False


class Provider(ThreadingHTTPServer):
    """Serves `catalogue`; `faults` may be changed at any time."""

    daemon_threads = True

    def __init__(self, faults: frozenset[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults = faults
        self.kept = catalogue()
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self.server_address[1]}/api"

    def filters(self) -> list[dict[str, Any]]:
        """Return the filters that were asked."""
        found = [parse_qs(urlsplit(path).query).get("filter") for path in self.asked]
        return [json.loads(one[0]) for one in found if one]


class _Handler(BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one piece, which is not delayed

    @override
    def log_message(self, format: str, *args: Any) -> None:
        return

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(self.path)
        address = urlsplit(self.path)
        name, *rest = [unquote(part) for part in address.path.split("/")[2:]]
        given = {
            key: json.loads(value[0])
            for key, value in parse_qs(address.query).items()
            if key in {"filter", "where"}
        }
        if "small paths" in server.faults:
            name = name.capitalize() if name.islower() else "-"
        if name not in server.kept:
            self._send(404, {"error": {"statusCode": 404, "message": "no such path"}})
        elif rest[-1:] == ["count"]:
            number = len([i for i in server.kept[name] if fits(i, given.get("where"))])
            self._send(200, number if "bare count" in server.faults else {"count": number})
        elif rest[1:2] == ["files"]:
            is_there = "no files" not in server.faults
            self._send(200 if is_there else 404, [{"name": "a.nxs"}] if is_there else {})
        elif rest:
            self._send(404, {"error": {"statusCode": 404, "message": "not asked here"}})
        else:
            self._send(*self._found(name, given.get("filter") or {}))

    def _found(self, name: str, asked: Item) -> tuple[int, Any]:
        faults = self.server.faults
        includes = asked.get("include") or []
        if any(f"refuses {one['relation']}" in faults for one in includes):
            return 400, {"message": "Provided include field is not part of the relations"}
        where = asked.get("where")
        if "where lost" in faults and where == {"isPublic": True}:
            return 200, []
        if "where ignored" in faults:
            where = None
        if "text ignored" in faults and "text" in str(where):
            where = None
        found = [item for item in self.server.kept[name] if fits(item, where)]
        if asked.get("query") and "query ignored" not in faults:
            words = asked["query"].lower().split()
            found = [i for i in found if any(w in str(i.get("title")).lower() for w in words)]
        for one in includes:
            found = [item for item in found if self._has(item, one)]
        found = sorted(
            found,
            key=lambda item: item["pid"],
            reverse=asked.get("order") in (["pid DESC"], "pid DESC"),
        )
        skip = 0 if "skip ignored" in faults else asked.get("skip", 0)
        if "last again" in faults and skip >= len(found) > 0:
            skip = len(found) - 1
        limit = None if "limit ignored" in faults else asked.get("limit")
        if "at most 10" in faults:
            limit = min(limit or 10, 10)
        shown = found[skip : None if limit is None else skip + limit]
        return 200, [self._shown(name, item, includes, asked) for item in shown]

    def _has(self, item: Item, include: Item) -> bool:
        faults, name = self.server.faults, include["relation"]
        where = (include.get("scope") or {}).get("where")
        related = item.get(name)
        many = related if isinstance(related, list) else [related] if related else []
        if not where:
            return bool(many) or "inner join" not in faults
        if "between empty" in faults and "between" in str(where):
            return False
        return any(fits(one, where) for one in many)

    def _shown(self, name: str, item: Item, includes: list[Item], asked: Item) -> Item:
        wanted = {one["relation"]: one for one in includes}
        shown = {key: value for key, value in item.items() if key not in _RELATIONS[name]}
        for relation in _RELATIONS[name]:
            if relation in wanted and item.get(relation):
                inner = (wanted[relation].get("scope") or {}).get("include") or []
                shown[relation] = self._inner(relation, item[relation], inner)
        fields = asked.get("fields")
        if fields and "fields ignored" not in self.server.faults:
            return {key: shown[key] for key in fields if key in shown}
        return self._odd(name, shown)

    def _inner(self, relation: str, given: Any, includes: list[Item]) -> Any:
        if relation != "members":
            return given
        names = {one["relation"] for one in includes}
        return [{k: v for k, v in one.items() if k == "role" or k in names} for one in given]

    def _odd(self, name: str, shown: Item) -> Item:
        faults = self.server.faults
        if "numeric ids" in faults and shown["pid"].isdigit():
            shown["pid"] = int(shown["pid"])
        if "extra keys" in faults:
            shown |= {"id": "7", "doi": " ", "provider": "x", "score": -1, "_v": 0}
        for fault, nothing in (("nulls", None), ("empty objects", {}), ("empty lists", [])):
            if fault in faults:
                shown = dict.fromkeys(_RELATIONS[name], nothing) | shown
        if "no titles" in faults:
            shown.pop("title", None)
        if "texts for numbers" in faults:
            shown = {k: str(v) if isinstance(v, bool | int) else v for k, v in shown.items()}
            shown["parameters"] = [
                one | {"value": str(one["value"])} for one in shown.get("parameters") or []
            ]
        if "one document" in faults and name == "Datasets":
            shown["document"] = {"pid": "1", "title": "The one"}
        return shown

    def _send(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def provider(*faults: str) -> Iterator[Provider]:
    """Serve a provider with these faults."""
    server = Provider(frozenset(faults))
    with running(server):
        yield server


LIKE: Mapping[str, tuple[str, ...]] = {
    "scicat": (
        "refuses instrument",
        "refuses documents",
        "where lost",
        "between empty",
        "text ignored",
        "query ignored",
        "empty objects",
    ),
    "ill": ("bare count", "last again", "no files", "nulls", "texts for numbers"),
    "datagateway": ("empty lists", "numeric ids", "query ignored"),
    "esrf": ("numeric ids", "extra keys", "one document", "small paths"),
    "barest": ("no titles", "inner join", "skip ignored", "fields ignored"),
}
"""Providers by what is known of them."""
