"""Loading a folder of NDJSON, one file a class, as one transaction in constant memory.

An empty catalogue takes the rows straight into tables without keys and indexes, which are
built afterwards; otherwise the rows are merged by identifier. A kill at any moment leaves
the catalogue as it was. The other direction is `dumping`.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from panosc.catalogue.database import unlimited
from panosc.catalogue.rows import Shape
from panosc.catalogue.staging import (
    FILLED,
    ORDER,
    PARTS,
    Dangling,
    Stage,
    bare_tables,
    copy_in,
    is_empty,
)
from panosc.catalogue.writer import Born, concerned, record_all, record_changes, settle
from panosc.domain.entities import LINKS, MODEL_BY_NAME
from panosc.domain.errors import Invalid, NotFound
from panosc.domain.pid import surrogate

Progress = Callable[[str, int, int | None], None]
"""Called with (what is being done, bytes read so far, bytes in all)."""


BESIDE = ("Group", "GroupMember", "PersonAlias")
"""Files of a catalogue that are no class of the data model: groups and people."""
Beside = Callable[[sa.Connection, Sequence[Path]], Mapping[str, int]]
"""Takes the files `BESIDE` over in the same transaction; returns how many rows each had."""


def _silent(_what: str, _done: int, _total: int | None) -> None:
    """Tell nobody."""


@dataclass(slots=True, kw_only=True)
class Loaded:
    """What a load did."""

    rows: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, set[str]] = field(default_factory=dict)
    """Keys that the data model does not have, by class: kept in the records."""
    ignored: list[str] = field(default_factory=list)
    """Files in the folder that are no class of the data model."""


@dataclass(slots=True)
class _Reader:
    """The lines of a folder, with the place of the one being read."""

    files: dict[str, Path]
    shapes: dict[str, Shape]
    progress: Progress
    loaded: Loaded
    done: int = 0

    @property
    def total(self) -> int:
        return sum(path.stat().st_size for path in self.files.values())

    def lines(self, name: str) -> Iterator[str]:
        """Yield the lines of one class for COPY; errors name the file and the line."""
        shape, path = self.shapes[name], self.files[name]
        number, before = 0, self.done
        unknown: set[str] = set()
        with _opened(path) as (text, packed):
            for number, line in enumerate(text, start=1):
                if line.isspace():
                    continue
                try:
                    row = orjson.loads(line)
                    if not isinstance(row, dict):
                        raise Invalid("the line is not a JSON object")  # noqa: TRY301
                    yield shape.line(row)
                except (Invalid, orjson.JSONDecodeError) as error:
                    raise Invalid(
                        f"{path.name}, line {number}: {error}",
                        field=getattr(error, "field", None),
                        hint="Nothing was loaded. Mend the line and load again.",
                    ) from None
                unknown |= shape.unknown(row)
                if number % 20_000 == 0:
                    self.progress(name, before + packed.tell(), self.total)
        self.done = before + path.stat().st_size
        self.progress(name, self.done, self.total)
        self.loaded.rows[name] = number
        if unknown:
            self.loaded.unknown[name] = unknown

    def place_of(self, model: str, name: str, key: int, target: str) -> str:
        """Return which line names a record that does not exist, by its surrogate key."""
        with _opened(self.files[model]) as (text, _):
            for number, line in enumerate(text, start=1):
                value = None if line.isspace() else orjson.loads(line).get(name)
                if value is not None and surrogate(target, str(value)) == key:
                    return f"{self.files[model].name}, line {number}: {name} {value!r}"
        return f"{model}.{name}"


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    with path.open("rb") as packed:
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=packed) as text:
                yield text, packed  # type: ignore[misc]
        else:
            yield packed, packed


def _folder(folder: Path) -> tuple[dict[str, Path], dict[str, Path], list[str]]:
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    files: dict[str, Path] = {}
    beside: dict[str, Path] = {}
    ignored: list[str] = []
    for path in sorted(folder.iterdir()):
        name = path.name.removesuffix(".gz").removesuffix(".ndjson")
        if name in MODEL_BY_NAME or name in LINKS:
            files[name] = path
        elif name in BESIDE:
            beside[name] = path
        elif path.name != "meta.json":
            ignored.append(path.name)
    if not files and not beside:
        raise NotFound(
            f"{folder} holds no catalogue.",
            hint="A catalogue is a folder of files such as Dataset.ndjson, one JSON object a line.",
        )
    return files, beside, ignored


def load(
    engine: sa.Engine,
    folder: Path,
    *,
    now: datetime,
    progress: Progress = _silent,
    beside: Beside | None = None,
    born: Born | None = None,
) -> Loaded:
    """Load the NDJSON files in `folder` (also packed, ``.ndjson.gz``); all or nothing.

    Groups and people are left alone without somebody, `beside`, to take them over; they come
    first, so that `born` can let the policy decide on the datasets of proposals.

    Raises
    ------
    NotFound
        If `folder` is no catalogue.
    Invalid
        If a line cannot be used, with the file and the line.
    """
    files, others, ignored = _folder(folder)
    if beside is None:
        ignored += [path.name for path in others.values()]
    loaded = Loaded(ignored=ignored)
    shapes = {name: Shape(name, now=now) for name in files}
    reader = _Reader(files, shapes, progress, loaded)
    try:
        with engine.begin() as connection:
            unlimited(connection)
            if beside is not None and others:
                progress("groups", 0, reader.total)
                loaded.rows |= beside(connection, list(others.values()))
            if files and is_empty(connection):
                _fill(connection, reader, born)
            elif files:
                _merge(connection, reader, born)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            progress("statistics", reader.total, reader.total)
            unlimited(connection)
            connection.execute(sa.text("analyze"))
    except Dangling as error:
        place = reader.place_of(error.model, error.name, error.key, error.target)
        raise Invalid(
            f"{place} is no {error.target} of this catalogue.",
            field=error.name,
            hint="Nothing was loaded.",
        ) from None
    return loaded


def _fill(connection: sa.Connection, reader: _Reader, born: Born | None) -> None:
    try:
        with bare_tables(connection, FILLED):
            for name in ORDER:
                if name in reader.shapes:
                    shape = reader.shapes[name]
                    copy_in(connection, shape.table, shape, reader.lines(name))
            reader.progress("indexes", reader.total, reader.total)
            settle(connection, None, born)
    except IntegrityError as error:
        _explain(connection, reader, error)
        raise
    record_all(connection)


def _merge(connection: sa.Connection, reader: _Reader, born: Born | None) -> None:
    stage = Stage(connection)
    for name in ORDER:
        if name in reader.shapes:
            stage.fill(reader.shapes[name], reader.lines(name))
    reader.progress("merge", reader.total, reader.total)
    touched = stage.merge(replaced=frozenset(PARTS) & frozenset(reader.shapes))
    keys = concerned(connection, touched)
    touched |= {("Dataset", key) for key in settle(connection, keys, born)}
    record_changes(connection, touched)


def _explain(connection: sa.Connection, reader: _Reader, error: IntegrityError) -> None:
    """Say which line broke a constraint; the savepoint around it keeps the rows readable."""
    for shape in reader.shapes.values():
        for name, (column, target) in shape.references.items():
            table = MODEL_BY_NAME[target].table
            lost = connection.execute(
                sa.text(
                    f'select "{column}" from "{shape.table}" s where "{column}" is not null'
                    f' and not exists (select from "{table}" t where t.id = s."{column}") limit 1'
                )
            ).scalar()
            if lost is not None:
                raise Dangling(shape.name, name, target, lost) from error
    for shape in reader.shapes.values():
        twice = _first_duplicate(connection, shape)
        if twice is not None:
            raise Invalid(
                f"{reader.files[shape.name].name}: {twice} is there twice.",
                hint="Nothing was loaded.",
            ) from error


def _first_duplicate(connection: sa.Connection, shape: Shape) -> str | None:
    if shape.model is None:
        keys = [column for column, _ in shape.references.values()]
    elif shape.has_own_key:
        keys = [shape.model.property_by_name[shape.model.key].column]
    else:
        return None
    names = ", ".join(keys)
    row = connection.execute(
        sa.text(f'select {names} from "{shape.table}" group by {names} having count(*) > 1 limit 1')
    ).first()
    return None if row is None else " ".join(str(value) for value in row)
