"""JSON-LD of schema.org: what FAIR checks and search engines look for."""

import json
from typing import get_args

from told import BARE, EMBARGOED, FULL, PROPOSAL, WITHDRAWN, full

from panosc.publication.exports import csl, schema_org
from panosc.publication.exports.schema_org import described
from panosc.publication.record import Detail, File, Related, Relation


def test_all_that_earns_points_of_f_uji_is_there() -> None:
    told = described(FULL)
    # not by its address: F-UJI would have to fetch it
    assert told["@context"]["@vocab"] == "https://schema.org/"
    assert told["@type"] == "Dataset"
    assert told["@id"] == told["identifier"]["value"] == "https://doi.org/10.5072/abc"
    assert told["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert told["isAccessibleForFree"] is True
    assert told["conditionsOfAccess"] == "http://purl.org/coar/access_right/c_abf2"
    assert told["keywords"] == ["proteins", "small angle neutron scattering", "PaN"]
    assert told["includedInDataCatalog"]["url"] == "https://node.example/"
    assert told["prov:wasGeneratedBy"]["prov:startedAtTime"] == "2021-05-05T10:00:00+00:00"
    assert told["prov:wasGeneratedBy"]["prov:used"]["name"] == "SANS-1"
    assert told["measurementTechnique"][0]["@id"].endswith("/PaNET01189")
    assert told["funding"][0]["funder"]["name"] == "European Commission"
    for name in ("name", "description", "creator", "publisher", "datePublished", "dateModified"):
        assert told[name], name


def test_each_file_can_be_fetched_and_says_what_it_is() -> None:
    first, second = described(FULL)["distribution"]
    assert first == {
        "@type": "DataDownload",
        "contentUrl": "https://node.example/datasets/local/abc/-/download?file=a%20b.nxs",
        "name": "a b.nxs",
        "encodingFormat": "application/x-hdf5",
        "contentSize": "1000",
        "sha256": "ab" * 32,
    }
    assert "contentSize" not in second
    file = File(name="f", size=1, sha256=None, media_type="text/plain", url="https://n.example/f")
    many = described(full(detail=Detail(files=(file,) * 30, file_count=30)))
    assert len(many["distribution"]) == schema_org.MOST_FILES


def test_of_what_is_under_embargo_there_is_the_whole_alone() -> None:
    told = described(EMBARGOED)
    assert told["distribution"] == [
        {
            "@type": "DataDownload",
            "contentUrl": "https://node.example/datasets/local/abc/-/download",
            "encodingFormat": "application/x-hdf5",
            "contentSize": "4000",
        }
    ]
    assert told["isAccessibleForFree"] is False
    assert told["conditionsOfAccess"] == "http://purl.org/coar/access_right/c_f1cf"
    assert "variableMeasured" not in told
    unknown = described(full(access="embargoed", detail=None, size=None))
    assert "contentSize" not in unknown["distribution"][0]


def test_nothing_can_be_fetched_of_what_was_withdrawn() -> None:
    assert "distribution" not in described(WITHDRAWN)


def test_a_bare_record_says_no_more_than_is_known() -> None:
    told = described(BARE)
    assert told["identifier"] == told["@id"] == BARE.url
    assert told["creator"] == [{"@type": "Organization", "name": "Test Source"}]
    assert told["keywords"] == ["PaN"]
    assert None not in told.values()
    absent = {"license", "distribution", "dateCreated", "prov:wasGeneratedBy", "@reverse", "size"}
    assert not absent & set(told)


def test_values_that_no_json_can_hold_are_left_out() -> None:
    values = {line["name"]: line.get("value") for line in described(FULL)["variableMeasured"]}
    assert values == {"temperature": 300.5, "hidden formula": "H2O", "lost": None}
    assert json.loads(schema_org.EXPORT.write(FULL)) == described(FULL)


def test_a_proposal_is_a_work_without_data() -> None:
    told = described(PROPOSAL)
    assert told["@type"] == "CreativeWork"
    assert not {"distribution", "measurementTechnique", "variableMeasured"} & set(told)


def test_every_relation_has_a_word() -> None:
    for relation in get_args(Relation):
        work = Related(
            relation=relation,
            identifier="10.1/x",
            scheme="DOI",
            url="https://doi.org/10.1/x",
            general="Dataset",
            title="X",
        )
        told = described(full(related=(work,)))
        node = {"@type": "Dataset", "@id": "https://doi.org/10.1/x", "name": "X"}
        ahead = [value for value in told.values() if value == [node]]
        back = [value for value in told.get("@reverse", {}).values() if value == [node]]
        assert len(ahead) + len(back) == 1, relation


def test_csl_tells_names_as_a_whole_where_they_are_not_split() -> None:
    (told,) = json.loads(csl.EXPORT.write(FULL))
    assert told["author"] == [{"family": "Example", "given": "Ada"}]
    assert told["contributor"] == [{"literal": "Bo Helper"}]
    assert (told["type"], told["DOI"]) == ("dataset", "10.5072/abc")
    assert csl.described(PROPOSAL)["type"] == "document"
