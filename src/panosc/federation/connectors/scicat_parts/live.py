"""Asking SciCat live: records of the PaNOSC search API's shape, as many as were asked for.

Datasets are found by ``fullquery``. Documents and instruments it can hardly filter: some hundred
of the latest are read, and words are looked for here.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from panosc.domain.query import And, Clause, Compare, Or, Query, Word
from panosc.federation.connectors.scicat_parts.asking import (
    DATASET,
    INSTRUMENT,
    PROPOSAL,
    PUBLICATION,
    Asking,
    Kind,
)
from panosc.federation.connectors.scicat_parts.question import asked_of
from panosc.federation.contract import Found, Mapped, Raw
from panosc.federation.naming import Names
from panosc.federation.parts import WORDS, parts_of
from panosc.federation.source import Source
from panosc.federation.values import mapping, text
from panosc.identity.outbound.beyond import Failed

DEFAULT = 100
MOST = 250
"""Datasets of an answer: each has all its metadata with it."""
FEWER = 25
LATEST = 500
"""Documents, and instruments, of a class that are read."""
Map = Callable[[Raw], Mapped]
Item = dict[str, Any]
_ORDERS = {"creationDate": "creationTime", "size": "size", "title": "datasetName", "pid": "pid"}


async def search(asking: Asking, source: Source, query: Query, map_: Map) -> Found:
    """Return what anyone may see of what fits.

    Raises
    ------
    Failed
    """
    if query.model == "Dataset":
        return await _datasets(asking, source, query, map_)
    kinds = (INSTRUMENT,) if query.model == "Instrument" else (PUBLICATION, PROPOSAL)
    answers = await asyncio.gather(*(_latest(asking, kind) for kind in kinds))
    items = [
        item
        for kind, records in zip(kinds, answers, strict=True)
        for record in records
        if (item := _item(map_, kind, record, query.model)) is not None
    ]
    elements = any(word.kind == "elements" for word in query.words)
    words = () if elements else query.words
    fitting = [item for item in items if item.get("isPublic", True) and _has(item, words)]
    limit = query.limit or DEFAULT
    is_cut = len(fitting) > limit or any(len(records) >= LATEST for records in answers)
    return Found(
        items=fitting[:limit],
        total=None if is_cut else len(fitting),
        is_cut=is_cut,
        unasked=frozenset(parts_of(query)) | ({WORDS} if elements else set()),
    )


async def _datasets(asking: Asking, source: Source, query: Query, map_: Map) -> Found:
    limit = min(query.limit or DEFAULT, MOST)
    instruments: list[Item] = []
    parts = parts_of(query)
    is_about = any("instrument" in key for key in parts)
    is_wanted = any(include.relation == "instrument" for include in query.includes)
    if is_about:
        instruments = await _instruments(asking, map_)
    question = asked_of(query, Names(source), lambda clause: _those(clause, instruments, source))
    call = _full(asking, question.fields, _order(query), limit)
    if is_wanted and not is_about:
        answer, instruments = await asyncio.gather(call, _maybe(_instruments(asking, map_)))
    else:
        answer = await call
    found, limit = answer
    by_pid = {item["pid"]: item for item in instruments}
    items = []
    for record in found[:limit]:
        as_was = _undone(record, question.paths)
        item = _item(map_, DATASET, as_was, "Dataset")
        if item is None or item.get("isPublic") is not True:
            continue
        own = item.pop("instrumentId", None)
        if own is not None:
            item["instrument"] = by_pid.get(own, {"pid": own})
        items.append(item)
    is_cut = len(found) > limit
    unasked = frozenset(question.unasked)
    return Found(
        items=items,
        total=None if is_cut or unasked else len(items),
        is_cut=is_cut,
        unasked=unasked,
    )


async def _full(asking: Asking, fields: Item, order: str, limit: int) -> tuple[list[Item], int]:
    """Return one more than wanted, for SciCat does not tell how many there are; and the limit."""
    path = f"{DATASET.path}/fullquery"
    limits = {"limit": limit + 1, "skip": 0, "order": order}
    try:
        return await asking.rows(path, {"fields": fields, "limits": limits}), limit
    except Failed as error:
        if error.reason != "too-large" or limit <= FEWER:
            raise
    limits["limit"] = FEWER + 1
    return await asking.rows(path, {"fields": fields, "limits": limits}), FEWER


def _order(query: Query) -> str:
    wanted = query.order[0] if query.order else None
    name = _ORDERS.get(wanted.property) if wanted is not None else None
    if wanted is None or name is None:
        return "creationTime:desc"
    return f"{name}:{'desc' if wanted.descending else 'asc'}"


async def _maybe(call: Any) -> list[Item]:
    """Return what only adorns an answer; nothing if it failed."""
    try:
        found: list[Item] = await call
    except Failed:
        return []
    return found


async def _latest(asking: Asking, kind: Kind) -> list[Item]:
    limits = {"limit": LATEST, "skip": 0, "order": "updatedAt:desc"}
    return await asking.rows(kind.path, {kind.filter: {"limits": limits}})


async def _instruments(asking: Asking, map_: Map) -> list[Item]:
    found = [
        _item(map_, INSTRUMENT, record, "Instrument")
        for record in await _latest(asking, INSTRUMENT)
    ]
    return [item for item in found if item is not None]


def _those(clause: Clause, instruments: Sequence[Item], source: Source) -> list[str] | None:
    """Return which instruments fit, as SciCat calls them; None if that cannot be told."""
    fits = [_fits(clause, item) for item in instruments]
    if None in fits or len(instruments) >= LATEST:
        return None
    names = Names(source)
    return [
        names.theirs(item["pid"]) for item, is_it in zip(instruments, fits, strict=True) if is_it
    ]


def _fits(clause: Clause, item: Item) -> bool | None:
    match clause:
        case And() | Or():
            inner = [_fits(one, item) for one in clause.clauses]
            if None in inner:
                return None
            return all(inner) if isinstance(clause, And) else any(inner)
        case Compare(operator="eq" | "inq"):
            return item.get(clause.property) in clause.operands
        case Compare(operator="ilike") if "%" not in str(clause.operands[0]):
            literal = str(clause.operands[0]).replace("\\", "").casefold()
            return literal in str(item.get(clause.property, "")).casefold()
        case _:
            return None


def _undone(record: Item, paths: set[str]) -> Item:
    """Return a record with its quantities in SI where SciCat rewrote, and rounded, them."""
    tree = record.get("scientificMetadata")
    for path in paths:
        tree = _in_si(tree, path.split("."))
    return record | {"scientificMetadata": tree}


def _in_si(tree: Any, path: Sequence[str]) -> Any:
    if not isinstance(tree, dict):
        return tree
    if not path:
        if "valueSI" not in tree or "unitSI" not in tree:
            return tree
        return tree | {"value": tree["valueSI"], "unit": tree["unitSI"]}
    key, *rest = path
    return tree | {key: _in_si(tree[key], rest)} if key in tree else tree


def _item(map_: Map, kind: Kind, record: Item, model: str) -> Item | None:
    """Return a record as the search API has it, with what belongs to it inside."""
    theirs = text(record.get(kind.key), 1000)
    if theirs is None:
        return None
    mapped = map_(Raw(kind=kind.name, external_id=theirs, content=record))
    own = [row for name, row in mapped.rows if name == model]
    if not own:
        return None
    item = dict(own[0])
    by_key = {
        (name, row.get("pid", row.get("id"))): row for name, row in mapped.rows if name != model
    }
    for name, row in mapped.rows:
        if name in {"Parameter", "File"}:
            bare = {key: value for key, value in row.items() if not key.endswith("Id")}
            item.setdefault(f"{name.lower()}s", []).append(bare)
        elif name == "DatasetTechnique":
            tag = by_key["Technique", row["techniqueId"]]
            item.setdefault("techniques", []).append(tag)
        elif name == "DatasetSample":
            item.setdefault("samples", []).append({"pid": row["sampleId"]})
        elif name == "Member":
            person = by_key["Person", row["personId"]]
            item.setdefault("members", []).append({"role": row["role"], "person": person})
    home = mapped.homes.get(item["pid"])
    return item | ({"home": home} if home else {})


def _has(item: Mapping[str, Any], words: Sequence[Word]) -> bool:
    """Return whether words are in a record's text, as `domain.query.Word` says."""
    people = [mapping(one.get("person")).get("fullName") for one in item.get("members", [])]
    said = [item.get(key) for key in ("pid", "title", "name", "summary", "facility", "doi")]
    told = " ".join(str(one) for one in [*said, *item.get("keywords", []), *people] if one)
    folded = told.casefold()
    hits = {occurs: [w.text.casefold() in folded for w in words if w.occurs == occurs]
            for occurs in ("any", "all", "not")}  # fmt: skip
    is_any = any(hits["any"]) or not hits["any"] or bool(hits["all"])
    return is_any and all(hits["all"]) and not any(hits["not"])
