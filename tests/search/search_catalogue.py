"""A loaded catalogue and how it is served, for the search tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

import app_serving
from panosc.domain.access import ANYONE, Who
from panosc.policy.asking import who_asks
from panosc.portal import problems
from panosc.search.index.following import rebuild
from panosc.search.index.opening import SearchIndex
from panosc.search.routes import Local, router
from panosc.search.service import SearchService
from panosc.settings import Settings

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Catalogue:
    """A loaded catalogue: the service over it, and its database."""

    service: SearchService
    engine: sa.Engine

    def app(self, who: Who = ANYONE) -> FastAPI:
        """The API over it, as one person sees it."""
        app = FastAPI(openapi_url="/api/openapi.json")
        app.include_router(router(Local(self.service)))
        app.dependency_overrides[who_asks] = lambda: who
        problems.install(app)
        return app


@contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """Serve `app` on a free port of this machine; the client asks relative to it."""
    with app_serving.serving(app) as address:
        base = f"{address}/panosc-api"
        with httpx.Client(base_url=base, timeout=30, trust_env=False) as client:
            yield client


def catalogue_over(engine: sa.Engine, home: Path | None = None) -> Catalogue:
    """Return what asks a catalogue; with a home it asks an index as well, which is built there."""
    # expressions are judged by what they find, however busy the machine is
    settings = Settings(regexp_time_limit_s=20)
    if home is not None:
        settings = settings.model_copy(update={"home": home})
    index = None
    if home is not None:
        rebuild(engine, settings, lambda: NOW, tell=lambda _done, _total: None)
        index = SearchIndex(home)
    service = SearchService(engine, settings, lambda: NOW, index)
    return Catalogue(service=service, engine=engine)
