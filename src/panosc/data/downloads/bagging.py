"""What is in an archive: a bag (BagIt 1.0, RFC 8493) of the files of one dataset or several.

``bagit.txt``, ``bag-info.txt``, a README for people, the files beneath ``data/`` and, at the end,
``manifest-sha256.txt``: what was registered, or was found while the file was sent. A file whose
size or time is not what was registered breaks the archive off, and so does one whose content is
not, where the setting ``download_check_sha256`` is on: SHA-256 costs more than all the rest of
sending a file that is in memory. Files that are left out, as they are on tape, stand in
``fetch.txt`` and in the README.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Final
from urllib.parse import quote

from panosc.data.admitting import Located
from panosc.data.downloads.answering import sha256_of
from panosc.data.downloads.naming import Names, safe_part
from panosc.data.downloads.opening import AHEAD, Block, Broken, Opener
from panosc.data.downloads.sending import BLOCK
from panosc.data.downloads.zipping import Entry
from panosc.domain.errors import Unreadable

FORMAT: Final = "1"
"""Part of the tag of an archive: another one when the same files give other bytes."""
MOST_KNOWN: Final = 100_000
_HEX: Final = 64
_Key = tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an archive tells of a dataset."""

    pid: str
    title: str
    licence: str | None
    citation: str
    address: str
    """Of its page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file in an archive, or one that is left out, with its name there."""

    located: Located
    name: str


class Checksums:
    """Remembers what was found in files, so that a part of an archive is sent without the rest."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[_Key, tuple[int, str | None]] = OrderedDict()

    def get(self, located: Located) -> tuple[int, str | None] | None:
        """Return CRC-32 and, where it was found, SHA-256 of a file."""
        with self._lock:
            return self._known.get(_key(located))

    def keep(self, located: Located, crc: int, sha256: str | None) -> None:
        """Remember them."""
        with self._lock:
            self._known[_key(located)] = crc, sha256
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)


def _key(located: Located) -> _Key:
    return located.url, located.size, located.mtime_ns


@dataclass(slots=True, kw_only=True)
class Bag:
    """The entries of an archive and its tag; `close` when it was sent."""

    name: str
    entries: list[Entry]
    tag: str
    opener: Opener

    def close(self) -> None:
        """Close what is open."""
        self.opener.close()


@dataclass(slots=True, kw_only=True)
class _Packing:
    """A bag while it is made and read."""

    items: Sequence[Item]
    checksums: Checksums
    opener: Opener
    is_hashed: bool
    found: dict[str, str] = field(default_factory=dict)
    """Name → SHA-256, of files without a registered one."""

    def read(self, number: int) -> Iterator[bytes | Block]:
        """Yield a file, and compare it with what was registered."""
        item = self.items[number]
        located, registered = item.located, sha256_of(item.located)
        following = [item.located for item in self.items[number + 1 : number + 1 + AHEAD]]
        digest = hashlib.sha256() if self.is_hashed or registered is None else None
        try:
            opened = self.opener.open(located, following=following)
        except Unreadable as error:
            raise Broken(error.detail) from error
        with opened:
            for offset in range(0, located.size, BLOCK):
                count = min(BLOCK, located.size - offset)
                block = opened.block(offset, count) if digest is None else None
                if block is not None:
                    yield block
                    continue
                content = opened.read(offset, count)
                if digest is not None:
                    digest.update(content)
                if offset + BLOCK >= located.size and digest is not None:
                    # before the last block leaves: what is wrong never arrives whole
                    self._check(item, registered, digest.hexdigest())
                yield content
        if located.size == 0 and digest is not None:
            self._check(item, registered, digest.hexdigest())

    def keep(self, item: Item, crc: int) -> None:
        """Remember what was found in a file that has been read.

        Raises
        ------
        Broken
            If it was something else the last time, though it has not been changed.
        """
        known = self.checksums.get(item.located)
        if known is not None and known[0] != crc:
            raise Broken(f"{item.located.name} of {item.located.pid} is not what it was before")
        self.checksums.keep(item.located, crc, self.found.get(item.name))

    def _check(self, item: Item, registered: str | None, found: str) -> None:
        if registered is None:
            self.found[item.name] = found
        elif registered != found:
            raise Broken(f"{item.located.name} of {item.located.pid} has another SHA-256: {found}")

    def manifest(self) -> Iterator[bytes]:
        """Yield the checksums of all files, known by now."""
        lines = []
        for item in self.items:
            known = sha256_of(item.located) or self.found.get(item.name) or ""
            lines.append(manifest_line(known, "data/" + item.name))
        yield "".join(lines).encode()


def manifest_line(sha256: str, name: str) -> str:
    """Return a line of a manifest; a percent sign in a name is written as BagIt has it."""
    return f"{sha256}  {name.replace('%', '%25')}\n"


def pack(
    items: Sequence[Item],
    missing: Sequence[Item],
    about: Sequence[About],
    *,
    checksums: Checksums,
    is_hashed: bool,
    opener: Opener,
) -> Bag:
    """Return the archive of files; `missing` are named in it and not there."""
    name = safe_part(about[0].pid.replace("/", "_") if len(about) == 1 else "selection")
    size = sum(item.located.size for item in items)
    listed = [item for item in missing if sha256_of(item.located)]
    packing = _Packing(
        items=[*items, *listed], checksums=checksums, opener=opener, is_hashed=is_hashed
    )
    latest = max((item.located.mtime_ns for item in items), default=0) // 10**9
    texts = {
        "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": _info(about, size, len(items)),
        "README.txt": _readme(about, len(items), missing),
    }
    if listed:
        texts["fetch.txt"] = "".join(_fetch(item, about) for item in listed)
    entries = [_text(f"{name}/{key}", text, latest) for key, text in texts.items()]
    entries += [_file(f"{name}/data/", number, packing) for number in range(len(items))]
    length = sum(
        len(manifest_line("", "data/" + item.name).encode()) + _HEX for item in packing.items
    )
    entries.append(
        Entry(
            name=f"{name}/manifest-sha256.txt".encode(),
            size=length,
            mtime_s=latest,
            read=packing.manifest,
        )
    )
    return Bag(
        name=name,
        entries=entries,
        tag=_tag(packing.items, texts),
        opener=packing.opener,
    )


def _text(name: str, text: str, mtime_s: int) -> Entry:
    content = text.encode()
    return Entry(
        name=name.encode(), size=len(content), mtime_s=mtime_s, read=lambda: iter([content])
    )


def _file(folder: str, number: int, packing: _Packing) -> Entry:
    item = packing.items[number]
    located = item.located
    known = packing.checksums.get(located)
    has_all = known is not None and (sha256_of(located) or known[1])
    if known is not None and known[1] is not None:
        packing.found[item.name] = known[1]
    return Entry(
        name=(folder + item.name).encode(),
        size=located.size,
        mtime_s=located.mtime_ns // 10**9,
        read=partial(packing.read, number),
        keep=partial(packing.keep, item),
        crc=known[0] if known is not None and has_all else None,
    )


def named(located: Sequence[Located], *, is_apart: bool) -> list[Item]:
    """Return files with their names in an archive, `is_apart` each dataset in its own folder."""
    names, folders, found = Names(), Names(), []
    by_pid: dict[str, str] = {}
    for one in located:
        if is_apart and one.pid not in by_pid:
            by_pid[one.pid] = folders.add(one.pid.replace("/", "_")) + "/"
        below = by_pid.get(one.pid, "")
        found.append(Item(located=one, name=names.add(one.name, below=below)))
    return found


def _tag(items: Sequence[Item], texts: dict[str, str]) -> str:
    digest = hashlib.blake2b(FORMAT.encode(), digest_size=16)
    for text in texts.values():
        digest.update(f"{len(text)}\0{text}".encode())
    for item in items:
        one = item.located
        line = f"{item.name}\0{one.url}\0{one.size}\0{one.mtime_ns}\0{one.sha256}\0{one.tier}\n"
        digest.update(line.encode())
    return f'"z{digest.hexdigest()}"'


def _info(about: Sequence[About], size: int, count: int) -> str:
    lines = [f"Payload-Oxum: {size}.{count}", "Bag-Software-Agent: panosc"]
    for one in about:
        lines += [f"External-Identifier: {one.pid}", f"External-Description: {_line(one.title)}"]
    return "\n".join(map(_line, lines)) + "\n"


def _readme(about: Sequence[About], count: int, missing: Sequence[Item]) -> str:
    lines = []
    for one in about:
        lines += [
            _line(one.title),
            f"  Identifier: {_line(one.pid)}",
            f"  Page:       {_line(one.address)}",
            f"  Licence:    {_line(one.licence or 'none is stated; ask the facility')}",
            f"  Cite as:    {_line(one.citation)}",
            "",
        ]
    lines += [
        f"{count} file(s) are in the folder data. This archive is a bag after BagIt (RFC 8493).",
        "To check all files, in this folder:  sha256sum -c manifest-sha256.txt",
    ]
    if missing:
        lines += [
            "",
            f"{len(missing)} file(s) are NOT in this archive, as they are not on disk:",
            *(f"  {_line(item.located.pid)}  {item.name}" for item in missing),
            "Ask for them on the page of the dataset.",
        ]
    return "\n".join(lines) + "\n"


def _fetch(item: Item, about: Sequence[About]) -> str:
    page = next((one.address for one in about if one.pid == item.located.pid), "")
    address = file_address(page, item.located.name)
    return f"{address} {item.located.size} data/{item.name.replace('%', '%25')}\n"


def file_address(page: str, name: str) -> str:
    """Return where a file is fetched, by the address of the page of its dataset."""
    return f"{page}/-/download?file={quote(name, safe='')}"


def _line(text: str) -> str:
    """Return text as one line."""
    return " ".join(text.split())
