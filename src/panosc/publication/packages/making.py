"""Making packages: a draft is kept, looked at, changed, thrown away or published.

A draft is a closed document: its team and stewards see it, to all others it does not exist, and
its DOI is a draft, too. Publishing opens the document for good and has the DOI registered. Whoever
may have a DOI registered for one of its datasets may make a package; it belongs to their group.
"""

import base64
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from panosc.catalogue import changes
from panosc.catalogue.publishing.tables import doi
from panosc.catalogue.staging import PACKAGE
from panosc.catalogue.tables import dataset, document, document_dataset, member
from panosc.catalogue.writer import write
from panosc.domain.access import ALWAYS, ANYONE, Guard, State, Who, may_do, state_of
from panosc.domain.errors import Conflict, Forbidden, NotFound
from panosc.policy import audit
from panosc.policy.decisions.records import is_text, signed_in, wrong_scope
from panosc.publication.exports.datacite_json import attributes
from panosc.publication.gathering import Gatherer
from panosc.publication.minting import queue
from panosc.publication.minting.asking import Minting
from panosc.publication.minting.queue import Line
from panosc.publication.packages.drafting import Draft, Fault, checked, faults
from panosc.publication.packages.people import Creator, creators_of
from panosc.publication.record import Address, Part, Publication

TYPE: Final = "collection"
Step = Literal["registered", "findable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a package might be made of."""

    datasets: list[Publication]
    creators: list[Creator]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package as those see it who may publish it."""

    publication: Publication
    draft: Draft
    datasets: list[Publication]
    creators: list[Creator]
    state: State
    line: Line | None
    attributes: dict[str, Any]
    """What DataCite is, or would be, told."""
    faults: tuple[Fault, ...]


class Packages:
    """Makes packages, and tells of them.

    Parameters
    ----------
    pid_prefix : str
        Before the slash of new PIDs.
    """

    def __init__(
        self, engine: sa.Engine, gatherer: Gatherer, minting: Minting, *, pid_prefix: str
    ) -> None:
        self._engine = engine
        self._gatherer = gatherer
        self._minting = minting
        self._clock: Callable[[], datetime] = minting.clock
        self._prefix = pid_prefix

    def material(self, who: Who, pids: Iterable[str], address: Address) -> Material:
        """Return datasets that `who` may put into a package, and their people.

        Raises
        ------
        Unauthenticated, WrongScope
        NotFound
            If there is none of them that `who` may know of.
        Forbidden
            If `who` may have no DOI registered for any of them.
        """
        signed_in(who)
        with self._engine.connect() as connection:
            found = self._known(connection, who, tuple(pids), address)
            self._owner(connection, who, found)
            creators = creators_of(connection, [item.pid for item in found])
        return Material(datasets=found, creators=creators)

    def start(self, who: Who, draft: Draft, address: Address) -> str:
        """Keep a draft, and return the PID of the package.

        Raises
        ------
        Unauthenticated, Forbidden, WrongScope, NotFound, Invalid, Conflict
        """
        pid = f"{self._prefix}/{base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]}"
        self._keep(who, pid, draft, address, is_new=True)
        if self._minting.account is not None:
            self._minting.mint(who, "Document", pid, state="draft")
        return pid

    def change(self, who: Who, pid: str, draft: Draft, address: Address) -> None:
        """Replace what a draft says.

        Raises
        ------
        Unauthenticated, Forbidden, WrongScope, NotFound, Invalid
        Conflict
            If it is published.
        """
        self._keep(who, pid, draft, address, is_new=False)

    def look(self, who: Who, pid: str, address: Address) -> Package:
        """Return a package, for those who may publish it.

        Raises
        ------
        Unauthenticated, NotFound, WrongScope
        """
        signed_in(who)
        with self._engine.connect() as connection:
            row = self._row(connection, who, pid)
            (publication,) = self._gatherer.many(connection, who, "Document", [pid], address)
            extra = row.extra or {}
            pids = [text for text in extra.get("hasPart") or () if isinstance(text, str)]
            datasets = self._gatherer.many(connection, who, "Dataset", pids, address)
            creators = creators_of(connection, [item.pid for item in datasets])
            line = queue.line_of(connection, "Document", pid)
        draft = Draft(
            title=row.title or "",
            abstract=row.summary or "",
            licence=row.license or "",
            publication=extra.get("publication"),
            datasets=tuple(pids),
            creators=tuple(extra.get("creators") or ()),
            parts=publication.parts,
        )
        told = publication if line is None else replace(publication, doi=line.doi)
        described = attributes(replace(told, access="open", opens=None))
        return Package(
            publication=told,
            draft=draft,
            datasets=datasets,
            creators=creators,
            state=_state(row, self._clock()),
            line=line,
            attributes=described,
            faults=faults(described, told),
        )

    def publish(self, who: Who, pid: str, *, state: Step) -> None:
        """Open a package to everyone for good, and have its DOI come to a state.

        Without an account at DataCite it has its PID alone.

        Raises
        ------
        Unauthenticated, NotFound, WrongScope
        """
        now = self._clock()
        with self._engine.begin() as connection:
            row = self._row(connection, who, pid)
            if self._minting.account is not None:
                self._minting.mint_in(connection, who, "Document", pid, state=state)
            touched = [("Document", pid)]
            if _state(row, now) == "closed":
                connection.execute(
                    sa.update(document)
                    .where(document.c.id == row.id)
                    .values(
                        access="open",
                        is_public=True,
                        release_date=now,
                        core_at=ALWAYS,
                        open_at=ALWAYS,
                        changed=now,
                    )
                )
                touched += self._members(connection, row.id)
                audit.record(connection, who, "package.published", now=now, subject=pid)
            changes.append(connection, touched)

    def discard(self, who: Who, pid: str) -> None:
        """Throw a draft away; nothing of it is kept.

        Raises
        ------
        Unauthenticated, NotFound, WrongScope
        Conflict
            If it is published.
        """
        now = self._clock()
        with self._engine.begin() as connection:
            row = self._draft(connection, who, pid)
            connection.execute(
                sa.delete(doi).where(
                    doi.c.model == "Document", doi.c.pid == pid, doi.c.state.is_(None)
                )
            )
            for part in (member, document_dataset):
                connection.execute(sa.delete(part).where(part.c.document_id == row.id))
            connection.execute(
                sa.update(document)
                .where(document.c.id == row.id)
                .values(
                    mark="erased",
                    access="erased",
                    title=None,
                    summary=None,
                    extra=None,
                    changed=now,
                )
            )
            audit.record(connection, who, "package.discarded", now=now, subject=pid)
            changes.append(connection, [("Document", pid)])

    def _keep(self, who: Who, pid: str, draft: Draft, address: Address, *, is_new: bool) -> None:
        said, now = checked(draft), self._clock()
        person = signed_in(who)
        with self._engine.begin() as connection:
            if not is_new:
                self._draft(connection, who, pid)
            found = self._known(connection, who, said.datasets, address)
            if len(found) < len(said.datasets):
                raise NotFound(
                    "Some of the datasets are not here, or not for you.",
                    hint="Take them out, and try again.",
                )
            owner = self._owner(connection, who, found)
            parts = self._parts(connection, said)
            chosen = [
                one
                for one in creators_of(connection, said.datasets)
                if not said.creators or one.key in said.creators
            ]
            row = {
                "pid": pid,
                "type": TYPE,
                "title": said.title,
                "summary": said.abstract or None,
                "license": said.licence,
                "access": "closed",
                "isPublic": False,
                "ownerGroup": owner,
                "source": PACKAGE,
                "hasPart": list(said.datasets),
                "creators": list(said.creators),
                "parts": [_part(part) for part in parts],
                "publication": said.publication,
                "relatedIdentifiers": _supplements(said.publication),
            }
            write(
                connection,
                [
                    ("Document", row),
                    *(("Member", _member(pid, place, one)) for place, one in enumerate(chosen)),
                ],
                now=now,
            )
            self._link(connection, pid, said.datasets)
            event = "package.drafted" if is_new else "package.changed"
            audit.record(connection, who, event, now=now, subject=pid, by=person)

    def _link(self, connection: sa.Connection, pid: str, datasets: tuple[str, ...]) -> None:
        # not through the writer, which replaces all documents of a dataset by those given
        key = sa.select(document.c.id).where(document.c.pid == pid).scalar_subquery()
        connection.execute(sa.delete(document_dataset).where(document_dataset.c.document_id == key))
        connection.execute(
            sa.insert(document_dataset).from_select(
                ["document_id", "dataset_id", "key"],
                sa.select(key, dataset.c.id, sa.literal(PACKAGE)).where(
                    dataset.c.pid.in_(datasets)
                ),
            )
        )

    def _members(self, connection: sa.Connection, key: int) -> list[tuple[str, str]]:
        rows = connection.execute(
            sa.select(dataset.c.pid)
            .join(document_dataset, document_dataset.c.dataset_id == dataset.c.id)
            .where(document_dataset.c.document_id == key)
        )
        return [("Dataset", pid) for pid in rows.scalars()]

    def _known(
        self, connection: sa.Connection, who: Who, pids: tuple[str, ...], address: Address
    ) -> list[Publication]:
        found = self._gatherer.many(connection, who, "Dataset", pids, address)
        # a page that everyone may read must not tell of what most may not know of
        public = [item for item in found if item.access in {"open", "embargoed"}]
        if not public:
            raise NotFound(
                "There is no dataset that a package could be made of.",
                hint="Select datasets that are open or under embargo.",
            )
        return public

    def _owner(self, connection: sa.Connection, who: Who, found: list[Publication]) -> str | None:
        """Return the group of the first dataset that `who` may have a DOI registered for."""
        for item in found:
            record = self._minting.may_publish(connection, who, item.pid)
            if record is not None:
                return record.guard.group
        able = replace(who, scopes=who.scopes | {"write", "manage"})
        if any(self._minting.may_publish(connection, able, item.pid) for item in found):
            raise wrong_scope("write")
        raise Forbidden(
            "You may not publish any of these datasets: the policy leaves that to the PI of their "
            "group, and to stewards.",
            hint="Ask the PI, or a data steward.",
        )

    def _parts(self, connection: sa.Connection, said: Draft) -> list[Part]:
        """Return the parts, which are of open datasets: those of others would tell of detail."""
        pids = sorted({part.pid for part in said.parts})
        if not pids:
            return []
        rows = self._gatherer.many(connection, ANYONE, "Dataset", pids, lambda path: path)
        closed = set(pids) - {item.pid for item in rows if item.detail is not None}
        if closed:
            raise Conflict(
                f"Parts are named of {', '.join(sorted(closed))}, which is not open: they would "
                "tell what is in it.",
                hint="Name the dataset as a whole.",
            )
        return list(said.parts)

    def _row(self, connection: sa.Connection, who: Who, pid: str) -> Any:
        """Return the row of a package that `who` may publish; to others there is none."""
        signed_in(who)
        row: Any = None
        if is_text(pid):
            row = connection.execute(
                sa.select(document).where(
                    document.c.pid == pid, document.c.type == TYPE, document.c.source == PACKAGE
                )
            ).first()
        if row is not None:
            guard = Guard(
                mark=row.mark, core_at=row.core_at, open_at=row.open_at, group=row.owner_group
            )
            if may_do(who, "publish", guard):
                return row
            if may_do(replace(who, scopes=who.scopes | {"write", "manage"}), "publish", guard):
                raise wrong_scope("write")
        raise NotFound(
            f"There is no package “{pid[:200]}” that you could publish.",
            hint="Begin a new one from your selection.",
        )

    def _draft(self, connection: sa.Connection, who: Who, pid: str) -> Any:
        row = self._row(connection, who, pid)
        if _state(row, self._clock()) != "closed":
            raise Conflict(
                "The package is published: it stays as it is.",
                hint="Make a new one, and ask a steward to withdraw this one if it is wrong.",
            )
        return row


def _state(row: Any, now: datetime) -> State:
    return state_of(Guard(mark=row.mark, core_at=row.core_at, open_at=row.open_at), now=now)


def _member(pid: str, place: int, one: Creator) -> dict[str, Any]:
    return {
        "id": f"{pid}#{place}",
        "documentId": pid,
        "personId": one.key,
        "affiliationId": one.affiliation,
        "role": one.role,
    }


def _part(part: Part) -> dict[str, str]:
    return {name: getattr(part, name) for name in ("pid", "file", "path", "selection")}


def _supplements(publication: str | None) -> list[dict[str, str]]:
    if publication is None:
        return []
    return [
        {
            "relatedIdentifier": publication,
            "relationType": "IsSupplementTo",
            "resourceTypeGeneral": "JournalArticle",
        }
    ]
