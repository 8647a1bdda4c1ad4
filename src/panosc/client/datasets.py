"""A dataset at a node: its core facts at once, parameters, samples and files when asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from typing_extensions import override

from panosc.client import records
from panosc.client.data import cards
from panosc.client.fetching.several import AT_ONCE, Fetched, Options, fetch_all
from panosc.client.files import File
from panosc.client.http import Http
from panosc.domain.errors import Invalid, NotFound, PanoscError

if TYPE_CHECKING:
    from panosc.client.data.arrays import Array
    from panosc.client.data.groups import Group

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

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._files)


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
        items = records.files(self._http, self.pid)
        return Files({item["name"]: File(self._http, self.pid, item) for item in items})

    def __getitem__(self, path: str) -> "Group | Array":
        """Return what is at a path of its file, if it has one alone.

        Raises
        ------
        Invalid
            If it has several, or none that the caller may see.
        NotFound
            If nothing is there.
        """
        if len(self.files) != 1:
            raise Invalid(
                f"{self.pid} has {len(self.files)} files that you may see.",
                field="file",
                hint="Say which one: dataset.files[NAME][PATH]." if self.files else None,
            )
        return next(iter(self.files.values()))[path]

    def _ipython_key_completions_(self) -> list[str]:
        return list(next(iter(self.files.values()))) if len(self.files) == 1 else []

    def thumbnail(self, *, size: Literal["small", "large"] = "large") -> bytes:
        """Return the picture of its default plot as a PNG; large ones have up to 480 pixels.

        It is there also when the file is on tape.

        Raises
        ------
        NotFound
            If there is none, or none that the caller may see.
        Upstream
            If the node does not answer.
        """
        path = f"/datasets/{quote(self.pid, safe='')}/-/thumbnail"
        answer = self._http.answer(path, [("size", size), ("form", "png")])
        if not answer.is_success:
            raise self._http.told(answer)
        return answer.content

    def download(
        self,
        folder: str | Path = ".",
        *,
        match: str = "*",
        overwrite: bool = False,
        at_once: int = AT_ONCE,
        progress: bool | None = None,
    ) -> list[Path]:
        """Bring files here, each checked; return where they are, also those that were there.

        A file that is incomplete ends in ``.part``; the same call goes on with it.

        Parameters
        ----------
        folder : path
            Files keep their names beneath it.
        match : str
            Which files, as ``*.nxs``.
        overwrite : bool
            Whether to replace other files that have their names.
        at_once : int
            How many at a time.
        progress : bool, optional
            A bar of progress; else where somebody looks.

        Raises
        ------
        PanoscError
            That of the first file that failed, after the others came.
        """
        options = Options(overwrite=overwrite, at_once=at_once, show=progress)
        found = self.fetch(folder, match=match, options=options)
        failed = [item for item in found if item.error is not None]
        for item in failed[:1]:
            error = item.error or NotFound(item.name)
            error.add_note(f"{len(failed)} of {len(found)} files failed.")
            raise error
        return [item.path for item in found]

    def fetch(
        self, folder: str | Path, *, match: str = "*", options: Options | None = None
    ) -> tuple[Fetched, ...]:
        """Bring files here; return what became of each, without an error for one that failed.

        Raises
        ------
        NotFound
            If none matches.
        """
        wanted = [file.wanted for name, file in self.files.items() if fnmatchcase(name, match)]
        if not wanted:
            raise NotFound(
                f"No file of {self.pid} that you may see matches {match!r}.",
                hint="List them: dataset.files.",
            )
        return fetch_all(self._http, wanted, Path(folder), options or Options())

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
        rows = [
            ("PID", self.pid),
            ("people", ", ".join(person.name for person in self.people[:3])),
            ("measured", self.measured.date().isoformat() if self.measured else None),
            ("at", " ".join(filter(None, (self.facility, self.instrument)))),
            ("access", self.access),
            ("licence", self.licence),
            ("size", cards.bytes_of(self.size)),
        ]
        return cards.card(self.title, self._picture + cards.facts(rows), link=self.url)

    @cached_property
    def _picture(self) -> str:
        """Return its thumbnail for the card; nothing where there is none."""
        try:
            content = self.thumbnail()
        except PanoscError:
            return ""
        return cards.picture("image/png", content, words=f"Plot of {self.title}")


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
