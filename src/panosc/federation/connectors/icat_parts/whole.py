"""Reading records of ICAT whole, many in one question, with their files where they are wanted."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from panosc.federation.connectors.icat_parts.entities import DATASET, ENTITIES, includes
from panosc.federation.connectors.icat_parts.jpql import Select, among
from panosc.federation.connectors.icat_parts.rest import PAGE, Icat
from panosc.federation.contract import Raw
from panosc.federation.values import Object, integer, mapping, moment

_MANY = 100
"""Records with all that belongs to them, in one answer."""
_OF_WHO_ASKS = ("createId", "modId")


class Whole:
    """Reads one ICAT.

    Parameters
    ----------
    icat : Icat
        Whom to ask.
    files : int
        Most files of each dataset; 0: none.
    """

    def __init__(self, icat: Icat, files: int) -> None:
        self._icat = icat
        self._files = files

    async def raws(self, kind: str, ids: Iterable[int]) -> list[Raw]:
        """Return records by their ids; what is not seen any more is left out.

        Raises
        ------
        Failed
        """
        found: list[Raw] = []
        wanted = sorted(ids)
        many = min(_MANY, self._icat.most)
        for start in range(0, len(wanted), many):
            records = await self.records(kind, wanted[start : start + many])
            found += [raw_of(kind, record) for record in records]
        return found

    async def records(self, kind: str, ids: Sequence[int]) -> list[dict[str, Any]]:
        """Return records by their ids, each once, as ICAT answers them.

        Raises
        ------
        Failed
        """
        if not ids:
            return []
        select = Select(
            entity=ENTITIES[kind],
            alias="e",
            where=[among("e.id", ids)],
            includes=includes(kind, await self._icat.version()),
        )
        records = [dict(item) for item in await self._icat.entities(select, order="e.id")]
        if kind == DATASET and self._files:
            await self._add_files(records)
        return records

    async def _add_files(self, records: list[dict[str, Any]]) -> None:
        """Ask for the files of many datasets at once, as long as the answer holds them all."""
        group: list[dict[str, Any]] = []
        size = 0
        for record in records:
            files = integer(record.get("fileCount"))
            if files == 0:
                continue
            if files is None or files > self._files:
                record["datafiles"] = await self._some_files([record], self._files)
                continue
            if size + files > self._icat.most // 2:
                await self._share(group)
                group, size = [], 0
            group.append(record)
            size += files
        await self._share(group)

    async def _share(self, records: list[dict[str, Any]]) -> None:
        if not records:
            return
        by_id: dict[int | None, list[Object]] = {}
        for file in await self._some_files(records, self._icat.most):
            by_id.setdefault(integer(mapping(file.get("dataset")).get("id")), []).append(file)
        for record in records:
            record["datafiles"] = [
                {key: item for key, item in file.items() if key != "dataset"}
                for file in by_id.get(integer(record["id"]), [])[: self._files]
            ]

    async def _some_files(self, records: list[dict[str, Any]], most: int) -> list[Object]:
        select = Select(
            entity="Datafile",
            alias="f",
            where=[among("f.dataset.id", [integer(record["id"]) or 0 for record in records])],
            includes=("dataset",) if len(records) > 1 else (),
        )
        found = await self._icat.entities(select, order="f.id", count=min(most, self._icat.most))
        if len(records) > 1:
            return found
        number = integer(records[0]["id"])
        return [{**file, "dataset": {"id": number}} for file in found]

    async def below(self, path: str, ids: Sequence[int]) -> AsyncIterator[list[int]]:
        """Yield the ids of the datasets that belong to some investigations or samples.

        Raises
        ------
        Failed
        """
        select = Select(entity="Dataset", alias="e", where=[among(f"e.{path}.id", ids)])
        async for page in self._icat.ids(select, size=PAGE):
            yield [number for number, _ in page]


def raw_of(kind: str, record: Object) -> Raw:
    """Return the raw record, without what tells of accounts there."""
    content = {key: item for key, item in record.items() if key not in _OF_WHO_ASKS}
    return Raw(
        kind=kind,
        external_id=str(integer(record.get("id"))),
        content=content,
        changed=moment(record.get("modTime")),
    )
