"""One dataset corrected by hand, and the history of what was done to it."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import Field

from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid
from panosc.domain.pid import pid_path
from panosc.domain.query import Include, Query
from panosc.ingest.runs.editing.operations import KINDS, Edit, Operation, Selection, SetField
from panosc.portal import facts
from panosc.portal.pages.intake.edit import wrong_field
from panosc.portal.pages.intake.forms import OperationForm, lines
from panosc.portal.pages.intake.wording import KINDS as RUN_KINDS
from panosc.portal.pages.intake.wording import changes
from panosc.portal.pages.landing.beneath import TABS
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.portal.words import clean

MOST_PARAMETERS = 2000
FIELDS = ("title", "description", "license", "kind", "definition", "instrument")
_SINGLE = frozenset(FIELDS) - {"description"}
_DONE = {"edited": "It is changed. Undo it on the page of its run."}
_ERRORS = (400, 401, 403, 404, 409, 410, 422)
_LONGEST = 20_000
_ACTS = {
    "created": "Made",
    "changed": "Changed",
    "deleted": "Taken away",
    "restored": "Brought back",
}


class RecordForm(OperationForm):
    """What is typed to edit one dataset; ``was_…`` is what stood there when the page was sent."""

    title: str = Field(default="", max_length=_LONGEST)
    description: str = Field(default="", max_length=_LONGEST)
    license: str = Field(default="", max_length=_LONGEST)
    kind: str = Field(default="", max_length=_LONGEST)
    definition: str = Field(default="", max_length=_LONGEST)
    instrument: str = Field(default="", max_length=_LONGEST)
    was_title: str = Field(default="", max_length=_LONGEST)
    was_description: str = Field(default="", max_length=_LONGEST)
    was_license: str = Field(default="", max_length=_LONGEST)
    was_kind: str = Field(default="", max_length=_LONGEST)
    was_definition: str = Field(default="", max_length=_LONGEST)
    was_instrument: str = Field(default="", max_length=_LONGEST)
    reason: str = Field(default="", max_length=5000)

    def changed(self) -> dict[str, str]:
        """Return the fields that were changed on the page, with what was typed."""
        return {
            name: lines(getattr(self, name))
            for name in FIELDS
            if _same_as_sent(name, getattr(self, name))
            != _same_as_sent(name, getattr(self, f"was_{name}"))
        }


def _same_as_sent(name: str, text: str) -> str:
    """Return a text as a browser sends it back: a field of one line has no line ends."""
    text = lines(text)
    return text.replace("\n", "") if name in _SINGLE else text


def router(site: Site) -> APIRouter:
    """Return the routes of the pages."""
    routes = pages()
    beneath = "/datasets/{pid:path}/-"

    def show(request: Request, who: Asker, pid: str) -> Response:
        site.overview.check(who)
        return _form(site, request, who, pid)

    def edit(
        request: Request, who: Asker, pid: str, typed: Annotated[RecordForm, Form()]
    ) -> Response:
        site.overview.check(who)
        return _edited(site, request, who, pid, typed)

    def history(request: Request, who: Asker, pid: str) -> Response:
        return _history(site, request, who, pid)

    add_page(routes, f"{beneath}/edit", show, summary="Edit a dataset, for stewards")
    add_form(routes, f"{beneath}/edit", edit, summary="Edit a dataset", errors=_ERRORS)
    add_page(routes, f"{beneath}/history", history, summary="What was done to a dataset")
    return routes


def _record(site: Site, who: Who, pid: str) -> dict[str, Any]:
    members = Include(
        relation="members",
        scope=Query(
            model="Member", includes=(Include(relation="person", scope=Query(model="Person")),)
        ),
    )
    query = Query(
        model="Dataset",
        fields=frozenset({"pid", "access", *FIELDS}) - {"instrument"},
        includes=(
            Include(relation="instrument", scope=Query(model="Instrument")),
            Include(relation="techniques", scope=Query(model="Technique")),
            Include(relation="samples", scope=Query(model="Sample")),
            Include(relation="parameters", scope=Query(model="Parameter", limit=MOST_PARAMETERS)),
            members,
        ),
    )
    return site.record(who, query, pid)


def _present(record: dict[str, Any]) -> dict[str, str]:
    """Return what the fields are, as a page can hold it."""
    found = {name: record.get(name) for name in FIELDS if name != "instrument"}
    found["instrument"] = (record.get("instrument") or {}).get("pid")
    return {name: clean(lines(str(value or ""))) for name, value in found.items()}


def _edited(site: Site, request: Request, who: Who, pid: str, typed: RecordForm) -> Response:
    present = _present(_record(site, who, pid))
    try:
        edit = _edit(present, typed)
        selection = Selection(pids=(pid,))
        token = site.runs.preview(who, selection, edit, sample=1).token
        # that nothing would change is said there
        site.runs.apply(who, selection, edit, reason=typed.reason, token=token)
    except (Conflict, Invalid) as error:
        return _form(site, request, who, pid, typed=typed, error=error)
    return go_to(f"{site.render.root}/datasets/{pid_path(pid)}/-/history?done=edited")


def _edit(present: dict[str, str], typed: RecordForm) -> Edit:
    """Return what is to be done; never write over what somebody else changed meanwhile.

    Raises
    ------
    Conflict, Invalid
    """
    changed = typed.changed()
    lost = [
        name
        for name in changed
        if _same_as_sent(name, present[name]) != _same_as_sent(name, getattr(typed, f"was_{name}"))
    ]
    if lost:
        raise Conflict(
            f"Somebody else has changed {' and '.join(lost)} meanwhile.",
            hint="What you typed is kept; what stands there now is said below it.",
        )
    operations: list[Operation] = [
        SetField(field=name, value=value if value.strip() else None)
        for name, value in changed.items()
    ]
    operations += typed.others()
    if not operations:
        raise Invalid("Nothing was changed.", field="title", hint="Change a field first.")
    return Edit(operations=tuple(operations))


def _form(
    site: Site,
    request: Request,
    who: Who,
    pid: str,
    *,
    typed: RecordForm | None = None,
    error: Conflict | Invalid | None = None,
) -> Response:
    record = _record(site, who, pid)
    present = _present(record)
    values = {**present, **(typed.changed() if typed is not None else {})}
    parameters = record.get("parameters", [])
    # one that nobody may choose stays until another is chosen
    kept = filter(None, (present["kind"], values["kind"]))
    return site.render.page(
        request,
        "record",
        status=200 if error is None else error.status,
        headers={"Cache-Control": "no-store"},
        title=f"Edit {record.get('title') or pid}",
        name=record.get("title") or pid,
        pid=pid,
        path=f"{site.render.root}/datasets/{pid_path(pid)}/-/edit",
        present=present,
        values=values,
        typed=typed or RecordForm(),
        kinds=[("", "–"), *((name, name) for name in dict.fromkeys((*KINDS, *kept)))],
        techniques=facts.methods(record),
        samples=record.get("samples", []),
        members=[
            {"name": person.get("fullName") or person["id"], "role": member.get("role")}
            for member in record.get("members", [])
            if (person := member.get("person"))
        ],
        measures=facts.measures(parameters),
        parameter_names=sorted({item["name"] for item in parameters if item.get("name")}),
        wrong=_wrong(error),
        error=error,
    )


def _wrong(error: Conflict | Invalid | None) -> str | None:
    field = error.field if isinstance(error, Invalid) else None
    return field if field in FIELDS else wrong_field(error)


def _history(site: Site, request: Request, who: Who, pid: str) -> Response:
    entries = site.runs.history(who, "Dataset", pid)
    record = site.record(who, Query(model="Dataset"), pid)
    name = record.get("title") or pid
    return site.render.page(
        request,
        "history",
        title=f"History of {name}",
        name=name,
        pid=pid,
        tabs=TABS,
        entries=[
            {
                "run": item.run,
                "kind": RUN_KINDS.get(item.kind, item.kind),
                "act": _ACTS[item.act],
                "who": item.who,
                "at": item.at.isoformat(),
                "reason": item.reason,
                "is_undone": item.is_undone,
                "changes": changes(item.changes),
            }
            for item in entries
        ],
        done=_DONE.get(request.query_params.get("done", "")),
    )
