"""``/api/v1/datasets/{pid}/fair`` and ``/api/v1/fair``: how FAIR a dataset is, and all of them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from panosc.domain.access import Who
from panosc.identity.routes.bodies import problems
from panosc.policy.asking import who_asks
from panosc.publication.fair.checks import Report
from panosc.publication.fair.service import LONGEST_PAGE, Fairness, place

Asker = Annotated[Who, Depends(who_asks)]


class CheckShown(BaseModel):
    """What one check found."""

    name: str = Field(examples=["licence"])
    metric: str = Field(description="Metric of FAIRsFAIR", examples=["FsF-R1.1-01M"])
    asks: str
    points: int
    verdict: Literal["passed", "failed", "hidden"] = Field(
        description="hidden: it rests on what the caller may not see"
    )
    mends: str | None = Field(description="What to do, where it fails")


class ReportShown(BaseModel):
    """How FAIR a dataset is."""

    score: int = Field(description="Percent of the points that could be looked at")
    checks: list[CheckShown]


class ScoredShown(BaseModel):
    """A dataset of the list."""

    pid: str
    title: str | None
    score: int
    missing: list[str] = Field(description="Names of the checks that fail")


class StandingShown(BaseModel):
    """How FAIR all datasets are, and those that need most."""

    datasets: int
    median: int | None = Field(description="Of their scores")
    missing: dict[str, int] = Field(description="Name of a check: how many fail it")
    items: list[ScoredShown]
    next: str | None = Field(description="For `after`, to see more")


def router(fairness: Fairness) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["FAIR"])

    def of_dataset(who: Asker, pid: str) -> ReportShown:
        return shown(fairness.report(who, pid, lambda path: path))

    def of_node(
        who: Asker,
        response: Response,
        missing: Annotated[str | None, Query(max_length=40)] = None,
        after: Annotated[str, Query(max_length=30)] = "",
        limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = 50,
    ) -> StandingShown:
        response.headers["Cache-Control"] = "no-store"
        items = fairness.worst(who, missing=missing, after=after, limit=limit)
        standing = fairness.standing(who)
        return StandingShown(
            datasets=standing.total,
            median=standing.median,
            missing=standing.missing,
            items=[
                ScoredShown(
                    pid=item.pid, title=item.title, score=item.score, missing=list(item.missing)
                )
                for item in items
            ],
            next=place(items[-1]) if len(items) == limit else None,
        )

    routes.add_api_route(
        "/api/v1/datasets/{pid:path}/fair",
        of_dataset,
        methods=["GET"],
        summary="How FAIR a dataset is, and what would mend it",
        responses=problems(404),
    )
    routes.add_api_route(
        "/api/v1/fair",
        of_node,
        methods=["GET"],
        summary="How FAIR all datasets are, the least first; for stewards",
        responses=problems(401, 403, 422),
    )
    return routes


def shown(report: Report) -> ReportShown:
    """Return a report as JSON tells it."""
    return ReportShown(
        score=report.score,
        checks=[
            CheckShown(
                name=item.check.name,
                metric=item.check.metric,
                asks=item.check.asks,
                points=item.check.points,
                verdict=item.verdict,
                mends=item.check.mends if item.verdict == "failed" else None,
            )
            for item in report.findings
        ],
    )
