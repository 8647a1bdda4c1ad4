"""Login providers that run, and nodes at which their people can sign in."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import identity_providers as providers
import pytest
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from panosc.app import create_app
from panosc.identity.devprovider import DevProvider
from panosc.settings import Settings


@pytest.fixture
def dev_provider(settings_of_demo: Settings) -> Iterator[providers.Embedded]:
    """The embedded provider, running."""
    running = providers.Embedded(DevProvider(settings_of_demo))
    yield running
    running.end()


@pytest.fixture
def settings_of_demo(tmp_path: Path) -> Settings:
    """Settings of a node that may have a provider of made-up people."""
    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="session")
def npm_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[providers.Certified]:
    """The certified provider, one for the whole run; each node is a client of its own there."""
    running = providers.Certified(tmp_path_factory.mktemp("npm") / "log.txt")
    yield running
    running.end()


@pytest.fixture(params=["embedded", "certified"])
def any_provider(request: pytest.FixtureRequest) -> providers.AnyProvider:
    """Both providers in turn."""
    name = "dev_provider" if request.param == "embedded" else "npm_provider"
    provider: providers.AnyProvider = request.getfixturevalue(name)
    return provider


@dataclass
class SignedNode:
    """A node that is served and that people of a provider can sign in at."""

    app: FastAPI
    engine: sa.Engine
    settings: Settings
    address: str


@contextmanager
def _serving(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


MakeNode = Callable[..., SignedNode]


@pytest.fixture
def signed_node(settings: Settings, engine: sa.Engine) -> Iterator[MakeNode]:
    """Makes a node for the people of `provider`; further settings by name, and a `clock`."""
    with ExitStack() as stack:

        def make(
            provider: providers.AnyProvider,
            *,
            clock: Callable[[], datetime] = lambda: datetime.now(UTC),
            **changes: Any,
        ) -> SignedNode:
            # the address has to be known before anyone answers there
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listener.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            chosen = {
                "providers": (provider.as_provider(address),),
                "outbound_hosts": ("127.0.0.1",),
                **changes,
            }
            of_node = settings.model_copy(update=chosen)
            app = create_app(of_node, engine, clock=clock)
            stack.enter_context(_serving(app, listener))
            return SignedNode(app=app, engine=engine, settings=of_node, address=address)

        yield make
