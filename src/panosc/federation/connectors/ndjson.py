"""A folder of NDJSON files in the shape of `panosc catalogue dump`: another catalogue as files.

Read where it lies, on this machine. A record comes with all that is its own; which of them changed
is found by their content. It cannot be asked live.
"""

import asyncio
import gzip
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import orjson
from typing_extensions import override

from panosc.catalogue.rows import is_record
from panosc.domain.entities import LINKS, MODEL_BY_NAME
from panosc.domain.errors import Upstream
from panosc.federation.cleaning import cleaned
from panosc.federation.contract import (
    Ability,
    Batch,
    Connector,
    Cursor,
    Mapped,
    Probed,
    Raw,
    Row,
    Support,
    Tried,
)
from panosc.federation.naming import Names
from panosc.federation.values import mapping, several

BATCH = 1000
LONGEST_LINE = 16 << 20
_PAIR = 2
_TOPS = ("Instrument", "Document", "Dataset")
"""What there are records of, those first that others name."""
_SHARED = ("Affiliation", "Person", "Instrument", "Technique", "Sample")
_PARTS = ("Member", "Parameter", "File", "DatasetSample", "DatasetTechnique", "DocumentDataset")
_REFERENCES = {
    "instrumentId": "Instrument",
    "personId": "Person",
    "affiliationId": "Affiliation",
    "sampleId": "Sample",
    "techniqueId": "Technique",
}
_OWNERS = {"datasetId": "Dataset", "documentId": "Document"}


class NdjsonConnector(Connector):
    """Speaks with a folder."""

    kind: ClassVar[str] = "ndjson"
    title: ClassVar[str] = "A folder of NDJSON"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"changes", "sweep"})
    tried: ClassVar[tuple[Tried, ...]] = (
        Tried(what="what `panosc catalogue dump` writes", how="live"),
    )

    @override
    async def probe(self) -> Probed:
        files = self._files()
        totals = {name: _count(files[name]) for name in _TOPS if name in files}
        evidence = f"{self._folder()} holds {', '.join(sorted(files))}."
        return Probed(
            title=self.source.title,
            totals=totals,
            features={"files": Support(state="yes", evidence=evidence)},
        )

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """Yield everything if a file changed; what is the same is told by its content."""
        files = self._files()
        state = {name: _state(path) for name, path in sorted(files.items())}
        after = ""
        if cursor is not None and cursor.get("files") == state:
            if cursor.get("after") is None:
                return
            after = str(cursor["after"])
        with _gathered(files) as gathered:
            total = gathered.count()
            for last, raws in gathered.batches(after):
                yield Batch(raws=raws, cursor={"files": state, "after": last}, total=total)
                await asyncio.sleep(0)
        yield Batch(raws=(), cursor={"files": state, "after": None}, total=total)

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        files = self._files()
        for name in _TOPS:
            page: list[tuple[str, str]] = []
            for row in _rows(files[name]) if name in files else ():
                page.append((name, str(row.get("pid"))))
                if len(page) >= BATCH:
                    yield page
                    page = []
            yield page

    @override
    def map(self, raw: Raw) -> Mapped:
        names = Names(self.source)
        rows: list[Row] = []
        warnings: list[str] = []
        for item in several(mapping(raw.content).get("rows")):
            given = several(item)
            name, row = (given[0], mapping(given[1])) if len(given) == _PAIR else ("?", {})
            named = _named(names, str(name), row)
            found = None if named is None else cleaned(str(name), named, warnings)
            if found is None:
                warnings.append(f"A row of {str(name)[:40]} was of no use.")
                continue
            if name in _TOPS:
                found["source"] = self.source.name
            rows.append((str(name), found))
        return Mapped(rows=rows, warnings=warnings)

    def _folder(self) -> Path:
        parts = urlsplit(self.source.url)
        if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
            raise self._unusable("its address is no folder: give file:///path/to/folder")
        return Path(unquote(parts.path))

    def _files(self) -> dict[str, Path]:
        folder = self._folder()
        try:
            found = {
                path.name.removesuffix(".gz").removesuffix(".ndjson"): path
                for path in sorted(folder.iterdir())
                if path.name.endswith((".ndjson", ".ndjson.gz"))
            }
        except OSError as error:
            raise self._unusable(f"{folder} cannot be listed: {error.strerror}") from None
        known = {
            name: path for name, path in found.items() if name in MODEL_BY_NAME or name in LINKS
        }
        if not known.keys() & set(_TOPS):
            raise self._unusable(f"{folder} holds neither Dataset.ndjson nor Document.ndjson")
        return known

    def _unusable(self, why: str) -> Upstream:
        return Upstream(f"{self.source.name} was not used: {why}.", provider=self.source.name)


class _Gathered:
    """The lines of a folder by the record that they belong to: on disk, so in any order."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._run = database.execute
        self._many = database.executemany
        self._run("create table top (key text primary key, line blob) without rowid")
        self._run("create table shared (key text primary key, line blob) without rowid")
        self._run("create table part (owner text, class text, line blob)")

    def fill(self, files: Mapping[str, Path]) -> None:
        """Take all lines up."""
        for name, path in files.items():
            if name in _TOPS:
                keyed = ((_place(name, row.get("pid")), row) for row in _rows(path))
                self._many("insert or ignore into top values (?, ?)", _written(keyed))
            if name in _SHARED:
                key = MODEL_BY_NAME[name].key
                keyed = ((f"{name}:{row.get(key)}", row) for row in _rows(path))
                self._many("insert or ignore into shared values (?, ?)", _written(keyed))
            if name in _PARTS:
                lines = ((_owner(row), name, orjson.dumps(row)) for row in _rows(path))
                self._many("insert into part values (?, ?, ?)", lines)
        self._run("create index part_owner on part (owner)")

    def count(self) -> int:
        """Return how many records there are."""
        return int(self._run("select count(*) from top").fetchone()[0])

    def batches(self, after: str) -> Iterator[tuple[str, list[Raw]]]:
        """Yield records after a place, with the place of the last."""
        query = "select key, line from top where key > ? order by key limit ?"
        while tops := self._run(query, (after, BATCH)).fetchall():
            first, after = tops[0][0], tops[-1][0]
            parts: dict[str, list[Row]] = {}
            query_parts = "select * from part where owner between ? and ? order by owner, rowid"
            for owner, name, line in self._run(query_parts, (first, after)):
                parts.setdefault(owner, []).append((name, orjson.loads(line)))
            yield after, [self._raw(key, line, parts.get(key, [])) for key, line in tops]

    def _raw(self, key: str, line: bytes, parts: list[Row]) -> Raw:
        name, row = _TOPS[int(key[0])], orjson.loads(line)
        rows: list[Row] = [(name, row), *parts]
        needed = dict.fromkeys(
            f"{target}:{item[reference]}"
            for _, item in rows
            for reference, target in _REFERENCES.items()
            if item.get(reference) is not None
        )
        shared = [found for wanted in needed if (found := self._shared(wanted))]
        return Raw(
            kind=name,
            external_id=str(row.get("pid")),
            content={"rows": [list(item) for item in (rows[0], *shared, *parts)]},
        )

    def _shared(self, key: str) -> Row | None:
        found = self._run("select line from shared where key = ?", (key,)).fetchone()
        return None if found is None else (key.partition(":")[0], orjson.loads(found[0]))


@contextmanager
def _gathered(files: Mapping[str, Path]) -> Iterator[_Gathered]:
    """Give the lines in order; a temporary database of SQLite's own has them."""
    # the empty name is a file that only this connection sees
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.execute("pragma journal_mode = off")
        database.execute("begin")
        found = _Gathered(database)
        found.fill(files)
        yield found


def _written(rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, bytes]]:
    return ((key, orjson.dumps(row)) for key, row in rows)


def _place(name: str, pid: object) -> str:
    return f"{_TOPS.index(name)}{pid}"


def _owner(row: Mapping[str, Any]) -> str | None:
    if row.get("datasetId") is not None:
        return _place("Dataset", row["datasetId"])
    return None if row.get("documentId") is None else _place("Document", row["documentId"])


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file, each a line.

    Raises
    ------
    Upstream
        If a line is none, so that half a file is never taken for all of it.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if not line.isspace():
                    yield _row(line, f"{path.name}, line {number}")
    except (OSError, EOFError) as error:
        raise Upstream(f"{path.name} cannot be read: {error}.", provider="ndjson") from None


def _row(line: bytes, where: str) -> dict[str, Any]:
    try:
        found = orjson.loads(line) if len(line) <= LONGEST_LINE else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Upstream(f"{where} is no JSON object.", provider="ndjson")
    return found


def _count(path: Path) -> int:
    return sum(1 for _ in _rows(path))


def _state(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_mtime_ns, found.st_size]


def _named(names: Names, model: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a row under identifiers of this node; None if it has none of its own."""
    found = dict(row)
    for reference, target in (*_REFERENCES.items(), *_OWNERS.items()):
        if found.get(reference) is not None:
            found[reference] = _identifier(names, target, found[reference])
    if model in MODEL_BY_NAME and is_record(MODEL_BY_NAME[model]):
        key = MODEL_BY_NAME[model].key
        found[key] = _identifier(names, model, row.get(key))
        if found[key] is None:
            return None
    if found.get("isNewVersionOf") is not None:
        found["isNewVersionOf"] = names.pid(found["isNewVersionOf"])
    if found.get("derivedFrom") is not None:
        known = map(names.pid, several(found["derivedFrom"]))
        found["derivedFrom"] = [pid for pid in known if pid is not None]
    return found


def _identifier(names: Names, model: str, theirs: object) -> str | None:
    if model in {"Person", "Affiliation"}:
        if not isinstance(theirs, str) or not theirs:
            return None
        known = names.person if model == "Person" else names.affiliation
        return known(theirs, theirs=theirs)
    if model == "Technique" and isinstance(theirs, str):
        return theirs
    return names.pid(theirs)
