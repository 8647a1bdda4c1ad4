"""Two harvesters that others wrote, over HTTP, while records change, go, come and open."""

import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from oai_node import DOMAIN, Node, oai, open_dataset
from oai_reading import read
from oaipmh_scythe import Scythe

from app_serving import serving
from panosc.app import create_app

with warnings.catch_warnings():
    # it is of 2020, and has escapes in its patterns that Python has come to dislike
    warnings.simplefilter("ignore")
    from sickle import Sickle

Header = tuple[str, bool]
Harvest = Callable[..., Iterator[Header]]
NAMES = {"metadata_prefix": "metadataPrefix", "from_": "from", "set_": "set"}


def by_scythe(address: str, verb: str, **asked: str) -> Iterator[Header]:
    with Scythe(address) as harvester:
        if verb == "ListIdentifiers":
            for header in harvester.list_identifiers(**asked):
                yield header.identifier, header.deleted
        else:
            for record in harvester.list_records(**asked):
                yield record.header.identifier, record.deleted
                assert record.deleted or record.metadata["title"]


def by_sickle(address: str, verb: str, **asked: str) -> Iterator[Header]:
    harvester = Sickle(address, http_method="POST")
    found: Any = getattr(harvester, verb)(**{NAMES[name]: asked[name] for name in asked})
    for item in found:
        header = item if verb == "ListIdentifiers" else item.header
        yield header.identifier, header.deleted


@pytest.fixture
def address(bare_node: Node) -> Iterator[str]:
    """The node's web service, whose clock is the test's."""
    nowhere = bare_node.settings.model_copy(update={"base_url": None, "rate_limit": 0})
    with serving(create_app(nowhere, bare_node.engine, clock=bare_node.clock)) as found:
        yield f"{found}/oai"


def local(pid: str) -> str:
    return oai(pid).replace(DOMAIN, "node.invalid")


@pytest.mark.parametrize(
    ("harvest", "verb", "many"),
    [
        (by_scythe, "ListRecords", 340),
        (by_sickle, "ListRecords", 340),
        (by_scythe, "ListIdentifiers", 2040),
        (by_sickle, "ListIdentifiers", 1040),
    ],
)
def test_each_record_once_and_each_change(
    bare_node: Node, address: str, harvest: Harvest, verb: str, many: int
) -> None:
    node, pids = bare_node, [f"d{number:04}" for number in range(many)]
    waiting = {"access": "embargoed", "embargoUntil": f"{node.now + timedelta(hours=1):%FT%TZ}"}
    node.write(
        open_dataset(pid, **({} if number % 10 else {"isPublic": None, **waiting}))
        for number, pid in enumerate(pids)
    )
    node.remove(pids[::25])
    begun = read(httpx.get(address, params={"verb": "Identify"}).content).answered
    whole: list[Header] = []
    changed, gone, fresh = pids[1::7], pids[3::50], [f"new{number}" for number in range(40)]
    for number, header in enumerate(harvest(address, verb, metadata_prefix="oai_dc")):
        whole.append(header)
        if number == many // 3:
            node.write(open_dataset(pid, description="Anew") for pid in changed)
            node.remove(gone)
            node.write(open_dataset(pid) for pid in fresh)
            node.wait(hours=2)
    node.wait()
    assert len(whole) == many
    seen = dict(whole)
    assert len(seen) == many
    # what was deleted before is told so; what was deleted meanwhile, here or in what follows
    assert {pid for pid in pids[::25] if not seen[local(pid)]} <= set(changed)
    after = dict(harvest(address, verb, metadata_prefix="oai_dc", from_=f"{begun:%FT%TZ}"))
    opened = {pid for pid in pids[::10] if pid not in {*pids[::25], *gone}}
    assert {*map(local, [*changed, *gone, *fresh, *opened])} <= set(after)
    merged = seen | after
    dead = {*gone, *(pid for pid in pids[::25] if pid not in changed)}
    assert {local(pid) for pid in dead} == {name for name in merged if merged[name]}
    assert set(merged) == {local(pid) for pid in [*pids, *fresh]}


def test_the_ends_of_http(bare_node: Node, address: str) -> None:
    bare_node.write([open_dataset("a")])
    with httpx.Client() as client:
        got = client.get(address, params={"verb": "ListIdentifiers", "metadataPrefix": "oai_dc"})
        posted = client.post(address, data={"verb": "ListIdentifiers", "metadataPrefix": "oai_dc"})
        assert got.headers["content-type"] == "text/xml; charset=utf-8"
        assert got.status_code == posted.status_code == 200
        assert got.content == posted.content
        for answer in (
            client.get(address),
            client.get(f"{address}?{'&'.join('a=b' for _ in range(100))}"),
            client.post(address, content=b"\xff\xfe=\x00&" * 50_000),
            client.post(address, params={"verb": "Identify"}),
        ):
            assert answer.status_code == 200
            assert read(answer.content).error == "badVerb"
    with Scythe(address) as harvester:
        assert harvester.identify().protocolVersion == "2.0"
        assert {one.metadataPrefix for one in harvester.list_metadata_formats()} >= {"oai_dc"}
        assert "openaire_data" in {one.setSpec for one in harvester.list_sets()}
        record = harvester.get_record(identifier=local("a"), metadata_prefix="oai_datacite")
        assert record.metadata


def test_who_asks_too_often_is_told_to_wait_as_the_protocol_does(bare_node: Node) -> None:
    strict = bare_node.settings.model_copy(update={"base_url": None, "rate_limit": 2})
    with serving(create_app(strict, bare_node.engine, clock=bare_node.clock)) as address:
        asked = [httpx.get(f"{address}/oai?verb=Identify") for _ in range(3)]
        assert [answer.status_code for answer in asked] == [200, 200, 503]
        assert 0 < int(asked[-1].headers["retry-after"]) <= 60
        assert httpx.get(f"{address}/policy").status_code == 429
