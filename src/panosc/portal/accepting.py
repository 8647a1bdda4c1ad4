"""What a client takes: the ``Accept`` header (RFC 9110, 12.5.1), and what is best of an offer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """One range of media types that a client takes."""

    kind: str
    """Such as ``text/html``, ``text/*`` or ``*/*``."""
    weight: float
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something that can be sent; `name` is the caller's own."""

    name: str
    kind: str
    profile: str | None = None
    is_asked_by_profile: bool = False
    """Whether it is only for those who name its profile."""


def ranges(accept: str) -> list[Range]:
    """Return the ranges of a header; what is no weight is none at all.

    Examples
    --------
    >>> [(one.kind, one.weight) for one in ranges("text/html, */*;q=0.1")]
    [('text/html', 1.0), ('*/*', 0.1)]
    """
    found = []
    for part in accept[:_LONGEST].split(","):
        kind, *pieces = (piece.strip() for piece in part.split(";"))
        pairs = (piece.partition("=") for piece in pieces)
        options = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
        try:
            weight = float(options.pop("q", "1"))
        except ValueError:
            weight = 0.0
        if kind:
            found.append(Range(kind=kind.lower(), weight=weight, options=options))
    return found


def best(accept: str, offers: Sequence[Offer]) -> Offer | None:
    """Return what a client takes best, None where it takes nothing of it.

    Of what it takes equally, the one that it names more exactly; then the first that is offered.

    Examples
    --------
    >>> page, turtle = Offer(name="p", kind="text/html"), Offer(name="t", kind="text/turtle")
    >>> best("text/turtle, */*;q=0.5", [page, turtle]).name, best("*/*", [page, turtle]).name
    ('t', 'p')
    >>> best("image/png", [page, turtle])
    """
    given = ranges(accept) or [Range(kind="*/*", weight=1.0)]
    judged = [(_judged(given, offer), offer) for offer in offers]
    taken = [(judgement, offer) for judgement, offer in judged if judgement[0] > 0]
    # max takes the first of equals
    return max(taken, key=lambda one: one[0])[1] if taken else None


def _judged(given: Sequence[Range], offer: Offer) -> tuple[float, int]:
    """Return weight and exactness of the most exact range that an offer is in."""
    fitting = [(exactness, one.weight) for one in given if (exactness := _exactness(one, offer))]
    exactness, weight = max(fitting, default=(0, 0.0))
    return weight, exactness


def _exactness(one: Range, offer: Offer) -> int:
    """Return how exactly a range names an offer, 0 for not at all."""
    profile = one.options.get("profile")
    if offer.is_asked_by_profile and profile != offer.profile:
        return 0
    if one.kind == offer.kind:
        # whoever names a profile that there is not gets the kind at least
        return 4 if profile in {None, offer.profile} else 3
    if one.kind == f"{offer.kind.partition('/')[0]}/*":
        return 2
    return 1 if one.kind == "*/*" else 0
