"""Links that a catalogue gives: to itself with what proves who asks, inward never."""

import asyncio

import httpx
import pytest
from cloud.standins.oai import Provider, serving
from conformance import calling

from panosc.federation.calling import Caller
from panosc.federation.source import Source
from panosc.identity.outbound.beyond import Beyond, Bounds, Failed

BOUNDS = Bounds(seconds=3, limit=1 << 20)


def source(url: str) -> Source:
    return Source(name="src", kind="oai", url=url, title="A Facility", is_private=True)


def test_a_link_to_another_server_of_the_network_is_not_followed() -> None:
    here, there = Provider(), Provider()

    async def go(url: str, other: str) -> None:
        async with calling(source(url)) as caller:
            assert (await caller.get(f"{url}?verb=Identify")).is_success
            with pytest.raises(Failed) as caught:
                await caller.get(f"{other}?verb=Identify")
            assert caught.value.reason == "refused"

    with serving(here) as url, serving(there) as other:
        asyncio.run(go(url, other))
    assert (len(here.asked), there.asked) == (1, [])


class Abroad(Beyond):
    """Calls nobody: there is no public server in a test."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []

    def is_trusted(self, host: str) -> bool:
        return False

    async def call(self, request: httpx.Request, bounds: Bounds, *, name: str) -> httpx.Response:
        self.asked.append(request)
        return httpx.Response(200, request=request)


def test_what_proves_who_asks_stays_with_the_catalogue() -> None:
    abroad = Abroad()
    caller = Caller(abroad, source("https://catalogue.example/api"), BOUNDS)
    headers = {"Authorization": "Bearer x", "Accept": "text/xml", "X-Key": "x"}

    async def go() -> None:
        for path in ("things", "https://catalogue.example/api/more", "https://else.example/x"):
            await caller.get(path, headers=headers)

    asyncio.run(go())
    own, link, other = abroad.asked
    assert own.headers["authorization"] == link.headers["authorization"] == "Bearer x"
    assert other.headers["accept"] == "text/xml"
    assert not {"authorization", "x-key"} & set(other.headers)
