"""How a rule of the access table is written and read: persons down, states or cases across."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from matrix_people import GIVEN, INSIDERS, OUTSIDERS, PERSONS, TOKENS

WORDS = {
    "everyone": PERSONS,
    "outsiders": OUTSIDERS,
    "insiders": INSIDERS,
    "given": GIVEN,
    "nobody": ("anonymous", "link"),
    "programs": TOKENS,
}
"""Words of the table for several persons at once."""
JSON, FORM, NDJSON = "application/json", "application/x-www-form-urlencoded", "application/x-ndjson"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What one route answers to everyone.

    `of` is the model whose records the route is about; its columns are states, or keys of
    records where these differ. Of other routes the columns are cases, in `params` and `query`.
    """

    statuses: Mapping[tuple[str, str], int]
    columns: tuple[str, ...]
    of: str | None = None
    params: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Column (``*``: any) → parameter of the path → value; a name of the node's ids is replaced."""
    query: str = ""
    body: str | None = None
    kind: str = JSON
    is_page: bool = False
    tells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Level → which words of it a good answer has for whoever sees that level."""
    lists: str | None = None
    """Model of the records that a good answer lists: all that the person may, no other."""
    is_for_anyone: bool = False
    """The answer does not depend on who asks, and says nothing of that to caches."""
    is_public_when_open: bool = False
    """Any cache may keep for a while what anyone gets of an open dataset."""
    is_noted: bool = False
    """That it was refused stands in the audit trail, such as a guess at a code."""
    names_pids: tuple[str, ...] = ()
    """Persons who are told PIDs here that they could not open."""

    def status(self, person: str, state: str, key: str = "") -> int | None:
        """Return what is expected; that of a record goes before that of its state."""
        return self.statuses.get((person, key), self.statuses.get((person, state)))


def statuses(text: str) -> dict[str, object]:
    """Read a table: the first line names the columns, others ``persons: status …``."""
    head, *lines = [line for line in text.splitlines() if line.strip()]
    columns = tuple(head.split())
    found: dict[tuple[str, str], int] = {}
    for line in lines:
        names, _, cells = line.partition(":")
        values = [int(cell) for cell in cells.split()]
        assert len(values) == len(columns), line
        for name in names.split():
            for person in WORDS.get(name, (name,)):
                assert person in PERSONS, line
                for column, value in zip(columns, values, strict=True):
                    # a later line is an exception to an earlier one
                    found[person, column] = value
    missing = [person for person in PERSONS if (person, columns[0]) not in found]
    assert not missing, (head, missing)
    return {"statuses": found, "columns": columns}
