"""From the text of a document to the document, or to all that is wrong with it."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from typing_extensions import override

from panosc.domain.errors import Invalid
from panosc.policy.document import Document, contradictions
from panosc.policy.written.lines import LARGEST, Lines, NotReadable, read

_WHAT = {
    "string_type": "has to be text; put it in quotes",
    "string_unicode": "holds characters that are none",
    "int_type": "has to be a whole number",
    "bool_type": "has to be true or false",
    "bool_parsing": "has to be true or false",
    "tuple_type": "has to be a list, such as [pi]",
    "dict_type": "has to be a list of names with values",
    "model_type": "has to be a list of names with values",
    "model_attributes_type": "has to be a list of names with values",
    "date_type": "has to be a day such as 2026-01-31",
    "date_parsing": "has to be a day such as 2026-01-31",
    "date_from_datetime_parsing": "has to be a day such as 2026-01-31",
    "date_from_datetime_inexact": "has to be a day without a time, such as 2026-01-31",
    "date_from_datetime_out_of_range": "has to be a day such as 2026-01-31",
    "missing": "is missing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, and where."""

    file: str
    line: int
    path: str
    message: str

    @override
    def __str__(self) -> str:
        place = f" {self.path}" if self.path else ""
        return f"{self.file}, line {self.line}:{place} {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a text amounts to: a document, or faults."""

    document: Document | None
    faults: tuple[Fault, ...]
    text: bytes = b""


def check(text: bytes, *, file: str) -> Checked:
    """Return the document in `text`, or everything that is wrong with it."""
    try:
        lines = read(text)
    except NotReadable as error:
        return Checked(document=None, faults=(_fault(file, error.line, (), error.reason),))
    try:
        document = Document.model_validate(lines.value)
    except ValidationError as error:
        faults = _told(error, lines, file)
        return Checked(document=None, faults=faults)
    found = tuple(
        _fault(file, lines.line(path), path, message) for path, message in contradictions(document)
    )
    return Checked(document=None if found else document, faults=found, text=text)


def check_file(path: Path) -> Checked:
    """Do the same for a file; one that cannot be read is a fault like another."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        reason = f"cannot be opened: {error.strerror}"
        return Checked(document=None, faults=(_fault(str(path), 1, (), reason),))
    return check(text, file=str(path))


def document_of(path: Path) -> Document:
    """Return the document in a file.

    Raises
    ------
    Invalid
        With every fault, if it is none.
    """
    checked = check_file(path)
    if checked.document is None:
        raise refused(checked.faults)
    return checked.document


def refused(faults: tuple[Fault, ...]) -> Invalid:
    """Return the error that names all `faults`."""
    return Invalid(
        "; ".join(str(fault) for fault in faults) + ".",
        hint="`panosc policy check FILE` says so before a node is started with it.",
    )


def _fault(file: str, line: int, path: tuple[str | int, ...], message: str) -> Fault:
    return Fault(file=file, line=line, path=".".join(str(part) for part in path), message=message)


def _told(error: ValidationError, lines: Lines, file: str) -> tuple[Fault, ...]:
    found: dict[tuple[str | int, ...], Fault] = {}
    for item in error.errors(include_url=False):
        path = _path(item["loc"], lines.value)
        fault = _fault(file, lines.line(path), path, _message(item, path))
        # of the branches of a choice the first tells enough
        found.setdefault(path, fault)
    return tuple(sorted(found.values(), key=lambda fault: (fault.line, fault.path)))


def _path(loc: tuple[str | int, ...], value: Any) -> tuple[str | int, ...]:
    """Return the part of a place that is in the text: the rest names branches of a choice."""
    path: list[str | int] = []
    for part in loc:
        if isinstance(value, dict) and isinstance(part, str):
            is_branch = part not in value and (part == "[key]" or not part.isidentifier())
            if is_branch:
                break
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part] if part < len(value) else None
        else:
            break
        path.append(part)
    return tuple(path)


def _message(item: Any, path: tuple[str | int, ...]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(path)
    if path[-1:] == ("retention_years",):
        return f"is {_shown(item['input'])}; allowed is a whole number of years, or forever"
    if kind == "literal_error":
        return f"is {_shown(item['input'])}; allowed is {context['expected']}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return f"is {_shown(item['input'])}; allowed is what fits {context['pattern']}"
    return _WHAT.get(kind) or item["msg"][:1].lower() + item["msg"][1:]


def _unknown(path: tuple[str | int, ...]) -> str:
    model: Any = Document
    for part in path[:-1]:
        found = model.model_fields.get(part) if _is_model(model) else None
        model = found.annotation if found is not None else None
    allowed = list(model.model_fields) if _is_model(model) else []
    close = difflib.get_close_matches(str(path[-1]), allowed, n=1)
    meant = f"; did you mean {close[0]}" if close else ""
    return (
        f"is not known here{meant}; allowed are {', '.join(allowed)}" if allowed else "is unknown"
    )


def _is_model(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)


def _shown(value: Any) -> str:
    return f"“{str(value)[:60]}”"
