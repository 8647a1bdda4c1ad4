"""What those who run a node are told of its search index: a word, and numbers."""

from collections.abc import Iterator

from panosc.search.index.folder import Folder
from panosc.search.index.keeping.standing import Standing, Telling


def word(folder: Folder) -> str:
    """Return ``ok`` where the index answers, ``none`` where the database does alone.

    ``failing``: it answers, but cannot be brought up to date.
    """
    if folder.reader() is None:
        return "none"
    return "ok" if Telling(folder).read().error is None else "failing"


def lines(found: Standing) -> Iterator[str]:
    """Give the numbers of the index as OpenMetrics text."""
    for name, value, what in (
        ("usable", float(found.usable), "Whether it answers searches: 1, or 0."),
        ("failing", float(found.error is not None), "Whether its writer is in trouble."),
        ("lag_changes", float(found.behind), "Changes that it has not taken up."),
        ("lag_seconds", found.behind_s, "How long the oldest of them has waited."),
        ("bytes", float(found.size_bytes), "What it takes on the disk."),
        ("records", float(sum(found.documents.values())), "Records that it finds."),
    ):
        yield f"# TYPE panosc_index_{name} gauge"
        yield f"# HELP panosc_index_{name} {what}"
        yield f"panosc_index_{name} {value:.17g}"
