"""Pieces: made of what was read, kept for the time that they wait, and found again.

What was read of a file is kept as text that loses nothing, not even what JSON proper cannot hold.
"""

import json
import os
import stat
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from panosc.domain.times import bounded_ns
from panosc.files.careful import Refusal
from panosc.ingest.formats import Contributor, Facts, Part, Quantity, Specimen
from panosc.ingest.grouping import Piece
from panosc.ingest.profiles import Match
from panosc.ingest.reading import Reading
from panosc.ingest.walking import Found, path_of, url_of

_KINDS: dict[str, Any] = {
    "samples": Specimen,
    "people": Contributor,
    "parameters": Quantity,
    "refusals": Refusal,
}


def piece_of(found: Found, match: Match, value: Any) -> Piece:
    """Return the piece that a file is; `value` is what was read, or the tier it was left on."""
    reading = value if isinstance(value, Reading) else None
    return Piece(
        path=found.path,
        url=found.url,
        name=match.name,
        size=found.size,
        mtime_ns=found.mtime_ns,
        tier="online" if reading is not None else str(value),
        sha256=None if reading is None else reading.sha256,
        facts=None if reading is None else reading.facts,
    )


def row_of(piece: Piece, match: Match, *, profile: str, seen: datetime) -> dict[str, Any]:
    """Return the row of `catalogue.intake.arrival` that keeps a piece."""
    return {
        "url": piece.url,
        "profile": profile,
        "rule": match.rule.name,
        "place": url_of(match.place.key),
        "base": url_of(match.place.base),
        "name": url_of(piece.name),
        "size": piece.size,
        "mtime_ns": piece.mtime_ns,
        "tier": piece.tier,
        "sha256": piece.sha256,
        "facts": None if piece.facts is None else written(piece.facts),
        "seen": seen,
        "registered": False,
    }


def kept(row: Any) -> Piece:
    """Return the piece that a row keeps."""
    return Piece(
        path=path_of(row.url),
        url=row.url,
        name=path_of(row.name),
        size=row.size,
        mtime_ns=row.mtime_ns,
        tier=row.tier,
        sha256=row.sha256,
        facts=None if row.facts is None else read(row.facts),
    )


def look(path: str, roots: Sequence[str] = ()) -> Found | None:
    """Return a regular file as it is now; None if it is not there.

    What was a file when its folder was walked may be a link by now: one that leads out of the
    roots (URLs; without any, out of its folder) is not followed.
    """
    real = os.path.realpath(path)
    if real != path:
        inside = map(path_of, roots) if roots else [os.path.dirname(path)]  # noqa: PTH120
        if not any(real.startswith(folder.rstrip("/") + "/") for folder in inside):
            return None
    try:
        status = os.stat(path)  # noqa: PTH116 - of a path that may be no text
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Found(path=path, size=status.st_size, mtime_ns=bounded_ns(status.st_mtime_ns))


def written(facts: Facts) -> str:
    """Return the facts as text."""
    return json.dumps(facts, default=_fields)


def _fields(item: Any) -> dict[str, Any]:
    # `asdict` copies every value of every file: half of what keeping one costs
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


def read(text: str) -> Facts:
    """Return the facts that `written` has written."""
    return _facts(json.loads(text))


def _facts(row: dict[str, Any]) -> Facts:
    given: dict[str, Any] = {}
    for name, value in row.items():
        if name in _KINDS:
            given[name] = tuple(_KINDS[name](**item) for item in value)
        elif name == "parts":
            given[name] = tuple(Part(name=i["name"], facts=_facts(i["facts"])) for i in value)
        else:
            given[name] = tuple(value) if isinstance(value, list) else value
    return Facts(**given)
