"""From the text of a document to the document, or to all that is wrong with it.

The documents are policies; `check_as` does the same for any other kind of document.
"""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

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
    "tuple_type": "has to be a list, such as [one, two]",
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

_LIMITS = {"too_short": ("least", "min_length"), "too_long": ("most", "max_length")}
Model = TypeVar("Model", bound=BaseModel)
Further = Callable[[Any], Iterable[tuple[tuple[str | int, ...], str]]]
"""What a document contradicts itself in: where, and what."""


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
class Checked(Generic[Model]):
    """What a text amounts to: a document, or faults."""

    document: Model | None
    faults: tuple[Fault, ...]
    text: bytes = b""


def check(text: bytes, *, file: str) -> Checked[Document]:
    """Return the document in `text`, or everything that is wrong with it."""
    return check_as(Document, text, file=file, further=contradictions)


def check_as(model: type[Model], text: bytes, *, file: str, further: Further) -> Checked[Model]:
    """Do the same for a document of another kind, and what it contradicts itself in."""
    try:
        lines = read(text)
    except NotReadable as error:
        return Checked(document=None, faults=(_fault(file, error.line, (), error.reason),))
    try:
        document = model.model_validate(lines.value)
    except ValidationError as error:
        faults = _told(error, lines, file, model)
        return Checked(document=None, faults=faults)
    found = [_fault(file, lines.line(path), path, message) for path, message in further(document)]
    found.sort(key=lambda fault: fault.line)
    return Checked(document=None if found else document, faults=tuple(found), text=text)


def check_file(path: Path) -> Checked[Document]:
    """Do the same for a file; one that cannot be read is a fault like another."""
    return check_file_as(Document, path, further=contradictions)


def check_file_as(model: type[Model], path: Path, *, further: Further) -> Checked[Model]:
    """Do the same for a file with a document of another kind."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        reason = f"cannot be opened: {error.strerror}"
        return Checked(document=None, faults=(_fault(str(path), 1, (), reason),))
    return check_as(model, text, file=str(path), further=further)


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


def refused(faults: tuple[Fault, ...], *, by: str = "panosc policy check FILE") -> Invalid:
    """Return the error that names all `faults`; `by` is the command that checks such a file."""
    return Invalid(
        "; ".join(str(fault) for fault in faults) + ".",
        hint=f"`{by}` says so before a node is started with it.",
    )


def _fault(file: str, line: int, path: tuple[str | int, ...], message: str) -> Fault:
    return Fault(file=file, line=line, path=".".join(str(part) for part in path), message=message)


def _told(
    error: ValidationError, lines: Lines, file: str, model: type[BaseModel]
) -> tuple[Fault, ...]:
    found: dict[tuple[str | int, ...], Fault] = {}
    for item in error.errors(include_url=False):
        path = _path(item["loc"], lines.value)
        fault = _fault(file, lines.line(path), path, _message(item, path, model))
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


def _message(item: Any, path: tuple[str | int, ...], model: type[BaseModel]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(path, model)
    if path[-1:] == ("retention_years",):
        return f"is {_shown(item['input'])}; allowed is a whole number of years, or forever"
    if kind == "literal_error":
        return f"is {_shown(item['input'])}; allowed is {context['expected']}"
    if kind in {"value_error", "string_pattern_mismatch"}:
        is_said = kind == "value_error"
        fits = f"is {_shown(item['input'])}; allowed is what fits {context.get('pattern')}"
        return str(context["error"]) if is_said else fits
    if kind in _LIMITS:
        word, number = _LIMITS[kind]
        return f"has to have at {word} {context[number]}, and has {context['actual_length']}"
    return _WHAT.get(kind) or item["msg"][:1].lower() + item["msg"][1:]


def _unknown(path: tuple[str | int, ...], model: Any) -> str:
    for part in path[:-1]:
        model = _inside(model, part)
    allowed = list(model.model_fields) if _is_model(model) else []
    close = difflib.get_close_matches(str(path[-1]), allowed, n=1)
    meant = f"; did you mean {close[0]}" if close else ""
    return (
        f"is not known here{meant}; allowed are {', '.join(allowed)}" if allowed else "is unknown"
    )


def _inside(kind: Any, part: str | int) -> Any:
    """Return what stands at `part` of a kind: at a key of a model, or anywhere in a list."""
    if _is_model(kind):
        field = kind.model_fields.get(part)
        return None if field is None else _plainly(field.annotation)
    return next((_plainly(one) for one in reversed(get_args(kind)) if one is not Ellipsis), None)


def _plainly(kind: Any) -> Any:
    """Return a kind without what may stand in its place, as the model of ``Model | None``."""
    if get_origin(kind) not in {Union, UnionType, Annotated}:
        return kind
    inner = [_plainly(one) for one in get_args(kind)]
    return next((one for one in inner if _is_model(one) or get_args(one)), None)


def _is_model(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)


def _shown(value: Any) -> str:
    return f"“{str(value)[:60]}”"
