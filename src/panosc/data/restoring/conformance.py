"""What every tape system has to keep to, as tests to inherit.

Subclass `TapeConformance` in a test module and give it a fresh tape with files on it. Nothing
of pytest is imported here, so that the node runs without it.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from panosc.data.restoring.tapes import STATES, Place, Tape, Told


class TapeConformance(ABC):
    """Tests that hold for every tape system; subclass it and write the four methods."""

    patience_s: float = 60.0
    """Longest that a recall of all files of a volume takes."""
    call_s: float = 10.0
    """Longest that a call takes."""

    @abstractmethod
    def tape(self) -> Tape:
        """Return the tape system of this test; called again: the same as after a restart."""

    @abstractmethod
    def urls(self) -> Sequence[str]:
        """Return files on it, at least four on at least two volumes, none of them on disk."""

    @abstractmethod
    def is_online(self, url: str) -> bool:
        """Whether all of a file can be read from disk now; without recalling it."""

    @abstractmethod
    def mounts(self) -> int:
        """Return how many mounts there were since the test began."""

    # ---- where files lie ----

    def test_it_knows_where_files_lie(self) -> None:
        """Each file has a volume; what no tape has is left out."""
        found = self._places()
        assert set(found) == set(self.urls())
        assert all(place.volume for place in found.values())
        assert len({place.volume for place in found.values()}) > 1
        foreign = "file:///no/such/file/on/any/tape"
        assert not self.tape().volumes([foreign])
        assert not self.tape().volumes([])

    def test_asking_recalls_nothing(self) -> None:
        """Neither where files lie nor how an unknown request stands."""
        self._places()
        assert not self.tape().poll("never-made")
        assert self.mounts() == 0
        assert not any(map(self.is_online, self.urls()))

    # ---- recalls ----

    def test_one_request_brings_files_in_one_mount(self) -> None:
        """All that were asked for, and no other."""
        volume, urls = self._volume()
        tape = self.tape()
        self._timed(lambda: tape.recall("r-1", volume, urls))
        told = self._wait(tape, "r-1")
        assert set(told) == set(urls)
        assert {item.state for item in told.values()} == {"online"}, told
        assert all(map(self.is_online, urls))
        assert not any(self.is_online(url) for url in self.urls() if url not in urls)
        assert self.mounts() == 1

    def test_the_same_request_twice_is_one(self) -> None:
        """At once, after the node has started anew, and when it is done."""
        volume, urls = self._volume()
        for _ in range(2):
            self.tape().recall("r-1", volume, urls)
        self._wait(self.tape(), "r-1")
        self.tape().recall("r-1", volume, urls)
        assert {item.state for item in self.tape().poll("r-1").values()} == {"online"}
        assert self.mounts() == 1

    def test_a_request_outlives_the_node(self) -> None:
        """What was asked before it started anew is known by its name."""
        volume, urls = self._volume()
        self.tape().recall("r-1", volume, urls)
        assert set(self.tape().poll("r-1")) == set(urls)

    def test_what_is_not_on_tape_fails_alone(self) -> None:
        """One wrong file of a request does not keep the others."""
        volume, urls = self._volume()
        wrong = "file:///no/such/file/on/any/tape"
        tape = self.tape()
        tape.recall("r-1", volume, [wrong, *urls])
        told = self._wait(tape, "r-1")
        assert told[wrong].state == "failed"
        assert told[wrong].message
        assert {told[url].state for url in urls} == {"online"}

    # ---- back again ----

    def test_a_dropped_request_is_over(self) -> None:
        """It may be dropped twice, or when there never was one."""
        volume, urls = self._volume()
        tape = self.tape()
        tape.recall("r-1", volume, urls)
        for _ in range(2):
            self._timed(lambda: tape.drop("r-1"))
        tape.drop("never-made")
        tape.recall("r-2", volume, urls)
        assert {item.state for item in self._wait(tape, "r-2").values()} == {"online"}

    def test_released_files_are_on_tape_again(self) -> None:
        """It may be done twice; they can be had again by another request."""
        volume, urls = self._volume()
        tape = self.tape()
        tape.recall("r-1", volume, urls)
        self._wait(tape, "r-1")
        for _ in range(2):
            self._timed(lambda: tape.release(urls))
        assert not any(map(self.is_online, urls))
        assert self._places()[urls[0]].volume == volume
        tape.recall("r-2", volume, urls)
        self._wait(tape, "r-2")
        assert all(map(self.is_online, urls))

    # ---- by what it is done ----

    def _places(self) -> Mapping[str, Place]:
        return self.tape().volumes(list(self.urls()))

    def _volume(self) -> tuple[str, list[str]]:
        """Return the volume with most files, and these in their order."""
        places = self._places()
        names = [place.volume for place in places.values()]
        volume = max(sorted(set(names)), key=names.count)
        found = [url for url in places if places[url].volume == volume]
        return volume, sorted(found, key=lambda url: (places[url].order or 0, url))

    def _wait(self, tape: Tape, request: str) -> Mapping[str, Told]:
        ends = time.monotonic() + self.patience_s
        while True:
            told = tape.poll(request)
            assert all(item.state in STATES for item in told.values())
            if told and not any(item.state == "waiting" for item in told.values()):
                return told
            assert time.monotonic() < ends, told
            time.sleep(min(0.05, self.patience_s / 100))

    def _timed(self, call: Callable[[], None]) -> None:
        begun = time.monotonic()
        call()
        assert time.monotonic() - begun < self.call_s
