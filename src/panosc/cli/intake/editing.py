"""`panosc edit` and `panosc history`: correcting records, and what was done to them."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Annotated

import typer

from panosc.cli import terminal
from panosc.cli.intake.runs import opened, told
from panosc.cli.options import AsJson, Home
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Invalid
from panosc.ingest.runs.editing.operations import (
    FIELDS,
    Edit,
    Editable,
    Operation,
    People,
    Preview,
    RemoveParameter,
    RenameParameter,
    ReplaceText,
    Selection,
    SetField,
    SetParameter,
    SetSample,
    Technique,
)

Texts = list[str]


def edit(  # noqa: PLR0913, PLR0917 - the options of a command
    pids: Annotated[Texts | None, typer.Argument(help="Records.", metavar="[PID]…")] = None,
    where: Annotated[
        str, typer.Option(help="Datasets that a search finds: facility=ESS&kind=raw")
    ] = "",
    model: Annotated[str, typer.Option(help="Dataset, Document, Instrument, Sample.")] = "Dataset",
    set_: Annotated[
        Texts | None, typer.Option("--set", help="A field and its value: title=…; empty for none.")
    ] = None,
    replace: Annotated[
        Texts | None, typer.Option(help="A text in the place of another: title=OLD=>NEW")
    ] = None,
    parameter: Annotated[
        Texts | None, typer.Option(help="A parameter: wavelength=1.2 angstrom")
    ] = None,
    unit: Annotated[Texts | None, typer.Option(help="Only the unit: wavelength=angstrom")] = None,
    rename_parameter: Annotated[Texts | None, typer.Option(help="Another name: OLD=NEW")] = None,
    remove_parameter: Annotated[Texts | None, typer.Option(help="Its name.")] = None,
    add_person: Annotated[Texts | None, typer.Option(help="Full name, key or ORCID.")] = None,
    remove_person: Annotated[Texts | None, typer.Option(help="Full name, key or ORCID.")] = None,
    replace_person: Annotated[Texts | None, typer.Option(help="One for another: OLD=NEW")] = None,
    add_technique: Annotated[Texts | None, typer.Option(help="Such as PaNET01188.")] = None,
    remove_technique: Annotated[Texts | None, typer.Option(help="Such as PaNET01188.")] = None,
    sample: Annotated[str | None, typer.Option(help="PID of the sample; empty for none.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it stays in the history.")] = "",
    undo: Annotated[int | None, typer.Option(help="Take back this run instead.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Correct records: shows what would change, asks, and does it as a run.

    Without --reason it only shows what would change.
    """
    if undo is not None:
        with opened(home) as runs:
            told(runs, runs.undo(OPERATOR, undo, reason=reason), as_json=as_json)
        return
    given: list[tuple[Texts | None, Callable[[str], Operation]]] = [
        (set_, _set_field),
        (replace, _replace_text),
        (rename_parameter, _rename),
        (parameter, _parameter),
        (unit, _unit),
        (remove_parameter, lambda name: RemoveParameter(name=name)),
        (add_person, lambda name: People(act="add", person=name)),
        (remove_person, lambda name: People(act="remove", person=name)),
        (replace_person, _replace_person),
        (add_technique, lambda name: Technique(act="add", technique=name)),
        (remove_technique, lambda name: Technique(act="remove", technique=name)),
        (None if sample is None else [sample], lambda pid: SetSample(sample=pid or None)),
    ]
    done = Edit(operations=tuple(_all(given)))
    selection = Selection(pids=tuple(pids or ()), where=where, model=_model(model))
    with opened(home) as runs:
        shown = runs.preview(OPERATOR, selection, done)
        if not as_json or not reason:
            _show(shown, as_json=as_json)
        if not reason or not shown.changed:
            return
        if not yes and not as_json:
            typer.confirm(f"Change {shown.changed:,} records?", abort=True, err=True)
        number = runs.apply(OPERATOR, selection, done, reason=reason, token=shown.token)
        told(runs, number, as_json=as_json)


def history(
    pid: Annotated[str, typer.Argument(help="The record.", metavar="PID")],
    model: Annotated[str, typer.Option(help="Its class.")] = "Dataset",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Print what was done to a record, by whom and why, the newest first."""
    with opened(home) as runs:
        found = runs.history(OPERATOR, model, pid)
    if as_json:
        terminal.show_json([asdict(item) for item in found])
        return
    rows = [
        [
            item.at.isoformat(" ", "seconds").removesuffix("+00:00"),
            f"{item.run}{' (undone)' if item.is_undone else ''}",
            item.kind,
            item.who,
            item.reason,
            item.act,
            change.field if change else None,
            change.old if change else None,
            change.new if change else None,
        ]
        for item in found
        for change in (item.changes or (None,))
    ]
    columns = ["when", "run", "kind", "who", "reason", "what", "field", "old", "new"]
    terminal.show_rows(columns, rows)


def _all(given: Iterable[tuple[Texts | None, Callable[[str], Operation]]]) -> Iterable[Operation]:
    for texts, make in given:
        for text in texts or ():
            yield make(text)


def _model(name: str) -> Editable:
    for known in ("Dataset", "Document", "Instrument", "Sample"):
        if known == name:
            return known
    raise Invalid(f"{name!r} cannot be edited.", field="model", hint=f"Use {', '.join(FIELDS)}.")


def _two(text: str, option: str, sign: str = "=") -> tuple[str, str]:
    first, found, second = text.partition(sign)
    if not found:
        raise Invalid(
            f"--{option} {text!r} has no {sign!r}.",
            field=option,
            hint="`panosc edit --help` shows how it is written.",
        )
    return first.strip(), second.strip()


def _set_field(text: str) -> Operation:
    name, value = _two(text, "set")
    return SetField(field=name, value=value or None)


def _replace_text(text: str) -> Operation:
    name, _, rest = text.partition("=")
    old, found, new = rest.partition("=>")
    if not found:
        _two("", "replace", "=>")
    return ReplaceText(field=name.strip(), old=old, new=new)


def _rename(text: str) -> Operation:
    name, to = _two(text, "rename-parameter")
    return RenameParameter(name=name, to=to)


def _parameter(text: str) -> Operation:
    name, value = _two(text, "parameter")
    number, _, unit = value.partition(" ")
    try:
        return SetParameter(name=name, value=float(number), unit=unit.strip() or None)
    except ValueError:
        return SetParameter(name=name, value=value)


def _unit(text: str) -> Operation:
    name, unit = _two(text, "unit")
    return SetParameter(name=name, unit=unit)


def _replace_person(text: str) -> Operation:
    person, to = _two(text, "replace-person")
    return People(act="replace", person=person, to=to)


def _show(shown: Preview, *, as_json: bool) -> None:
    if as_json:
        terminal.show_json(asdict(shown))
        return
    rows = [
        [item.pid, change.field, change.old, change.new]
        for item in shown.examples
        for change in item.changes
    ]
    terminal.show_rows(["record", "field", "old", "new"], rows)
    terminal.say(f"{shown.changed:,} of {shown.total:,} records would change.")
    for problem in shown.problems:
        terminal.say(problem)
