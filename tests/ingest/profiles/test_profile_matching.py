"""What a profile makes of paths: places, names, what is told, lists and side files."""

import itertools
import json
import os
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_trees import match, of, profile, told

from panosc.ingest.formats import Contributor
from panosc.ingest.profiles.shipped import names
from panosc.ingest.walking import Walk

SITE = r"""
profile: site
title: A site
facility: A facility
proposals: people.csv
rules:
  - name: raw
    path: "{beamline}/{proposal:[a-z]+\\d+}/raw/{run:r\\d+}/**"
    group: folder
    complete: {quiet: 60s, marker: "*.done"}
    side: [metadata.yaml, metadata.json]
    set:
      title: ["{proposal_title}, {run:upper}", "{run} at {beamline}"]
      proposal: "{proposal}"
      instrument: "{beamline:upper}"
      techniques: PaNET01188
      people: "Operator of {beamline}"
      sample: {name: "of {run}", identifier: "{proposal}-{run}"}
      parameters:
        run: "{run}"
        energy: {value: 12.5, unit: keV}
  - name: made
    path: "{beamline}/{proposal:[a-z]+\\d+}/made/{run:r\\d+}/{part}/{file}.{ending:h5|nxs}"
    derived_from: [raw, "{beamline}/{proposal}/raw/{run}/{file}.h5", "/calibration/{beamline}/"]
    kind: reduced
"""


@pytest.fixture
def site(tmp_path):
    rows = [
        "proposal;title;name;orcid;role;affiliation",
        "MA1;Gold at work;Ada Lovelace;0000-0002-1825-0097;pi;Analytical Society",
        "ma1;;Charles Babbage;;team;",
        "ma2;Silver;;;;",
    ]
    (tmp_path / "people.csv").write_text("\n".join(rows), encoding="utf-8")
    return profile(tmp_path, SITE)


def test_what_is_told_of_a_dataset_says_who_said_so(site):
    found = told(site, "/data/id1/ma1/raw/r7/a/b.h5")
    assert found.title == "Gold at work, R7"
    assert (found.proposal, found.instrument) == ("ma1", "ID1")
    assert found.techniques == ("PaNET01188",)
    assert [(item.name, item.value, item.unit) for item in found.parameters] == [
        ("run", "r7", None),
        ("energy", 12.5, "keV"),
    ]
    assert [(one.name, one.identifier) for one in found.samples] == [("of r7", "ma1-r7")]
    assert [(one.name, one.role, one.orcid) for one in found.people] == [
        ("Ada Lovelace", "pi", "0000-0002-1825-0097"),
        ("Charles Babbage", "team", None),
    ]
    assert found.origins["people"] == "list people.csv"
    assert found.origins["title"] == "rule raw, from the path"
    assert site.facility == "A facility"


def test_a_proposal_that_is_not_in_the_list_takes_the_next_title(site):
    found = told(site, "/data/id1/ma9/raw/r7/b.h5")
    assert found.title == "r7 at id1"
    assert [one.name for one in found.people] == ["Operator of id1"]
    assert told(site, "/data/id1/ma2/raw/r7/b.h5").title == "Silver, R7"


def test_the_list_is_read_again_when_it_changes_and_kept_while_it_is_wrong(site, tmp_path):
    path, file = "/data/id1/ma1/raw/r7/b.h5", tmp_path / "people.csv"
    told(site, path)
    file.write_text("proposal,name\nma1,Emmy Noether\n", encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert told(site, path).people == (Contributor(name="Emmy Noether"),)
    file.write_text("proposal,nmae\nma1,Nobody\n", encoding="utf-8")
    os.utime(file, ns=(2, 2))
    assert told(site, path).people == (Contributor(name="Emmy Noether"),)
    file.unlink()
    assert told(site, path).people == (Contributor(name="Emmy Noether"),)
    reasons = [reason for _, reason in site.troubles.take()]
    assert len(reasons) == 2
    assert "did you mean name" in reasons[0]
    assert "No such file" in reasons[1]
    assert site.troubles.take() == []


def test_a_list_may_be_yaml(tmp_path):
    (tmp_path / "people.yaml").write_text(
        "- proposal: ma1\n  title: Gold\n  people:\n    - Ada\n    - {name: Bo, role: pi}\n",
        encoding="utf-8",
    )
    site = profile(tmp_path, SITE.replace("people.csv", "people.yaml"))
    found = told(site, "/data/id1/ma1/raw/r7/b.h5")
    assert found.title == "Gold, R7"
    assert [(one.name, one.role) for one in found.people] == [("Ada", None), ("Bo", "pi")]


def test_where_data_came_from_is_the_folder_of_the_rule_with_the_same_placeholders(site):
    found = told(site, "/data/id1/ma1/made/r7/fit/x.nxs")
    assert found.derived_from == (
        "/data/id1/ma1/raw/r7/",
        "/data/id1/ma1/raw/r7/x.h5",
        "/calibration/id1/",
    )
    assert found.kind == "reduced"
    # the folders before the pattern are the same, wherever that begins
    assert told(site, "/id1/ma1/made/r7/fit/x.nxs").derived_from[0] == "/id1/ma1/raw/r7/"


def test_a_marker_belongs_to_the_place_and_is_no_data(site):
    data = match(site, "/data/id1/ma1/raw/r7/a/b.h5")
    marker = match(site, "/data/id1/ma1/raw/r7/all.done")
    assert marker.is_marker
    assert marker.place == data.place
    # elsewhere it is a file like others
    assert not match(site, "/data/id1/ma1/raw/r7/a/all.done").is_marker
    assert match(site, "/data/id1/ma1/all.done") is None


def test_side_files_speak_for_their_dataset_and_are_none_of_its_files(tmp_path, site):
    folder = tmp_path / "id1/ma1/raw/r7"
    folder.mkdir(parents=True)
    side = {
        "title": "By hand",
        "proposal": "ma2",
        "sample": "gold leaf",
        "people": ["Ada", {"name": "Bo", "role": "pi"}],
        "parameters": {"temperature": {"value": 4.2, "unit": "K"}, "note": "cold"},
        "of another program": True,
    }
    (folder / "metadata.json").write_text(json.dumps(side), encoding="utf-8")
    assert match(site, str(folder / "metadata.json")) is None
    found = told(site, str(folder / "x.h5"))
    assert found.title == "By hand"
    # whose data they are is not for a file in the folder to say
    assert found.proposal == "ma1"
    assert [one.name for one in found.samples] == ["gold leaf"]
    assert [(one.name, one.role) for one in found.people] == [("Ada", None), ("Bo", "pi")]
    assert [(item.name, item.value, item.unit) for item in found.parameters] == [
        ("temperature", 4.2, "K"),
        ("note", "cold", None),
    ]
    assert found.origins["title"] == "side file metadata.json"
    (folder / "metadata.yaml").write_text("title: In YAML\n", encoding="utf-8")
    assert told(site, str(folder / "x.h5")).title == "In YAML"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("metadata.json", b"{", "is no JSON"),
        ("metadata.json", b"[" * 100_000, "is no JSON"),
        ("metadata.json", b'{"title": 5}', "title"),
        ("metadata.json", b'{"parameters": {"t": {"value": [1]}}}', "parameters.t"),
        ("metadata.json", b'{"parameters": {"t": {"value": 1e999}}}', "is no JSON"),
        ("metadata.yaml", b"a: &x [1]\nb: *x\n", "aliases"),
        ("metadata.yaml", b"title: [x]\n", "title has to be text"),
        ("metadata.yaml", b" " * 300_000, "larger than 256 kB"),
    ],
    ids=["cut", "deep", "number", "list", "infinite", "alias", "no-text", "large"],
)
def test_a_side_file_that_is_wrong_is_said_and_passed_over(tmp_path, site, name, content, says):
    folder = tmp_path / "id1/ma1/raw/r7"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    assert told(site, str(folder / "x.h5")).title == "Gold at work, R7"
    ((place, reason),) = site.troubles.take()
    assert place == str(folder)
    assert says in reason


def test_a_side_file_that_is_a_link_or_a_pipe_is_not_read(tmp_path, site):
    secret = tmp_path / "secret.yaml"
    secret.write_text("title: Secret\n", encoding="utf-8")
    folder = tmp_path / "id1/ma1/raw/r7"
    folder.mkdir(parents=True)
    (folder / "metadata.yaml").symlink_to(secret)
    assert told(site, str(folder / "x.h5")).title == "Gold at work, R7"
    (folder / "metadata.yaml").unlink()
    os.mkfifo(folder / "metadata.yaml")
    assert told(site, str(folder / "x.h5")).title == "Gold at work, R7"
    assert len(site.troubles.take()) == 2


def test_explaining_says_why_not_and_why(site):
    steps = site.explain(PurePosixPath("/data/id1/ma1/made/r7/fit/x.nxs"))
    said = dict(steps)
    assert said["rule raw"] == "does not fit: no folder before is raw"
    assert said["rule made"].startswith("it fits {beamline}/")
    assert said["{part}"] == "fit"
    assert said["grouping"] == "file"
    assert said["complete"] == "at once"
    assert said["derived_from"].startswith("/data/id1/ma1/raw/r7/; ")
    assert said["tier"] == "online (the profile tells no tiers)"
    said = dict(site.explain(PurePosixPath("/data/id1/ma1/raw/r7/b.h5")))
    assert said["complete"] == "when *.done is there, or after 60 s without a change"
    assert said["title"] == "Gold at work, R7 (rule raw, from the path)"
    assert "Ada Lovelace" in said["people"]
    said = dict(site.explain(PurePosixPath("/data/id1/ma1/raw/r7/all.done")))
    assert said["result"].startswith("a marker")
    said = dict(site.explain(PurePosixPath("/data/id1/ma1/raw/r7/metadata.json")))
    assert said["name"].startswith("a side file")
    said = dict(site.explain(PurePosixPath("/data/id1/ma1/raw/run7/b.h5")))
    assert said["rule raw"] == r"does not fit: no folder of it is {run:r\d+}"
    assert said["rule made"] == r"does not fit: “raw” is not {run:r\d+}"
    assert said["result"] == "left alone: no rule takes it"


# ---- whatever the tree, whatever the profile -----------------------------------------------------

FOLDERS = [
    "RAW_DATA", "PROCESSED_DATA", "raw", "proc", "r0001", "20250509", "ma1234", "id21", "213",
    "exp_1", "rawdata", "2026", "123456", "gold", "eli-np", "shot_1", "sim", "20235128", "SPB",
    "201701", "p002012", ".hidden", "scan0001",
]  # fmt: skip
FILES = [
    "a.h5", "a_1.h5", "a_2.h5", "123456", "123456.nxs", "RAW-R0001-DA01-S00000.h5", "x.tif",
    "metadata.yaml", "x.done", "x.complete", ".x", "y.tmp", "notes",
]  # fmt: skip
PATHS = st.builds(
    lambda folders, file: "/".join([*folders, file]),
    st.lists(st.sampled_from(FOLDERS), max_size=7),
    st.sampled_from(FILES),
)
PROFILES = {name: of(name) for name in names()}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(PROFILES)), st.sets(PATHS, min_size=1, max_size=12))
def test_every_file_lands_in_one_place_under_a_name_of_its_own(name, paths):
    profile = PROFILES[name]
    names_in: dict[str, dict[str, str]] = {}
    bases: dict[str, str] = {}
    for path in paths:
        found = match(profile, f"/folder/{path}")
        assert found == match(profile, f"/folder/{path}")
        if found is None:
            continue
        key = found.place.key
        assert bases.setdefault(key, found.place.base) == found.place.base
        assert f"{found.place.base}/{found.name}" == f"/folder/{path}"
        assert names_in.setdefault(key, {}).setdefault(found.name, path) == path
        profile.told(found)
    everything = list(itertools.chain.from_iterable(names_in.values()))
    assert len(everything) <= len(paths)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_two_roots_give_the_same_place_for_the_same_file(tmp_path, name):
    profile = PROFILES[name]
    tree = [
        "data/ma1234/id21/20250509/RAW_DATA/gold/gold_1/gold_1.h5",
        "data/SPB/201701/p002012/raw/r0001/RAW-R0001-DA01-S00000.h5",
        "data/213/d22/exp_1/rawdata/123456.nxs",
    ]
    for path in tree:
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    found = []
    for root in (tmp_path, tmp_path / "data"):
        files = [one.path for one in Walk([root]).files()]
        assert len(files) == len(tree)
        found.append({path: match(profile, path) for path in files})
    assert found[0] == found[1]
