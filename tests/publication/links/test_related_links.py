"""Links told by people: who may, what is checked, and that every channel hears of it."""

from datetime import UTC, datetime

import publication_catalogue as given
import pytest
import sqlalchemy as sa

from panosc.catalogue.people import audit
from panosc.catalogue.tables import changes
from panosc.domain.access import ANYONE, RULES, Who
from panosc.domain.errors import Forbidden, Invalid, NotFound, Unauthenticated
from panosc.publication.gathering import Gatherer
from panosc.publication.links.graph import around
from panosc.publication.links.service import Links, Typed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PI = Who(person="u-pi", groups=frozenset({"team-a"}), duties=frozenset({("pi", "team-a")}))
TEAM = Who(person="u-1", groups=frozenset({"team-a"}), duties=frozenset({("team", "team-a")}))
STEWARD = Who(person="u-s", roles=frozenset({"steward"}))
PAPER = Typed(
    relation="IsSupplementTo",
    identifier="https://doi.org/10.1107/S1600",
    kind="JournalArticle",
    title="A <b>paper</b>",
)


@pytest.fixture
def links(telling: Gatherer, engine: sa.Engine) -> Links:
    assert telling is not None
    return Links(engine, lambda: NOW, lambda _policy: RULES)


def test_a_link_is_told_once_heard_of_and_taken_back(
    links: Links, telling: Gatherer, engine: sa.Engine
) -> None:
    for _ in range(2):
        links.add(PI, "Dataset", given.EMBARGOED, PAPER)
    (told,), may = links.told(ANYONE, "Dataset", given.EMBARGOED)
    assert not may
    assert (told.relation, told.identifier) == ("IsSupplementTo", "10.1107/s1600")
    publication = telling.one(ANYONE, "Dataset", given.EMBARGOED, given.address)
    assert "10.1107/s1600" in {work.identifier for work in publication.related}
    with engine.connect() as connection:
        lines = connection.execute(sa.select(audit).where(audit.c.event == "link.added")).all()
        heard = connection.execute(sa.select(changes).order_by(changes.c.number.desc())).first()
    assert [(line.person, line.subject) for line in lines] == [("u-pi", given.EMBARGOED)]
    assert heard is not None
    assert (heard.model, heard.pid) == ("Dataset", given.EMBARGOED)
    with pytest.raises(NotFound):
        links.remove(STEWARD, "Dataset", given.OPEN, told.number)
    links.remove(STEWARD, "Dataset", given.EMBARGOED, told.number)
    assert links.told(PI, "Dataset", given.EMBARGOED) == ([], True)


def test_only_who_may_tells_and_nothing_is_learnt_by_trying(links: Links) -> None:
    with pytest.raises(Unauthenticated):
        links.add(ANYONE, "Dataset", given.OPEN, PAPER)
    with pytest.raises(Forbidden):
        links.add(TEAM, "Dataset", given.EMBARGOED, PAPER)
    with pytest.raises(Forbidden):
        links.add(PI, "Dataset", given.OPEN, PAPER)
    for pid in (given.CLOSED, "10.5072/never", "a\0b"):
        with pytest.raises(NotFound) as refused:
            links.add(PI, "Dataset", pid, PAPER)
        assert "10.5072" not in str(refused.value).replace(pid, "")
        with pytest.raises(NotFound):
            links.told(PI, "Dataset", pid)
    links.add(STEWARD, "Document", given.PROPOSAL, PAPER)
    assert len(links.told(ANYONE, "Document", given.PROPOSAL)[0]) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("identifier", ""),
        ("identifier", "just words"),
        ("identifier", "javascript:alert(1)"),
        ("relation", "Likes"),
        ("kind", "Poem"),
        ("title", "x" * 501),
    ],
)
def test_what_is_typed_is_checked(links: Links, field: str, value: str) -> None:
    said = {"relation": "Cites", "identifier": "10.1/x1", "kind": "", "title": "", field: value}
    if field != "identifier":
        said["identifier"] = "10.1107/x"
    with pytest.raises(Invalid) as refused:
        links.add(STEWARD, "Dataset", given.OPEN, Typed(**said))
    assert refused.value.field == field


def test_the_graph_has_two_steps_and_nothing_hidden(
    links: Links, telling: Gatherer, engine: sa.Engine
) -> None:
    links.add(STEWARD, "Document", given.PROPOSAL, PAPER)

    def graph(who: Who, pid: str) -> tuple[dict[str, str], set[tuple[str, str, str]]]:
        publication = telling.one(who, "Dataset", pid, given.address)
        found = around(engine, telling, who, publication, given.address)
        return {name: node["kind"] for name, node in found.nodes.items()}, set(found.edges)

    nodes, edges = graph(ANYONE, given.OPEN)
    dataset, proposal = f"https://doi.org/{given.OPEN}", f"https://doi.org/{given.PROPOSAL}"
    assert (dataset, "IsPartOf", proposal) in edges
    assert (proposal, "IsSupplementTo", "https://doi.org/10.1107/s1600") in edges
    assert (proposal, "HasPart", f"https://doi.org/{given.EMBARGOED}") in edges
    kinds = {"dataset", "proposal", "publication", "software", "person", "sample", "instrument"}
    assert kinds <= set(nodes.values())
    assert not any(given.CLOSED in name for name in nodes)
    hidden, _ = graph(ANYONE, given.EMBARGOED)
    # of its sample, which the open one has too, only that one tells
    _, from_embargoed = graph(TEAM, given.EMBARGOED)
    assert (f"https://doi.org/{given.EMBARGOED}", "measured", "sample:s1") in from_embargoed
    assert f"https://doi.org/{given.EMBARGOED}" in hidden
