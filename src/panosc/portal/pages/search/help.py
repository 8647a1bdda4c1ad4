"""How to ask: the language of the search box, each line an example that can be followed.

The examples are data. Tests put every one of them to a node and hold its answer to its words.
"""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.arguments import FIELDS
from panosc.portal.site import Site, add_page, pages
from panosc.portal.words import query_string
from panosc.search.language.completing import ABOUT
from panosc.search.language.names import ALIASES

PATH = "/search/help"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Something to type, and what it asks for."""

    text: str
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Examples of one kind."""

    title: str
    about: str
    examples: tuple[Example, ...]


def _chapter(title: str, about: str, *examples: tuple[str, str]) -> Chapter:
    lines = tuple(Example(text=text, means=means) for text, means in examples)
    return Chapter(title=title, about=about, examples=lines)


CHAPTERS = (
    _chapter(
        "Words",
        "All words have to be there, in any order, in the title, the abstract, the sample, the "
        "instrument, the technique or the names of people. Endings, accents and capitals do not "
        "matter.",
        ("silver behenate", "both words"),
        ('"small angle"', "these words beside each other"),
        ("lysozyme -tomography", "“lysozyme”, and not “tomography”"),
        ("LiFePO4", "this formula, also written LiFePO₄"),
        ("elements:Li,Fe", "a formula with lithium and iron in it"),
    ),
    _chapter(
        "Fields",
        "A name, a colon and a value. A value with spaces stands in quotes. One field with several "
        "values means any of them; different fields all have to fit.",
        ("technique:SANS", "small angle neutron scattering, by its abbreviation"),
        (
            'technique:"small angle scattering"',
            "small angle scattering, and all techniques narrower than it",
        ),
        ("technique:PaNET01216", "x-ray diffraction, by its identifier in PaNET"),
        ("facility:ESS", "measured at ESS"),
        ("facility:(ESS or ILL)", "measured at one of the two"),
        ("instrument:D22", "measured with D22"),
        ("kind:raw", "as the instrument wrote it"),
        ("access:open", "open to anyone"),
        ("title:silver", "“silver” in the title, also as a part of a word"),
        ("author:Meitner", "somebody called Meitner took part"),
        ("sample:ice", "“ice” in the name of the sample"),
    ),
    _chapter(
        "Not",
        "A minus before a field leaves out what fits it.",
        ("-technique:SANS", "anything but small angle neutron scattering"),
        ("-facility:(ESS or ILL)", "measured at neither of the two"),
        ("silver -kind:simulated", "“silver”, and not simulated"),
    ),
    _chapter(
        "Ranges with units",
        "Parameters have the names of PaNOSC and NeXus, such as photon_energy; everyday names like "
        "energy are understood too. The value is converted to the unit it was stored in. Without a "
        "unit numbers are compared as they were stored. Both ends of a range belong to it.",
        ("wavelength:0.9..1.1Å", "a wavelength from 0.9 to 1.1 Å"),
        ("wavelength:0.4..0.8nm", "a wavelength from 4 to 8 Å"),
        ("temperature:<300K", "colder than 300 K"),
        ("temperature:>=20°C", "at 20 °C or warmer"),
        ("temperature:..80K", "at 80 K or colder"),
        ("energy:12keV", "a photon energy of 12 keV"),
        ("-temperature:<100K", "not colder than 100 K, or the temperature is not known"),
    ),
    _chapter(
        "Dates and sizes",
        "A year, a month or a day, or a range of them, in UTC.",
        ("created:2024-03..2024-05", "measured from March to May 2024"),
        ("created:>2024-03-17", "measured after 17 March 2024"),
        ("year:2023..", "measured in 2023 or later"),
        ("released:2024", "released in 2024"),
        ("bytes:>=1GB", "a gigabyte or more"),
    ),
    _chapter(
        "All together",
        "The address of the page of results says the same, and can be kept, shared and edited.",
        (
            'lysozyme technique:"small angle scattering" temperature:<300K -tomography',
            "small angle scattering of lysozyme, colder than 300 K, no tomography",
        ),
        (
            "technique:SANS wavelength:4..8Å facility:ILL sort:-released",
            "SANS at ILL with such a wavelength, the last released first",
        ),
    ),
)


def examples() -> tuple[Example, ...]:
    """Return all examples of the page."""
    return tuple(example for chapter in CHAPTERS for example in chapter.examples)


def router(site: Site) -> APIRouter:
    """Return the route of the page."""
    routes = pages()

    def search_help(request: Request) -> Response:
        words = {
            name: [word for word, field in ALIASES.items() if field == name] for name in FIELDS
        }
        return site.render.page(
            request,
            "search_help",
            title="How to search",
            canonical=PATH,
            chapters=CHAPTERS,
            fields=[(name, ABOUT[name], words[name]) for name in FIELDS],
            address=lambda example: f"{site.render.root}/search?" + _asked(example),
        )

    add_page(routes, PATH, search_help, summary="How to search, by examples")
    return routes


def _asked(example: Example) -> str:
    """Return the query part for an example: as typed, and led to its address by the page."""
    return query_string([("q", example.text)])
