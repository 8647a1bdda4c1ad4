"""Who belongs to a proposal and what it is called: from a list that the site keeps, CSV or YAML.

The list is read again when it has changed; while it cannot be read, what it said last holds.
"""

import csv
import difflib
import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from panosc.ingest.formats import Contributor
from panosc.ingest.profiles.outside.troubles import Troubles
from panosc.policy.written.lines import NotReadable, read

LARGEST = 16 * 2**20
"""Bytes of a list."""
COLUMNS = ("proposal", "title", "name", "orcid", "role", "affiliation")
_MOST_LETTERS = 2000


class WrongList(ValueError):
    """A list that cannot be used; says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the list says of one proposal."""

    title: str | None = None
    people: tuple[Contributor, ...] = ()


@dataclass(slots=True, kw_only=True)
class ProposalList:
    """The list in a file, as it is now."""

    path: Path
    troubles: Troubles
    _stamp: tuple[int, int] | None = None
    _found: Mapping[str, Proposal] = field(default_factory=dict)

    def of(self, name: str | None) -> Proposal | None:
        """Return what is known of a proposal; None if it is not in the list."""
        if not name:
            return None
        self._refresh()
        return self._found.get(name.casefold())

    def _refresh(self) -> None:
        try:
            status = self.path.stat()
            stamp = status.st_mtime_ns, status.st_size
            if stamp != self._stamp:
                self._stamp = stamp
                self._found = read_list(self.path)
        except OSError as error:
            self.troubles.add(str(self.path), f"cannot be read: {error.strerror}")
        except WrongList as error:
            self.troubles.add(str(self.path), str(error))


def read_list(path: Path) -> Mapping[str, Proposal]:
    """Return what a file says of proposals, by their names in small letters.

    Raises
    ------
    WrongList
    OSError
    """
    # a pipe is not waited for; a link is the site's own
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise WrongList("is no file")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise WrongList(f"is larger than {LARGEST // 2**20} MB")
    rows = _rows_of_yaml(content) if path.suffix in {".yaml", ".yml"} else _rows_of_csv(content)
    return _gathered(rows)


def _rows_of_csv(content: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WrongList(f"line {line}: it is not UTF-8") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = names
        _look(names, line=1)
        for row in reader:
            if None in row:
                raise WrongList(f"line {reader.line_num}: more values than columns")
            yield reader.line_num, row
    except csv.Error as error:
        raise WrongList(f"line {reader.line_num}: {error}") from None


def _rows_of_yaml(content: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        lines = read(content)
    except NotReadable as error:
        raise WrongList(f"line {error.line}: {error.reason}") from None
    if not isinstance(lines.value, list):
        raise WrongList("line 1: has to be a list of proposals")
    for index, item in enumerate(lines.value):
        line = lines.line((index,))
        if not isinstance(item, dict):
            raise WrongList(f"line {line}: has to be a proposal: {', '.join(COLUMNS)}, people")
        people = item.get("people", [])
        own = {key: value for key, value in item.items() if key != "people"}
        _look(list(own), line=line)
        yield line, own
        if not isinstance(people, list):
            raise WrongList(f"line {line}: people has to be a list")
        for number, person in enumerate(people):
            place = lines.line((index, "people", number))
            named = {"name": person} if isinstance(person, str) else person
            if not isinstance(named, dict):
                raise WrongList(f"line {place}: a person is a name, or a name with orcid and role")
            row = {**named, "proposal": item["proposal"]}
            _look(list(row), line=place)
            yield place, row


def _look(names: list[str], *, line: int) -> None:
    for name in names:
        if name not in COLUMNS:
            close = difflib.get_close_matches(name, COLUMNS, n=1)
            meant = f"; did you mean {close[0]}" if close else ""
            raise WrongList(
                f"line {line}: “{str(name)[:40]}” is not known{meant}; known are "
                + ", ".join(COLUMNS)
            )
    if "proposal" not in names:
        raise WrongList(f"line {line}: there is no proposal; known are {', '.join(COLUMNS)}")


def _gathered(rows: Iterable[tuple[int, Mapping[str, Any]]]) -> Mapping[str, Proposal]:
    titles: dict[str, str] = {}
    people: dict[str, dict[str, Contributor]] = {}
    for line, row in rows:
        said = {name: _text(row.get(name), line=line) for name in COLUMNS}
        key = said["proposal"].casefold()
        if not key:
            raise WrongList(f"line {line}: the proposal has no name")
        if said["title"]:
            titles.setdefault(key, said["title"])
        team = people.setdefault(key, {})
        if said["name"]:
            team[said["name"]] = Contributor(
                name=said["name"],
                role=said["role"] or None,
                affiliation=said["affiliation"] or None,
                orcid=said["orcid"] or None,
            )
    return {
        key: Proposal(title=titles.get(key), people=tuple(team.values()))
        for key, team in people.items()
    }


def _text(value: Any, *, line: int) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict) or len(str(value)) > _MOST_LETTERS:
        raise WrongList(f"line {line}: “{str(value)[:40]}” is no text")
    return str(value).strip()
