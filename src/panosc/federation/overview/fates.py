"""How catalogues fared with a question, in sentences: for pages and the terminal."""

from collections.abc import Iterator, Sequence
from typing import Final

from panosc.federation.live.answer import HERE, Fate

AWAY: Final = frozenset({"late", "failed", "down"})
"""What became of those that did not answer."""


def headline(fates: Sequence[Fate]) -> str:
    """Return how many answered, such as ``7 of 9 facilities answered``."""
    good = sum(1 for fate in fates if fate.fared == "answered")
    if good == len(fates):
        return f"All {good} facilities answered"
    return f"{good} of {len(fates)} facilities answered"


def seconds_of(fates: Sequence[Fate]) -> float:
    """Return how long the last of the answers took."""
    return max((fate.seconds for fate in fates if fate.fared == "answered"), default=0.0)


def sentences(fates: Sequence[Fate], seconds: float, *, may_answer: bool = False) -> Iterator[str]:
    """Yield what there is to say of those that did not answer as they should.

    Parameters
    ----------
    seconds : float
        How long they had.
    may_answer : bool
        Whether those who are late would be waited for if asked again.
    """
    for fate in fates:
        said = _fared(fate, seconds, may_answer=may_answer)
        if said is not None:
            day = "" if fate.copied is None else fate.copied.date().isoformat()
            yield f"{fate.title} {said}{f'; copies of {day} stand in' if day else ''}."
        if fate.unasked:
            noun = "result" if fate.count == 1 else "results"
            yield (
                f"{fate.title} cannot filter by {_listed(fate.unasked)}: "
                f"its {fate.count:,} {noun} may not fit."
            )
        if fate.is_cut and fate.name != HERE:
            yield f"{fate.title} has more than it gave."


def _fared(fate: Fate, seconds: float, *, may_answer: bool) -> str | None:
    match fate.fared:
        case "late" if may_answer:
            return "has not answered yet"
        case "late":
            return f"timed out after {seconds:.3g} s"
        case "failed":
            return "returned an error"
        case "down":
            return "is down: it failed too often of late to be asked"
        case _:
            return None


def _listed(names: Sequence[str]) -> str:
    shown = [f"“{name.replace('_', ' ')}”" for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
