"""Every component of the pages in every state, for eyes and for checking programs.

What stands here is made up and says so; no record of the node is read.
"""

import math

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from panosc.charts.bars import draw_bars
from panosc.charts.histogram import Bins, draw_histogram, rows, told
from panosc.charts.svg import draw, finding, table
from panosc.domain.plots import Axis, ImagePlot, LinePlot, Plot
from panosc.portal.hits import Hit
from panosc.portal.pages.search import Paging, Place
from panosc.portal.pages.search.found import Found, fits_of, marked, snippet
from panosc.portal.pages.search.spreads import Spread
from panosc.portal.site import Site, add_page, pages
from panosc.publication.citing import Citation
from panosc.publication.record import Agent
from panosc.search.language.selection import Selection

_STATES = ("open", "embargoed", "closed", "withdrawn")
_LONG = (
    "A very long title of a time-resolved measurement with an unbroken name "
    "Pb(Mg1/3Nb2/3)O3-x_PbTiO3_under_uniaxial_pressure_at_several_temperatures_and_fields "
    "and the word שלום written from right to left"
)


def router(site: Site) -> APIRouter:
    """Return the route of the pattern page."""
    routes = pages()

    def patterns(request: Request) -> Response:
        return site.render.page(
            request,
            "patterns",
            title="Patterns",
            canonical="/-/patterns",
            hits=[_hit(index, state) for index, state in enumerate(_STATES)],
            plots=[_shown(plot, f"example-{index}") for index, plot in enumerate(_plots())],
            bars=Markup(draw_bars(_COUNTS, name=_BARS, identifier="bars")),  # noqa: S704
            paging=Paging(Place(selection=Selection(page=5), root=site.render.root), 300),
            spread=_spread(),
            found=_found(0),
            rows=_found(10),
            people=_PEOPLE,
            files=_FILES,
            cited=_CITED,
        )

    add_page(routes, "/-/patterns", patterns, summary="Every component in every state")
    return routes


_PEOPLE = [
    Agent(name="First Example", given="First", family="Example"),
    Agent(name="Second Example", orcid="https://orcid.org/0000-0002-1825-0097"),
]
_CITED = [
    Citation(
        style=name.lower(),
        name=name,
        before="Example, F., & Second Example (2021). ",
        title=_LONG,
        after=" [Data set]. Example facility.",
        identifier="https://doi.org/10.5072/example-1",
    )
    for name in ("APA", "Chicago")
]
_COUNTS = [(str(2015 + index), count) for index, count in enumerate((3, 8, 0, 21, 55, 34, 13))]
_BARS = "Example datasets by year, 2015 to 2021; most in 2019: 55"
_FILES = [
    {"name": "run_118000.nxs", "format": "nexus", "size": 431_000_000, "sha256": "3a7bd3e2" * 8},
    {"name": "a/folder/with a file of a long name.h5", "size": 12},
]


def _hit(index: int, state: str) -> Hit:
    return Hit(
        pid=f"10.5072/example-{index}",
        title=_LONG if index in {1, 11} else "Small-angle scattering of an example at 280 to 320 K",
        line=("First Example, Second Example", "Example facility", "D22", "2021-11-03"),
        access=state,
        until="2031-05-01T00:00:00Z" if state == "embargoed" else None,
        size=None if index == 2 else 18_400_000_000,  # noqa: PLR2004
        methods="small angle neutron scattering",
    )


def _spread() -> Spread:
    edges = tuple(0.5 + 0.25 * index for index in range(25))
    counts = tuple(round(60 * math.exp(-(((index - 14) / 5) ** 2))) for index in range(24))
    bins = Bins(edges=edges, counts=counts, unit="angstrom")
    finding = told(bins, what="Incident wavelength")
    picture = draw_histogram(bins, name=finding, identifier="spread", low=3.0, high=5.0)
    return Spread(
        name="incident_wavelength",
        label="Incident wavelength",
        low="3",
        high="5",
        unit="angstrom",
        units=(("angstrom", "Å"), ("nm", "nm")),
        picture=Markup(picture),  # noqa: S704 - drawn from the numbers above
        finding=finding,
        rows=rows(bins),
        missing=3,
    )


def _found(first: int) -> list[Found]:
    # an identifier stands once on a page
    fits = fits_of("scattering")
    text = "How an example swells, seen by scattering at seven temperatures and two pressures."
    return [
        Found(
            hit=hit,
            title=marked(hit.title, fits),
            snippet=snippet(text, fits),
            why=[("scattering", "title, abstract")],
        )
        for hit in (_hit(first, "open"), _hit(first + 1, "embargoed"))
    ]


def _shown(plot: Plot, identifier: str) -> dict[str, object]:
    svg = draw(plot, identifier=identifier)
    return {"svg": Markup(svg), "finding": finding(plot), "table": table(plot), "source": plot.path}  # noqa: S704


def _plots() -> list[Plot]:
    q = [0.01 * 1.04**index for index in range(100)]
    intensity = [12 * math.exp(-((value * 40) ** 2) / 3) + 1e-3 / value for value in q]
    angle = [20 + index * 0.5 for index in range(41)]
    peak = [200 + 9000 * math.exp(-((value - 31) ** 2) / 4) for value in angle]
    side = range(48)
    ring = [
        [math.exp(-((math.hypot(x - 24, y - 24) - 14) ** 2) / 6) * 900 + 40 for x in side]
        for y in side
    ]
    hole = [
        [None if math.hypot(x - 24, y - 24) < 4 else ring[y][x] for x in side]  # noqa: PLR2004
        for y in side
    ]
    pixels = tuple(float(value) for value in side)
    return [
        LinePlot(
            title="Example",
            path="/entry/data/I",
            x=Axis(label="Q", unit="1/angstrom", values=tuple(q), log=True),
            y=Axis(label="I", unit="1/cm", values=tuple(intensity), log=True),
            points=100,
        ),
        LinePlot(
            title="Example",
            path="/entry/data/counts",
            x=Axis(label="two_theta", unit="deg", values=tuple(angle)),
            y=Axis(label="counts", values=(*peak[:8], None, None, *peak[10:])),
            errors=tuple(4 * math.sqrt(value) for value in peak),
            points=41,
        ),
        ImagePlot(
            title="Example",
            path="/entry/data/image",
            x=Axis(label="x", unit="mm", values=pixels),
            y=Axis(label="y", unit="mm", values=pixels),
            signal=Axis(label="counts"),
            rows=tuple(tuple(row) for row in hole),
            shape=(48, 48),
        ),
    ]
