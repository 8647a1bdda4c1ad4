"""Runs, edits and what was set aside over HTTP; for stewards, with the scope ``manage``.

The history of a dataset is for whoever may see its detail.
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from panosc.domain.access import Who
from panosc.ingest.runs.bodies import (
    DoneOut,
    EditBody,
    HistoryOut,
    PreviewBody,
    PreviewOut,
    QuarantineOut,
    RetriedOut,
    RetryBody,
    RunOut,
    RunsOut,
    SetAsideOut,
    entry_of,
    preview_of,
    run_of,
)
from panosc.ingest.runs.service import Runs
from panosc.policy.asking import who_asks
from panosc.policy.decisions.bodies import ReasonBody
from panosc.policy.routes.rest import answers, by_pid

LARGEST = 2**63 - 1
Asker = Annotated[Who, Depends(who_asks)]
Number = Annotated[int, Path(ge=1, le=LARGEST)]


def router(runs: Runs) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/v1", tags=["Ingest"])
    _add_runs(routes, runs)
    _add_quarantine(routes, runs)
    _add_edits(routes, runs)
    return routes


def _add_runs(routes: APIRouter, runs: Runs) -> None:
    many = Query(ge=1, le=1000)

    def listed(
        who: Asker,
        before: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
        limit: Annotated[int, many] = 50,
    ) -> RunsOut:
        """List runs, the newest first."""
        found = runs.runs(who, before=before, limit=limit)
        more = found[-1].id if len(found) == limit else None
        return RunsOut(runs=[run_of(item) for item in found], next=more)

    def one(who: Asker, number: Number) -> RunOut:
        """Tell of one run: what it was asked, its report, what stands in the way of undoing it."""
        return run_of(runs.run(who, number))

    def undo(who: Asker, number: Number, body: ReasonBody) -> DoneOut:
        """Bring every record back to what it was before a run; that is a run, too."""
        return DoneOut(run=runs.undo(who, number, reason=body.reason))

    def history(who: Asker, pid: str) -> HistoryOut:
        """Tell what was done to a dataset, by whom and why, the newest first."""
        found = by_pid(pid, lambda name: runs.history(who, "Dataset", name))
        return HistoryOut(history=[entry_of(item) for item in found])

    add = routes.add_api_route
    add("/ingest/runs", listed, summary="List runs", responses=answers(401, 403, 422))
    add("/ingest/runs/{number}", one, summary="One run", responses=answers(401, 403, 404, 422))
    add(
        "/ingest/runs/{number}/undo",
        undo,
        methods=["POST"],
        summary="Undo a run",
        responses=answers(401, 403, 404, 409, 422),
    )
    add(
        "/datasets/{pid:path}/history",
        history,
        summary="History of a dataset",
        responses=answers(404, 410),
    )


def _add_quarantine(routes: APIRouter, runs: Runs) -> None:
    after = Query(max_length=5000, pattern="^[^\\x00]*$", description="The last URL known already")
    many = Query(ge=1, le=1000)

    def listed(
        who: Asker, after: Annotated[str, after] = "", limit: Annotated[int, many] = 100
    ) -> QuarantineOut:
        """List the files that were set aside, in the order of their URLs."""
        total, found = runs.quarantine(who, after=after, limit=limit)
        more = found[-1].url if len(found) == limit else None
        files = [SetAsideOut(**asdict(item)) for item in found]
        return QuarantineOut(total=total, files=files, next=more)

    def retry(who: Asker, body: RetryBody | None = None) -> RetriedOut:
        """Let the next run read files again that were set aside: all, or those named."""
        return RetriedOut(files=runs.retry(who, None if body is None else body.urls))

    add = routes.add_api_route
    add("/ingest/quarantine", listed, summary="Files set aside", responses=answers(401, 403, 422))
    add(
        "/ingest/quarantine/retry",
        retry,
        methods=["POST"],
        summary="Read files again",
        responses=answers(401, 403, 422),
    )


def _add_edits(routes: APIRouter, runs: Runs) -> None:
    def preview(who: Asker, body: PreviewBody) -> PreviewOut:
        """Show what an edit would do; nothing is changed."""
        return preview_of(runs.preview(who, body.selection(), body.edit()))

    def edit(who: Asker, body: EditBody) -> DoneOut:
        """Do what a preview showed; 409 when it would now be something else."""
        done = runs.apply(who, body.selection(), body.edit(), reason=body.reason, token=body.token)
        return DoneOut(run=done)

    options: dict[str, Any] = {"methods": ["POST"]}
    routes.add_api_route(
        "/ingest/edits/preview",
        preview,
        summary="Preview an edit",
        responses=answers(401, 403, 422),
        **options,
    )
    routes.add_api_route(
        "/ingest/edits",
        edit,
        summary="Edit",
        responses=answers(401, 403, 409, 422),
        **options,
    )
