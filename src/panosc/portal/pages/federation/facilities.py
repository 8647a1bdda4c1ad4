"""The facilities whose catalogues this node asks or harvests, and a page about each."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from panosc.charts.strip import draw_strip
from panosc.domain.access import Who
from panosc.domain.query import Compare, Query
from panosc.federation.evidence.cells import COLUMNS, Findings
from panosc.federation.overview.catalogues import Catalogue
from panosc.federation.overview.harvests import Harvest
from panosc.federation.tending import ROLES
from panosc.portal.pages.federation import wording
from panosc.portal.site import Asker, Site, add_page, pages

PATH = "/facilities"
NOUNS = (("Dataset", "dataset"), ("Document", "document"), ("Instrument", "instrument"))


def router(site: Site) -> APIRouter:
    """Return the routes of the pages."""
    routes = pages()

    def listed(request: Request, who: Asker) -> Response:
        found = site.federation.catalogues()
        lately, last = site.federation.lately(), site.federation.last_harvests()
        done = site.federation.harvested()
        rows = [
            {
                **_told(one),
                "records": _records(site, who, one.name),
                "harvested": wording.stamp(done.get(one.name)),
                "trouble": _trouble(last.get(one.name)),
                "live": wording.live_state(one, lately.get(one.name)),
            }
            for one in found
        ]
        return site.render.page(
            request,
            "facilities",
            title="Facilities",
            canonical=PATH,
            rows=rows,
            columns=list(COLUMNS.values()),
            evidence=[_evidence(row) for row in site.federation.findings()],
            records=_records(site, who, None),
            may_tend=may_tend(who),
        )

    def one(request: Request, who: Asker, name: str) -> Response:
        catalogue = site.federation.catalogue(name)
        # what went wrong with a catalogue in a private network may tell of that network
        tells = catalogue.address is not None or may_tend(who)
        days = site.federation.days(name)
        finding = wording.strip_finding(days, catalogue.title)
        ends = (days[0].date.isoformat(), "today")
        strip = draw_strip([day.span.share for day in days], name=finding, ends=ends)
        return site.render.page(
            request,
            "facility",
            title=catalogue.title,
            canonical=f"{PATH}/{name}",
            it=_told(catalogue),
            records=_records(site, who, name),
            strip=Markup(strip),  # noqa: S704 - drawn here
            finding=finding,
            days=wording.day_rows(days),
            live=wording.live_state(catalogue, site.federation.lately().get(name)),
            last_message=_last_message(site, name) if tells else None,
            harvests=[_run(run, tells=tells) for run in site.federation.harvests(name)],
            harvested=wording.stamp(site.federation.harvested().get(name)),
            # what could not be taken may be of records that are not for anyone
            problems=site.federation.problems(name) if may_tend(who) else [],
            features=_features(catalogue),
            evidence=_evidence_of(site, name),
            tried=[wording.tried(one) for one in catalogue.tried],
            may_tend=may_tend(who),
        )

    add_page(routes, PATH, listed, summary="The facilities whose catalogues are known here")
    add_page(
        routes,
        f"{PATH}/{{name}}",
        one,
        summary="One facility: its records, how its catalogue does",
        also={404: "No catalogue has that name."},
    )
    return routes


def may_tend(who: Who) -> bool:
    """Whether someone tends the catalogues that this node knows."""
    return bool(who.roles & ROLES)


def _records(site: Site, who: Who, name: str | None) -> list[tuple[str, int]]:
    """Return how many records of a catalogue (None: of this node itself) are found here."""
    own = Compare(property="source", operator="eq", operands=(name,))
    counts = [(noun, site.search.count(who, Query(model=kind, where=own))) for kind, noun in NOUNS]
    return [(noun, count) for noun, count in counts if count]


def _evidence(row: Findings) -> dict[str, Any]:
    cells = [
        {
            "heading": COLUMNS[cell.name],
            "state": wording.finding_state(cell),
            "said": cell.said,
            "asked": cell.asked,
            "at": wording.stamp(cell.at),
        }
        for cell in row.cells
    ]
    return {"name": row.source, "title": row.title, "cells": cells}


def _evidence_of(site: Site, name: str) -> list[dict[str, Any]]:
    found = [row for row in site.federation.findings() if row.source == name]
    cells: list[dict[str, Any]] = _evidence(found[0])["cells"] if found else []
    return cells


def _told(catalogue: Catalogue) -> dict[str, Any]:
    return {
        "name": catalogue.name,
        "title": catalogue.title,
        "kind": catalogue.kind_title,
        "version": catalogue.version,
        "address": catalogue.address,
        "is_live": catalogue.is_live,
        "is_harvested": catalogue.is_harvested,
        "is_adopted": catalogue.is_adopted,
        "can_be_asked": catalogue.can_be_asked,
        "can_be_harvested": catalogue.can_be_harvested,
        "every": wording.every(catalogue.every_s),
        "due": wording.stamp(catalogue.due),
        "probed_at": wording.stamp(catalogue.probed_at),
        "added": wording.stamp(catalogue.added),
    }


def _trouble(harvest: Harvest | None) -> str | None:
    """Return what is said where the last harvest did not come to its end."""
    if harvest is None or harvest.state in {"done", "running"}:
        return None
    return f"the last try {wording.harvest_state(harvest)[0]}"


def _run(harvest: Harvest, *, tells: bool) -> dict[str, Any]:
    return {
        "started": wording.stamp(harvest.started),
        "ended": wording.stamp(harvest.ended),
        "kind": wording.harvest_kind(harvest),
        "state": wording.harvest_state(harvest),
        "line": wording.harvest_line(harvest),
        "message": harvest.message if tells else None,
    }


def _last_message(site: Site, name: str) -> dict[str, Any] | None:
    found = site.federation.last_message(name)
    return None if found is None else {"at": wording.stamp(found[0]), "text": found[1]}


def _features(catalogue: Catalogue) -> list[dict[str, Any]]:
    return [
        {"name": name, "said": wording.support(found), "evidence": found.evidence}
        for name, found in sorted(catalogue.features.items())
    ]
