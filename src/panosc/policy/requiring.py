"""What a caller needs before anything else is asked: to be known, and a credential that is enough.

Whether they may do it to a record is `domain.access`.
"""

from panosc.domain.access import SCOPES, Scope, Who
from panosc.domain.errors import Forbidden, Unauthenticated, WrongScope


def require(who: Who, scope: Scope) -> str:
    """Return the account of who asks, if it may use `scope`.

    Raises
    ------
    Unauthenticated, WrongScope
    Forbidden
        If the terms of this node are not accepted.
    """
    if who.person is None:
        raise Unauthenticated(
            "This is only for those who have signed in.",
            hint="Sign in, or send a token: “Authorization: Bearer TOKEN”.",
        )
    if not who.scopes:
        raise Forbidden(
            "The acceptable use policy of this node has not been accepted yet.",
            hint="Read and accept it on the page /account/terms.",
        )
    if scope not in who.scopes:
        raise WrongScope(
            f"This needs the scope {scope}: {SCOPES[scope]}. Yours are not enough.",
            scope=scope,
            hint="Make a token with that scope on the page /account/tokens.",
        )
    return who.person


def require_session(who: Who) -> str:
    """Return the account of who asks in a browser session.

    Raises
    ------
    Unauthenticated
    Forbidden
        If they are known by anything else, such as a token.
    """
    if who.person is None:
        raise Unauthenticated(
            "This is only for those who have signed in.", hint="Sign in with a browser."
        )
    if who.via != "session":
        raise Forbidden(
            "This is done by a person who has signed in with a browser, never by a token.",
            hint="A token that leaked could otherwise make others.",
        )
    return who.person
