"""Sitemaps (sitemaps.org 0.9) of all pages that anyone may see, for search engines.

An index names the parts; each part is written while it is sent.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import escape

from panosc.domain.errors import NotFound
from panosc.domain.pid import pid_path
from panosc.publication.eosc.listing import Listing
from panosc.publication.record import Address, Model, day

MOST: Final = 50_000
"""Addresses that the protocol allows in one file."""
USUAL: Final = 40_000
"""So many are aimed at: parts are of the same length but for chance, some hundreds."""
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE: Final = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_MODELS: Final[dict[str, Model]] = {"datasets": "Dataset", "documents": "Document"}
_PART: Final = re.compile(r"(datasets|documents)-([1-9]\d{0,3})-(\d{1,4})", re.ASCII)
PAGES: Final = ("/", "/search", "/instruments", "/techniques", "/about", "/policy", "/api")


def index(listing: Listing, address: Address) -> str:
    """Return the index of all parts."""
    names = ["pages"]
    for name, model in _MODELS.items():
        of = -(-listing.count(model) // USUAL)
        names += [f"{name}-{of}-{number}" for number in range(of)]
    lines = "".join(
        f"<sitemap><loc>{escape(address(f'/sitemap/{name}.xml'))}</loc></sitemap>\n"
        for name in names
    )
    return f"{_HEAD}<sitemapindex {_SPACE}>\n{lines}</sitemapindex>\n"


def part(listing: Listing, address: Address, name: str) -> Iterator[str]:
    """Return what writes one part, by its name in the index.

    Raises
    ------
    NotFound
        If there is no such part.
    """
    if name == "pages":
        return _written((address(path), None) for path in PAGES)
    found = _PART.fullmatch(name)
    if found is None or int(found[3]) >= int(found[2]):
        raise NotFound(
            f"There is no part “{name[:80]}” of the sitemap.", hint="Its parts are in /sitemap.xml."
        )
    records = listing.part(_MODELS[found[1]], int(found[3]), int(found[2]), most=MOST)
    return _written(
        (address(f"/{found[1]}/{pid_path(record.pid)}"), day(record.changed)) for record in records
    )


def _written(lines: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    yield f"{_HEAD}<urlset {_SPACE}>\n"
    for place, changed in lines:
        when = f"<lastmod>{changed}</lastmod>" if changed else ""
        yield f"<url><loc>{escape(place)}</loc>{when}</url>\n"
    yield "</urlset>\n"
