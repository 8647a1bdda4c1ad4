"""A tree of data files that is followed: what it holds is ingested, each time that it is due.

Its records are this node's own, for the files are there to be read. It has nothing to be mapped;
what is done with it is `harvesting.trees`.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from panosc.domain.errors import Upstream
from panosc.federation.contract import (
    Ability,
    Batch,
    Connector,
    Cursor,
    Mapped,
    Options,
    Probed,
    Raw,
    Support,
    Tried,
)

LOOKED_AT = 10_000
"""Entries that a probe counts."""


class TreeOptions(Options):
    """What an administrator may say of a tree."""

    profile: str | None = None
    """The site profile: how files become datasets."""


class TreeConnector(Connector):
    """Stands for a tree among the other catalogues."""

    kind: ClassVar[str] = "tree"
    title: ClassVar[str] = "A tree of files"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"changes"})
    tried: ClassVar[tuple[Tried, ...]] = (
        Tried(what="trees of NeXus and openPMD files on disk", how="live"),
    )
    Options: ClassVar[type[Options]] = TreeOptions

    @override
    async def probe(self) -> Probed:
        root, count = self.root, 0
        try:
            for _, _, files in os.walk(root, onerror=_raise):
                count += len(files)
                if count >= LOOKED_AT:
                    break
        except OSError as error:
            detail = f"{self.source.name} was not used: {root} cannot be listed: {error.strerror}."
            raise Upstream(detail, provider=self.source.name) from None
        many = f"{count} files" if count < LOOKED_AT else f"{LOOKED_AT} files or more"
        return Probed(
            title=self.source.title,
            features={"files": Support(state="yes", evidence=f"{root} holds {many}.")},
        )

    @property
    def root(self) -> Path:
        """Where it is.

        Raises
        ------
        Upstream
        """
        parts = urlsplit(self.source.url)
        if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
            detail = f"{self.source.name} was not used: {self.source.url} is no folder."
            raise Upstream(detail, provider=self.source.name)
        return Path(unquote(parts.path))

    @override
    def map(self, raw: Raw) -> Mapped:
        return Mapped(warnings=["A tree has no records of its own: its files are ingested."])

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """Yield nothing: its files are read by an ingest."""
        nothing: tuple[Batch, ...] = ()
        for batch in nothing:
            yield batch


def _raise(error: OSError) -> None:
    raise error
