"""Policy documents: every fault is named with its line; versions never change."""

import json
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from panosc.catalogue.people import policy_version
from panosc.domain.access import NODE_ROLES, RULES
from panosc.domain.errors import Conflict, Invalid, NotFound
from panosc.policy.document import CORE, DETAIL, Document
from panosc.policy.shelf import (
    DEFAULT,
    example,
    examples,
    named,
    open_shelf,
    read_shelf,
)
from panosc.policy.written.checking import check
from panosc.policy.written.differences import differences
from panosc.policy.written.lines import LARGEST

TEXT = example(DEFAULT).read_text(encoding="utf-8")


def faults(text):
    checked = check(text if isinstance(text, bytes) else text.encode(), file="x.yaml")
    assert (checked.document is None) == bool(checked.faults)
    return checked.faults


@pytest.mark.parametrize("name", examples())
def test_every_example_is_a_document_with_its_sources(name):
    text = example(name).read_text(encoding="utf-8")
    checked = check(text.encode(), file=name)
    assert not checked.faults
    document = checked.document
    assert document.policy.based_on
    # says in words what its sources do not give
    assert text.startswith("#")
    assert set(document.metadata.core) == set(CORE)
    assert document.embargo.default_years == (5 if name == "emfl" else 3)
    assert Document.model_validate(document.as_json()) == document
    again = Document.model_validate(json.loads(json.dumps(document.as_json())))
    assert again.hash() == document.hash()


def test_the_default_says_what_the_code_does_without_a_policy():
    rules = check(TEXT.encode(), file="").document.rules
    assert rules == {role: acts for role, acts in RULES.items() if acts}


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ("default_years: 3", "default_years: three", "embargo.default_years", "whole number"),
        ("default_years: 3", "default_years: true", "embargo.default_years", "whole number"),
        ("default_years: 3", "default_years: -1", "embargo.default_years", "greater than or equal"),
        (
            "default_years: 3",
            "default_years: 30",
            "embargo.extension.max_total_years",
            "less than the default_years of 30",
        ),
        ("max_years_each: 2", "max_years_each: 11", "embargo.extension.max_years_each", "10"),
        ('version: "1.0"', "version: 1.0", "policy.version", "quotes"),
        ("effective_from: 2011-01-01", "effective_from: soon", "policy.effective_from", "day"),
        ("custodian: team", "custodian: nobody", "results.custodian", "'facility' or 'team'"),
        ("licences:", "licenses:", "licenses", "did you mean licences"),
        ("core_visible: registration", "core_visible: never", "core_visible", "registration"),
        ("irreversible: true", "irreversible: false", "irreversible", "allowed is True"),
        ("related_works]", "related_works, parameters]", "metadata.core.14", "is detail"),
        ("related_works]", "related_works, mood]", "metadata.core.14", "is no metadata"),
        (", related_works]", "]", "metadata.core", "leaves out related_works"),
        ("approve: [director]", "approve: []", "extension.approve", "somebody has to approve"),
        (
            "steward: [answer, withdraw, erase]",
            "guest: [share]",
            "roles.guest.0",
            "guests only read",
        ),
        ("pi: [share,", "pi: [withdraw, share,", "roles.pi.0", "to a member of a group"),
        ("pi: [share,", "boss: [share,", "roles.boss", "'pi'"),
        ("pi: [share,", "pi: [fire, share,", "roles.pi.0", "'share'"),
        ("by: [pi], irr", "by: [team], irr", "early_release.by", "gives “release” to pi"),
        ("licence: CC0-1.0", "licence: CC-BY-4.0", "metadata.licence", "CC0-1.0"),
        ("embargo: partial", "embargo: true", "metadata.embargo", "partial"),
        (
            "raw: {custodian: facility, embargo: true",
            "raw: {custodian: facility, embargo: partial",
            "raw.embargo",
            "only metadata",
        ),
        ("retention_years: forever", "retention_years: long", "retention_years", "forever"),
        ("{doi}", "{secret}", "acknowledgement.text", "{secret}"),
        ("{doi}", "{doi.__class__}", "acknowledgement.text", "{doi.__class__}"),
        ("{doi}", "{doi", "acknowledgement.text", "braces"),
        ("requests_per_day: 100000", "requests_per_day: -5", "requests_per_day", "greater"),
        ("deletion_needs: [director,", "deletion_needs: [pi,", "deletion_needs", "names pi"),
        ("public: covered", "public: maybe", "access_types.public", "'covered' or 'excluded'"),
        ("id: panosc-public", "id: ../etc/passwd", "policy.id", "fits"),
        ("id: panosc-public", "id: &a panosc-public", "", "aliases"),
    ],
)
def test_a_fault_is_named_with_line_place_and_what_is_allowed(old, new, path, says):
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    found = faults(text)
    fitting = [item for item in found if item.path.endswith(path) and says in item.message]
    assert fitting, [str(item) for item in found]
    # the very line: it holds the last name of the path, or what was written wrong
    line = text.splitlines()[fitting[0].line - 1]
    names = [part for part in fitting[0].path.split(".") if part and not part.isdigit()]
    assert new in line or (names and names[-1] in line) or "access_state" in line


def test_all_faults_are_told_at_once():
    text = TEXT.replace('"1.0"', "1.0").replace("custodian: team", "custodian: x")
    text = text.replace("default_years: 3", "default_years: x")
    assert [item.path for item in faults(text)] == [
        "policy.version",
        "scope.data_classes.results.custodian",
        "embargo.default_years",
    ]


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "aliases"),
        ("[" * 5000, "deep"),
        ("{a: " * 5000, "deep"),
        ("x: [" + "1," * 20_000 + "]", "values"),
        (b"#" * (LARGEST + 1), "larger"),
        ("!!python/object/apply:os.system [id]", "Document|list|tag"),
        ("a: !!python/name:os.system", "tag"),
        ("a: 2024-13-45", "no value"),
        ("a: 1\na: 2", "twice"),
        ("? [a]\n: 1", "key"),
        ("a: 1\n---\nb: 2", "document"),
        (b"\xff\xfe\x00", "UTF-8"),
        ("a: \x07", "special"),
        ("", "names with values"),
        ("- 1", "names with values"),
        ("a: " + "9" * 10_000, "no value"),
        ("a: [", "expected"),
        ("a: \t- b", "token"),
    ],
)
def test_hostile_text_is_a_fault_and_nothing_else(text, says):
    found = faults(text)
    assert found
    assert any(word in found[0].message for word in says.split("|")), found[0].message


def test_text_that_no_database_holds_is_refused():
    for bad in ('"\\0"', '"\\ud800"', '"\\x07"'):
        found = faults(TEXT.replace('title: "Data policy for public access"', f"title: {bad}"))
        assert [item.path for item in found] == ["policy.title"]


def test_acts_for_the_whole_node_stay_with_its_roles():
    for role in sorted(set(RULES) - NODE_ROLES):
        for act in ("approve", "withdraw", "erase"):
            text = TEXT.replace("  pi: [share,", f"  {role}: [{act}]\n  pi: [share,")
            assert faults(text.replace("  pi: [share,", "  x: [share,") if role == "pi" else text)


def test_no_detail_can_be_made_core():
    assert not set(DETAIL) & set(CORE)


def lay(settings, **files):
    folder = settings.home / "policies"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def version(number, effective, *, years=3, before="excluded", text=TEXT):
    for old, new in (
        ('version: "1.0"', f'version: "{number}"'),
        ("effective_from: 2011-01-01", f"effective_from: {effective}"),
        ("before_effective: covered", f"before_effective: {before}"),
        ("default_years: 3", f"default_years: {years}"),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


def test_without_documents_the_default_is_in_force(settings, engine):
    shelf = open_shelf(settings, engine)
    assert [document.name for document in shelf.in_force] == ["panosc-public@1.0"]
    with engine.connect() as connection:
        kept = connection.execute(sa.select(policy_version)).one()
    assert kept.document == shelf.in_force[0].as_json()
    assert bytes(kept.hash) == shelf.in_force[0].hash()


def test_a_version_never_changes(settings, engine):
    lay(settings, one=version("1", "2020-01-01"))
    open_shelf(settings, engine)
    # comments and order are not content
    lay(settings, one="# said again\n" + version("1", "2020-01-01"))
    open_shelf(settings, engine)
    lay(settings, one=version("1", "2020-01-01", years=4))
    with pytest.raises(Conflict) as refused:
        open_shelf(settings, engine)
    assert "Raise the version" in refused.value.hint
    lay(settings, one=version("2", "2020-01-01", years=4))
    shelf = open_shelf(settings, engine)
    with engine.connect() as connection:
        found = [(item.document.name, item.is_in_force) for item in shelf.versions(connection)]
        old = shelf.version(connection, "panosc-public@1")
    assert found == [("panosc-public@2", True), ("panosc-public@1", False)]
    assert old.embargo.default_years == 3
    changed = differences(old, shelf.in_force[0])
    assert [(item.path, item.before, item.after) for item in changed] == [
        ("embargo.default_years", "3", "4")
    ]


def test_the_date_and_the_kind_of_access_choose_the_document(settings):
    only = "access_types: {inhouse: covered}"
    own = version("9", "2023-01-01", before="covered").replace("id: panosc-public", "id: own")
    kinds = next(line.strip() for line in TEXT.splitlines() if "access_types:" in line)
    lay(
        settings,
        old=version("1", "2015-01-01", before="covered"),
        new=version("2", "2024-01-01"),
        own=own.replace(kinds, only),
    )
    shelf = read_shelf(settings)

    def ruling(kind, day):
        found = shelf.ruling_at(kind, datetime.combine(day, datetime.min.time(), UTC))
        return None if found is None else found.name

    assert ruling("public", date(2000, 1, 1)) == "panosc-public@1"
    assert ruling("public", date(2023, 12, 31)) == "panosc-public@1"
    assert ruling("public", date(2024, 1, 1)) == "panosc-public@2"
    assert ruling("inhouse", date(2023, 6, 1)) == "own@9"
    assert ruling("inhouse", date(2024, 6, 1)) == "panosc-public@2"
    assert ruling("proprietary", date(2024, 6, 1)) == "panosc-public@2"
    assert ruling("unheard-of", date(2024, 6, 1)) is None
    lay(settings, old=version("1", "2015-01-01"))
    assert read_shelf(settings).ruling_at("public", datetime(2000, 1, 1, tzinfo=UTC)) is None


def test_two_documents_for_the_same_are_refused(settings):
    lay(settings, a=version("1", "2020-01-01"), b=version("2", "2020-01-01"))
    with pytest.raises(Invalid, match="both decide on access"):
        read_shelf(settings)
    lay(settings, b=version("1", "2021-01-01"))
    with pytest.raises(Invalid, match="both panosc-public@1"):
        read_shelf(settings)


def test_faults_of_all_files_stop_the_start(settings):
    lay(settings, a=TEXT.replace("licences:", "licenses:"), b="[")
    with pytest.raises(Invalid) as refused:
        read_shelf(settings)
    assert "a.yaml, line" in refused.value.detail
    assert "b.yaml, line 1" in refused.value.detail


def test_a_folder_that_is_named_has_to_be_there(settings, tmp_path):
    with pytest.raises(Invalid, match="no folder"):
        read_shelf(settings.model_copy(update={"policies": tmp_path / "nowhere"}))


def test_names(settings):
    assert named(settings, "panosc-public").name == "panosc-public@1.0"
    assert named(settings, "emfl").embargo.default_years == 5
    with pytest.raises(NotFound):
        named(settings, "../emfl")
