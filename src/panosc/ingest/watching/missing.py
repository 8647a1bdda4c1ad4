"""What the catalogue has below a root and is not there: files that went while nobody watched."""

import os
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from panosc.ingest import store
from panosc.ingest.walking import Walk, path_of, url_of
from panosc.ingest.watching.folder import Folder
from panosc.ingest.watching.tree import Tree


def missing(connection: sa.Connection, tree: Tree) -> Iterator[str]:
    """Yield the URLs of files that are certainly gone from below a root that has been walked.

    Nothing is concluded from a folder right below the root that is empty or is not there: it may
    not be mounted. Nor from one that could not be listed.
    """
    if tree.troubles:
        return
    folder_path, names = "", frozenset[bytes]()
    for row in store.below(connection, url_of(tree.root)):
        path = path_of(row.url)
        parent, name = os.path.split(path)
        if parent != folder_path:
            folder_path, names = parent, _names(tree.folder_at(parent))
        if os.fsencode(name) not in names and _can_be_told(tree, path) and Walk.is_gone(path):
            yield row.url


def _names(folder: Folder | None) -> frozenset[bytes]:
    return frozenset() if folder is None else frozenset(folder.files())


def _can_be_told(tree: Tree, path: str) -> bool:
    inside = Path(path).relative_to(tree.root)
    top = tree.folder_at(str(Path(tree.root) / inside.parts[0] if inside.parts[1:] else tree.root))
    return top is not None and not top.is_empty
