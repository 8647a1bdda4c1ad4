"""A data policy as a document: what it may say, and what it must not contradict itself in.

The text of a document is `written`; which documents are in force is `shelf`; what follows for
a dataset is `births`. Whatever a document says here, the software does: what it could not do,
such as hide a part of the core metadata, a document cannot say.
"""

import hashlib
import math
import string
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal, get_args

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
)

from panosc.domain.access import GROUP_ROLES, NODE_ROLES, RULES, Act, Role

CORE = (
    "pid",
    "title",
    "people",
    "publisher",
    "dates",
    "instrument",
    "technique",
    "abstract",
    "licence",
    "funding",
    "access_state",
    "embargo_end",
    "total_size",
    "related_works",
)
"""Core metadata: what anyone sees of data under embargo."""
DETAIL = ("sample", "parameters", "file_names", "file_checksums", "plots", "logbook")
"""What opens with the data, and never before."""
PLACEHOLDERS = ("facility", "instrument", "proposal", "doi")
"""What an acknowledgement may name in braces."""
FOR_EVER: Literal["forever"] = "forever"
LONGEST_YEARS = 100
_HIGH: frozenset[str] = frozenset({"approve", "withdraw", "erase"})

ClassName = Literal["raw", "auxiliary", "reduced", "results", "metadata", "logbook"]
OTHER_KIND: ClassName = "raw"
KINDS: Mapping[str, ClassName] = {"raw": OTHER_KIND, "reduced": "reduced", "simulated": "results"}
"""Kind of a dataset → class of data; any other kind is taken for raw data."""

Fault = tuple[tuple[str | int, ...], str]
"""Where in a document something is wrong, and what."""


def _plain(text: str) -> str:
    if not all(letter.isprintable() or letter in "\n\t" for letter in text):
        raise ValueError("must not hold control characters")
    return text


def _endless(value: object) -> object:
    return FOR_EVER if isinstance(value, float) and math.isinf(value) and value > 0 else value


def _placeholders(text: str) -> str:
    allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    try:
        named = [(name, spec, how) for _, name, spec, how in string.Formatter().parse(text)]
    except ValueError as error:
        raise ValueError(f"has braces that do not fit ({error}); allowed are {allowed}") from None
    for name, spec, how in named:
        if name is not None and (name not in PLACEHOLDERS or spec or how):
            raise ValueError(f"names {{{name}}}, which nothing is known of; allowed are {allowed}")
    return text


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
    AfterValidator(_plain),
]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Licence = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,60}$")]
Whole = Annotated[int, Strict()]
Truth = Annotated[bool, Strict()]
Years = Annotated[int, Strict(), Field(ge=0, le=LONGEST_YEARS)]
Endless = Annotated[
    Literal["forever"] | Annotated[int, Strict(), Field(ge=0, le=10_000)],
    BeforeValidator(_endless),
]
Cover = Literal["covered", "excluded"]


class _Part(BaseModel):
    """What all parts have: they never change, and know what they may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Head(_Part):
    """What the document is."""

    id: Word
    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,30}$")]
    title: Text
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    effective_from: Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 1, 1))]
    based_on: tuple[Text, ...] = Field(min_length=1)


class DataClass(_Part):
    """What holds for one class of data."""

    custodian: Literal["facility", "team"]
    embargo: Literal[True, False, "partial"]
    retention_years: Endless
    licence: Licence
    doi: Literal["auto", "inherit", "on_request", "none"]
    best_effort: Truth = False


class Classes(_Part):
    """The classes of data; each has to be there."""

    raw: DataClass
    auxiliary: DataClass
    reduced: DataClass
    results: DataClass
    metadata: DataClass
    logbook: DataClass


class Scope(_Part):
    """What the document covers: kinds of access to the instruments, and classes of data."""

    access_types: dict[Word, Cover] = Field(min_length=1)
    before_effective: Cover = "excluded"
    """Whether it also covers experiments from before its day where no older policy does."""
    data_classes: Classes


class Extension(_Part):
    """Who may have the embargo made longer, and by how much."""

    by: tuple[Role, ...]
    approve: tuple[Role, ...]
    max_years_each: Annotated[int, Strict(), Field(ge=1, le=LONGEST_YEARS)]
    max_total_years: Years
    reason: Literal["required", "optional"] = "required"
    before_end_only: Literal[True] = True
    """Always so: what has opened is never closed again."""


class EarlyRelease(_Part):
    """Who may end the embargo early; for ever."""

    by: tuple[Role, ...]
    irreversible: Literal[True] = True


class Embargo(_Part):
    """How long data stay with their team."""

    default_years: Years
    counts_from: Literal["end_of_experiment"] = "end_of_experiment"
    core_visible: Literal["registration", "end_of_experiment"] = "registration"
    extension: Extension
    early_release: EarlyRelease


class Metadata(_Part):
    """What is public whatever the embargo; the software shows exactly this."""

    core: tuple[str, ...] = CORE


class Licences(_Part):
    """Under which licences data and metadata may be used."""

    allowed: tuple[Licence, ...] = Field(min_length=1)
    metadata: Literal["CC0-1.0"] = "CC0-1.0"


class Retention(_Part):
    """What happens when the promised time is over."""

    end_action: Literal["review", "delete", "keep"]
    deletion_needs: tuple[Role, ...] = Field(min_length=1)
    tombstone: Literal[True] = True
    """Always so: the page of what was deleted stays."""


class Proprietary(_Part):
    """What holds for data that somebody has paid for."""

    state: Literal["closed"] = "closed"
    text: Text


class Removal(_Part):
    """Who may withdraw or erase, and what is said then."""

    by: tuple[Role, ...]
    reason: Literal["required"] = "required"
    text: Text


class Acknowledgement(_Part):
    """What whoever uses the data writes."""

    cite_doi: Literal["required", "asked"]
    text: Annotated[Text, AfterValidator(_placeholders)]


class Budget(_Part):
    """What one person of a class may use in a day; null: as much as they like."""

    requests_per_day: Annotated[int, Strict(), Field(ge=0)] | None = None
    bytes_per_day: Annotated[int, Strict(), Field(ge=0)] | None = None


class Document(_Part):
    """One version of a data policy."""

    policy: Head
    scope: Scope
    metadata: Metadata = Metadata()
    embargo: Embargo
    licences: Licences
    retention: Retention
    proprietary: Proprietary
    withdrawal: Removal
    erasure: Removal
    acknowledgement: Acknowledgement
    roles: dict[Role, tuple[Act, ...]] = Field(min_length=1)
    user_classes: dict[Word, Budget] = Field(min_length=1)
    sanctions: tuple[Text, ...] = ()

    @property
    def name(self) -> str:
        """How the version is called: ``id@version``."""
        return f"{self.policy.id}@{self.policy.version}"

    @property
    def rules(self) -> dict[str, frozenset[str]]:
        """Role → acts, as `domain.access.may_do` takes them.

        A document that says nothing of `publish` leaves it to whom it is left without one.
        """
        found: dict[str, frozenset[str]] = {
            role: frozenset(acts) for role, acts in self.roles.items()
        }
        if not any("publish" in acts for acts in found.values()):
            for role in (role for role, acts in RULES.items() if "publish" in acts):
                found[role] = found.get(role, frozenset()) | {"publish"}
        return found

    def class_of(self, kind: str | None) -> tuple[ClassName, DataClass]:
        """Return which class of data a dataset of this kind is."""
        name = KINDS.get(kind or "", OTHER_KIND)
        return name, getattr(self.scope.data_classes, name)

    def years(self, name: ClassName) -> int:
        """Return how many years data of a class stay with their team."""
        part: DataClass = getattr(self.scope.data_classes, name)
        return self.embargo.default_years if part.embargo is True else 0

    def as_json(self) -> dict[str, Any]:
        """Return the document as JSON, which makes the same document again."""
        return self.model_dump(mode="json")

    def hash(self) -> bytes:
        """Return the SHA-256 of the document in canonical JSON: keys in order, no spaces."""
        text = orjson.dumps(self.as_json(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).digest()


def contradictions(document: Document) -> list[Fault]:
    """Return where the parts of a document do not go together."""
    checks = (_core, _embargo, _licences, _acts, _bearers, _metadata)
    return [fault for check in checks for fault in check(document)]


def _core(document: Document) -> Iterator[Fault]:
    place = ("metadata", "core")
    listed = document.metadata.core
    for index, name in enumerate(listed):
        if name in DETAIL:
            yield (*place, index), f"“{name}” is detail: it opens with the data, never before"
        elif name not in CORE:
            yield (*place, index), f"“{name}” is no metadata; allowed are {', '.join(CORE)}"
    if missing := [name for name in CORE if name not in listed]:
        yield place, f"leaves out {', '.join(missing)}, which the software shows to anyone"


def _embargo(document: Document) -> Iterator[Fault]:
    embargo, place = document.embargo, ("embargo", "extension")
    extension = embargo.extension
    if extension.max_total_years < embargo.default_years:
        message = f"is {extension.max_total_years}, less than the default_years of "
        message += f"{embargo.default_years}; it is the longest embargo in all"
        yield (*place, "max_total_years"), message
    elif extension.by and extension.max_years_each > extension.max_total_years:
        message = f"is {extension.max_years_each}, more than the max_total_years of "
        yield (*place, "max_years_each"), f"{message}{extension.max_total_years}"
    if extension.by and not extension.approve:
        yield (*place, "approve"), "is empty, but somebody has to approve an extension"


def _licences(document: Document) -> Iterator[Fault]:
    allowed = document.licences.allowed
    for name in get_args(ClassName):
        given = getattr(document.scope.data_classes, name).licence
        place = ("scope", "data_classes", name, "licence")
        if name == "metadata" and given != document.licences.metadata:
            yield place, f"is {given}, but metadata are {document.licences.metadata}"
        elif name != "metadata" and given not in allowed:
            yield place, f"is {given}; licences.allowed has only {', '.join(allowed)}"


def _acts(document: Document) -> Iterator[Fault]:
    for role, acts in document.roles.items():
        for index, act in enumerate(acts):
            if act in _HIGH and role not in NODE_ROLES:
                message = f"gives “{act}” to a member of a group; allowed are only "
                yield ("roles", role, index), message + _listed(NODE_ROLES)
            elif role == "guest":
                yield ("roles", role, index), "gives a guest a say; guests only read"


def _bearers(document: Document) -> Iterator[Fault]:
    """Who is named in a rule has to hold the act in `roles`, and nobody else may."""
    embargo = document.embargo
    named: tuple[tuple[tuple[str, ...], Act, tuple[Role, ...]], ...] = (
        (("embargo", "extension", "by"), "extend", embargo.extension.by),
        (("embargo", "extension", "approve"), "approve", embargo.extension.approve),
        (("embargo", "early_release", "by"), "release", embargo.early_release.by),
        (("withdrawal", "by"), "withdraw", document.withdrawal.by),
        (("erasure", "by"), "erase", document.erasure.by),
    )
    for place, act, roles in named:
        holders = {role for role, acts in document.roles.items() if act in acts}
        if set(roles) != holders:
            yield (
                place,
                f"names {_listed(roles)}, but roles gives “{act}” to {_listed(holders)}",
            )


def _metadata(document: Document) -> Iterator[Fault]:
    classes = document.scope.data_classes
    for name in get_args(ClassName):
        embargo = getattr(classes, name).embargo
        place = ("scope", "data_classes", name, "embargo")
        if name == "metadata" and embargo != "partial":
            yield place, "has to be partial: the core is public, detail opens with the data"
        elif name != "metadata" and embargo == "partial":
            yield place, "is partial, which only metadata can be; allowed are true and false"
    if unknown := set(document.retention.deletion_needs) - NODE_ROLES:
        yield (
            ("retention", "deletion_needs"),
            f"names {_listed(unknown)}; allowed are {_listed(NODE_ROLES)}",
        )


def _listed(roles: Any) -> str:
    known = [role for role in (*sorted(GROUP_ROLES), *sorted(NODE_ROLES)) if role in roles]
    return ", ".join(known) or "nobody"
