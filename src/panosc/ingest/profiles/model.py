"""A site profile as a document: what it may say. How its parts go together is `writing`."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints

from panosc.policy.document import Text

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)?")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST_S = 366 * 86400.0

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Truth = Annotated[bool, Strict()]


def _listed(given: object) -> object:
    return [given] if isinstance(given, str) else given


def _seconds(given: object) -> object:
    """Read ``60s``, ``5 min``, ``2h``; a number alone has no unit, and is not understood."""
    found = _DURATION.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None or found[2] is None:
        raise ValueError(f"is “{str(given)[:40]}”; write how long with its unit: 60s, 5min, 2h")
    length = float(found[1]) * _SECONDS[found[2][0]]
    if length > LONGEST_S:
        raise ValueError(f"is “{given}”; the longest is a year")
    return length


def _completion(given: object) -> object:
    if given in ("at once", "at_once"):
        return {"at_once": True}
    if isinstance(given, Mapping):
        return given
    raise ValueError(
        f"is “{str(given)[:40]}”; allowed is at once, or one or more of quiet, marker, end_time: "
        "{quiet: 60s, marker: '*.done', end_time: true}"
    )


def _sample(given: object) -> object:
    return {"name": given} if isinstance(given, str) else given


def _value(given: object) -> object:
    is_plain = isinstance(given, str | int | float) and not isinstance(given, bool)
    return {"value": given} if is_plain else given


def _scalar(given: object) -> object:
    if isinstance(given, str | int | float) and not isinstance(given, bool):
        return str(given)
    raise ValueError("has to be a text or a number")


Texts = Annotated[tuple[Line, ...], BeforeValidator(_listed), Field(min_length=1)]
"""One text, or several of which the first whose placeholders all have values is taken."""
Lines = Annotated[tuple[Line, ...], BeforeValidator(_listed)]
Duration = Annotated[float, BeforeValidator(_seconds)]
Scalar = Annotated[str, BeforeValidator(_scalar)]
Probe = Literal["x-ray", "neutron", "muon", "electron", "photon", "ultraviolet"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CompletionPart(_Part):
    """When a dataset is whole."""

    at_once: Truth = False
    quiet: Duration | None = None
    marker: Line | None = None
    end_time: Truth = False


class SamplePart(_Part):
    """A sample, in templates."""

    name: Line | None = None
    description: Line | None = None
    formula: Line | None = None
    identifier: Line | None = None


class ParameterPart(_Part):
    """The value of a parameter, as a template, and its unit."""

    value: Scalar
    unit: Annotated[str, StringConstraints(max_length=40)] | None = None


class SetPart(_Part):
    """What is told of a dataset, in templates."""

    title: Texts | None = None
    description: Texts | None = None
    proposal: Texts | None = None
    instrument: Texts | None = None
    facility: Texts | None = None
    probe: Texts | None = None
    start: Texts | None = None
    end: Texts | None = None
    definition: Texts | None = None
    techniques: Lines = ()
    people: Lines = ()
    sample: Annotated[SamplePart | None, BeforeValidator(_sample)] = None
    parameters: dict[str, Annotated[ParameterPart, BeforeValidator(_value)]] = {}


class RulePart(_Part):
    """One rule: which files, and what becomes of them."""

    name: Word
    path: Line
    group: str = "file"
    options: dict[str, Any] = {}
    complete: Annotated[CompletionPart | None, BeforeValidator(_completion)] = None
    kind: Literal["raw", "reduced", "simulated"] | None = None
    set: SetPart = SetPart()
    derived_from: Lines = ()
    side: Lines = ()
    skip: Truth = False


class TierPart(_Part):
    """One way to tell that a file is not online."""

    tier: Literal["nearline", "online"] = "nearline"
    path: Line | None = None
    xattr: Line | None = None
    value: Line | None = None
    command: tuple[Line, ...] | None = None
    limit: Duration = 30.0
    blocks: Truth = False


class ProfileDocument(_Part):
    """A site profile."""

    profile: Word
    title: Text
    facility: Text | None = None
    time_zone: str | None = None
    probe: Probe | None = None
    rules: Annotated[tuple[RulePart, ...], Field(min_length=1, max_length=200)]
    tiers: Annotated[tuple[TierPart, ...], Field(max_length=20)] = ()
    proposals: Line | None = None
