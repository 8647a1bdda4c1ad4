"""Finding out what an ICAT really does, by questions whose answer is known."""

import asyncio

from panosc.federation.calling import BadStatus
from panosc.federation.connectors.icat_parts.jpql import Select, Unsayable, holds, literal
from panosc.federation.connectors.icat_parts.rest import Icat, code_of
from panosc.federation.contract import Probed, Support
from panosc.federation.values import MOST_PARTS, Object, integer, mapping, objects, short, text

_NONSENSE = "no such thing 7f3a"
_COUNTED = {"Dataset": "Dataset", "Document": "Investigation", "Instrument": "Instrument"}


async def probe(icat: Icat) -> Probed:
    """Return what it is and does.

    Raises
    ------
    Failed
    """
    version = await icat.version()
    properties = await icat.properties()
    totals: dict[str, int | None] = {}
    for model, entity in _COUNTED.items():
        totals[model] = await icat.count(Select(entity=entity, alias="e"))
    features: dict[str, Support] = {
        "count": Support(state="yes", evidence=f"{totals['Dataset']} datasets were counted."),
        "login": Support(state="yes", evidence=_ways(properties)),
    }
    known = await icat.entities(
        Select(entity="Dataset", alias="e", includes=("parameters.type",)), order="e.id", count=1
    )
    features["text"] = await _found(icat, known, "e.name")
    features["parameters:between"] = await _measured(icat, known)
    features["query"] = await _engine(icat, known, version)
    facility = await icat.query("SELECT f.fullName FROM Facility f LIMIT 0,1")
    return Probed(
        version=".".join(map(str, version)),
        title=short(facility[0]) if facility and isinstance(facility[0], str) else None,
        totals=totals,
        features=features,
    )


def _ways(properties: Object) -> str:
    known = [
        text(item.get("mnemonic"), 40) for item in objects(properties.get("authenticators"), 20)
    ]
    return f"It lets in by {', '.join(word for word in known if word) or 'ways it does not tell'}."


async def _found(icat: Icat, known: list[Object], path: str) -> Support:
    name = short(known[0].get("name")) if known else None
    if name is None:
        return Support(state="unknown", evidence="No dataset is known to look for.")
    try:
        is_there = holds(path, name)
    except Unsayable:
        return Support(state="unknown", evidence="The dataset that is known has no plain name.")
    return await _canary(icat, [is_there], [holds(path, _NONSENSE)], ())


async def _measured(icat: Icat, known: list[Object]) -> Support:
    for item in objects(mapping(known[0] if known else None).get("parameters"), MOST_PARTS):
        name, value = short(mapping(item.get("type")).get("name")), item.get("numericValue")
        if name is None or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        joins = ("e.parameters AS p", "p.type AS t")
        is_it = f"t.name = {literal(name)}"
        among_them = [is_it, f"p.numericValue >= {literal(value)}"]
        return await _canary(icat, among_them, [f"t.name = {literal(_NONSENSE)}"], joins)
    return Support(state="unknown", evidence="The first dataset has no number as a parameter.")


async def _canary(
    icat: Icat, there: list[str], nowhere: list[str], joins: tuple[str, ...]
) -> Support:
    """Count what is there for sure, and what is nowhere."""
    try:
        counts = await asyncio.gather(
            *(
                icat.count(Select(entity="Dataset", alias="e", joins=list(joins), where=where))
                for where in (there, nowhere)
            )
        )
    except BadStatus as error:
        return Support(state="no", evidence=error.detail)
    if counts[0] > 0 and counts[1] == 0:
        return Support(state="yes", evidence="What is there was found, what is nowhere was not.")
    evidence = f"What is there was found {counts[0]} times, what is nowhere {counts[1]} times."
    return Support(state="wrong", evidence=evidence)


async def _engine(icat: Icat, known: list[Object], version: tuple[int, int]) -> Support:
    if version < (6, 0):
        return Support(state="no", evidence="It is older than its search engine.")
    name = short(known[0].get("name")) if known else None
    try:
        found = await icat.documents({"target": "Dataset", "text": name or "a"}, 100)
    except BadStatus as error:
        return Support(state="no", evidence=code_of(error) or error.detail)
    if known and integer(known[0].get("id")) not in found:
        return Support(state="wrong", evidence=f"It does not find the dataset {name!r}.")
    return Support(state="yes", evidence="It finds a dataset by its name.")
