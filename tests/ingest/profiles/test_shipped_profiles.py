"""Each shipped profile makes of a tree as its facility writes it what the facility means by it."""

from pathlib import PurePosixPath

import pytest
from esrf_pathlib import ESRFPath
from profile_trees import match, of, places, told

from panosc.domain.errors import Invalid
from panosc.ingest.grouping import Piece
from panosc.ingest.profiles import Completion
from panosc.ingest.profiles.shipped import names, path_of, profile_of, shipped
from panosc.ingest.profiles.writing import check_file
from panosc.settings import Settings


@pytest.mark.parametrize("name", names())
def test_every_shipped_profile_is_right_and_says_what_it_assumes(name):
    checked = check_file(shipped(name))
    assert not checked.faults
    assert checked.document.profile == name
    text = shipped(name).read_text(encoding="utf-8")
    assert text.startswith("#")
    assert name == "plain" or "assum" in text.lower()


@pytest.mark.parametrize("name", names())
def test_a_file_that_fits_nothing_is_a_dataset_of_its_own(name):
    profile = of(name)
    found = match(profile, "/somewhere/else/notes of 2019.txt")
    assert found is not None
    assert (found.rule.grouping.name, found.rule.completion) == ("file", Completion(at_once=True))
    assert found.name == "notes of 2019.txt"
    assert match(profile, "/somewhere/else/.notes.swp") is None
    assert match(profile, "/somewhere/else/x.h5.tmp") is None


def test_plain_takes_every_file_by_itself_even_below_hidden_folders():
    profile = of("plain")
    found, alone = places(profile, "/home/me/.cache", ["a.h5", "b/c.tif", "b/~", "b/.d", "e.part"])
    assert found == {"a.h5": ("file", ["a.h5"]), "b/c.tif": ("file", ["c.tif"])}
    assert alone == ["b/~", "b/.d", "e.part"]
    assert profile.told(match(profile, "/a/b.h5")).origins == {}


def esrf(layout, root="/data/visitor"):
    """A session with one sample of two datasets, as the versions of the ESRF's data policy lay it
    out; the ESRF's own library says where things are."""
    raw, processed = {"v3": ("RAW_DATA", "PROCESSED_DATA"), "v2": ("raw", "processed")}.get(
        layout, ("", None)
    )
    session = f"{root}/ma1234/id21/20250509"
    base = f"{session}/{raw}".rstrip("/")
    files = [
        f"{base}/ma1234_id21.h5",
        f"{base}/gold/ma1234_gold.h5",
        f"{base}/gold/gold_0001/gold_0001.h5",
        f"{base}/gold/gold_0001/scan0001/eiger_0000.h5",
        f"{base}/gold/gold_0001/scan0001/eiger_0001.h5",
        f"{base}/gold/gold_0001/scan0002/eiger_0000.h5",
        f"{base}/gold/gold_0001/gallery/plot.png",
        f"{base}/gold/gold_0002/gold_0002.h5",
        f"{base}/__icat__/gold_0001.xml",
    ]
    if processed:
        files.append(f"{session}/{processed}/gold/gold_0001/integrated.h5")
    return base, files


@pytest.mark.parametrize("layout", ["v3", "v2", "v1"])
def test_a_session_of_the_esrf(layout):
    profile = of("esrf")
    base, files = esrf(layout)
    found, alone = places(profile, "", files)
    raw = {"v3": "raw", "v2": "raw-2022", "v1": "raw-2020"}[layout]
    dataset = f"{base}/gold/gold_0001"
    expected = {
        dataset.strip("/"): (
            raw,
            [
                "gold_0001.h5",
                "scan0001/eiger_0000.h5",
                "scan0001/eiger_0001.h5",
                "scan0002/eiger_0000.h5",
                "gallery/plot.png",
            ],
        ),
        f"{base}/gold/gold_0002".strip("/"): (raw, ["gold_0002.h5"]),
    }
    if layout != "v1":
        made = files[-1].rpartition("/")[0]
        expected[made.strip("/")] = (raw.replace("raw", "processed"), ["integrated.h5"])
        derived = told(profile, files[-1])
        assert derived.derived_from == (f"{dataset}/",)
        assert derived.kind == "reduced"
    assert found == expected
    assert alone == [files[0], files[1], files[8]]

    file = files[2]
    said, known = told(profile, file), ESRFPath(file)
    assert said.proposal == known.proposal == "ma1234"
    assert said.instrument == known.beamline.upper() == "ID21"
    assert said.kind == "raw"
    assert said.title == "gold_0001"
    assert [sample.name for sample in said.samples] == ["gold"]
    assert [(item.name, item.value) for item in said.parameters] == [("session", 20250509)]
    if layout != "v1":
        # the ESRF's library reads its oldest layout as a folder of its newest
        assert str(known.raw_dataset_path) == dataset
        assert said.samples[0].name == known.collection


def test_what_the_esrf_keeps_beside_data_is_left_alone():
    profile = of("esrf")
    session = "/data/visitor/ma1234/id21/20250509"
    for path in ("SCRIPTS/align.py", "NOBACKUP/x/y/z.h5", "GALLERY/a/b/c.png", "NOTES/n.md"):
        assert match(profile, f"{session}/{path}") is None
    beside = match(profile, f"{session}/RAW_DATA/gold/readme.txt")
    assert beside.rule.name == "beside"
    assert profile.told(beside).proposal == "ma1234"


def test_runs_of_the_european_xfel():
    profile = of("european-xfel")
    proposal = "/gpfs/exfel/exp/SPB/201701/p002012"
    modules = [f"RAW-R0104-AGIPD{module:02}-S00000.h5" for module in range(16)]
    slow = ["RAW-R0104-DA01-S00000.h5", "RAW-R0104-DA01-S00001.h5"]
    files = [f"raw/r0104/{name}" for name in [*modules, *slow]]
    files += [f"raw/r0105/{slow[0].replace('0104', '0105')}"]
    files += [f"proc/r0104/{name.replace('RAW', 'CORR')}" for name in modules]
    files += ["usr/Software/x.py", "scratch/datasets/m.h5"]
    found, alone = places(profile, proposal, files)
    assert found == {
        "raw/r0104": ("raw", [*modules, *slow]),
        "raw/r0105": ("raw", ["RAW-R0105-DA01-S00000.h5"]),
        "proc/r0104": ("proc", [name.replace("RAW", "CORR") for name in modules]),
    }
    assert alone == files[-2:]
    raw = told(profile, f"{proposal}/{files[0]}")
    assert raw.title == "SPB p2012 run 104"
    assert (raw.proposal, raw.instrument, raw.kind) == ("2012", "SPB", "raw")
    values = {item.name: item.value for item in raw.parameters}
    assert values == {"run_number": 104, "cycle": 201701}
    made = told(profile, f"{proposal}/proc/r0104/CORR-R0104-AGIPD00-S00000.h5")
    assert made.derived_from == (f"{proposal}/raw/r0104/",)
    assert made.kind == "reduced"


def test_a_run_is_whole_by_its_marker_or_after_five_quiet_minutes():
    profile = of("european-xfel")
    folder = "/gpfs/exfel/exp/SPB/201701/p002012/raw/r0104"
    data = match(profile, f"{folder}/RAW-R0104-DA01-S00000.h5")
    assert data.rule.completion == Completion(quiet_s=300.0, marker="*.complete")
    marker = match(profile, f"{folder}/r0104.complete")
    assert marker.is_marker
    assert marker.place == data.place
    assert not data.is_marker


def test_a_run_somewhere_else_is_known_by_its_files():
    profile = of("european-xfel")
    found, _ = places(
        profile, "/scratch/copy", [f"r0007/RAW-R0007-LPD{i:02}-S00000.h5" for i in range(3)]
    )
    assert list(found) == ["r0007"]
    assert told(profile, "/scratch/copy/r0007/RAW-R0007-LPD00-S00000.h5").title == "Run 7"


def test_numors_of_the_ill_in_two_formats_are_one_dataset():
    profile = of("ill")
    root = "/net4/serdon/illdata/213/d22"
    files = [
        "exp_9-10-1234/rawdata/345678",
        "exp_9-10-1234/rawdata/345678.nxs",
        "exp_9-10-1234/rawdata/345679.nxs",
        "exp_9-10-1234/processed/summed.nxs",
        "internalUse/rawdata/345680.nxs",
    ]
    found, alone = places(profile, root, files)
    raw = "exp_9-10-1234/rawdata/\x1f"
    assert found == {
        f"{raw}345678": ("numor", ["345678", "345678.nxs"]),
        f"{raw}345679": ("numor", ["345679.nxs"]),
        "exp_9-10-1234/processed/summed.nxs": ("processed", ["summed.nxs"]),
        "internalUse/rawdata/\x1f345680": ("internal", ["345680.nxs"]),
    }
    assert not alone
    said = told(profile, f"{root}/{files[0]}")
    assert (said.proposal, said.instrument) == ("9-10-1234", "D22")
    assert {item.name: item.value for item in said.parameters} == {"numor": 345678, "cycle": 213}
    assert told(profile, f"{root}/{files[3]}").derived_from == (f"{root}/exp_9-10-1234/rawdata/",)
    assert told(profile, f"{root}/{files[4]}").proposal is None


def test_older_cycles_of_the_ill():
    profile = of("ill")
    for path in ("951/d11/004371", "951/d11/004371.Z", "data-1/d16/d16_1/012345"):
        found = match(profile, f"/usr/illdata/{path}")
        assert found.rule.grouping.name == "pattern", path
        assert profile.told(found).instrument == path.split("/")[1].upper()
        assert profile.told(found).proposal is None
    assert match(profile, "/usr/illdata/data/DATA_CATALOG").rule.name == "file"


def test_measurements_of_the_ess():
    profile = of("ess")
    root = "/ess/data/2026/123456"
    found, _ = places(
        profile, root, ["raw/loki/123456_00001.hdf", "raw/loki/x.nxs", "derived/loki/i/iq.h5"]
    )
    assert {place: rule for place, (rule, _) in found.items()} == {
        "raw/loki/123456_00001.hdf": "raw",
        "raw/loki/x.nxs": "raw",
        "derived/loki/i/iq.h5": "derived",
    }
    raw = match(profile, f"{root}/raw/loki/x.nxs")
    assert raw.rule.completion == Completion(quiet_s=60.0, end_time=True)
    assert (profile.told(raw).proposal, profile.told(raw).instrument) == ("123456", "LOKI")
    assert told(profile, f"{root}/derived/loki/i/iq.h5").derived_from == (f"{root}/raw/loki/",)
    other = told(profile, "/ess/data/coda/2024/616254/raw/coda_1.hdf")
    assert (other.proposal, other.instrument) == ("616254", "CODA")


def test_measurements_of_ceric():
    profile = of("ceric")
    root = "/beamlines/SYRMEP/20235128"
    tomo = [f"tooth_01/tomo_{number:04}.tif" for number in range(3)]
    files = [*tomo, "tooth_01/darks/dark_0000.tif", "tooth_01/slices/slice_0000.tif", "single.h5"]
    found, alone = places(profile, root, [*files, "tooth_01/metadata.yaml"])
    assert found == {
        "tooth_01": ("measurement", [name.removeprefix("tooth_01/") for name in files[:4]]),
        "tooth_01/slices": ("reduced", ["slice_0000.tif"]),
        "single.h5": ("alone", ["single.h5"]),
    }
    assert alone == ["tooth_01/metadata.yaml"]
    made = told(profile, f"{root}/{files[4]}")
    assert made.derived_from == (f"{root}/tooth_01/",)
    assert (made.proposal, made.instrument, made.kind) == ("20235128", "SYRMEP", "reduced")


def test_series_and_shots_of_eli():
    profile = of("eli")
    root = "/data/ELI-Beamlines/exp-2026-07"
    series = [f"laser/diag_{step}.h5" for step in (0, 100, 200)]
    found, _ = places(
        profile,
        root,
        [
            *series,
            "simulation/run1/simData_000100.h5",
            "simulation/run1/simData_000200.h5",
            "simulation/run2/simData_000100.h5",
            "shot_0042/camera/focus.tif",
            "shot_0042/shot.h5",
            "0043/shot.h5",
        ],
    )
    assert sorted((rule, sorted(names)) for rule, names in found.values()) == sorted(
        [
            ("series", sorted(series)),
            ("simulated", ["run1/simData_000100.h5", "run1/simData_000200.h5"]),
            ("simulated", ["run2/simData_000100.h5"]),
            ("shot", ["camera/focus.tif", "shot.h5"]),
            ("shot", ["shot.h5"]),
        ]
    )
    assert told(profile, f"{root}/0043/shot.h5").title == "exp-2026-07, shot 0043"
    # the pieces of a series make one dataset
    found = [match(profile, f"{root}/{name}") for name in series]
    pieces = [
        Piece(path=f"{root}/{name}", url="", name=one.name, size=1, mtime_ns=1, sha256="0" * 64)
        for one, name in zip(found, series, strict=True)
    ]
    shares = list(found[0].rule.grouping.divide(pieces, found[0].rule.options))
    assert len(shares) == 1
    assert len(shares[0].pieces) == 3


def test_a_profile_is_chosen_by_name_or_file(tmp_path):
    settings = Settings(home=tmp_path)
    assert profile_of(settings).name == "plain"
    assert profile_of(Settings(home=tmp_path, profile="ill")).name == "ill"
    assert profile_of(settings, "esrf").title.startswith("ESRF")
    (tmp_path / "mine.yaml").write_text(
        "profile: mine\ntitle: Mine\nrules: [{name: all, path: '*'}]\n", encoding="utf-8"
    )
    assert profile_of(settings, tmp_path / "mine.yaml").name == "mine"
    assert path_of(settings, "mine.yaml") == tmp_path / "mine.yaml"
    with pytest.raises(Invalid, match="did you mean esrf"):
        profile_of(settings, "esfr")
    with pytest.raises(Invalid, match=r"no file .*other\.yaml"):
        profile_of(settings, tmp_path / "other.yaml")
    (tmp_path / "bad.yaml").write_text("profile: bad\ntitle: Bad\nrule: []\n", encoding="utf-8")
    with pytest.raises(Invalid, match="line 3: rule is not known here; did you mean rules"):
        profile_of(settings, tmp_path / "bad.yaml")


@pytest.mark.parametrize("name", names())
def test_profiles_explain_themselves(name):
    steps = of(name).explain(PurePosixPath("/a/b/c.h5"))
    assert steps[0][0] == "profile"
    assert ("grouping", "file") in steps
    assert ("complete", "at once") in steps
