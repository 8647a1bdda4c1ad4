"""Harvesters are told what anyone may know, in every format, and of openings on their day."""

from datetime import UTC, datetime, timedelta

import publication_catalogue as given
import sqlalchemy as sa
from oai_node import Node, oai, open_dataset
from oai_reading import NAMESPACES, Item, texts

from panosc.catalogue import changes, rulings
from panosc.catalogue.tables import dataset, ruling
from panosc.domain.access import NEVER

DC = "metadataPrefix=oai_dc"
HIDDEN = (
    # of the dataset under embargo: its file, sample, parameter
    ("hidden.nxs", "lysozyme", "heavy water", "temperature", "77.25", "nxs", "x-hdf5"),
    # the closed one
    (given.CLOSED, "Trade secret", "5000"),
)
RIGHTS = {
    "oai_dc": ("info:eu-repo/semantics/embargoedAccess", "access_right/c_f1cf"),
    "oai_datacite": ("info:eu-repo/semantics/embargoedAccess", "access_right/c_f1cf"),
    "datacite": ("info:eu-repo/semantics/embargoedAccess", "access_right/c_f1cf"),
}


def get(node: Node, pid: str, prefix: str = "oai_dc") -> Item | None:
    page = node.ask(f"verb=GetRecord&metadataPrefix={prefix}&identifier={oai(pid)}")
    assert page.error in {None, "idDoesNotExist"}
    return page.items[0] if page.items else None


def said(item: Item | None) -> str:
    assert item is not None
    return "\n".join(texts(item.metadata))


def test_an_embargoed_dataset_is_its_core_in_every_format(node: Node) -> None:
    for prefix in NAMESPACES:
        told = said(get(node, given.EMBARGOED, prefix))
        assert "Not yet" in told
        assert [word for word in HIDDEN[0] if word in told] == []
        for right in RIGHTS[prefix]:
            assert right in told


def test_nothing_tells_of_a_closed_dataset(node: Node) -> None:
    answers = ["verb=Identify", "verb=ListSets", f"verb=ListIdentifiers&{DC}"]
    answers += [f"verb=ListRecords&metadataPrefix={prefix}" for prefix in NAMESPACES]
    answers += [
        f"verb=ListRecords&{DC}&from=2000-01-01",
        f"verb=ListRecords&{DC}&set=openaire_data",
    ]
    for query in answers:
        text = node.answer(query).decode()
        assert [word for word in HIDDEN[1] if word in text] == [], query
    never = node.answer(f"verb=GetRecord&{DC}&identifier={oai('10.5072/nothing')}")
    closed = node.answer(f"verb=GetRecord&{DC}&identifier={oai(given.CLOSED)}")
    assert closed == never.replace(b"10.5072/nothing", given.CLOSED.encode())


def test_an_embargo_ends_by_itself(node: Node) -> None:
    before = get(node, given.EMBARGOED)
    assert before is not None
    ends = datetime(2031, 1, 2, tzinfo=UTC)
    node.now = ends - timedelta(microseconds=1)
    assert get(node, given.EMBARGOED) is not None
    assert "embargoedAccess" in said(get(node, given.EMBARGOED))
    node.now = ends
    after = get(node, given.EMBARGOED)
    assert after is not None
    assert "openAccess" in said(after)
    assert "hidden.nxs" not in said(after)
    assert "application/x-hdf5" in said(after)
    assert (before.datestamp, after.datestamp) == (before.datestamp, ends)
    # whoever harvests what is new is told, without anybody's act, once the second is over
    node.wait()
    fresh = node.ask(f"verb=ListRecords&{DC}&from=2031-01-01")
    assert [item.identifier for item in fresh.items] == [oai(given.EMBARGOED)]
    assert fresh.items[0].datestamp == ends
    assert node.ask(f"verb=ListRecords&{DC}&until=2030-12-31").items
    assert oai(given.EMBARGOED) not in {
        item.identifier for item in node.ask(f"verb=ListRecords&{DC}&until=2030-12-31").items
    }


def test_a_dataset_becomes_known_on_its_day_and_opens_on_another(bare_node: Node) -> None:
    bare_node.write([("Dataset", {"pid": "a", "access": "closed"}), open_dataset("b")])
    known, opens = bare_node.now + timedelta(days=1), bare_node.now + timedelta(days=2)
    _change(bare_node, "a", core_at=known, open_at=opens)
    assert get(bare_node, "a") is None
    assert len(bare_node.ask(f"verb=ListIdentifiers&{DC}").items) == 1
    bare_node.now = known
    found = get(bare_node, "a")
    assert found is not None
    assert (found.datestamp, "embargoedAccess" in said(found)) == (known, True)
    bare_node.now = opens + timedelta(seconds=1)
    found = get(bare_node, "a")
    assert found is not None
    assert (found.datestamp, "openAccess" in said(found)) == (opens, True)
    listed = bare_node.ask(f"verb=ListIdentifiers&{DC}&from={known:%Y-%m-%d}").items
    assert [(item.identifier, item.datestamp) for item in listed] == [(oai("a"), opens)]


def test_withdrawn_is_told_erased_and_deleted_are_marked_for_ever(node: Node) -> None:
    withdrawn = said(get(node, given.WITHDRAWN))
    assert "Was wrong" in withdrawn
    assert "closedAccess" in withdrawn
    with node.engine.begin() as connection:
        key = sa.select(dataset.c.id).where(dataset.c.pid == given.OPEN).scalar_subquery()
        connection.execute(sa.insert(ruling).values(dataset_id=key, mark="erased"))
        rulings.apply(connection, None)
        changes.append(connection, [("Dataset", given.OPEN)])
    node.keep()
    node.remove([given.BARE, given.CLOSED])
    for pid in (given.OPEN, given.BARE):
        found = get(node, pid)
        assert found is not None
        assert found.is_deleted
    # in the sets where it was, so that who harvests these is told
    erased = get(node, given.OPEN)
    assert erased is not None
    assert "technique:PaNET01189" in erased.sets
    # nobody knew of it before
    assert get(node, given.CLOSED) is None
    gone = {item.identifier for item in node.ask(f"verb=ListRecords&{DC}").items if item.is_deleted}
    assert gone == {oai(given.OPEN), oai(given.BARE)}


def test_closed_after_it_was_known_is_deleted_and_may_come_back(bare_node: Node) -> None:
    bare_node.write([open_dataset("a"), open_dataset("b")])
    _change(bare_node, "a", core_at=NEVER, open_at=NEVER)
    closed = get(bare_node, "a")
    assert closed is not None
    assert closed.is_deleted
    bare_node.remove(["b"])
    deleted = get(bare_node, "b")
    assert deleted is not None
    # nothing tells the one from the other
    assert deleted.sets == closed.sets
    bare_node.write([open_dataset("b", description="It is back.")])
    assert "It is back." in said(get(bare_node, "b"))


def test_what_was_not_taken_up_yet_is_told_as_it_is(bare_node: Node) -> None:
    bare_node.write([open_dataset("a"), open_dataset("b")])
    with bare_node.engine.begin() as connection:
        connection.execute(
            sa.update(dataset)
            .where(dataset.c.pid == "a")
            .values(core_at=NEVER, open_at=NEVER, title="Now a secret")
        )
    for query in ("verb=ListRecords", "verb=ListIdentifiers"):
        found = {item.identifier: item.is_deleted for item in bare_node.ask(f"{query}&{DC}").items}
        assert found == {oai("a"): True, oai("b"): False}
        assert b"Now a secret" not in bare_node.answer(f"{query}&{DC}")


def _change(node: Node, pid: str, **values: datetime) -> None:
    with node.engine.begin() as connection:
        connection.execute(sa.update(dataset).where(dataset.c.pid == pid).values(**values))
        changes.append(connection, [("Dataset", pid)])
    node.keep()
