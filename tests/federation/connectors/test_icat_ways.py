"""What is ICAT's own: times of change, sessions, JPQL, embargo."""

import asyncio
import json
import random
from datetime import timedelta
from typing import Any

import pytest
from cloud.standins.icat import Icat
from cloud.standins.icat_jpql import BadQuery, Store, tokens
from cloud.standins.icat_records import Writing, some
from hypothesis import given, settings
from hypothesis import strategies as st
from icat_asking import AT, NOW, asked, source_of
from reading_all import batches_of, raws_of

from panosc.domain.errors import Upstream
from panosc.domain.query import And, Clause, Compare, Or, Query, Related, Text, Word
from panosc.federation.connectors.icat import IcatConnector
from panosc.federation.connectors.icat_parts.jpql import Unsayable, holds, literal
from panosc.federation.connectors.icat_parts.question import Asking, Types
from panosc.federation.contract import Batch, Found, Raw
from panosc.federation.naming import Names

LATER = AT + timedelta(days=2)


def small(**values: Any) -> Writing:
    return some(**({"count": 4, "at": AT, "each": 3} | values))


def followed(writing: Writing, times: int = 2) -> dict[str, Any]:
    """Harvest until nothing is read twice for the overlap; return the cursor."""
    cursor: Any = None
    for _ in range(times + 1):
        cursor = asked(writing.icat, lambda one, at=cursor: batches_of(one, at))[-1].cursor
    return dict(cursor)


def news(writing: Writing, cursor: Any) -> list[tuple[str, str]]:
    """Return what is read after a cursor, each as often as it is."""
    batches = asked(writing.icat, lambda one: batches_of(one, cursor))
    return sorted((raw.kind, raw.external_id) for batch in batches for raw in batch.raws)


def is_(name: str, value: Any, operator: Any = "eq") -> Compare:
    return Compare(property=name, operator=operator, operands=(value,))


def live(writing: Writing, query: Query, **options: Any) -> Found:
    return asked(writing.icat, lambda connector: connector.search(query), **options)


def pids(found: Found) -> set[str]:
    return {item["pid"] for item in found.items}


# -- following -----------------------------------------------------------------------------------


def aged() -> Writing:
    """Return an ICAT whose last entities of each class came long after all others."""
    writing = small()
    writing.at = AT
    writing.add("DatasetParameter", dataset=12, type=1, numericValue=2.0)
    writing.add("DatasetTechnique", dataset=12, technique=1)
    writing.add("DatasetInstrument", dataset=12, instrument=1)
    writing.add("Datafile", dataset=12, name="last.nxs")
    writing.add("InvestigationUser", investigation=4, user=1, role="last")
    writing.add("Keyword", investigation=4, name="last")
    writing.change("Dataset", 12, name="last")
    writing.change("Sample", 4, name="last")
    writing.change("Investigation", 4, title="last")
    writing.change("Instrument", 4, name="last")
    return writing


@pytest.fixture(scope="module")
def cursor() -> dict[str, Any]:
    """Where a harvest of `aged` is that has seen all of it, twice for the overlap."""
    return followed(aged())


LAST = {("investigation", "4"), *(("dataset", str(number)) for number in (10, 11, 12))}
"""What may come again, for it was written last."""


def test_nothing_is_read_where_nothing_happened(cursor: dict[str, Any]) -> None:
    writing = aged()
    assert news(writing, cursor) == []
    # the newest time of each class, and how many there are about it
    assert len(writing.icat.queries) < 30


def test_a_new_part_moves_no_time_of_its_record_which_is_read_all_the_same(
    cursor: dict[str, Any],
) -> None:
    writing = aged()
    writing.at = LATER
    writing.add("DatasetParameter", dataset=1, type=2, numericValue=1.0)
    writing.add("DatasetTechnique", dataset=2, technique=1)
    writing.add("Datafile", dataset=3, name="new.nxs")
    writing.add("DatasetInstrument", dataset=4, instrument=1)
    writing.add("InvestigationUser", investigation=1, user=1, role="guest")
    writing.add("Keyword", investigation=2, name="new")
    expected = {("investigation", "1"), ("investigation", "2")}
    expected |= {("dataset", str(number)) for number in (1, 2, 3, 4)}
    found = news(writing, cursor)
    assert expected <= set(found) <= expected | LAST
    assert len(found) == len(set(found))


def test_a_release_date_or_a_sample_changes_the_datasets_too(cursor: dict[str, Any]) -> None:
    writing = aged()
    writing.at = LATER
    writing.change("Sample", 1, name="renamed")
    writing.change("Investigation", 3, releaseDate=AT)
    expected = {("investigation", "3")}
    expected |= {("dataset", str(number)) for number in (1, 2, 3, 7, 8, 9)}
    found = news(writing, cursor)
    assert expected <= set(found) <= expected | LAST
    assert len(found) == len(set(found))


def test_a_run_that_is_broken_off_anywhere_loses_nothing(cursor: dict[str, Any]) -> None:
    writing = aged()
    # so that a page of investigations leads to several of datasets
    writing.icat.most = 2
    writing.at = LATER
    for number in (2, 5, 8):
        writing.add("DatasetParameter", dataset=number, type=1, numericValue=1.0)
    writing.change("Investigation", 3, title="new")
    writing.change("Instrument", 1, fullName="new")
    whole = asked(writing.icat, lambda one: batches_of(one, cursor))
    wanted = raws_of(whole).keys()
    dice = random.Random(3)
    for place in sorted(dice.sample(range(len(whole) - 1), 5)):
        begun = json.loads(json.dumps(whole[place].cursor))
        rest = asked(writing.icat, lambda one, at=begun: batches_of(one, at))
        assert raws_of(whole[: place + 1]).keys() | raws_of(rest).keys() == wanted
        assert rest[-1].cursor == whole[-1].cursor


def test_what_changes_while_it_is_read_comes_with_the_next_run() -> None:
    writing = small()

    async def read(connector: IcatConnector) -> list[Batch]:
        found = []
        async for batch in connector.changes(None):
            found.append(batch)
            # behind the place where the reading is
            writing.at = LATER
            writing.change("Instrument", 1, name="renamed meanwhile")
        return found

    cursor = asked(writing.icat, read)[-1].cursor
    assert ("instrument", "1") in news(writing, cursor)


def test_everything_is_read_anew_after_a_while_for_parts_that_were_deleted(
    cursor: dict[str, Any],
) -> None:
    writing = aged()
    writing.icat.store.delete("DatasetParameter", 1)
    assert news(writing, cursor) == []
    batches = asked(writing.icat, lambda one: batches_of(one, cursor), now=NOW + timedelta(days=31))
    assert len(raws_of(batches)["dataset", "1"].content["parameters"]) == 2


def test_a_deleted_record_is_not_swept() -> None:
    async def sweep(connector: IcatConnector) -> set[tuple[str, str]]:
        return {key async for keys in connector.sweep_ids() for key in keys}

    writing = small()
    before = asked(writing.icat, sweep)
    writing.icat.store.delete("Dataset", 7)
    assert before - asked(writing.icat, sweep) == {("dataset", "7")}


def test_files_come_in_few_questions_and_bounded() -> None:
    writing = small()
    for number in range(30):
        writing.add("Datafile", dataset=4, name=f"{number}.nxs", fileSize=1)
    writing.change("Dataset", 4, fileCount=31)
    raws = raws_of(asked(writing.icat, batches_of, files="10"))
    files = [len(raws["dataset", str(number)].content["datafiles"]) for number in range(1, 13)]
    assert files == [1, 2, 3, 10, 2, 3, 1, 2, 3, 1, 2, 3]
    assert sum("FROM Datafile f" in query for query in writing.icat.queries) == 2


def test_an_older_icat_is_not_asked_for_what_it_has_not() -> None:
    writing = small()
    writing.icat.version = "4.10.1"
    raws = raws_of(asked(writing.icat, batches_of))
    assert "datasetTechniques" not in raws["dataset", "1"].content
    said = " ".join(writing.icat.queries)
    assert "DatasetTechnique" not in said
    assert "datasetInstruments" not in said


# -- sessions ------------------------------------------------------------------------------------


def test_a_session_that_ended_is_begun_anew_and_one_in_use_refreshed() -> None:
    writing = small()

    async def read(connector: IcatConnector) -> int:
        count = 0
        async for batch in connector.changes(None):
            count += len(batch.raws)
            if count > 4:
                writing.icat.sessions.clear()
            connector._icat._due = -1.0
        return count

    assert asked(writing.icat, read) == 4 + 4 + 12
    assert writing.icat.asked.count("POST /icat/session") >= 2
    assert any(line.startswith("PUT /icat/session/") for line in writing.icat.asked)


def test_an_account_that_is_refused_is_told_of() -> None:
    with pytest.raises(Upstream, match="does not let nobody in by db"):
        asked(Icat(), batches_of, account="nobody")


# -- JPQL ----------------------------------------------------------------------------------------

HOSTILE = st.text() | st.lists(
    st.sampled_from(
        ["'", "''", "\\", "\\'", "%", "_", "{ts ", "}", ")", " OR 1 = 1 ", "--", "INCLUDE", "\0"]
    ),
    max_size=8,
).map("".join)


@given(HOSTILE)
@settings(max_examples=150)
def test_a_text_can_be_nothing_but_a_text(text: str) -> None:
    try:
        spelt = literal(text)
    except Unsayable:
        return
    assert tokens(spelt) == [("text", text)]
    assert tokens(f"e.name = {spelt} AND e.id = 1")[2:4] == [("text", text), ("word", "AND")]


@given(HOSTILE, HOSTILE, HOSTILE)
@settings(max_examples=100)
def test_no_question_changes_the_query_around_its_values(one: str, two: str, three: str) -> None:
    def shape(first: str, second: str, third: str) -> list[tuple[str, str]] | None:
        where = And(
            (
                Text(first),
                Related("parameters", And((is_("name", second), is_("value", third)))),
                Related("techniques", is_("pid", third)),
                Related("instrument", is_("name", first)),
                is_("title", second),
            )
        )
        query = Query(model="Dataset", where=where, words=(Word(text=third),), limit=3)
        asking = Asking(query, Names(source_of("http://x")), version=(6, 2), types=Types(units={}))
        select = asking.ask(with_words=True)
        if asking.unasked - {"text", "title", "words"}:
            return None
        bare: list[tuple[str, str]] = []
        for kind, token in tokens(select.text(what="e.id", count=3)):
            bare.append((kind, "" if kind == "text" else token))
            # how many stand in a list says nothing
            if bare[-3:] == [("text", ""), ("sign", ","), ("text", "")]:
                del bare[-2:]
        return bare

    found = shape(one, two, three)
    plain = shape("a", "b", "c")
    assert plain is not None
    # a text that cannot be said is left out, condition and all; the rest is as it would be
    if found is not None and len(found) == len(plain):
        assert found == plain
    elif found is not None:
        assert len(found) < len(plain)


def test_icats_lexer_knows_times_to_the_second_alone() -> None:
    assert tokens(literal(AT)) == [("time", "2026-10-01 00:00:00")]
    for wrong in ("{ts 2026-10-01T00:00:00}", "{ts 2026-10-01 00:00:00.5}", "a;b"):
        with pytest.raises(BadQuery):
            tokens(wrong)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 2**70, None, True, "\0", "x" * 600])
def test_what_cannot_be_said_is_not(value: object) -> None:
    with pytest.raises(Unsayable):
        literal(value)


# -- live ----------------------------------------------------------------------------------------


def question(*clauses: Clause, words: tuple[Word, ...] = (), limit: int = 50) -> Query:
    return Query(model="Dataset", where=And(clauses), words=words, limit=limit)


def parameter(name: str, *clauses: Clause) -> Related:
    return Related("parameters", And((is_("name", name), *clauses)))


def datasets(store: Store, **having: Any) -> set[str]:
    return {
        f"icat/{row['id']}"
        for row in store.rows["Dataset"].values()
        if all(row[name] == value for name, value in having.items())
    }


def test_a_range_is_asked_in_the_units_that_icat_keeps() -> None:
    writing = small(each=6)
    store = writing.icat.store
    # the same parameter in another unit
    other = writing.add("ParameterType", name="photon_energy", units="eV")["id"]
    writing.add("DatasetParameter", dataset=7, type=other, numericValue=21_000.0)
    writing.add("DatasetParameter", dataset=2, type=other, numericValue=21.0)
    low, high = 20.0, 30.0
    expected = {
        f"icat/{row['dataset']}"
        for row in store.rows["DatasetParameter"].values()
        if row["type"] == 1 and low <= row["numericValue"] <= high
    } | {"icat/7"}
    released = datasets(store, investigation=2) | datasets(store, investigation=4)
    assert expected & released < expected
    # whether it is in the range must not tell the value to whom the record does not
    expected &= released
    limits = Compare(property="value", operator="between", operands=(low, high))
    found = live(writing, question(parameter("photon_energy", limits, is_("unit", "keV"))))
    assert not found.unasked
    assert pids(found) == expected
    assert found.total == len(expected)


def test_instrument_technique_document_time_and_release_are_asked() -> None:
    writing = small()
    store = writing.icat.store
    instrument = store.rows["InvestigationInstrument"][1]["instrument"]
    name = store.rows["Instrument"][instrument]["name"]
    found = live(writing, question(Related("instrument", is_("pid", f"icat/instrument-{name}"))))
    above = {
        row["investigation"]
        for row in store.rows["InvestigationInstrument"].values()
        if row["instrument"] == instrument
    }
    assert pids(found) == {pid for one in above for pid in datasets(store, investigation=one)}
    assert not found.unasked
    iri = "http://purl.org/pan-science/PaNET/PaNET01188"
    found = live(writing, question(Related("techniques", is_("pid", iri))))
    tagged = {
        row["dataset"] for row in store.rows["DatasetTechnique"].values() if row["technique"] == 1
    }
    assert pids(found) == {f"icat/{number}" for number in tagged}
    found = live(writing, question(Related("documents", is_("pid", "icat/document-3"))))
    assert pids(found) == datasets(store, investigation=3)
    found = live(writing, question(is_("isPublic", True)))
    assert pids(found) == datasets(store, investigation=2) | datasets(store, investigation=4)
    assert {item["isPublic"] for item in found.items} == {True}
    found = live(writing, question(is_("creationDate", AT, "gte")))
    assert pids(found) == datasets(store, investigation=4)


def test_words_are_asked_of_its_engine_else_of_jpql() -> None:
    writing = small()
    writing.change("Investigation", 2, title="Martensite in steel")
    expected = datasets(writing.icat.store, investigation=2)
    words = (Word(text="martensite"),)
    assert pids(live(writing, question(words=words))) == expected
    assert "/icat/search/documents" in " ".join(writing.icat.asked)
    writing.icat.has_engine = False
    assert pids(live(writing, question(words=words))) == expected
    both = (Word(text="martensite", occurs="all"), Word(text="nowhere", occurs="all"))
    assert not pids(live(writing, question(words=both)))
    found = live(writing, question(words=(*words, Word(text="x", occurs="not"))))
    assert found.unasked == {"words"}


def test_what_would_be_wider_in_jpql_is_looked_at_again() -> None:
    writing = small()
    found = live(writing, question(Text("scan_0001")))
    assert found.unasked == {"text"}
    assert pids(found) == datasets(writing.icat.store, investigation=1)
    late = AT.replace(microsecond=5)
    assert live(writing, question(is_("creationDate", late, "lt"))).unasked == {"creationDate"}


@pytest.mark.parametrize(
    "clause",
    [
        Related("members", Related("person", is_("fullName", "Ada"))),
        is_("size", 5, "gt"),
        is_("pid", "10.5072/x"),
        is_("pid", "other/5"),
        Or((Related("techniques", is_("pid", "a")), is_("title", "b"))),
        Compare(property="title", operator="regexp", operands=("a.*",)),
        is_("title", "a\0b"),
        Related("instrument", is_("facility", "x")),
    ],
    ids=["people", "size", "doi", "other", "or", "regexp", "nul", "facility"],
)
def test_what_it_cannot_filter_by_is_named(clause: Clause) -> None:
    asking = Asking(
        question(clause), Names(source_of("http://x")), version=(6, 2), types=Types(units={})
    )
    select = asking.ask(with_words=False)
    assert len(asking.unasked) == 1
    assert select.where == []
    assert select.joins == ["e.investigation AS i"]


def test_live_answers_show_nothing_of_what_is_closed_and_no_detail_under_embargo() -> None:
    writing = small()
    # its account may see it; who asks here may not
    writing.change("Investigation", 1, releaseDate=None)
    found = live(writing, question())
    assert not pids(found) & datasets(writing.icat.store, investigation=1)
    by_pid = {item["pid"]: item for item in found.items}
    embargoed, released = by_pid["icat/7"], by_pid["icat/4"]
    assert not embargoed["isPublic"]
    assert "parameters" not in embargoed
    assert released["isPublic"]
    assert {item["name"] for item in released["parameters"]} >= {"photon_energy"}
    assert found.total == 9
    assert len(found.items) == 9


def test_nothing_under_embargo_is_found_by_the_name_of_its_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writing = small()
    # ICAT's search engine looks into samples as well
    monkeypatch.setattr(Icat, "_words", lambda *_: {"secret"})
    found = live(writing, question(words=(Word(text="secret"),)))
    released = [datasets(writing.icat.store, investigation=number) for number in (2, 4)]
    assert pids(found) == released[0] | released[1]


def test_documents_and_instruments_are_found() -> None:
    writing = small()
    found = live(writing, Query(model="Document", where=Text("iron"), limit=9))
    assert found.items
    assert all("iron" in item["title"] for item in found.items)
    assert found.items[0]["members"][0]["person"]["fullName"] == "Ada Example"
    found = live(writing, Query(model="Instrument", where=is_("name", "SAXS"), limit=9))
    assert [item["name"] for item in found.items] == ["SAXS"]


# -- access --------------------------------------------------------------------------------------


def mapped(account: str | None, release: str | None, **options: str) -> dict[str, Any]:
    content = {"id": 1, "name": "a", "investigation": {"id": 2, "releaseDate": release}}
    connector = IcatConnector(source_of("http://x", account=account, **options), None)  # type: ignore[arg-type]
    rows = dict(connector.map(Raw(kind="dataset", external_id="1", content=content)).rows)
    return rows["Dataset"]


def test_what_has_no_release_date_is_closed_unless_anybody_sees_it_and_that_is_said() -> None:
    assert mapped("reader", "2030-01-01T00:00:00.000Z")["access"] == "embargoed"
    assert mapped(None, "2030-01-01T00:00:00.000Z", undated="open")["access"] == "embargoed"
    assert mapped(None, None)["access"] == "closed"
    assert mapped("reader", None, undated="open")["access"] == "closed"
    assert mapped(None, None, undated="open")["isPublic"] is True


def test_nobodys_account_harvests_what_is_released() -> None:
    writing = small()
    raws = raws_of(asked(writing.icat, batches_of, account=None))
    assert {key for kind, key in raws if kind == "investigation"} == {"2", "4"}


def test_probe_tells_what_is_true_from_what_is_not() -> None:
    writing = small()
    probed = asked(writing.icat, lambda connector: connector.probe())
    assert probed.version == "6.2"
    assert probed.title == "CERIC (stand-in)"
    assert probed.totals == {"Dataset": 12, "Document": 4, "Instrument": 4}
    assert {support.state for support in probed.features.values()} == {"yes"}
    writing.icat.has_engine = False
    assert asked(writing.icat, lambda connector: connector.probe()).features["query"].state == "no"
    writing.icat.version = "?"
    with pytest.raises(Upstream, match="seems to be no ICAT"):
        asked(writing.icat, lambda connector: connector.probe())


def test_like_holds_the_text_alone() -> None:
    assert holds("e.name", "O'Neill") == "UPPER(e.name) LIKE UPPER('%O''Neill%')"


def test_questions_at_once_log_in_once() -> None:
    writing = small()

    async def both(connector: IcatConnector) -> None:
        await asyncio.gather(*(connector.search(question(limit=2)) for _ in range(5)))

    asked(writing.icat, both)
    assert writing.icat.asked.count("POST /icat/session") == 1
