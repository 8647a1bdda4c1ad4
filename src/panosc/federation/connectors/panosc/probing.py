"""Finding out what a provider really does, by questions whose answer is known from a first page."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from panosc.domain.entities import MODEL_BY_NAME, Property
from panosc.domain.errors import Upstream
from panosc.federation.connectors.panosc.asking import PATHS, Asking
from panosc.federation.connectors.panosc.canaries import NOTHING, Canaries, pid_of
from panosc.federation.connectors.panosc.relations import RELATIONS, relation
from panosc.federation.connectors.panosc.values import Unreadable, read, shown
from panosc.federation.contract import Probed

FIRST = 10
_LONG = 4
"""Letters of a word of a title that is asked for."""
Records = Sequence[dict[str, Any]]


async def probe(asking: Asking) -> Probed:
    """Return what a provider does.

    Raises
    ------
    Upstream
        If the first question is not answered by a list of records.
    """
    canaries = Canaries(asking)
    first = await _first_pages(canaries)
    totals = dict(
        zip(PATHS, await asyncio.gather(*(_total(canaries, m) for m in PATHS)), strict=True)
    )
    questions: list[Awaitable[None]] = []
    for model, records in first.items():
        questions += [_counts(canaries, model, records), *_wheres(canaries, model, records)]
        questions += [relation(canaries, model, name, records) for name in RELATIONS[model]]
        if model != "Instrument":
            questions += [_text(canaries, model, records), _query(canaries, model, records)]
    questions += [_paging(canaries, first["Dataset"]), _files(canaries, first["Dataset"])]
    await asyncio.gather(*questions)
    return Probed(totals=totals, features=dict(sorted(canaries.features.items())))


async def _first_pages(canaries: Canaries) -> dict[str, Records]:
    listed = await canaries.find("Dataset", {"limit": FIRST})
    found: dict[str, Records] = {}
    for model, path in PATHS.items():
        try:
            if model != "Dataset":
                listed = await canaries.find(model, {"limit": FIRST})
        except Upstream as error:
            canaries.note_error(path, f"for {path}", error)
            continue
        known = [record for record in listed.records if pid_of(record) is not None][:FIRST]
        if listed.records and not known:
            raise canaries.asking.wrong(f"with {path} that have no identifiers")
        found[model] = known
        canaries.note(path, "yes", f"It lists {path}.")
    return found


async def _total(canaries: Canaries, model: str) -> int | None:
    try:
        return await canaries.count(model)
    except Upstream:
        return None


async def _counts(canaries: Canaries, model: str, records: Records) -> None:
    if not records:
        return
    try:
        one = await canaries.count(model, {"pid": pid_of(records[0])})
        every = await canaries.count(model)
    except Upstream as error:
        canaries.note_error("count", f"to count {PATHS[model]}", error)
        return
    is_fine = one == 1 and every >= len(records)
    said = f"Of {PATHS[model]} it counted {every} in all and {one} of one PID."
    canaries.note("count", "yes" if is_fine else "wrong", said)


async def _paging(canaries: Canaries, records: Records) -> None:
    try:
        up = await canaries.pids("Dataset", {"order": ["pid ASC"], "limit": 3})
        down = await canaries.pids("Dataset", {"order": ["pid DESC"], "limit": 3})
        asked = {"order": ["pid ASC"], "limit": 1, "skip": 1}
        second = await canaries.pids("Dataset", asked)
    except Upstream as error:
        for name in ("skip", "order"):
            canaries.note_error(name, "for pages in an order", error)
        return
    if len(records) <= 1:
        for name in ("skip", "order"):
            canaries.note(name, "unknown", "There is no second record to tell by.")
        return
    is_ordered = up == sorted(up) and down == sorted(down, reverse=True) and up != down
    canaries.note("order", "yes" if is_ordered else "wrong", f"By PID came {shown(up)}.")
    said = f"After the first came {shown(second)}, expected was {shown(up[1:2])}."
    canaries.note("skip", "yes" if second == up[1:2] else "wrong", said)


async def _files(canaries: Canaries, records: Records) -> None:
    if not records:
        return
    pid = quote(str(pid_of(records[0])), safe="")
    try:
        found = await canaries.asking.answers(f"Datasets/{pid}/files")
    except Upstream as error:
        canaries.note_error("files", "for the files of a dataset", error)
        return
    if isinstance(found, list):
        canaries.note("files", "yes", f"It listed {len(found)} files of a dataset.")
    else:
        canaries.note("files", "wrong", "Asked for the files of a dataset, no list came.")


def _wheres(canaries: Canaries, model: str, records: Records) -> list[Awaitable[None]]:
    found: list[Awaitable[None]] = []
    for prop in MODEL_BY_NAME[model].properties:
        if not prop.standard or prop.kind == "list":
            continue
        name = f"where:{prop.name}"
        known = next((one for one in records if _value(prop, one) is not None), None)
        if known is None:
            canaries.note(name, "unknown", f"No {model} that came says its {prop.name}.")
            continue
        pid = pid_of(known)
        has, not_ = _conditions(prop, _value(prop, known), known[prop.name])
        if prop.name != "pid":
            # with its PID as well: there may be thousands that are like it
            has, not_ = ({"and": [{"pid": pid}, one]} for one in (has, not_))
        found.append(canaries.ask(name, model, str(pid), {"where": has}, {"where": not_}))
        if prop.name == "isPublic":
            found.append(_public(canaries, model, {"isPublic": known["isPublic"]}))
    return found


async def _public(canaries: Canaries, model: str, where: Mapping[str, Any]) -> None:
    """Ask for what is public, and nothing else: it is what everybody asks."""
    try:
        pids = await canaries.pids(model, {"where": where, "limit": FIRST})
    except Upstream as error:
        canaries.note_error("where:isPublic", f"for {shown(where)}", error)
        return
    said = f"Asked for {PATHS[model]} with {shown(where)}, {len(pids)} came."
    canaries.note("where:isPublic", "yes" if pids else "wrong", said)


async def _text(canaries: Canaries, model: str, records: Records) -> None:
    word, pid = _word(records)
    if word is None:
        canaries.note("text", "unknown", f"No {model} that came has a word in its title.")
        return
    known = {"where": {"and": [{"pid": pid}, {"text": word}]}}
    await canaries.ask("text", model, str(pid), known, {"where": {"text": NOTHING}})


async def _query(canaries: Canaries, model: str, records: Records) -> None:
    word, _ = _word(records)
    if word is None:
        canaries.note("query", "unknown", f"No {model} that came has a word in its title.")
        return
    try:
        some = (await canaries.find(model, {"query": word, "limit": FIRST})).records
        none = (await canaries.find(model, {"query": NOTHING, "limit": FIRST})).records
    except Upstream as error:
        canaries.note_error("query", f"for the word {shown(word)!r}", error)
        return
    if not some:
        canaries.note("query", "wrong", f"Asked for the word {shown(word)!r}, nothing came.")
    elif none:
        said = f"Asked for a word that there is not, {len(none)} came: it heeds no words."
        canaries.note("query", "no", said)
    else:
        said = f"Asked for the word {shown(word)!r}, {len(some)} came; for none that is, nothing."
        canaries.note("query", "yes", said)


def _value(prop: Property, record: Mapping[str, Any]) -> Any:
    try:
        return read(prop.kind, record.get(prop.name))
    except Unreadable:
        return None


def _conditions(prop: Property, value: Any, given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a condition that a value fulfils, and one that it does not."""
    if prop.kind == "time":
        at, day = datetime.fromisoformat(value), timedelta(days=1)
        try:
            near = [_written(at - day), _written(at + day)]
        except OverflowError:
            near = [value, value]
        return {prop.name: {"between": near}}, {prop.name: {"gt": "2900-01-01T00:00:00.000Z"}}
    if prop.kind == "boolean":
        return {prop.name: value}, {prop.name: not value}
    if prop.kind in {"integer", "number"}:
        return {prop.name: {"gte": value}}, {prop.name: {"gt": value}}
    return {prop.name: given}, {prop.name: NOTHING}


def _written(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(records: Records) -> tuple[str | None, str | int | None]:
    for record in records:
        title = record.get("title")
        words = title.split() if isinstance(title, str) else []
        plain = [word for word in words if word.isascii() and word.isalpha()]
        if plain and len(longest := max(plain, key=len)) >= _LONG:
            return longest, pid_of(record)
    return None, None
