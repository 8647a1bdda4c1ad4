"""Operations of an edit, done in sets on copies of records: see `restoring.Wanted`."""

from typing import Any

import sqlalchemy as sa

from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.units import category_of, scale_of
from panosc.ingest.runs.editing.checking import LONGEST, Meant, unit_of
from panosc.ingest.runs.editing.operations import (
    Operation,
    People,
    RemoveParameter,
    RenameParameter,
    ReplaceText,
    SetField,
    SetParameter,
    SetSample,
    Technique,
)

_PARTS: dict[type, str] = {
    Technique: "techniques",
    SetSample: "samples",
    SetParameter: "parameters",
    RenameParameter: "parameters",
    RemoveParameter: "parameters",
    People: "members",
}
_FINITE = "value_number not in ('NaN', 'Infinity', '-Infinity')"


def parts_of(operations: tuple[Operation, ...]) -> set[str]:
    """Return the parts that operations work on, as they are called in an image."""
    return {_PARTS[type(item)] for item in operations if type(item) in _PARTS}


class Working:
    """Does operations on the copies of one class of records."""

    def __init__(self, connection: sa.Connection, model: str, meant: Meant) -> None:
        self._connection = connection
        self._model = MODEL_BY_NAME[model]
        self._meant = meant
        self.problems: list[str] = []

    def do(self, operation: Operation) -> None:
        """Do one operation.

        Raises
        ------
        Invalid
            If it names something that is not there.
        """
        doing: dict[type, Any] = {
            SetField: self._set_field,
            ReplaceText: self._replace_text,
            Technique: self._technique,
            SetSample: self._set_sample,
            SetParameter: self._set_parameter,
            RenameParameter: self._rename_parameter,
            RemoveParameter: self._remove_parameter,
            People: self._people,
        }
        doing[type(operation)](operation)

    def _column(self, field: str) -> str:
        return self._model.property_by_name[field].column

    def _set_field(self, given: SetField) -> None:
        table = f"want_{self._model.table}"
        if given.field == "instrument":
            key = None if not given.value else self._meant.record("Instrument", given.value)
            self._run(f"update {table} set instrument_id = :key", key=key)
        else:
            column = self._column(given.field)
            self._run(f"update {table} set {column} = :value", value=given.value or None)

    def _replace_text(self, given: ReplaceText) -> None:
        column = self._column(given.field)
        table = f"want_{self._model.table}"
        # counted before it is done: fifty of them, one on the other, would fill any memory
        times = f"(length({column}) - length(replace({column}, :old, ''))) / length(:old)"
        length = f"length({column}) + ({times})::bigint * (length(:new) - length(:old))"
        words = {"old": given.old, "new": given.new, "most": LONGEST}
        long = f"select count(*) from {table} where strpos({column}, :old) > 0 and {length} > :most"
        self._say(
            self._connection.execute(sa.text(long), words).scalar_one(),
            f"would have a {given.field} of more than {LONGEST:,} letters, and stay as they are",
        )
        self._run(
            f"update {table} set {column} = replace({column}, :old, :new)"
            f" where strpos({column}, :old) > 0 and {length} <= :most",
            **words,
        )
        if column in {"title", "name"}:
            empty = self._run(
                f"update want_{self._model.table} w set {column} = t.{column}"
                f" from {self._model.table} t where t.id = w.id and trim(w.{column}) = ''"
            )
            self._say(empty, f"would have no {given.field} left, and keep the one they have")

    def _technique(self, given: Technique) -> None:
        key = self._meant.technique(given.technique)
        if given.act == "remove":
            self._run("delete from want_dataset_technique where technique_id = :key", key=key)
            return
        self._run(
            "insert into want_dataset_technique (dataset_id, technique_id) select id, :key"
            " from want_dataset d where not exists (select from want_dataset_technique w"
            " where w.dataset_id = d.id and w.technique_id = :key)",
            key=key,
        )

    def _set_sample(self, given: SetSample) -> None:
        if given.sample is None:
            self._run("delete from want_dataset_sample")
            return
        key = self._meant.record("Sample", given.sample)
        self._run("delete from want_dataset_sample where sample_id <> :key", key=key)
        self._run(
            "insert into want_dataset_sample (dataset_id, sample_id) select id, :key"
            " from want_dataset d where not exists"
            " (select from want_dataset_sample w where w.dataset_id = d.id)",
            key=key,
        )

    def _set_parameter(self, given: SetParameter) -> None:
        unit, scale = unit_of(given.name, given.unit)
        factor, offset = (1.0, 0.0) if scale is None else (scale.factor, scale.offset)
        si_unit = None if scale is None else scale.si_unit
        if given.value is None:
            self._correct_unit(given.name, unit, (factor, offset, si_unit))
            return
        number = None if isinstance(given.value, str) else float(given.value)
        has_si = number is not None and scale is not None
        values: dict[str, Any] = {
            "value_number": number,
            "value_text": given.value if isinstance(given.value, str) else None,
            "unit": unit,
            "si_value": number * factor + offset if number is not None and has_si else None,
            "si_unit": si_unit if has_si else None,
        }
        # of several with this name one is left
        self._run(
            "delete from want_parameter p where name = :name and exists (select from"
            " want_parameter q where q.dataset_id = p.dataset_id and q.name = :name"
            " and q.ctid < p.ctid)",
            name=given.name,
        )
        kinds = {"value_number": "double precision", "si_value": "double precision"}
        cells = {name: f"cast(:{name} as {kinds.get(name, 'text')})" for name in values}
        assigned = ", ".join(f"{name} = {cell}" for name, cell in cells.items())
        differs = " or ".join(f"{name} is distinct from {cell}" for name, cell in cells.items())
        # where it stood in a file is no longer where it comes from
        self._run(
            f"update want_parameter set {assigned}, path = null where name = :name and ({differs})",
            name=given.name,
            **values,
        )
        self._run(
            f"insert into want_parameter (dataset_id, name, {', '.join(cells)})"
            f" select id, :name, {', '.join(cells.values())} from want_dataset d"
            " where not exists (select from want_parameter p"
            " where p.dataset_id = d.id and p.name = :name)",
            name=given.name,
            **values,
        )

    def _correct_unit(
        self, name: str, unit: str | None, scale: tuple[float, float, str | None]
    ) -> None:
        found = self._run(
            "update want_parameter set unit = :unit,"
            f" si_value = case when cast(:si_unit as text) is not null and {_FINITE}"
            " then value_number * cast(:factor as double precision)"
            " + cast(:offset as double precision) end,"
            f" si_unit = case when {_FINITE} then cast(:si_unit as text) end where name = :name",
            name=name,
            unit=unit,
            factor=scale[0],
            offset=scale[1],
            si_unit=scale[2],
        )
        if not found:
            self.problems.append(f"None of them has a parameter {name}: there is no unit to mend.")

    def _rename_parameter(self, given: RenameParameter) -> None:
        taken = (
            "exists (select from want_parameter q"
            " where q.dataset_id = p.dataset_id and q.name = :to)"
        )
        both = self._connection.execute(
            sa.text(
                "select count(distinct dataset_id) from want_parameter p"
                f" where name = :name and {taken}"
            ),
            {"name": given.name, "to": given.to},
        ).scalar_one()
        self._say(both, f"have a parameter {given.to} already; there nothing is renamed")
        self._run(
            f"update want_parameter p set name = :to where name = :name and not {taken}",
            name=given.name,
            to=given.to,
        )
        if category_of(given.name) != category_of(given.to):
            self._rescale(given.to)

    def _rescale(self, name: str) -> None:
        """Work out the SI values of a parameter anew: its name tells what its unit means."""
        units = self._connection.scalars(
            sa.text("select distinct unit from want_parameter where name = :name"), {"name": name}
        ).all()
        for unit in units:
            scale = None if unit is None else scale_of(unit, category=category_of(name))
            self._run(
                "update want_parameter set"
                f" si_value = case when cast(:si_unit as text) is not null and {_FINITE}"
                " then value_number * cast(:factor as double precision)"
                " + cast(:offset as double precision) end,"
                f" si_unit = case when {_FINITE} then cast(:si_unit as text) end"
                " where name = :name and unit is not distinct from :unit",
                name=name,
                unit=unit,
                factor=1.0 if scale is None else scale.factor,
                offset=0.0 if scale is None else scale.offset,
                si_unit=None if scale is None else scale.si_unit,
            )

    def _remove_parameter(self, given: RemoveParameter) -> None:
        self._run("delete from want_parameter where name = :name", name=given.name)

    def _people(self, given: People) -> None:
        key = self._meant.person(given.person, may_be_new=given.act == "add")
        if given.act == "remove":
            self._run(
                "delete from want_member where person_id = :key"
                " and (cast(:role as text) is null or role = :role)",
                key=key,
                role=given.role,
            )
        elif given.act == "add":
            self._run(
                "insert into want_member (dataset_id, person_id, role) select id, :key, :role"
                " from want_dataset d where not exists (select from want_member m"
                " where m.dataset_id = d.id and m.person_id = :key)",
                key=key,
                role=given.role or "creator",
            )
        else:
            other = self._meant.person(given.to or given.person, may_be_new=True)
            self._run(
                "update want_member m set person_id = :other,"
                " role = coalesce(cast(:role as text), role) where person_id = :key"
                " and not exists (select from want_member o"
                " where o.dataset_id = m.dataset_id and o.person_id = :other)",
                key=key,
                other=other,
                role=given.role,
            )
            if other != key:
                self._run("delete from want_member where person_id = :key", key=key)

    def _say(self, count: int, what: str) -> None:
        if count:
            self.problems.append(f"{count:,} of them {what}.")

    def _run(self, statement: str, **values: Any) -> int:
        return self._connection.execute(sa.text(statement), values).rowcount
