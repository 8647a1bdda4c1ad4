"""A connector for tests: a feed of events in a file, which may fail wherever it is told to.

It stands for a catalogue that numbers its changes and tells of deletions. Not a real protocol.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson
from typing_extensions import override

from panosc.federation.contract import (
    Ability,
    Batch,
    Connector,
    Cursor,
    Mapped,
    Options,
    Probed,
    Raw,
)

Event = tuple[str, Any]
"""External id and content; None if it is gone."""


class MadeOptions(Options):
    """What a test may tell it."""

    size: str = "50"
    """Events in a batch."""


class MadeConnector(Connector):
    """Speaks with a file of events, one a line."""

    kind: ClassVar[str] = "made"
    title: ClassVar[str] = "Made up"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"changes", "deletions", "sweep"})
    Options: ClassVar[type[Options]] = MadeOptions
    fetched: ClassVar[list[str]] = []
    """External ids in the order in which they were fetched."""
    fails_after: ClassVar[int | None] = None
    """Batches after which it fails."""
    sweep_fails: ClassVar[bool] = False

    @override
    async def probe(self) -> Probed:
        return Probed(title="Made up")

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        events = self._events()
        size = int(self.source.options.get("size", "50"))
        begin = 0 if cursor is None else cursor["n"]
        for number, place in enumerate(range(begin, len(events), size)):
            if number == self.fails_after:
                raise RuntimeError("the wire was cut")
            part = events[place : place + size]
            self.fetched.extend(name for name, _ in part)
            raws = [Raw(kind="thing", external_id=name, content=told) for name, told in part]
            yield Batch(raws=raws, cursor={"n": place + len(part)}, total=len(events))

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        there = dict(self._events())
        names = [("thing", name) for name, told in there.items() if told is not None]
        half = len(names) // 2
        yield names[:half]
        if self.sweep_fails:
            raise RuntimeError("half a list")
        yield names[half:]

    @override
    def map(self, raw: Raw) -> Mapped:
        content = raw.content
        if "broken" in content:
            raise ValueError(content["broken"])
        return Mapped(
            rows=[(name, row) for name, row in content["rows"]],
            homes=content.get("homes", {}),
            also=content.get("also", {}),
            readers=content.get("readers", {}),
        )

    def _events(self) -> list[Event]:
        path = Path(urlsplit(self.source.url).path)
        return [tuple(orjson.loads(line)) for line in path.read_bytes().splitlines()]


def feed(path: Path, events: Iterable[Event]) -> Path:
    """Append events to a feed."""
    with path.open("ab") as file:
        for event in events:
            file.write(orjson.dumps(list(event)) + b"\n")
    return path


def events_of(rows: Iterable[tuple[str, Any]]) -> list[Event]:
    """Return a feed that tells of the rows of a catalogue: of each dataset with all that is its."""
    shared = {
        ("Person", "p1"): ["Person", {"id": "p1", "fullName": "Ada Lovelace"}],
    }
    tops: dict[str, list[Any]] = {}
    for name, row in rows:
        if name in {"Dataset", "Document"}:
            tops[row["pid"]] = [[name, row]]
        elif name in {"Instrument", "Technique", "Affiliation", "Person", "Sample"}:
            key = row["pid" if "pid" in row else "id"]
            shared[name, key] = [name, row]
        else:
            owner = row.get("datasetId") or row["documentId"]
            tops[owner].append([name, row])
            for reference in ("sampleId", "techniqueId", "personId", "affiliationId"):
                if reference in row:
                    kind = reference.removesuffix("Id").capitalize()
                    tops[owner].append(shared[kind, row[reference]])
    for found in tops.values():
        instrument = found[0][1].get("instrumentId")
        if instrument is not None:
            found.append(shared["Instrument", instrument])
    return [(pid, {"rows": found}) for pid, found in tops.items()]
