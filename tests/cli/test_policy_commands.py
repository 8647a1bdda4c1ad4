"""`panosc policy` as a user runs it."""

import json

from panosc.policy.shelf import DEFAULT, example

TEXT = example(DEFAULT).read_text(encoding="utf-8")


def lines(result):
    assert result.returncode == 0, result.stderr
    return [row.split("\t") for row in result.stdout.splitlines()]


def test_check_names_all_faults_and_ends_with_two(node, tmp_path):
    bad, good = tmp_path / "bad.yaml", tmp_path / "good.yaml"
    good.write_text(TEXT)
    bad.write_text(TEXT.replace('"1.0"', "1.0").replace("default_years: 3", "default_years: x"))
    failed = node.run("policy", "check", str(good), str(bad))
    assert failed.returncode == 2
    assert f"panosc-public@1.0\t{good}" in failed.stdout
    assert "policy.version has to be text" in failed.stderr
    assert "embargo.default_years has to be a whole number" in failed.stderr
    assert f"{bad}, line " in failed.stderr
    told = json.loads(node.run("policy", "check", str(bad), "--json").stdout)
    assert [fault["path"] for fault in told[0]["faults"]] == [
        "policy.version",
        "embargo.default_years",
    ]
    assert node.run("policy", "check").returncode == 0
    nowhere = node.run("policy", "check", str(tmp_path / "nowhere.yaml"))
    assert (nowhere.returncode, "cannot be opened" in nowhere.stderr) == (2, True)


def test_a_catalogue_under_its_policy(node, tmp_path):
    folder = tmp_path / "catalogue"
    folder.mkdir()
    rows = {
        "Group": [{"name": "P1", "accessType": "public", "endDate": "2020-02-29T00:00:00Z"}],
        "Dataset": [
            {"pid": "10.1/a", "title": "One", "ownerGroup": "P1", "kind": "raw", "size": 10},
            {"pid": "10.1/b", "title": "Two", "ownerGroup": "P2", "kind": "raw", "size": 10},
        ],
    }
    for name, items in rows.items():
        (folder / f"{name}.ndjson").write_text("".join(json.dumps(row) + "\n" for row in items))
    assert node.run("catalogue", "load", str(folder)).returncode == 0
    told = dict(lines(node.run("policy", "explain", "10.1/a")))
    assert told["state"] == "open"
    assert told["since"] == "2023-02-28"
    assert told["policy"] == "panosc-public@1.0"
    closed = json.loads(node.run("policy", "explain", "10.1/b", "--json").stdout)
    assert closed["state"] == "closed"
    assert "its proposal is not known here" in closed["reasons"][0]
    missing = node.run("policy", "explain", "10.1/c")
    assert (missing.returncode, "no dataset" in missing.stderr) == (1, True)
    period = ("--from", "2023-01-01", "--to", "2023-04-01")
    longer = tmp_path / "longer.yaml"
    longer.write_text(TEXT.replace("default_years: 3", "default_years: 6"))
    tried = json.loads(node.run("policy", "simulate", str(longer), *period, "--json").stdout)
    assert tried["present"] == {"datasets": 1, "bytes": 10}
    assert tried["already_open"] == {"datasets": 1, "bytes": 10}
    table = lines(node.run("policy", "simulate", str(longer), *period))
    assert table[0] == ["what", "datasets now", "bytes now", "datasets then", "bytes then"]
    assert node.run("policy", "simulate", str(tmp_path / "no.yaml")).returncode == 2


def test_show_and_list(node):
    shown = node.run("policy", "show", "emfl")
    assert "default_years: 5" in shown.stdout
    assert json.loads(node.run("policy", "show", "--json").stdout)[0]["policy"]["id"] == (
        "panosc-public"
    )
    assert node.run("policy", "show", "nothing").returncode == 1
    listed = {row[0]: row[1] for row in lines(node.run("policy", "list"))[1:]}
    assert listed["panosc-public@1.0"] == "in force"
    assert listed["emfl"] == "example"


def test_a_shown_policy_is_a_policy(node, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(node.run("policy", "show", "panosc-public").stdout)
    assert node.run("policy", "check", str(path)).returncode == 0
