"""The access table of downloads and of the selection."""

from matrix_restoring import READING
from matrix_rules import FORM, Rule, statuses

DATASET = {"of": "Dataset"}
PAGE = {"is_page": True}

LINKING = statuses("""
                open embargoed closed withdrawn erased never
    outsiders:  303  403       404    410       410    404
    insiders:   303  303       303    410       410    404
    sharee:     303  303       303    410       410    404
    steward:    303  303       303    410       410    404
    newcomer:   403  403       404    410       410    404
    programs:   403  403       403    403       403    403
    nobody:     401  401       401    401       401    401
""")
"""A link without sign-in is made by whoever has signed in with a browser and may have the data."""
SELECTING = statuses("""
    any
    everyone: 404
    insiders given steward: 303
""")
"""What nobody may know of cannot be selected."""
ANYONE = statuses("""
    any
    everyone: 200
""")
CHANGED = statuses("""
    any
    everyone: 303
""")
NOTHING = statuses("""
    any
    everyone: 404
""")
"""Nothing is selected."""

TABLE: dict[str, Rule] = {
    "GET /datasets/{pid}/-/download": Rule(
        **READING,
        **DATASET,
        query="as=manifest",
        tells={"detail": ("file", "sha256")},
        is_public_when_open=True,
    ),
    "POST /datasets/{pid}/-/files/link": Rule(
        **LINKING, **DATASET, **PAGE, body="file=&days=1", kind=FORM
    ),
    "GET /selection": Rule(**ANYONE, **PAGE),
    "POST /selection/add": Rule(**SELECTING, **PAGE, body="pid=10.5072/closed-said", kind=FORM),
    "POST /selection/remove": Rule(**CHANGED, **PAGE, body="", kind=FORM),
    "GET /selection/download": Rule(**NOTHING),
}
