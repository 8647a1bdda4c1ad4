"""Reading ICAT+'s records whole: what it tells in several answers is put together.

A dataset gets what ICAT+ says of its investigation (release date, DOI) and the units of its
parameters; an investigation its people. What belongs together then changes together.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Any

from panosc.federation.calling import BadStatus
from panosc.federation.connectors.icatplus_parts.asking import Plus
from panosc.federation.connectors.icatplus_parts.mapping import DATASET, FEED, INVESTIGATION
from panosc.federation.contract import Raw
from panosc.federation.naming import doi_of
from panosc.federation.values import MOST_PARTS, Object, integer, mapping, objects, short, text

_ABSENT = frozenset({400, 401, 403, 404})
_MOST_NESTED = 2_000
_DEEPEST = 4
_TAKEN = (
    "id",
    "name",
    "doi",
    "releaseDate",
    "title",
    "summary",
    "instrument",
    "investigationInstruments",
)
"""What a dataset's record gets of its investigation's."""


class Reading:
    """Reads one ICAT+."""

    def __init__(self, plus: Plus, *, filters: Sequence[str], files: int) -> None:
        self._plus = plus
        self._filters = filters
        self._files = files
        self._units: dict[str, str] | None = None

    def words(self) -> list[dict[str, str]]:
        """Return the parameters of each list of investigations that is asked for."""
        return [{} if word == "all" else {"filter": word} for word in self._filters]

    async def investigations(self, *, since: date | None) -> dict[int, Object]:
        """Return those that are asked for, by id; of several lists the first counts.

        Raises
        ------
        Failed
        """
        found: dict[int, Object] = {}
        for params in self.words():
            if since is not None:
                params["startDate"] = since.isoformat()
            path = "catalogue/{session}/investigation"
            async for page in self._plus.pages(path, params, in_path=True):
                for record in page:
                    found.setdefault(integer(record["id"]) or 0, _bare(record))
        return found

    async def whole(self, number: int, investigation: Object) -> AsyncIterator[Raw]:
        """Yield an investigation with its people, then its datasets.

        Raises
        ------
        Failed
        """
        content = dict(investigation)
        if not investigation.get("investigationUsers"):
            content["users"] = await self._users(number)
        doi = doi_of(investigation.get("doi"))
        if doi is not None and not (content.get("users") or content.get("investigationUsers")):
            content["datacite"] = await self._maybe(f"doi/{doi}/json-datacite")
        yield Raw(kind=INVESTIGATION, external_id=str(number), content=content)
        async for raw in self.datasets(number, investigation, files=self._files):
            yield raw

    async def datasets(
        self, number: int, investigation: Object, *, files: int
    ) -> AsyncIterator[Raw]:
        """Yield the datasets of an investigation, each once, those made of others as well.

        Raises
        ------
        Failed
        """
        params = {"investigationIds": str(number), "nested": "true"}
        seen: set[int] = set()
        async for page in self._plus.pages("catalogue/datasets", params, in_path=False):
            nested = [item for top in page for item in _nested(top, _DEEPEST)]
            # told beneath another it says what it was made of, so that telling counts
            for record in [*nested, *page]:
                theirs = integer(record.get("id"))
                if theirs is None or theirs in seen:
                    continue
                seen.add(theirs)
                content = self.completed(record, investigation, await self._known_units())
                if files:
                    content["datafiles"] = await self._datafiles(theirs, files)
                yield Raw(kind=DATASET, external_id=str(theirs), content=content)

    def completed(
        self, record: Object, investigation: Object, units: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return a dataset's record with what other answers tell of it."""
        said = {
            key: value for key, value in record.items() if key not in {"meta", "outputDatasets"}
        }
        above = {key: investigation[key] for key in _TAKEN if investigation.get(key) is not None}
        said["investigation"] = above | dict(mapping(record.get("investigation")))
        if isinstance(record.get("parameters"), list):
            said["parameters"] = [
                _with_unit(item, units) for item in objects(record["parameters"], MOST_PARTS)
            ]
        return said

    async def feed(self, begin: date, end: date) -> AsyncIterator[list[Raw]]:
        """Yield the datasets that the open feed has between two days.

        Raises
        ------
        Failed
        """
        params = {"startDate": begin.isoformat(), "endDate": end.isoformat()}
        path = "catalogue/datasets/documents"
        async for page in self._plus.pages(path, params, in_path=False):
            yield [
                Raw(
                    kind=FEED,
                    external_id=str(integer(record["id"])),
                    content=self.completed(record, {}, await self._known_units()),
                )
                for record in page
            ]

    async def _users(self, number: int) -> list[Object]:
        path = f"catalogue/{{session}}/investigation/id/{number}/investigationusers"
        return list(objects(await self._maybe(path, in_path=True), MOST_PARTS))

    async def _datafiles(self, number: int, most: int) -> list[Object]:
        params = {"datasetId": number, "limit": most}
        answer = await self._plus.inside("catalogue/{session}/datafile", params)
        return list(objects(answer, most))

    async def _maybe(self, path: str, *, in_path: bool = False) -> Any:
        """Return what is told to some only: one who may not know it learns of no error."""
        try:
            return await (self._plus.inside(path) if in_path else self._plus.open(path))
        except BadStatus as error:
            if error.answered in _ABSENT:
                return None
            raise

    async def _known_units(self) -> dict[str, str]:
        if self._units is None:
            offered = await self._plus.offered("catalogue/parameters")
            pairs = [(short(item.get("name")), text(item.get("units"), 100)) for item in offered]
            self._units = {name: unit for name, unit in pairs if name and unit}
        return self._units


def _bare(record: Object) -> dict[str, Any]:
    """Leave out what tells of the page and of who asks."""
    return {key: item for key, item in record.items() if key not in {"meta", "canAccessDatasets"}}


def _nested(record: Object, depth: int) -> list[Object]:
    found: list[Object] = []
    for item in objects(record.get("outputDatasets"), _MOST_NESTED):
        above = {"investigation": record.get("investigation"), "inputDatasetId": record.get("id")}
        child = {**{key: value for key, value in above.items() if value is not None}, **item}
        child.setdefault("type", "processed")
        found.append(child)
        if depth > 1:
            found += _nested(child, depth - 1)
    return found[:_MOST_NESTED]


def _with_unit(parameter: Object, units: Mapping[str, str]) -> Object:
    name = short(parameter.get("name"))
    if parameter.get("units") or name is None or name not in units:
        return parameter
    return {**parameter, "units": units[name]}
