"""One cell of the matrix: which request it is, and what an answer may not hold."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import matrix_catalogue as given
from matrix_people import THOROUGH, Answer, Node, secrets_kept_from, sees
from matrix_rules import Rule

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A request of one person, and the status that the table says."""

    route: str
    person: str
    column: str
    path: str
    expected: int | None
    record: given.Record | None = None

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    def __str__(self) -> str:
        return f"{self.person} · {self.column} · {self.method} {self.path}"


def cells(route: str, rule: Rule, node: Node, person: str) -> Iterator[Cell]:
    """Yield the cells of one route and person."""
    if rule.of is None:
        for column in rule.columns:
            path = address(route, rule, node, column)
            yield Cell(
                route=route,
                person=person,
                column=column,
                path=path,
                expected=rule.status(person, column),
            )
        return
    for record in given.RECORDS:
        if record.model == rule.of and (person in THOROUGH or not record.ruled):
            yield Cell(
                route=route,
                person=person,
                column=record.key,
                path=address(route, rule, node, record.key, record.pid),
                expected=rule.status(person, record.state, record.key),
                record=record,
            )


def address(
    route: str, rule: Rule, node: Node, column: str, pid: str = "", *, encoded: bool = False
) -> str:
    """Return the path of a cell with its query."""
    path = route.partition(" ")[2]
    names = {name: value for value, name in node.ids.items()}
    values = {**rule.params.get("*", {}), **rule.params.get(column, {})}
    if pid:
        values["pid"] = quote(pid, safe="") if encoded else pid
    for name, value in values.items():
        wanted = value.replace("{key}", column)
        path = path.replace(f"{{{name}}}", names.get(wanted, wanted))
    assert "{" not in path, path
    return path + (f"?{quote(rule.query, safe='=&/')}" if rule.query else "")


def send(node: Node, cell: Cell, rule: Rule, *, method: str | None = None) -> Answer:
    """Send the request of a cell."""
    body = rule.body
    if body is not None and cell.record is not None:
        body = body.replace("{pid}", cell.record.pid)
    headers = {"Content-Type": rule.kind} if body is not None else {}
    if rule.is_page:
        headers["Accept"] = HTML
    is_safe = (method or cell.method) in {"GET", "HEAD", "OPTIONS"}
    return node.ask(
        cell.person,
        method or cell.method,
        cell.path,
        body=None if is_safe else body,
        headers=headers,
    )


def leaks(cell: Cell, rule: Rule, answer: Answer, variant: str) -> list[str]:
    """Return what the answer holds that its person may not know."""
    text = answer.text
    asked = cell.path + (rule.body or "")
    found = [
        f"{cell}: tells the {name} ({secret})"
        for secret, name in secrets_kept_from(cell.person, variant).items()
        # an error repeats what was asked
        if secret in text and secret not in asked
    ]
    for record in given.RECORDS:
        is_known = sees(cell.person, record.model, record.state) or record.state in {
            "erased",
            "never",
        }
        is_asked = record is cell.record or record.pid in asked
        if is_known or is_asked or cell.person in rule.names_pids:
            continue
        if record.pid in text or quote(record.pid, safe="") in text:
            found.append(f"{cell}: names {record.pid}")
    return found


def untold(cell: Cell, rule: Rule, answer: Answer) -> list[str]:
    """Return what a good answer does not hold though its person may see it."""
    record = cell.record
    if record is None or answer.status != 200:
        return []
    found = []
    levels = sees(cell.person, record.model, record.state)
    for level, kinds in rule.tells.items():
        if level not in levels:
            continue
        words = record.core("first") if level == "core" else record.detail("first")
        found += [
            f"{cell}: does not tell the {kind} ({words[kind]})"
            for kind in kinds
            if words[kind] not in answer.body
        ]
    return found


def unlisted(cell: Cell, rule: Rule, answer: Answer) -> list[str]:
    """Return the records that a list should hold and does not, or the other way round."""
    if rule.lists is None or answer.status != 200:
        return []
    if cell.record is not None and cell.record.state == "withdrawn":
        # its page tells why, and no more
        return []
    found = []
    for record in given.RECORDS:
        if record.model != rule.lists or record is cell.record:
            continue
        levels = sees(cell.person, record.model, record.state)
        is_listed = bool(levels) and record.state != "withdrawn"
        if is_listed != (record.pid in answer.body):
            found.append(f"{cell}: {record.pid} is {'not ' if is_listed else ''}listed")
    return found


def is_open(cell: Cell) -> bool:
    return cell.record is not None and cell.record.state == "open" and cell.expected < 400


def badly_kept(cell: Cell, rule: Rule, answer: Answer) -> list[str]:
    """Return what is wrong with what caches are told.

    Whatever depended on who asked may be kept by the browser of that person at most, and used
    again only when the node has been asked.
    """
    if rule.is_for_anyone:
        return []
    caching = answer.headers.get("cache-control", "")
    vary = {item.strip().lower() for item in answer.headers.get("vary", "").split(",")}
    found = []
    is_known = cell.person != "anonymous"
    allowed = ("no-store", "private, no-cache") if is_known else ("no-store", "no-cache")
    if rule.is_public_when_open and not is_known and is_open(cell):
        allowed = ("public, max-age=",)
    if not any(item in caching for item in allowed):
        found.append(f"{cell}: Cache-Control is {caching!r}")
    if "no-store" not in caching and not {"cookie", "authorization"} <= vary:
        found.append(f"{cell}: Vary is {sorted(vary)}")
    return found


def judged(cell: Cell, rule: Rule, answer: Answer, variant: str) -> list[str]:
    """Return everything that is wrong with an answer."""
    if answer.status != cell.expected:
        said = answer.body[:300] if answer.status >= 400 else ""
        return [f"{cell}: expected {cell.expected}, got {answer.status} {said}"]
    return [
        *leaks(cell, rule, answer, variant),
        *untold(cell, rule, answer),
        *unlisted(cell, rule, answer),
        *badly_kept(cell, rule, answer),
    ]


def as_json(filter_: object) -> str:
    """Return a filter as it stands in an address."""
    return quote(json.dumps(filter_), safe="")
