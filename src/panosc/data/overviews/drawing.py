"""Making the overview of one dataset: read by a confined worker, drawn and kept here.

No file is opened that is not online or not as it was registered. Why a file has no overview is
kept like one, so that it is not tried over and over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from panosc.charts import raster
from panosc.charts.svg import draw, finding
from panosc.data.overviews.keeping import Frame, Overview, OverviewStore
from panosc.data.overviews.numbers import NAMES
from panosc.data.overviews.subjects import Place, Subject
from panosc.domain.errors import Unreadable
from panosc.domain.plots import LinePlot, from_json
from panosc.files.sandbox import Outcome
from panosc.files.service import AWAY, run
from panosc.files.storage.places import Store
from panosc.files.tiers import Neighbours, OnlineFile
from panosc.files.workers import Pool

READ = "panosc.data.overviews.reading:read"
PRELOAD = ("panosc.data.overviews.reading", "hdf5plugin")
AGAIN_S = 3600.0
_LINE = (raster.LARGE, raster.LARGE * 9 // 16)
PASSING = {"time-limit", "memory-limit", "crashed", "not-reachable", "missing-source"}
"""Reasons that may lie in the machine: after an hour it is worth another attempt."""
Near = Callable[[Subject, str], Neighbours]

Result = Literal["made", "kept", "failed", "away", "none"]


class Painter:
    """Makes overviews, one after the other.

    Parameters
    ----------
    near : callable
        From a dataset and the name of one of its files to its other files.
    limit_s : float
        Longest that reading may take before what was read is drawn.
    stores : sequence of Store
        Where files may lie beside this machine.
    """

    def __init__(
        self,
        store: OverviewStore,
        pool: Pool,
        clock: Callable[[], datetime],
        *,
        near: Near,
        limit_s: float,
        stores: Sequence[Store] = (),
    ) -> None:
        self._store, self._pool, self._clock = store, pool, clock
        self._near, self._stores = near, stores
        # what is read until then is drawn before the worker has to be done
        self._limit_s = limit_s / 2

    def make(self, subject: Subject, *, anew: bool = False) -> Result:
        """Make the overview of a dataset unless it is there; `anew` makes it in any case.

        Raises
        ------
        OSError
            If it cannot be written.
        Unavailable
            If no worker can be started.
        """
        if subject.signal is None or subject.mark == "erased":
            self._store.remove(subject.pid)
            return "none"
        found = self._store.look(subject.pid)
        if not anew and self._is_kept(subject, found):
            return "kept"
        trouble = None
        for place, here in subject.online(self._stores):
            made = self._attempt(subject, place, here)
            if isinstance(made, _Made) and made.outcome.reason not in AWAY:
                return self._keep(subject, made)
            trouble = made or trouble
        if trouble is None:
            return "away"
        if found is not None and found.failure is None and subject.is_of(found.content):
            # what was drawn while all of it was there is better than none
            return "kept"
        return self._keep(subject, trouble)

    def _attempt(self, subject: Subject, place: Place, here: OnlineFile) -> "_Made | None":
        """Read a file; None when it is not as it was registered, before or after."""
        used: list[Neighbours] = []

        def near() -> Neighbours:
            used.append(self._near(subject, place.name))
            return used[-1]

        try:
            if here.state() is not None:
                return None
            outcome = run(self._pool, READ, here, (subject.signal, self._limit_s), near)
            if here.state() is not None:
                # what was read may be half of the one and half of the other
                return None
        except Unreadable as error:
            outcome = Outcome(reason=error.reason, detail=error.detail)
        return _Made(place, outcome, used[-1].content if used else "")

    def _is_kept(self, subject: Subject, found: Overview | None) -> bool:
        if found is None or not subject.is_of(found.content):
            return False
        if found.failure is None:
            return not found.beside or found.beside == self._near(subject, found.file).content
        if found.failure[0] in AWAY:
            return False
        if found.failure[0] not in PASSING:
            return True
        age = self._clock() - datetime.fromisoformat(found.made)
        return age.total_seconds() < AGAIN_S

    def _keep(self, subject: Subject, read: "_Made") -> Result:
        made = self._clock().isoformat()
        reason, detail = read.outcome.reason, read.outcome.detail
        if reason is None:
            try:
                overview, members = _composed(subject, read, made)
            except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
                # a worker that a file has taken over may say anything
                reason, detail = "crashed", f"what was read made no sense: {error}"[:300]
            else:
                self._store.write(overview, members)
                return "made"
        failed = Overview(
            pid=subject.pid, content=subject.content, made=made, failure=(reason, detail)
        )
        self._store.write(failed, {})
        return "failed"


@dataclass(frozen=True, slots=True)
class _Made:
    """What became of reading a file, and the content of others that it was read with."""

    place: Place
    outcome: Outcome
    beside: str


def _composed(subject: Subject, read: _Made, made: str) -> tuple[Overview, dict[str, bytes]]:
    found: dict[str, Any] = read.outcome.value
    plot = from_json(found["plot"])
    members = {"plot.json": orjson.dumps(found["plot"]), "plot.svg": draw(plot).encode()}
    if isinstance(plot, LinePlot):
        default, size = "line", _LINE
        members["small/line.png"] = _curve(plot, "png")
        members["small/line.webp"] = _curve(plot, "webp")
        members["large/line.webp"] = raster.curve(plot, width=size[0], height=size[1], form="webp")
    else:
        default = "max" if found["highest"] else str(int(found["frames"][0]["number"]))
        width, height = found["frames"][0]["large"][:2]
        size = int(width), int(height)
        for frame in found["frames"]:
            members |= _pictures(str(int(frame["number"])), frame)
        if found["highest"]:
            members |= _pictures("max", found["highest"])
    overview = Overview(
        pid=subject.pid,
        content=subject.content,
        made=made,
        beside=read.beside,
        file=read.place.name,
        path=plot.path,
        kind=plot.kind,
        finding=finding(plot),
        shape=tuple(int(extent) for extent in found["shape"]),
        dtype=str(found["dtype"])[:20],
        statistics=_numbers(found["statistics"]),
        live=_numbers(found["live"]),
        dead=int(found["dead"]),
        frame_count=int(found["frame_count"]),
        read=int(found["read"]),
        frames=tuple(
            Frame(
                number=int(frame["number"]),
                index=tuple(int(place) for place in frame["index"]),
                statistics=_numbers(frame["statistics"]),
                live=_numbers(frame["live"]),
            )
            for frame in found["frames"]
        ),
        default=default,
        size=size,
    )
    return overview, members


def _curve(plot: LinePlot, form: raster.Form) -> bytes:
    return raster.curve(plot, width=raster.SMALL, height=raster.SMALL, form=form)


def _pictures(name: str, found: dict[str, Any]) -> dict[str, bytes]:
    side = raster.SMALL
    return {
        f"small/{name}.png": raster.image(*found["small"], form="png", side=side),
        f"small/{name}.webp": raster.image(*found["small"], form="webp", side=side),
        f"large/{name}.webp": raster.image(*found["large"], form="webp"),
    }


def _numbers(found: dict[str, Any]) -> dict[str, int | float | None]:
    numbers = {name: found[name] for name in NAMES}
    for name, value in numbers.items():
        if not isinstance(value, (int, float, type(None))):
            raise TypeError(f"{name} is no number")
    return numbers
