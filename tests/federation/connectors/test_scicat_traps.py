"""Every trap of SciCat that was seen: what the connector makes of it, by a stand-in that has it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from cloud.standins.scicat import Record, SciCat, nest
from cloud.standins.scicat_records import dataset_pid, some
from scicat_asking import asked, harvested, mapped, quantity, rows, search, source_of, swept
from scicat_recorded import answer, recorded
from typing_extensions import override

from panosc.domain.errors import Upstream
from panosc.domain.query import And, Compare, Query, Related
from panosc.federation.connectors import scicat
from panosc.federation.contract import Raw


def by_key(raws: list[Raw]) -> dict[tuple[str, str], Raw]:
    """Return raw records by class and identifier: the last of each."""
    return {(raw.kind, raw.external_id): raw for raw in raws}


# 1. filters of version 4 on dates find nothing


def test_what_changed_is_found_though_version_4_would_find_nothing() -> None:
    server = SciCat(records=some(30))
    _, cursor = harvested(server)
    server.records["datasets"][3] |= {"updatedAt": "2026-01-01T00:00:00.000Z", "size": 7}
    raws, later = harvested(server, cursor)
    changed = by_key(raws)["dataset", dataset_pid(3)]
    assert changed.content["size"] == 7
    assert changed.changed == datetime(2026, 1, 1, tzinfo=UTC)
    datasets = [raw for raw in raws if raw.kind == "dataset"]
    assert len(datasets) <= 2, "the overlap brings no more than the last again"
    assert later["dataset"] == "2026-01-01T00:00:00.000Z"


def test_the_probe_tells_that_version_4_is_wrong_about_dates() -> None:
    probed = asked(SciCat(records=some(30)), lambda connector: connector.probe())
    states = {name: support.state for name, support in probed.features.items()}
    assert states["v4 dates"] == "wrong"
    wanted = ("changes", "units", "query", "where:pid", "skip", "order", "files", "count")
    assert {name: states[name] for name in wanted} == dict.fromkeys(wanted, "yes")
    assert states["deletions"] == "no"
    assert probed.version == "4.5.0"
    assert probed.totals == {"Dataset": 27, "Document": 2, "Instrument": 6, "Sample": 6}


# 2. texts in filters of version 3 are taken for dates


def test_a_name_that_looks_like_a_date_is_found() -> None:
    server = recorded()
    where = Compare(property="title", operator="eq", operands=("LoKI run 1",))
    found = search(server, Query(model="Dataset", where=where, limit=5))
    assert [item["title"] for item in found.items] == ["LoKI run 1"]
    plain = {"where": {"datasetName": "LoKI run 1"}, "limits": {"limit": 5}}
    asked_by_filter = server.answer("GET", f"/api/v3/datasets?filter={_json(plain)}", None, None)
    assert asked_by_filter == [], "the trap is there"


# 3. the dialect of version 3


def test_filters_are_spelled_as_version_3_takes_them() -> None:
    server = SciCat(records=some(30))
    _, cursor = harvested(server)
    harvested(server, cursor)
    listed = [target for target in server.asked if "filter" in target]
    assert listed
    for target in listed:
        assert '"limits":{"limit":' in target, "limits stand inside the filter"
        assert '"where":[' not in target
        assert "between" not in target
    assert any('"include":[{"relation":"origdatablocks"}]' in target for target in listed)


# 4. proposals call their filter ``filters``


def test_only_changed_proposals_are_read_again() -> None:
    server = SciCat(records=some(60))
    _, cursor = harvested(server)
    raws, _ = harvested(server, cursor)
    assert len([raw for raw in raws if raw.kind == "proposal"]) == 1
    assert not any("/proposals?filter=" in target for target in server.asked)


# 5. pages are cut without a word


@pytest.mark.parametrize("cap", [None, 7, 1])
def test_all_come_whatever_a_page_holds(cap: int | None) -> None:
    server = SciCat(records=some(130 if cap is None else 30 if cap > 1 else 8), cap=cap)
    raws, _ = harvested(server)
    datasets = [raw.external_id for raw in raws if raw.kind == "dataset"]
    public = [one["pid"] for one in server.records["datasets"] if one["isPublished"]]
    assert sorted(datasets) == sorted(public)
    assert swept(server) == set(by_key(raws))


def test_all_come_though_all_changed_at_one_time() -> None:
    records = some(60)
    for record in records["datasets"]:
        record["updatedAt"] = "2025-01-01T00:00:00.000Z"
    raws, _ = harvested(SciCat(records=records, cap=7))
    assert len([raw for raw in raws if raw.kind == "dataset"]) == 54


def test_half_a_list_is_no_list() -> None:
    @dataclass(kw_only=True)
    class Forgetful(SciCat):
        @override
        def seen(self, name: str, *, is_known: bool) -> list[Record]:
            found = super().seen(name, is_known=is_known)
            is_counted = "/count" in self.asked[-1]
            return found if is_counted or name != "datasets" else found[:-5]

    with pytest.raises(Upstream, match="of its 27 records"):
        swept(Forgetful(records=some(30)))


# 6. units are rewritten, and rounded, by fullquery


def test_rewritten_units_are_undone() -> None:
    where = quantity("incident_wavelength", "lt", 1, "nm")
    found = search(recorded(), Query(model="Dataset", where=where, limit=5))
    assert len(found.items) == 2
    assert found.unasked == frozenset()
    for item in found.items:
        [row] = [row for row in item["parameters"] if row["name"] == "incident_wavelength"]
        assert (row["value"], row["unit"]) == (6e-10, "m"), "not 0.6 nm, rounded to 3 digits"
    beyond = quantity("incident_wavelength", "gt", 1, "nm")
    assert search(recorded(), Query(model="Dataset", where=beyond, limit=5)).items == []


def test_what_is_harvested_has_the_units_it_was_given() -> None:
    raws, _ = harvested(recorded())
    made = mapped("dataset", by_key(raws)["dataset", answer("15-")[1]["pid"]].content)
    [row] = [row for row in rows(made, "Parameter") if row["name"] == "incident_wavelength"]
    assert (row["value"], row["unit"]) == (6, "angstrom")


def test_of_a_range_one_end_is_asked_and_both_are_told() -> None:
    where = quantity("incident_wavelength", "gte", 4, "angstrom")
    upper = Compare(property="value", operator="lte", operands=(5,))
    assert isinstance(where.clause, And)
    both = Related("parameters", And((*where.clause.clauses, upper)))
    found = search(SciCat(records=some(30)), Query(model="Dataset", where=both, limit=50))
    assert found.unasked == {"incident_wavelength"}
    values = [
        row["value"]
        for item in found.items
        for row in item["parameters"]
        if row["name"] == "incident_wavelength"
    ]
    assert values
    assert all(value >= 4e-10 for value in values)
    assert any(value > 5e-10 for value in values), "the other end is applied by who asked"


# 8. identifiers with slashes


def test_a_slash_in_an_identifier_is_quoted_once() -> None:
    made = mapped("dataset", {"pid": "20.500.12269/a+b", "isPublished": True})
    home = "https://scicat.example.org/datasets/20.500.12269%2Fa%2Bb"
    assert made.homes == {"20.500.12269/a+b": home}


# 9. published data in two shapes: the newer one if its dates work, else the older


@pytest.mark.parametrize("has_v4", [True, False])
def test_published_data_come_from_either_version(has_v4: bool) -> None:
    server = SciCat(records=some(120), has_v4=has_v4)
    raws, cursor = harvested(server)
    told = [raw for raw in raws if raw.kind == "publication"]
    assert [raw.external_id for raw in told] == ["10.17199/ess.00000", "10.17199/ess.00001"]
    assert all(("metadata" in raw.content) is has_v4 for raw in told)
    again, _ = harvested(server, cursor)
    assert len([raw for raw in again if raw.kind == "publication"]) == 1


# 10. what is gone


def test_what_is_no_longer_public_is_not_swept() -> None:
    server = SciCat(records=some(30))
    before = swept(server)
    server.records["datasets"][2]["isPublished"] = False
    server.records["datasets"].pop(5)
    gone = before - swept(server)
    assert gone == {("dataset", dataset_pid(2)), ("dataset", dataset_pid(5))}


def test_an_account_tells_at_once_what_is_no_longer_public() -> None:
    server = SciCat(records=some(30))
    raws, cursor = harvested(server, account=True)
    assert by_key(raws)["dataset", dataset_pid(9)].is_gone, "it never was public"
    server.records["datasets"][2] |= {
        "isPublished": False,
        "updatedAt": "2026-01-01T00:00:00.000Z",
    }
    raws, _ = harvested(server, cursor, account=True)
    assert by_key(raws)["dataset", dataset_pid(2)].is_gone
    kept, _ = harvested(server, cursor, account=True, is_adopted=True)
    assert not by_key(kept)["dataset", dataset_pid(2)].is_gone


def test_the_history_tells_of_deletions_after_the_first_harvest() -> None:
    server = recorded()
    raws, cursor = harvested(server, account=True)
    theirs = server.history[0]["documentId"]
    assert ("dataset", theirs) not in by_key(raws), "nothing was there yet to be deleted"
    event = {"subsystem": "Dataset", "operation": "delete", "before": {}, "after": None}
    later = {"documentId": "scicat_testing/new", "timestamp": "2026-11-23T00:00:00.000Z"}
    server.history.insert(0, event | later)
    raws, cursor = harvested(server, cursor, account=True)
    assert by_key(raws)["dataset", "scicat_testing/new"].is_gone
    assert cursor["deleted"]["dataset"] == "2026-11-23T00:00:00+00:00"


def test_many_deletions_are_read_page_by_page() -> None:
    server = SciCat(records=some(5), shows_history=True)
    _, cursor = harvested(server, account=True)
    server.history = [
        {
            "subsystem": "Sample",
            "operation": "delete",
            "documentId": f"S{number}",
            "timestamp": f"2026-01-01T{number // 60:02}:{number % 60:02}:00.000Z",
        }
        for number in range(250)
    ]
    raws, _ = harvested(server, cursor, account=True)
    assert len([raw for raw in raws if raw.kind == "sample" and raw.is_gone]) == 250


# 11. errors in two shapes


def test_an_error_is_told_in_its_words() -> None:
    @dataclass(kw_only=True)
    class Broken(SciCat):
        @override
        def seen(self, name: str, *, is_known: bool) -> list[Record]:
            raise nest(400, '["property x should not exist"]', "Bad Request")

    with pytest.raises(Upstream, match="property x should not exist"):
        harvested(Broken(records=some(3)))


def test_a_class_that_is_not_shown_is_left_out() -> None:
    @dataclass(kw_only=True)
    class Shy(SciCat):
        @override
        def seen(self, name: str, *, is_known: bool) -> list[Record]:
            if name == "samples":
                raise nest(403, "Forbidden resource", "Forbidden")
            return super().seen(name, is_known=is_known)

    raws, _ = harvested(Shy(records=some(10)))
    assert {raw.kind for raw in raws} == {"instrument", "proposal", "dataset", "publication"}


# what an old or a broken one does


def test_conditions_that_find_nothing_are_not_believed() -> None:
    @dataclass(kw_only=True)
    class Blind(SciCat):
        @override
        def answer(self, method: str, target: str, said: Any, token: str | None) -> Any:
            found = super().answer(method, target, said, token)
            return [] if "datasets?" in target and "where" in target else found

    server = SciCat(records=some(30))
    _, cursor = harvested(server)
    with pytest.raises(Upstream, match="though there is a record"):
        harvested(Blind(records=some(30)), cursor)


@pytest.mark.parametrize("ignored", ["where", "skip"])
def test_a_filter_that_is_ignored_does_not_go_on_for_ever(ignored: str) -> None:
    @dataclass(kw_only=True)
    class Deaf(SciCat):
        @override
        def _listed(self, name: str, seen: list[Record], asked: Any, *, is_known: bool) -> Any:
            if ignored == "where":
                asked = {key: value for key, value in asked.items() if key != "where"}
            else:
                asked["limits"].pop("skip", None)
            return super()._listed(name, seen, asked, is_known=is_known)

    records = some(20)
    for record in records["datasets"]:
        record["updatedAt"] = (
            "2025-01-01T00:00:00.000Z" if ignored == "skip" else record["updatedAt"]
        )
    said = "changed before" if ignored == "where" else "the same page again"
    with pytest.raises(Upstream, match=said):
        harvested(Deaf(records=records, cap=7))


def test_an_old_one_sorts_by_order_alone() -> None:
    @dataclass(kw_only=True)
    class Old(SciCat):
        @override
        def _paged(self, found: list[Record], limits: Any, default: int) -> list[Record]:
            limits = {key: value for key, value in (limits or {}).items() if key != "sort"}
            return super()._paged(found, limits, default)

    records = some(30)
    records["datasets"].reverse()
    raws, _ = harvested(Old(records=records))
    assert len([raw for raw in raws if raw.kind == "dataset"]) == 27


def test_too_much_at_once_is_asked_for_in_less() -> None:
    records = some(20)
    files = [{"path": f"frames/{number:06}.tif", "size": 1} for number in range(3000)]
    records["origdatablocks"][4]["dataFileList"] = files
    server = SciCat(records=records)
    raws, _ = harvested(server, limit=150_000)
    datasets = by_key([raw for raw in raws if raw.kind == "dataset"])
    assert len(datasets) == 18
    assert len(rows(mapped("dataset", datasets["dataset", dataset_pid(4)].content), "File")) == 3000
    raws, _ = harvested(server, limit=60_000)
    without = by_key(raws)["dataset", dataset_pid(4)].content
    assert "origdatablocks" not in without, "better without its files than not at all"


# who asks


def test_nobody_signs_in_without_an_account() -> None:
    server = SciCat(records=some(5))
    harvested(server)
    assert server.logins == []


@pytest.mark.parametrize("login", ["local", "ldap"])
def test_an_account_signs_in_once_and_its_token_is_in_no_address(login: str) -> None:
    server = SciCat(records=some(5))
    harvested(server, account=True, options={"login": login})
    assert server.logins == [{"local": "login", "ldap": "ldap"}[login]]
    assert not any("token" in target for target in server.asked)


def test_a_token_that_ended_is_renewed_once() -> None:
    @dataclass(kw_only=True)
    class Ending(SciCat):
        calls: int = 0

        @override
        def answer(self, method: str, target: str, said: Any, token: str | None) -> Any:
            self.calls += 1
            if self.calls == 4:
                self.tokens.clear()
            return super().answer(method, target, said, token)

    server = Ending(records=some(10))
    raws, _ = harvested(server, account=True)
    assert len(server.logins) == 2
    assert len([raw for raw in raws if raw.kind == "dataset"]) == 10


def test_a_wrong_secret_is_said_to_be_one() -> None:
    with pytest.raises(Upstream, match=r"does not take the account reader \(local\)"):
        harvested(SciCat(records=some(5)), account=True, password="wrong")


def test_a_live_answer_is_for_everyone() -> None:
    server = SciCat(records=some(30))
    query = Query(model="Dataset", limit=50)
    found = search(server, query, account=True)
    assert server.logins == [], "asked as nobody"
    assert len(found.items) == 27
    assert dataset_pid(9) not in {item["pid"] for item in found.items}


# the address


@pytest.mark.parametrize("path", ["", "/api/v3", "/api/v4", "/api", "/explorer"])
def test_whichever_address_is_given(path: str) -> None:
    raws, _ = harvested(SciCat(records=some(3)), path=path)
    assert raws


def test_options_are_checked() -> None:
    never: Any = None
    for options in ({"login": "kerberos"}, {"frontend": "ftp://x"}, {"page": "7"}):
        with pytest.raises(ValueError, match="validation error"):
            scicat.ScicatConnector(source_of(options=options), never)


def _json(value: Mapping[str, Any]) -> str:
    return quote(json.dumps(value))


def test_nothing_is_asked_before_it_is_read() -> None:
    server = SciCat(records=some(3))

    async def begun(connector: scicat.ScicatConnector) -> None:
        connector.changes(None)
        connector.sweep_ids()
        await asyncio.sleep(0)

    asked(server, begun)
    assert server.asked == []
