"""From when a policy shows the core and opens the detail, as SQL over all datasets of proposals.

A policy governs a dataset whose group is a proposal with a known kind of access, and whose record
says nothing of access itself. Which version decides, and that nothing closes again, is said here;
what is then written is `births`, what would be under another policy is `simulating`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.tables import dataset, group, ruling
from panosc.domain.access import ALWAYS, NEVER
from panosc.policy.document import KINDS, OTHER_KIND, Document
from panosc.policy.shelf import Shelf

_COLUMNS: tuple[sa.ColumnClause[Any], ...] = (
    sa.column("policy", sa.Text),
    sa.column("access_type", sa.Text),
    sa.column("class", sa.Text),
    sa.column("since", sa.DateTime(timezone=True)),
    sa.column("until", sa.DateTime(timezone=True)),
    sa.column("is_covered", sa.Boolean),
    sa.column("years", sa.Integer),
    sa.column("shows_core_at_end", sa.Boolean),
)

Rule = tuple[str, str, str, datetime | None, datetime | None, bool, int, bool]
"""A row of `_COLUMNS`: what one version says of one kind of access and one class of data.
Without dates it holds for datasets that were born under the version."""


def is_silent(table: Any = dataset.c) -> sa.ColumnElement[bool]:
    """Return the condition that a record says nothing of access itself."""
    own = (table.access, table.is_public, table.embargo_until, table.release_date)
    return sa.and_(*(column.is_(None) for column in own))


def counted_from() -> sa.ColumnElement[datetime]:
    """Return when the embargo starts to count: see `explaining` for the words."""
    return sa.func.coalesce(
        group.c.ends, dataset.c.end_date, dataset.c.creation_date, dataset.c.created
    )


def class_name() -> sa.ColumnElement[str]:
    """Return the class of data of a dataset, as `Document.class_of` says it."""
    named: list[Any] = [(dataset.c.kind == kind, name) for kind, name in KINDS.items()]
    return sa.case(*named, else_=OTHER_KIND)


def rules_for(connection: sa.Connection, shelf: Shelf) -> list[Rule]:
    """Return the rules in force, and those of every version that datasets were born under."""
    found: list[Rule] = []
    for reign in shelf.reigns():
        found += _rules(reign.document, [reign.access_type], since=reign.since, until=reign.until)
    kinds = access_types(connection)
    for version in shelf.versions(connection):
        found += _rules(version.document, kinds | set(version.document.scope.access_types))
    return found


def rules_of(document: Document, kinds: Iterable[str]) -> list[Rule]:
    """Return the rules of one document as if it decided on everything, at any time."""
    return _rules(document, kinds, since=ALWAYS, until=NEVER)


def access_types(connection: sa.Connection) -> set[str]:
    """Return the kinds of access that the proposals of this node have."""
    query = sa.select(group.c.access_type).where(group.c.access_type.is_not(None)).distinct()
    return set(connection.scalars(query))


def _rules(
    document: Document,
    kinds: Iterable[str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Rule]:
    at_end = document.embargo.core_visible == "end_of_experiment"
    return [
        (
            document.name,
            kind,
            name,
            since,
            until,
            document.scope.access_types.get(kind) == "covered",
            document.years(name),
            at_end,
        )
        for kind in sorted(kinds)
        for name in KINDS.values()
    ]


def reckon(
    rules: Sequence[Rule],
    chosen: sa.ColumnElement[bool],
    *,
    now: datetime,
    as_if: bool = False,
) -> "sa.Select[Any]":
    """Return the query of what `rules` say of each governed dataset that is `chosen`.

    Its columns are ``id``, ``owner_group``, ``size``, ``policy``, ``core``, ``opens``, ``is_open``
    (at `now`, so that nothing can change) and ``open_at`` as it is. With `as_if` the version that a
    dataset was born under counts for nothing.
    """
    one = _governed(chosen).cte("governed").prefix_with("materialized").c
    rule = sa.values(*_COLUMNS, name="rule").data(list(rules))
    in_time = sa.and_(rule.c.since.is_not(None), one.counted >= rule.c.since)
    reigns = sa.and_(in_time, one.counted < rule.c.until)
    born = sa.and_(rule.c.since.is_(None), rule.c.policy == one.born)
    decides = reigns if as_if else sa.case((one.born.is_(None), reigns), else_=born)
    ends = one.counted + sa.func.make_interval(rule.c.years + one.extended_years)
    # years beyond 9999 are no dates to Python
    opens = sa.case((rule.c.is_covered, sa.func.least(ends, _time(NEVER))), else_=_time(NEVER))
    core = sa.case(
        (~rule.c.is_covered, _time(NEVER)),
        (rule.c.shows_core_at_end, one.counted),
        else_=_time(ALWAYS),
    )
    # it was open before any policy came to it
    found_open = sa.and_(one.born.is_(None), one.released_at.is_(None), one.open_at <= now)
    opened = sa.case((one.policy_opens <= now, one.policy_opens), (found_open, one.open_at))
    # a correction to a kind of access that is not covered hides the core again; nothing else does
    shown = sa.case((sa.and_(rule.c.is_covered, one.policy_core <= now), one.policy_core))
    return sa.select(
        one.id,
        one.owner_group,
        one.size,
        rule.c.policy,
        sa.func.coalesce(shown, core).label("core"),
        sa.func.coalesce(opened, opens).label("opens"),
        (one.open_at <= now).label("is_open"),
        one.open_at,
    ).where(
        rule.c.access_type == one.access_type,
        rule.c["class"] == one["class"],
        decides,
    )


def _governed(chosen: sa.ColumnElement[bool]) -> "sa.Select[Any]":
    """Return the query of the datasets that a policy governs, with what it decides by."""
    return (
        sa.select(
            dataset.c.id,
            dataset.c.owner_group,
            dataset.c.size,
            dataset.c.open_at,
            group.c.access_type,
            class_name().label("class"),
            counted_from().label("counted"),
            ruling.c.policy.label("born"),
            ruling.c.policy_core,
            ruling.c.policy_opens,
            ruling.c.released_at,
            sa.func.coalesce(ruling.c.extended_years, 0).label("extended_years"),
        )
        .join(group, group.c.name == dataset.c.owner_group)
        .outerjoin(ruling, ruling.c.dataset_id == dataset.c.id)
        .where(is_silent(), group.c.access_type.is_not(None), chosen)
    )


def _time(moment: datetime) -> sa.ColumnElement[datetime]:
    return sa.literal(moment, sa.DateTime(timezone=True))
