"""Records as CSL-JSON (1.0.2), from which citation programs make any style."""

from typing import Any, Final

import orjson

from panosc.publication.exporting import Export
from panosc.publication.exports.datacite_json import kind
from panosc.publication.reading.describing import plain
from panosc.publication.record import Agent, Publication

Described = dict[str, Any]
_TYPES: Final = {
    "Collection": "collection",
    "Dataset": "dataset",
    "Dissertation": "thesis",
    "JournalArticle": "article-journal",
    "Report": "report",
    "Software": "software",
}
"""DataCite's resourceTypeGeneral → type of CSL."""


def described(publication: Publication) -> Described:
    """Return a record as an item of CSL."""
    day = publication.issued
    lines: Described = {
        "id": plain(publication.pid),
        "type": _TYPES.get(publication.general, "document"),
        "genre": kind(publication),
        "title": publication.title,
        "author": [_name(agent) for agent in publication.creators],
        "contributor": [_name(agent) for agent in publication.contributors],
        "issued": {"date-parts": [[day.year, day.month, day.day]]},
        "publisher": publication.publisher.name,
        "abstract": publication.description,
        "keyword": ", ".join(publication.keywords),
        "DOI": publication.doi,
        "URL": publication.identifier,
    }
    return {name: value for name, value in lines.items() if value not in (None, "", [])}


def _name(agent: Agent) -> Described:
    if agent.family and agent.given:
        return {"family": agent.family, "given": agent.given}
    return {"literal": agent.name}


def _write(publication: Publication) -> bytes:
    return orjson.dumps([described(publication)])


EXPORT: Final = Export(
    name="csl",
    title="CSL-JSON",
    media_type="application/vnd.citationstyles.csl+json",
    suffix=".csl.json",
    write=_write,
)
