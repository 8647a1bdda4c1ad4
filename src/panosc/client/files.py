"""A file of a dataset: what the catalogue says of it, what is inside of it, a copy of it here."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from typing_extensions import override

from panosc.client.data import cards
from panosc.client.data.groups import Group
from panosc.client.data.wire import Wire
from panosc.client.fetching.one import Wanted
from panosc.client.fetching.several import Options, fetch_one
from panosc.client.http import Http
from panosc.domain.errors import PanoscError


class File(Group):
    """A file of a dataset; if it is HDF5, it is the group at its root as well.

    Parameters
    ----------
    http : Http
    pid : str
        Of its dataset.
    record : mapping
        What the node said of it.
    """

    def __init__(self, http: Http, pid: str, record: dict[str, Any]) -> None:
        name: str = record["name"]
        super().__init__(Wire(http, pid=pid, name=name), "/")
        self.size: int | None = record.get("size")
        """Its length in bytes."""
        self.sha256: str | None = record.get("sha256")
        self.format: str | None = record.get("format")

    @property
    @override
    def name(self) -> str:
        """Its name in the dataset."""
        return self.wire.name

    @property
    def url(self) -> str:
        """Where its content is."""
        return f"{self.wire.http.url}{self.wanted.path}?file={quote(self.name)}"

    @property
    def wanted(self) -> Wanted:
        """What is to be asked for to have it."""
        return Wanted(
            name=self.name,
            path=f"/datasets/{quote(self.wire.pid, safe='')}/-/download",
            params=(("file", self.name),),
            size=self.size,
            sha256=self.sha256,
        )

    def download(
        self, path: str | Path = ".", *, overwrite: bool = False, progress: bool | None = None
    ) -> Path:
        """Bring it here, checked; return where it is.

        While it is incomplete it ends in ``.part``; the same call goes on with it.

        Parameters
        ----------
        path : path
            A name for it, or a folder that is there.
        overwrite : bool
            Whether to replace another file.
        progress : bool, optional
            A bar of progress; else where somebody looks.

        Raises
        ------
        Conflict
            If another file is there.
        Upstream
            If what came has not the checksum that it should.
        """
        options = Options(overwrite=overwrite, show=progress)
        return fetch_one(self.wire.http, self.wanted, Path(path), options)

    @override
    def __repr__(self) -> str:
        return f"<File {self.name} of {self.wire.pid}>"

    @override
    def _repr_html_(self) -> str:
        rows = [
            ("size", cards.bytes_of(self.size)),
            ("format", self.format),
            ("SHA-256", self.sha256),
        ]
        try:
            inside = cards.content(self._members)
        except PanoscError:
            # no HDF5, on tape, or not for the caller
            inside = ""
        return cards.card(self.name, cards.facts(rows) + inside)
