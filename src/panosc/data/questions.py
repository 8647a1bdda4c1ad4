"""What is asked of one file, as h5grove 4 spells it, and the tag that its answer has.

The tag is known before anything is read: it is made of what the file was when it was registered and
of the question. So whoever has the answer already is told so at no cost.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from panosc.data.admitting import Located
from panosc.data.formats import Form, form_of
from panosc.domain.errors import Invalid
from panosc.files.index.contents import VERSION

What = Literal["attr", "data", "meta", "stats", "paths"]
Resolve = Literal["only_valid", "all", "none"]
LONGEST_PATH: Final = 4096
MOST_NAMES: Final = 1000
_ANSWERS: Final = 1
"""Version of the answers: raised when the same question has another answer."""
_RESOLVES: Final[Mapping[str, Resolve]] = {
    "only_valid": "only_valid",
    "all": "all",
    "true": "all",
    "none": "none",
    "false": "none",
}
_TRUE: Final = frozenset({"true", "1", "yes", "on", "t", "y"})
_FALSE: Final = frozenset({"false", "0", "no", "off", "f", "n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request for something in an HDF5 file."""

    what: What
    file: str | None
    path: str
    resolve: Resolve = "only_valid"
    names: tuple[str, ...] | None = None
    """Attributes that are asked for; None for all."""
    selection: str | None = None
    form: Form = "json"
    is_safe: bool = False
    is_flat: bool = False

    def tag(self, located: Located) -> str:
        """Return the entity tag of the answer, without quotes."""
        told = (
            _ANSWERS,
            VERSION,
            located.pid,
            located.name,
            located.size,
            # by its content where that is known: it is the same wherever the file lies
            located.sha256 or (located.url, located.mtime_ns),
            self.what,
            self.path,
            self.resolve,
            self.names,
            self.selection,
            self.form,
            self.is_safe,
            self.is_flat,
        )
        return hashlib.blake2b(
            repr(told).encode("utf-8", "backslashreplace"), digest_size=16
        ).hexdigest()


def read(what: What, given: Sequence[tuple[str, str]]) -> Question:
    """Return the question that the parameters of a request ask.

    Raises
    ------
    Invalid
        With the name of the parameter that cannot be understood.
    """
    single = dict(given)
    names = tuple(value for name, value in given if name == "attr_keys")
    if len(names) > MOST_NAMES:
        raise Invalid(f"At most {MOST_NAMES} attributes at once.", field="attr_keys")
    dtype = single.get("dtype", "origin")
    if dtype not in {"origin", "safe"}:
        raise Invalid(
            f"There is no dtype “{dtype[:50]}”.", field="dtype", hint="There are origin and safe."
        )
    resolve = single.get("resolve_links", "only_valid")
    if resolve.lower() not in _RESOLVES:
        raise Invalid(
            f"Links cannot be resolved “{resolve[:50]}”.",
            field="resolve_links",
            hint="There are only_valid, all and none.",
        )
    return Question(
        what=what,
        file=single.get("file"),
        path=path_of(single.get("path", "/")),
        resolve=_RESOLVES[resolve.lower()],
        names=names or None,
        selection=single.get("selection") or None,
        form=form_of(single.get("format", "json")) if what == "data" else "json",
        is_safe=dtype == "safe",
        is_flat=_truth(single.get("flatten", "false")),
    )


def path_of(text: str) -> str:
    """Return a path in a file in its one spelling: absolute, without a slash at the end.

    Raises
    ------
    Invalid

    Examples
    --------
    >>> path_of("entry//data/"), path_of("")
    ('/entry/data', '/')
    """
    if len(text) > LONGEST_PATH or "\0" in text:
        raise Invalid("This is no path in a file.", field="path")
    parts = [part for part in text.split("/") if part not in {"", "."}]
    return "/" + "/".join(parts)


def _truth(text: str) -> bool:
    word = text.lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Invalid(f"“{text[:50]}” is neither true nor false.", field="flatten")
