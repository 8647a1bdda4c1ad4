"""Files set aside: which, why, what to do, and how they are tried again."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import Invalid
from panosc.ingest.overview.told import Sought
from panosc.policy.decisions.records import is_text
from panosc.portal.pages.intake.overview import PATH as INGEST
from panosc.portal.pages.intake.reasons import advice
from panosc.portal.pages.intake.wording import path_of, split_path
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.portal.words import query_string

PATH = f"{INGEST}/quarantine"
SHOWN, LONGEST = 50, 4000

Word = Annotated[str, Query(max_length=300)]
Typed = Annotated[str, Form(max_length=300)]
Urls = Annotated[list[str], Form(alias="url", max_length=SHOWN)]


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()

    def show(
        request: Request,
        who: Asker,
        reason: Word = "",
        path: Word = "",
        after: Annotated[str, Query(max_length=LONGEST)] = "",
    ) -> Response:
        return _page(site, request, who, Sought(reason=reason, text=path.strip()), after=after)

    def retry(
        request: Request,
        who: Asker,
        which: Annotated[str, Form(max_length=20)] = "",
        urls: Urls = [],  # noqa: B006 - FastAPI copies it
        reason: Typed = "",
        path: Typed = "",
    ) -> Response:
        sought = Sought(reason=reason, text=path.strip())
        site.overview.check(who)
        try:
            chosen = _chosen(site, who, which, urls, sought)
            count = site.runs.retry(who, chosen)
        except Invalid as error:
            return _page(site, request, who, sought, error=error)
        query = query_string([*_pairs(sought), ("retried", str(count))])
        return go_to(f"{site.render.root}{PATH}?{query}")

    add_page(routes, PATH, show, summary="Files that were set aside, for stewards")
    add_form(
        routes,
        f"{PATH}/retry",
        retry,
        summary="Let files that were set aside be read again",
        errors=(400, 401, 403, 422),
    )
    return routes


def _chosen(site: Site, who: Who, which: str, urls: list[str], sought: Sought) -> list[str] | None:
    """Return the files to be tried again; None: all of them."""
    if which == "all":
        return site.overview.urls(who, sought) if _pairs(sought) else None
    if which != "chosen" or not urls:
        raise Invalid(
            "No file was chosen.", field="url", hint="Tick the files to be read again, or take all."
        )
    if not all(is_text(url) for url in urls):
        raise Invalid("This is no text.", field="url")
    return urls


def _pairs(sought: Sought) -> list[tuple[str, str]]:
    named = {"reason": sought.reason, "path": sought.text}
    return [(name, value) for name, value in named.items() if value]


def _page(
    site: Site,
    request: Request,
    who: Who,
    sought: Sought,
    *,
    after: str = "",
    error: Invalid | None = None,
) -> Response:
    total, found = site.overview.set_aside(who, sought, after=after, limit=SHOWN + 1)
    shown = [_told(item) for item in found[:SHOWN]]
    pairs = _pairs(sought)
    retried = request.query_params.get("retried", "")
    is_count = retried.isascii() and retried.isdigit() and len(retried) < 10  # noqa: PLR2004
    next_page = [*pairs, ("after", found[SHOWN - 1].url[:LONGEST])] if len(found) > SHOWN else None
    return site.render.page(
        request,
        "quarantine",
        status=200 if error is None else error.status,
        headers={"Cache-Control": "no-store"},
        title="Files set aside",
        total=total,
        files=shown,
        reasons=site.overview.reasons(who),
        sought=sought,
        is_filtered=bool(pairs),
        is_later=bool(after),
        first=query_string(pairs),
        after=None if next_page is None else query_string(next_page),
        path=f"{site.render.root}{PATH}",
        retried=int(retried) if is_count else None,
        error=error,
    )


def _told(item: Any) -> dict[str, Any]:
    folder, name = split_path(path_of(item.url))
    return {
        "url": item.url,
        "folder": folder,
        "name": name,
        "reason": item.reason,
        "detail": item.detail,
        "advice": advice(item.reason),
        "size": item.size,
        "seen": item.seen.isoformat(),
    }
