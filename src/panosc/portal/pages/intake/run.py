"""One run: what it was to do, what it did, what was wrong, and how it is undone."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid, NotFound
from panosc.ingest.runs.entries import Run
from panosc.portal.pages.intake.overview import PATH
from panosc.portal.pages.intake.reasons import advice
from panosc.portal.pages.intake.wording import asked, number, split_path, summary
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.portal.words import query_string

SHOWN = 25
LAST_PAGE, MOST_NAMES = 10_000, 100
_POOR = 0.5
"""Below this share of the files a field is called out."""
_LISTS = {
    "aside": ("quarantined", "Files set aside"),
    "warnings": ("warnings", "Warnings"),
    "over": ("passedOver", "Passed over"),
}
_COUNTS = (
    ("files", "Files"),
    ("new", "New datasets"),
    ("newVersions", "New versions"),
    ("moreLocations", "More places of known ones"),
    ("unchanged", "Unchanged"),
    ("leftAlone", "Left alone"),
    ("waiting", "Wait for more files"),
    ("removed", "Gone"),
    ("changed", "Records changed"),
    ("of", "Records chosen"),
    ("restored", "Records restored"),
    ("deleted", "Records taken away"),
)
_DONE = {
    "undone": "It is undone: this is the run that did it. It can be undone as well.",
    "edited": "The edit is done. It can be undone here.",
}
_ERRORS = (400, 401, 403, 404, 409, 422)


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()
    here = f"{PATH}/runs/{{number}}"

    def show(request: Request, who: Asker, number: str) -> Response:
        run = _run(site, who, number)
        return site.render.page(
            request,
            "run",
            headers={"Cache-Control": "no-store"},
            title=f"Run {run.id}",
            **_told(site, run),
            **_records(site, who, request, run),
            completeness=_completeness(run.report),
            lists=_lists(request, run),
            names=_names(site, who, run.report),
            done=_DONE.get(request.query_params.get("done", "")),
        )

    def ask(request: Request, who: Asker, number: str) -> Response:
        return _undo_page(site, request, who, _run(site, who, number))

    def undo(
        request: Request,
        who: Asker,
        number: str,
        reason: Annotated[str, Form(max_length=5000)] = "",
    ) -> Response:
        run = _run(site, who, number)
        try:
            by = site.runs.undo(who, run.id, reason=reason)
        except (Conflict, Invalid) as error:
            # what is in the way may be new
            now = _run(site, who, number)
            return _undo_page(site, request, who, now, reason=reason, error=error)
        return go_to(f"{site.render.root}{PATH}/runs/{by}?done=undone")

    add_page(routes, here, show, summary="One run of ingest, for stewards")
    add_page(routes, f"{here}/undo", ask, summary="What undoing a run would do")
    add_form(routes, f"{here}/undo", undo, summary="Undo a run", errors=_ERRORS)
    return routes


def _run(site: Site, who: Who, number: str) -> Run:
    # whoever may not see runs learns nothing of their numbers
    site.overview.check(who)
    if not (number.isascii() and number.isdigit() and len(number) < 20):  # noqa: PLR2004
        raise NotFound(f"There is no run “{number[:40]}”.", hint="The page /ingest lists the runs.")
    return site.runs.run(who, int(number))


def _told(site: Site, run: Run) -> dict[str, Any]:
    return {
        "run": summary(run, site.policy.clock()),
        "number": run.id,
        "reason": run.reason,
        "ended": None if run.ended is None else run.ended.isoformat(),
        "undoes": run.undoes,
        "undone_by": run.undone_by,
        "blocked_by": run.blocked_by,
        "may_be_undone": run.may_be_undone,
        "wanted": list(asked(run)),
        "counts": [
            (label, number(run.report.get(name))) for name, label in _COUNTS if name in run.report
        ],
        "path": f"{site.render.root}{PATH}/runs/{run.id}",
    }


def _records(site: Site, who: Who, request: Request, run: Run) -> dict[str, Any]:
    page = _page_of(request, "records")
    found = site.overview.touched(who, run.id, skip=(page - 1) * SHOWN, limit=SHOWN)
    total = run.records.get("Dataset", 0)
    return {
        "records": sorted(run.records.items()),
        "touched": found,
        "touched_pages": _pages(request, "records", page, total),
    }


def _completeness(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how many files have each field, those in which the run is poor first."""
    given = report.get("completeness")
    found = []
    for name, item in given.items() if isinstance(given, dict) else ():
        has, of = number(item.get("has")), number(item.get("of"))
        if of:
            share = has / of
            found.append(
                {
                    "name": name,
                    "has": has,
                    "of": of,
                    # the whole is said of nothing that is not whole, nor nothing of something
                    "percent": max(min(round(100 * share), 99), 1)
                    if 0 < has < of
                    else 100 * has // of,
                    "is_poor": share < _POOR,
                }
            )
    return sorted(found, key=lambda item: item["has"] / item["of"])


def _lists(request: Request, run: Run) -> list[dict[str, Any]]:
    """Return the files with troubles, a page of each kind."""
    found = []
    for key, (name, title) in _LISTS.items():
        given = run.report.get(name)
        items = given if isinstance(given, list) else []
        if items:
            page = _page_of(request, key)
            shown = items[(page - 1) * SHOWN : page * SHOWN]
            found.append(
                {
                    "key": key,
                    "title": title,
                    "total": len(items),
                    "items": [_trouble(item) for item in shown],
                    "pages": _pages(request, key, page, len(items)),
                }
            )
    return found


def _trouble(item: Mapping[str, str]) -> dict[str, Any]:
    return {**item, "todo": advice(item["reason"]).todo, "split": split_path(item["path"])}


def _names(site: Site, who: Who, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the names that nobody here knew, with how often they came."""
    found = []
    met = report.get("newInstruments")
    known = site.overview.instruments(who, list(met)) if isinstance(met, dict) and met else {}
    for key, title, what in (
        ("newInstruments", "New instruments", "A name that is spelt wrongly makes a new one."),
        ("unknownUnits", "Unknown units", "Their values are kept, and not compared with others."),
        ("unknownProposals", "Unknown proposals", "Their data are closed until a list has them."),
    ):
        given = report.get(key)
        if isinstance(given, dict) and given:
            items = sorted(given.items(), key=lambda item: (-number(item[1]), item[0]))
            found.append(
                {
                    "key": key,
                    "title": title,
                    "what": what,
                    "items": [
                        {
                            "name": name,
                            "count": number(count),
                            "pid": known.get(name) if key == "newInstruments" else None,
                        }
                        for name, count in items[:MOST_NAMES]
                    ],
                    "more": max(0, len(items) - MOST_NAMES),
                }
            )
    return found


def _page_of(request: Request, key: str) -> int:
    text = request.query_params.get(key, "")
    number_ = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1  # noqa: PLR2004
    return max(1, min(number_, LAST_PAGE))


def _pages(request: Request, key: str, page: int, total: int) -> dict[str, Any]:
    """Return where the pages before and after are; other lists stay where they are."""
    others = [
        (name, value)
        for name, value in request.query_params.items()
        if name in {*_LISTS, "records"} and name != key
    ]

    def at(wanted: int) -> str:
        return "?" + query_string([*others, (key, str(wanted))]) + f"#{key}"

    last = -(-total // SHOWN)
    return {
        "page": page,
        "last": last,
        "before": at(min(page - 1, last)) if page > 1 else None,
        "after": at(page + 1) if page < last else None,
    }


def _undo_page(
    site: Site,
    request: Request,
    who: Who,
    run: Run,
    *,
    reason: str = "",
    error: Conflict | Invalid | None = None,
) -> Response:
    found = site.overview.effects(who, run.id)
    return site.render.page(
        request,
        "undo",
        status=200 if error is None else error.status,
        headers={"Cache-Control": "no-store"},
        title=f"Undo run {run.id}",
        **_told(site, run),
        effects=found,
        go=sum(item.go for item in found if item.model != "Location"),
        come_back=sum(item.come_back for item in found if item.model != "Location"),
        places=sum(item.go + item.come_back for item in found if item.model == "Location"),
        typed=reason,
        error=error,
    )
