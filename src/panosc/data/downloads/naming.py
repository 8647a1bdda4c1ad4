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
        *steps, last = safe_name(name).split("/")
        folder = below
        for step in steps:
            folder = self._free(folder + step, self._taken) + "/"
            self._folders.add(_folded(folder[:-1]))
        found = self._free(folder + last, self._taken, self._folders)
        self._taken.add(_folded(found))
        return found

    def _free(self, wanted: str, *taken: set[str]) -> str:
        """Return a name that is not taken: the one wanted, or that with a number."""
        # where many are alike the next number is not looked for from the beginning
        first = _folded(wanted)
        number = self._numbers.get(first, 1)
        while any(_folded(_numbered(wanted, number)) in one for one in taken):
            number += 1
        self._numbers[first] = number
        return _numbered(wanted, number)


def _numbered(name: str, number: int) -> str:
    if number == 1:
        return name
    folder, slash, last = name.rpartition("/")
    stem, dot, ending = last.rpartition(".")
    again = f"{stem} ({number}){dot}{ending}" if stem else f"{last} ({number})"
    return folder + slash + again


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
