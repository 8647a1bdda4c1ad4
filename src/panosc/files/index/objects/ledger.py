"""What an index may hold at most, and what was left out of it.

Bounds are of one file. They are wide: no file of the facilities we know comes near them.
"""

from typing import Final

OBJECTS: Final = 50_000
LINKS: Final = 250_000
DEPTH: Final = 5_000
"""Groups inside each other."""
TREE_BYTES: Final = 24 * 2**20
"""Names, types and attributes of all objects."""
BULK_BYTES: Final = 24 * 2**20
"""Tables of chunks, kept values and maps of virtual datasets."""
ATTRIBUTE_BYTES: Final = 2**20
"""Of one attribute."""
ATTRIBUTES: Final = 5_000
"""Of one object."""
OBJECT_BYTES: Final = 4 * 2**20
"""Of all attributes of one object."""
NOTES: Final = 50
SENTENCE: Final = 300
WHERE: Final = 150


class Ledger:
    """Counts what goes into one index and remembers what does not."""

    def __init__(self) -> None:
        self.objects = OBJECTS
        self.links = LINKS
        self.where = "/"
        """Path of what is looked at."""
        self._tree = TREE_BYTES
        self._bulk = BULK_BYTES
        self._notes: dict[tuple[str, str], None] = {}

    def note(self, word: str, sentence: str) -> None:
        """Remember that something was refused or left out; the first few are told."""
        if len(self._notes) < NOTES:
            where = self.where if len(self.where) <= WHERE else f"{self.where[:WHERE]}..."
            self._notes[word, f"{where}: {sentence}"[:SENTENCE]] = None

    def notes(self) -> tuple[tuple[str, str], ...]:
        """Return what was noted."""
        return tuple(self._notes)

    def grow(self, nbytes: int) -> bool:
        """Whether the tree may grow by so much; it then has."""
        if nbytes > self._tree:
            return False
        self._tree -= nbytes
        return True

    def hold(self, nbytes: int) -> bool:
        """Whether so much bulk has room; it is then taken."""
        if nbytes > self._bulk:
            return False
        self._bulk -= nbytes
        return True
