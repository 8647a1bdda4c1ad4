"""Who may see a dataset, why and until when; what its team and the stewards may do about it.

Everyone who may know of the dataset has this page. It is one GET page; each form of it answers
with the page again: 303 when it is done, or with the error in place and what was typed kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from panosc.domain.access import NEVER, Act, Who
from panosc.domain.errors import Conflict, Invalid
from panosc.domain.pid import pid_path
from panosc.policy.decisions.records import Record, in_charge
from panosc.policy.decisions.sharing import LINK_DAYS, LONGEST_LINK, Given, Made
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages

COOKIE = "panosc_new_link"
SECONDS = 60
_PURPOSE = "new link"
_ERRORS = (400, 401, 403, 404, 409, 410, 422)
_ACTS: tuple[Act, ...] = ("share", "answer", "release", "extend", "approve", "withdraw", "erase")
_DONE = {
    "request": "Your request is on its way. The answer will stand on your page “Requests”.",
    "share": "It is shared.",
    "taken-back": "The share is taken back: it ended at once.",
    "release": "It is open to everyone from now on.",
    "extend": "The request for a longer embargo waits for its answer.",
    "withdraw": "It is withdrawn. Its page stays, with the reason.",
    "restore": "It is restored.",
    "erase": "The erasure was asked for. A second person has to confirm it.",
}

Text = Annotated[str, Form(max_length=5000)]


class ShareForm(BaseModel):
    """What is typed to share a dataset."""

    kind: str = Field(default="", max_length=20)
    name: str = Field(default="", max_length=5000)
    until: str = Field(default="", max_length=300)
    note: str = Field(default="", max_length=5000)


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent: which, what was typed, and what it does."""

    form: str
    typed: dict[str, str]
    do: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A form that was refused: which, what was typed, and why it was."""

    form: str
    typed: dict[str, str]
    error: Invalid | Conflict

    @property
    def field(self) -> str | None:
        """The name of the field that is wrong."""
        return self.error.field if isinstance(self.error, Invalid) else None


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()
    here = "/datasets/{pid:path}/-/access"

    def show(request: Request, who: Asker, pid: str) -> Response:
        return _page(site, request, who, pid)

    add_page(routes, here, show, summary="Who may see a dataset")
    _add_sharing_forms(routes, site, here)
    _add_end_forms(routes, site, here)
    _add_steward_forms(routes, site, here)
    return routes


def day(text: str, name: str = "until") -> datetime | None:
    """Return the end of a day that was typed; None when nothing was.

    Raises
    ------
    Invalid
        If it is no day.
    """
    if not text.strip():
        return None
    try:
        return datetime.combine(date.fromisoformat(text.strip()), time(23, 59, 59), UTC)
    except ValueError:
        raise Invalid(
            f"{text[:40]!r} is not a day.", field=name, hint="Write it like 2027-05-31."
        ) from None


def _add_sharing_forms(routes: APIRouter, site: Site, here: str) -> None:
    policy = site.policy

    def ask(request: Request, who: Asker, pid: str, text: Text = "") -> Response:
        def do() -> None:
            policy.petitions.ask_access(who, pid, text=text)

        return _sent(site, request, who, pid, Sent("request", {"text": text}, do))

    def share(
        request: Request,
        who: Asker,
        pid: str,
        shared: Annotated[ShareForm, Form()],
    ) -> Response:
        return _share(site, request, who, pid, shared)

    def take_back(request: Request, who: Asker, pid: str, share: str) -> Response:
        def do() -> None:
            policy.sharing.take_back(who, pid, share)

        return _sent(site, request, who, pid, Sent("taken-back", {}, do))

    def add(name: str, handler: Callable[..., Response], summary: str) -> None:
        add_form(routes, f"{here}/{name}", handler, summary=summary, errors=_ERRORS)

    add("request", ask, "Ask for access to a dataset")
    add("share", share, "Share a dataset")
    add("shares/{share}/take-back", take_back, "Take back a share of a dataset")


def _add_end_forms(routes: APIRouter, site: Site, here: str) -> None:
    policy = site.policy

    def release(
        request: Request, who: Asker, pid: str, reason: Text = "", sure: Text = ""
    ) -> Response:
        def do() -> None:
            if not sure:
                raise Invalid(
                    "Say that you are sure: it cannot be undone.",
                    field="sure",
                    hint="Tick the box.",
                )
            policy.acts.release(who, pid, reason=reason.strip() or None)

        policy.acts.check(who, pid, "release")
        return _sent(site, request, who, pid, Sent("release", {"reason": reason}, do))

    def extend(
        request: Request, who: Asker, pid: str, years: Text = "", text: Text = ""
    ) -> Response:
        def do() -> None:
            number = int(years) if years.strip().isascii() and years.strip().isdigit() else 0
            policy.petitions.ask_extension(who, pid, years=min(number, 10**6), text=text)

        return _sent(site, request, who, pid, Sent("extend", {"years": years, "text": text}, do))

    def add(name: str, handler: Callable[..., Response], summary: str) -> None:
        add_form(routes, f"{here}/{name}", handler, summary=summary, errors=_ERRORS)

    add("release", release, "Release a dataset early")
    add("extend", extend, "Ask for a longer embargo of a dataset")


def _add_steward_forms(routes: APIRouter, site: Site, here: str) -> None:
    policy = site.policy

    def withdraw(
        request: Request, who: Asker, pid: str, reason: Text = "", superseded_by: Text = ""
    ) -> Response:
        def do() -> None:
            policy.acts.withdraw(
                who, pid, reason=reason, superseded_by=superseded_by.strip() or None
            )

        typed = {"reason": reason, "superseded_by": superseded_by}
        return _sent(site, request, who, pid, Sent("withdraw", typed, do))

    def restore(request: Request, who: Asker, pid: str, reason: Text = "") -> Response:
        def do() -> None:
            policy.acts.restore(who, pid, reason=reason)

        return _sent(site, request, who, pid, Sent("restore", {"reason": reason}, do))

    def erase(request: Request, who: Asker, pid: str, reason: Text = "") -> Response:
        def do() -> None:
            policy.petitions.ask_erasure(who, pid, reason=reason)

        return _sent(site, request, who, pid, Sent("erase", {"reason": reason}, do))

    def add(name: str, handler: Callable[..., Response], summary: str) -> None:
        add_form(routes, f"{here}/{name}", handler, summary=summary, errors=_ERRORS)

    add("withdraw", withdraw, "Withdraw a dataset")
    add("restore", restore, "Restore a withdrawn dataset")
    add("erase", erase, "Ask for the erasure of a dataset")


def _path(site: Site, pid: str) -> str:
    return f"{site.render.root}/datasets/{pid_path(pid)}/-/access"


def _sent(site: Site, request: Request, who: Who, pid: str, sent: Sent) -> Response:
    """Do what a form asks for; show it again with the error when it cannot be done."""
    try:
        sent.do()
    except (Invalid, Conflict) as error:
        refused = Refused(form=sent.form, typed=sent.typed, error=error)
        return _page(site, request, who, pid, refused=refused)
    return go_to(f"{_path(site, pid)}?done={sent.form}")


def _share(site: Site, request: Request, who: Who, pid: str, shared: ShareForm) -> Response:
    made: list[Made] = []

    def do() -> None:
        if shared.kind not in {"person", "group", "link"}:
            raise Invalid("Say with whom to share.", field="kind", hint="Choose one of the three.")
        kind: Any = shared.kind
        until = day(shared.until)
        made.append(
            site.policy.sharing.give(
                who, pid, kind=kind, name=shared.name, until=until, note=shared.note
            )
        )

    answer = _sent(site, request, who, pid, Sent("share", shared.model_dump(), do))
    if made and made[0].secret is not None:
        now = site.policy.clock()
        told = {
            "secret": made[0].secret,
            "account": who.person,
            "pid": pid,
            "until": (now + timedelta(seconds=SECONDS)).isoformat(),
        }
        answer.set_cookie(
            COOKIE,
            site.identity.keys.seal(told, _PURPOSE),
            max_age=SECONDS,
            path=f"{site.render.root}/datasets",
            secure=site.identity.sessions.is_secure,
            httponly=True,
            samesite="strict",
        )
    return answer


def _new_link(site: Site, request: Request, who: Who, pid: str) -> str | None:
    """Return the address of a link that the same person made just now."""
    found = site.identity.keys.unseal(request.cookies.get(COOKIE, ""), _PURPOSE)
    if found is None or (found["account"], found["pid"]) != (who.person, pid):
        return None
    if datetime.fromisoformat(found["until"]) <= site.policy.clock():
        return None
    return site.render.address(request, f"/share/{found['secret']}")


def _page(
    site: Site, request: Request, who: Who, pid: str, *, refused: Refused | None = None
) -> Response:
    record, state = site.policy.acts.look(who, pid)
    opens = record.guard.open_at
    is_shared, shared_until = site.policy.sharing.mine(who, record)
    explained = site.policy.explaining.explain(who, pid)
    link = _new_link(site, request, who, pid) if refused is None else None
    answer = site.render.page(
        request,
        "access",
        status=200 if refused is None else refused.error.status,
        headers={"Cache-Control": "no-store"},
        title=f"Who may see {record.title or pid}",
        name=record.title or pid,
        pid=pid,
        path=_path(site, pid),
        access={
            "access": state,
            "until": _said(opens) if state == "embargoed" and opens != NEVER else None,
        },
        reason=record.reason,
        reasons=explained.reasons if state != "withdrawn" else (),
        has_policy=explained.policy is not None,
        is_shared=is_shared,
        shared_until=_said(shared_until),
        is_signed_in=who.person is not None,
        link=link,
        done=_DONE.get(request.query_params.get("done", "")),
        refused=refused,
        **_team(site, who, record),
        **_limits(site, record),
    )
    if COOKIE in request.cookies:
        answer.delete_cookie(COOKIE, path=f"{site.render.root}/datasets")
    return answer


def _team(site: Site, who: Who, record: Record) -> dict[str, Any]:
    """Return what the caller may do here, and what is asked for and shared already."""
    policy = site.policy
    rules = policy.acts.rules_of(record.policy)
    is_theirs = in_charge(who, record)
    shares: list[Given] = policy.sharing.listed(who, record.pid) if is_theirs else []
    asked = policy.petitions.of_dataset(who, record)
    return {
        "can": {act: policy.acts.may_do(who, act, record) for act in _ACTS},
        "answerers": _roles(rules, "answer"),
        "releasers": _roles(rules, "release"),
        "is_theirs": is_theirs,
        "shares": [
            {
                "id": item.id,
                "kind": item.kind,
                "name": item.name or item.reader.removeprefix("person:"),
                "until": _said(item.until),
                "note": item.note,
                "by": item.by_name or item.by,
                "is_over": item.is_over,
                "source": item.source,
            }
            for item in shares
        ],
        "own_request": next((item for item in asked if item.account == who.person), None),
        "to_answer": sum(item.account != who.person for item in asked),
        "pending": {item.kind for item in asked},
    }


def _limits(site: Site, record: Record) -> dict[str, Any]:
    today = site.policy.clock().date()
    limits = site.policy.petitions.limits_of(record.policy)
    left = limits.total - limits.first - record.extended_years
    return {
        "most_years": max(0, min(limits.each, left)),
        "tomorrow": (today + timedelta(days=1)).isoformat(),
        "link_end": (today + timedelta(days=LINK_DAYS)).isoformat(),
        "last_link_end": (today + LONGEST_LINK - timedelta(days=1)).isoformat(),
    }


def _roles(rules: Any, act: Act) -> str:
    names = [role.replace("_", " ") for role in sorted(rules) if act in rules[role]]
    names = ["principal investigator" if name == "pi" else name for name in names]
    return " or the ".join(names) or "nobody"


def _said(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
