"""What the page of a dataset shows of its data: the default plot, numbers, frames of a stack."""

from typing import Any

from markupsafe import Markup

from panosc.charts.svg import draw, finding, table
from panosc.data.overviews import telling
from panosc.data.overviews.service import Shown
from panosc.domain.access import Who
from panosc.domain.errors import NotFound, PanoscError
from panosc.domain.plots import Plot
from panosc.portal.site import Site

Item = dict[str, Any]
NOTHING: Item = {
    "plot": None,
    "no_plot": None,
    "plot_note": None,
    "statistics": None,
    "pictures": (),
    "is_pictured": False,
}


def plotted(site: Site, who: Who, pid: str) -> Item:
    """Return the plot of a dataset, or in a sentence why there is none."""
    kept = site.overviews.shown(who, pid)
    if kept is not None:
        drawn = _drawn(Markup(kept.svg), kept.plot)  # noqa: S704
        return NOTHING | {"plot": drawn, "is_pictured": True, **_overview(kept)}
    try:
        plot = site.plots.plot(who, pid)
    except NotFound:
        return NOTHING
    except PanoscError as error:
        return NOTHING | {"no_plot": error.detail}
    if plot is None:
        return NOTHING
    return NOTHING | {"plot": _drawn(Markup(draw(plot)), plot)}  # noqa: S704


def _drawn(svg: Markup, plot: Plot) -> Item:
    """Return what the template needs; charts have escaped every text in `svg`."""
    return {"svg": svg, "finding": finding(plot), "table": table(plot), "source": plot.path}


def _overview(kept: Shown) -> Item:
    """Return what else is kept: numbers, and the frames of a stack."""
    return {
        "plot_note": kept.note,
        "statistics": telling.statistics(kept.overview),
        "pictures": telling.pictures(kept.overview),
        "chosen": telling.chosen(kept.overview),
        "picture_size": kept.overview.size,
    }
