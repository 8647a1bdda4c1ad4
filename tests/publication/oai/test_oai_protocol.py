"""The rules of OAI-PMH 2.0: verbs, arguments, errors, dates, tokens."""

from datetime import datetime, timedelta

import hypothesis
import publication_catalogue as given
import sqlalchemy as sa
from hypothesis import strategies as st
from lxml import etree
from oai_node import Node, oai, open_dataset
from oai_reading import NAMESPACES, OAI, read, texts

from panosc.publication.oai import names
from panosc.publication.oai.tokens import LASTS

DC = "metadataPrefix=oai_dc"


def test_it_says_who_it_is(node: Node) -> None:
    page = node.ask("verb=Identify")
    found = dict(page.fields)
    assert found["repositoryName"] == given.FACILITY
    assert found["baseURL"] == "https://node.example/oai"
    assert found["protocolVersion"] == "2.0"
    assert found["adminEmail"] == "data@node.example"
    assert found["deletedRecord"] == "persistent"
    assert found["granularity"] == "YYYY-MM-DDThh:mm:ssZ"
    assert "node.example" in list(texts(page.body))
    earliest = datetime.fromisoformat(found["earliestDatestamp"])
    stamps = [item.datestamp for item in node.ask(f"verb=ListRecords&{DC}").items]
    assert earliest <= min(stamps)


def test_a_node_without_address_and_contact_says_so(node: Node) -> None:
    plain = node.settings.model_copy(update={"base_url": None, "contact": "https://x.example/"})
    bare = Node(node.engine, plain, now=node.now)
    assert dict(bare.ask("verb=Identify").fields)["adminEmail"] == "nobody@node.invalid"
    (first, *_) = bare.ask(f"verb=ListIdentifiers&{DC}").items
    assert first.identifier.startswith("oai:node.invalid:")


WRONG = [
    ("", "badVerb"),
    ("verb=", "badVerb"),
    ("verb=Nonsense", "badVerb"),
    ("verb=identify", "badVerb"),
    ("verb=Identify&verb=Identify", "badVerb"),
    ("verb=Identify&x=1", "badArgument"),
    (f"verb=Identify&{DC}", "badArgument"),
    ("verb=Identify&%00=1", "badArgument"),
    ("verb=GetRecord", "badArgument"),
    (f"verb=GetRecord&{DC}", "badArgument"),
    ("verb=GetRecord&identifier=oai:node.example:datasets/10.5072/open", "badArgument"),
    (f"verb=GetRecord&{DC}&identifier=", "badArgument"),
    (f"verb=GetRecord&{DC}&identifier=a%0Bb", "badArgument"),
    (f"verb=GetRecord&{DC}&identifier=invalid%22id", "idDoesNotExist"),
    (f"verb=GetRecord&{DC}&identifier=oai:node.example:datasets/none", "idDoesNotExist"),
    (f"verb=GetRecord&{DC}&identifier=oai:node.example:datasets/a%2500b", "idDoesNotExist"),
    (f"verb=GetRecord&{DC}&identifier=oai:other.org:datasets/10.5072/open", "idDoesNotExist"),
    (f"verb=GetRecord&{DC}&identifier=10.5072/open", "idDoesNotExist"),
    (f"verb=GetRecord&{DC}&identifier=%25zz", "idDoesNotExist"),
    (
        "verb=GetRecord&metadataPrefix=marc&identifier=oai:node.example:datasets/10.5072/open",
        "cannotDisseminateFormat",
    ),
    ("verb=ListMetadataFormats&identifier=none", "idDoesNotExist"),
    (f"verb=ListMetadataFormats&{DC}", "badArgument"),
    ("verb=ListSets&resumptionToken=junk", "badResumptionToken"),
    ("verb=ListRecords", "badArgument"),
    ("verb=ListIdentifiers", "badArgument"),
    ("verb=ListRecords&metadataPrefix=marc", "cannotDisseminateFormat"),
    ("verb=ListRecords&metadataPrefix=a%20b", "badArgument"),
    (f"verb=ListRecords&{DC}&{DC}", "badArgument"),
    (f"verb=ListRecords&{DC}&from=junk", "badArgument"),
    (f"verb=ListRecords&{DC}&from=2026-02-30", "badArgument"),
    (f"verb=ListRecords&{DC}&from=2026-01-01T00:00Z", "badArgument"),
    (f"verb=ListRecords&{DC}&from=2026-01-01T00:00:00", "badArgument"),
    (f"verb=ListRecords&{DC}&from=2026-01-01T00:00:00.5Z", "badArgument"),
    (f"verb=ListRecords&{DC}&until=0000-01-01", "badArgument"),
    (f"verb=ListRecords&{DC}&from=2026-01-01&until=2026-01-02T00:00:00Z", "badArgument"),
    (f"verb=ListRecords&{DC}&from=2026-01-02&until=2026-01-01", "badArgument"),
    (f"verb=ListRecords&{DC}&until=2001-01-01", "noRecordsMatch"),
    (f"verb=ListRecords&{DC}&from=2100-01-01", "noRecordsMatch"),
    (f"verb=ListRecords&{DC}&from=2100-01-01&until=9999-12-31", "noRecordsMatch"),
    (f"verb=ListRecords&{DC}&set=nothing", "noRecordsMatch"),
    (f"verb=ListRecords&{DC}&set=a%20b", "badArgument"),
    (f"verb=ListRecords&{DC}&set=a::b", "badArgument"),
    ("verb=ListRecords&resumptionToken=junk", "badResumptionToken"),
    ("verb=ListRecords&resumptionToken=", "badArgument"),
    (f"verb=ListRecords&{DC}&resumptionToken=junk", "badArgument"),
    ("verb=ListRecords&resumptionToken=a.b.c", "badResumptionToken"),
]


def test_errors(node: Node) -> None:
    found = [(query, node.ask(query).error) for query, _ in WRONG]
    assert found == WRONG


_SCHEMA = '<schema xmlns="http://www.w3.org/2001/XMLSchema"><element name="a" type="{}"/></schema>'
_ANY_URI = etree.XMLSchema(etree.XML(_SCHEMA.format("anyURI")))


@hypothesis.given(st.text(alphabet='ab1:/%[]#?é "^.zF@', min_size=1, max_size=12))
def test_an_answer_repeats_identifiers_that_are_none_only_where_it_may(text: str) -> None:
    element = etree.Element("a")
    element.text = text
    if names.is_repeatable(text):
        assert _ANY_URI.validate(element)
    for pid in (text, f"10.5072/{text}"):
        assert names.is_repeatable(names.identifier("node.example", "Dataset", pid))


def test_formats_of_the_node_and_of_a_record(node: Node) -> None:
    for query in ("", f"&identifier={oai(given.OPEN)}", f"&identifier={oai(given.WITHDRAWN)}"):
        page = node.ask(f"verb=ListMetadataFormats{query}")
        assert page.body is not None
        prefixes = [one.findtext(f"{OAI}metadataPrefix") for one in page.body]
        assert prefixes == list(NAMESPACES)


def test_every_record_in_every_format(node: Node) -> None:
    for prefix in NAMESPACES:
        _compare(node, prefix)


def _compare(node: Node, prefix: str) -> None:
    listed = node.ask(f"verb=ListRecords&metadataPrefix={prefix}").items
    assert {item.identifier for item in listed} == {
        oai(given.OPEN),
        oai(given.EMBARGOED),
        oai(given.WITHDRAWN),
        oai(given.BARE),
        oai(given.PROPOSAL, "documents"),
        oai(given.PAPER, "documents"),
    }
    for item in listed:
        (one,) = node.ask(
            f"verb=GetRecord&metadataPrefix={prefix}&identifier={item.identifier}"
        ).items
        assert list(texts(one.metadata)) == list(texts(item.metadata))
        assert (one.datestamp, one.sets) == (item.datestamp, item.sets)


def test_days_and_seconds(node: Node) -> None:
    day = f"{node.now:%Y-%m-%d}"
    everything = node.ask(f"verb=ListIdentifiers&{DC}").items
    (stamp,) = {item.datestamp for item in everything}
    for period in (
        f"from={day}&until={day}",
        f"from={day}",
        f"until={day}",
        f"from={stamp:%Y-%m-%dT%H:%M:%SZ}&until={stamp:%Y-%m-%dT%H:%M:%SZ}",
    ):
        assert len(node.ask(f"verb=ListIdentifiers&{DC}&{period}").items) == len(everything)
    second = timedelta(seconds=1)
    before, after = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (stamp - second, stamp + second))
    assert node.ask(f"verb=ListIdentifiers&{DC}&until={before}").error == "noRecordsMatch"
    assert node.ask(f"verb=ListIdentifiers&{DC}&from={after}").error == "noRecordsMatch"


def test_sets(bare_node: Node) -> None:
    bare_node.write(
        [
            ("Instrument", {"pid": "i1", "name": "D22", "facility": "Léon: <&>~"}),
            ("Technique", {"pid": "t1", "name": "SANS", "panetId": "PaNET01189"}),
            ("Technique", {"pid": "t2", "name": "Sorcery"}),
            ("Technique", {"pid": "PaNET01188", "name": "SAXS"}),
            open_dataset("a", instrumentId="i1"),
            open_dataset("b"),
            ("Dataset", {"pid": "c", "access": "closed"}),
            ("Document", {"pid": "a", "isPublic": True}),
            ("DatasetTechnique", {"datasetId": "a", "techniqueId": "t1"}),
            ("DatasetTechnique", {"datasetId": "b", "techniqueId": "t2"}),
            ("DatasetTechnique", {"datasetId": "c", "techniqueId": "PaNET01188"}),
        ]
    )
    page = bare_node.ask("verb=ListSets")
    assert page.body is not None
    told = {one.findtext(f"{OAI}setSpec"): one.findtext(f"{OAI}setName") for one in page.body}
    assert told["facility:L~C3~A9on~3A~20~3C~26~3E~7E"] == "Léon: <&>~"
    assert told["technique:PaNET01189"] == "small angle neutron scattering"
    # of a closed dataset alone
    assert "technique:PaNET01188" not in told
    members = {
        spec: {item.identifier for item in bare_node.ask(f"verb=ListRecords&{DC}&set={spec}").items}
        for spec in told
    }
    a, b, paper = oai("a"), oai("b"), oai("a", "documents")
    assert members["openaire_data"] == {a, b}
    assert members["facility:Test~20Source"] == {b, paper}
    assert members["facility:L~C3~A9on~3A~20~3C~26~3E~7E"] == {a}
    # the technique, and one that is broader
    assert members["technique:PaNET01189"] == members["technique:PaNET01124"] == {a}
    for item in bare_node.ask(f"verb=ListRecords&{DC}").items:
        assert set(item.sets) == {spec for spec in told if item.identifier in members[str(spec)]}


def test_pids_and_texts_of_any_kind(bare_node: Node) -> None:
    pids = ["10.5072/a b", "x?y=1&z#%41", "ünï/çode☃", "a:b", "../..", "<&\"'>", "\x07\x1f", "100%"]
    bare_node.write([open_dataset(pid, description="a\x0bb\ufffe ]]> <x>") for pid in pids])
    for prefix in NAMESPACES:
        found = bare_node.ask(f"verb=ListRecords&metadataPrefix={prefix}").items
        assert len({item.identifier for item in found}) == len(pids)
        for item in found:
            answer = bare_node.provider.answer(
                [
                    ("verb", "GetRecord"),
                    ("identifier", item.identifier),
                    ("metadataPrefix", prefix),
                ],
                given.address,
            )
            assert read(answer).items[0].identifier == item.identifier


def test_tokens_are_for_this_list_at_this_node_for_a_while(bare_node: Node) -> None:
    bare_node.write([open_dataset(f"d{number}") for number in range(101)])
    first = bare_node.ask(f"verb=ListRecords&{DC}")
    token = first.token
    assert token is not None
    assert (first.size, first.cursor, len(first.items)) == (101, 0, 100)
    again = f"verb=ListRecords&resumptionToken={token}"
    last = bare_node.ask(again)
    assert (last.token, last.size, last.cursor, len(last.items)) == (None, 101, 100, 1)
    # it may be used again
    assert [item.identifier for item in bare_node.ask(again).items] == [
        item.identifier for item in last.items
    ]
    assert (
        bare_node.ask(f"verb=ListIdentifiers&resumptionToken={token}").error == "badResumptionToken"
    )
    for forged in (token[:-2] + "AA", token[1:], token + "a", token.rpartition(".")[0] + "."):
        assert (
            bare_node.ask(f"verb=ListRecords&resumptionToken={forged}").error
            == "badResumptionToken"
        )
    home = bare_node.settings.home / "other"
    other = Node(
        bare_node.engine, bare_node.settings.model_copy(update={"home": home}), now=bare_node.now
    )
    assert other.ask(again).error == "badResumptionToken"
    bare_node.now += LASTS + timedelta(seconds=1)
    assert bare_node.ask(again).error == "badResumptionToken"


def test_a_page_asks_few_questions_of_the_database(bare_node: Node) -> None:
    counts = []
    for number in (3, 90):
        bare_node.write([open_dataset(f"n{number}-{item}") for item in range(number)])
        asked: list[str] = []

        def note(*given: object, asked: list[str] = asked) -> None:
            asked.append(str(given[2]))

        sa.event.listen(bare_node.engine, "before_cursor_execute", note)
        bare_node.ask(f"verb=ListRecords&{DC}")
        sa.event.remove(bare_node.engine, "before_cursor_execute", note)
        counts.append(len(asked))
    assert counts[0] == counts[1]
