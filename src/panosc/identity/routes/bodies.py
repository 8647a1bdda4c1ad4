"""What the routes of identity take and answer, as the API document describes it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from panosc.domain.access import SCOPES
from panosc.identity.services import Account
from panosc.identity.tokens import Made, Token

Described = dict[int | str, dict[str, Any]]

_PROBLEM = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong"},
        "instance": {"type": "string"},
        "field": {"type": "string", "description": "Which value cannot be used"},
        "hint": {"type": "string", "description": "What to do"},
    },
}
_SAYS = {
    400: "The request cannot be read.",
    401: "Nobody has signed in, or the token is not good.",
    403: "This person, or this token, may not do it.",
    404: "There is none, or none that the caller may know of.",
    409: "There is one already, or too many.",
    413: "More than may be sent at once.",
    422: "A value cannot be used; `field` says which.",
    429: "Too often.",
}


def problems(*statuses: int) -> Described:
    """Return the documented errors with these statuses."""
    content = {"application/problem+json": {"schema": _PROBLEM}}
    return {status: {"description": _SAYS[status], "content": content} for status in statuses}


class Group(BaseModel):
    """A group and what the caller is in it."""

    group: str
    roles: list[str]


class Me(BaseModel):
    """Who the caller is to this node."""

    account: str = Field(examples=["u-6gyetqdojebeavd3"])
    kind: str = Field(description="person or service")
    name: str | None
    groups: list[Group]
    roles: list[str] = Field(description="Roles for the whole node")
    scopes: list[str] = Field(description=f"Of {', '.join(SCOPES)}")
    via: str = Field(description="session, token or bearer")
    userClass: str = Field(description="Whom the budget is taken from")  # noqa: N815 - JSON


class TokenShown(BaseModel):
    """A token, without its secret."""

    id: str = Field(examples=["0123456789ab"])
    kind: str = Field(description="personal, or refresh for a program let in by a device login")
    account: str
    name: str
    scopes: list[str]
    created: datetime
    expires: datetime
    used: datetime | None = Field(description="Last use, to the minute; null for never")
    isOver: bool  # noqa: N815 - JSON


class TokenMade(TokenShown):
    """A new token with its secret, which is told this once."""

    token: str = Field(examples=["ps_pat_0123456789ab.…"])


class AccountShown(BaseModel):
    """A service."""

    account: str
    name: str | None
    instrument: str | None
    isLocked: bool  # noqa: N815 - JSON


class NewService(BaseModel):
    """A service to be made."""

    name: str = Field(max_length=100, examples=["d22-reduction"])
    instrument: str = Field(max_length=300, description="PID of its only instrument")


class NewToken(BaseModel):
    """A token of a service to be made."""

    name: str = Field(max_length=100)
    scopes: list[str] = Field(max_length=20, examples=[["read", "data"]])
    days: int = Field(ge=1, le=366, default=30)


class LinkWanted(BaseModel):
    """What a link is wanted for."""

    path: str = Field(
        max_length=4000,
        description="Path with its query, encoded, without host; beneath /datasets/PID/-/ or "
        "/panosc-api/",
        examples=["/panosc-api/Datasets?limit=1"],
    )


class LinkMade(BaseModel):
    """An address that opens without sign-in, as its maker would see it."""

    url: str
    expires: datetime


def shown(token: Token) -> TokenShown:
    """Return a token as it is answered."""
    return TokenShown(**token.told())


def made(new: Made) -> TokenMade:
    """Return a new token as it is answered."""
    return TokenMade(**new.token.told(), token=new.secret)


def account_shown(account: Account) -> AccountShown:
    """Return a service as it is answered."""
    return AccountShown(
        account=account.id,
        name=account.name,
        instrument=account.instrument,
        isLocked=account.is_locked,
    )


def groups_of(duties: Iterable[tuple[str, str]]) -> list[Group]:
    """Return (role, group) by group."""
    roles: dict[str, list[str]] = {}
    for role, group in sorted(duties):
        roles.setdefault(group, []).append(role)
    return [Group(group=group, roles=held) for group, held in sorted(roles.items())]
