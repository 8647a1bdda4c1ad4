"""Profiles with mistakes are refused with the line and what was meant."""

import pytest

from panosc.domain.errors import Invalid
from panosc.ingest.profiles.writing import check, check_file, profile_in
from panosc.policy.written.lines import LARGEST

GOOD = r"""# a site
profile: site
title: A site
time_zone: Europe/Paris
probe: x-ray
proposals: proposals.csv
rules:
  - name: raw
    path: "{beamline}/{proposal:[a-z]+\\d+}/raw/{run:r\\d+}/**"
    group: folder
    complete: {quiet: 60s, marker: "*.done"}
    kind: raw
    side: metadata.yaml
    set:
      title: ["{proposal_title}, run {run}", "Run {run}"]
      proposal: "{proposal}"
      sample: {name: "{run}"}
      parameters: {run_number: "{run}", energy: {value: 12.5, unit: keV}}
  - name: processed
    path: "{beamline}/{proposal:[a-z]+\\d+}/processed/{run:r\\d+}/**"
    group: pattern
    options: {name: '(?P<stem>\d+)\.h5'}
    derived_from: raw
  - name: log
    path: "*.log"
    skip: true
tiers:
  - path: "/tape/**"
  - xattr: user.state
    value: "offline|migrated"
  - command: [/usr/bin/where, "{path}"]
    limit: 5s
"""
LINES = GOOD.splitlines()


def line_of(text, part):
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def faults(text, folder=None):
    checked = check(text.encode(), file="site.yaml", folder=folder)
    assert (checked.document is None) == bool(checked.faults)
    return checked.faults


def test_a_good_profile_has_no_fault():
    assert not faults(GOOD)


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ("title: A site", "titel: A site", "titel", "did you mean title"),
        ("rules:", "rule:", "rule", "did you mean rules"),
        ("profile: site", "profile: My Site", "profile", "My Site"),
        ("group: folder", "grup: folder", "rules.0.grup", "did you mean group"),
        ("group: folder", "group: foldr", "rules.0.group", "did you mean folder"),
        ("group: folder", "group: heap", "rules.0.group", "there is entry, file, folder"),
        ("kind: raw", "kind: row", "rules.0.kind", "'raw', 'reduced' or 'simulated'"),
        ("      sample:", "      sampel:", "rules.0.set.sampel", "did you mean sample"),
        ('{name: "{run}"}', '{nane: "{run}"}', "rules.0.set.sample.nane", "did you mean name"),
        ("unit: keV", "units: keV", "rules.0.set.parameters.energy.units", "did you mean unit"),
        ("quiet: 60s", "queit: 60s", "rules.0.complete.queit", "did you mean quiet"),
        ("quiet: 60s", "quiet: 60", "rules.0.complete.quiet", "60s, 5min, 2h"),
        ("quiet: 60s", "quiet: 1 fortnight", "rules.0.complete.quiet", "60s, 5min, 2h"),
        ('{quiet: 60s, marker: "*.done"}', "soon", "rules.0.complete", "at once"),
        ('{quiet: 60s, marker: "*.done"}', "{at_once: false}", "rules.0.complete", "says nothing"),
        ("{quiet: 60s,", "{at_once: true,", "rules.0.complete", "never count"),
        ('"*.done"', '"x/*.done"', "rules.0.complete.marker", "without folders"),
        ("group: folder", "group: file", "rules.0.complete.marker", "many files"),
        ("[a-z]+\\\\d+}/raw", "[a-z+\\\\d+}/raw", "rules.0.path", "missing ]"),
        ("{beamline}/{proposal:[a-z]+\\\\d+}/raw", "raw//x", "rules.0.path", "can never match"),
        ('"{proposal}"', '"{proposals}"', "rules.0.set.proposal", "did you mean {proposal}"),
        ('"Run {run}"]', '"Run {ran}"]', "rules.0.set.title.1", "{beamline}, {proposal}, {run}"),
        ('"Run {run}"]', '"Run {run"]', "rules.0.set.title.1", "does not fit"),
        ('"Run {run}"]', '"Run {run:d}"]', "rules.0.set.title.1", "number, upper, lower"),
        ('run_number: "{run}"', 'run_number: "{no}"', "parameters.run_number.value", "{no}"),
        ("side: metadata", "side: ../metadata", "rules.0.side.0", "without folders"),
        ("name: processed", "name: raw", "rules.1.name", "earlier rule"),
        ("derived_from: raw", "derived_from: rav", "rules.1.derived_from.0", "did you mean raw"),
        ("derived_from: raw", 'derived_from: "{x}/"', "rules.1.derived_from.0", "{x}"),
        ("derived_from: raw", "derived_from: processed", "rules.1.derived_from.0", "itself"),
        ("(?P<stem>", "(?P<stam>", "rules.1.options.name", "stem"),
        ("options: {name:", "options: {nam:", "rules.1.options", "there is: name"),
        ("skip: true", "skip: true\n    kind: raw", "rules.2.kind", "skip: true"),
        ("skip: true", "skip: perhaps", "rules.2.skip", "true or false"),
        ("Europe/Paris", "Paris", "time_zone", "did you mean Europe/Paris"),
        ("Europe/Paris", "Europe/Pariss", "time_zone", "did you mean Europe/Paris"),
        ("probe: x-ray", "probe: xray", "probe", "'x-ray'"),
        ('  - path: "/tape/**"', "  - paht: x", "tiers.0.paht", "did you mean path"),
        ('  - path: "/tape/**"', "  - tier: nearline", "tiers.0", "give one of path"),
        ('  - path: "/tape/**"', "  - {path: x, blocks: true}", "tiers.0", "give one of"),
        ('"/tape/**"', '"/tape/{x"', "tiers.0.path", "without its }"),
        ("user.state", "state", "tiers.1.xattr", "did you mean user.state"),
        ('"offline|migrated"', '"(offline"', "tiers.1.value", "missing )"),
        ("/usr/bin/where", "where", "tiers.2.command.0", "whole path"),
        ("limit: 5s", "limit: often", "tiers.2.limit", "60s, 5min, 2h"),
    ],
    ids=lambda item: item[:24].encode("ascii", "replace").decode(),
)
def test_each_fault_is_named_with_its_line(old, new, path, says):
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    found = [fault for fault in faults(text) if fault.path.endswith(path)]
    assert len(found) == 1, [str(fault) for fault in faults(text)]
    assert says in found[0].message
    changed = text.splitlines()[found[0].line - 1]
    assert new.splitlines()[-1].strip() in changed or f"{path.rpartition('.')[2]}:" in changed


def test_a_rule_that_is_never_reached_is_named_with_the_one_that_is_in_the_way():
    text = GOOD.replace("  - name: log\n", "  - name: all\n    path: '**/*'\n  - name: log\n")
    (fault,) = faults(text)
    assert fault.path == "rules.3.path"
    assert fault.line == line_of(text, "*.log")
    assert "rule all (**/*) takes all its files" in fault.message


def test_a_profile_needs_a_rule():
    (fault,) = faults("profile: x\ntitle: X\nrules: []\n")
    assert (fault.line, fault.path) == (3, "rules")
    assert fault.message == "has to have at least 1, and has 0"


def test_all_faults_are_told_at_once_in_order():
    text = GOOD.replace("Europe/Paris", "Mars").replace('{run}"]', '{x}"]').replace("/tape", "//")
    lines = [fault.line for fault in faults(text)]
    assert len(lines) == 3
    assert lines == sorted(lines)


def test_a_folder_that_cannot_be_told_is_said():
    text = GOOD.replace("/raw/{run:r\\\\d+}/**", "/raw/{run:r\\\\d+}/{part}/**")
    (fault,) = faults(text)
    assert (fault.path, "{part} is not in the path" in fault.message) == (
        "rules.1.derived_from.0",
        True,
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("proposal,nmae\nma1,Ada\n", "did you mean name"),
        ("title,name\nx,Ada\n", "there is no proposal"),
        ("proposal,name\n,Ada\n", "line 2: the proposal has no name"),
        ("proposal,name\nma1,Ada,x,y\n", "line 2: more values"),
        ('proposal,name\nma1,"Ada\n', "line"),
    ],
    ids=["missing", "column", "no-proposal", "empty", "more", "quote"],
)
def test_a_list_that_cannot_be_used_is_a_fault(tmp_path, content, says):
    if content is not None:
        (tmp_path / "proposals.csv").write_text(content, encoding="utf-8")
    (fault,) = faults(GOOD, tmp_path)
    assert (fault.line, fault.path) == (6, "proposals")
    assert says in fault.message


def test_a_list_without_a_rule_that_sets_a_proposal_is_a_fault(tmp_path):
    (tmp_path / "proposals.csv").write_text("proposal,name\nma1,Ada\n", encoding="utf-8")
    text = GOOD.replace('      proposal: "{proposal}"\n', "")
    (fault,) = faults(text, tmp_path)
    assert "no rule sets the proposal" in fault.message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"profile: [", "line 1"),
        (b"profile: \xff", "UTF-8"),
        (b"- a", "list of names with values"),
        (b"", "list of names with values"),
        (b"a: &x 1\nb: *x\n", "aliases"),
        (b"#" * (LARGEST + 1), "larger than"),
    ],
    ids=["cut", "latin", "list", "empty", "alias", "large"],
)
def test_what_is_no_document_is_said(tmp_path, content, says):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    checked = check_file(path)
    assert checked.document is None
    assert says in str(checked.faults[0])
    with pytest.raises(Invalid, match=r"x\.yaml, line 1") as caught:
        profile_in(path)
    assert "panosc ingest check-profile FILE" in caught.value.hint


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    assert "No such file" in str(check_file(tmp_path / "none.yaml").faults[0])
