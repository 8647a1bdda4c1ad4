"""All pages of the portal together, and their static files."""

from fastapi import APIRouter

from panosc.portal import static_files
from panosc.portal.pages import (
    about,
    api,
    home,
    instruments,
    patterns,
    policy,
    search,
    techniques,
    wellknown,
)
from panosc.portal.pages.data import files, restore, selection, viewer
from panosc.portal.pages.exports import routes as exports
from panosc.portal.pages.federation import administration, facilities, sources
from panosc.portal.pages.harvest import about as about_node
from panosc.portal.pages.harvest import catalogue, links, sitemap
from panosc.portal.pages.intake import edit, fair, overview, plan, quarantine, record, run, tape
from panosc.portal.pages.landing import beneath, datasets, documents, doi
from panosc.portal.pages.personal import (
    access,
    account,
    audit,
    device,
    experiments,
    requests,
    searches,
    settings,
    share_link,
    signing_in,
    tokens,
)
from panosc.portal.pages.publish import package, queue
from panosc.portal.pages.search import help as search_help
from panosc.portal.site import Site

PAGES = (
    home,
    search,
    search_help,
    exports,
    # its paths lie beneath those of datasets, which take everything
    access,
    sources,
    links,
    record,
    restore,
    fair,
    plan,
    viewer,
    files,
    selection,
    package,
    queue,
    beneath,
    datasets,
    documents,
    doi,
    instruments,
    techniques,
    administration,
    facilities,
    api,
    about,
    about_node,
    catalogue,
    sitemap,
    patterns,
    policy,
    wellknown,
    signing_in,
    tokens,
    searches,
    settings,
    device,
    requests,
    share_link,
    audit,
    overview,
    run,
    quarantine,
    tape,
    edit,
    experiments,
    account,
)


def router(site: Site) -> APIRouter:
    """Return the routes of all pages."""
    routes = APIRouter()
    for page in PAGES:
        routes.routes.extend(page.router(site).routes)
    static_files.add_to(routes)
    return routes
