"""What is answered to every person in every state, in tables that routes share (`matrix_table`).

Written by hand from the contract (two levels, five states), the data policy and the roles in
`docs`; never from the code. A line below is an exception to those above it in its table.
"""

from matrix_catalogue import D22
from matrix_rules import statuses

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
WATCHERS = statuses("""
    any
    everyone: 403
    nobody:   401
    steward administrator service: 200
""")
"""Who watches folders, and which."""
STEWARDED = statuses("""
    any
    everyone: 403
    nobody:   401
    steward:  200
""")
"""Runs, and what was set aside."""
STEWARDED_NONE = statuses("""
    any
    everyone: 403
    nobody:   401
    steward:  404
""")
"""A run that never was."""
STEWARDED_STALE = statuses("""
    any
    everyone: 403
    nobody:   401
    steward:  409
""")
"""An edit that no preview has shown."""
STEWARDED_REFUSED = statuses("""
    any
    everyone: 403
    nobody:   401
    steward:  422
""")
"""A form in which nothing was typed."""
STEWARDED_PAGE = statuses("""
                open embargoed closed withdrawn erased never
    everyone:   403  403       403    403       403    403
    nobody:     401  401       401    401       401    401
    steward:    200  200       200    200       410    404
""")
"""A page on which stewards edit; nobody else learns from it whether there is such a dataset."""
STEWARDED_FORM = statuses("""
                open embargoed closed withdrawn erased never
    everyone:   403  403       403    403       403    403
    nobody:     401  401       401    401       401    401
    steward:    422  422       422    422       410    404
""")
"""The same, sent without a change."""
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
MEMBERS_SEARCH = {
    "own": {"number": "search-member"},
    "none": {"number": "0000000000000000"},
}
SEARCH_KEPT = statuses("""
    any
    everyone: 201
    nobody:   401
    newcomer token_read service: 403
""")
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

# -- what is announced -------------------------------------------------------------------------

ANNOUNCED = statuses("""
    any
    everyone: 403
    nobody:   401
    steward scientist: 202
""")
"""Datasets are announced by stewards and by whoever is in charge of the instrument."""
ANNOUNCEMENT = statuses("""
    theirs none
    everyone: 404 404
    steward scientist: 200 404
    nobody:   401 401
    newcomer: 403 403
""")
"""What became of it is told to whoever announced it and to stewards."""
ANNOUNCED_AGAIN = statuses("""
    theirs none
    everyone: 404 404
    steward scientist: 202 404
    nobody:   401 401
    newcomer token_read service: 403 403
""")
ANNOUNCEMENTS = {"theirs": {"id": "u-scientist:run-1"}, "none": {"id": "u-scientist:run-2"}}
