"""OAI-PMH: a whole harvest, what changed, what went; providers that break the protocol."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloud.standins.oai import Fault, Provider, Record, resource, serving, some
from conformance import Known, ServedConformance, calling, source_of
from reading_all import Clock, asked, harvested, ids, mapped_by, swept

from panosc.domain.errors import Upstream
from panosc.federation.calling import Caller, Patience
from panosc.federation.connectors.oai import OaiConnector
from panosc.federation.contract import Batch, Mapped, Probed, Raw
from panosc.federation.source import Source
from panosc.identity.outbound.beyond import Bounds, beyond
from panosc.settings import Settings

FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECORDED = Path(__file__).with_name("recorded_oai")


def provider(count: int = 25, **how: Any) -> tuple[Provider, Clock]:
    clock = Clock()
    made = Provider(clock=clock, **how)
    made.put(some(count, FIRST))
    clock.wait(hours=1)
    return made, clock


def source(url: str, **options: str) -> Source:
    return source_of(OaiConnector, url, **options)


def harvest(url: str, cursor: Any = None, *, most: int = 10_000, **options: str) -> list[Batch]:
    return harvested(OaiConnector, source(url, **options), cursor, most=most)


def sweep(url: str, **options: str) -> list[str]:
    return swept(OaiConnector, source(url, **options))


def mapped(raw: Raw, **options: str) -> Mapped:
    return mapped_by(OaiConnector, source("http://127.0.0.1", **options), raw)


def probe(url: str) -> Probed:
    return asked(OaiConnector, source(url), OaiConnector.probe)


class TestConformance(ServedConformance):
    connector = OaiConnector
    known = (
        Known(
            kind="record",
            external_id="oai:stand-in.example:3",
            model="Dataset",
            pid="10.5072/oai-3",
            has={"title": "Scattering of iron, run 3", "kind": "raw", "isPublic": True},
            home="https://doi.org/10.5072/oai-3",
        ),
    )

    @classmethod
    @contextmanager
    def standing(cls) -> Iterator[str]:
        made, _ = provider()
        with serving(made) as url:
            yield url


def test_it_takes_all_then_only_what_changed_and_what_went() -> None:
    made, clock = provider()
    with serving(made) as url:
        first = harvest(url)
        assert [len(batch.raws) for batch in first] == [10, 10, 5]
        assert first[0].total == 25
        assert sorted(ids(first)) == sorted(made.records)
        assert harvest(url, first[-1].cursor)[0].raws == []
        clock.wait(hours=1)
        made.put([Record(identifier="new", changed=clock(), xml=resource("10.5072/n", "New"))])
        made.delete(["oai:stand-in.example:7"])
        clock.wait(hours=1)
        made.asked.clear()
        later = harvest(url, first[-1].cursor)
    assert {raw.external_id: raw.is_gone for raw in later[0].raws} == {
        "new": False,
        "oai:stand-in.example:7": True,
    }
    assert len(later) == 1
    # by the provider's clock at the first harvest, five minutes earlier; with no end
    assert made.asked[-1] == {
        "verb": "ListRecords",
        "metadataPrefix": "oai_datacite",
        "from": "2026-03-01T12:55:00Z",
    }


def test_what_changes_while_it_reads_comes_with_the_next_harvest() -> None:
    made, clock = provider()
    with serving(made) as url:
        begun = harvest(url, most=1)
        clock.wait(minutes=3)
        made.put([replace(made.records["oai:stand-in.example:0"], changed=clock())])
        clock.wait(hours=2)
        rest = harvest(url, begun[-1].cursor)
        assert "oai:stand-in.example:0" in ids(harvest(url, rest[-1].cursor))


def test_a_harvest_goes_on_where_it_was_killed() -> None:
    made, _ = provider()
    with serving(made) as url:
        begun = harvest(url, most=2)
        made.asked.clear()
        rest = harvest(url, begun[-1].cursor)
        assert [item["verb"] for item in made.asked] == ["Identify", "ListRecords"]
        assert set(made.asked[-1]) == {"verb", "resumptionToken"}
    assert sorted(ids(begun) + ids(rest)) == sorted(made.records)


def test_a_forgotten_token_begins_that_window_again() -> None:
    made, clock = provider()
    with serving(made) as url:
        cursor = harvest(url)[-1].cursor
        clock.wait(hours=1)
        made.put(some(15, clock()))
        clock.wait(hours=1)
        begun = harvest(url, cursor, most=1)
        made.faults.add("forgets-tokens")
        made.page = 100
        made.asked.clear()
        again = harvest(url, begun[-1].cursor)
    assert len(ids(again)) == 15
    assert made.asked[-1]["from"] == "2026-03-01T12:55:00Z"


def test_a_provider_that_forgets_every_token_is_told_of() -> None:
    made, _ = provider(faults={"forgets-tokens"})
    with serving(made) as url, pytest.raises(Upstream, match="forgot its own token 4 times"):
        harvest(url)


@pytest.mark.parametrize(
    ("fault", "said"), [("circles", "round in circles"), ("endless", "empty pages")]
)
def test_a_list_without_an_end_is_ended(fault: Fault, said: str) -> None:
    made, _ = provider(faults={fault})
    with serving(made) as url:
        with pytest.raises(Upstream, match=said):
            harvest(url)
        with pytest.raises(Upstream, match=said):
            sweep(url)
        assert len(made.asked) < 60


def test_a_busy_provider_is_waited_for() -> None:
    made, _ = provider()
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async def read(url: str) -> int:
        given, settings = source(url), Settings(home=Path("/nonexistent"))
        async with beyond(settings, trusted=["127.0.0.1"]) as calls:
            bounds = Bounds(seconds=5, limit=1 << 20)
            caller = Caller(calls, given, bounds, Patience(first_wait_s=0.01), sleep=wait)
            made.faults.add("busy")
            pages = OaiConnector(given, caller).changes(None)
            return sum([len(batch.raws) async for batch in pages])

    with serving(made) as url:
        assert asyncio.run(read(url)) == 25
    assert waits == [1.0]


def test_days_are_asked_for_where_there_are_no_seconds() -> None:
    made, clock = provider(is_fine=False)
    with serving(made) as url:
        cursor = harvest(url)[-1].cursor
        clock.wait(hours=30)
        made.put([Record(identifier="new", changed=clock(), xml=resource("10.5072/n", "New"))])
        later = harvest(url, cursor)
        assert made.asked[-1].get("from", made.asked[-3].get("from")) == "2026-02-28"
        assert "new" in ids(later)


def test_a_provider_that_does_not_take_its_own_seconds_is_asked_for_days() -> None:
    made, _ = provider(faults={"refuses-seconds"})
    with serving(made) as url:
        cursor = harvest(url)[-1].cursor
        assert len(ids(harvest(url, cursor))) == 25
        assert [item["from"] for item in made.asked if "from" in item] == [
            "2026-03-01T12:55:00Z",
            "2026-03-01",
        ]


@pytest.mark.parametrize("fault", ["dated-now", "no-dates", "bad-earliest", "ignores-from"])
def test_dates_that_say_nothing_do_no_harm(fault: Fault) -> None:
    made, clock = provider(faults={fault, "no-tokens", "ignores-from"}, deleted="no")
    with serving(made) as url:
        first = harvest(url)
        clock.wait(hours=1)
        made.put([Record(identifier="new", changed=FIRST, xml=resource("10.5072/n", "New"))])
        made.delete(["oai:stand-in.example:7"])
        later = harvest(url, first[-1].cursor)
        before = {raw.external_id: raw.content for batch in first for raw in batch.raws}
        after = {raw.external_id: raw.content for batch in later for raw in batch.raws}
        # all come again, and what did not change is the same to the byte
        assert {name for name in after if after[name] != before.get(name)} == {"new"}
        assert before.keys() - set(sweep(url)) == {"oai:stand-in.example:7"}


def test_a_large_page_comes_in_batches_and_is_not_left_half_way() -> None:
    made, _ = provider(2300, page=5000)
    with serving(made) as url:
        batches = harvest(url)
        assert [len(batch.raws) for batch in batches] == [1000, 1000, 300]
        assert len(ids(harvest(url, batches[1].cursor))) == 2300
        assert harvest(url, batches[2].cursor)[0].raws == []


@pytest.mark.parametrize(("count", "is_whole"), [(2999, True), (3000, False)])
def test_a_list_that_looks_cut_off_deletes_nothing(count: int, is_whole: bool) -> None:
    made, _ = provider(count, faults={"no-tokens"})
    with serving(made) as url:
        if is_whole:
            assert len(sweep(url)) == count
        else:
            with pytest.raises(Upstream, match="looks cut off"):
                sweep(url)


def test_a_list_that_ends_before_its_size_deletes_nothing() -> None:
    made, _ = provider()
    answer = made.answer

    def short(asked: dict[str, str]) -> str:
        return answer(asked).replace('completeListSize="25"', 'completeListSize="26"')

    made.answer = short  # type: ignore[method-assign]
    with serving(made) as url, pytest.raises(Upstream, match="after 25 of 26"):
        sweep(url)


def test_a_set_and_a_form_may_be_asked_for() -> None:
    made, _ = provider()
    made.put([replace(made.records["oai:stand-in.example:1"], set="other")])
    with serving(made) as url:
        found = harvest(url, set="other", prefix="oai_dc")
        assert ids(found) == ["oai:stand-in.example:1"]
        assert sweep(url, set="other") == ["oai:stand-in.example:1"]
        assert made.asked[-1]["metadataPrefix"] == "oai_datacite"
        # another set is another harvest: what was told of the first says nothing of it
        assert len(ids(harvest(url, found[-1].cursor))) == 25


def test_errors_of_the_protocol_under_other_statuses_are_read() -> None:
    made, _ = provider(0)
    with serving(made) as url:
        assert harvest(url)[0].raws == []
        assert sweep(url) == []
        made.answer = lambda asked: '<OAI-PMH><error code="idDoesNotExist">x</error></OAI-PMH>'  # type: ignore[method-assign]
        with pytest.raises(Upstream, match="idDoesNotExist"):
            harvest(url, {"prefix": "oai_dc", "wanted": " "})


def test_a_probe_tells_what_the_provider_does() -> None:
    made, _ = provider()
    with serving(made) as url:
        good = probe(url)
        made.faults |= {"ignores-from", "bad-earliest"}
        made.deleted = "no"
        bad = probe(url)
    assert (good.title, good.version) == ("Stand-in", "2.0")
    states = {name: (item.state, bad.features[name].state) for name, item in good.features.items()}
    assert states == {
        "format": ("yes", "yes"),
        "from": ("yes", "wrong"),
        "deletions": ("yes", "no"),
        "earliestDatestamp": ("yes", "wrong"),
        "count": ("yes", "yes"),
    }


ENTITY = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("?>", "?>" + ENTITY, 1).replace("Stand-in", "&b;"),
        lambda text: text.replace("?>", "?>" + FILE, 1).replace("Stand-in", "&f;"),
        lambda text: text.replace("?>", "?>" + FILE, 1),
        lambda text: text.replace("Stand-in", "<a>" * 1000 + "</a>" * 1000),
        lambda text: text.replace("Stand-in", "<a/>" * 1_000_001),
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("OAI-PMH", "rss"),
        lambda text: "",
    ],
    ids=["bomb", "file", "declaration", "deep", "many", "half", "other", "nothing"],
)
def test_xml_of_a_stranger_is_not_trusted(change: Callable[[str], str]) -> None:
    made, _ = provider()
    answer = made.answer
    made.answer = lambda asked: change(answer(asked))  # type: ignore[method-assign]

    async def read(url: str) -> None:
        given = source(url)
        async with calling(given, limit=1 << 23) as caller:
            await OaiConnector(given, caller).probe()

    with serving(made) as url, pytest.raises(Upstream, match="cannot be used"):
        asyncio.run(read(url))


def test_a_record_that_is_too_large_is_not_lost_without_a_word() -> None:
    made, _ = provider(2)
    made.put([Record(identifier="big", changed=FIRST, xml=f"<dc>{'x' * 1_100_000}</dc>")])
    made.put([Record(identifier="odd", changed=FIRST, xml="<marc>what</marc>")])
    with serving(made) as url:
        raws = {raw.external_id: raw for batch in harvest(url) for raw in batch.raws}
    assert "larger than" in mapped(raws["big"]).warnings[0]
    assert "neither DataCite nor Dublin Core" in mapped(raws["odd"]).warnings[0]


# -- answers recorded from SciCat's oai-provider: no tokens, `from` ignored, dated now ------------


@contextmanager
def recorded(name: str) -> Iterator[str]:
    made = Provider()
    formats = (
        "<OAI-PMH><ListMetadataFormats><metadataFormat><metadataPrefix>oai_dc</metadataPrefix>"
        "</metadataFormat></ListMetadataFormats></OAI-PMH>"
    )

    def answer(asked: dict[str, str]) -> str:
        verb = asked["verb"]
        if verb == "ListMetadataFormats":
            return formats
        names = {"Identify": "identify", "ListIdentifiers": "identifiers"}
        return (RECORDED / f"{names.get(verb, name)}.xml").read_text("utf-8")

    made.answer = answer  # type: ignore[method-assign]
    with serving(made) as url:
        yield url


@pytest.mark.parametrize("name", ["scicat", "openaire", "panosc"])
def test_recorded_answers_of_scicat_are_understood(name: str) -> None:
    with recorded(name) as url:
        first = harvest(url)
        again = harvest(url, first[-1].cursor)
        assert [raw.content for raw in again[0].raws] == [raw.content for raw in first[0].raws]
        assert sweep(url) == ids(first)
        probed = probe(url)
    assert probed.features["from"].state == probed.features["earliestDatestamp"].state == "wrong"
    told = mapped(first[0].raws[0])
    pid = "10.17199/dcf623b0-7421-470f-a1ef-4b960bf77b5a"
    (dataset,) = [row for model, row in told.rows if model == "Dataset"]
    assert (dataset["pid"], dataset["title"]) == (pid, "SANS of micelles data")
    assert dataset["isPublic"] is True
    assert [row["fullName"] for model, row in told.rows if model == "Person"] == ["Ada Lovelace"]
    assert told.homes[pid].endswith(pid.replace("/", "%2F") if name == "scicat" else pid)
