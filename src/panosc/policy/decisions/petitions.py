"""What people ask for and others answer: access, a longer embargo, erasure.

Access is asked for by anyone who has signed in and answered by whom the policy says; a grant is a
share. An extension is asked for by the team and granted by whoever approves. An erasure needs two
people: who may erase and who approves, in either order. Both sides see the state.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue import changes
from panosc.catalogue.people import petition
from panosc.catalogue.tables import dataset
from panosc.domain.access import Act, Who, may
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound, WrongScope
from panosc.policy import audit
from panosc.policy.decisions.acts import Acts, Decision
from panosc.policy.decisions.asked import Kind, Petition, Standing, close, in_reach, read
from panosc.policy.decisions.records import (
    Record,
    in_charge,
    is_text,
    load,
    signed_in,
    text_of,
    wrong_scope,
)
from panosc.policy.decisions.sharing import Sharing, checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far an embargo may be put off, in years, as a policy says."""

    each: int = 2
    total: int = 10
    """The longest embargo in all, its first years included."""
    first: int = 3


LimitsOf = Callable[[str | None], Limits]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests that concern one person, the newest first."""

    waiting: list[Petition]
    """For this person's answer."""
    own: list[Petition]
    answered: list[Petition]
    """That this person might have answered or did."""


class Petitions:
    """Takes requests and their answers."""

    def __init__(self, acts: Acts, sharing: Sharing, limits_of: LimitsOf) -> None:
        self._acts = acts
        self._sharing = sharing
        self.limits_of = limits_of

    def ask_access(self, who: Who, pid: str, *, text: str) -> str:
        """Ask the team of an embargoed dataset for access; return the id of the request.

        Raises
        ------
        Unauthenticated, NotFound, Gone, WrongScope
        Conflict
            If it is not under embargo, the caller has access, or has asked already.
        """
        person = signed_in(who)
        words = text_of(text, "text")
        with self._acts.engine.begin() as connection:
            record = self._acts.known(connection, who, pid, lock=True)
            if "write" not in who.scopes:
                raise wrong_scope("write")
            decision = Decision(connection=connection, record=record, now=self._acts.clock())
            if decision.state != "embargoed":
                raise Conflict(
                    "Only data under embargo can be asked for.",
                    hint="What is open needs no request; what is withdrawn is not given.",
                )
            if may(who, "detail", record.guard, now=decision.now):
                raise Conflict("You have access to this dataset.", hint="Open its page.")
            self._refuse_second(decision, "access", person)
            return self._add(who, decision, "access", words)

    def ask_extension(self, who: Who, pid: str, *, years: int, text: str) -> str:
        """Ask for a longer embargo, before it ends; asks for `extend`.

        Raises
        ------
        Conflict
            If it is not under embargo, or was asked for already.
        Invalid
            If the policy does not give as many years.
        """
        words = text_of(text, "text")
        with self._acts.deciding(who, pid, "extend") as decision:
            if decision.state != "embargoed":
                raise Conflict(
                    "Only an embargo that runs can be made longer.",
                    hint="What is open is never closed again.",
                )
            self._check_years(decision.record, years)
            self._refuse_second(decision, "extension")
            return self._add(who, decision, "extension", words, years=years)

    def ask_erasure(self, who: Who, pid: str, *, reason: str) -> str:
        """Ask for a legal erasure, which a second person has to confirm.

        Whoever may `erase` asks and whoever may `approve` confirms, or the other way round.

        Raises
        ------
        Conflict
            If it was asked for already.
        """
        signed_in(who)
        words = text_of(reason, "reason")
        with self._acts.engine.begin() as connection:
            record = self._acts.known(connection, who, pid, lock=True)
            act: Act = "approve" if self._acts.may_do(who, "approve", record) else "erase"
            if self._acts.may_do(who, "erase", record):
                act = "erase"
            self._acts.demand(who, act, record)
            decision = Decision(connection=connection, record=record, now=self._acts.clock())
            self._refuse_second(decision, "erasure")
            return self._add(who, decision, "erasure", words, act=act)

    def answer(
        self,
        who: Who,
        number: str,
        *,
        granted: bool,
        words: str | None = None,
        until: datetime | None = None,
    ) -> None:
        """Grant or refuse a request; the way of the answer follows from its kind.

        Access is given until a time or for good; an extension puts off the end; an erasure is
        done at once. A refusal needs `words`.

        Raises
        ------
        NotFound
            If there is none that is the caller's to answer.
        Conflict
            If it is answered, or the dataset has changed its state since.
        """
        signed_in(who)
        said = text_of(words, "words") if words and words.strip() else None
        if not granted and said is None:
            raise Invalid(
                "The reason is missing.", field="words", hint="Tell the asker why not, in a line."
            )
        with self._acts.engine.begin() as connection:
            asked, record = self._addressed(connection, who, number)
            decision = Decision(connection=connection, record=record, now=self._acts.clock())
            self._settle(who, decision, asked, "granted" if granted else "refused", said)
            if granted:
                self._grant(who, decision, asked, said, until)
            changes.append(connection, [("Dataset", record.pid)])

    def take_back(self, who: Who, number: str) -> None:
        """Take back one's own request while it is open.

        Raises
        ------
        NotFound
            If the caller has none of that id.
        Conflict
            If it has been answered.
        """
        person, now = signed_in(who), self._acts.clock()
        with self._acts.engine.begin() as connection:
            asked = self._one(connection, number)
            if asked is None or asked.account != person:
                raise _no_request(number)
            if "write" not in who.scopes:
                raise wrong_scope("write")
            close(connection, asked, "taken back", None, by=person, now=now)
            audit.record(
                connection, who, "request.taken_back", now=now, subject=asked.pid, request=number
            )

    def listed(self, who: Who) -> Requests:
        """Return what waits for the caller, what they asked for, and what was answered.

        Raises
        ------
        Unauthenticated
        """
        person = signed_in(who)
        with self._acts.engine.connect() as connection:
            own = self._read(connection, petition.c.account == person)
            theirs = self._read(connection, petition.c.account != person, in_reach(who))
        mine = [item for item in theirs if self._may_answer(who, item)]
        return Requests(
            waiting=[item for item in mine if item.state == "open" and not item.is_moot],
            own=own,
            answered=[item for item in mine if item.state in {"granted", "refused"}],
        )

    def of_dataset(self, who: Who, record: Record) -> list[Petition]:
        """Return the open requests for a dataset that concern the caller."""
        if who.person is None:
            return []
        with self._acts.engine.connect() as connection:
            found = self._read(
                connection, petition.c.dataset_id == record.key, petition.c.state == "open"
            )
        is_theirs = in_charge(who, record)
        return [
            item
            for item in found
            if item.account == who.person
            or self._may_answer(who, item)
            or (is_theirs and item.kind == "extension")
        ]

    def _may_answer(self, who: Who, asked: Petition) -> bool:
        record = Record(key=0, pid=asked.pid, title=None, guard=asked.guard, policy=asked.policy)
        return self._acts.may_do(who, _ANSWERING[asked.kind, asked.act], record)

    def _addressed(
        self, connection: sa.Connection, who: Who, number: str
    ) -> tuple[Petition, Record]:
        """Return a request that is the caller's to answer, its dataset locked."""
        asked = self._one(connection, number)
        record = None
        if asked is not None:
            record = load(connection, dataset.c.pid == asked.pid, lock=True)
            # its state may have changed while another answer held the dataset
            asked = self._one(connection, number)
        if asked is None or record is None:
            raise _no_request(number)
        if asked.account == who.person:
            raise Forbidden(
                "Nobody answers their own request.", hint="Take it back, or wait for the others."
            )
        try:
            self._acts.demand(who, _ANSWERING[asked.kind, asked.act], record)
        except WrongScope:
            raise
        except Forbidden:
            raise _no_request(number) from None
        return asked, record

    def _settle(
        self, who: Who, decision: Decision, asked: Petition, state: Standing, words: str | None
    ) -> None:
        close(decision.connection, asked, state, words, by=str(who.person), now=decision.now)
        self._acts.note(who, f"request.{state}", decision, words, request=asked.id, kind=asked.kind)

    def _grant(
        self,
        who: Who,
        decision: Decision,
        asked: Petition,
        words: str | None,
        until: datetime | None,
    ) -> None:
        match asked.kind:
            case "access":
                if decision.state not in {"embargoed", "closed"}:
                    raise Conflict("There is nothing to give any more: its state has changed.")
                if until is not None:
                    until = checked(until, decision.now)
                self._sharing.add(who, decision, f"person:{asked.account}", until=until)
            case "extension":
                years = asked.years or 0
                self._check_years(decision.record, years)
                self._acts.extend(who, decision, years, reason=words or asked.text)
            case "erasure":
                self._acts.erase(who, decision, reason=asked.text, asked_by=asked.account)
                others = self._read(
                    decision.connection,
                    petition.c.dataset_id == decision.record.key,
                    petition.c.state == "open",
                )
                for other in others:
                    self._settle(who, decision, other, "refused", "The dataset was erased.")

    def _check_years(self, record: Record, years: int) -> None:
        limits = self.limits_of(record.policy)
        left = limits.total - limits.first - record.extended_years
        most = max(0, min(limits.each, left))
        if not 1 <= years <= most:
            raise Invalid(
                f"The policy gives {limits.each} years at a time and {limits.total} in all; here "
                f"up to {most} more.",
                field="years",
                hint="Ask for fewer." if most else "The embargo ends on its day.",
            )

    def _refuse_second(self, decision: Decision, kind: Kind, person: str | None = None) -> None:
        conditions = [
            petition.c.dataset_id == decision.record.key,
            petition.c.kind == kind,
            petition.c.state == "open",
        ]
        if person is not None:
            conditions.append(petition.c.account == person)
        if self._read(decision.connection, *conditions):
            raise Conflict(
                "This was asked for already and waits for its answer.",
                hint="The page “Requests” shows it.",
            )

    def _add(self, who: Who, decision: Decision, kind: Kind, text: str, **values: Any) -> str:
        number = secrets.token_hex(8)
        decision.connection.execute(
            sa.insert(petition).values(
                id=number,
                kind=kind,
                dataset_id=decision.record.key,
                pid=decision.record.pid,
                account=who.person,
                text=text,
                at=decision.now,
                state="open",
                **values,
            )
        )
        self._acts.note(who, "request.made", decision, request=number, kind=kind, **values)
        return number

    def _read(
        self, connection: sa.Connection, *conditions: sa.ColumnElement[bool]
    ) -> list[Petition]:
        return read(connection, *conditions, now=self._acts.clock())

    def _one(self, connection: sa.Connection, number: str) -> Petition | None:
        found = self._read(connection, petition.c.id == number) if is_text(number) else []
        return found[0] if found else None


_ANSWERING: dict[tuple[str, str | None], Act] = {
    ("access", None): "answer",
    ("extension", None): "approve",
    ("erasure", "erase"): "approve",
    ("erasure", "approve"): "erase",
}
"""What whoever answers has to be allowed: by kind and, for an erasure, the right of the asker."""


def _no_request(number: str) -> NotFound:
    return NotFound(
        f"There is no request {number!r} for you to answer or take back.",
        hint="The page “Requests” lists those that are there.",
    )
