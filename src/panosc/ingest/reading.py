"""One file read, inside a worker process: bytes, checksum, facts.

A small file is read once, so that what is hashed is what is parsed. It touches neither
database nor network; which formats there are is asked of the entry points.
"""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from panosc.domain.errors import Unreadable
from panosc.files import gulps
from panosc.files.careful import Refusal
from panosc.files.opening import offset_of_signature
from panosc.ingest.formats import Facts, Format, Source
from panosc.plugins import load

SLURP_BYTES: Final = 16 * 2**20
"""Files up to this size are read in one go."""
HEAD_BYTES: Final = 4096
DEEPEST_SIGNATURE: Final = 2**20
PIECE: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one file gives."""

    sha256: str
    facts: Facts


@cache
def _formats() -> list[Format]:
    found = [kind() for kind in load("panosc.formats").found.values()]
    return sorted(found, key=lambda form: (form.order, form.name))


def read(path: str, size: int, mtime_ns: int, by_entry: bool = False) -> Reading:
    """Return what the file gives; with `by_entry`, its NXentry groups one by one, too.

    Raises
    ------
    Unreadable
        When it claims a format and is broken, or is not what it was when it was found.
    """
    if size <= gulps.MOST_BYTES:
        content = gulps.take(path, size, mtime_ns)
        source = Source(path=Path(path), head=content, content=content, by_entry=by_entry)
        return _reading(source, hashlib.sha256(content).hexdigest())
    descriptor, is_slow = gulps.open_file(path)
    source = Source(path=Path(path), head=b"", by_entry=by_entry)
    if is_slow:
        # to look around in the file would be dozens of calls
        source.image_bytes = SLURP_BYTES
    try:
        gulps.require_same(descriptor, size, mtime_ns)
        _fill(source, descriptor, size)
        found = _reading(source, _sha256(descriptor, source))
        gulps.require_same(descriptor, size, mtime_ns)
    except OSError as error:
        raise Unreadable(f"reading it failed: {error.strerror}", reason="not-openable") from error
    finally:
        os.close(descriptor)
    return found


def _reading(source: Source, sha256: str) -> Reading:
    try:
        return Reading(sha256=sha256, facts=_facts(source))
    finally:
        source.close()


def _facts(source: Source) -> Facts:
    passed: list[Refusal] = []
    for form in _formats():
        try:
            claims = form.claims(source)
        # a plug-in that fails on a stranger's file leaves it to the others
        except Exception as error:
            passed.append(Refusal(reason="broken-plug-in", detail=f"{form.name}: {error}"[:300]))
            continue
        if claims:
            facts = form.read(source)
            return replace(facts, refusals=(*facts.refusals, *passed)) if passed else facts
    return Facts(format="unknown", refusals=tuple(passed))


def _fill(source: Source, descriptor: int, size: int) -> None:
    if size <= SLURP_BYTES:
        source.head = source.content = gulps.read_all(descriptor, size)
        return
    head = bytearray(os.pread(descriptor, HEAD_BYTES, 0))
    offset = HEAD_BYTES
    while offset < min(size, DEEPEST_SIGNATURE) and offset_of_signature(bytes(head)) is None:
        # a block before the superblock may be long; only the places where one may start count
        head += bytes(offset - len(head)) + os.pread(descriptor, 8, offset)
        offset *= 2
    source.head = bytes(head)


def _sha256(descriptor: int, source: Source) -> str:
    if source.content is not None:
        return hashlib.sha256(source.content).hexdigest()
    digest = hashlib.sha256()
    os.lseek(descriptor, 0, os.SEEK_SET)
    while piece := os.read(descriptor, PIECE):
        digest.update(piece)
    return digest.hexdigest()
