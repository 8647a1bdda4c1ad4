"""Who made a record, and with what: people, organisations, instruments."""

from collections.abc import Iterable
from typing import Any, Final

from panosc.domain.pid import pid_path
from panosc.publication import identifiers
from panosc.publication.reading.describing import plain
from panosc.publication.record import Address, Agent, Instrument, Organisation

_HELPERS: Final = frozenset(
    {
        "local contact",
        "local_contact",
        "localcontact",
        "instrument scientist",
        "instrument_scientist",
    }
)


def agents(
    rows: Iterable[Any], publisher: Organisation
) -> tuple[tuple[Agent, ...], tuple[Agent, ...]]:
    """Return creators and contributors, each person once; the facility where there is nobody."""
    creators: dict[str, Agent] = {}
    helpers: dict[str, Agent] = {}
    for row in rows:
        parts = (plain(row.first_name), plain(row.last_name))
        name = plain(row.full_name) or " ".join(part for part in parts if part)
        if not name:
            continue
        is_helper = (row.role or "").strip().lower() in _HELPERS
        agent = Agent(
            name=name,
            given=parts[0] or None,
            family=parts[1] or None,
            orcid=identifiers.orcid(row.orcid),
            affiliation=_affiliation(row),
            role=plain(row.role) or None,
            contributor="DataCollector" if is_helper else None,
        )
        (helpers if is_helper else creators).setdefault(row.person_key, agent)
    fallback = Agent(name=publisher.name, is_person=False)
    others = tuple(agent for key, agent in helpers.items() if key not in creators)
    return tuple(creators.values()) or (fallback,), others


def _affiliation(row: Any) -> Organisation | None:
    name = plain(row.affiliation)
    if not name:
        return None
    extra = row.affiliation_extra or {}
    given = extra.get("ror") or extra.get("rorId")
    return Organisation(name=name, ror=identifiers.ror(given) if isinstance(given, str) else None)


def instrument_of(row: Any, address: Address) -> Instrument | None:
    """Return what a dataset was measured with, with a PID of its own (PIDINST) if it has one."""
    if row.instrument_pid is None:
        return None
    given = (row.instrument_extra or {}).get("identifier")
    own = identifiers.pidinst(given) if isinstance(given, str) else None
    return Instrument(
        pid=row.instrument_pid,
        name=plain(row.instrument_name) or plain(row.instrument_pid),
        facility=plain(row.facility) or None,
        url=address(f"/instruments/{pid_path(row.instrument_pid)}"),
        identifier=own or identifiers.pidinst(row.instrument_pid),
    )
