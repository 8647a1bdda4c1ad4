"""What differs between two images of a record, field by field, in words for people."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from panosc.domain.entities import MODEL_BY_NAME
from panosc.ingest.runs.entries import Changed

Image = Mapping[str, Any]
Labels = Mapping[tuple[str, int], str]
"""(table, key) of a record that another names → what to call it."""

LONGEST = 500
_LABELS: dict[str, str] = {
    "instrument": "coalesce(nullif(concat_ws(' ', facility, name), ''), pid)",
    "technique": "coalesce(name, pid)",
    "sample": "coalesce(name, pid)",
    "document": "pid",
    "person": "coalesce(full_name, key)",
    "affiliation": "coalesce(name, key)",
}
_LOST = "one that is gone"


def labels(connection: sa.Connection, images: Iterable[Image | None]) -> dict[tuple[str, int], str]:
    """Return what to call the records that images name, with one look at each table."""
    wanted: dict[str, set[int]] = {}
    for image in images:
        for table, key in _named(image or {}):
            wanted.setdefault(table, set()).add(key)
    found: dict[tuple[str, int], str] = {}
    for table, keys in wanted.items():
        query = sa.text(
            f"select id, {_LABELS[table]} as label from {table}"
            " where id = any(cast(:keys as bigint[]))"
        )
        for row in connection.execute(query, {"keys": sorted(keys)}):
            found[table, row.id] = row.label
    return found


def _named(image: Image) -> Iterator[tuple[str, int]]:
    instrument = image.get("row", {}).get("instrument_id")
    if instrument is not None:
        yield "instrument", instrument
    for member in image.get("members", ()):
        for table in ("person", "affiliation"):
            if member[f"{table}_id"] is not None:
                yield table, member[f"{table}_id"]
    for name in ("samples", "techniques", "documents"):
        table = name.removesuffix("s")
        for link in image.get(name, ()):
            yield table, link[f"{table}_id"]


def compare(model: str, old: Image | None, new: Image | None, known: Labels) -> tuple[Changed, ...]:
    """Return what is another in `new` than in `old`; None: there is no such record."""
    before, after = (_fields(model, image, known) for image in (old, new))
    changed = [
        Changed(field=name, old=before.get(name), new=after.get(name))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
    for name in ("people", "samples", "techniques", "documents"):
        olds, news = (_linked(name, image, known) for image in (old, new))
        changed += [Changed(field=name, old=item, new=None) for item in olds if item not in news]
        changed += [Changed(field=name, old=None, new=item) for item in news if item not in olds]
    return tuple(changed)


def _fields(model: str, image: Image | None, known: Labels) -> dict[str, str]:
    """Return what a record says itself: its fields, its parameters and files."""
    if image is None:
        return {}
    row = image["row"]
    found: dict[str, str] = {}
    for item in MODEL_BY_NAME[model].properties:
        if row.get(item.column) is not None:
            found[item.name] = _shown(row[item.column])
    if row.get("instrument_id") is not None:
        found["instrument"] = known.get(("instrument", row["instrument_id"]), _LOST)
    for name, value in (row.get("extra") or {}).items():
        found[f"other {name}"] = _shown(value)
    for name, values in _grouped(image.get("parameters", ())).items():
        found[f"parameter {name}"] = ", ".join(map(_quantity, values))
    for name, values in _grouped(image.get("files", ())).items():
        found[f"file {name}"] = ", ".join(f"{item['size']} bytes" for item in values)
    return found


def _grouped(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row)
    return found


def _quantity(row: Mapping[str, Any]) -> str:
    number, text = row["value_number"], row["value_text"]
    value = text if number is None else _shown(number)
    return " ".join(item for item in (value, row["unit"]) if item)


def _linked(name: str, image: Image | None, known: Labels) -> list[str]:
    if image is None:
        return []
    if name == "people":
        return [_member(item, known) for item in image.get("members", ())]
    table = name.removesuffix("s")
    return [known.get((table, item[f"{table}_id"]), _LOST) for item in image.get(name, ())]


def _member(row: Mapping[str, Any], known: Labels) -> str:
    name = known.get(("person", row["person_id"]), _LOST)
    return f"{name} ({row['role']})" if row["role"] else name


def _shown(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
