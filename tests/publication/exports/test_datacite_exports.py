"""DataCite's JSON and XML, and Dublin Core: the fields that harvesters and DataCite read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from readers import DC, KERNEL
from told import ADA, BARE, BO, EMBARGOED, FULL, PROPOSAL, WITHDRAWN, full
from valid import datacite_json as is_valid

from panosc.publication.exports import datacite_json, datacite_xml, oai_dc
from panosc.publication.record import Agent, Funding, Instrument, Licence, Organisation, Related

ORCID = {
    "nameIdentifier": "https://orcid.org/0000-0002-1825-0097",
    "nameIdentifierScheme": "ORCID",
    "schemeUri": "https://orcid.org",
}


def test_people_come_with_orcid_and_ror() -> None:
    told = datacite_json.attributes(FULL)
    assert told["creators"] == [
        {
            "name": "Example, Ada",
            "nameType": "Personal",
            "givenName": "Ada",
            "familyName": "Example",
            "nameIdentifiers": [ORCID],
            "affiliation": [
                {
                    "name": "University of Somewhere",
                    "affiliationIdentifier": "https://ror.org/02550n020",
                    "affiliationIdentifierScheme": "ROR",
                    "schemeUri": "https://ror.org",
                }
            ],
        }
    ]
    assert told["contributors"] == [
        {"name": "Bo Helper", "nameType": "Personal", "contributorType": "DataCollector"}
    ]
    assert told["publisher"]["publisherIdentifier"] == "https://ror.org/01xtthb56"
    assert datacite_json.attributes(BARE)["creators"] == [
        {"name": "Test Source", "nameType": "Organizational"}
    ]
    # whoever helped with nothing that DataCite has a word for
    other = datacite_json.attributes(full(contributors=(Agent(name="X"),)))
    assert other["contributors"][0]["contributorType"] == "Other"
    assert "contributors" not in datacite_json.attributes(full(contributors=()))


def test_techniques_are_subjects_of_panet() -> None:
    subjects = datacite_json.attributes(FULL)["subjects"]
    assert subjects == [
        {
            "subject": "small angle neutron scattering",
            "subjectScheme": "PaNET",
            "schemeUri": "http://purl.org/pan-science/PaNET/",
            "valueUri": "http://purl.org/pan-science/PaNET/PaNET01189",
            "classificationCode": "PaNET01189",
        },
        {"subject": "proteins"},
        {"subject": "PaN"},
    ]


@pytest.mark.parametrize(
    ("record", "coar", "eu"),
    [
        (FULL, "c_abf2", "openAccess"),
        (EMBARGOED, "c_f1cf", "embargoedAccess"),
        (WITHDRAWN, "c_14cb", "closedAccess"),
    ],
    ids=["open", "embargoed", "withdrawn"],
)
def test_access_rights_stand_in_both_vocabularies(record: Any, coar: str, eu: str) -> None:
    """B2FIND takes what has but COAR for open."""
    addresses = [line["rightsUri"] for line in datacite_json.attributes(record)["rightsList"]]
    wanted = [f"http://purl.org/coar/access_right/{coar}", f"info:eu-repo/semantics/{eu}"]
    assert addresses[1:] == wanted
    rights = [element.text for element in oai_dc.element(record).iter(f"{DC}rights")]
    assert rights[1:] == wanted


def test_a_licence_comes_with_its_spdx_identifier() -> None:
    (licence, *_) = datacite_json.attributes(FULL)["rightsList"]
    assert licence == {
        "rights": "CC-BY-4.0",
        "rightsUri": "https://creativecommons.org/licenses/by/4.0/",
        "rightsIdentifier": "CC-BY-4.0",
        "rightsIdentifierScheme": "SPDX",
        "schemeUri": "https://spdx.org/licenses/",
    }
    own = full(licence=Licence(name="Ask us"))
    assert datacite_json.attributes(own)["rightsList"][0] == {"rights": "Ask us"}
    assert "Ask us" in [element.text for element in oai_dc.element(own).iter(f"{DC}rights")]
    assert len(datacite_json.attributes(full(licence=None))["rightsList"]) == 2


def test_the_instrument_is_a_related_item() -> None:
    (item,) = datacite_json.attributes(FULL)["relatedItems"]
    assert (item["relatedItemType"], item["relationType"]) == ("Instrument", "IsCollectedBy")
    assert item["relatedItemIdentifier"] == {
        "relatedItemIdentifier": "20.500.1/sans1",
        "relatedItemIdentifierType": "Handle",
    }
    plain = Instrument(pid="i", name="I", facility=None, url="https://node.example/instruments/i")
    (item,) = datacite_json.attributes(full(instrument=plain))["relatedItems"]
    assert item["relatedItemIdentifier"]["relatedItemIdentifier"] == plain.url
    odd = Instrument(pid="i", name="I", facility=None, url="local:i")
    (item,) = datacite_json.attributes(full(instrument=odd))["relatedItems"]
    assert item["relatedItemIdentifier"]["relatedItemIdentifierType"] == "URL"
    (element,) = datacite_xml.element(FULL).iter(f"{KERNEL}relatedItem")
    assert element.attrib["relatedItemType"] == "Instrument"


def test_what_kernel_4_5_does_not_know_is_said_in_its_words() -> None:
    told = datacite_json.attributes(PROPOSAL)
    assert told["types"] == {"resourceTypeGeneral": "Other", "resourceType": "Proposal"}
    related = {line["relatedIdentifier"]: line for line in told["relatedIdentifiers"]}
    assert "resourceTypeGeneral" not in related["10.5072/proposal"]
    assert related["https://scicrunch.org/resolver/RRID:SCR_014601"]["relatedIdentifierType"] == (
        "URL"
    )
    assert datacite_json.attributes(full(model="Document", kind=""))["types"] == {
        "resourceTypeGeneral": "Other",
        "resourceType": "Document",
    }


def test_why_data_cannot_be_had_is_said() -> None:
    def said(record: Any) -> list[str]:
        lines = datacite_json.attributes(record)["descriptions"]
        assert lines[0]["descriptionType"] == "Abstract"
        told = [line["description"] for line in lines[1:]]
        texts = [element.text for element in oai_dc.element(record).iter(f"{DC}description")]
        assert texts[1:] == told
        return told

    assert said(FULL) == []
    assert said(EMBARGOED) == ["The data are under embargo until 2031-01-02."]
    assert said(full(access="embargoed", detail=None)) == ["The data are under embargo."]
    assert said(WITHDRAWN) == ["The data were withdrawn: The detector was off."]
    assert said(full(access="withdrawn", detail=None)) == ["The data were withdrawn."]


def test_the_end_of_an_embargo_is_a_date_in_every_vocabulary() -> None:
    dates = [element.text for element in oai_dc.element(EMBARGOED).iter(f"{DC}date")]
    assert dates == ["2022-01-02", "info:eu-repo/date/embargoEnd/2031-01-02"]
    told = {line["dateType"]: line["date"] for line in datacite_json.attributes(EMBARGOED)["dates"]}
    assert told["Available"] == "2031-01-02"


def test_a_record_without_a_doi_is_identified_by_its_page() -> None:
    told = datacite_json.attributes(BARE)
    assert "doi" not in told
    assert told["alternateIdentifiers"] == [
        {"alternateIdentifier": "local/bare", "alternateIdentifierType": "local"}
    ]
    (identifier,) = datacite_xml.element(BARE).iter(f"{KERNEL}identifier")
    assert (identifier.text, identifier.attrib["identifierType"]) == (BARE.url, "URL")
    assert "alternateIdentifiers" not in datacite_json.attributes(full(pid="10.5072/ABC"))
    identifiers = [element.text for element in oai_dc.element(FULL).iter(f"{DC}identifier")]
    assert identifiers == ["https://doi.org/10.5072/abc", FULL.url, "local/abc"]


def test_funding_is_told_as_far_as_it_is_known() -> None:
    funders = (
        Funding(funder=Organisation(name="A")),
        Funding(funder=Organisation(name="A")),
        Funding(funder=Organisation(name="B"), award="1"),
        Funding(funder=Organisation(name="C"), award_title="A title"),
    )
    record = full(funding=funders)
    assert datacite_json.attributes(record)["fundingReferences"] == [
        {"funderName": "A"},
        {"funderName": "B", "awardNumber": "1"},
        {"funderName": "C", "awardTitle": "A title"},
    ]
    names = [element.text for element in datacite_xml.element(record).iter(f"{KERNEL}awardTitle")]
    assert names == ["A title"]


def test_the_file_names_its_agency_and_the_attributes_do_not() -> None:
    """F-UJI takes JSON without an agency for something else; the REST API takes attributes."""
    told = json.loads(datacite_json.EXPORT.write(FULL))
    assert (told["agency"], told["id"]) == ("datacite", "https://doi.org/10.5072/abc")
    assert not {"agency", "id"} & set(datacite_json.attributes(FULL))


def test_texts_of_any_kind_and_length_come_back() -> None:
    text = "\u202e\u05e9\u05dc\u05d5\u05dd\u202c <![CDATA[ ]]> & " + "x" * 100_000
    record = full(
        title=text,
        description=text,
        keywords=(text,),
        creators=(ADA, Agent(name=text)),
        contributors=(BO, Agent(name=text, contributor="Researcher")),
    )
    for module in (datacite_xml, oai_dc):
        root = fromstring(module.EXPORT.write(record))
        texts = [element.text for element in root.iter() if element.text == text]
        assert len(texts) == 5
    is_valid(datacite_json.EXPORT.write(record), record)


def test_years_have_four_digits() -> None:
    record = full(issued=datetime(987, 1, 1, tzinfo=UTC))
    assert datacite_json.attributes(record)["publicationYear"] == "0987"


def test_works_by_a_doi_with_odd_letters_are_led_to() -> None:
    odd = "10.1002/(sici)1096<1::aid>3.0.co;2-b"
    work = Related(relation="Cites", identifier=odd, scheme="DOI", url="https://node.example/x")
    relations = [
        element.text for element in oai_dc.element(full(related=(work,))).iter(f"{DC}relation")
    ]
    assert relations == ["https://doi.org/10.1002/(sici)1096%3C1::aid%3E3.0.co;2-b"]
