"""A record as it is shown: what its best source says, and what that lacks and others know.

Only a DOI, a licence and techniques are taken from others; all else is one source's word.
"""

from collections.abc import Sequence
from typing import Any

from panosc.federation.contract import Row
from panosc.federation.harvesting.mappers import Saying
from panosc.federation.harvesting.writing import Shown

_FIELDS = {"Dataset": ("license",), "Document": ("doi", "license")}


def filled(best: Saying, others: Sequence[Saying]) -> Shown:
    """Return the rows of a record, filled from others in their order."""
    model, top = best.piece.rows[0]
    rows, shared = list(best.piece.rows), list(best.taken.shared)
    lacking = {
        name: value
        for name in _FIELDS.get(model, ())
        if not top.get(name)
        and (value := next(filter(None, (_top(item).get(name) for item in others)), None))
    }
    if lacking:
        rows[0] = (model, top | lacking)
    if model == "Dataset" and not any(name == "DatasetTechnique" for name, _ in rows):
        for other in others:
            links = _techniques(other, best.piece.pid)
            if links:
                rows += links
                shared += [item for item in other.taken.shared if item[0] == "Technique"]
                break
    return best.source, rows, shared


def _top(saying: Saying) -> dict[str, Any]:
    return saying.piece.rows[0][1]


def _techniques(saying: Saying, pid: str) -> list[Row]:
    return [
        (name, row | {"datasetId": pid})
        for name, row in saying.piece.rows
        if name == "DatasetTechnique"
    ]
