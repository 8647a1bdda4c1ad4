"""Tape systems keep to what the node relies on: the stand-in, and a site's command."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from slow_tape import SlowTape
from tape_library import Library
from typing_extensions import override

from panosc.data.restoring.command import CommandTape
from panosc.data.restoring.conformance import TapeConformance
from panosc.data.restoring.tapes import Place, Tape, TapeFault, Told, Watched, tape_of
from panosc.domain.errors import Unavailable
from panosc.settings import Settings

HERE = Path(__file__).with_name("tape_library.py")


class TestSlowTape(TapeConformance):
    """The stand-in of our own tests."""

    @pytest.fixture(autouse=True)
    def _library(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "library"
        disk = tmp_path / "disk"
        disk.mkdir()
        library = Library(self.folder)
        self.files = []
        for number in range(5):
            path = disk / f"ä {number}.nxs"
            path.write_bytes(bytes(number))
            volume = "V2" if number == 4 else "V1"
            self.files.append(library.put(path, volume, 9 - number))

    @override
    def tape(self) -> Tape:
        return SlowTape(self.folder)

    @override
    def urls(self) -> Sequence[str]:
        return self.files

    @override
    def is_online(self, url: str) -> bool:
        return Path(unquote(urlsplit(url).path)).exists()

    @override
    def mounts(self) -> int:
        return len(Library(self.folder).mounts())


class TestCommandTape(TestSlowTape):
    """The same library behind a command of the site."""

    @override
    def tape(self) -> Tape:
        return command(sys.executable, str(HERE), str(self.folder))


def command(*words: str, limit_s: float = 20.0) -> CommandTape:
    return CommandTape(Settings(tape_command=words, tape_time_limit_s=limit_s))


def shell(script: str, **options: float) -> CommandTape:
    return command("/bin/sh", "-c", script, **options)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo oh no >&2; exit 3", "code 3: oh no"),
        ("echo nonsense", "no JSON object"),
        ("echo '[]'", "no JSON object"),
        ("""echo '{"volume": "V1"}'""", "no “url”"),
        ("""echo '{"url": "file:///a"}'""", "no “volume”"),
        ("""echo '{"url": "file:///a", "volume": "V", "order": "x"}'""", "no number"),
    ],
    ids=["fails", "no json", "no object", "no url", "no volume", "no order"],
)
def test_what_a_command_gets_wrong_is_told(script: str, words: str) -> None:
    with pytest.raises(TapeFault, match=words):
        shell(script).volumes(["file:///a"])


def test_a_state_that_is_none_is_told() -> None:
    with pytest.raises(TapeFault, match="'here' is no state"):
        shell("""echo '{"url": "file:///a", "state": "here"}'""").poll("r")


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(TapeFault, match="did not answer within"):
        shell(f"(sleep 0.5; touch {mark}) & sleep 60", limit_s=0.2).drop("r")
    time.sleep(0.7)
    assert not mark.exists()


def test_there_is_no_shell(tmp_path: Path) -> None:
    """What a request or a URL holds is data."""
    evil = f"file:///$(touch {tmp_path}/evil);`touch {tmp_path}/evil`"
    taken = tmp_path / "taken"
    shell(f"cat > {taken}").recall("r", "V", [evil])
    assert evil in taken.read_text()
    assert not (tmp_path / "evil").exists()


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(TapeFault, match="cannot be run"):
        command("/no/such/command").release(["file:///a"])


def test_the_settings_name_the_tape_system() -> None:
    assert tape_of(Settings(tape="command", tape_command=("/bin/true",))).poll("r") == {}
    with pytest.raises(Unavailable, match="no tape system 'none'"):
        tape_of(Settings(tape="none"))
    with pytest.raises(Unavailable, match="tape_command is empty"):
        tape_of(Settings(tape="command"))


class Strange:
    """A plug-in that does what it likes."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def volumes(self, urls: Sequence[str]) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, float):
            time.sleep(self.answer)
        return dict.fromkeys(urls, self.answer)

    poll = drop = release = recall = volumes


@pytest.mark.parametrize(
    "answer",
    ["V1", Place(volume=""), Place(volume="a\nb"), Told(state="online"), ZeroDivisionError("x")],
    ids=["text", "empty", "lines", "told", "raises"],
)
def test_a_strange_plug_in_is_a_fault(answer: object) -> None:
    with pytest.raises(TapeFault):
        Watched(Strange(answer), 5.0).volumes(["file:///a"])  # type: ignore[arg-type]


def test_a_plug_in_that_hangs_holds_nobody_up() -> None:
    watched = Watched(Strange(0.5), 0.05)  # type: ignore[arg-type]
    with pytest.raises(TapeFault, match="within"):
        watched.volumes(["file:///a"])
    with pytest.raises(TapeFault, match="earlier call"):
        watched.volumes(["file:///a"])


def documented(name: str) -> str:
    """Return the code of a file that the documentation shows."""
    page = (Path(__file__).parents[3] / "docs" / "tape.md").read_text(encoding="utf-8")
    return page.partition(f'title="{name}"\n')[2].partition("```")[0]


class TestDocumentedTape(TapeConformance):
    """The plug-in that the documentation shows."""

    @pytest.fixture(autouse=True)
    def _shelf(self, tmp_path: Path) -> None:
        self.shelf, disk = tmp_path / "shelf", tmp_path / "disk"
        disk.mkdir()
        self.shown: dict[str, Any] = {}
        exec(documented("shelf_tape.py"), self.shown)
        self.files = [(disk / f"{number}.nxs").as_uri() for number in range(4)]
        for number, url in enumerate(self.files):
            volume = self.shelf / ("V2" if number == 3 else "V1")
            volume.mkdir(parents=True, exist_ok=True)
            (volume / self.shown["key"](url)).write_text("counts")

    @override
    def tape(self) -> Tape:
        made: Tape = self.shown["ShelfTape"](Settings(tape_options={"shelf": str(self.shelf)}))
        return made

    @override
    def urls(self) -> Sequence[str]:
        return self.files

    @override
    def is_online(self, url: str) -> bool:
        return Path(urlsplit(url).path).exists()

    @override
    def mounts(self) -> int:
        return len(list(self.shelf.glob("*.json")))
