"""What the policy's routes take and give, as JSON."""

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from panosc.policy.decisions.asked import Petition
from panosc.policy.decisions.sharing import Given


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ShareBody(_Body):
    """Whom to share with, until when."""

    kind: Literal["person", "group", "link"]
    name: str | None = Field(
        default=None,
        max_length=300,
        description="Account, ORCID or key of a person; name of a group; none for a link",
    )
    until: AwareDatetime | None = Field(
        default=None, description="A link ends after 30 days unless told, after a year at most"
    )
    note: str | None = Field(default=None, max_length=300)


class ReasonBody(_Body):
    """Why it is done."""

    reason: str = Field(min_length=1, max_length=2000)


class ReleaseBody(_Body):
    """Why it is opened early, if there is something to say."""

    reason: str | None = Field(default=None, max_length=2000)


class WithdrawalBody(ReasonBody):
    """Why it is withdrawn, and what is to be used instead."""

    superseded_by: str | None = Field(default=None, alias="supersededBy", max_length=300)


class RequestBody(_Body):
    """What is asked for: access, or years more of an embargo."""

    kind: Literal["access", "extension", "erasure"] = "access"
    pid: str = Field(max_length=2000)
    text: str = Field(min_length=1, max_length=2000)
    years: int | None = Field(default=None, ge=1, le=100)


class AnswerBody(_Body):
    """The answer to a request; a refusal needs words."""

    granted: bool
    words: str | None = Field(default=None, max_length=2000)
    until: AwareDatetime | None = Field(default=None, description="Access ends then; none: never")


class ShareOut(BaseModel):
    """One share; ``secret`` is told when a link is made, and never again."""

    id: str
    kind: Literal["person", "group", "link"]
    reader: str
    name: str | None
    until: datetime | None
    note: str | None
    by: str
    at: datetime


class MadeOut(BaseModel):
    """A share that was given; ``path`` is the link, told this once."""

    id: str
    until: datetime | None
    path: str | None


class StateOut(BaseModel):
    """What became of a dataset."""

    pid: str
    access: Literal["open", "embargoed", "closed", "withdrawn", "erased"]


class PetitionOut(BaseModel):
    """One request with its answer."""

    id: str
    kind: Literal["access", "extension", "erasure"]
    pid: str
    account: str
    name: str | None
    text: str
    years: int | None
    at: datetime
    state: Literal["open", "granted", "refused", "taken back"]
    answer: str | None
    answered_by: str | None = Field(serialization_alias="answeredBy")
    answered_at: datetime | None = Field(serialization_alias="answeredAt")


class RequestsOut(BaseModel):
    """The requests that concern the caller, the newest first."""

    waiting: list[PetitionOut]
    own: list[PetitionOut]
    answered: list[PetitionOut]


class NumberOut(BaseModel):
    """The id of what was made."""

    id: str


class EventOut(BaseModel):
    """One line of the audit trail."""

    number: int
    at: datetime
    person: str | None
    via: str | None
    event: str
    subject: str | None
    reason: str | None
    detail: dict[str, Any]


class EventsOut(BaseModel):
    """Lines of the audit trail, the oldest first; ``next`` is where to go on."""

    events: list[EventOut]
    next: int


def share_of(item: Given) -> ShareOut:
    """Return a share as it is told."""
    return ShareOut(
        id=item.id,
        kind=item.kind,
        reader=item.reader,
        name=item.name,
        until=item.until,
        note=item.note,
        by=item.by,
        at=item.at,
    )


def petition_of(item: Petition) -> PetitionOut:
    """Return a request as it is told."""
    names = PetitionOut.model_fields
    return PetitionOut(**{name: getattr(item, name) for name in names})
