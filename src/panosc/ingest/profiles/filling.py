"""What a rule sets of a dataset: its templates, filled with what its pattern found in a path."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from panosc.ingest.formats import Contributor, Quantity, Specimen
from panosc.ingest.profiles.model import RulePart, SetPart
from panosc.ingest.profiles.paths.templates import (
    Template,
    WrongTemplate,
    first_filled,
    number_or_text,
    template,
)
from panosc.ingest.told import Told

WORDS = (
    "title",
    "description",
    "proposal",
    "instrument",
    "facility",
    "probe",
    "start",
    "end",
    "definition",
)
SAMPLE = ("name", "description", "formula", "identifier")
OF_LIST = "proposal_title"
"""The placeholder for the title that the list of proposals gives."""

Fault = tuple[tuple[str | int, ...], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """The templates of a rule, ready to be filled."""

    rule: str
    kind: str | None
    words: Mapping[str, tuple[Template, ...]]
    techniques: tuple[Template, ...] = ()
    people: tuple[Template, ...] = ()
    sample: Mapping[str, Template]
    parameters: tuple[tuple[str, Template, str | None], ...] = ()

    def proposal(self, values: Mapping[str, str]) -> str | None:
        """Return the proposal alone, which the list of proposals is asked for."""
        return first_filled(self.words.get("proposal", ()), values)

    def told(self, values: Mapping[str, str]) -> Told:
        """Return what the values of the placeholders tell."""
        parts: dict[str, Any] = {
            name: first_filled(templates, values) for name, templates in self.words.items()
        }
        parts["kind"] = self.kind
        parts["techniques"] = tuple(_filled(self.techniques, values))
        parts["people"] = tuple(Contributor(name=name) for name in _filled(self.people, values))
        sample = {key: one.filled(values) for key, one in self.sample.items()}
        parts["samples"] = (Specimen(**sample),) if any(sample.values()) else ()
        parts["parameters"] = tuple(
            Quantity(name=name, value=number_or_text(text), unit=unit, path="")
            for name, one, unit in self.parameters
            if (text := one.filled(values)) is not None
        )
        said = f"rule {self.rule}, from the path"
        return Told(**parts, origins={key: said for key, value in parts.items() if value})


def filling(rule: RulePart, names: Collection[str]) -> Filling:
    """Return the templates of a rule whose faults have been looked for.

    Raises
    ------
    WrongTemplate
    """
    part = rule.set
    sample = {} if part.sample is None else part.sample.model_dump(exclude_none=True)
    return Filling(
        rule=rule.name,
        kind=rule.kind,
        words={
            name: tuple(template(text, names=names) for text in getattr(part, name))
            for name in WORDS
            if getattr(part, name)
        },
        techniques=tuple(template(text, names=names) for text in part.techniques),
        people=tuple(template(text, names=names) for text in part.people),
        sample={key: template(text, names=names) for key, text in sample.items()},
        parameters=tuple(
            (name, template(one.value, names=names), one.unit)
            for name, one in part.parameters.items()
        ),
    )


def faults_of(part: SetPart, names: Collection[str]) -> Iterator[Fault]:
    """Yield what is wrong with the templates of a rule, and where below ``set``."""
    for place, text in _texts(part):
        try:
            template(text, names=names)
        except WrongTemplate as error:
            yield place, str(error)


def _texts(part: SetPart) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for name in (*WORDS, "techniques", "people"):
        for index, text in enumerate(getattr(part, name) or ()):
            yield (name, index), text
    if part.sample is not None:
        for key, text in part.sample.model_dump(exclude_none=True).items():
            yield ("sample", key), text
    for name, one in part.parameters.items():
        yield ("parameters", name, "value"), one.value


def _filled(templates: Collection[Template], values: Mapping[str, str]) -> Iterator[str]:
    for one in templates:
        text = one.filled(values)
        if text is not None:
            yield text
