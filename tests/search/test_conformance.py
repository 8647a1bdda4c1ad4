"""The documented behaviour of the PaNOSC search API, case by case, over HTTP."""

import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

DATA = Path(__file__).parent / "data"


def cases(name: str) -> list[Any]:
    found = json.loads((DATA / name).read_text("utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in found]


def address(case: dict[str, Any]) -> str:
    parts = [
        f"{key}={quote(json.dumps(case[key]), safe='')}"
        for key in ("filter", "where")
        if key in case
    ]
    parts += [case["raw_query"]] if case.get("raw_query") else []
    return f"{case['path']}" + (f"?{'&'.join(parts)}" if parts else "")


def values(body: Any, path: str) -> list[Any]:
    """Every value at a dotted path, lists flattened on the way."""
    found = [body]
    for part in path.split("."):
        flat = [item for one in found for item in (one if isinstance(one, list) else [one])]
        found = [item[part] for item in flat if isinstance(item, dict) and part in item]
    return [item for one in found for item in (one if isinstance(one, list) else [one])]


def identifier(item: Any) -> Any:
    return item.get("pid", item.get("id")) if isinstance(item, dict) else None


def same(got: list[Any], want: list[Any]) -> bool:
    def numeric(items: list[Any]) -> bool:
        return all(isinstance(x, int | float) and not isinstance(x, bool) for x in items)

    if got and numeric([*got, *want]):
        ours, theirs = sorted(set(got)), sorted(set(want))
        return len(ours) == len(theirs) and all(
            math.isclose(a, b, rel_tol=1e-6) for a, b in zip(ours, theirs, strict=True)
        )
    return {json.dumps(x) for x in got} == {json.dumps(x) for x in want}


def status_fits(got: int, want: Any) -> bool:
    if isinstance(want, list):
        return any(status_fits(got, one) for one in want)
    return str(got)[0] == want[0] if isinstance(want, str) else got == want


def faults(status: int, body: Any, want: dict[str, Any]) -> list[str]:
    """What of the answer is not as wanted."""
    if not status_fits(status, want["status"]):
        return [f"status {status}"]
    found = []
    kind = {list: "array", dict: "object"}.get(type(body), "other")
    if want.get("type", kind) != kind:
        found.append(f"type {kind}")
    items = body if isinstance(body, list) else [body]
    if "count" in want:
        count = body["count"] if isinstance(body, dict) and set(body) == {"count"} else len(items)
        found += [f"count {count}"] if count != want["count"] else []
    if "pids" in want:
        got = [identifier(item) for item in items]
        if (got if want.get("ordered") else sorted(map(str, got))) != (
            want["pids"] if want.get("ordered") else sorted(map(str, want["pids"]))
        ):
            found.append(f"items {got}")
    found += [
        f"{path} = {values(body, path)}"
        for path, wanted in want.get("nested", {}).items()
        if not same(values(body, path), wanted)
    ]
    found += [
        f"no {path}"
        for path in want.get("contains", [])
        if not all(values([item], path) for item in items)
    ]
    return found + [f"has {path}" for path in want.get("absent", []) if values(body, path)]


def judge(client: httpx.Client, case: dict[str, Any]) -> None:
    reply = client.request(
        case.get("method", "GET"), address(case), headers=case.get("headers", {})
    )
    is_json = "json" in reply.headers.get("content-type", "") and reply.content
    body = reply.json() if is_json else None
    wanted = [case["expect"], *case.get("also_ok", [])]
    verdicts = [faults(reply.status_code, body, want) for want in wanted]
    assert [] in verdicts, f"{address(case)[:300]}: {verdicts[0]}"


@pytest.mark.parametrize("case", cases("search-cases.json"))
def test_case(standard_client: httpx.Client, case: dict[str, Any]) -> None:
    judge(standard_client, case)


@pytest.mark.parametrize("case", cases("panet-doc-cases.json"))
def test_documented_technique_query(tagged_client: httpx.Client, case: dict[str, Any]) -> None:
    judge(tagged_client, case)
