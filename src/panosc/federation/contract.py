"""What a connector is: the one way in which this node speaks with another kind of catalogue.

A connector is one file in `connectors` (or a plug-in, entry point ``panosc.connectors``). It knows
how the other catalogue is asked and what its records mean, and nothing of this node: neither its
database nor who asks. `tests/federation/connectors/conformance.py` holds each of them to this.

Calls go through the `Caller` that it is given: it judges addresses, bounds answers and keeps time.
Whatever a catalogue answers is a stranger's: what cannot be used becomes `Upstream` (the whole
answer) or a warning of `Mapped` (one record), never another exception.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from panosc.domain.errors import Invalid
from panosc.domain.query import Query
from panosc.federation.calling import Caller
from panosc.federation.source import Source

Json = Any
Row = tuple[str, dict[str, Any]]
"""Class and NDJSON object, as `catalogue.writer` takes them."""
Cursor = Mapping[str, Any]
"""How far a harvest is: JSON of the connector's own."""
Ability = Literal["search", "changes", "deletions", "sweep"]
"""What a kind of catalogue can: be asked live, say what changed, say what was deleted, list all."""


class Options(BaseModel):
    """What an administrator may tell a connector beyond address and account; all are texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Against what a connector was tried: a tick means no more than this."""

    what: str
    """Such as ``answers recorded from SciCat 4.5``."""
    how: Literal["live", "its own client", "its own mock", "recorded", "documented"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """What a probe found of one feature."""

    state: Literal["yes", "no", "wrong", "unknown"]
    """``wrong``: it answers, and the answer is not true, such as an empty list."""
    evidence: str
    """In one sentence: what was asked, what came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What another catalogue really is and does, found by questions whose answer is known.

    Names of features that live search looks at: ``count``, ``skip``, ``order``, ``query``,
    ``text``, ``where:PROPERTY``, ``include:RELATION`` (a condition over it, such as
    ``include:techniques``), ``parameters:between``, ``units``, ``files``.
    """

    version: str | None = None
    title: str | None = None
    """How the facility calls itself."""
    totals: Mapping[str, int | None] = field(default_factory=dict)
    """Records by class of the PaNOSC data model, as far as anyone may see them."""
    features: Mapping[str, Support] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One record as the other catalogue answered it, or the news that it is no longer there."""

    kind: str
    """Its class there, such as ``proposal``."""
    external_id: str
    content: Json = None
    """JSON; what is XML there stands as ``{"xml": "…"}``. None if it is gone."""
    changed: datetime | None = None
    """When it changed, as that catalogue says."""

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted there, or hidden from who asks."""
        return self.content is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some records, and the cursor with which to go on after them, whenever that is.

    Both are kept in one transaction: a harvest that is killed goes on from the last cursor.
    """

    raws: Sequence[Raw]
    cursor: Cursor
    total: int | None = None
    """About how many records there are in all, for progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What one raw record means in the PaNOSC data model."""

    rows: Sequence[Row] = ()
    """Top-level records with all that is theirs. Identifiers are those of `naming.Names`."""
    homes: Mapping[str, str] = field(default_factory=dict)
    """PID of a top-level record in `rows`: its page there, http or https."""
    also: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """PID of a top-level record: further identifiers of the very same thing (DOI, handle, …)."""
    readers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """PID of a dataset in `rows`: groups that see it beside its own; of an adopted catalogue."""
    warnings: Sequence[str] = ()
    """What of it could not be used, in sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a live search found: records of the PaNOSC search API's shape, unscored.

    Items have their relations inside (``techniques``, ``parameters``, ``instrument`` …, those the
    catalogue gave), identifiers as `naming.Names` makes them, and ``home`` (a page there).
    """

    items: Sequence[dict[str, Any]]
    total: int | None = None
    """How many fit, if the catalogue says so."""
    is_cut: bool = False
    """Whether there may be more than were given."""
    unasked: frozenset[str] = frozenset()
    """Keys of the `parts` of the question that were not put to it, for it cannot filter by them."""
    is_clean: bool = False
    """Whether nothing is in the items but what the data model has, each value of its kind."""


class Connector(ABC):
    """Speaks with one other catalogue. Made for each use; holds no state between uses.

    Attributes
    ----------
    kind : str
        As ``--kind`` and the entry point say it.
    title : str
        As people call that kind of catalogue.
    mapping_version : int
        Raised whenever `map` makes something else of the same raw record: what was harvested is
        then mapped anew, without asking again.
    abilities : frozenset of str
    tried : tuple of Tried
    Options : type
        What ``--option KEY=VALUE`` may say.
    features : Mapping of str to Support
        What the last probe found, set by who asks live; empty: nothing is known.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    mapping_version: ClassVar[int] = 1
    abilities: ClassVar[frozenset[Ability]] = frozenset()
    tried: ClassVar[tuple[Tried, ...]] = ()
    Options: ClassVar[type[Options]] = Options

    def __init__(self, source: Source, caller: Caller) -> None:
        self.source = source
        self.caller = caller
        self.options = self.Options.model_validate(dict(source.options))
        self.features: Mapping[str, Support] = {}

    @abstractmethod
    async def probe(self) -> Probed:
        """Find out what the catalogue is and really does, with few questions.

        Raises
        ------
        Upstream
            If it is no catalogue of this kind, or does not answer.
        """

    @abstractmethod
    def map(self, raw: Raw) -> Mapped:
        """Return what a raw record means. Pure: the same raw record, the same answer."""

    async def search(self, query: Query) -> Found:
        """Return the first `query.limit` records that fit; `query.skip` is always 0.

        `query` is about Dataset, Document or Instrument; its includes are those whose relations
        are wanted. What the catalogue cannot filter by is left out and named in `unasked`.

        Raises
        ------
        Upstream
        """
        raise self._cannot("be asked live")

    def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """Yield what changed since a cursor, None: everything, in batches of at most 1000.

        Windows overlap rather than leave a gap: the same record may come again.

        Raises
        ------
        Upstream
        """
        raise self._cannot("be harvested")

    def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        """Yield (kind, external id) of every record that there is.

        What was harvested and is not among them is gone. One that cannot be ended truthfully
        raises: half a list must never delete anything.

        Raises
        ------
        Upstream
        """
        raise self._cannot("list all its records")

    def _cannot(self, what: str) -> Invalid:
        return Invalid(
            f"{self.source.name} cannot {what}: {self.title} has no way to do that.",
            field="kind",
        )
