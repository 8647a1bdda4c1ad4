"""What is said of other catalogues: how they do, what they can, what a harvest brought."""

from collections.abc import Sequence
from datetime import datetime

from panosc.federation.contract import Support, Tried
from panosc.federation.evidence.cells import Cell
from panosc.federation.overview.catalogues import Catalogue
from panosc.federation.overview.harvests import Harvest
from panosc.federation.overview.health import Day, Span
from panosc.portal.words import plural

_SUPPORT = {
    "yes": ("Yes", "open"),
    "no": ("No", ""),
    "wrong": ("Answers wrongly", "closed"),
    "unknown": ("Not known", ""),
}
_FINDINGS = {
    "yes": ("Yes", "open"),
    "partly": ("Partly", "embargoed"),
    "no": ("No", "closed"),
    "unknown": ("Not known", ""),
}
_STATES = {"running": "under way", "done": "done", "failed": "failed", "stopped": "stopped"}
_KINDS = {"changes": "Changes", "sweep": "Sweep", "remap": "Mapped anew"}
_TRIED = {
    "live": "the live system",
    "its own client": "its own client",
    "its own mock": "the mock of its own client",
    "recorded": "recorded answers",
    "documented": "a stand-in written from its documentation",
}
_HOUR_S, _MINUTE_S = 3600, 60


def live_state(catalogue: Catalogue, lately: Span | None) -> tuple[str, str]:
    """Return how live search does with a catalogue, and the class of its tag."""
    if not catalogue.can_be_asked:
        return "cannot be asked live", ""
    if not catalogue.is_live:
        return "not asked live", ""
    if lately is None or lately.share is None:
        return "not asked lately", ""
    wanted = lately.asked + lately.spared
    text = f"answered {lately.answered:,} of {wanted:,}"
    kinds = {"good": "open", "partly": "embargoed", "bad": "closed", "unasked": ""}
    return text, kinds[lately.condition]


def strip_finding(days: Sequence[Day], title: str) -> str:
    """Return in a sentence what the strip of days shows."""
    asked = [day for day in days if day.span.share is not None]
    if not asked:
        return f"{title} was not asked in the last {len(days)} days"
    total = sum(day.span.asked + day.span.spared for day in asked)
    answered = sum(day.span.answered for day in asked)
    poor = [day for day in asked if day.span.condition != "good"]
    text = (
        f"{title} answered {answered:,} of {plural(total, 'question')} "
        f"({_percent(answered, total)}) on {plural(len(asked), 'day')} of the last {len(days)}"
    )
    if not poor:
        return f"{text}, on each of them nearly all"
    worst = min(poor, key=lambda day: (day.span.share or 0.0, day.date))
    share = _percent(worst.span.answered, worst.span.asked + worst.span.spared)
    return f"{text}; the worst day was {worst.date.isoformat()} with {share}"


def day_rows(days: Sequence[Day]) -> list[tuple[str, ...]]:
    """Return the days on which it was asked as rows: day, and numbers; the newest first."""
    return [
        (
            day.date.isoformat(),
            _percent(day.span.answered, day.span.asked + day.span.spared),
            f"{day.span.answered:,}",
            f"{day.span.late:,}",
            f"{day.span.failed:,}",
            f"{day.span.spared:,}",
            "" if day.span.mean_s is None else f"{day.span.mean_s:.2f} s",
        )
        for day in reversed(days)
        if day.span.share is not None
    ]


def support(found: Support) -> tuple[str, str]:
    """Return what a probe found of a feature in words, and the class of its tag."""
    return _SUPPORT[found.state]


def finding_state(cell: Cell) -> tuple[str, str]:
    """Return what was found on a facility in a word, and the class of its tag."""
    return _FINDINGS[cell.state]


def tried(one: Tried) -> str:
    """Return against what a connector was tried."""
    return f"{one.what} ({_TRIED[one.how]})"


def harvest_line(harvest: Harvest) -> str:
    """Return what a harvest brought, in a line."""
    names = ("seen", "new", "changed", "gone", "refused")
    parts = [f"{harvest.counts[name]:,} {name}" for name in names if harvest.counts.get(name)]
    return ", ".join(parts) or "nothing new"


def harvest_kind(harvest: Harvest) -> str:
    """Return what a harvest did."""
    return _KINDS.get(harvest.kind, harvest.kind)


def harvest_state(harvest: Harvest) -> tuple[str, str]:
    """Return how a harvest stands, and the class of its tag."""
    kinds = {"done": "open", "failed": "closed", "stopped": "embargoed"}
    return _STATES.get(harvest.state, harvest.state), kinds.get(harvest.state, "")


def every(seconds: int) -> str:
    """Return how often something is done.

    Examples
    --------
    >>> every(3600), every(7200), every(90), every(86400)
    ('every hour', 'every 2 hours', 'every 90 seconds', 'every 24 hours')
    """
    for unit, size in (("hour", _HOUR_S), ("minute", _MINUTE_S)):
        if seconds % size == 0:
            count = seconds // size
            return f"every {unit}" if count == 1 else f"every {count} {unit}s"
    return f"every {seconds} seconds"


def stamp(when: datetime | None) -> str | None:
    """Return a time as the filters of templates take it."""
    return None if when is None else when.isoformat()


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole if whole else 0.0
    # not “100 %” while one is missing
    text = f"{share:.1f}".removesuffix(".0")
    return f"{'99.9' if text == '100' and part < whole else text} %"
