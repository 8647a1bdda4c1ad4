"""The access table of the federation: other catalogues, how they do, and who tends them.

The node of the matrix asks no other catalogue: what needs one is not there. What a node that does
answers is tested beneath tests/federation/routes.
"""

import matrix_expected as expected
from matrix_rules import FORM, Rule, statuses

NOBODY_ELSE = statuses("""
    any
    everyone: 404
""")
"""There is no other catalogue to speak of."""


def tended(by_steward: int) -> dict[str, object]:
    """Stewards and administrators tend catalogues."""
    return statuses(f"""
        any
        everyone: 403
        nobody:   401
        steward administrator: {by_steward}
    """)


ADMINISTRATION = "/facilities/administration"
NO_CATALOGUE = {"params": {"*": {"name": "ill"}}, "is_page": True}
ADDED = "name=ill&kind=panosc&url=http%3A%2F%2F127.0.0.1%2F&every=3600&uses=live"

TABLE: dict[str, Rule] = {
    "GET /panosc-api/": Rule(**NOBODY_ELSE),
    "GET /api/v1/federation/providers": Rule(**expected.ANYONE, is_for_anyone=True),
    "GET /api/v1/federation/search": Rule(**expected.ANYONE, query="size=100"),
    "GET /datasets/{pid}/-/sources": Rule(**expected.CORE, of="Dataset", is_page=True),
    "GET /documents/{pid}/-/sources": Rule(**expected.DOCUMENT_CORE, of="Document", is_page=True),
    "GET /facilities": Rule(**expected.ANYONE, is_page=True),
    "GET /facilities/{name}": Rule(**NOBODY_ELSE, params={"*": {"name": "ill"}}, is_page=True),
    f"GET {ADMINISTRATION}": Rule(**tended(200), is_page=True),
    # what is not of the open network is refused
    f"POST {ADMINISTRATION}": Rule(**tended(422), is_page=True, body=ADDED, kind=FORM),
    f"GET {ADMINISTRATION}/{{name}}/remove": Rule(**tended(404), **NO_CATALOGUE),
    **{
        f"POST {ADMINISTRATION}/{{name}}/{act}": Rule(
            **tended(404), **NO_CATALOGUE, body="", kind=FORM
        )
        for act in ("probe", "harvest", "pause", "resume", "remove")
    },
}
