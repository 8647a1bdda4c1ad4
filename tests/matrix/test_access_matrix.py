"""The access matrix: every route that the API document describes, for everyone in every state."""

from collections.abc import Iterator
from typing import Any

import matrix_catalogue as given
import pytest
from matrix_cells import cells, judged, send
from matrix_people import PERSONS, Node, sees
from matrix_states import Keeper, kept
from matrix_table import HIDDEN, TABLE
from starlette.routing import BaseRoute

from panosc.catalogue.embedded.server import Server

SAFE = ("GET", "HEAD")
READ = [route for route in TABLE if route.startswith(SAFE)]
WRITTEN = [route for route in TABLE if not route.startswith(SAFE)]


@pytest.fixture(scope="session")
def keeper(cluster: Server, node: Node) -> Iterator[Keeper]:
    with kept(cluster, node.engine) as made:
        yield made


def described(node: Node) -> set[str]:
    paths = node.app.openapi()["paths"]
    return {f"{method.upper()} {path}" for path, item in paths.items() for method in item}


def test_every_described_route_is_in_the_table_and_no_other(node: Node) -> None:
    found = described(node)
    new, lost = sorted(found - set(TABLE)), sorted(set(TABLE) - found)
    assert not new, f"routes without a line in matrix_table.py: {new}"
    assert not lost, f"lines of matrix_table.py without a route: {lost}"


def every_route(routes: list[Any]) -> Iterator[BaseRoute]:
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from every_route(route.effective_candidates())
            yield from every_route(route.effective_low_priority_routes())
        else:
            yield route


def test_no_route_is_left_out_of_the_document_but_other_spellings(node: Node) -> None:
    found = list(every_route(node.app.routes))
    endpoints = {route.endpoint for route in found if getattr(route, "include_in_schema", False)}
    left_out = set()
    for route in found:
        methods = getattr(route, "methods", None)
        if getattr(route, "include_in_schema", False):
            continue
        if methods is not None and methods <= set(SAFE) and route.endpoint in endpoints:
            continue
        name = "ANY" if methods is None or len(methods) > 2 else min(methods)
        left_out.add(f"{name} {getattr(route, 'path', type(route).__name__)}")
    assert left_out == set(HIDDEN)


def test_the_states_came_about(node: Node) -> None:
    for record in given.RECORDS:
        if record.state not in {"erased", "never"}:
            asked = f"/panosc-api/{record.model}s/{record.pid}"
            fields = '?filter={"fields":["pid","access"]}'.replace('"', "%22")
            person = "steward"
            answer = node.ask(person, "GET", asked + fields)
            assert f'"access":"{record.state}"' in answer.body, (record, answer)


@pytest.mark.parametrize("route", READ)
def test_who_reads_what(route: str, node: Node) -> None:
    rule = TABLE[route]
    wrong: list[str] = []
    for person in PERSONS:
        for cell in cells(route, rule, node, person):
            wrong += judged(cell, rule, send(node, cell, rule), node.variant)
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("route", WRITTEN)
def test_who_does_what(route: str, node: Node, keeper: Keeper) -> None:
    rule = TABLE[route]
    wrong: list[str] = []
    noted = {"audit"} if rule.is_noted else set()
    for person in PERSONS:
        for cell in cells(route, rule, node, person):
            answer = send(node, cell, rule)
            wrong += judged(cell, rule, answer, node.variant)
            if answer.status < 400:
                keeper.restore(keeper.changed())
        # what was refused has changed nothing
        changed = keeper.changed()
        keeper.restore(changed)
        if set(changed) - noted:
            wrong.append(f"{person} · {route}: refused, yet {changed} changed")
    assert not wrong, "\n" + "\n".join(wrong)


UNLIKE = {"date", "set-cookie", "x-request-id", "transfer-encoding"}
"""Headers that are other each time; and how a body comes, which says nothing of it (RFC 9112, 6.1).
"""


@pytest.mark.parametrize("route", READ)
def test_head_is_get_without_a_body(route: str, node: Node) -> None:
    rule = TABLE[route]
    wrong = []
    for person in ("anonymous", "member"):
        for cell in cells(route, rule, node, person):
            if cell.record is not None and cell.record.ruled:
                continue
            head = send(node, cell, rule, method="HEAD")
            if head.status == 405 and "HEAD" not in head.headers["allow"]:
                # refused before anybody is asked: alike for all
                continue
            got = send(node, cell, rule)
            names = (set(got.headers) | set(head.headers)) - UNLIKE
            differs = [n for n in names if got.headers.get(n) != head.headers.get(n)]
            if head.status != got.status or differs or head.body:
                wrong.append(f"{cell}: HEAD {head.status}, GET {got.status}, {differs}")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("model", ["Dataset", "Document"])
def test_counts_are_of_what_is_listed(model: str, node: Node) -> None:
    for person in PERSONS:
        listed = [
            record
            for record in given.RECORDS
            if record.model == model
            and record.state != "withdrawn"
            and sees(person, model, record.state)
        ]
        others = 1 if model == "Dataset" else 0
        answer = node.ask(person, "GET", f"/panosc-api/{model}s/count")
        assert answer.body == f'{{"count":{len(listed) + others}}}', person
