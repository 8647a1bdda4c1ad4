"""From the files of one dataset to its rows: what they say, put together with what others say.

What is told of the dataset goes before what its files say, and its leading file goes before the
others. Pure: the same files, in whatever order they came, give the same rows.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from panosc.domain.pid import content_pid
from panosc.domain.times import utc
from panosc.ingest.formats import Facts, Quantity
from panosc.ingest.grouping import Piece, Share
from panosc.ingest.knowledge import panet
from panosc.ingest.records import Row, Terms, completeness, rows_of
from panosc.ingest.told import Told

SEVERAL: Final = 5
"""Most numbers of one parameter that are listed; of more, the least and the greatest are."""
TEXTS: Final = 200
"""Most texts of one parameter that are listed, such as the names of detectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A dataset ready to be written."""

    pid: str
    part: str
    pieces: tuple[Piece, ...]
    rows: tuple[tuple[str, Row], ...]
    parameters: tuple[Quantity, ...]
    has: tuple[bool, ...]
    missing: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    """Paths of what it was made from."""

    @property
    def size(self) -> int:
        """All its files together, in bytes."""
        return sum(piece.size for piece in self.pieces)


def compose(share: Share, told: Told, *, kind: str | None, terms: Terms) -> Draft:
    """Return the dataset that a share of the files of a place makes."""
    pid = pid_of(share, terms)
    facts = _over(told, _merged(share, ZoneInfo(terms.time_zone)))
    parameters = (*told.parameters, *_missing(share))
    named = {item.name for item in told.parameters}
    parameters += tuple(item for item in facts.parameters if item.name not in named)
    lead = share.pieces[0]
    name = share.part or _text(_name(share))
    own = replace(
        terms,
        facility=told.facility or terms.facility,
        probe=told.probe or terms.probe,
        proposal=terms.proposal or told.proposal,
    )
    rows = rows_of(facts, pid=pid, name=name, terms=own, kind=told.kind or kind)
    rows = [*_techniques(rows, told, pid), *_files(share, pid)]
    for model, row in rows:
        if model == "Dataset":
            row["derivedFrom"] = _pids(told) or None
            is_one_of_many = facts.default_plot is not None and len(share.pieces) > 1
            row["defaultFile"] = _text(lead.name) if is_one_of_many else None
    return Draft(
        pid=pid,
        part=share.part,
        pieces=share.pieces,
        rows=tuple(rows),
        parameters=parameters,
        has=completeness(facts, rows),
        missing=share.missing,
        awaited=tuple(item for item in told.derived_from if item.startswith("/")),
    )


def pid_of(share: Share, terms: Terms) -> str:
    """Return the identifier of a dataset, from the content of its files.

    A file that nobody may read, on tape, stands for itself by its place, size and time of change:
    that two have the same name tells nothing.
    """
    sums = [piece.sha256 or _unread(piece) for piece in share.pieces]
    if share.part:
        sums.append(hashlib.sha256(f"NXentry {share.part}".encode()).hexdigest())
    return content_pid(sums, prefix=terms.prefix)


def _unread(piece: Piece) -> str:
    words = f"unread {piece.path}\n{piece.size}\n{piece.mtime_ns}"
    return hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()


def _name(share: Share) -> str:
    if len(share.pieces) == 1:
        return share.pieces[0].name.rpartition("/")[2]
    lead = share.pieces[0]
    folder = lead.path[: -len(lead.name)].rstrip("/").rpartition("/")[2]
    return folder or lead.name


def _merged(share: Share, zone: ZoneInfo) -> Facts:
    """Return what the files say together."""
    found = [item for one in share.pieces if (item := _facts(one, share.part)) is not None]
    if not found:
        return Facts(format="unread")
    if len(found) == 1:
        return found[0]
    first = found[0]
    return replace(
        first,
        **{
            name: _first(found, name)
            for name in ("title", "description", "probe", "instrument", "facility", "proposal")
        },
        start=_outer([item.start for item in found], min, zone),
        end=_outer([item.end for item in found], max, zone),
        definitions=_union(item.definitions for item in found),
        is_reduced=any(item.is_reduced for item in found),
        samples=_union(item.samples for item in found),
        people=tuple({one.name: one for item in reversed(found) for one in item.people}.values()),
        parameters=tuple(_parameters(found)),
    )


def _facts(piece: Piece, part: str) -> Facts | None:
    if piece.facts is None or not part:
        return piece.facts
    return next((one.facts for one in piece.facts.parts if one.name == part), None)


def _first(found: Sequence[Facts], name: str) -> Any:
    return next((value for item in found if (value := getattr(item, name))), None)


def _outer(times: Sequence[str | None], choose: Any, zone: ZoneInfo) -> str | None:
    """Return the earliest or latest time as it is spelt; zones are the site's where none is."""
    known = [(read, time) for time in times if (read := utc(time, zone=zone)) is not None]
    return choose(known)[1] if known else next((time for time in times if time), None)


def _union(lists: Iterable[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(item for one in lists for item in one))


def _parameters(found: Sequence[Facts]) -> Iterator[Quantity]:
    """Yield what the files say of each parameter: once where they agree."""
    by_name: dict[tuple[str, str | None], dict[Any, Quantity]] = {}
    for facts in found:
        for item in facts.parameters:
            by_name.setdefault((item.name, item.unit), {}).setdefault(item.value, item)
    for (name, _), values in by_name.items():
        numbers = [value for value in values if isinstance(value, int | float)]
        if len(values) <= SEVERAL or len(numbers) < len(values):
            yield from list(values.values())[:TEXTS]
            continue
        for word, value in (("min", min(numbers)), ("max", max(numbers))):
            yield replace(values[value], name=f"{name}_{word}", path="")


def _over(told: Told, facts: Facts) -> Facts:
    """Return the facts with what is told in the place of what the files say."""
    return replace(
        facts,
        title=told.title or facts.title,
        description=told.description or facts.description,
        start=told.start or facts.start,
        end=told.end or facts.end,
        definitions=(told.definition,) if told.definition else facts.definitions,
        probe=told.probe or facts.probe,
        instrument=told.instrument or facts.instrument,
        facility=told.facility or facts.facility,
        samples=told.samples or facts.samples,
        people=told.people or facts.people,
    )


def _missing(share: Share) -> Iterator[Quantity]:
    for name in share.missing[:TEXTS]:
        yield Quantity(name="missing_source", value=name, path="")


def _techniques(rows: Sequence[tuple[str, Row]], told: Told, pid: str) -> Iterator[tuple[str, Row]]:
    """Yield the rows, with the techniques that are told in the place of the files' own."""
    for model, row in rows:
        if not (told.techniques and model in {"Technique", "DatasetTechnique"}):
            yield model, row
    for name in told.techniques:
        term = panet(name)
        yield "Technique", {"pid": term.pid, "panetId": term.pid, "name": term.label}
        yield "DatasetTechnique", {"datasetId": pid, "techniqueId": term.pid}


def _files(share: Share, pid: str) -> Iterator[tuple[str, Row]]:
    for piece in share.pieces:
        yield (
            "File",
            {
                "datasetId": pid,
                "name": _text(piece.name),
                "size": piece.size,
                "sha256": piece.sha256,
                "format": None if piece.facts is None else piece.facts.format,
            },
        )


def _text(name: str) -> str:
    """Return the name of a file as text, whatever its bytes are."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _pids(told: Told) -> list[str]:
    return [item for item in told.derived_from if not item.startswith("/")]


def finite(item: Quantity) -> bool:
    """Whether a parameter has a value at all: not a number is none."""
    return not (isinstance(item.value, float) and math.isnan(item.value))
