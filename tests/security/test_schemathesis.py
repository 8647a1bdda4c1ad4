"""Every route of the API description, asked by every role, answers as it is described."""

import logging
from typing import Any

import pytest
import schema_attack
import security_node as given
from fastapi.responses import JSONResponse

from app_serving import serving

SECONDS = 40.0


@pytest.mark.slow
def test_every_route_answers_as_it_is_described(node):
    attack = schema_attack.Attack(node)
    report = attack.run(SECONDS)
    text = "\n".join(report.lines())
    assert not report.findings, text
    assert report.asked == set(attack.operations), text
    assert set(report.by_role) == set(schema_attack.ROLES), text


def test_what_is_not_as_described_is_found(settings, engine, monkeypatch):
    # a traceback that is written down in one thread while hypothesis looks at a function in another
    # makes Python 3.11 fail: its parser is not safe there
    monkeypatch.setattr(logging.getLogger("panosc.portal.problems"), "disabled", True)
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "disabled", True)
    described = {200: {"content": {"application/json": {"schema": {"type": "array"}}}}}

    def planted(kind: str) -> Any:
        if kind == "crash":
            raise RuntimeError(kind)
        return JSONResponse({}, status_code=200 if kind == "body" else 418)

    node = given.build(settings, engine, given.Clock())
    for kind in ("crash", "body", "status"):
        node.app.add_api_route(
            f"/test-planted/{kind}",
            lambda kind=kind: planted(kind),
            operation_id=kind,
            responses=described,
        )
    with serving(node.app) as node.address:
        attack = schema_attack.Attack(node)
        attack.operations = {
            label: operation for label, operation in attack.operations.items() if "planted" in label
        }
        found = attack.run(30.0, rounds=1).findings
    assert {(label.rpartition("/")[2], kind) for label, kind in found} >= {
        ("crash", "ServerError"),
        ("body", "JsonSchemaError"),
        ("status", "UndefinedStatusCode"),
    }
