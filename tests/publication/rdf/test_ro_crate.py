"""RO-Crates of records: read by `rocrate`, judged by roc-validator."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import publication_catalogue as given
from rocrate.rocrate import ROCrate
from validators import crate_issues

from panosc.domain.access import Who
from panosc.publication.exports.ro_crate import EXPORT
from panosc.publication.record import Publication

TEAM = Who(person="u-1", groups=frozenset({"team-a"}))
Tell = Callable[..., Publication]


def _crate(publication: Publication) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(EXPORT.write(publication))
    return made


def _entity(crate: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [item for item in crate["@graph"] if item["@id"] == name]
    return dict(found)


# the shapes cost it seconds: the record that says most is judged by them, and what is broken
# breaks before
def test_roc_validator_requires_nothing_more_and_finds_what_is_broken(
    told: Tell, tmp_path: Path
) -> None:
    headless = _crate(told(given.OPEN))
    headless["@graph"] = headless["@graph"][1:]
    rootless = _crate(told(given.OPEN))
    rootless["@graph"][0]["about"]["@id"] = "https://node.example/nothing"
    found = crate_issues([_crate(told(given.OPEN)), headless, rootless], tmp_path)
    assert [bool(issues) for issues in found] == [False, True, True], found


def test_a_reader_of_others_finds_files_people_and_the_instrument(
    told: Tell, tmp_path: Path
) -> None:
    publication = told(given.OPEN)
    (tmp_path / "ro-crate-metadata.json").write_bytes(EXPORT.write(publication))
    crate = ROCrate(str(tmp_path))
    root = crate.root_dataset
    assert root["name"] == publication.title
    assert root["datePublished"] == "2022-01-02"
    assert [person["name"] for person in root["author"]] == ["Ada Example"]
    assert root["license"].id == "https://creativecommons.org/licenses/by/4.0/"
    files = {item["name"]: item for item in root["hasPart"]}
    assert set(files) == {"a b.nxs", "notes.txt"}
    assert files["a b.nxs"]["sha256"] == "ab" * 32
    assert files["a b.nxs"]["contentSize"] == "1000"
    assert files["a b.nxs"]["contentUrl"].endswith("/-/download?file=a%20b.nxs")
    (act,) = crate.get_by_type("CreateAction")
    assert act["instrument"]["name"] == "SANS-1"
    assert act["instrument"].type == "IndividualProduct"
    assert root["funding"][0]["identifier"] == "823852"


def test_of_embargoed_data_the_crate_tells_the_size_alone(told: Tell) -> None:
    publication = told(given.EMBARGOED)
    text = EXPORT.write(publication).decode()
    for hidden in ("hidden.nxs", "lysozyme", "77.25", "temperature"):
        assert hidden not in text
    whole = _entity(json.loads(text), f"{publication.url}/-/download")
    assert whole["contentSize"] == "4000"
    assert "hidden.nxs" in EXPORT.write(told(given.EMBARGOED, TEAM)).decode()
