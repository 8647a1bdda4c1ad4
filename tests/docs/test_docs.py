"""The documentation tells the truth: what exists is in it, what it names exists."""

import re
from pathlib import Path

import pytest

from panosc.cli.intake.group import COMMANDS
from panosc.cli.lazily import VERBS, Later
from panosc.domain import errors
from panosc.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def text(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def every_error(cls=errors.PanoscError):
    yield cls
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from every_error(child)


@pytest.mark.parametrize("error", list(every_error()), ids=lambda error: error.code)
def test_every_error_is_documented(error):
    assert f"{{ #{error.code} }}" in text("errors.md")
    assert error.title
    assert 400 <= error.status < 600
    assert error.exit_code in {1, 2, 3}


def test_errors_have_codes_of_their_own():
    codes = [error.code for error in every_error()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_documented(name):
    info = Settings.model_fields[name]
    line = next(row for row in text("settings.md").splitlines() if f"`{name}`" in row)
    assert f"PANOSC_{name.upper()}" in line
    assert info.description in line
    if info.default is not None and name != "home":
        assert f"`{info.default}`" in line


def all_verbs():
    return {name: Later(name, place).now() for name, place in VERBS.items()}


def commands(verbs, path=()):
    for name, command in sorted(verbs.items()):
        if hasattr(command, "list_commands"):
            inner = {item: command.get_command(None, item) for item in command.list_commands(None)}
            now = {k: v.now() if isinstance(v, Later) else v for k, v in inner.items()}
            yield from commands(now, (*path, name))
        else:
            yield " ".join((*path, name)), command


@pytest.mark.parametrize(
    ("name", "command"),
    list(commands(all_verbs())),
    ids=lambda item: str(item)[:20],
)
def test_every_command_is_documented_and_helps(name, command):
    assert any(f"panosc {name}" in page.read_text(encoding="utf-8") for page in PAGES)
    assert command.help
    assert all(option.help for option in command.params)


@pytest.mark.parametrize(
    ("name", "place"), [*VERBS.items(), *COMMANDS.items()], ids=[*VERBS, *COMMANDS]
)
def test_a_verb_is_listed_by_what_it_says_itself(name, place):
    assert Later(name, place).now().help.partition("\n")[0] == place[2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


def test_every_dependency_is_named_with_its_reason():
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    runtime = declared.partition("\ndependencies = [")[2].partition("]\n")[0]
    named = text("dependencies.md").lower()
    for line in runtime.splitlines():
        found = re.match(r'\s*"([a-zA-Z0-9-]+)', line)
        if found:
            assert found[1].lower() in named, found[1]
