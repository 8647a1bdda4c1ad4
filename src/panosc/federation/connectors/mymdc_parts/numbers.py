"""Which proposals are read: myMdC lists none, so that an administrator has to say."""

import re
from collections.abc import Iterator
from pathlib import Path

MOST = 100_000
"""Proposals of one catalogue."""
_LARGEST_FILE = 2**20
_PART = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


def numbers(said: str) -> list[int]:
    """Return the numbers that ``2000-2009, 2100`` or a file of such lines says, in order.

    Raises
    ------
    ValueError
        With a sentence for whoever said it.

    Examples
    --------
    >>> numbers("2002, 2000-2001")
    [2000, 2001, 2002]
    """
    if said.startswith("/"):
        try:
            with Path(said).open("rb") as file:
                read = file.read(_LARGEST_FILE + 1)
            said = read.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"cannot be read from {said}: {error}") from None
        if len(read) > _LARGEST_FILE:
            raise ValueError("is a file larger than 1 MiB")
        said = re.sub(r"#.*", "", said)
    found: set[int] = set()
    for part in re.split(r"[,;\s]+", re.sub(r"\s*-\s*", "-", said).strip(" ,;\r\n\t")):
        for one in _range(part):
            found.add(one)
            if len(found) > MOST:
                raise ValueError(f"names more than {MOST} proposals")
    if not found:
        raise ValueError("names no proposal: say such as 2000-2999,3104, or a file's path")
    return sorted(found)


def _range(part: str) -> Iterator[int]:
    told = _PART.fullmatch(part)
    if not part:
        return
    if told is None:
        raise ValueError(f"has {part[:40]!r}, which is neither a number nor a range")
    first = int(told[1])
    yield from range(first, int(told[2] or first) + 1)
