"""What is typed to edit records becomes a selection and operations. It decides nothing else."""

import re
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, Field

from panosc.domain.errors import Invalid
from panosc.ingest.runs.editing.operations import (
    FIELDS,
    Edit,
    Editable,
    Operation,
    People,
    RemoveParameter,
    RenameParameter,
    ReplaceText,
    Selection,
    SetField,
    SetParameter,
    SetSample,
    Technique,
)

MODELS: dict[Editable, tuple[str, str]] = {
    "Dataset": ("dataset", "datasets"),
    "Document": ("document", "documents"),
    "Instrument": ("instrument", "instruments"),
    "Sample": ("sample", "samples"),
}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_PAGE = re.compile(r"https?://[^/\s]+(?:/[^/\s]+)*?/(?:datasets|documents|instruments)/(.+)")
_LONG, _SHORT = 20_000, 2000


class OperationForm(BaseModel):
    """Operations beside setting a field: each part that is left empty does nothing."""

    technique_act: str = Field(default="", max_length=20)
    technique: str = Field(default="", max_length=_SHORT)
    sample_act: str = Field(default="", max_length=20)
    sample: str = Field(default="", max_length=_SHORT)
    parameter_act: str = Field(default="", max_length=20)
    parameter: str = Field(default="", max_length=_SHORT)
    parameter_value: str = Field(default="", max_length=_LONG)
    parameter_unit: str = Field(default="", max_length=_SHORT)
    parameter_to: str = Field(default="", max_length=_SHORT)
    people_act: str = Field(default="", max_length=20)
    person: str = Field(default="", max_length=_SHORT)
    person_to: str = Field(default="", max_length=_SHORT)
    role: str = Field(default="", max_length=_SHORT)

    def others(self) -> Iterator[Operation]:
        """Yield the operations that are filled in.

        Raises
        ------
        Invalid
            If half of one is.
        """
        if self.technique.strip():
            act: Literal["add", "remove"] = "remove" if self.technique_act == "remove" else "add"
            yield Technique(act=act, technique=self.technique.strip())
        if self.sample_act == "clear":
            yield SetSample(sample=None)
        elif self.sample.strip():
            yield SetSample(sample=self.sample.strip())
        yield from self._parameter()
        yield from self._people()

    def _parameter(self) -> Iterator[Operation]:
        name = self.parameter.strip()
        if not name:
            if any((self.parameter_value, self.parameter_unit, self.parameter_to)):
                raise Invalid("Which parameter?", field="parameter", hint="Give its name.")
            return
        if self.parameter_act == "remove":
            yield RemoveParameter(name=name)
        elif self.parameter_act == "rename":
            if not self.parameter_to.strip():
                raise Invalid("The new name of the parameter is missing.", field="parameter_to")
            yield RenameParameter(name=name, to=self.parameter_to.strip())
        else:
            value, unit = self.parameter_value.strip(), self.parameter_unit.strip()
            if not value and not unit:
                raise Invalid("A parameter needs a value or a unit.", field="parameter_value")
            yield SetParameter(name=name, value=quantity(value), unit=unit or None)

    def _people(self) -> Iterator[Operation]:
        person, other = self.person.strip(), self.person_to.strip()
        if not person:
            if other or self.role.strip():
                raise Invalid("Who?", field="person", hint="Give an ORCID, a key or a full name.")
            return
        act: Any = self.people_act if self.people_act in {"remove", "replace"} else "add"
        if act == "replace" and not other:
            raise Invalid("Say by whom.", field="person_to", hint="Or choose another act.")
        yield People(act=act, person=person, to=other or None, role=self.role.strip() or None)


class EditForm(OperationForm):
    """What is typed to edit many records."""

    where: str = Field(default="", max_length=_LONG)
    pids: str = Field(default="", max_length=800_000)
    model: str = Field(default="Dataset", max_length=40)
    field: str = Field(default="", max_length=100)
    value: str = Field(default="", max_length=_LONG)
    empty: str = Field(default="", max_length=10)
    replace_in: str = Field(default="", max_length=100)
    old: str = Field(default="", max_length=_LONG)
    new: str = Field(default="", max_length=_LONG)
    reason: str = Field(default="", max_length=5000)
    token: str = Field(default="", max_length=200)

    def selection(self) -> Selection:
        """Return which records are meant.

        Raises
        ------
        Invalid
            If none are, or a class that cannot be edited.
        """
        model = next((name for name in MODELS if name == self.model), None)
        if model is None:
            raise Invalid("Say what kind of records.", field="model", hint="Choose one of them.")
        pids = tuple(
            dict.fromkeys(map(pid_in, filter(None, map(str.strip, self.pids.split("\n")))))
        )
        where = query_in(self.where)
        if pids and where:
            raise Invalid(
                "Both a search and identifiers were given.",
                field="where",
                hint="Empty one of the two.",
            )
        if not pids and not where:
            raise Invalid(
                "Which records?",
                field="where",
                hint="Paste the address of a search page, or identifiers, one on a line.",
            )
        return Selection(pids=pids, where=where, model=model)

    def edit(self) -> Edit:
        """Return what is to be done.

        Raises
        ------
        Invalid
            If nothing is, or half of something.
        """
        operations = [*self._fields(), *self.others()]
        if not operations:
            raise Invalid(
                "Nothing is to be done.", field="field", hint="Fill in what is to change."
            )
        return Edit(operations=tuple(operations))

    def _fields(self) -> Iterator[Operation]:
        if self.field:
            if self.empty:
                yield SetField(field=self.field, value=None)
            elif not self.value.strip():
                raise Invalid(
                    f"What is {self.field} to be?",
                    field="value",
                    hint="Give a value, or tick the box to have none.",
                )
            else:
                yield SetField(field=self.field, value=lines(self.value))
        elif self.value.strip() or self.empty:
            raise Invalid("Which field is to be set?", field="field")
        if self.old:
            if not self.replace_in:
                raise Invalid("In which field is the text to be replaced?", field="replace_in")
            yield ReplaceText(field=self.replace_in, old=lines(self.old), new=lines(self.new))
        elif self.new:
            raise Invalid("Which text is to be replaced?", field="old")


def lines(text: str) -> str:
    """Return typed text with its lines ended as the catalogue does; browsers send CR LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def quantity(text: str) -> float | str | None:
    """Return a typed value as a number if it is one; None for nothing.

    Examples
    --------
    >>> quantity("1.5e3"), quantity("warm"), quantity(""), quantity("1e999")
    (1500.0, 'warm', None, '1e999')
    """
    if not _NUMBER.fullmatch(text):
        return text or None
    found = float(text)
    return text if found in {float("inf"), float("-inf")} else found


def pid_in(text: str) -> str:
    """Return the identifier in a line, which may be the address of its page.

    Examples
    --------
    >>> pid_in("https://node.example/datasets/10.5072/a%20b"), pid_in("10.5072/x")
    ('10.5072/a b', '10.5072/x')
    """
    found = _PAGE.fullmatch(text)
    return unquote(found[1].partition("/-/")[0].partition("?")[0]) if found else text


def query_in(text: str) -> str:
    """Return the question in the address of a search page; other text as it is.

    Examples
    --------
    >>> query_in("https://node.example/search?facility=ESS&kind=raw"), query_in("?q=x")
    ('facility=ESS&kind=raw', 'q=x')
    """
    text = text.strip()
    if text.startswith("{"):
        return text
    if text.startswith(("http://", "https://", "/")):
        try:
            return urlsplit(text).query
        except ValueError:
            return text
    return text.removeprefix("?")


CHOICES = {name: FIELDS[name] for name in MODELS}
"""Class → the fields that can be set."""
ANCHORS = {
    "operations": "field",
    "selection": "where",
    "name": "parameter",
    "unit": "parameter_unit",
    "to": "parameter_to",
    "q": "where",
    **dict.fromkeys(("title", "kind", "instrument", "description", "license"), "value"),
}
"""What an error speaks of → the name of the input on the page."""
