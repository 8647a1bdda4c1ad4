"""A data management plan as JSON: the RDA DMP Common Standard for machine-actionable plans.

What the standard demands is checked, with the place of each fault; what it allows beyond that is
kept as it came. Source: RDA DMP Common Standard 1.1, doi:10.15497/rda00039.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from panosc.domain.errors import Invalid, TooLarge

LARGEST: Final = 1_000_000
"""Bytes of a plan."""
MOST: Final = 1000
_FAULTS: Final = 10
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Answer = Literal["yes", "no", "unknown"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=False)


class Identifier(_Part):
    """An identifier with its kind, such as ``doi``, ``url`` or ``other``."""

    identifier: Text
    type: Text


class Contact(_Part):
    """Whom to ask about the plan."""

    name: Text
    mbox: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)]
    contact_id: Identifier


class Contributor(_Part):
    """Who takes part."""

    name: Text
    role: Annotated[list[Text], Field(min_length=1, max_length=MOST)]
    contributor_id: Identifier


class Licence(_Part):
    """A licence, and from when it holds."""

    license_ref: Text
    start_date: Text


class Distribution(_Part):
    """One way to the data."""

    title: Text
    data_access: Literal["open", "shared", "closed"]
    license: Annotated[list[Licence], Field(max_length=MOST)] = []


class Dataset(_Part):
    """Data that the plan is about."""

    title: Text
    dataset_id: Identifier
    personal_data: Answer
    sensitive_data: Answer
    distribution: Annotated[list[Distribution], Field(max_length=MOST)] = []


class Dmp(_Part):
    """The plan."""

    title: Text
    created: datetime
    modified: datetime
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
    ethical_issues_exist: Answer
    dmp_id: Identifier
    contact: Contact
    contributor: Annotated[list[Contributor], Field(max_length=MOST)] = []
    dataset: Annotated[list[Dataset], Field(min_length=1, max_length=MOST)]


class Plan(_Part):
    """A whole document."""

    dmp: Dmp


def read(data: bytes) -> dict[str, Any]:
    """Return a plan that was written as JSON.

    Raises
    ------
    TooLarge
    Invalid
        With the place of each fault.
    """
    if len(data) > LARGEST:
        raise TooLarge(f"A plan may have {LARGEST:,} bytes.", limit=LARGEST)
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"This is no JSON: {error}.", field="plan") from None
    return checked(content)


def checked(content: Any) -> dict[str, Any]:
    """Return a plan with all that came with it, if it is one.

    Raises
    ------
    Invalid
    """
    if not isinstance(content, dict):
        raise Invalid("A plan is a JSON object with the member “dmp”.", field="plan")
    try:
        Plan.model_validate(content)
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)[:_FAULTS]
        ]
        raise Invalid(
            f"This is no plan after the RDA DMP Common Standard. {'; '.join(faults)}.",
            field="plan",
            hint="Compare it with the plan that the page of the proposal offers as JSON.",
        ) from None
    if "\\u0000" in orjson.dumps(content).decode():
        raise Invalid("A plan holds no null characters.", field="plan")
    return content
