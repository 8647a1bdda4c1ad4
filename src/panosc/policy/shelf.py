"""The policies in force at this node, and every version that ever was.

The documents of a folder are in force, read once at the start; without any, the one that comes
with the software. Each version that was in force is kept in the database and never changes, for
datasets keep the version that they were born under. What a document may say is `document`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.people import policy_version
from panosc.domain.access import ALWAYS, NEVER
from panosc.domain.errors import Conflict, Invalid, NotFound
from panosc.policy.document import Document
from panosc.policy.written.checking import check_file, document_of, refused
from panosc.settings import Settings

EXAMPLES = Path(__file__).with_name("examples")
DEFAULT = "panosc-public"
"""The example that is in force where nobody has laid down anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of a policy that is or was in force, and since when it is known here."""

    document: Document
    added: datetime | None
    is_in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reign:
    """When a document decides on data of one kind of access, by the end of the experiment."""

    document: Document
    access_type: str
    since: datetime
    until: datetime


@dataclass(slots=True, kw_only=True)
class Shelf:
    """The documents in force, newest first, and the versions that are kept.

    Parameters
    ----------
    in_force : sequence of Document
    paths : mapping
        The files that they came from, by name.
    """

    in_force: Sequence[Document]
    paths: Mapping[str, Path]
    texts: Mapping[str, str]
    """What their files said when they were read, by name, comments and all."""
    _kept: dict[str, Document] = field(default_factory=dict)
    _begins: list[tuple[Document, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._kept = {document.name: document for document in self.in_force}
        self._begins = [(document, _midnight(document)) for document in self.in_force]

    def register(self, connection: sa.Connection) -> None:
        """Keep the versions in force in the database, in the caller's transaction.

        Raises
        ------
        Conflict
            If one of them was kept before with other content.
        """
        for document in self.in_force:
            row = {
                "name": document.name,
                "document": document.as_json(),
                "hash": document.hash(),
            }
            connection.execute(insert(policy_version).values(row).on_conflict_do_nothing())
            kept = sa.select(policy_version.c.hash).where(policy_version.c.name == document.name)
            if bytes(connection.execute(kept).scalar_one()) != document.hash():
                raise Conflict(
                    f"The policy {document.name} was in force at this node with other content, "
                    f"and datasets were born under it ({self.paths.get(document.name)}).",
                    hint="Raise the version in the file, and leave the old one as it was.",
                )

    def version(self, connection: sa.Connection, name: str) -> Document:
        """Return a version by its name, ``id@version``, in force or not.

        Raises
        ------
        NotFound
        """
        if name not in self._kept:
            query = sa.select(policy_version.c.document).where(policy_version.c.name == name)
            found = connection.execute(query).scalar() if "\0" not in name else None
            if found is None:
                raise NotFound(
                    f"There is no policy “{name[:80]}” at this node.",
                    hint="`panosc policy list` names all of them.",
                )
            # a version never changes, so that it is read once
            self._kept[name] = Document.model_validate(found)
        return self._kept[name]

    def finder(self, engine: sa.Engine) -> Callable[[str], Document]:
        """Return what finds a version by its name; it asks the database once for each at most."""

        def find(name: str) -> Document:
            if name in self._kept:
                return self._kept[name]
            with engine.connect() as connection:
                return self.version(connection, name)

        return find

    def versions(self, connection: sa.Connection) -> list[Version]:
        """Return every version, those in force first, then the newest."""
        query = sa.select(policy_version.c.name, policy_version.c.added)
        added = {row.name: row.added for row in connection.execute(query)}
        names = [document.name for document in self.in_force]
        others = sorted(set(added) - set(names), key=lambda name: (added[name], name), reverse=True)
        return [
            Version(
                document=self.version(connection, name),
                added=added.get(name),
                is_in_force=name in names,
            )
            for name in (*names, *others)
        ]

    def reigns(self) -> list[Reign]:
        """Return which document decides when, for each kind of access.

        The newest one that took effect before the end of the experiment and names the kind of
        access; what is older than all of them is left to the oldest, if it says so.
        """
        found: list[Reign] = []
        kinds = {kind for document in self.in_force for kind in document.scope.access_types}
        for kind in sorted(kinds):
            naming = [item for item in self.in_force if kind in item.scope.access_types]
            ordered = sorted(naming, key=lambda item: item.policy.effective_from)
            starts = [_midnight(document) for document in ordered]
            for index, document in enumerate(ordered):
                reaches_back = index == 0 and document.scope.before_effective == "covered"
                found.append(
                    Reign(
                        document=document,
                        access_type=kind,
                        since=ALWAYS if reaches_back else starts[index],
                        until=starts[index + 1] if index + 1 < len(starts) else NEVER,
                    )
                )
        return found

    def current(self, now: datetime) -> Document:
        """Return the newest document that has taken effect, for what is not of a dataset."""
        for document, begins in self._begins:
            if begins <= now:
                return document
        return self.in_force[-1]

    def ruling_at(self, access_type: str | None, moment: datetime) -> Document | None:
        """Return the document that decides on data of an experiment that ended then."""
        for reign in self.reigns():
            if reign.access_type == access_type and reign.since <= moment < reign.until:
                return reign.document
        return None


def _midnight(document: Document) -> datetime:
    return datetime.combine(document.policy.effective_from, time(), UTC)


def folder_of(settings: Settings) -> Path | None:
    """Return the folder with this node's own documents, if it has one.

    Raises
    ------
    Invalid
        If the settings name a folder that is none.
    """
    folder = settings.policies or settings.home / "policies"
    if folder.is_dir():
        return folder
    if settings.policies is not None:
        raise Invalid(
            f"There is no folder {folder}.",
            field="policies",
            hint="Make it and put policy documents (*.yaml) into it, or leave the setting out.",
        )
    return None


def files_of(settings: Settings) -> list[Path]:
    """Return the files of the documents in force."""
    folder = folder_of(settings)
    own = [] if folder is None else sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    return own or [example(DEFAULT)]


def example(name: str) -> Path:
    """Return the file of a document that comes with the software."""
    return EXAMPLES / f"{name}.yaml"


def examples() -> list[str]:
    """Return the names of the documents that come with the software."""
    return sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


def read_shelf(settings: Settings) -> Shelf:
    """Return the shelf of a node; nothing is kept in its database yet.

    Raises
    ------
    Invalid
        With every fault of every document, or two documents that decide on the same.
    """
    files = files_of(settings)
    checked = [(path, check_file(path)) for path in files]
    faults = tuple(fault for _, item in checked for fault in item.faults)
    if faults:
        raise refused(faults)
    paths: dict[str, Path] = {}
    texts: dict[str, str] = {}
    found: list[Document] = []
    for path, item in checked:
        if item.document is None:
            continue
        if item.document.name in paths:
            raise Invalid(
                f"{paths[item.document.name]} and {path} are both {item.document.name}.",
                hint="Give one of them another id or version.",
            )
        paths[item.document.name] = path
        texts[item.document.name] = item.text.decode()
        found.append(item.document)
    _refuse_ties(found, paths)
    found.sort(key=lambda item: (item.policy.effective_from, item.name), reverse=True)
    return Shelf(in_force=found, paths=paths, texts=texts)


def open_shelf(settings: Settings, engine: sa.Engine) -> Shelf:
    """Return the shelf of a node, its versions kept in the database.

    Raises
    ------
    Invalid, Conflict
    """
    shelf = read_shelf(settings)
    with engine.begin() as connection:
        shelf.register(connection)
    return shelf


def named(settings: Settings, name: str) -> Document:
    """Return a document in force or an example, by its name or id, without a database.

    Raises
    ------
    NotFound, Invalid
    """
    for document in read_shelf(settings).in_force:
        if name in {document.name, document.policy.id}:
            return document
    if name in examples():
        return document_of(example(name))
    raise NotFound(
        f"There is no policy “{name[:80]}” at this node.",
        hint="`panosc policy list` names those in force and the examples.",
    )


def _refuse_ties(found: Sequence[Document], paths: Mapping[str, Path]) -> None:
    seen: dict[tuple[str, object], Document] = {}
    for document in found:
        for kind in document.scope.access_types:
            other = seen.setdefault((kind, document.policy.effective_from), document)
            if other is not document:
                raise Invalid(
                    f"{paths[other.name]} and {paths[document.name]} both decide on access "
                    f"“{kind}” from {document.policy.effective_from} on.",
                    hint="Give one a later effective_from, or other kinds of access.",
                )
