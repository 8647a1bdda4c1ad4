"""How runs, edits and changes are written on the pages of data managers. Pure functions."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from panosc.ingest.report import printable
from panosc.ingest.runs.entries import Changed, Run
from panosc.portal.words import plural

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_WORDS = 400
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
Piece = tuple[str, str]
"""What became of a piece of text - ``same``, ``del`` or ``ins`` - and the piece."""

KINDS = {
    "ingest": "Ingest",
    "watch": "Watching",
    "message": "Announcement",
    "edit": "Edit",
    "undo": "Undo",
}
STATES = {
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "stopped": "Stopped",
    "undone": "Undone",
}
COLOURS = {"running": "embargoed", "done": "open", "failed": "closed", "stopped": "embargoed"}
"""State → the class of a tag."""
_ASKED = {
    "roots": "Folders",
    "profile": "Profile",
    "access": "Access",
    "proposal": "Proposal",
    "rehash": "Checksums anew",
    "complete": "Taken as complete",
}


def span(seconds: float) -> str:
    """Return how long something took, as people say it.

    Examples
    --------
    >>> span(0.42), span(95), span(7300), span(200_000)
    ('0.4 s', '1 min 35 s', '2 h 1 min', '2 d 7 h')
    """
    whole = round(max(seconds, 0))
    if seconds < 10:  # noqa: PLR2004
        return f"{max(seconds, 0):.1f} s"
    for large, small, names in (
        (_DAY, _HOUR, ("d", "h")),
        (_HOUR, _MINUTE, ("h", "min")),
        (_MINUTE, 1, ("min", "s")),
    ):
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large} {names[0]}" + (f" {rest} {names[1]}" if rest else "")
    return f"{whole} s"


def number(value: Any) -> int:
    """Return a count of a report; what is none is 0, as reports differ by kind."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def summary(run: Run, now: datetime) -> dict[str, Any]:
    """Return a run as a line of a table shows it."""
    report = run.report
    listed = report.get("quarantined", ())
    return {
        "id": run.id,
        "kind": KINDS.get(run.kind, run.kind),
        "state": STATES.get(run.state, run.state),
        "colour": COLOURS.get(run.state, ""),
        "who": run.who,
        "started": run.started.isoformat(),
        "took": span(((run.ended or now) - run.started).total_seconds())
        if run.ended is not None or run.state == "running"
        else "",
        "is_running": run.state == "running",
        "files": number(report.get("files")),
        "new": number(report.get("new")),
        "versions": number(report.get("newVersions")),
        "quarantined": len(listed) if isinstance(listed, list) else 0,
        "did": did(run),
    }


def did(run: Run) -> str:
    """Return in a few words what a run that is no ingest did."""
    report = run.report
    if run.kind == "edit":
        return f"{plural(number(report.get('changed')), 'record')} changed"
    if run.kind == "undo":
        restored, deleted = (number(report.get(name)) for name in ("restored", "deleted"))
        return f"run {run.undoes}: {restored:,} restored, {deleted:,} gone"
    return ""


def asked(run: Run) -> Iterator[tuple[str, str]]:
    """Yield (what, value) of what a run was to do."""
    given = run.asked
    if run.kind == "edit":
        yield from _edited(given)
        return
    for name, label in _ASKED.items():
        value = given.get(name)
        if isinstance(value, list):
            value = ", ".join(map(str, value))
        if value:
            yield label, "yes" if value is True else str(value)
    known = {*_ASKED, "run", "state"}
    for name, value in given.items():
        if name not in known and value not in (None, "", [], {}):
            yield name.replace("_", " ").capitalize(), str(value)[:500]


def _edited(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    selection = given.get("selection") or {}
    pids = selection.get("pids") or []
    if selection.get("where"):
        yield "Chosen by", str(selection["where"])
    elif pids:
        more = number(selection.get("number")) - len(pids)
        shown = ", ".join(map(str, pids[:10]))
        left = more + len(pids[10:])
        yield "Chosen", shown + (f" and {left:,} more" if left > 0 else "")
    for operation in given.get("operations") or ():
        yield "Done", operation_words(operation)


def operation_words(given: Mapping[str, Any]) -> str:
    """Return one operation of an edit, as the journal keeps it, as a sentence."""
    item = {name: "" if value is None else str(value) for name, value in given.items()}
    name = item.get("op", "")
    value = f"{item.get('value', '')} {item.get('unit', '')}".strip()
    texts = {
        "SetField": f"Set {item.get('field')} to “{item.get('value')}”"
        if given.get("value") is not None
        else f"Empty {item.get('field')}",
        "ReplaceText": f"In {item.get('field')}: “{item.get('old')}” becomes “{item.get('new')}”",
        "Technique": f"{item.get('act', '').capitalize()} the technique {item.get('technique')}",
        "SetSample": f"Set the sample to {item.get('sample') or 'none'}",
        "SetParameter": f"Set the parameter {item.get('name')} to {value}",
        "RenameParameter": f"Rename the parameter {item.get('name')} to {item.get('to')}",
        "RemoveParameter": f"Remove the parameter {item.get('name')}",
        "People": f"{item.get('act', '').capitalize()} {item.get('person')}"
        + (f" by {item['to']}" if item.get("to") else "")
        + (f" as {item['role']}" if item.get("role") else ""),
    }
    return texts.get(name, name)


def changes(found: Iterable[Changed]) -> list[dict[str, Any]]:
    """Return fields before and after, with the words that differ."""
    return [
        {"field": item.field, "old": item.old, "new": item.new, "pieces": pieces(item)}
        for item in found
    ]


def pieces(changed: Changed) -> tuple[list[Piece], list[Piece]]:
    """Return the old and the new text, each in pieces that stayed and pieces that did not.

    Examples
    --------
    >>> old, new = pieces(Changed(field="title", old="Scan of ice", new="Scan of water"))
    >>> old
    [('same', 'Scan of '), ('del', 'ice')]
    >>> new
    [('same', 'Scan of '), ('ins', 'water')]
    """
    before, after = (
        [] if text is None else _WORD.findall(text) for text in (changed.old, changed.new)
    )
    if max(len(before), len(after)) > _MOST_WORDS:
        return _piece("del", before), _piece("ins", after)
    old: list[Piece] = []
    new: list[Piece] = []
    for tag, first, last, start, end in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        is_same = tag == "equal"
        old += _piece("same" if is_same else "del", before[first:last])
        new += _piece("same" if is_same else "ins", after[start:end])
    return old, new


def _piece(kind: str, words: list[str]) -> list[Piece]:
    return [(kind, "".join(words))] if words else []


def path_of(url: str) -> str:
    """Return the path of a file's URL as people write it; of other URLs all of it.

    Examples
    --------
    >>> path_of("file:///data/a%20b.h5")
    '/data/a b.h5'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return printable(url)
    return printable(unquote(parts.path) if parts.scheme == "file" else url)


def split_path(path: str) -> tuple[str, str]:
    """Return folder and name of a path.

    Examples
    --------
    >>> split_path("/data/x/a.h5")
    ('/data/x/', 'a.h5')
    """
    name = PurePosixPath(path).name
    return (path[: -len(name)], name) if name and path.endswith(name) else ("", path)
