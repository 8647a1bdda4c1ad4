"""What a SciCat really is and does: questions whose answer is known beforehand.

Each ability is tried with a record that is there and with one that cannot be: a server that
answers everything, or nothing, to a condition that it does not understand is told from one that
understands it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from panosc.federation.calling import BadStatus
from panosc.federation.connectors.scicat_parts import history, live
from panosc.federation.connectors.scicat_parts.asking import (
    DATASET,
    INSTRUMENT,
    PROPOSAL,
    PUBLICATION,
    SAMPLE,
    Asking,
    Kind,
)
from panosc.federation.connectors.scicat_parts.paging import AT
from panosc.federation.contract import Probed, Support
from panosc.federation.values import mapping, number, text
from panosc.identity.outbound.beyond import Failed

SIZE = 25
_NOWHERE = "panosc-canary-that-is-nowhere"
_FULL = f"{DATASET.path}/fullquery"
_V4 = "api/v4/datasets/public"
_BEGIN = "1970-01-01T00:00:00.000Z"
_FAR = 1e300
Record = Mapping[str, Any]


async def probe(asking: Asking) -> Probed:
    """Ask a SciCat what it is.

    Raises
    ------
    Failed
        If it is none, or does not answer.
    """
    limits = {"limit": SIZE, "skip": 0, "order": f"{AT}:desc"}
    records = await asking.rows(DATASET.path, {"filter": {"limits": limits}})
    if any(text(record.get("pid")) is None for record in records):
        raise asking.garbage(f"{DATASET.path} with what are no datasets of SciCat")
    total = await asking.count(DATASET.path)
    features = {"count": Support(state="yes", evidence=f"It counts {total} datasets.")}
    for number_, tried in enumerate((_dates, _newer_dates, _skip, _mode, _words, _units, _files)):
        try:
            features |= await tried(asking, records)
        except Failed as error:
            if number_ == 0:
                raise
            names = _NAMES[tried.__name__]
            features |= {name: Support(state="no", evidence=error.detail) for name in names}
    features["deletions"] = await _deletions(asking)
    return Probed(
        version=await _version(asking),
        totals={"Dataset": total, **await _totals(asking)},
        features=features,
    )


_NAMES = {
    "_newer_dates": ("v4 dates",),
    "_skip": ("skip", "order"),
    "_mode": ("where:pid", "where:title", "where:creationDate", "include:techniques",
              "include:instrument"),
    "_words": ("query", "text"),
    "_units": ("units", "parameters:between"),
    "_files": ("files",),
}  # fmt: skip


async def _dates(asking: Asking, records: list[dict[str, Any]]) -> dict[str, Support]:
    at = next((time for one in records if (time := text(one.get(AT), 40))), None)
    if at is None:
        return {"changes": _unknown("There is no dataset with the time of its last change.")}
    wanted = {"where": {AT: {"$gte": at}}, "limits": {"limit": SIZE, "skip": 0}}
    found = await asking.rows(DATASET.path, {"filter": wanted})
    evidence = f"Asked for what changed since {at}, it gave {len(found)} datasets."
    return {"changes": Support(state="yes" if found else "wrong", evidence=evidence)}


async def _newer_dates(asking: Asking, records: list[dict[str, Any]]) -> dict[str, Support]:
    everything = {"limits": {"limit": 1, "skip": 0}}
    there = await asking.rows(_V4, {"filter": everything})
    since = everything | {"where": {AT: {"$gte": _BEGIN}}}
    found = await asking.rows(_V4, {"filter": since})
    evidence = f"Version 4 gave {len(there)} dataset of all, {len(found)} of those since 1970."
    state = "unknown" if not there else "yes" if found else "wrong"
    return {"v4 dates": Support(state=state, evidence=evidence)}  # type: ignore[arg-type]


async def _skip(asking: Asking, records: list[dict[str, Any]]) -> dict[str, Support]:
    if len(records) < 2:  # noqa: PLR2004 - one record cannot be in order
        return {name: _unknown("There are not two datasets.") for name in ("skip", "order")}
    limits = {"limit": 1, "skip": 1, "order": f"{AT}:desc"}
    found = await asking.rows(DATASET.path, {"filter": {"limits": limits}})
    is_second = bool(found) and found[0].get("pid") == records[1].get("pid")
    evidence = f"The second of the latest datasets was {'' if is_second else 'not '}the same again."
    support = Support(state="yes" if is_second else "wrong", evidence=evidence)
    return {"skip": support, "order": support}


async def _mode(asking: Asking, records: list[dict[str, Any]]) -> dict[str, Support]:
    names = _NAMES["_mode"]
    public = _public(records)
    if public is None:
        return dict.fromkeys(names, _unknown("There is no public dataset."))
    pid = public["pid"]
    there = await _full(asking, {"mode": {"pid": {"$in": [pid]}}})
    nowhere = await _full(asking, {"mode": {"pid": {"$in": [_NOWHERE]}}})
    is_right = [one.get("pid") for one in there] == [pid] and not nowhere
    evidence = f"fullquery gave {len(there)} for the dataset {pid} and {len(nowhere)} for none."
    return dict.fromkeys(names, Support(state="yes" if is_right else "wrong", evidence=evidence))


async def _words(asking: Asking, records: list[dict[str, Any]]) -> dict[str, Support]:
    public = _public(records)
    words = (text((public or {}).get("datasetName")) or "").split()
    word = max((one for one in words if one.isalpha()), key=len, default="")
    if not word:
        return {
            name: _unknown("No public dataset has a word in its name.") for name in _NAMES["_words"]
        }
    there = await _full(asking, {"text": word})
    nowhere = await _full(asking, {"text": _NOWHERE.replace("-", "")})
    is_right = bool(there) and not nowhere
    evidence = (
        f"The word “{word[:40]}” gave {len(there)} datasets, a word that is none {len(nowhere)}."
    )
    state = Support(state="yes" if is_right else "wrong", evidence=evidence)
    substring = Support(state="yes", evidence="Asked as a pattern of the dataset's name.")
    return {"query": state, "text": substring if is_right else state}


async def _units(asking: Asking, records: list[dict[str, Any]]) -> dict[str, Support]:
    names = ("units", "parameters:between")
    found = next((one for record in records for one in _quantities(record)), None)
    if found is None:
        return {name: _unknown("No public dataset has a quantity with a unit.") for name in names}
    lhs, value, unit = found
    asked = {"lhs": lhs, "relation": "GREATER_THAN_OR_EQUAL", "rhs": value, "unit": unit}
    # a little below, for its conversion may round
    below = value - abs(value) * 1e-6
    there = await _full(asking, {"scientific": [asked | {"rhs": below}]})
    nowhere = await _full(asking, {"scientific": [asked | {"rhs": _FAR}]})
    is_right = bool(there) and not nowhere
    evidence = f"{lhs} ≥ {value} {unit} gave {len(there)} datasets, beyond {_FAR:g} {len(nowhere)}."
    units = Support(state="yes" if is_right else "wrong", evidence=evidence)
    between = Support(
        state="no",
        evidence="Of two ends of one parameter only the last would count; one is asked.",
    )
    return {"units": units, "parameters:between": between}


async def _files(asking: Asking, records: list[dict[str, Any]]) -> dict[str, Support]:
    include = [{"relation": "origdatablocks"}]
    wanted = {"limits": {"limit": SIZE, "skip": 0, "order": f"{AT}:desc"}, "include": include}
    found = await asking.rows(DATASET.path, {"filter": wanted})
    count = sum(bool(one.get("origdatablocks")) for one in found)
    evidence = f"Of the {len(found)} latest datasets {count} show their files."
    return {"files": Support(state="yes" if count else "unknown", evidence=evidence)}


async def _deletions(asking: Asking) -> Support:
    if not asking.has_account:
        return Support(state="no", evidence="Its history is not shown to whoever has no account.")
    try:
        found = await history.page(asking, DATASET)
    except Failed as error:
        return Support(state="no", evidence=error.detail)
    if found is None:
        return Support(state="no", evidence="This account may not read its history.")
    return Support(state="yes", evidence=f"Its history shows {len(found)} deletions.")


async def _totals(asking: Asking) -> dict[str, int | None]:
    """Count what has a count, or is few enough to be listed."""
    documents = await _counted(asking, PUBLICATION)
    proposals = await _listed(asking, PROPOSAL)
    is_known = documents is not None and proposals is not None
    return {
        "Document": (documents or 0) + (proposals or 0) if is_known else None,
        "Instrument": await _listed(asking, INSTRUMENT),
        "Sample": await _listed(asking, SAMPLE),
    }


async def _counted(asking: Asking, kind: Kind) -> int | None:
    try:
        return await asking.count(kind.path, {"filter": {}})
    except Failed:
        return None


async def _listed(asking: Asking, kind: Kind) -> int | None:
    try:
        limits = {"limit": live.LATEST, "skip": 0}
        found = await asking.rows(kind.path, {kind.filter: {"limits": limits}})
    except Failed:
        return None
    return len(found) if len(found) < live.LATEST else None


async def _version(asking: Asking) -> str | None:
    """Return the version that its own description tells."""
    try:
        found = await asking.get("explorer-json")
    except (Failed, BadStatus):
        return None
    return text(mapping(mapping(found).get("info")).get("version"), 40)


async def _full(asking: Asking, fields: dict[str, Any]) -> list[dict[str, Any]]:
    limits = {"limit": SIZE, "skip": 0, "order": "creationTime:desc"}
    return await asking.rows(_FULL, {"fields": {"isPublished": True} | fields, "limits": limits})


def _public(records: list[dict[str, Any]]) -> Record | None:
    return next((one for one in records if one.get("isPublished") is True), None)


def _quantities(record: Record) -> Iterator[tuple[str, float, str]]:
    """Yield name, value and unit of quantities that SciCat has converted."""
    if record.get("isPublished") is not True:
        return
    for name, leaf in mapping(record.get("scientificMetadata")).items():
        given = mapping(leaf)
        value, unit = number(given.get("value")), text(given.get("unit"), 40)
        is_single = not isinstance(given.get("value"), str) and value is not None
        if is_single and unit and number(given.get("valueSI")) is not None:
            yield name, float(value or 0), unit


def _unknown(why: str) -> Support:
    return Support(state="unknown", evidence=why)
