"""A dataset at a node: its core facts at once, parameters, samples and files when asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html import escape
from typing import Any

from typing_extensions import override

from panosc.client import records
from panosc.client.http import Http

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who made a dataset."""

    name: str
    orcid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """How it was measured, as PaNET calls it."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A condition of a measurement, or a result."""

    name: str
    value: Any
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a dataset, by its name in it."""

    name: str
    size: int | None = None
    sha256: str | None = None
    format: str | None = None


class Files(Mapping[str, File]):
    """The files of a dataset by name; none where only its core metadata may be seen."""

    def __init__(self, files: Mapping[str, File]) -> None:
        self._files = files

    @override
    def __getitem__(self, name: str) -> File:
        return self._files[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    @override
    def __len__(self) -> int:
        return len(self._files)

    @override
    def __repr__(self) -> str:
        shown = ", ".join(repr(name) for name in list(self._files)[:5])
        return f"<{len(self)} files: {shown}{', …' if len(self) > 5 else ''}>"  # noqa: PLR2004


class Dataset:
    """One dataset; `record` is what the node said of it."""

    def __init__(self, record: Json, http: Http, *, is_whole: bool = False) -> None:
        self.record = record
        self._http = http
        self._is_whole = is_whole
        self.pid: str = record["pid"]
        self.title: str = record["title"]
        self.url: str = record["url"]
        """Its page, for people."""
        self.access: str = record["access"]
        """open, embargoed, closed or withdrawn."""
        self.kind: str | None = record.get("kind")
        self.size: int | None = record.get("size")
        """Bytes of all its files together."""
        self.licence: str | None = record.get("licence")
        self.abstract: str | None = record.get("abstract")
        self.facility: str | None = record.get("facility")
        self.instrument: str | None = record.get("instrument")
        self.documents: tuple[str, ...] = tuple(record.get("documents", ()))
        """PIDs of the proposals and publications that it belongs to."""
        self.score: float | None = record.get("score")

    @property
    def measured(self) -> datetime | None:
        """When the measurement began."""
        return _time(self.record.get("measured"))

    @property
    def released(self) -> datetime | None:
        """When it was, or will be, released."""
        return _time(self.record.get("released"))

    @property
    def embargo_until(self) -> datetime | None:
        """Until when it is under embargo."""
        return _time(self.record.get("embargoUntil"))

    @property
    def people(self) -> tuple[Person, ...]:
        """Who made it."""
        return tuple(
            Person(name=item["name"], orcid=item.get("orcid")) for item in self.record["people"]
        )

    @property
    def techniques(self) -> tuple[Technique, ...]:
        """How it was measured."""
        return tuple(
            Technique(id=item["id"], label=item["label"]) for item in self.record["techniques"]
        )

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """All its parameters that the caller may see."""
        return tuple(
            Parameter(name=item.get("name", ""), value=item.get("value"), unit=item.get("unit"))
            for item in self._whole.get("parameters", ())
        )

    @cached_property
    def samples(self) -> tuple[str, ...]:
        """The names of its samples, if the caller may see them."""
        return tuple(name or "" for name in self._whole.get("samples", ()))

    @cached_property
    def files(self) -> Files:
        """Its files by name."""
        kept = ("name", "size", "sha256", "format")
        items = [
            {name: item.get(name) for name in kept} for item in records.files(self._http, self.pid)
        ]
        return Files({item["name"]: File(**item) for item in items})

    @cached_property
    def _whole(self) -> Json:
        found: Json = self.record if self._is_whole else records.read(self._http, self.pid)
        return found

    @override
    def __repr__(self) -> str:
        return f"<Dataset {self.pid}: {self.title}>"

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dataset) and (self.url, self.pid) == (other.url, other.pid)

    @override
    def __hash__(self) -> int:
        return hash((self.url, self.pid))

    def _repr_html_(self) -> str:
        return f"<table>{row(self)}</table>"


def row(dataset: Dataset) -> str:
    """Return a dataset as a row of a table for notebooks; every text is escaped."""
    when = dataset.measured.date().isoformat() if dataset.measured else ""
    is_web = dataset.url.startswith(("http://", "https://"))
    title = escape(dataset.title)
    link = f'<a href="{escape(dataset.url)}">{title}</a>' if is_web else title
    cells = (
        link,
        escape(", ".join(person.name for person in dataset.people[:3])),
        escape(" ".join(filter(None, (dataset.facility, dataset.instrument)))),
        when,
        escape(dataset.access),
        f"<code>{escape(dataset.pid)}</code>",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
