"""Resumption tokens: where a harvest is, signed, so that the server has nothing to remember."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from panosc.identity.keys import Keys

LASTS: Final = timedelta(days=2)
_PURPOSE = "oai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which records a harvest is about; it stays the same on all its pages.

    What opens, and what was stamped, counts up to `at` and not from it on.
    """

    at: datetime
    """The beginning of the second in which the harvest began."""
    start: datetime | None = None
    end: datetime | None = None
    """Exclusive."""
    set: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it asks for all there is, whenever that changed."""
        return self.start is None and self.end is None

    @property
    def before(self) -> datetime:
        """The end of the datestamps, exclusive."""
        return self.at if self.end is None else min(self.end, self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a harvest goes on."""

    verb: str
    prefix: str
    span: Span
    after: tuple[datetime, int]
    """The key of the last record that was given."""
    given: int
    size: int


def write(keys: Keys, place: Place, *, now: datetime) -> str:
    """Return the token of a place."""
    span = place.span
    return keys.sign(
        {
            "v": place.verb,
            "p": place.prefix,
            "t": span.at.isoformat(),
            "f": span.start and span.start.isoformat(),
            "u": span.end and span.end.isoformat(),
            "s": span.set,
            "k": [place.after[0].isoformat(), place.after[1]],
            "n": place.given,
            "N": place.size,
            "x": (now + LASTS).timestamp(),
        },
        _PURPOSE,
    )


def read(keys: Keys, text: str, *, now: datetime) -> Place | None:
    """Return the place of a token; None if it is not of this node, or too old."""
    found = keys.verify(text, _PURPOSE)
    if found is None or now.timestamp() > found["x"]:
        return None
    return Place(
        verb=found["v"],
        prefix=found["p"],
        span=Span(
            at=datetime.fromisoformat(found["t"]),
            start=_moment(found["f"]),
            end=_moment(found["u"]),
            set=found["s"],
        ),
        after=(datetime.fromisoformat(found["k"][0]), found["k"][1]),
        given=found["n"],
        size=found["N"],
    )


def _moment(text: Any) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
