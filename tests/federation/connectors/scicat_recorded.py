"""Questions and answers recorded from a SciCat 4.5, and a stand-in that holds what it held."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from cloud.standins.scicat import SciCat

FOLDER = Path(__file__).with_name("recorded_scicat")
PAIRS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def answer(begin: str) -> Any:
    """Return the recorded answer whose name begins so, to be changed at will."""
    [found] = [pair["response"] for name, pair in PAIRS.items() if name.startswith(begin)]
    return deepcopy(found)


def recorded() -> SciCat:
    """Return a stand-in with the records of the recorded answers."""
    second, first = answer("15-")
    blocks = first["origdatablocks"]
    derived = answer("11-")
    datasets = [_bare(first), _bare(second), _bare(derived)]
    return SciCat(
        records={
            "datasets": datasets,
            "origdatablocks": blocks,
            "attachments": first["attachments"],
            "instruments": answer("28-"),
            "proposals": answer("29-"),
            "samples": answer("30-"),
            "publisheddata": answer("42-"),
        },
        history=answer("46-")["items"],
        shows_history=True,
    )


def _bare(record: dict[str, Any]) -> dict[str, Any]:
    """Return a dataset without what was included."""
    included = {"origdatablocks", "attachments", "instruments", "proposals", "samples"}
    return {key: value for key, value in record.items() if key not in included}
