"""Live questions: words in Lucene's query syntax, and what was found as items of the search API.

Whatever people write goes into quoted phrases, in which nothing is an operator.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from panosc.domain.query import Query, Word
from panosc.federation.contract import Mapped
from panosc.federation.parts import WORDS, parts_of

MOST_WORDS: Final = 30
_LONGEST: Final = 300
_NEVER: Final = re.compile(r"[\x00-\x1f\x7f]+")
Item = dict[str, Any]


def quoted(text: str) -> str | None:
    r"""Return a text as one phrase of Lucene's syntax, None for one in which there is no word.

    Examples
    --------
    >>> quoted('a AND "b"'), quoted("~*?")
    ('"a AND \\"b\\""', None)
    """
    plain = " ".join(_NEVER.sub(" ", text).split())[:_LONGEST]
    if not any(letter.isalnum() for letter in plain):
        return None
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def lucene(words: Sequence[Word]) -> str | None:
    """Return ranked words as a query; "" where there are none, None where it cannot be said.

    Examples
    --------
    >>> lucene([Word(text="iron"), Word(text="ice"), Word(text="old", occurs="not")])
    '("iron" OR "ice") AND NOT "old"'
    """
    if len(words) > MOST_WORDS or any(word.kind == "elements" for word in words):
        return None
    by: dict[str, list[str]] = {"any": [], "all": [], "not": []}
    for word in words:
        phrase = quoted(word.text)
        if phrase is not None:
            by[word.occurs].append(phrase)
    # where some words have to be there, the others only rank
    parts = by["all"] or ([f"({' OR '.join(by['any'])})"] if by["any"] else [])
    if not parts and by["not"]:
        return None
    return " AND ".join([*parts, *(f"NOT {phrase}" for phrase in by["not"])])


def unasked(query: Query, *, asks_words: bool) -> frozenset[str]:
    """Return the parts of a question that are not put: all but the words."""
    words = {WORDS} if query.words and not asks_words else set()
    return frozenset(parts_of(query)) | words


def items(found: Iterable[Mapped], model: str) -> list[Item]:
    """Return the records of one class, each once, with their relations inside."""
    by_pid: dict[str, Item] = {}
    for mapped in found:
        for name, row in mapped.rows:
            if name == model and row["pid"] not in by_pid:
                by_pid[row["pid"]] = _item(mapped, name, dict(row))
    return list(by_pid.values())


def _item(mapped: Mapped, model: str, item: Item) -> Item:
    rows: dict[tuple[str, Any], Mapping[str, Any]] = {
        (name, row.get("pid", row.get("id"))): row for name, row in mapped.rows
    }
    instrument = rows.get(("Instrument", item.pop("instrumentId", None)))
    if instrument is not None and model == "Dataset":
        item["instrument"] = dict(instrument)
    for name, row in mapped.rows:
        if name == "DatasetTechnique":
            technique = dict(rows["Technique", row["techniqueId"]])
            item.setdefault("techniques", []).append(technique)
        elif name == "File":
            bare = {key: value for key, value in row.items() if key != "datasetId"}
            item.setdefault("files", []).append(bare)
        elif name == "Member":
            member = {"role": row["role"]}
            for key, other in (("personId", "Person"), ("affiliationId", "Affiliation")):
                if key in row:
                    member[other.lower()] = dict(rows[other, row[key]])
            item.setdefault("members", []).append(member)
    home = mapped.homes.get(item["pid"])
    return item if home is None else {**item, "home": home}
