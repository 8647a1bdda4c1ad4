"""Overviews for whoever may see the detail of a dataset; nothing is read from its files here.

What they may not see is answered like what never was, whether there is an overview or not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

import orjson
import sqlalchemy as sa

from panosc.catalogue.tables import dataset
from panosc.charts.raster import MEDIA, as_png
from panosc.data.overviews.geometry import layout_of
from panosc.data.overviews.keeping import Overview, OverviewStore, Statistics
from panosc.data.overviews.subjects import Subject, of_pids, subjects
from panosc.domain.access import ANYONE, Who
from panosc.domain.errors import Gone, Invalid, NotFound
from panosc.domain.plots import Plot, from_json
from panosc.files.chunks.selection import Selection
from panosc.files.storage.places import Store
from panosc.files.tiers import NEARLINE, neighbours_of
from panosc.policy.decisions.records import is_text
from panosc.policy.sql import visible

SIZES: Final = ("small", "large")
FORMS: Final = ("webp", "png", "svg")
MAXIMUM: Final = "max"
_SAYS: Final = {
    NEARLINE: "The file is on tape. This was drawn while it was on disk.",
    "gone": "The file is no longer where it was registered. This was drawn while it was there.",
    "changed": "The file has changed since it was registered. This is what it held then.",
}
_XMLNS: Final = b'<svg xmlns="http://www.w3.org/2000/svg" '


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a page shows of a dataset."""

    overview: Overview
    plot: Plot
    svg: str
    note: str | None
    """Why it is all that can be seen now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that may be sent; `content` reads it, None when it has just gone."""

    tag: str
    is_public: bool
    media: str
    content: Callable[[], bytes | None]


class Overviews:
    """The overviews of one node; `stores` are where files may lie beside this machine."""

    def __init__(
        self,
        engine: sa.Engine,
        home: Path,
        clock: Callable[[], datetime],
        *,
        stores: Sequence[Store] = (),
    ) -> None:
        self._engine = engine
        self._stores = stores
        self._clock = clock
        self._store = OverviewStore(home)

    def thumbnails(self, who: Who, pids: Sequence[str]) -> Mapping[str, str]:
        """Return which of these datasets have a thumbnail that `who` may see, and what it shows.

        One statement, and none where nothing is kept.
        """
        kept = [pid for pid in pids if self._store.stamp(pid) is not None]
        found: dict[str, str] = {}
        for subject in self._subjects(who, kept) if kept else ():
            overview = self._current(subject)
            if overview is not None:
                found[subject.pid] = overview.finding
        return found

    def shown(self, who: Who, pid: str) -> Shown | None:
        """Return the kept overview of a dataset; None where there is none that `who` may see."""
        if self._store.stamp(pid) is None:
            return None
        for subject in self._subjects(who, [pid]):
            overview = self._current(subject)
            if overview is None:
                continue
            plot, svg = (self._store.member(pid, name) for name in ("plot.json", "plot.svg"))
            if plot is None or svg is None:
                continue
            return Shown(
                overview=overview,
                plot=from_json(orjson.loads(plot)),
                svg=svg.decode(),
                note=_SAYS.get(subject.trouble(self._stores) or ""),
            )
        return None

    def picture(self, who: Who, pid: str, *, size: str, frame: str | None, form: str) -> Picture:
        """Return a picture of a dataset: of a frame, of the maximum, or what stands for it.

        Raises
        ------
        NotFound
            If there is none, or `who` may not see the detail of the dataset.
        Gone
            If the dataset was erased.
        Invalid
            If there are no pictures of that kind.
        """
        _check(size, form)
        subject = self._subject(who, pid)
        overview = self._current(subject)
        if overview is None:
            raise NotFound(f"There is no picture of {pid}.")
        name, make = _member(overview, size, frame, form)
        # of nothing that is this machine's own, such as the number of a file on its disk
        told = (pid, overview.version, overview.content, overview.made, name, form)

        def content() -> bytes | None:
            found = self._store.member(pid, name)
            return None if found is None else make(found)

        return Picture(
            tag=f'"{blake2b(orjson.dumps(told), digest_size=12).hexdigest()}"',
            is_public=subject.is_public,
            media=MEDIA[form],
            content=content,
        )

    def statistics(
        self, pid: str, path: str, *, file: str, part: Selection
    ) -> dict[str, int | float | None] | None:
        """Return the statistics of a field, or of one of its frames, as h5grove names them.

        None unless they are of all that is asked for. Nobody's permission is asked: who calls
        has done so.
        """
        if self._store.stamp(pid) is None:
            return None
        with self._engine.connect() as connection:
            found = subjects(connection, of_pids([pid]))
            overview = self._current(found[0]) if found else None
            if overview is None or (overview.path, overview.file) != (path, file):
                return None
            if overview.beside:
                near = neighbours_of(connection, found[0].id, file)
                if near.content != overview.beside:
                    return None
        kept = _of_part(overview, part)
        return None if kept is None else dict(kept)

    def _current(self, subject: Subject) -> Overview | None:
        """Return the overview of what a dataset holds now."""
        found = self._store.look(subject.pid)
        if found is None or found.failure is not None or subject.signal is None:
            return None
        return found if subject.is_of(found.content) else None

    def _subjects(self, who: Who, pids: Sequence[str]) -> list[Subject]:
        now = self._clock()
        may, public = (visible(dataset, one, "detail", now=now) for one in (who, ANYONE))
        with self._engine.connect() as connection:
            return subjects(connection, of_pids(pids), may, public=public)

    def _subject(self, who: Who, pid: str) -> Subject:
        unknown = NotFound(
            f"There is no picture of {pid}.",
            hint="The page of the dataset says what is public and from when the rest is.",
        )
        if not is_text(pid):
            raise unknown
        now = self._clock()
        may, public = (visible(dataset, one, "detail", now=now) for one in (who, ANYONE))
        is_it = sa.and_(of_pids([pid]), sa.or_(may, dataset.c.mark == "erased"))
        with self._engine.connect() as connection:
            found = subjects(connection, is_it, public=public)
        if not found:
            raise unknown
        if found[0].mark == "erased":
            raise Gone(f"The dataset “{pid}” was here and has been erased.")
        return found[0]


def _of_part(overview: Overview, part: Selection) -> Statistics | None:
    """Return the statistics of just what is selected, where they are kept."""
    if part.counts == overview.shape:
        return overview.statistics if overview.read == overview.frame_count else None
    layout = layout_of(overview.shape, None, 1)
    place = tuple(part.spans[dimension].start for dimension in layout.leading)
    frame = tuple(
        1 if dimension in layout.leading else extent
        for dimension, extent in enumerate(overview.shape)
    )
    if part.counts != frame:
        return None
    return next((one.statistics for one in overview.frames if one.index == place), None)


def _check(size: str, form: str) -> None:
    if size not in SIZES:
        raise Invalid(f"There is no size “{size[:40]}”; there are small and large.", field="size")
    if form not in FORMS:
        raise Invalid(f"There is no form “{form[:40]}”; there are webp, png and svg.", field="form")


def _member(
    overview: Overview, size: str, frame: str | None, form: str
) -> tuple[str, Callable[[bytes], bytes]]:
    """Return which part of the overview it is, and what has to be done with it."""
    if form == "svg":
        if frame is not None:
            raise Invalid("A frame is no drawing; ask for form=png or form=webp.", field="form")
        return "plot.svg", _standing_alone
    name = overview.default if frame is None else frame
    if name not in overview.pictures:
        listed = ", ".join(overview.pictures)
        raise NotFound(f"There is no picture of frame {name[:40]}; there are {listed}.")
    if form == "png" and size == "large":
        return f"large/{name}.webp", as_png
    return f"{size}/{name}.{form}", bytes


def _standing_alone(svg: bytes) -> bytes:
    return svg.replace(b"<svg ", _XMLNS, 1)
