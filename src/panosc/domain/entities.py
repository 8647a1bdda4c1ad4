"""What a catalogue holds: the classes of the PaNOSC data model, as data.

One description serves the loader, the dump, the search compiler and the answers of the API,
so that a property has one name, one type and one level of access everywhere. Properties are
in the standard's order; `name` is their JSON spelling, `column` their place in the database.
Beyond the standard stand those of contracts: access, kind, source, checksums.

It says nothing of how records are stored (`catalogue`) or who may see them (`domain.access`).
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Kind = Literal["text", "boolean", "integer", "number", "time", "list", "scalar"]
Level = Literal["core", "detail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property of a class; a `scalar` is a number or a text (the value of a parameter)."""

    name: str
    column: str
    kind: Kind = "text"
    searchable: bool = False
    """Looked at by ``where.text`` of the standard."""
    standard: bool = True
    """Printed by the PaNOSC search API; the rest only in dumps and our own pages."""
    level: Level = "core"
    required: bool = False
    default: str | None = None
    """What a line without it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """How one class leads to another.

    ``one``: ``source.local = target.id``; ``many``: ``target.remote = source.id``;
    ``link``: over the table `link`, ``link.local = source.id and link.remote = target.id``.
    """

    name: str
    target: str
    kind: Literal["one", "many", "link"]
    local: str = ""
    remote: str = ""
    link: str = ""
    level: Level = "core"
    """``detail``: an embargoed record seems to have none, to whoever may not see its detail."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A class of the data model. `key` is its identifier in JSON: ``pid``, ``id`` or ``url``."""

    name: str
    table: str
    key: Literal["pid", "id", "url"] = "pid"
    properties: tuple[Property, ...]
    relations: tuple[Relation, ...] = ()
    guarded: bool = False
    """Has access state, times and groups of its own."""
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    """JSON name → (column, model) of the identifiers of others in an NDJSON line."""

    @cached_property
    def property_by_name(self) -> dict[str, Property]:
        """Properties by their JSON name."""
        return {item.name: item for item in self.properties}

    @cached_property
    def relation_by_name(self) -> dict[str, Relation]:
        """Relations by their name."""
        return {item.name: item for item in self.relations}


def _text(name: str, column: str = "", *, searchable: bool = False) -> Property:
    return Property(name=name, column=column or name, searchable=searchable)


def _own(name: str, column: str, kind: Kind = "text", level: Level = "core") -> Property:
    return Property(name=name, column=column, kind=kind, standard=False, level=level)


def _given(name: str, column: str, kind: Kind = "text") -> Property:
    return Property(
        name=name, column=column, kind=kind, standard=False, level="detail", required=True
    )


_ACCESS = (
    _own("access", "access"),
    _own("embargoUntil", "embargo_until", "time"),
    _own("ownerGroup", "owner_group", level="detail"),
    _own("withdrawnReason", "mark_reason"),
    _own("source", "source"),
)

MODELS: tuple[Model, ...] = (
    Model(
        name="Affiliation",
        table="affiliation",
        key="id",
        properties=(
            _text("id", "key"),
            _text("name", searchable=True),
            _text("address", searchable=True),
            _text("city", searchable=True),
            _text("country", searchable=True),
        ),
    ),
    Model(
        name="Person",
        table="person",
        key="id",
        properties=(
            _text("id", "key"),
            _text("fullName", "full_name", searchable=True),
            _text("orcid"),
            _text("researcherId", "researcher_id"),
            _text("firstName", "first_name", searchable=True),
            _text("lastName", "last_name", searchable=True),
        ),
        relations=(Relation(name="members", target="Member", kind="many", remote="person_id"),),
    ),
    Model(
        name="Instrument",
        table="instrument",
        properties=(
            _text("pid"),
            _text("name", searchable=True),
            _text("facility", searchable=True),
            _own("source", "source"),
        ),
        relations=(
            Relation(name="datasets", target="Dataset", kind="many", remote="instrument_id"),
        ),
    ),
    Model(
        name="Technique",
        table="technique",
        properties=(
            _text("pid"),
            _text("name", searchable=True),
            _text("panetId", "panet_id"),
        ),
        relations=(
            Relation(
                name="datasets",
                target="Dataset",
                kind="link",
                link="dataset_technique",
                local="technique_id",
                remote="dataset_id",
            ),
        ),
    ),
    Model(
        name="Sample",
        table="sample",
        properties=(
            _text("pid"),
            _text("name", searchable=True),
            _text("description", searchable=True),
        ),
        relations=(
            Relation(
                name="datasets",
                target="Dataset",
                kind="link",
                link="dataset_sample",
                local="sample_id",
                remote="dataset_id",
                level="detail",
            ),
        ),
    ),
    Model(
        name="Document",
        table="document",
        guarded=True,
        properties=(
            _text("pid"),
            Property(name="isPublic", column="is_public", kind="boolean"),
            _text("type"),
            _text("title", searchable=True),
            _text("summary", searchable=True),
            _text("doi"),
            Property(name="startDate", column="start_date", kind="time"),
            Property(name="endDate", column="end_date", kind="time"),
            Property(name="releaseDate", column="release_date", kind="time"),
            _text("license"),
            Property(name="keywords", column="keywords", kind="list", searchable=True),
            *_ACCESS,
        ),
        relations=(
            Relation(
                name="datasets",
                target="Dataset",
                kind="link",
                link="document_dataset",
                local="document_id",
                remote="dataset_id",
            ),
            Relation(name="members", target="Member", kind="many", remote="document_id"),
            Relation(
                name="parameters",
                target="Parameter",
                kind="many",
                remote="document_id",
                level="detail",
            ),
        ),
    ),
    Model(
        name="Dataset",
        table="dataset",
        guarded=True,
        references={"instrumentId": ("instrument_id", "Instrument")},
        properties=(
            _text("pid"),
            _text("title", searchable=True),
            Property(name="isPublic", column="is_public", kind="boolean"),
            Property(name="creationDate", column="creation_date", kind="time"),
            Property(name="size", column="size", kind="integer"),
            _own("kind", "kind"),
            _own("description", "description"),
            _own("endDate", "end_date", "time"),
            _own("releaseDate", "release_date", "time"),
            _own("license", "license"),
            _own("definition", "definition"),
            _own("isNewVersionOf", "new_version_of"),
            _own("derivedFrom", "derived_from", "list"),
            _own("defaultPlot", "default_plot", level="detail"),
            _own("defaultFile", "default_file", level="detail"),
            *_ACCESS,
        ),
        relations=(
            Relation(name="instrument", target="Instrument", kind="one", local="instrument_id"),
            Relation(
                name="documents",
                target="Document",
                kind="link",
                link="document_dataset",
                local="dataset_id",
                remote="document_id",
            ),
            Relation(
                name="techniques",
                target="Technique",
                kind="link",
                link="dataset_technique",
                local="dataset_id",
                remote="technique_id",
            ),
            Relation(
                name="samples",
                target="Sample",
                kind="link",
                link="dataset_sample",
                local="dataset_id",
                remote="sample_id",
                level="detail",
            ),
            Relation(
                name="parameters",
                target="Parameter",
                kind="many",
                remote="dataset_id",
                level="detail",
            ),
            Relation(
                name="files",
                target="File",
                kind="many",
                remote="dataset_id",
                level="detail",
            ),
            Relation(name="members", target="Member", kind="many", remote="dataset_id"),
        ),
    ),
    Model(
        name="Member",
        table="member",
        key="id",
        references={
            "documentId": ("document_id", "Document"),
            "datasetId": ("dataset_id", "Dataset"),
            "personId": ("person_id", "Person"),
            "affiliationId": ("affiliation_id", "Affiliation"),
        },
        properties=(_text("id", "key"), _text("role")),
        relations=(
            Relation(name="document", target="Document", kind="one", local="document_id"),
            Relation(name="person", target="Person", kind="one", local="person_id"),
            Relation(name="affiliation", target="Affiliation", kind="one", local="affiliation_id"),
        ),
    ),
    Model(
        name="Parameter",
        table="parameter",
        key="id",
        references={
            "datasetId": ("dataset_id", "Dataset"),
            "documentId": ("document_id", "Document"),
        },
        properties=(
            _text("id", "key"),
            Property(name="name", column="name", searchable=True, required=True),
            Property(name="value", column="value", kind="scalar"),
            _text("unit"),
            _own("path", "path", level="detail"),
        ),
    ),
    Model(
        name="File",
        table="file",
        key="id",
        references={"datasetId": ("dataset_id", "Dataset")},
        properties=(
            _text("id", "key"),
            Property(name="name", column="name", searchable=True, required=True),
            _text("path"),
            Property(name="size", column="size", kind="integer"),
            _own("sha256", "sha256", level="detail"),
            _own("format", "format", level="detail"),
        ),
    ),
    Model(
        name="Location",
        table="location",
        key="url",
        references={"datasetId": ("dataset_id", "Dataset")},
        properties=(
            _given("url", "url"),
            Property(name="part", column="part", standard=False, level="detail", default=""),
            _given("name", "name"),
            _given("size", "size", "integer"),
            _given("mtimeNs", "mtime_ns", "integer"),
            Property(name="tier", column="tier", standard=False, level="detail", default="online"),
        ),
    ),
)

LINKS: dict[str, dict[str, tuple[str, str]]] = {
    "DatasetSample": {
        "datasetId": ("dataset_id", "Dataset"),
        "sampleId": ("sample_id", "Sample"),
    },
    "DatasetTechnique": {
        "datasetId": ("dataset_id", "Dataset"),
        "techniqueId": ("technique_id", "Technique"),
    },
    "DocumentDataset": {
        "documentId": ("document_id", "Document"),
        "datasetId": ("dataset_id", "Dataset"),
    },
}
"""NDJSON files that only join two records: JSON name → (column, model)."""

MODEL_BY_NAME: dict[str, Model] = {model.name: model for model in MODELS}
"""Every class by its name in the standard."""

EXPOSED: dict[str, str] = {
    "Datasets": "Dataset",
    "Documents": "Document",
    "Instruments": "Instrument",
}
"""What the search API answers for: path segment → model."""
