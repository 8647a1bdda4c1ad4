"""The access table of what is in files: trees, attributes, values and chunks."""

import matrix_catalogue as given
from matrix_restoring import DATASET, READING
from matrix_rules import Rule

_FILES = {
    record.key: f"{record.detail(given.VARIANTS[0])['file']}.nxs" for record in given.DATASETS
}
_MARKS = "path=/entry/marks"
TABLE: dict[str, Rule] = {
    "GET /datasets/{pid}/-/h5/meta": Rule(
        **READING,
        **DATASET,
        is_public_when_open=True,
        query="path=/entry",
        tells={"detail": ("plot",)},
    ),
    "GET /datasets/{pid}/-/h5/attr": Rule(
        **READING, **DATASET, is_public_when_open=True, query=_MARKS, tells={"detail": ("remark",)}
    ),
    "GET /datasets/{pid}/-/h5/paths": Rule(
        **READING,
        **DATASET,
        is_public_when_open=True,
        query="path=/",
        tells={"detail": ("plot", "signal")},
    ),
    "GET /datasets/{pid}/-/h5/data": Rule(
        **READING, **DATASET, is_public_when_open=True, query=_MARKS, tells={"detail": ("value",)}
    ),
    "GET /datasets/{pid}/-/h5/stats": Rule(
        **READING, **DATASET, is_public_when_open=True, query=_MARKS, tells={"detail": ("value",)}
    ),
    "GET /datasets/{pid}/-/zarr/{key}": Rule(
        **READING,
        **DATASET,
        is_public_when_open=True,
        params={key: {"key": f"{name}/zarr.json"} for key, name in _FILES.items()},
        tells={"detail": ("plot", "signal", "remark")},
    ),
}
