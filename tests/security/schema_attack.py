"""Requests made from the API description, by every role in turn, and what is wrong in the answers.

Wrong is: a 5xx, a status that is not described, another content type or body than described.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import requests
import schemathesis
import security_node as given
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import FailureGroup

from panosc.catalogue.people import account, token
from panosc.domain.access import OPERATOR

WANTED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
ROLES = ("anonymous", *given.PEOPLE)
PIDS = [f"10.5072/{state}" for state in ("open", "embargoed", "closed", "withdrawn", "erased")]
SETTINGS = hypothesis.settings(
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)


@schemathesis.serializer("application/x-ndjson")
def lines_of_json(_context: Any, value: Any) -> bytes:
    """Write what was made up for a stream of lines, as it is where it is text."""
    match value:
        case bytes():
            return value
        case str():
            return value.encode(errors="replace")
        case list():
            return b"\n".join(json.dumps(one, default=str).encode() for one in value)
        case _:
            return json.dumps(value, default=str).encode()


@dataclass
class Report:
    """What was asked and what was wrong: operation → the first finding of each kind."""

    requests: int = 0
    rounds: int = 0
    by_status: dict[int, int] = field(default_factory=dict)
    by_role: dict[str, int] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    succeeded: set[str] = field(default_factory=set)
    findings: dict[tuple[str, str], str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Yield it for people to read."""
        yield f"{self.requests} requests in {self.rounds} rounds over {len(self.asked)} operations"
        yield f"by status: {dict(sorted(self.by_status.items()))}; by role: {self.by_role}"
        for (operation, kind), text in sorted(self.findings.items()):
            yield f"\n{operation}: {kind}\n{text}"


class Attack:
    """Makes requests to a node from its description."""

    def __init__(self, node: given.Node, *, seed: int = 1) -> None:
        self._node = node
        self._seed = seed
        self._session = requests.Session()
        self._session.trust_env = False
        document = requests.get(node.address + "/api/openapi.json", timeout=30).json()
        schema = schemathesis.openapi.from_dict(document)
        schema.config.update(base_url=node.address)
        # who asks is ours to say: see `_credential`
        schema.config.generation.with_security_parameters = False
        self.operations = {}
        for result in schema.get_all_operations():
            operation = result.ok()
            self.operations[operation.label] = operation
        self._checks = checks.CHECKS.get_by_names(list(WANTED))
        self._cases: dict[str, list[st.SearchStrategy[Any]]] = {}
        self.report = Report()

    def run(self, seconds: float, *, examples: int = 3, rounds: int | None = None) -> Report:
        """Go through all operations again and again, until time or rounds are over.

        Within one round each operation is asked by one role; each next round by the next.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until and (rounds is None or self.report.rounds < rounds):
            for number, label in enumerate(self.operations):
                if time.monotonic() > until and self.report.rounds:
                    return self.report
                role = ROLES[(number + self.report.rounds) % len(ROLES)]
                self._ask(label, role, examples)
            self.report.rounds += 1
        return self.report

    def _ask(self, label: str, role: str, examples: int) -> None:
        operation = self.operations[label]
        headers = self._credential(role)
        if label not in self._cases:
            self._cases[label] = [
                operation.as_strategy(generation_mode=mode)
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
            ]
        # every other round with wrong values, too
        modes = self._cases[label][: 1 + self.report.rounds % 2]

        @hypothesis.seed(self._seed * 10_000 + self.report.rounds)
        @hypothesis.settings(SETTINGS, max_examples=examples)
        @hypothesis.given(case=st.one_of(modes), pid=st.sampled_from([None, *PIDS]))
        def attempt(case: Any, pid: str | None) -> None:
            if pid is not None and "pid" in (case.path_parameters or {}):
                case.path_parameters["pid"] = pid
            self._send(label, role, case, headers)

        try:
            attempt()
        except Unsatisfiable:
            # nothing of this kind can be made, such as a wrong value where all are right
            return

    def _send(self, label: str, role: str, case: Any, headers: dict[str, str]) -> None:
        report = self.report
        report.asked.add(label)
        report.requests += 1
        report.by_role[role] = report.by_role.get(role, 0) + 1
        try:
            response = case.call(
                session=self._session, headers=headers, allow_redirects=False, timeout=30
            )
        except requests.exceptions.RequestException as error:
            report.findings.setdefault((label, type(error).__name__), str(error))
            return
        report.by_status[response.status_code] = report.by_status.get(response.status_code, 0) + 1
        if response.status_code < 400:
            report.succeeded.add(label)
        try:
            case.validate_response(response, checks=self._checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                text = f"as {role}: {case.as_curl_command()}\n{str(failure)[:1500]}"
                report.findings.setdefault((label, type(failure).__name__), text)

    def _credential(self, role: str) -> dict[str, str]:
        """Return headers of a caller who is what the role says, whatever was done before."""
        if role == "anonymous":
            return {}
        revive(self._node, role)
        if self.report.rounds // len(ROLES) % 2:
            with self._node.engine.begin() as connection:
                connection.execute(sa.delete(token).where(token.c.account == f"u-{role}"))
            made = self._node.identity.tokens.create(
                OPERATOR,
                name="attack",
                scopes=("read", "data", "write"),
                days=1,
                owner=f"u-{role}",
            )
            return {"Authorization": f"Bearer {made.secret}"}
        return {**self._node.cookie(role), "Sec-Fetch-Site": "same-origin"}


def revive(node: given.Node, role: str) -> None:
    """Undo what the attack did to a person: erased, locked, out of their groups."""
    with node.engine.begin() as connection:
        connection.execute(
            sa.update(account)
            .where(account.c.id == f"u-{role}")
            .values(erased_at=None, locked_at=None, terms=node.settings.terms_version)
        )
    given.people(node.engine, node.settings)
