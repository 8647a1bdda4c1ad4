"""A stand-in for SciCat 4.5: what a connector and the clients of SciCat read of it.

Written from answers recorded from a real SciCat 4.5 and from its source; the tests drive it with
``pyscicat`` and ``scitacean``, too. It has the traps of SciCat: dates of filters that match
nothing (version 4) or are seen where there are none (version 3), pages cut without a word,
``filters`` for proposals, units rewritten by ``fullquery``, errors in two shapes.

Records are JSON as SciCat prints them, published data in the shape of version 4. The account is
``reader``, ``reader``. python -m cloud.standins.scicat PORT serves some; with a file of JSON
(class: records) as a second argument those.
"""

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cloud.standins import scicat_mongo as mongo
from cloud.standins import scicat_shapes as shapes
from cloud.standins.running import QuietServer, running
from typing_extensions import override

Json = Any
Record = dict[str, Json]
ACCOUNT, PASSWORD = "reader", "reader"
VERSION = "4.5.0"
KEYS = {
    "datasets": "pid",
    "proposals": "proposalId",
    "samples": "sampleId",
    "instruments": "pid",
    "publisheddata": "doi",
}
_INCLUDES = {"instruments": "instrumentIds", "proposals": "proposalIds", "samples": "sampleIds"}
_OPEN = {"registered", "public", "amended"}
_V4_WHERE = frozenset({"$and", "$or", "$in", "$eq", "$gt", "$gte", "$lt", "$lte", "$regex",
                       "$options", "$nin", "$ne", "$exists"})  # fmt: skip


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def nest(status: int, message: str, error: str) -> Refused:
    """Return an error as Nest tells of it."""
    return Refused(status, {"message": message, "error": error, "statusCode": status})


@dataclass(kw_only=True)
class SciCat:
    """One SciCat; everything may be changed while it runs."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    """Records by the name of their class in the address; ``origdatablocks`` as well."""
    history: list[Record] = field(default_factory=list)
    shows_history: bool = False
    has_v4: bool = True
    cap: int | None = None
    """Whatever is asked for, no page is longer."""
    tokens: set[str] = field(default_factory=set)
    logins: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, target: str, said: Json, token: str | None) -> Json:
        """Return what an address answers.

        Raises
        ------
        Refused
        """
        parts = urlsplit(target)
        query = {key: ",".join(values) for key, values in parse_qs(parts.query).items()}
        self.asked.append(unquote(target))
        path = [unquote(one) for one in parts.path.strip("/").split("/")]
        match [*(one.lower() for one in path[:3]), *path[3:]]:
            case ["explorer-json"]:
                return {
                    "openapi": "3.0.0",
                    "info": {"title": "SciCat backend API", "version": VERSION},
                }
            case ["api", _, "health"]:
                return {"status": "ok", "info": {"mongodb": {"status": "up"}}}
            case ["api", "v3", "auth", "login" | "ldap" as way] if method == "POST":
                return self._enter(way, said)
            case ["api", "v3" | "v4" as version, name, *rest] if method == "GET":
                is_known = self._is_known(token or query.get("access_token"))
                if version == "v4":
                    return self._newer(name, rest, query, is_known=is_known)
                return self._older(name, rest, query, is_known=is_known)
            case _:
                raise nest(404, f"Cannot {method} {parts.path}", "Not Found")

    def _enter(self, way: str, said: Json) -> Json:
        self.logins.append(way)
        if said != {"username": ACCOUNT, "password": PASSWORD}:
            raise nest(401, "Unauthorized", "Unauthorized")
        token = f"token-{len(self.logins)}"
        self.tokens.add(token)
        ends = {"expires_in": 3600, "ttl": 3600, "created": "2026-11-22T06:33:40.291Z"}
        user = {"_id": "1", "username": ACCOUNT, "email": "reader@example.org", "id": "1"}
        return {"access_token": token, "id": token, **ends, "userId": "1", "user": user}

    def _is_known(self, token: str | None) -> bool:
        if token in (None, "", "None"):
            return False
        if token not in self.tokens:
            raise nest(401, "Unauthorized", "Unauthorized")
        return True

    def seen(self, name: str, *, is_known: bool) -> list[Record]:
        """Return the records of a class that one may see, as the database has them."""
        found = [mongo.dated(record) for record in self.records.get(name, [])]
        if is_known or name == "instruments":
            return found
        if name == "publisheddata":
            return [record for record in found if record.get("status") in _OPEN]
        return [record for record in found if record.get("isPublished") is True]

    def _older(
        self, name: str, rest: list[str], query: Mapping[str, str], *, is_known: bool
    ) -> Json:
        if name == "history":
            return self._told(query, is_known=is_known)
        if name not in KEYS or (name == "origdatablocks" and not is_known):
            raise nest(404, f"Cannot GET /api/v3/{name}", "Not Found")
        seen = self.seen(name, is_known=is_known)
        if rest[1:]:
            return self._within(name, rest, is_known=is_known)
        if not rest:
            asked = _parsed(query.get("filters" if name == "proposals" else "filter"))
            return self._listed(name, seen, asked, is_known=is_known)
        if rest == ["count"]:
            where = mongo.spelled(_parsed(query.get("filter")).get("where") or {})
            return {"count": sum(mongo.fits(record, where) for record in seen)}
        found: Json
        if name != "datasets":
            found = self._one(name, seen, rest[0])
        elif rest == ["fullquery"]:
            found = self._full(seen, query)
        elif rest == ["metadataKeys"]:
            trees = [one.get("scientificMetadata") for one in seen]
            found = sorted({key for tree in trees for key in shapes.keys(tree)})
        else:
            found = self._one(name, seen, rest[0]) | {"history": []}
        return shapes.printed(found)

    def _within(self, name: str, rest: list[str], *, is_known: bool) -> Json:
        if name != "datasets" or rest[1:] != ["origdatablocks"]:
            raise nest(404, f"Cannot GET /api/v3/{name}", "Not Found")
        self._one(name, self.seen(name, is_known=is_known), rest[0])
        return shapes.printed(self._blocks(rest[0], is_known=is_known))

    def _one(self, name: str, seen: list[Record], pid: str) -> Record:
        key = KEYS[name]
        found = [one for one in seen if one[key] == pid]
        if found:
            return shapes.old(found[0]) if name == "datasets" else found[0]
        if any(one[key] == pid for one in self.records.get(name, [])):
            raise nest(403, "Unauthorized access", "Forbidden")
        raise nest(404, f"{name.removesuffix('s')}: {pid} not found", "Not Found")

    def _listed(self, name: str, seen: list[Record], asked: Json, *, is_known: bool) -> Json:
        where = asked.get("where") or {}
        # only datasets have their filter's dates turned by hand; the schema does it elsewhere
        where = mongo.spelled(where) if name == "datasets" else mongo.cast(where)
        found = self._paged(
            [one for one in seen if mongo.fits(one, where)], asked.get("limits"), 100
        )
        if name == "publisheddata":
            return [shapes.printed(shapes.flat(one)) for one in found]
        if name != "datasets":
            return [shapes.printed(one | {"id": one[KEYS[name]]}) for one in found]
        old = [shapes.old(one) for one in found]
        return [shapes.printed(self._with(one, asked, is_known=is_known)) for one in old]

    def _with(self, record: Record, asked: Json, *, is_known: bool) -> Record:
        """Return a dataset with what it is asked to include, and no more than its fields."""
        included: Record = {}
        for one in asked.get("include") or ():
            name = one["relation"] if isinstance(one, dict) else one
            if name == "origdatablocks":
                included[name] = self._blocks(record["pid"], is_known=is_known)
            elif name in _INCLUDES:
                wanted = record.get(_INCLUDES[name]) or ()
                seen = self.seen(name, is_known=is_known)
                included[name] = [item for item in seen if item[KEYS[name]] in wanted]
            elif name == "attachments":
                included[name] = self._attached(record["pid"], is_known=is_known)
            else:
                raise nest(400, f"Provided include field {json.dumps(one)} is not part of the "
                                "dataset relations", "Bad Request")  # fmt: skip
        fields = asked.get("fields") or record
        return {key: record[key] for key in ("_id", *fields) if key in record} | included

    def _attached(self, pid: str, *, is_known: bool) -> list[Record]:
        seen = self.seen("attachments", is_known=is_known)
        return [one for one in seen if pid in [to["targetId"] for to in one["relationships"]]]

    def _blocks(self, pid: str, *, is_known: bool) -> list[Record]:
        blocks = self.records.get("origdatablocks", [])
        own = [one for one in blocks if one["datasetId"] == pid]
        return [mongo.dated(one) for one in own if is_known or one.get("isPublished") is True]

    def _paged(self, found: list[Record], limits: Json, default: int) -> list[Record]:
        limits = limits or {}
        order, sort = limits.get("order"), dict(limits.get("sort") or {})
        if order is not None and not isinstance(order, str):
            raise Refused(500, {"statusCode": 500, "message": "Internal server error"})
        if order:
            name, _, way = order.partition(":")
            sort = {name: way} if way in {"asc", "desc"} else {}
        for name, way in reversed(sort.items()):
            found = sorted(found, key=lambda one: _rank(one.get(name)), reverse=way == "desc")
        begin, count = limits.get("skip") or 0, limits.get("limit") or default
        return found[begin : begin + min(count, self.cap or count)]

    def _full(self, seen: list[Record], query: Mapping[str, str]) -> Json:
        fields, limits = _parsed(query.get("fields")), _parsed(query.get("limits"))
        where: Record = {}
        for key, wanted in fields.items():
            match key:
                case "mode":
                    # the identifier is that of the database
                    named = {"_id" if key == "pid" else key: one for key, one in wanted.items()}
                    where |= mongo.cast(named)
                case "text":
                    where["$text"] = {"$search": wanted}
                case "scientific":
                    where |= mongo.scientific(wanted)
                case _ if isinstance(wanted, dict) and "begin" in wanted:
                    ends = {"$gte": wanted["begin"], "$lte": wanted["end"]}
                    where |= mongo.cast({key: ends})
                case _:
                    where[key] = {"$in": wanted} if isinstance(wanted, list) else wanted
        found = self._paged([one for one in seen if mongo.fits(one, where)], limits, 100)
        records = [shapes.old(one) for one in found]
        for one in fields.get("scientific", ()):
            if one.get("unit"):
                for record in records:
                    tree = record.get("scientificMetadata")
                    path = one["lhs"].split(".")
                    record["scientificMetadata"] = mongo.rewritten(tree, path, one["unit"])
        return records

    def _newer(
        self, name: str, rest: list[str], query: Mapping[str, str], *, is_known: bool
    ) -> Json:
        asked = _parsed(query.get("filter"))
        if not self.has_v4 or name not in {"datasets", "publisheddata"}:
            raise nest(404, f"Cannot GET /api/v4/{name}", "Not Found")
        _check(asked)
        if rest[:1] == ["public"]:
            is_known, rest = False, rest[1:]
        elif name == "datasets" and not is_known:
            raise nest(401, "Unauthorized", "Unauthorized")
        seen = self.seen(name, is_known=is_known)
        if rest == ["count"]:
            return {"count": len(seen)}
        if rest:
            one = shapes.new(self._one(name, seen, rest[0]))
            wanted = {"include": [item for item in query.get("include", "").split(",") if item]}
            return shapes.printed(self._with(one, wanted, is_known=is_known))
        where = asked.get("where") or {}
        where = mongo.cast(where) if name == "publisheddata" else where
        limits, default = asked.get("limits") or {}, 100
        if name == "datasets":
            limits, default = {"sort": {"createdAt": "desc"}} | limits, 10
        found = self._paged([one for one in seen if mongo.fits(one, where)], limits, default)
        if name == "publisheddata":
            return [shapes.printed(one | {"id": one["doi"]}) for one in found]
        return [shapes.printed(self._with(one, asked, is_known=is_known)) for one in found]

    def _told(self, query: Mapping[str, str], *, is_known: bool) -> Json:
        if not is_known:
            raise nest(401, "Unauthorized", "Unauthorized")
        if not self.shows_history:
            raise nest(403, "You don't have permission to access history", "Forbidden")
        where = mongo.cast(_parsed(query.get("filter")))
        begin, count = int(query.get("skip", 0)), int(query.get("limit", 100))
        found = [one for one in map(mongo.dated, self.history) if mongo.fits(one, where)]
        found.sort(key=lambda one: one["timestamp"], reverse=True)
        items = [shapes.printed(one) for one in found[begin : begin + count]]
        sizes = {"count": len(items), "totalCount": len(found), "skip": begin, "limit": count}
        return {"items": items, **sizes}


def _rank(value: Json) -> tuple[bool, Json]:
    return value is not None, value if value is not None else 0


def _parsed(text: str | None) -> Json:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        raise Refused(500, {"statusCode": 500, "message": "Internal server error"}) from None
    # an array as a filter is taken, and finds nothing
    return found if isinstance(found, dict) else {"where": found}


def _check(asked: Json) -> None:
    """Hold a filter of version 4 to what it knows."""
    unknown = asked.keys() - {"where", "include", "fields", "limits"}
    unknown |= (asked.get("limits") or {}).keys() - {"limit", "skip", "sort"}
    unknown |= {key for key in _names(asked.get("where")) if key in {"gt", "gte", "and", "or"}}
    unknown |= {key for key in _names(asked.get("where")) if key[:1] == "$"} - _V4_WHERE
    if unknown:
        said = [f"property {name} should not exist" for name in sorted(unknown)]
        raise Refused(400, {"status": 400, "message": json.dumps(said)})


def _names(where: Json) -> set[str]:
    if isinstance(where, dict):
        return set(where) | {name for value in where.values() for name in _names(value)}
    return {name for value in where for name in _names(value)} if isinstance(where, list) else set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body in one piece: two would wait 40 ms for each other."""
    server: "_Server"

    @override
    def log_message(self, format: str, *args: Json) -> None:
        return

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        status = 201 if self.command == "POST" else 200
        try:
            said = json.loads(body) if body else None
            token = token if scheme == "Bearer" else ""
            answer = self.server.scicat.answer(self.command, self.path, said, token or None)
        except Refused as refused:
            status, answer = refused.status, refused.body
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815 - names of http.server


class _Server(QuietServer):
    def __init__(self, scicat: SciCat, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.scicat = scicat


@contextmanager
def serving(scicat: SciCat, port: int = 0) -> Iterator[str]:
    """Serve a SciCat on this machine; yield its address."""
    with running(_Server(scicat, port)) as address:
        yield address


if __name__ == "__main__":
    from cloud.standins.scicat_records import some

    given = SciCat(
        records=json.loads(Path(sys.argv[2]).read_text()) if sys.argv[2:] else some(3000)
    )
    with serving(given, int(sys.argv[1])) as address:
        sys.stdout.write(f"ready {address}\n")
        sys.stdout.flush()
        threading.Event().wait()
