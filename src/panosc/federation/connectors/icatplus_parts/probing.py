"""Finding out what an ICAT+ really does, by questions whose answer is known."""

from collections.abc import Mapping

from panosc.federation.calling import BadStatus
from panosc.federation.connectors.icatplus_parts.asking import Plus, total
from panosc.federation.connectors.icatplus_parts.whole import Reading
from panosc.federation.contract import Probed, Support
from panosc.federation.source import Source
from panosc.federation.values import MOST_PARTS, Object, integer, mapping, objects, short, text
from panosc.identity.outbound.beyond import Failed

_NONSENSE = "no-such-thing-7f3a"
_EVER = "1970-01-01"


async def probe(plus: Plus, reading: Reading, source: Source) -> Probed:
    """Return what it is and does.

    Raises
    ------
    Failed
    """
    types = await plus.offered("catalogue/investigationtypes")
    instruments = await plus.offered("catalogue/instruments")
    facilities = await plus.offered("facilities")
    if not types and not instruments and not plus.has_account:
        raise Failed(
            f"{source.name} seems to be no ICAT+: it has neither investigation types nor "
            "instruments. Check the address, or give the connector an account.",
            provider=source.name,
            reason="garbage",
        )
    investigations, count = await _listed(plus, reading) if plus.has_account else ([], None)
    known = await _known(plus, investigations)
    features = {
        "count": _told(known is not None and bool(total([known])), "meta.page.total"),
        "text": await _canary(plus, known, _by_name(known)),
        "include:instrument": await _canary(plus, known, _by_instrument(known)),
        "parameters:between": await _canary(plus, known, _by_parameter(known)),
        "include:techniques": await _canary(plus, known, _by_technique(known)),
        "units": _told(bool(await plus.offered("catalogue/parameters")), "/catalogue/parameters"),
    }
    return Probed(
        title=short(facilities[0].get("fullName") or facilities[0].get("name"))
        if facilities
        else None,
        totals={"Document": count, "Instrument": len(instruments) or None},
        features=features,
    )


async def _listed(plus: Plus, reading: Reading) -> tuple[list[Object], int | None]:
    """Return some investigations, and how many there are in all the lists that are asked for."""
    found: list[Object] = []
    totals: list[int | None] = []
    for word in reading.words():
        params: dict[str, str | int] = {"limit": 2, "skip": 0, **word}
        answer = await plus.inside("catalogue/{session}/investigation", params)
        if not isinstance(answer, list):
            raise plus.garbage("answered with what is no list")
        found += objects(answer, 2)
        totals.append(total(answer) if answer else 0)
    known = [count for count in totals if count is not None]
    return found, sum(known) if len(known) == len(totals) else None


async def _known(plus: Plus, investigations: list[Object]) -> Object | None:
    """Return a dataset that is there for sure."""
    for investigation in investigations:
        number = str(integer(investigation.get("id")))
        params: dict[str, str | int] = {"investigationIds": number, "limit": 1, "skip": 0}
        for record in objects(await plus.open("catalogue/datasets", params), 1):
            return {**record, "instrument": investigation.get("instrument")}
    return None


async def _canary(
    plus: Plus, known: Object | None, asked: tuple[Mapping[str, str], Mapping[str, str]] | None
) -> Support:
    """Ask for a dataset that is there, then for what is nowhere."""
    if known is None or asked is None:
        return Support(state="unknown", evidence="No dataset is known to ask for.")
    try:
        for params, is_there in zip(asked, (True, False), strict=True):
            answer = await plus.open("catalogue/datasets", {**params, "limit": 5, "skip": 0})
            if bool(answer) != is_there:
                seen = "nothing" if is_there else "something"
                said = ", ".join(f"{key}={item}"[:60] for key, item in params.items())
                return Support(state="wrong", evidence=f"Asked for {said}, {seen} came.")
    except BadStatus as error:
        return Support(state="no", evidence=error.detail)
    return Support(state="yes", evidence="What is there was found, what is nowhere was not.")


def _by_name(known: Object | None) -> tuple[Mapping[str, str], Mapping[str, str]] | None:
    name = short(mapping(known).get("name"))
    if name is None:
        return None
    since = {"startDate": _EVER}
    return {"search": name, **since}, {"search": _NONSENSE, **since}


def _by_instrument(known: Object | None) -> tuple[Mapping[str, str], Mapping[str, str]] | None:
    record = mapping(known)
    name = short(record.get("instrumentName") or mapping(record.get("instrument")).get("name"))
    return None if name is None else ({"instrumentName": name}, {"instrumentName": _NONSENSE})


def _by_parameter(known: Object | None) -> tuple[Mapping[str, str], Mapping[str, str]] | None:
    for item in objects(mapping(known).get("parameters"), MOST_PARTS):
        name, value = short(item.get("name")), text(item.get("value"), 100)
        if name and value and not set(",~") & set(name + value):
            since = {"startDate": _EVER}
            nowhere = {"parameters": f"{name}~eq~{_NONSENSE}", **since}
            return {"parameters": f"{name}~eq~{value}", **since}, nowhere
    return None


def _by_technique(known: Object | None) -> tuple[Mapping[str, str], Mapping[str, str]] | None:
    for item in objects(mapping(known).get("techniques"), 1):
        pid = short(item.get("pid"))
        if pid is not None:
            since = {"startDate": _EVER}
            return {"techniquePids": pid, **since}, {"techniquePids": _NONSENSE, **since}
    return None


def _told(is_there: bool, what: str) -> Support:
    said = f"{what} is told." if is_there else f"{what} is not told."
    return Support(state="yes" if is_there else "no", evidence=said)
