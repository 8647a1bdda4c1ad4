"""How FAIR a dataset is and what would mend it; for stewards all of them, the least FAIR first."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from panosc.charts.histogram import Bins, draw_histogram
from panosc.domain.pid import pid_path
from panosc.portal.site import Asker, Site, add_page, pages
from panosc.portal.words import query_string
from panosc.publication.fair import checks
from panosc.publication.fair.service import BINS, Scored, Standing, place

PATH = "/ingest/fair"
SHOWN = 50
_VERDICTS = {"passed": ("Yes", "open"), "failed": ("No", "closed"), "hidden": ("Not public", "")}


def router(site: Site) -> APIRouter:
    """Return the routes of the pages."""
    routes = pages()

    def of_dataset(request: Request, who: Asker, pid: str) -> Response:
        record = site.publications.gatherer.one(who, "Dataset", pid, site.absolute(request))
        report = checks.report(record)
        return site.render.page(
            request,
            "fair",
            title=f"How FAIR is {record.title}?",
            name=record.title,
            pid=pid,
            score=report.score,
            rows=[_row(item) for item in report.findings],
            failing=len(report.missing),
            hidden=sum(item.verdict == "hidden" for item in report.findings),
            api=f"{site.render.root}/api/v1/datasets/{pid_path(pid)}/fair",
        )

    def of_node(
        request: Request,
        who: Asker,
        missing: Annotated[str, Query(max_length=40)] = "",
        after: Annotated[str, Query(max_length=30)] = "",
    ) -> Response:
        fairness = site.publications.fairness
        items = fairness.worst(who, missing=missing or None, after=after, limit=SHOWN)
        standing = fairness.standing(who)
        following = [("missing", missing)] if missing else []
        return site.render.page(
            request,
            "fair_list",
            headers={"Cache-Control": "no-store"},
            title="FAIR",
            standing=standing,
            spread=_spread(standing) if standing.total else None,
            table=_bins(standing),
            work=_work(standing),
            chosen=checks.named(missing) if missing else None,
            is_first=not after,
            items=[_item(item) for item in items],
            more=query_string([*following, ("after", place(items[-1]))])
            if len(items) == SHOWN
            else None,
        )

    add_page(
        routes,
        "/datasets/{pid:path}/-/fair",
        of_dataset,
        summary="How FAIR a dataset is, and what would mend it",
    )
    add_page(routes, PATH, of_node, summary="How FAIR all datasets are, for stewards")
    return routes


def _row(item: checks.Finding) -> dict[str, Any]:
    word, colour = _VERDICTS[item.verdict]
    check = item.check
    return {
        "asks": check.asks,
        "metric": check.metric,
        "points": check.points,
        "word": word,
        "colour": colour,
        "mends": check.mends if item.verdict == "failed" else None,
    }


def _item(item: Scored) -> dict[str, Any]:
    found = [checks.named(name) for name in item.missing]
    return {
        "pid": item.pid,
        "title": item.title or item.pid,
        "score": item.score,
        "missing": [check.name for check in found if check is not None],
    }


def _work(standing: Standing) -> list[dict[str, Any]]:
    """Return the checks that fail, what costs most points first."""
    found = [
        (check, standing.missing[check.name])
        for check in checks.CHECKS
        if check.name in standing.missing
    ]
    found.sort(key=lambda pair: (-pair[1] * pair[0].points, pair[0].name))
    return [{"check": check, "count": count} for check, count in found]


def _bins(standing: Standing) -> list[tuple[str, int]]:
    width = 100 // BINS
    ends = [f"{low * width} to {low * width + width - 1} %" for low in range(BINS - 1)]
    return list(zip([*ends, "90 to 100 %"], standing.bins, strict=True))


def _spread(standing: Standing) -> Markup:
    edges = tuple(float(100 * place // BINS) for place in range(BINS + 1))
    said = (
        f"Scores of {standing.total:,} datasets from 0 to 100 %; half of them have "
        f"{standing.median} % or more."
    )
    # charts have escaped every text
    return Markup(  # noqa: S704
        draw_histogram(
            Bins(edges=edges, counts=standing.bins, unit="%"), name=said, identifier="scores"
        )
    )
