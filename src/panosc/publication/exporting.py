"""The formats that records are told in: plug-ins of the group ``panosc.exports``.

A plug-in is an `Export`: what the format is called, and one pure function of a `Publication`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from panosc import plugins
from panosc.domain.errors import NotFound
from panosc.publication.record import Publication


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One format of metadata.

    `profile` is the address of the schema or vocabulary that it follows, for ``Link`` headers.
    """

    name: str
    """As it stands in ``/-/export/NAME``."""
    title: str
    """As people call it."""
    media_type: str
    suffix: str
    """Of a file of it, such as ``.bib``."""
    write: Callable[[Publication], bytes]
    profile: str | None = None
    is_negotiated: bool = True
    """Whether the page answers with it to whoever asks for its media type."""


@cache
def exports() -> Mapping[str, Export]:
    """Return the formats by name; a broken plug-in is left out."""
    found = plugins.load("panosc.exports").found
    return {export.name: export for export in found.values() if isinstance(export, Export)}


def named(name: str) -> Export:
    """Return a format.

    Raises
    ------
    NotFound
        If there is none of this name.
    """
    found = exports().get(name)
    if found is None:
        raise NotFound(
            f"There is no export “{name[:80]}”.", hint=f"There are {', '.join(exports())}."
        )
    return found
