"""What a provider does with includes and with conditions in them: parameters, units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.errors import Upstream
from panosc.domain.units import scale_of
from panosc.federation.connectors.panosc.asking import PATHS
from panosc.federation.connectors.panosc.canaries import NOTHING, Canaries, pid_of
from panosc.federation.connectors.panosc.items import Item, Reader
from panosc.federation.naming import Names

RELATIONS: Mapping[str, Sequence[str]] = {
    "Dataset": ("instrument", "techniques", "samples", "parameters", "documents"),
    "Document": ("members", "datasets", "parameters"),
    "Instrument": (),
}
_NAMED = frozenset({"instrument", "techniques", "samples", "parameters"})
_NUMERIC = ("parameters:between", "parameters:gte", "parameters:eq", "units")
_UNITS = ("m", "nm", "mm", "K", "celsius", "J", "keV", "meV", "s", "ms", "Pa", "mbar", "T", "deg")
Where = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Over:
    """Writes questions for one record with a condition on what is related to it."""

    pid: str | int
    relation: str

    def __call__(self, where: Where) -> dict[str, Any]:
        include = {"relation": self.relation, "scope": {"where": where}}
        return {"where": {"pid": self.pid}, "include": [include]}


async def relation(
    canaries: Canaries, model: str, name: str, records: Sequence[dict[str, Any]]
) -> None:
    """Find out whether an include brings what is related and no fewer records, then the rest."""
    if not records:
        return
    pids = [str(pid_of(record)) for record in records]
    both = (f"relation:{name}", f"include:{name}")
    try:
        listed = await canaries.find(model, {"limit": len(pids), "include": [{"relation": name}]})
    except Upstream as error:
        for feature in both:
            canaries.note_error(feature, f"to include {name}", error)
        return
    if [str(pid_of(record)) for record in listed.records] != pids:
        for feature in both:
            canaries.note(feature, "wrong", f"With {name}, other records came than without.")
        return
    reader = Reader(names=Names(canaries.asking.source))
    found = [
        (record, item)
        for record in listed.records
        if (item := reader.item(MODEL_BY_NAME[model], record, deep=2)) is not None
        and item.get(name)
    ]
    canaries.note(both[0], "yes", f"Of {len(pids)} {PATHS[model]}, {len(found)} had {name}.")
    if not found:
        canaries.note(both[1], "unknown", f"None of {len(pids)} {PATHS[model]} has {name}.")
        return
    await _condition(canaries, model, name, *found[0])


async def _condition(
    canaries: Canaries, model: str, name: str, record: dict[str, Any], item: Item
) -> None:
    pid = pid_of(record) or ""
    over = _Over(pid, name)
    key = "name" if name in _NAMED else "pid"
    value = _first(record, name).get(key)
    feature = f"include:{name}"
    if not isinstance(value, str) or not value:
        canaries.note(feature, "unknown", f"The {name} that came have no {key}.")
    else:
        await canaries.ask(feature, model, str(pid), over({key: value}), over({key: NOTHING}))
    if name == "parameters" and model == "Dataset":
        await _parameters(canaries, str(pid), item, over)


async def _parameters(canaries: Canaries, pid: str, item: Item, over: _Over) -> None:
    numbers = [
        one
        for one in item["parameters"]
        if isinstance(one.get("value"), int | float) and not isinstance(one["value"], bool)
    ]
    if not numbers:
        for name in _NUMERIC:
            canaries.note(name, "unknown", "No parameter that came is a number.")
        return
    one = next((item for item in numbers if item.get("unit")), numbers[0])
    name, value, unit = one["name"], one["value"], one.get("unit")
    near, far = _around(value)
    for feature, has, not_ in (
        ("parameters:between", {"between": near}, {"between": far}),
        ("parameters:gte", {"gte": near[0]}, {"gte": far[0]}),
        ("parameters:eq", value, far[0]),
    ):
        known, none = over(_valued(name, has, unit)), over(_valued(name, not_, unit))
        await canaries.ask(feature, "Dataset", pid, known, none)
    other = _converted(value, unit)
    if other is None:
        canaries.note("units", "unknown", "No parameter that came has a unit to convert.")
        return
    near, far = _around(other[0])
    known = over(_valued(name, {"between": near}, other[1]))
    none = over(_valued(name, {"between": far}, other[1]))
    await canaries.ask("units", "Dataset", pid, known, none)


def _around(value: float) -> tuple[list[float], list[float]]:
    """Return a range with a value in it, and one far above it."""
    width = abs(value) / 10 or 1.0
    return [value - width, value + width], [value + 5 * width, value + 6 * width]


def _first(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = record.get(name)
    many = value if isinstance(value, list) else [value]
    return next((one for one in many if isinstance(one, dict) and one), {})


def _valued(name: str, value: Any, unit: str | None) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"name": name}, {"value": value}]
    return {"and": [*parts, {"unit": unit}] if unit else parts}


def _converted(value: float, unit: str | None) -> tuple[float, str] | None:
    """Return a value in another unit of the same kind."""
    scale = scale_of(unit) if isinstance(unit, str) else None
    if scale is None:
        return None
    for name in _UNITS:
        other = scale_of(name)
        if other is not None and other.si_unit == scale.si_unit and other.unit != scale.unit:
            return other.from_si(scale.to_si(value)), name
    return None
