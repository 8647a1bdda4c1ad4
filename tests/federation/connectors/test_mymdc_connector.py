"""myMdC: its client reads the stand-in; what is read again, what is gone, who sees what."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cloud.standins.mymdc import ACCOUNT, PASSWORD, MyMdC, Refused, serving
from cloud.standins.mymdc_records import some
from conformance import calling
from metadata_client.metadata_client import MetadataClient
from metadata_client.modules import DatasetFile, Proposal, Run, Sample, Technique
from pydantic import SecretStr
from typing_extensions import override

from panosc.domain.errors import Invalid, Upstream
from panosc.federation.connectors import mymdc
from panosc.federation.connectors.mymdc import MyMdcConnector as Connector
from panosc.federation.connectors.mymdc_parts.numbers import numbers
from panosc.federation.contract import Mapped, Raw
from panosc.federation.source import Source

OPTIONS = {"proposals": "2000-2002", "email": "reader@example.org", "doi_prefix": "10.22003"}
NEVER = "2999-01-01T00:00:00.000+01:00"


def source_of(url: str = "https://in.example.org/metadata", **more: Any) -> Source:
    """Return a myMdC as an administrator tells of it."""
    options = OPTIONS | more.pop("options", {})
    given = {"name": "xfel", "kind": "mymdc", "url": url, "title": "European XFEL"}
    account = {"account": ACCOUNT, "secret": SecretStr(PASSWORD)}
    own = {"prefix": "xfel/", "is_private": True, "options": options}
    return Source(**(given | account | own | more))


def harvested(
    server: MyMdC, cursor: Mapping[str, Any] | None = None, **more: Any
) -> tuple[dict[tuple[str, str], Raw], dict[str, Any]]:
    """Return what changed since a cursor, and the last cursor."""

    async def read(source: Source) -> tuple[dict[tuple[str, str], Raw], dict[str, Any]]:
        raws: dict[tuple[str, str], Raw] = {}
        last = dict(cursor or {})
        async with calling(source) as caller:
            async for batch in Connector(source, caller).changes(cursor):
                raws |= {(raw.kind, raw.external_id): raw for raw in batch.raws}
                last = json.loads(json.dumps(batch.cursor))
        return raws, last

    with serving(server) as address:
        return asyncio.run(read(source_of(address, **more)))


def swept(server: MyMdC, **more: Any) -> set[tuple[str, str]]:
    """Return all identifiers."""

    async def read(source: Source) -> set[tuple[str, str]]:
        async with calling(source) as caller:
            return {key async for keys in Connector(source, caller).sweep_ids() for key in keys}

    with serving(server) as address:
        return asyncio.run(read(source_of(address, **more)))


def mapped(raw: Raw) -> Mapped:
    """Return what a record means."""
    never: Any = None
    return Connector(source_of(), never).map(raw)


def rows(made: Mapped, name: str) -> list[dict[str, Any]]:
    """Return the rows of a class."""
    return [row for model, row in made.rows if model == name]


# -- the stand-in ------------------------------------------------------------------------------


def test_the_official_client_reads_the_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with serving(MyMdC(records=some(2, 3))) as address:
        client = MetadataClient(
            client_id=ACCOUNT,
            client_secret=PASSWORD,
            token_url=f"{address}/oauth/token",
            refresh_url=f"{address}/oauth/token",
            auth_url=f"{address}/oauth/authorize",
            scope="",
            user_email="reader@example.org",
            base_api_url=f"{address}/api/",
        )
        answered = client.get_proposal_runs(2001, page_size=2)
        assert answered["success"], answered
        assert answered["data"]["proposal"] == {
            "id": 101,
            "number": 2001,
            "title": "Snapshots of warm dense iron",
        }
        assert [run["run_number"] for run in answered["data"]["runs"]] == [1, 2]
        assert answered["pagination"]["X-Total-Pages"] == "2"
        assert answered["pagination"]["X-Total-Count"] == "3"
        lost = client.get_proposal_runs(1)
        assert (lost["success"], lost["app_info"]) == (False, "Proposal number 1 not found")
        found = Proposal.get_by_number(client, 2000)["data"]
        assert found["instrument_id"] == 1
        assert Proposal.get_by_id(client, 100)["data"] == found
        assert Proposal.get_by_id(client, 7)["app_info"] == "Resource not found!"
        run = Run.get_by_id(client, 4)["data"]
        assert run["techniques"][0]["identifier"] == "PaNET:PaNET01168"
        assert client.get_all_runs_by_proposal_number_api(2001).json()[0]["id"] == 4
        found = Run.get_all_raw_data_groups(client, 1, 2001)
        assert found["data"] == [504]
        assert Sample.get_all_by_proposal_id(client, 101)["data"][0]["name"] == "Warm dense iron"
        files = DatasetFile.get_all_by_data_group_id(client, 504)["data"]
        assert [file["filename"] for file in files] == [
            "RAW-R0001-DA01-S00000.h5",
            "RAW-R0001-AGIPD00-S00000.h5",
        ]
        assert client.get_all_xfel_instruments()["success"]
        assert client.get_proposal_experiments(2000)["data"][0]["doi"] == "xfel.mdc.exp.200"
        technique = Technique.get_by_identifier(client, "PaNET:PaNET01188")
        assert technique["data"]["name"] == "small angle x-ray scattering"


# -- what records mean -------------------------------------------------------------------------


def test_a_run_with_all_that_belongs_to_it() -> None:
    raws, _ = harvested(MyMdC(records=some(1, 2)))
    made = mapped(raws["run", "2000/1"])
    [dataset] = rows(made, "Dataset")
    assert dataset["title"] == "Run 1 (dark) of Snapshots of lysozyme"
    assert dataset["size"] == 3_000_000
    pid = "xfel/p002000/r0001"
    assert made.also == {pid: ["10.22003/xfel.mdc.dg.501"]}
    assert rows(made, "DocumentDataset") == [{"documentId": "xfel/p002000", "datasetId": pid}]
    assert rows(made, "DatasetSample") == [{"datasetId": pid, "sampleId": "xfel/sample/300"}]
    panet = "http://purl.org/pan-science/PaNET/PaNET01168"
    assert rows(made, "DatasetTechnique") == [{"datasetId": pid, "techniqueId": panet}]
    told = {row["name"]: (row["value"], row.get("unit")) for row in rows(made, "Parameter")}
    assert told == {
        "first_train": (1000, None),
        "last_train": (5799, None),
        "SPB_XTD9/MOTOR/Z/actualPosition": (15.6, "mm"),
    }
    assert rows(made, "File")[0] == {
        "datasetId": pid,
        "name": "RAW-R0001-DA01-S00000.h5",
        "path": "/gpfs/exfel/p002000/raw/r0001/RAW-R0001-DA01-S00000.h5",
        "size": 1_000_000,
        "format": "hdf5",
    }
    assert made.warnings == []


def test_a_proposal_with_its_people() -> None:
    raws, _ = harvested(MyMdC(records=some(1, 1)))
    made = mapped(raws["proposal", "2000"])
    assert [row["fullName"] for row in rows(made, "Person")] == ["Ada Lovelace", "Lise Meitner"]
    assert [row["role"] for row in rows(made, "Member")] == ["principal investigator", "proposer"]
    assert "@" not in json.dumps(made.rows), "addresses are not passed on"


@pytest.mark.parametrize(
    ("is_public", "release", "expected"),
    [
        (True, "2020-01-01T00:00:00.000+01:00", "embargoed"),
        (True, NEVER, "embargoed"),
        (True, None, "closed"),
        (True, "soon", "closed"),
        (False, "2020-01-01T00:00:00.000+01:00", "closed"),
        (None, NEVER, "closed"),
        ("yes", NEVER, "closed"),
    ],
    ids=["past", "future", "no date", "no time", "private", "unsaid", "odd"],
)
def test_who_sees_a_run(is_public: Any, release: str | None, expected: str) -> None:
    records = some(1, 1)
    records["proposals"][0]["release_at"] = release
    records["data_groups"][0]["flg_public"] = is_public
    raws, _ = harvested(MyMdC(records=records))
    for key, model in ((("run", "2000/1"), "Dataset"), (("proposal", "2000"), "Document")):
        [row] = rows(mapped(raws[key]), model)
        assert row["access"] == expected
        assert row["isPublic"] is False
        assert row["ownerGroup"] == "p002000"


def test_data_that_were_removed_leave_their_metadata() -> None:
    records = some(1, 2)
    records["data_groups"][0]["removed_at"] = "2025-01-01T00:00:00.000+01:00"
    records["data_groups"][1]["removed_at"] = "2999-01-01T00:00:00.000+01:00"
    raws, _ = harvested(MyMdC(records=records))
    gone, kept = (mapped(raws["run", f"2000/{number}"]) for number in (1, 2))
    assert rows(gone, "File") == []
    [dataset] = rows(gone, "Dataset")
    assert dataset["title"]
    assert len(rows(kept, "File")) == 2, "what is to be removed some day is still there"


# -- what is read again ------------------------------------------------------------------------


def test_settled_proposals_are_read_again_only_if_their_release_changes() -> None:
    server = MyMdC(records=some(3, 4))
    first, cursor = harvested(server)
    assert len([key for key in first if key[0] == "run"]) == 12
    server.asked.clear()
    again, cursor = harvested(server, cursor)
    assert not [key for key in again if key[0] == "run"]
    assert not [target for target in server.asked if "/api/runs/" in target]
    server.records["proposals"][1]["release_at"] = NEVER
    again, cursor = harvested(server, cursor)
    assert {key for key in again if key[0] == "run"} == {("run", f"2001/{n}") for n in range(1, 5)}


def test_open_proposals_are_read_again_and_new_runs_come() -> None:
    records = some(2, 3)
    records["proposals"][0]["beamtime_end_at"] = NEVER
    server = MyMdC(records=records)
    _, cursor = harvested(server)
    new = records["runs"][-1] | {"id": 99, "run_number": 4, "data_groups": []}
    records["runs"].append(new)
    again, _ = harvested(server, cursor)
    runs = {key[1] for key in again if key[0] == "run"}
    assert runs == {"2000/1", "2000/2", "2000/3", "2001/4"}


def test_a_killed_harvest_reads_the_proposal_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mymdc, "AT_ONCE", 3)

    async def begin(source: Source) -> dict[str, Any]:
        async with calling(source) as caller:
            async for batch in Connector(source, caller).changes(None):
                if any(raw.kind == "run" for raw in batch.raws):
                    return dict(batch.cursor)
        raise AssertionError

    server = MyMdC(records=some(2, 6))
    with serving(server) as address:
        cursor = asyncio.run(begin(source_of(address, options={"proposals": "2001"})))
    assert cursor == {"proposals": {}}


# -- what is gone ------------------------------------------------------------------------------


def test_what_is_no_longer_offered_is_gone() -> None:
    server = MyMdC(records=some(3, 2))
    before = swept(server)
    _, cursor = harvested(server)
    server.records["proposals"][0]["flg_available"] = False
    server.records["proposals"].pop(2)
    server.records["runs"][2]["flg_available"] = "false"
    server.records["proposals"][1]["flg_beamtime_status"] = "R"
    again, cursor = harvested(server, cursor)
    assert again["proposal", "2000"].is_gone
    assert again["proposal", "2002"].is_gone
    assert again["run", "2001/1"].is_gone
    assert not again["run", "2001/2"].is_gone
    assert set(cursor["proposals"]) == {"2001"}
    gone = before - swept(server)
    assert {key[1] for key in gone if key[0] == "run"} == {"2000/1", "2000/2", "2002/1", "2002/2"}
    assert {key[1] for key in gone if key[0] == "proposal"} == {"2000", "2002"}


def test_half_a_list_is_no_list() -> None:
    records = some(1, 150)

    @dataclass(kw_only=True)
    class Forgetful(MyMdC):
        @override
        def answer(self, target: str, headers: Mapping[str, str]) -> Any:
            return super().answer(target.replace("page=2&", "page=9&"), headers)

    with pytest.raises(Upstream, match="100 of its 150 records"):
        swept(Forgetful(records=records), options={"proposals": "2000"})


def test_a_strange_404_is_not_believed() -> None:
    @dataclass(kw_only=True)
    class Moved(MyMdC):
        @override
        def answer(self, target: str, headers: Mapping[str, str]) -> Any:
            if "by_number" in target:
                raise Refused(404, {"error": "no such page"})
            return super().answer(target, headers)

    with pytest.raises(Upstream, match="404 and no reason"):
        swept(Moved(records=some(1, 1)))


# -- who asks, and for what --------------------------------------------------------------------


def test_only_the_instruments_that_are_wanted() -> None:
    raws, _ = harvested(MyMdC(records=some(3, 1)), options={"instruments": "fxe, MID"})
    assert {key[1] for key in raws if key[0] == "proposal"} == {"2001", "2002"}
    assert {key[1] for key in raws if key[0] == "instrument"} == {"2", "3"}


def test_people_may_be_hidden() -> None:
    @dataclass(kw_only=True)
    class Shy(MyMdC):
        @override
        def answer(self, target: str, headers: Mapping[str, str]) -> Any:
            if "/users/" in target:
                raise Refused(403, {"error": "forbidden"})
            return super().answer(target, headers)

    raws, _ = harvested(Shy(records=some(1, 1)))
    assert rows(mapped(raws["proposal", "2000"]), "Member") == []


def test_a_token_that_ended_is_renewed() -> None:
    @dataclass(kw_only=True)
    class Ending(MyMdC):
        @override
        def answer(self, target: str, headers: Mapping[str, str]) -> Any:
            if len(self.asked) == 5:
                self.tokens.clear()
            return super().answer(target, headers)

    server = Ending(records=some(2, 2))
    raws, _ = harvested(server)
    assert server.logins == 2
    assert len(raws) == 6 + 2 + 2 + 4


def test_an_account_is_needed() -> None:
    server = MyMdC(records=some(1, 1))
    with pytest.raises(Upstream, match="--account"):
        harvested(server, account=None)
    with pytest.raises(Upstream, match="does not take the client reader"):
        harvested(server, secret=SecretStr("wrong"))
    assert server.asked == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2000-2002", [2000, 2001, 2002]),
        ("7, 3;5  4", [3, 4, 5, 7]),
        ("10 - 12", [10, 11, 12]),
        ("1,1-2,2", [1, 2]),
    ],
)
def test_numbers(said: str, expected: list[int]) -> None:
    assert numbers(said) == expected


@pytest.mark.parametrize("said", ["", "all", "1-", "-5", "1--2", "1-999999999", "5-2", "/nowhere"])
def test_what_names_no_proposals_is_refused(said: str) -> None:
    never: Any = None
    with pytest.raises(ValueError, match="proposals"):
        Connector(source_of(options={"proposals": said}), never)


def test_a_file_of_proposals(tmp_path: Path) -> None:
    file = tmp_path / "proposals.txt"
    file.write_text("# open ones\n2000-2001\n2005 # the last\n")
    assert numbers(str(file)) == [2000, 2001, 2005]
    raws, _ = harvested(MyMdC(records=some(2, 1)), options={"proposals": str(file)})
    assert {key[1] for key in raws if key[0] == "proposal"} == {"2000", "2001"}

    async def later() -> None:
        source = source_of("http://127.0.0.1:9", options={"proposals": str(file)})
        async with calling(source) as caller:
            connector = Connector(source, caller)
            file.unlink()
            with pytest.raises((Invalid, Upstream)):
                await anext(connector.sweep_ids())

    asyncio.run(later())
