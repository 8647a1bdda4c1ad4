"""The access table of how FAIR datasets are, and of plans."""

import matrix_expected as expected
from matrix_rules import FORM, Rule, statuses

DATASET = {"of": "Dataset"}
PAGE = {"is_page": True}

DOCUMENT = {"of": "Document"}

PLAN = statuses("""
                open embargoed closed withdrawn erased never
    outsiders:  403  403       404    403       410    404
    given:      403  403       404    403       410    404
    scientist:  403  403       404    403       410    404
    member pi contact token_read steward: 200 200 200 200 410 404
    newcomer:   403  403       404    403       410    404
    nobody:     401  401       404    401       410    404
""")
"""The plan of a proposal is for its team."""
PLANNING = statuses("""
                open embargoed closed withdrawn erased never
    outsiders:  403  403       404    403       410    404
    given:      403  403       404    403       410    404
    scientist:  403  403       404    403       410    404
    member pi contact steward: 422 422 422 422 410 404
    token_read: 403  403       403    403       410    404
    newcomer:   403  403       404    403       410    404
    nobody:     401  401       404    401       410    404
""")
"""A plan that is none, by a form: who sends it reads it, too."""
PLANNING_ALONE = statuses("""
                open embargoed closed withdrawn erased never
    outsiders:  403  403       404    403       410    404
    given:      403  403       404    403       410    404
    scientist:  403  403       404    403       410    404
    member pi contact steward: 422 422 422 422 410 404
    token_read: 403  403       403    403       410    404
    token_write: 422 422       404    422       410    404
    newcomer:   403  403       404    403       410    404
    nobody:     401  401       404    401       410    404
""")
"""A plan that is none: a token that only writes is enough where anyone may know of the proposal."""

TABLE: dict[str, Rule] = {
    "GET /datasets/{pid}/-/fair": Rule(
        **expected.CORE, **DATASET, **PAGE, tells={"core": ("title",)}
    ),
    "GET /api/v1/datasets/{pid}/fair": Rule(**expected.CORE, **DATASET),
    "GET /api/v1/fair": Rule(**expected.STEWARDED),
    "GET /documents/{pid}/-/plan": Rule(**PLAN, **DOCUMENT, **PAGE, tells={"core": ("title",)}),
    "POST /documents/{pid}/-/plan": Rule(
        **PLANNING, **DOCUMENT, **PAGE, body="version=0", kind=FORM
    ),
    "GET /api/v1/documents/{pid}/plan": Rule(**PLAN, **DOCUMENT, tells={"core": ("title",)}),
    "PUT /api/v1/documents/{pid}/plan": Rule(**PLANNING_ALONE, **DOCUMENT, body="{}"),
    "GET /ingest/fair": Rule(**expected.STEWARDED, **PAGE),
}
