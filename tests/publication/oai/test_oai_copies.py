"""Copies of other catalogues' records: harvesters learn of them from those catalogues alone."""

import sqlalchemy as sa
from oai_node import Node, open_dataset

from panosc.catalogue.federating.tables import connector, told
from panosc.publication.eosc.listing import Listing

DC = "metadataPrefix=oai_dc"


def told_by(node: Node, pid: str, name: str, *, is_adopted: bool, is_shown: bool) -> None:
    """Say of a dataset that another catalogue told of it."""
    source = {"name": name, "kind": "ndjson", "url": "file:///x", "title": name, "by": "t"}
    line = {"connector": name, "model": "Dataset", "own_pid": pid, "pid": pid}
    line |= {"kind": "Dataset", "external_id": pid, "is_shown": is_shown, "fetched": node.now}
    with node.engine.begin() as connection:
        row = source | {"is_adopted": is_adopted, "added": node.now}
        connection.execute(sa.insert(connector).values(row))
        connection.execute(sa.insert(told).values(line))


def test_copies_are_told_to_nobody_and_adopted_records_are(bare_node: Node) -> None:
    told_by(bare_node, "1/copy", "far", is_adopted=False, is_shown=True)
    told_by(bare_node, "1/adopted", "ours", is_adopted=True, is_shown=True)
    # of our own, and somebody else knows it as well
    told_by(bare_node, "1/own", "other", is_adopted=False, is_shown=False)
    bare_node.write([open_dataset(f"1/{name}") for name in ("copy", "adopted", "own", "alone")])
    heads = bare_node.ask(f"verb=ListIdentifiers&{DC}").items
    assert sorted(head.identifier.rpartition("/")[2] for head in heads) == [
        "adopted",
        "alone",
        "own",
    ]
    listed = Listing(bare_node.engine, bare_node.clock).after("Dataset", None, 10)
    assert sorted(item.pid for item in listed) == ["1/adopted", "1/alone", "1/own"]


def test_what_becomes_a_copy_is_told_to_be_gone(bare_node: Node) -> None:
    bare_node.write([open_dataset("1/a")])
    told_by(bare_node, "1/a", "far", is_adopted=False, is_shown=True)
    bare_node.write([open_dataset("1/a", title="As they say")])
    [head] = bare_node.ask(f"verb=ListIdentifiers&{DC}").items
    assert head.is_deleted
