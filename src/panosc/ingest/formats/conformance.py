"""What every format has to keep to, as tests to inherit.

Subclass `FormatConformance` in a test module, give it a `form` and `samples`, and let pytest
collect it. Nothing of pytest is imported here, so that the node runs without it.

Examples
--------
>>> from panosc.ingest.formats.opaque import OpaqueFormat
>>> class TestOpaque(FormatConformance):
...     form = OpaqueFormat()
...     samples = [("notes.txt", b"Seen at noon."), ("x.bin", bytes(range(256)))]
...     takes_everything = True
"""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import orjson

from panosc.domain.errors import Unreadable
from panosc.ingest.formats import Facts, Format, Source

Sample = tuple[str, bytes]
"""Name and content of a file."""

FOREIGN: tuple[Sample, ...] = (
    ("empty.dat", b""),
    ("zeros.bin", bytes(8192)),
    ("chance.bin", random.Random(1).randbytes(8192)),
    ("notes.txt", b"Seen at noon.\n#S is how a scan begins, { and = are signs; too;\n"),
    ("settings.json", b'{"exposure": 0.5, "detector": {"name": "x"}}'),
    ("style.css", b"p { color: red; }\n"),
    ("script.sh", b"#!/bin/sh\n# Detector: none\nexit 0\n"),
    ("page.xml", b"<?xml version='1.0'?><a/>"),
    ("archive.zip", b"PK\x03\x04" + bytes(64)),
    ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(64)),
    ("paper.pdf", b"%PDF-1.7\n"),
)
"""Files that are of no format of measured data."""
BEHIND = 64 * 2**20
"""So many bytes of nothing are put behind a sample to see that they are not read."""
COUNTS = Path("/proc/self/io")


class FormatConformance:
    """Tests that hold for every format; subclass it and set `form` and `samples`."""

    form: ClassVar[Format]
    samples: ClassVar[Sequence[Sample]]
    """Files of the format, below a megabyte each, made by the tools that write it."""
    takes_everything: ClassVar[bool] = False
    """Whether the format is for files that no other claims."""
    bytes_read: ClassVar[int] = 4 * 2**20
    """Most bytes that are read of a large file."""
    flips: ClassVar[int] = 200
    """How often a sample is read with some of its bytes changed."""

    # ---- who reads what ----

    def test_it_has_a_name_and_a_place(self) -> None:
        """A name for people, an order among the formats."""
        assert self.form.name
        assert isinstance(self.form.order, int)
        assert self.samples

    def test_its_samples_are_claimed(self, tmp_path: Path) -> None:
        """Whether they are held in memory or not."""
        for number, (name, content) in enumerate(self.samples):
            path = _laid(tmp_path / str(number), name, content)
            for source in (_in_memory(name, content), _on_disk(path, content)):
                with _closing(source):
                    assert self.form.claims(source), name

    def test_foreign_files_are_left_to_others(self) -> None:
        """Empty, random, text, and what the world is full of."""
        for name, content in FOREIGN:
            with _closing(_in_memory(name, content)) as source:
                assert self.form.claims(source) is self.takes_everything, name

    # ---- what is read ----

    def test_facts_are_whole_and_fit_into_json(self) -> None:
        """Numbers are finite, texts are Unicode without control characters at their ends."""
        for name, content in self.samples:
            facts = self._read(name, content)
            assert isinstance(facts, Facts), name
            check_facts(facts)

    def test_reading_twice_says_the_same(self) -> None:
        """Nothing of the clock, of chance or of an earlier file."""
        first = [self._read(name, content) for name, content in self.samples]
        again = [self._read(name, content) for name, content in reversed(self.samples)]
        assert first == again[::-1]

    def test_on_disk_and_in_memory_are_the_same(self, tmp_path: Path) -> None:
        """A large file is read where it lies; that says nothing else."""
        for number, (name, content) in enumerate(self.samples):
            path = _laid(tmp_path / str(number), name, content)
            with _closing(_on_disk(path, content)) as source:
                assert self.form.read(source) == self._read(name, content), name

    def test_data_are_not_read(self, tmp_path: Path) -> None:
        """However much lies behind the header; counted by the system where it does so."""
        if not COUNTS.exists():
            return
        for number, (name, content) in enumerate(self.samples):
            path = _laid(tmp_path / str(number), name, content)
            with path.open("r+b") as file:
                file.truncate(len(content) + BEHIND)
            before = _read_so_far()
            with _closing(_on_disk(path, content)) as source:
                assert self.form.claims(source)
                self.form.read(source)
            assert _read_so_far() - before <= self.bytes_read, name

    def test_nothing_is_written(self, tmp_path: Path) -> None:
        """Neither to the file nor beside it."""
        for number, (name, content) in enumerate(self.samples):
            path = _laid(tmp_path / str(number), name, content)
            before = path.stat()
            with _closing(_on_disk(path, content)) as source:
                self.form.read(source)
            after = path.stat()
            assert list(path.parent.iterdir()) == [path]
            assert path.read_bytes() == content
            assert (after.st_mtime_ns, after.st_ctime_ns) == (
                before.st_mtime_ns,
                before.st_ctime_ns,
            )

    # ---- what is broken ----

    def test_a_file_cut_short_is_read_or_refused(self) -> None:
        """At every sixteenth and around the header's first bytes; nothing else is raised."""
        for name, content in self.samples:
            cuts = {len(content) * step // 16 for step in range(16)} | set(range(0, 64, 7))
            for cut in sorted(cuts):
                self._bear(name, content[:cut])

    def test_changed_bytes_are_read_or_refused(self) -> None:
        """Single bytes and runs, mostly where the header is; the same ones each time."""
        for name, content in self.samples:
            chance = random.Random(len(content))
            for turn in range(self.flips):
                self._bear(name, changed(content, chance, turn))

    def _bear(self, name: str, content: bytes) -> None:
        """Read what may be broken: facts or `Unreadable`."""
        with _closing(_in_memory(name, content)) as source:
            if not self.form.claims(source):
                return
            try:
                facts = self.form.read(source)
            except Unreadable as error:
                said = (error.reason, error.detail)
            else:
                check_facts(facts)
                return
        assert all(said), "a reason and words for it"

    def _read(self, name: str, content: bytes) -> Facts:
        with _closing(_in_memory(name, content)) as source:
            return self.form.read(source)


def check_facts(facts: Facts) -> None:
    """Assert that facts can be kept: by JSON, which has no NaN, and by a database, without NUL."""
    whole = asdict(facts)
    text = orjson.dumps(whole)
    assert facts.format
    assert b"\\u0000" not in text
    assert orjson.dumps(orjson.loads(text)) == text
    for item in facts.parameters:
        assert item.name
        assert item.path
        assert not isinstance(item.value, bool)
        assert isinstance(item.value, str | int | float)
        assert isinstance(item.value, str) or math.isfinite(item.value), item.name
    assert len({(item.name, item.path, item.value) for item in facts.parameters}) == len(
        facts.parameters
    )


def changed(content: bytes, chance: random.Random, turn: int) -> bytes:
    """Return the content with a byte or a run of bytes changed."""
    if not content:
        return content
    reach = len(content) if turn % 2 else min(len(content), 4096)
    broken = bytearray(content)
    place = chance.randrange(reach)
    run = chance.choice((1, 1, 1, 2, 8))
    kind = chance.choice((b"\0", b"\xff", b"9", b";", b"\n", None))
    put = chance.randbytes(run) if kind is None else kind * run
    broken[place : place + run] = put
    return bytes(broken[: len(content)])


@contextmanager
def _closing(source: Source) -> Iterator[Source]:
    try:
        yield source
    finally:
        source.close()


def _in_memory(name: str, content: bytes) -> Source:
    return Source(path=Path(name), head=content, content=content)


def _on_disk(path: Path, content: bytes) -> Source:
    """Return the source as it is of a file too large to be held in memory."""
    return Source(path=path, head=content[:4096])


def _laid(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir()
    path = folder / name
    path.write_bytes(content)
    return path


def _read_so_far() -> int:
    """Return how many bytes this process has read from anywhere."""
    return int(COUNTS.read_text("ascii").split()[1])
