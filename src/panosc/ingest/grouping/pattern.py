"""Files whose names share a stem are one dataset: a numor in two formats, a series of images."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import re2
from typing_extensions import override

from panosc.domain.errors import Invalid
from panosc.ingest.grouping import Grouping, Piece, Place, Share, leading
from panosc.ingest.grouping.folder import missing

_LONGEST = 500
_SURROGATES = re.compile("[\ud800-\udfff]")


class PatternGrouping(Grouping):
    """What the group ``stem`` of the option `name` holds is the same for the files of a dataset.

    The expression (RE2) has to fit the whole path from the rule's folder. Files that it does not
    fit stand alone.
    """

    name = "pattern"
    waits = True
    by_entry = False

    @override
    def check(self, options: Mapping[str, Any]) -> None:
        unknown = set(options) - {"name"}
        if unknown:
            raise Invalid(f"There is no option {min(unknown)!r}; there is: name.", field="options")
        text = options.get("name")
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise Invalid("Give the expression for names of files.", field="name")
        try:
            groups = re2.compile(text).groupindex
        except re2.error as error:
            raise Invalid(f"The expression cannot be read: {error}", field="name") from None
        if "stem" not in groups:
            raise Invalid("The expression needs a group (?P<stem>…).", field="name")

    @override
    def place(
        self, path: PurePosixPath, folder: PurePosixPath, options: Mapping[str, Any]
    ) -> Place | None:
        text = str(path.relative_to(folder))
        # a letter for a letter, so that what is no text keeps names apart in the stem
        found = _compiled(options["name"]).fullmatch(_SURROGATES.sub("\ufffd", text))
        if found is None or found["stem"] is None:
            return Place(key=str(path), base=str(folder))
        stem = text[slice(*found.span(found.re.groupindex["stem"]))]
        return Place(key=f"{folder}/\x1f{stem}", base=str(folder))

    @override
    def divide(self, pieces: Sequence[Piece], options: Mapping[str, Any]) -> Iterable[Share]:
        if pieces:
            yield Share(pieces=leading(pieces), missing=missing(pieces))


@lru_cache(maxsize=64)
def _compiled(text: str) -> Any:
    return re2.compile(text)
