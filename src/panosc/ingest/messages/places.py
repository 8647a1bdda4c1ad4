"""Which paths may be announced: those inside the roots of the node, by no way out of them.

Whoever is in charge of an instrument may announce what lies in the folders of that instrument.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from panosc.domain.errors import Forbidden, Invalid

SHOWN = 200


def inside(paths: Iterable[str], roots: Sequence[Path]) -> list[Path]:
    """Return the paths with all symbolic links followed; what is not there yet is left as it is.

    Raises
    ------
    Invalid
        If one is not absolute, or lies or leads outside of the roots.
    """
    if not roots:
        raise Invalid(
            "This node takes no announcements: it has no folders to take files from.",
            field="paths",
            hint="Its operator names them in the setting ingest_roots.",
        )
    real = [root.resolve() for root in roots]
    return [_inside(path, real) for path in paths]


def refuse_others(
    paths: Iterable[str], instruments: Iterable[str], roots: Mapping[str, Sequence[Path]]
) -> None:
    """Refuse paths that do not lie in the folders of the instruments, links followed.

    Raises
    ------
    Forbidden
        With the first of them.
    """
    theirs = [root.resolve() for pid in instruments for root in roots.get(pid, ())]
    for path in paths:
        try:
            found = Path(path).resolve()
            is_theirs = any(found.is_relative_to(root) for root in theirs)
        except (OSError, RuntimeError, ValueError):
            is_theirs = False
        if not is_theirs:
            raise Forbidden(
                f"{path[:SHOWN]!r} does not lie in the folders of the instrument.",
                hint="The operator of this node names them in the setting instrument_roots; "
                "stewards may announce what lies elsewhere.",
            )


def _inside(path: str, roots: Sequence[Path]) -> Path:
    try:
        found = Path(path).resolve()
    except (OSError, RuntimeError, ValueError):
        # too long, or links in a circle
        found = None
    if not Path(path).is_absolute() or found is None:
        raise Invalid(
            f"{path[:SHOWN]!r} is not the absolute path of a file or folder.",
            field="paths",
            hint="Give each as the node sees it, beginning with a slash.",
        )
    if not any(found.is_relative_to(root) for root in roots):
        raise Invalid(
            f"{path[:SHOWN]!r} lies outside of the folders that this node takes files from.",
            field="paths",
            hint="Its operator names them in the setting ingest_roots; links out are not followed.",
        )
    return found
