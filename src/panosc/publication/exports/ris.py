"""Records as RIS, which every reference manager reads: a tag and a text in each line."""

from collections.abc import Iterator
from typing import Final

from panosc.publication.exporting import Export
from panosc.publication.reading.describing import plain
from panosc.publication.record import Publication

_TYPES: Final = {
    "Dataset": "DATA",
    "Dissertation": "THES",
    "JournalArticle": "JOUR",
    "Report": "RPRT",
    "Software": "COMP",
}
"""DataCite's resourceTypeGeneral → type of RIS."""


def _write(publication: Publication) -> bytes:
    # a line ends with CR and LF, and nothing else may: no text can begin a tag of its own
    lines = (f"{tag}  - {' '.join(text.split())}" for tag, text in _lines(publication))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _lines(publication: Publication) -> Iterator[tuple[str, str]]:
    issued = publication.issued
    yield "TY", _TYPES.get(publication.general, "GEN")
    yield "ID", plain(publication.pid)
    yield "TI", publication.title
    for agent in publication.creators:
        yield "AU", agent.inverted
    for agent in publication.contributors:
        yield "A2", agent.inverted
    yield "PY", f"{issued.year:04}"
    yield "DA", f"{issued.year:04}/{issued.month:02}/{issued.day:02}"
    yield "PB", publication.publisher.name
    yield "AB", publication.description
    for word in publication.keywords:
        yield "KW", word
    if publication.doi is not None:
        yield "DO", publication.doi
    yield "UR", publication.identifier
    yield "ER", ""


EXPORT: Final = Export(
    name="ris",
    title="RIS",
    media_type="application/x-research-info-systems",
    suffix=".ris",
    write=_write,
)
