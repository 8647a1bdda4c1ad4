"""The policies over HTTP, for anyone, and why a dataset is open or not, under ``/api/v1``."""

from datetime import datetime
from typing import Annotated

import yaml
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from panosc.domain.access import State, Who
from panosc.policy.asking import who_asks
from panosc.policy.document import Document
from panosc.policy.explaining import Doing, Explanation, Readers
from panosc.policy.routes.rest import PREFIX, answers, by_pid
from panosc.policy.service import Policy


class VersionOut(BaseModel):
    """One version of a policy."""

    name: str
    is_in_force: bool
    added: datetime | None
    """Since when this node knows it."""
    document: Document


class PoliciesOut(BaseModel):
    """The versions in force, newest first, and those before them."""

    policies: list[VersionOut]


class ReadersOut(BaseModel):
    """How many people hold a role; their names only for the team."""

    role: str
    number: int
    names: list[str] | None


class DoingOut(BaseModel):
    """What can be done, by which roles."""

    act: str
    roles: list[str]
    you_may: bool
    terms: str | None


class AccessOut(BaseModel):
    """Why a dataset is closed, embargoed or open."""

    pid: str
    title: str | None
    state: State
    since: datetime | None
    until: datetime | None
    reasons: list[str]
    policy: str | None
    policy_title: str | None
    data_class: str
    counted_from: datetime | None
    counted_by: str | None
    group: str | None
    readers: list[ReadersOut]
    shared_with: int | None
    can_do: list[DoingOut]
    may_request: bool


def access_of(found: Explanation) -> AccessOut:
    """Return an explanation as JSON."""
    plain = (name for name in AccessOut.model_fields if name not in {"readers", "can_do"})
    return AccessOut(
        readers=[_readers(item) for item in found.readers],
        can_do=[_doing(item) for item in found.can_do],
        **{name: getattr(found, name) for name in plain},
    )


def _readers(item: Readers) -> ReadersOut:
    names = None if item.names is None else list(item.names)
    return ReadersOut(role=item.role, number=item.number, names=names)


def _doing(item: Doing) -> DoingOut:
    return DoingOut(act=item.act, roles=list(item.roles), you_may=item.you_may, terms=item.terms)


def versions(policy: Policy) -> list[VersionOut]:
    """Return every version of every policy of this node."""
    with policy.engine.connect() as connection:
        return [
            VersionOut(
                name=item.document.name,
                is_in_force=item.is_in_force,
                added=item.added,
                document=item.document,
            )
            for item in policy.shelf.versions(connection)
        ]


def text_of(policy: Policy, version: VersionOut) -> str:
    """Return a version as YAML: as it was written where it is in force, comments and all."""
    written = policy.shelf.texts.get(version.name)
    if written is not None:
        return written
    return yaml.safe_dump(version.document.as_json(), sort_keys=False, allow_unicode=True)


def router(policy: Policy) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=PREFIX, tags=["Policy"])
    caller = Annotated[Who, Depends(who_asks)]

    def listed(_who: caller) -> PoliciesOut:
        """Tell which policies are in force, and which were."""
        return PoliciesOut(policies=versions(policy))

    def explain(who: caller, pid: str) -> AccessOut:
        """Tell why a dataset is closed, embargoed or open, until when, and who may open it."""
        return access_of(by_pid(pid, lambda name: policy.explaining.explain(who, name)))

    routes.add_api_route("/policy", listed, summary="The data policies")
    routes.add_api_route(
        "/datasets/{pid:path}/access",
        explain,
        summary="Why a dataset is open or not",
        responses=answers(404, 410),
    )
    return routes
