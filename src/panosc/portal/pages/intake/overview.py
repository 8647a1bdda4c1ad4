"""The first page of data managers: what ingest is doing, has done, waits for and set aside.

Filtered, or from the second page on, it is a list of runs alone.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import Conflict, NotFound
from panosc.ingest.overview.told import Chosen, Place
from panosc.ingest.report import printable
from panosc.ingest.watching.heartbeat import Seen
from panosc.portal.pages.intake.reasons import advice
from panosc.portal.pages.intake.wording import (
    KINDS,
    STATES,
    path_of,
    span,
    split_path,
    summary,
)
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.portal.words import query_string

PATH = "/ingest"
RUNS, PLACES, ANNOUNCEMENTS, TROUBLES = 25, 25, 10, 5
LARGEST = 2**63 - 1
_DONE = {
    "announced-again": "It is tried again at once. Load this page again to see what came of it."
}
_ERRORS = (400, 401, 403, 404, 409, 422)
_GONE = timedelta(hours=1)
"""A watcher that has been silent for so long is not late any more."""

Word = Annotated[str, Query(max_length=300)]


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for in the URL, as it was typed."""

    kind: Word = ""
    state: Word = ""
    who: Word = ""
    since: Annotated[str, Query(alias="from", max_length=30)] = ""
    until: Annotated[str, Query(alias="to", max_length=30)] = ""
    before: Annotated[str, Query(max_length=30)] = ""

    def pairs(self) -> list[tuple[str, str]]:
        """Return what is set, as the query of a URL; without the page."""
        named = {
            "kind": self.kind,
            "state": self.state,
            "who": self.who.strip(),
            "from": self.since.strip(),
            "to": self.until.strip(),
        }
        return [(name, value) for name, value in named.items() if value]

    def chosen(self) -> tuple[Chosen, list[str]]:
        """Return which runs are meant, and sentences on what could not be understood."""
        faults: list[str] = []
        kind, state = self.kind, self.state
        if kind and kind not in KINDS:
            faults.append(f"There is no kind of run “{kind}”.")
            kind = ""
        if state and state not in STATES:
            faults.append(f"There is no state of a run “{state}”.")
            state = ""
        since, until = (_day(text, faults) for text in (self.since, self.until))
        if until is not None:
            until += timedelta(days=1)
        chosen = Chosen(kind=kind, state=state, who=self.who.strip(), since=since, until=until)
        return chosen, faults


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()

    def show(request: Request, who: Asker, filters: Annotated[Filters, Depends()]) -> Response:
        return _page(site, request, who, filters)

    def again(
        request: Request, who: Asker, name: Annotated[str, Form(alias="id", max_length=2000)] = ""
    ) -> Response:
        # whoever may not see this page is told so before anything else
        site.overview.check(who)
        try:
            site.register.retry(who, name)
        except (Conflict, NotFound) as error:
            return _page(site, request, who, Filters(), error=error)
        return go_to(f"{site.render.root}{PATH}?done=announced-again")

    add_page(routes, PATH, show, summary="What ingest is doing and has done, for stewards")
    add_form(
        routes,
        f"{PATH}/announcements/retry",
        again,
        summary="Try an announcement again that has failed",
        errors=_ERRORS,
    )
    return routes


def _day(text: str, faults: list[str]) -> datetime | None:
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        faults.append(f"“{text[:30]}” is not a day: write it like 2027-05-31.")
        return None
    # the last days of the calendar have no day after them
    return datetime.combine(min(day, date(9998, 12, 31)), time(), UTC)


def _page(
    site: Site,
    request: Request,
    who: Who,
    filters: Filters,
    *,
    error: Conflict | NotFound | None = None,
) -> Response:
    chosen, faults = filters.chosen()
    text = filters.before
    before = min(int(text), LARGEST) if text.isascii() and text.isdigit() else None
    now = site.policy.clock()
    found = site.overview.runs(who, chosen, before=before, limit=RUNS + 1)
    pairs = filters.pairs()
    is_whole = not pairs and before is None
    more = found[RUNS:]
    whole = _whole(site, who, now) if is_whole else None
    return site.render.page(
        request,
        "ingest",
        status=200 if error is None else error.status,
        headers={"Cache-Control": "no-store"},
        title="Ingest" if is_whole else "Runs",
        runs=[summary(run, now) for run in found[:RUNS]],
        filters=filters,
        # a field for days can hold nothing else
        days=[text.strip() if _day(text, []) else "" for text in (filters.since, filters.until)],
        faults=faults,
        kinds=KINDS,
        states=STATES,
        is_whole=is_whole,
        is_filtered=bool(pairs),
        is_later=before is not None,
        older=query_string([*pairs, ("before", str(found[RUNS - 1].id))]) if more else None,
        newest=query_string(pairs),
        done=_DONE.get(request.query_params.get("done", "")),
        error=error,
        whole=whole,
        is_empty=whole is not None and not found and not _has_something(whole),
    )


def _whole(site: Site, who: Who, now: datetime) -> dict[str, Any]:
    """Return what stands above the runs."""
    overview = site.overview
    count, places = overview.places(who, limit=PLACES)
    reasons = overview.reasons(who)
    watchers = [_watcher(seen) for seen in overview.watchers(who)]
    announced = overview.announced(who, limit=ANNOUNCEMENTS)
    return {
        "running": [summary(run, now) for run in overview.running(who)],
        "watchers": watchers,
        "late": sum(item["colour"] in {"closed", "embargoed"} for item in watchers),
        "place_count": count,
        "places": [_place(place, now) for place in places],
        "reasons": [(name, number, advice(name)) for name, number in reasons],
        "set_aside": sum(number for _, number in reasons),
        "announced": announced,
        "announcements": [
            {
                "id": item.id,
                "name": printable(item.id),
                "kind": item.kind,
                "who": item.who,
                "at": item.at.isoformat(),
                "is_failed": item.state == "failed",
                # others were never understood
                "may_retry": item.state == "failed"
                and not {"said", "proposal"}.isdisjoint(item.body),
                "tries": item.tries,
                "next": item.next_try.isoformat(),
                "detail": printable(item.detail or ""),
                "paths": _paths(item.body),
            }
            for item in announced.newest
        ],
    }


def _has_something(whole: dict[str, Any]) -> bool:
    return any(whole[name] for name in ("watchers", "places", "reasons", "announcements"))


def _watcher(seen: Seen) -> dict[str, Any]:
    content = seen.content
    state = content.get("state")
    if state == "stopped":
        word, colour = "Stopped", ""
    elif seen.is_late:
        is_gone = seen.age_s > _GONE.total_seconds()
        word, colour = ("Gone", "closed") if is_gone else ("Late", "closed")
    elif state == "waiting":
        word, colour = "Waits for the database", "embargoed"
    else:
        word, colour = "Watching", "open"
    roots = content.get("roots") or []
    troubles = [str(text) for text in content.get("troubles") or []]
    for root in roots:
        troubles += [f"{path}: {why}" for path, why in (root.get("troubles") or {}).items()]
    if troubles and colour == "open":
        word, colour = "Watching, with troubles", "embargoed"
    return {
        "name": seen.name,
        "word": word,
        "colour": colour,
        "silent": span(seen.age_s),
        "beat": seen.beat.isoformat(),
        "roots": [(printable(str(root.get("path", ""))), root.get("state", "")) for root in roots],
        "files": content.get("files", 0),
        "backlog": content.get("backlog", 0),
        "lag": span(float(content.get("lagS", 0))),
        "waiting": content.get("waiting", 0),
        "troubles": [printable(text) for text in troubles[:TROUBLES]],
        "more_troubles": max(0, len(troubles) - TROUBLES),
    }


def _place(place: Place, now: datetime) -> dict[str, Any]:
    folder, name = split_path(path_of(place.base).rstrip("/") or place.key)
    return {
        "folder": folder,
        "name": name,
        "key": place.key,
        "rule": place.rule,
        "profile": place.profile,
        "files": place.files,
        "size": place.size,
        "since": place.since.isoformat(),
        "age": span((now - place.since).total_seconds()),
        "quiet": span((now - place.newest).total_seconds()),
        "waits_for": place.waits_for,
    }


def _paths(body: dict[str, Any]) -> list[str]:
    said = body.get("said")
    paths = said.get("paths") if isinstance(said, dict) else None
    if paths is None:
        paths = [body["location"]] if isinstance(body.get("location"), str) else []
    return [printable(str(path)) for path in paths[:3]]
