"""My experiments: the first page after signing in, and the datasets of one of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Query as Parameter
from fastapi.responses import Response

from panosc.domain.access import NODE_GROUP, Who
from panosc.domain.errors import NotFound, Unauthenticated
from panosc.domain.query import Compare, Order, Query
from panosc.identity.groups.keeping import Membership
from panosc.portal.hits import Hit, asking, hits
from panosc.portal.site import Asker, Site, add_page, go_to, pages
from panosc.portal.words import query_string
from panosc.search.counts.experiments import NEWEST, Summary

PAGE = 20
"""Experiments on a page, and datasets on a page of one."""
MOST_PAGES = 500
_INSTRUMENT = "instrument:"
_LAST = datetime.max.replace(tzinfo=UTC)

Number = Annotated[int, Parameter(ge=1, le=MOST_PAGES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One group of the person, with what they are in it."""

    name: str
    title: str | None
    roles: tuple[str, ...]
    starts: datetime | None
    ends: datetime | None
    until: datetime | None
    """When it is over for them; None for never."""

    @property
    def words(self) -> str:
        """What they are, in words."""
        return ", ".join(role_words(role) for role in self.roles)


def router(site: Site) -> APIRouter:
    """Return the routes of these pages."""
    routes = pages()

    def overview(request: Request, who: Asker, page: Number = 1) -> Response:
        if needs_terms(who):
            return to_terms(site, "/my")
        mine = experiments(site.identity.own_data.memberships(who))
        groups = [one for one in mine if not one.name.startswith(_INSTRUMENT)]
        shown = groups[(page - 1) * PAGE : page * PAGE]
        figures = site.search.experiments(who, [one.name for one in shown])
        found = _newest(site, who, figures.values())
        return site.render.page(
            request,
            "experiments",
            headers={"Cache-Control": "no-store"},
            title="My experiments",
            experiments=[
                (one, figures[one.name], [found[pid] for pid in figures[one.name].newest])
                for one in shown
            ],
            instruments=_instruments(site, who, mine),
            roles=sorted(who.roles),
            states=site.search.states(who) if who.is_steward else {},
            pages=_pages(page, len(groups)),
            total=len(groups),
        )

    def show(request: Request, who: Asker, group: str, page: Number = 1) -> Response:
        if needs_terms(who):
            return to_terms(site, "/my")
        mine = experiments(site.identity.own_data.memberships(who))
        one = next((item for item in mine if item.name == group), None)
        if one is None:
            raise NotFound(
                f"You have no experiment “{group}” at this node.",
                hint="The page My experiments shows those that you have.",
            )
        if group.startswith(_INSTRUMENT):
            chosen = query_string([("instrument", group.removeprefix(_INSTRUMENT))])
            return go_to(f"{site.render.root}/search?{chosen}")
        query = Query(
            model="Dataset",
            where=Compare(property="ownerGroup", operator="eq", operands=(group,)),
            order=(Order(property="creationDate", descending=True), Order(property="pid")),
            limit=PAGE,
            skip=(page - 1) * PAGE,
        )
        figures = site.search.experiments(who, [group])[group]
        answer = site.search.answer(who, asking(query))
        return site.render.page(
            request,
            "experiment",
            headers={"Cache-Control": "no-store"},
            title=one.title or one.name,
            experiment=one,
            figures=figures,
            hits=hits(answer),
            pages=_pages(page, answer.total),
            total=answer.total,
        )

    add_page(routes, "/my", overview, summary="My experiments")
    add_page(routes, "/my/{group:path}", show, summary="The datasets of one of my experiments")
    return routes


def role_words(role: str) -> str:
    """Return a role as people say it."""
    return {"pi": "principal investigator", "team": "team member"}.get(role, role.replace("_", " "))


def needs_terms(who: Who) -> bool:
    """Whether a person who has signed in still has to accept the terms.

    Raises
    ------
    Unauthenticated
        If nobody has signed in.
    """
    if who.person is None:
        raise Unauthenticated(
            "This page is about the person who has signed in.", hint="Sign in to see yours."
        )
    return who.via == "session" and not who.scopes


def to_terms(site: Site, back: str) -> Response:
    """Send a person to the terms, and back to `back` afterwards."""
    return go_to(f"{site.render.root}/account/terms?back={back}")


def experiments(memberships: Iterable[Membership]) -> list[Experiment]:
    """Return the groups in which somebody is, the latest first; roles in the node are none."""
    by_name: dict[str, list[Membership]] = {}
    for item in memberships:
        if item.group != NODE_GROUP:
            by_name.setdefault(item.group, []).append(item)
    found = [_experiment(items) for items in by_name.values()]
    return sorted(found, key=lambda one: (one.ends or _LAST, one.name), reverse=True)


def _experiment(items: list[Membership]) -> Experiment:
    # what a login says is said again at the next: its end is none of the membership
    ends = [None if item.source == "claims" else item.until for item in items]
    first = items[0]
    return Experiment(
        name=first.group,
        title=first.title,
        roles=tuple(sorted({item.role for item in items})),
        starts=first.starts,
        ends=first.ends,
        until=None if None in ends else max(end for end in ends if end is not None),
    )


def _newest(site: Site, who: Who, figures: Iterable[Summary]) -> dict[str, Hit]:
    pids = tuple(pid for one in figures for pid in one.newest)
    if not pids:
        return {}
    where = Compare(property="pid", operator="inq", operands=pids)
    query = Query(model="Dataset", where=where, limit=PAGE * NEWEST)
    return {hit.pid: hit for hit in hits(site.search.find(who, asking(query)))}


def _instruments(site: Site, who: Who, mine: list[Experiment]) -> list[tuple[str, str]]:
    """Return PID and name of the instruments in whose charge somebody is."""
    pids = tuple(
        one.name.removeprefix(_INSTRUMENT) for one in mine if one.name.startswith(_INSTRUMENT)
    )
    if not pids:
        return []
    where = Compare(property="pid", operator="inq", operands=pids)
    found = site.search.find(who, Query(model="Instrument", where=where))
    names = {item["pid"]: item.get("name") or item["pid"] for item in found}
    return [(pid, names.get(pid, pid)) for pid in pids]


def _pages(page: int, total: int) -> tuple[int, int]:
    return page, max(1, -(-total // PAGE))
