"""What can be announced of a dataset, as JSON, and what is told of an announcement.

The texts are bounded and such as the database can hold. Whether the paths may be announced is
`places`, by whom `register`.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from panosc.ingest.formats import Contributor, Quantity, Specimen
from panosc.ingest.told import Told
from panosc.policy.decisions.records import is_text

ID = r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,199})$"
"""What somebody may call an announcement."""
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
"""A site profile by its name: never a file of the announcer's choice."""
LARGEST = 2**53
"""Greater whole numbers come as text."""


def _text(value: str) -> str:
    if not is_text(value):
        raise ValueError("the text has characters that cannot be kept")
    return value


Line = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_text)]
Text = Annotated[str, Field(min_length=1, max_length=20_000), AfterValidator(_text)]
Place = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_text)]
Whole = Annotated[int, Field(strict=True, ge=-LARGEST, le=LARGEST)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Value = Whole | Number | Annotated[str, Field(max_length=2000), AfterValidator(_text)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SampleBody(_Body):
    """A sample."""

    name: Line | None = None
    description: Text | None = None
    formula: Line | None = Field(default=None, description="Chemical formula")
    identifier: Line | None = Field(default=None, description="Such as an IGSN")


class PersonBody(_Body):
    """Somebody who took part."""

    name: Line
    role: Line | None = None
    affiliation: Line | None = None
    orcid: Line | None = None


class ParameterBody(_Body):
    """A value with its unit."""

    name: Line
    value: Value
    unit: Line | None = None
    path: Line | None = Field(default=None, description="Where it comes from, such as a NeXus path")


class Announced(_Body):
    """A dataset that is announced: where its files are, and what is known of it."""

    paths: list[Place] = Field(
        min_length=1,
        max_length=1000,
        description="Its folders or files, absolute, inside the roots that the node takes from",
    )
    profile: str | None = Field(
        default=None,
        pattern=NAME,
        description="Site profile that says what its files mean; else the usual one",
    )
    complete: bool = Field(
        default=True,
        description="Whether all its files are there; else the profile says when they are",
    )
    title: Line | None = None
    description: Text | None = None
    kind: Literal["raw", "reduced", "simulated"] | None = None
    proposal: Line | None = Field(default=None, description="Its policy decides on access")
    instrument: Line | None = Field(default=None, description="Name or PID of the instrument")
    start: datetime | None = Field(
        default=None, description="Without a zone it is read in that of the site, as is `end`"
    )
    end: datetime | None = None
    samples: list[SampleBody] = Field(default=[], max_length=100)
    people: list[PersonBody] = Field(default=[], max_length=500)
    parameters: list[ParameterBody] = Field(default=[], max_length=2000)
    techniques: list[Line] = Field(
        default=[], max_length=50, description="Of PaNET, such as PaNET01188 or its address"
    )
    derived_from: list[Place] = Field(
        default=[],
        max_length=1000,
        alias="derivedFrom",
        description="PIDs, or paths of folders or files, of what it was made from",
    )

    def kept(self) -> dict[str, Any]:
        """Return what is kept of it: the same for the same content."""
        names = set(Announced.model_fields)
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=names)

    def places(self) -> list[str]:
        """Return every path that it names: of its files, and of what it was made from."""
        return [*self.paths, *(item for item in self.derived_from if item.startswith("/"))]

    def told(self, said_by: str) -> Told:
        """Return it as ingest takes it; `said_by` is told as the origin of each value."""
        told = Told(
            title=self.title,
            description=self.description,
            kind=self.kind,
            proposal=self.proposal,
            instrument=self.instrument,
            start=None if self.start is None else self.start.isoformat(),
            end=None if self.end is None else self.end.isoformat(),
            samples=tuple(Specimen(**item.model_dump()) for item in self.samples),
            people=tuple(Contributor(**item.model_dump()) for item in self.people),
            parameters=tuple(
                Quantity(name=item.name, value=item.value, unit=item.unit, path=item.path or "")
                for item in self.parameters
            ),
            techniques=tuple(self.techniques),
            derived_from=tuple(self.derived_from),
        )
        fields = type(told).__dataclass_fields__
        given = [name for name in fields if name != "origins" and getattr(told, name)]
        return Told(
            **{name: getattr(told, name) for name in given},
            origins=dict.fromkeys(given, said_by),
        )


class AnnouncementBody(Announced):
    """An announcement, under an id of the announcer's own choice."""

    id: str | None = Field(
        default=None,
        pattern=ID,
        description="The same again with the same content is answered the same and does nothing; "
        "may also come as the header Idempotency-Key",
    )


class AnnouncementOut(BaseModel):
    """What became of an announcement."""

    id: str = Field(description="Its id at this node: the account and the id that was given")
    state: Literal["waiting", "done", "failed"]
    tries: int
    detail: str | None = Field(description="What it waits for, or why it failed")
    pids: list[str] = Field(description="The datasets that came of it")
    run: int | None = Field(description="The run that registered them")
    at: datetime
    next_try: datetime | None = Field(serialization_alias="nextTry")
