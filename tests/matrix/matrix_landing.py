"""The access table of landing pages, of their forms for machines and of DOIs."""

import matrix_expected as expected
from matrix_rules import Rule

DATASET = {"of": "Dataset"}
DOCUMENT = {"of": "Document"}
PAGE = {"is_page": True}
CORE = ("title", "text", "author")
PLACES = {
    "core": ("title", "text", "author"),
    "detail": ("sample", "parameter", "file"),
}
WHOLE = {
    "core": CORE,
    "detail": ("parameter", "value"),
}

TABLE: dict[str, Rule] = {
    "GET /datasets/{pid}": Rule(**expected.CORE, **DATASET, **PAGE, tells=PLACES),
    "GET /datasets/{pid}/-/export/{form}": Rule(
        **expected.CORE, **DATASET, params={"*": {"form": "json-ld"}}, tells=WHOLE
    ),
    "GET /datasets/{pid}/-/linkset": Rule(**expected.CORE, **DATASET),
    "GET /documents/{pid}": Rule(
        **expected.DOCUMENT_CORE, **DOCUMENT, **PAGE, tells={"core": CORE}, lists="Dataset"
    ),
    "GET /documents/{pid}/-/export/{form}": Rule(
        **expected.DOCUMENT_CORE,
        **DOCUMENT,
        params={"*": {"form": "datacite-json"}},
        tells={"core": CORE},
        lists="Dataset",
    ),
    "GET /documents/{pid}/-/linkset": Rule(**expected.DOCUMENT_CORE, **DOCUMENT, lists="Dataset"),
    # what is no DOI of the node is a PID here; the first finds datasets as their own pages do
    "GET /doi/{pid}": Rule(**expected.CORE, **DATASET, **PAGE, tells=PLACES),
}
