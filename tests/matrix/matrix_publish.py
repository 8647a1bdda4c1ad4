"""The access table of publishing: packages, and the queue of DOIs.

The node of the matrix has no account at DataCite. Packages are for whoever may have a DOI
registered: the PI of the group, and stewards.
"""

from matrix_rules import FORM, Rule, statuses

PAGE = {"is_page": True}
NEW = statuses("""
    any
    everyone: 403
    pi steward: 200
    nobody: 401
""")
"""From an open dataset of the PI's group."""
STARTED = statuses("""
    open embargoed closed withdrawn erased never
    everyone: 403 403 404 404 404 404
    pi steward: 303 303 404 404 404 404
    nobody: 401 401 401 401 401 401
""")
"""A package is of what everyone may know of."""
NO_PACKAGE = statuses("""
    any
    everyone: 404
    nobody: 401
""")
"""A package that never was; those that one may not publish are answered alike."""
QUEUE = statuses("""
    any
    everyone: 403
    nobody: 401
    steward: 200
""")
RETRY = statuses("""
    any
    everyone: 403
    nobody: 401
    steward: 303
""")
"""Nothing is sent from here."""
FORM_BODY = "title=Data&abstract=&licence=CC-BY-4.0&dataset={pid}"
ONE = {"params": {"*": {"pid": "local/none"}}}
TABLE: dict[str, Rule] = {
    "GET /publish/new": Rule(**NEW, **PAGE, query="dataset=10.5072/open-said"),
    "POST /publish/new": Rule(**STARTED, **PAGE, of="Dataset", body=FORM_BODY, kind=FORM),
    "GET /publish/packages/{pid}": Rule(**NO_PACKAGE, **PAGE, **ONE),
    "POST /publish/packages/{pid}/-/change": Rule(
        **NO_PACKAGE, **PAGE, **ONE, body="title=Data&licence=CC-BY-4.0&dataset=x", kind=FORM
    ),
    "POST /publish/packages/{pid}/-/publish": Rule(
        **NO_PACKAGE, **PAGE, **ONE, body="state=findable&sure=1", kind=FORM
    ),
    "POST /publish/packages/{pid}/-/discard": Rule(**NO_PACKAGE, **PAGE, **ONE, kind=FORM),
    "GET /publish/queue": Rule(**QUEUE, **PAGE),
    "POST /publish/queue/retry": Rule(**RETRY, **PAGE, kind=FORM),
}
