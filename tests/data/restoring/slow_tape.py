"""The slow library as a tape system in this process; see `tape_library`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tape_library import Library

from panosc.data.restoring.tapes import Place, Told


class SlowTape:
    """The four calls and the one, put to the library in a folder."""

    def __init__(self, folder: Path, *, mount_s: float = 0.2, file_s: float = 0.005) -> None:
        self.library = Library(folder, mount_s=mount_s, file_s=file_s)

    def volumes(self, urls: Sequence[str]) -> Mapping[str, Place]:
        found = self.library.volumes(urls)
        return {url: Place(volume=volume, order=order) for url, (volume, order) in found.items()}

    def recall(self, request: str, volume: str, urls: Sequence[str]) -> None:
        self.library.recall(request, volume, urls)

    def poll(self, request: str) -> Mapping[str, Told]:
        found = self.library.poll(request)
        return {url: Told(state=state, message=said) for url, (state, said) in found.items()}

    def drop(self, request: str) -> None:
        self.library.drop(request)

    def release(self, urls: Sequence[str]) -> None:
        self.library.release(urls)
