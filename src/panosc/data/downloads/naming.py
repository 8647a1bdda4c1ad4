r"""Names of files for other machines: in headers, in archives, in scripts and lists.

A name comes from whoever measured. On the machine of whoever downloads it may lead out of the
folder (``..``, an absolute path, a drive), be a device of Windows, hide its ending behind marks
of writing direction, or be the same as another one on a disk that does not tell ``a`` from
``A``. None of that leaves this module.
"""

import fnmatch
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

LONGEST_PART: Final = 200
"""Bytes of one part of a name, fewer than any file system takes."""
_DEEPEST: Final = 32
_BAD: Final = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\\]')
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE
)
_HIDDEN: Final = frozenset({"Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that nobody sees, or that are none."""
_MARK: Final = "_"


def safe_part(text: str) -> str:
    """Return one part of a path, such as a file name, that is harmless anywhere.

    Examples
    --------
    >>> safe_part(".."), safe_part("a/b"), safe_part("CON.txt"), safe_part("x. ")
    ('_', 'a_b', '_CON.txt', 'x')
    """
    plain = unicodedata.normalize("NFC", text).replace("/", _MARK)
    shown = "".join(_MARK if unicodedata.category(c) in _HIDDEN else c for c in plain)
    clean = _shortened(_BAD.sub(_MARK, shown).strip().rstrip(". "))
    if not clean.strip("."):
        return _MARK
    return _MARK + clean if _RESERVED.fullmatch(clean) or clean.startswith("-") else clean


def _shortened(text: str) -> str:
    if len(text.encode()) <= LONGEST_PART:
        return text
    stem, dot, ending = text.rpartition(".")
    tail = dot + ending if stem and len(ending.encode()) <= LONGEST_PART // 10 else ""
    room = LONGEST_PART - len(tail.encode())
    return (stem if tail else text).encode()[:room].decode(errors="ignore") + tail


def safe_name(name: str) -> str:
    r"""Return the name of a file, which may have folders, that leads nowhere else.

    Examples
    --------
    >>> safe_name("../../etc/passwd"), safe_name("/etc/passwd"), safe_name("C:\\x")
    ('etc/passwd', 'etc/passwd', 'C_/x')
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {"", ".", ".."}]
    if len(parts) > _DEEPEST:
        parts = [*parts[: _DEEPEST - 1], _MARK.join(parts[_DEEPEST - 1 :])]
    return "/".join(safe_part(part) for part in parts) or _MARK


@dataclass(slots=True)
class Names:
    """Makes names safe and keeps them apart, also where case and folders meet."""

    _taken: set[str] = field(default_factory=set)
    _folders: set[str] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, *, below: str = "") -> str:
        """Return a safe name for `name`, beneath a folder that is safe already."""
        wanted = below + safe_name(name)
        # where many are alike the next number is not looked for from the beginning
        first = _folded(wanted)
        number, found = self._numbers.get(first, 1), wanted
        while self._is_taken(found):
            number += 1
            stem, dot, ending = wanted.rpartition(".")
            has_ending = bool(stem) and "/" not in ending and not stem.endswith("/")
            found = f"{stem} ({number}){dot}{ending}" if has_ending else f"{wanted} ({number})"
        self._numbers[first] = number
        key = _folded(found)
        self._taken.add(key)
        parts = key.split("/")
        self._folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
        return found

    def _is_taken(self, name: str) -> bool:
        key = _folded(name)
        if key in self._taken or key in self._folders:
            return True
        parts = key.split("/")
        return any("/".join(parts[:depth]) in self._taken for depth in range(1, len(parts)))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def disposition(name: str) -> str:
    r"""Return ``Content-Disposition`` for a file to be kept, never shown (RFC 6266).

    Examples
    --------
    >>> disposition("run/π.nxs")
    'attachment; filename="_.nxs"; filename*=UTF-8\'\'%CF%80.nxs'
    """
    last = safe_part(name.replace("\\", "/").rstrip("/").rpartition("/")[2])
    plain = "".join(c if c.isascii() and c not in '"\\%;' else _MARK for c in last)
    if plain == last:
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(last, safe='')}"


def matching(pattern: str) -> Callable[[str], bool]:
    """Return whether a name fits: ``*`` and ``?`` stand for others, without them it is a part.

    Examples
    --------
    >>> fits = matching("*.NXS"); fits("a.nxs"), fits("a.h5"), matching("run")("a-Run-1")
    (True, False, True)
    """
    wanted = pattern if set(pattern) & set("*?") else f"*{pattern}*"
    compiled = re.compile(fnmatch.translate(wanted.lower().replace("[", "[[]")))
    return lambda name: compiled.match(name.lower()) is not None
