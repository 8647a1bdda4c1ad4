"""All pages of the portal together, and their static files."""

from fastapi import APIRouter

from panosc.files.service import PlotService
from panosc.portal import static_files
from panosc.portal.pages import (
    about,
    api,
    datasets,
    documents,
    home,
    instruments,
    patterns,
    search,
    techniques,
)
from panosc.portal.rendering import Renderer
from panosc.portal.site import Site
from panosc.search.service import SearchService
from panosc.settings import Settings

PAGES = (home, search, datasets, documents, instruments, techniques, api, about, patterns)


def router(searching: SearchService, plots: PlotService, settings: Settings) -> APIRouter:
    """Return the routes of all pages."""
    site = Site(search=searching, plots=plots, settings=settings, render=Renderer(settings))
    routes = APIRouter()
    for page in PAGES:
        routes.include_router(page.router(site))
    static_files.add_to(routes)
    return routes
