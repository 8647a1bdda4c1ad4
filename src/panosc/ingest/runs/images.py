"""What a record is with all its parts, as one JSON value: made, compared and put back in sets.

An image holds columns of the tables as they are, so that a record comes back exactly; columns
that are computed stay out. How images become records again is `restoring`.
"""

from dataclasses import dataclass

from panosc.catalogue.rows import is_record
from panosc.catalogue.staging import ORDER
from panosc.catalogue.tables import metadata
from panosc.domain.entities import MODEL_BY_NAME

RECORDS: tuple[str, ...] = tuple(
    name for name in ORDER if name in MODEL_BY_NAME and is_record(MODEL_BY_NAME[name])
)
"""Classes with identifiers of their own, each after those it refers to."""
LOCATION = "Location"
PART = "\x1f"
"""Stands between the URL of a location and its part, where it has one."""
NOTED = frozenset({*RECORDS, LOCATION})
"""Classes that the journal keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A table whose rows go with a record, and how it is called in an image."""

    name: str
    table: str
    owner: str
    """The column that names the record."""
    other: str = ""
    """Of a link: the column that names the other record."""


PARTS: dict[str, tuple[Part, ...]] = {
    "Document": (
        Part(name="members", table="member", owner="document_id"),
        Part(name="parameters", table="parameter", owner="document_id"),
    ),
    "Dataset": (
        Part(name="members", table="member", owner="dataset_id"),
        Part(name="parameters", table="parameter", owner="dataset_id"),
        Part(name="files", table="file", owner="dataset_id"),
        Part(name="samples", table="dataset_sample", owner="dataset_id", other="sample_id"),
        Part(
            name="techniques", table="dataset_technique", owner="dataset_id", other="technique_id"
        ),
        Part(name="documents", table="document_dataset", owner="dataset_id", other="document_id"),
        Part(name="awaited", table="awaited", owner="dataset_id", other="url"),
    ),
}
"""What belongs to a record, by class. Locations have a life, and a journal, of their own."""


def table_of(model: str) -> str:
    """Return the table of a class."""
    return MODEL_BY_NAME[model].table


def key_of(model: str) -> str:
    """Return the column with the identifier of a record."""
    found = MODEL_BY_NAME[model]
    return found.property_by_name[found.key].column


def columns_of(table: str) -> list[str]:
    """Return the columns that can be written, in order."""
    return [column.name for column in metadata.tables[table].c if column.computed is None]


def image(model: str, alias: str, *, prefix: str = "") -> str:
    """Return the SQL of the image of the record in a row called `alias`.

    Parameters
    ----------
    prefix : str
        Before the names of the tables of parts: ``want_`` reads those of `Wanted`. Those which
        it has not are read from the catalogue.
    """
    table = metadata.tables[table_of(model)]
    computed = [column.name for column in table.c if column.computed is not None]
    row = f"to_jsonb({alias})"
    if computed:
        row = f"({row} - '{{{','.join(computed)}}}'::text[])"
    pieces = [f"'row', {row}"]
    for part in PARTS.get(model, ()):
        order = f"p.{part.other}" if part.other else "p.id"
        pieces.append(
            f"'{part.name}', (select coalesce(jsonb_agg(to_jsonb(p) order by {order}), '[]')"
            f" from {prefix}{part.table} p where p.{part.owner} = {alias}.id)"
        )
    if model == "Dataset":
        # a reason that was decided on is none of the record's own words
        pieces.append(
            "'ruled', (select to_jsonb(r.mark_reason) from ruling r"
            f" where r.dataset_id = {alias}.id)"
        )
    return f"jsonb_build_object({', '.join(pieces)})"


def current(model: str, pid: str) -> tuple[str, str]:
    """Return the SQL that joins the record with the identifier `pid` as ``t``, and of its image.

    The image is null where there is no such record.
    """
    table = f'"{table_of(model)}" t'
    if model == LOCATION:
        url, part = (f"split_part({pid}, '{PART}', {place})" for place in (1, 2))
        found = "jsonb_build_object('row', to_jsonb(t))"
        return f"{table} on t.url = {url} and t.part = {part}", _if_there("t.url", found)
    return f"{table} on t.{key_of(model)} = {pid}", _if_there("t.id", image(model, "t"))


def _if_there(key: str, found: str) -> str:
    return f"case when {key} is not null then {found} end"


def same(one: str, other: str) -> str:
    """Return the SQL of whether two images are the same but for when they were changed."""
    stamp = "#- '{row,changed}'"
    return f"(({one}) {stamp}) is not distinct from (({other}) {stamp})"
