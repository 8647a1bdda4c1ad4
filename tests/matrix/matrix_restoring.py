"""The access table of files on tape: who sees how they stand, and may ask for them.

The node of the matrix has no tape system: whoever may ask is told so (409).
"""

from matrix_rules import FORM, Rule, statuses

DATASET = {"of": "Dataset"}
PAGE = {"is_page": True}

READING = statuses("""
                open embargoed closed withdrawn erased never
    outsiders:  200  403       404    410       410    404
    insiders:   200  200       200    410       410    404
    token_read: 200  403       403    410       410    404
    given:      200  200       200    410       410    404
    steward:    200  200       200    410       410    404
""")
"""Of a file on tape is told to whoever may have its bytes; a token needs the scope for them."""
ASKING = statuses("""
                open embargoed closed withdrawn erased never
    outsiders:  409  403       404    410       410    404
    insiders:   409  409       409    410       410    404
    sharee:     409  409       409    410       410    404
    steward:    409  409       409    410       410    404
    token_write token_read newcomer: 403 403 403 403 403 403
    nobody:     401  401       401    401       401    401
""")


def taking_back(done: int) -> dict[str, object]:
    """Anybody takes back what they asked for, whatever has become of the dataset since."""
    return statuses(f"""
        any
        everyone: {done}
        token_write token_read newcomer: 403
        nobody:   401
    """)


# also of a dataset that never was: nothing is told of it
NONE = {"params": {"*": {"pid": "10.5072/closed-said"}}}
TABLE: dict[str, Rule] = {
    "GET /datasets/{pid}/-/restore": Rule(**READING, **DATASET, **PAGE, tells={"core": ("title",)}),
    "POST /datasets/{pid}/-/restore": Rule(
        **ASKING, **DATASET, **PAGE, body="which=all", kind=FORM
    ),
    "POST /datasets/{pid}/-/restore/cancel": Rule(
        **taking_back(303), **NONE, **PAGE, body="which=all", kind=FORM
    ),
    "GET /api/v1/datasets/{pid}/recalls": Rule(**READING, **DATASET),
    "POST /api/v1/datasets/{pid}/recalls": Rule(**ASKING, **DATASET, body='{"files": null}'),
    "DELETE /api/v1/datasets/{pid}/recalls": Rule(**taking_back(204), **NONE),
}
