"""What the head of a landing page says in the words of others: Dublin Core, highwire, Open Graph.

Search engines for papers, reference managers and FAIR checks read these where they know neither
JSON-LD nor links.
"""

from collections.abc import Iterator
from typing import Final

from panosc.publication.record import Publication, day

Meta = tuple[str, str, str]
"""The attribute that names it, its name, its content."""

MOST: Final = 50
"""People, and keywords."""
LONGEST: Final = 300
_LONGEST_ABSTRACT: Final = 2000


def metas(publication: Publication, *, picture: str | None) -> list[Meta]:
    """Return the ``<meta>`` elements of a record; `picture` is the address of one of it."""
    return [
        ("name", "description", short(publication.description)),
        *(("name", name, content) for name, content in _dublin_core(publication)),
        *(("name", name, content) for name, content in _highwire(publication)),
        *(("property", name, content) for name, content in _open_graph(publication, picture)),
    ]


def short(text: str, most: int = LONGEST) -> str:
    """Return a text in one line of at most `most` letters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _dublin_core(publication: Publication) -> Iterator[tuple[str, str]]:
    it = publication
    yield "DC.title", it.title
    yield from (("DC.creator", agent.inverted) for agent in it.creators[:MOST])
    yield from (("DC.contributor", agent.inverted) for agent in it.contributors[:MOST])
    yield "DC.publisher", it.publisher.name
    yield "DC.date", day(it.issued)
    yield "DC.type", it.general
    yield "DC.identifier", it.identifier
    yield "DC.description", short(it.description, _LONGEST_ABSTRACT)
    yield from (("DC.subject", word) for word in it.keywords[:MOST])
    files = it.detail.files if it.detail else ()
    yield from (("DC.format", kind) for kind in sorted({file.media_type for file in files}))
    if it.licence and it.licence.url:
        yield "DCTERMS.license", it.licence.url
    yield from (("DCTERMS.accessRights", rights) for rights in it.rights)


def _highwire(publication: Publication) -> Iterator[tuple[str, str]]:
    it = publication
    yield "citation_title", it.title
    for agent in it.creators[:MOST]:
        yield "citation_author", agent.inverted
        if agent.affiliation:
            yield "citation_author_institution", agent.affiliation.name
        if agent.orcid:
            yield "citation_author_orcid", agent.orcid
    yield "citation_publication_date", day(it.issued).replace("-", "/")
    yield "citation_publisher", it.publisher.name
    if it.doi:
        yield "citation_doi", it.doi
    yield "citation_abstract_html_url", it.url


def _open_graph(publication: Publication, picture: str | None) -> Iterator[tuple[str, str]]:
    it = publication
    yield "og:type", "website"
    yield "og:title", it.title
    yield "og:description", short(it.description)
    yield "og:url", it.url
    yield "og:site_name", it.facility
    if picture:
        yield "og:image", picture
