"""The access table: what every route answers to every person in every state.

Written by hand from the contract (two levels, five states), the data policy and the roles in
`docs`; never from the code. A line below is an exception to those above it in its table.
"""

from matrix_catalogue import D22, OTHERS, PAID, TEAM
from matrix_rules import FORM, NDJSON, Rule, statuses

# -- what is read ------------------------------------------------------------------------------

CORE = statuses("""
                open embargoed closed withdrawn erased never
    outsiders:  200  200       404    200       410    404
    insiders:   200  200       200    200       410    404
    given:      200  200       200    200       410    404
    steward:    200  200       200    200       410    404
""")
"""Core metadata: anyone's, but of what is closed; a page says what was withdrawn."""
DETAIL_PAGE = statuses("""
                open embargoed closed withdrawn erased never
    outsiders:  200  404       404    404       410    404
    insiders:   200  200       200    404       410    404
    given:      200  200       200    404       410    404
    steward:    200  200       200    200       410    404
""")
"""A page of detail alone is not there for whoever may not see detail."""
DOCUMENT_CORE = statuses("""
                open embargoed closed withdrawn erased never
    outsiders:  200  200       404    200       410    404
    given:      200  200       404    200       410    404
    scientist:  200  200       404    200       410    404
    member pi contact token_read steward: 200 200 200 200 410 404
""")
"""Documents belong to their group alone: they are of no instrument, and are not shared."""
ANYONE = statuses("""
    any
    everyone: 200
""")
ONE_OR_NONE = statuses("""
    one none
    everyone: 200 404
""")
# own pages: for whoever has signed in with a browser; programs have /api/v1
OWN_PAGE = statuses("""
    any
    everyone: 200
    nobody:   401
    programs: 403
    newcomer: 403
""")
OWN_ACCOUNT = statuses("""
    any
    everyone: 200
    nobody:   401
    programs: 403
""")
"""Also for whoever has not accepted the terms."""
MINE = statuses("""
    any
    everyone: 200
    nobody:   401
    programs: 403
    newcomer: 303
""")
MY_EXPERIMENT = statuses("""
    mine paid theirs none
    everyone: 404 404 404 404
    member pi contact: 200 200 404 404
    stranger: 404 404 200 404
    newcomer: 303 303 303 303
    nobody:   401 401 401 401
    programs: 403 403 403 403
""")
"""An experiment of others is like one that never was."""
CHANGED = statuses("""
    any
    everyone: 303
    nobody:   401
    programs: 403
""")
NO_IDENTITY = statuses("""
    any
    everyone: 404
    nobody:   401
    programs: 403
""")
REQUESTS = statuses("""
    any
    everyone: 200
    nobody:   401
""")
WATCHED = statuses("""
    any
    everyone: 403
    nobody:   401
    steward administrator: 200
""")
"""The audit trail."""
IN_CHARGE = statuses("""
                open embargoed closed withdrawn erased never
    outsiders:  403  403       404    403       410    404
    sharee:     403  403       403    403       410    404
    insiders:   200  200       200    200       410    404
    steward:    200  200       200    200       410    404
    nobody:     401  401       401    401       401    401
""")
"""With whom a dataset is shared: its team and stewards."""
READING = statuses("""
    any
    everyone: 200
    nobody:   401
    newcomer token_write: 403
""")
"""What one may read about oneself with a credential that may read."""
ADMINISTERED = statuses("""
    any
    everyone: 403
    nobody:   401
    administrator: 200
""")

# -- what is done ------------------------------------------------------------------------------


def act(done: int, allowed: str, closed_to_outsiders: str = "") -> dict[str, object]:
    """Return the table of an act that nobody may but `allowed`, lines of the table."""
    return statuses(
        """
                open embargoed closed withdrawn-said withdrawn-ruled erased never
    outsiders:  403  403       404    403            403             410    404
    sharee:     403  403       403    403            403             410    404
    insiders:   403  403       403    403            403             410    404
    steward:    403  403       403    403            403             410    404
    nobody:     401  401       401    401            401             401    401
        """
        + allowed.replace("done", str(done))
        + closed_to_outsiders.replace("done", str(done))
    )


def share(done: int) -> dict[str, object]:
    """The principal investigator shares what is not open."""
    return act(done, "pi: 409 done done 409 409 410 404")


def release(done: int) -> dict[str, object]:
    """The principal investigator opens early."""
    return act(done, "pi: 409 done done 409 409 410 404")


def withdraw(done: int) -> dict[str, object]:
    """A steward takes back what was published."""
    return act(done, "steward: done done 409 409 409 410 404")


def restore(done: int) -> dict[str, object]:
    """A steward undoes a withdrawal, unless the source says it."""
    return act(done, "steward: 409 409 409 409 done 410 404")


def erase(done: int) -> dict[str, object]:
    """A steward or a director asks for an erasure, a director of what a director knows."""
    return act(
        done,
        "steward: done done done done done 410 404\n",
        "director: done done 404 done done 410 404",
    )


def extend(done: int) -> dict[str, object]:
    """The principal investigator asks for a longer embargo; of one dataset it was done."""
    return statuses(f"""
                open embargoed-said embargoed-ruled closed withdrawn erased never
    outsiders:  403  403            403             404    403       410    404
    sharee:     403  403            403             403    403       410    404
    insiders:   403  403            403             403    403       410    404
    pi:         409  409            {done}          409    409       410    404
    steward:    403  403            403             403    403       410    404
    nobody:     401  401            401             401    401       401    401
    """)


def ask_access(done: int) -> dict[str, object]:
    """Anyone who has signed in asks for what is embargoed; the stranger has for one."""
    return statuses(f"""
                open embargoed-said embargoed-ruled closed withdrawn erased never
    outsiders:  409  {done}         {done}          404    409       410    404
    stranger:   409  409            {done}          404    409       410    404
    sharee:     409  409            409             409    409       410    404
    insiders:   409  409            409             409    409       410    404
    steward:    409  409            409             409    409       410    404
    service newcomer: 403 403       403             404    403       410    404
    token_read: 403  403            403             403    403       410    404
    nobody:     401  401            401             401    401       401    401
    """)


def take_back_share(done: int) -> dict[str, object]:
    """The principal investigator takes back a share; what is not shared has none."""
    return act(done, "pi: 404 done done 404 404 410 404")


def answer(done: int) -> dict[str, object]:
    """Requests are answered by whom the policy says, never by who asked."""
    return statuses(f"""
                access extension none
    everyone:   404    404       404
    stranger:   403    404       404
    pi:         {done} 403       404
    steward:    {done} 404       404
    director:   404    {done}    404
    nobody:     401    401       401
    """)


def take_back_request(done: int) -> dict[str, object]:
    """Only who asked takes it back."""
    return statuses(f"""
                access extension none
    everyone:   404    404       404
    stranger:   {done} 404       404
    pi:         404    {done}    404
    nobody:     401    401       401
    """)


NUMBERS = {
    "access": {"number": "request-access"},
    "extension": {"number": "request-extension"},
    "none": {"number": "0" * 16},
}
MEMBERS_TOKEN = {"own": {"id": "token-token_read"}, "none": {"id": "000000000000"}}
REVOKED = statuses("""
    own none
    everyone: 404 404
    member token_write: 204 404
    nobody:   401 401
    newcomer token_read service: 403 403
""")
REVOKED_ON_PAGE = statuses("""
    own none
    everyone: 404 404
    member:   303 404
    nobody:   401 401
    newcomer programs: 403 403
""")
MADE_ON_PAGE = statuses("""
    any
    everyone: 303
    nobody:   401
    newcomer programs: 403
""")
LINKED = statuses("""
    any
    everyone: 201
    nobody:   401
    newcomer token_write: 403
""")
SERVICES = {"one": {"account": "svc-d33"}, "none": {"account": "svc-none"}}
LOCKED = statuses("""
    one none
    everyone: 403 403
    nobody:   401 401
    administrator: 200 404
""")
SERVICE_ADDED = statuses("""
    any
    everyone: 403
    nobody:   401
    administrator: 201
""")
SERVICE_TOKEN = statuses("""
    one none
    everyone: 403 403
    nobody:   401 401
    administrator: 201 404
""")
PROVIDERS = {"one": {"provider": "away"}, "none": {"provider": "none"}}
PROVIDER_AWAY = statuses("""
    one none
    everyone: 502 404
""")
LINKING = statuses("""
    one none
    everyone: 502 404
    nobody programs: 401 401
""")
CALLED_BACK = statuses("""
    one none
    everyone: 401 404
""")
REFUSED = statuses("""
    any
    everyone: 400
""")
GONE_ON = statuses("""
    any
    everyone: 303
""")
UNKNOWN_CODE = statuses("""
    any
    everyone: 422
    nobody:   401
    newcomer programs: 403
""")
POLICIES = {"one": {"name": "panosc-public@1.0"}, "none": {"name": "none"}}
SHARED = {"one": {"secret": "secret-embargoed-said"}, "none": {"secret": "A" * 43}}
FOLLOWED = statuses("""
    one none
    everyone: 303 404
""")
INSTRUMENTS = {"one": {"pid": D22}, "none": {"pid": "10.5072/none"}}
PEOPLE_KNOWING_NO_DATA = ("administrator",)
"""An administrator reads the audit trail, which names datasets, and sees none by it."""

DATASET = {"of": "Dataset"}
PAGE = {"is_page": True}
REASON = {"body": '{"reason": "It has to be."}'}
REASON_FORM = {"body": "reason=It+has+to+be.", "kind": FORM, "is_page": True}
PLACES = {
    "core": ("title", "text"),
    "detail": ("sample", "parameter", "file"),
}

TABLE: dict[str, Rule] = {
    # the search API
    "GET /panosc-api/Datasets": Rule(**ANYONE, lists="Dataset"),
    "GET /panosc-api/Datasets/count": Rule(**ANYONE),
    "GET /panosc-api/Documents": Rule(**ANYONE, lists="Document"),
    "GET /panosc-api/Documents/count": Rule(**ANYONE),
    "GET /panosc-api/Instruments": Rule(**ANYONE),
    "GET /panosc-api/Instruments/count": Rule(**ANYONE),
    "GET /panosc-api/Datasets/{pid}": Rule(
        **CORE,
        **DATASET,
        query='filter={"include":[{"relation":"samples"},{"relation":"parameters"},'
        '{"relation":"files"},{"relation":"members","scope":{"include":[{"relation":"person"}]}},'
        '{"relation":"documents"},{"relation":"instrument"},{"relation":"techniques"}]}',
        tells={
            "core": ("title", "author"),
            "detail": ("sample", "material", "parameter", "value", "remark", "file", "size"),
        },
    ),
    "GET /panosc-api/Datasets/{pid}/files": Rule(
        **CORE, **DATASET, tells={"detail": ("file", "size")}
    ),
    "GET /panosc-api/Datasets/{pid}/files/count": Rule(**CORE, **DATASET),
    "GET /panosc-api/Documents/{pid}": Rule(
        **DOCUMENT_CORE,
        of="Document",
        query='filter={"include":[{"relation":"parameters"},{"relation":"datasets"},'
        '{"relation":"members","scope":{"include":[{"relation":"person"}]}}]}',
        tells={"core": ("title", "text", "author"), "detail": ("parameter", "value", "remark")},
    ),
    "GET /panosc-api/Instruments/{pid}": Rule(
        **ONE_OR_NONE,
        params=INSTRUMENTS,
        query='filter={"include":[{"relation":"datasets"}]}',
    ),
    # pages on records
    "GET /": Rule(**ANYONE, **PAGE),
    "GET /search": Rule(**ANYONE, **PAGE, query=f"instrument={D22}", lists="Dataset"),
    "GET /datasets/{pid}": Rule(**CORE, **DATASET, **PAGE, tells=PLACES),
    "GET /datasets/{pid}/-/metadata": Rule(
        **DETAIL_PAGE, **DATASET, **PAGE, tells={"detail": ("parameter", "remark", "path")}
    ),
    "GET /datasets/{pid}/-/files": Rule(
        **DETAIL_PAGE, **DATASET, **PAGE, tells={"detail": ("file", "sha256", "format")}
    ),
    "GET /datasets/{pid}/-/export/{form}": Rule(
        **CORE,
        **DATASET,
        params={"*": {"form": "json-ld"}},
        tells={"core": ("title", "text", "author")},
    ),
    "GET /datasets/{pid}/-/access": Rule(**CORE, **DATASET, **PAGE, tells={"core": ("title",)}),
    "GET /documents/{pid}": Rule(
        **DOCUMENT_CORE,
        of="Document",
        **PAGE,
        tells={"core": ("title", "text", "author")},
        lists="Dataset",
    ),
    "GET /instruments": Rule(**ANYONE, **PAGE),
    "GET /instruments/{pid}": Rule(**ONE_OR_NONE, **PAGE, params=INSTRUMENTS),
    "GET /techniques": Rule(**ANYONE, **PAGE),
    "GET /techniques/{name}": Rule(
        **ONE_OR_NONE,
        **PAGE,
        params={"one": {"name": "PaNET01189"}, "none": {"name": "PaNET99999"}},
    ),
    "GET /api/v1/datasets/{pid}/access": Rule(**CORE, **DATASET, tells={"core": ("title",)}),
    # acts, for programs and by forms
    "GET /api/v1/datasets/{pid}/shares": Rule(**IN_CHARGE, **DATASET),
    "POST /api/v1/datasets/{pid}/shares": Rule(
        **share(201), **DATASET, body='{"kind": "group", "name": "P-2"}'
    ),
    "DELETE /api/v1/datasets/{pid}/shares/{share}": Rule(
        **take_back_share(204), **DATASET, params={"*": {"share": "share-{key}"}}
    ),
    "POST /api/v1/datasets/{pid}/release": Rule(**release(200), **DATASET, **REASON),
    "POST /api/v1/datasets/{pid}/withdraw": Rule(**withdraw(200), **DATASET, **REASON),
    "POST /api/v1/datasets/{pid}/restore": Rule(**restore(200), **DATASET, **REASON),
    "POST /api/v1/datasets/{pid}/erase": Rule(**erase(202), **DATASET, **REASON),
    "POST /datasets/{pid}/-/access/request": Rule(
        **ask_access(303), **DATASET, **PAGE, body="text=Please.", kind=FORM
    ),
    "POST /datasets/{pid}/-/access/share": Rule(
        **share(303), **DATASET, **PAGE, body="kind=group&name=P-2&until=&note=", kind=FORM
    ),
    "POST /datasets/{pid}/-/access/shares/{share}/take-back": Rule(
        **take_back_share(303), **DATASET, **PAGE, params={"*": {"share": "share-{key}"}}
    ),
    "POST /datasets/{pid}/-/access/release": Rule(
        **release(303), **DATASET, **PAGE, body="reason=&sure=1", kind=FORM
    ),
    "POST /datasets/{pid}/-/access/extend": Rule(
        **extend(303), **DATASET, **PAGE, body="years=1&text=Please.", kind=FORM
    ),
    "POST /datasets/{pid}/-/access/withdraw": Rule(**withdraw(303), **DATASET, **REASON_FORM),
    "POST /datasets/{pid}/-/access/restore": Rule(**restore(303), **DATASET, **REASON_FORM),
    "POST /datasets/{pid}/-/access/erase": Rule(**erase(303), **DATASET, **REASON_FORM),
    # requests
    "GET /api/v1/requests": Rule(**REQUESTS),
    "POST /api/v1/requests": Rule(
        **ask_access(201),
        **DATASET,
        body='{"kind": "access", "pid": "{pid}", "text": "Please."}',
    ),
    "POST /api/v1/requests/{number}/answer": Rule(
        **answer(204), params=NUMBERS, body='{"granted": false, "words": "No."}'
    ),
    "DELETE /api/v1/requests/{number}": Rule(**take_back_request(204), params=NUMBERS),
    "GET /requests": Rule(**REQUESTS, **PAGE),
    "POST /requests/{number}/answer": Rule(
        **answer(303), **PAGE, params=NUMBERS, body="answer=refuse&words=No.", kind=FORM
    ),
    "POST /requests/{number}/take-back": Rule(**take_back_request(303), **PAGE, params=NUMBERS),
    # the audit trail
    "GET /api/v1/audit": Rule(**WATCHED, names_pids=PEOPLE_KNOWING_NO_DATA),
    "GET /audit": Rule(**WATCHED, **PAGE, names_pids=PEOPLE_KNOWING_NO_DATA),
    # shares by a link
    "GET /share/{secret}": Rule(**FOLLOWED, **PAGE, params=SHARED),
    # oneself
    "GET /api/v1/me": Rule(**READING),
    "GET /api/v1/tokens": Rule(**READING),
    "DELETE /api/v1/tokens/{id}": Rule(**REVOKED, params=MEMBERS_TOKEN),
    "POST /api/v1/links": Rule(
        **LINKED, body='{"path": "/panosc-api/Datasets/10.5072/closed-said"}'
    ),
    "GET /account/tokens": Rule(**OWN_PAGE, **PAGE),
    "POST /account/tokens": Rule(
        **MADE_ON_PAGE, **PAGE, body="name=script&days=3&scope=read", kind=FORM
    ),
    "POST /account/tokens/{id}/revoke": Rule(**REVOKED_ON_PAGE, **PAGE, params=MEMBERS_TOKEN),
    "GET /my": Rule(**MINE, **PAGE),
    "GET /my/{group}": Rule(
        **MY_EXPERIMENT,
        **PAGE,
        params={
            "mine": {"group": TEAM},
            "paid": {"group": PAID},
            "theirs": {"group": OTHERS},
            "none": {"group": "P-9"},
        },
    ),
    "GET /account": Rule(**OWN_ACCOUNT, **PAGE),
    "GET /account/export.json": Rule(**OWN_ACCOUNT),
    "GET /account/terms": Rule(**ANYONE, **PAGE),
    "POST /account/terms": Rule(**CHANGED, **PAGE, body="version=1&agree=yes&back=", kind=FORM),
    "POST /account/sessions/end": Rule(**CHANGED, **PAGE, body="handle=others", kind=FORM),
    "POST /account/unlink": Rule(**NO_IDENTITY, **PAGE, body="iss=none&sub=none", kind=FORM),
    "GET /account/erase": Rule(**OWN_ACCOUNT, **PAGE),
    "POST /account/erase": Rule(**CHANGED, **PAGE, body="word=erase", kind=FORM),
    "GET /account/erased": Rule(**ANYONE, **PAGE),
    "GET /device": Rule(**OWN_PAGE, **PAGE),
    "POST /device": Rule(
        **UNKNOWN_CODE, **PAGE, body="user_code=BCDF-GHJK&answer=approved", kind=FORM, is_noted=True
    ),
    # administration
    "GET /api/v1/services": Rule(**ADMINISTERED),
    "POST /api/v1/services": Rule(
        **SERVICE_ADDED, body='{"name": "new", "instrument": "10.5072/d22"}'
    ),
    "POST /api/v1/services/{account}/tokens": Rule(
        **SERVICE_TOKEN, params=SERVICES, body='{"name": "new", "scopes": ["read"], "days": 3}'
    ),
    "PUT /api/v1/services/{account}/lock": Rule(**LOCKED, params=SERVICES),
    "DELETE /api/v1/services/{account}/lock": Rule(**LOCKED, params=SERVICES),
    "POST /api/v1/groups": Rule(
        **ADMINISTERED, body='{"name": "P-3", "title": "New"}', kind=NDJSON
    ),
    "PUT /api/v1/groups/{name}": Rule(
        **ADMINISTERED, params={"*": {"name": "P-3"}}, body='{"title": "New", "members": []}'
    ),
    # programs of devices: they name no person
    "POST /oauth/device": Rule(
        **ANYONE, body="client_id=script&scope=read", kind=FORM, is_for_anyone=True
    ),
    "POST /oauth/token": Rule(
        **REFUSED, body="grant_type=password&client_id=x", kind=FORM, is_for_anyone=True
    ),
    "POST /oauth/revoke": Rule(
        **ANYONE, body="token=ps_pat_0.nothing", kind=FORM, is_for_anyone=True
    ),
    "GET /.well-known/oauth-authorization-server": Rule(**ANYONE, is_for_anyone=True),
    # signing in and out
    "GET /login": Rule(**ANYONE, **PAGE, query="back=/datasets/10.5072/closed-said"),
    "GET /login/{provider}": Rule(**PROVIDER_AWAY, **PAGE, params=PROVIDERS),
    "GET /auth/callback/{provider}": Rule(**CALLED_BACK, **PAGE, params=PROVIDERS),
    "GET /logout": Rule(**ANYONE, **PAGE),
    "POST /logout": Rule(**GONE_ON, **PAGE, body="", kind=FORM),
    "POST /auth/backchannel": Rule(**REFUSED, body="logout_token=none", kind=FORM),
    "GET /account/link/{provider}": Rule(**LINKING, **PAGE, params=PROVIDERS),
    "POST /account/link/{provider}": Rule(**LINKING, **PAGE, params=PROVIDERS, body="", kind=FORM),
    # the policy
    "GET /policy": Rule(**ANYONE, **PAGE),
    "GET /policy/{name}.json": Rule(**ONE_OR_NONE, params=POLICIES),
    "GET /policy/{name}.yaml": Rule(**ONE_OR_NONE, params=POLICIES),
    "GET /api/v1/policy": Rule(**ANYONE),
    # what is the same for all
    "GET /api": Rule(**ANYONE, **PAGE),
    "GET /accessibility": Rule(**ANYONE, **PAGE),
    "GET /privacy": Rule(**ANYONE, **PAGE),
    "GET /credits": Rule(**ANYONE, **PAGE),
    "GET /docs/errors/": Rule(**ANYONE, **PAGE),
    "GET /-/patterns": Rule(**ANYONE, **PAGE),
    "GET /settings/theme": Rule(**GONE_ON, **PAGE, query="set=dark&back=/search"),
    "GET /.well-known/security.txt": Rule(**ANYONE, is_for_anyone=True),
    "GET /static/{given}/{path}": Rule(
        **ONE_OR_NONE,
        params={
            "one": {"given": "x", "path": "panosc.css"},
            "none": {"given": "x", "path": "none.css"},
        },
        is_for_anyone=True,
    ),
}
"""Every route that the API document describes."""

HIDDEN = {
    "GET /api/openapi.json": "describes the others",
    "OPTIONS /panosc-api": "tells browsers that pages of any origin may read",
    "OPTIONS /panosc-api/{rest:path}": "the same beneath",
    "ANY /panosc-api": "is not found, by any method",
    "ANY /panosc-api/{rest:path}": "the same beneath",
}
"""Routes that the document leaves out, apart from HEAD and other spellings of those in it."""
