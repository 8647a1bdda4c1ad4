"""The composition root: settings and a database become one web application.

It alone knows every capability, and does nothing but put them together.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from panosc import __version__
from panosc.catalogue import schema
from panosc.catalogue.database import explained
from panosc.data import routes as data_routes
from panosc.data import service as data_service
from panosc.data.admitting import Admission
from panosc.data.downloads import routes as download_routes
from panosc.data.downloads.links import Links
from panosc.data.downloads.selecting.stock import Stocks
from panosc.data.downloads.service import Downloads
from panosc.data.overviews import routes as overview_routes
from panosc.data.overviews.service import Overviews
from panosc.data.restoring import routes as restoring_routes
from panosc.data.restoring.wishes import Wishes
from panosc.data.zarr import routes as zarr_routes
from panosc.federation.routes import providers, streaming
from panosc.federation.routes.searching import Federated
from panosc.federation.service import Federation
from panosc.files.apart import asking as reading_account
from panosc.files.service import PlotService
from panosc.files.storage.places import stores_of
from panosc.identity import routes as identity_routes
from panosc.identity import service as identity
from panosc.identity.keys import node_keys
from panosc.ingest.messages import routes as ingest
from panosc.ingest.messages.register import Register
from panosc.ingest.overview.service import Overview
from panosc.ingest.runs import routes as runs
from panosc.ingest.runs.service import Runs
from panosc.ingest.watching import routes as watching
from panosc.policy import asking, births
from panosc.policy import routes as policy_routes
from panosc.policy import service as policy
from panosc.policy.shelf import Shelf
from panosc.portal import problems
from panosc.portal import routes as portal
from panosc.portal.facts import term
from panosc.portal.guards import service as guards
from panosc.portal.operating import health, indexed
from panosc.portal.operating.board import Board
from panosc.portal.operating.numbers import Numbers
from panosc.portal.pages.data.describing import describe
from panosc.portal.rendering import Renderer
from panosc.portal.site import Site
from panosc.publication import service as publication
from panosc.publication.fair import routes as fair_routes
from panosc.publication.oai import routes as oai_routes
from panosc.publication.oai.provider import Provider
from panosc.publication.plans import routes as plan_routes
from panosc.search import routes as search
from panosc.search import suggesting
from panosc.search.choosing import Chooser
from panosc.search.index.keeping.standing import standing
from panosc.search.index.opening import SearchIndex
from panosc.search.panet import lineage
from panosc.search.saved import routes as saved_routes
from panosc.search.saved.store import SavedSearches
from panosc.search.service import SearchService
from panosc.settings import Settings


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    engine: sa.Engine,
    *,
    clock: Callable[[], datetime] = _now,
    board: Board | None = None,
) -> FastAPI:
    """Return the application of one node.

    Parameters
    ----------
    settings : Settings
    engine : Engine
        A migrated database; the caller closes it.
    clock : callable
        Tells the time; access depends on it.
    board : Board, optional
        What the web processes of the node share; without it this is the only one.
    """
    reading_account.use(settings.reader_command)
    index = SearchIndex(settings.home)
    searching = SearchService(engine, settings, clock, index)
    plots = PlotService(engine, settings, clock)
    admission = Admission(engine, clock)
    overviews = Overviews(engine, settings.home, clock, stores=stores_of(settings))
    data = data_service.build(settings, admission, overviews)
    rules = policy.build(engine, settings, clock)
    publishing = publications(engine, settings, clock, shelf=rules.shelf)
    downloads = Downloads(settings, admission, describe(publishing.gatherer, settings))
    wishes = Wishes(engine, settings, clock, admission)
    federation = Federation(engine, settings, clock, searching)

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        with plots, data, downloads, rules.budgets, federation.live:
            yield

    app = FastAPI(
        title=f"{settings.facility}: PaN Open Science node",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=running,
        # addresses of pages hold questions, which are nobody else's: no collector gets them
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    who = identity.build(engine, settings, clock, settle=births.for_groups(rules.shelf))
    shared = board or Board()
    numbers = Numbers(shared, lambda: _connections(engine))

    def told() -> Iterator[str]:
        yield from numbers.lines()
        yield from indexed.lines(standing(index.folder, engine, clock()))

    asking.install(app, who.authenticate, rules.budgets.admit)
    render = Renderer(settings)
    register = Register(engine, settings, clock)
    journal = Runs(engine, settings, clock, choose=Chooser(searching).pids)
    saved = SavedSearches(engine, searching, clock)
    site = Site(
        search=searching,
        saved=saved,
        plots=plots,
        data=data,
        overviews=overviews,
        wishes=wishes,
        federation=federation,
        downloads=downloads,
        publications=publishing,
        stocks=Stocks(engine, clock),
        links=Links(who.links),
        identity=who,
        policy=rules,
        runs=journal,
        overview=Overview(engine, settings, clock),
        register=register,
        settings=settings,
        render=render,
    )
    # first, for they are asked most often
    data_routes.install(app, site.data, zarr_routes.router(site.data))
    for router in _routers(site, engine, clock, index, told):
        # as they are: to include them would prepare each route a second time
        app.router.routes.extend(router.routes)
    problems.install(app, render, foreign={DBAPIError: explained, PoolTimeout: explained})
    guards.install(app, settings, budgets=rules.budgets, clock=clock, board=shared, numbers=numbers)
    return app


def _routers(
    site: Site,
    engine: sa.Engine,
    clock: Callable[[], datetime],
    index: SearchIndex,
    told: Callable[[], Iterator[str]],
) -> Iterator[APIRouter]:
    """Yield the routes of all capabilities, in the order in which a request is tried on them."""
    yield search.router(Federated(site.search, site.federation, site.absolute, clock))
    yield suggesting.router(site.search)
    yield streaming.router(site.search, site.federation, site.absolute)
    yield providers.router(site.federation)
    yield saved_routes.router(site.saved)
    yield identity_routes.router(site.identity, site.settings)
    yield policy_routes.router(site.policy)
    harvests = Provider(
        engine,
        clock,
        site.publications.gatherer,
        settings=site.settings,
        keys=node_keys(site.settings),
        lineage=lineage,
    )
    yield oai_routes.router(harvests, site.settings)
    # before those of announcements, whose ids may be any word
    yield runs.router(site.runs)
    yield watching.router(engine, site.settings, clock, more=told)
    yield health.router(lambda: schema.is_newest(engine), lambda: indexed.word(index.folder))
    yield ingest.router(site.register)
    yield download_routes.router(site.downloads, site.links)
    yield overview_routes.router(site.overviews)
    yield restoring_routes.router(site.wishes)
    yield fair_routes.router(site.publications.fairness)
    yield plan_routes.router(site.publications.plans, site.absolute)
    yield portal.router(site)


def publications(
    engine: sa.Engine, settings: Settings, clock: Callable[[], datetime], *, shelf: Shelf
) -> publication.Publications:
    """Return the services of publication, which call techniques as PaNET does."""
    return publication.build(engine, settings, clock, shelf=shelf, term=term)


def _connections(engine: sa.Engine) -> tuple[int, int]:
    """Return the connections to the database, all and those in use."""
    pool = engine.pool
    if not isinstance(pool, sa.QueuePool):
        return 0, 0
    made = pool.size() + pool.overflow()
    return made, made - pool.checkedin()
