"""People and datasets on which acts are tried: one of each role, one dataset of each state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from panosc.catalogue.people import account, alias, audit
from panosc.catalogue.tables import dataset, group, ruling
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, RULES, Who, state_of
from panosc.policy.decisions.acts import Acts
from panosc.policy.decisions.petitions import Limits, Petitions
from panosc.policy.decisions.records import load
from panosc.policy.decisions.sharing import Sharing
from panosc.policy.sql import state

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
END = datetime(2028, 5, 1, tzinfo=UTC)
GROUP, OTHER, INSTRUMENT = "P-118", "P-200", "10.5072/d22"
OPEN, EMBARGOED, CLOSED = "10.5072/open", "10.5072/embargoed", "10.5072/closed"
WITHDRAWN, ERASED, NEVER_WAS = "10.5072/withdrawn", "10.5072/erased", "10.5072/never"
STATES = {
    OPEN: "open",
    EMBARGOED: "embargoed",
    CLOSED: "closed",
    WITHDRAWN: "withdrawn",
    ERASED: "erased",
}


def member(name: str, role: str, group_name: str = GROUP) -> Who:
    """Return somebody with one role in one group."""
    return Who(
        person=f"u-{name}",
        groups=frozenset({group_name}),
        duties=frozenset({(role, group_name)}),
        via="session",
    )


def officer(name: str, *roles: str) -> Who:
    """Return somebody with roles for the whole node."""
    duties = frozenset((role, "node") for role in roles)
    return Who(person=f"u-{name}", roles=frozenset(roles), duties=duties, via="session")


PEOPLE = {
    "anyone": ANYONE,
    "stranger": member("stranger", "pi", OTHER),
    "pi": member("pi", "pi"),
    "team": member("team", "team"),
    "guest": member("guest", "guest"),
    "local_contact": member("contact", "local_contact"),
    "instrument_scientist": member("scientist", "instrument_scientist", f"instrument:{INSTRUMENT}"),
    "steward": officer("steward", "steward"),
    "director": officer("director", "director"),
    "administrator": officer("administrator", "administrator"),
}
PI, TEAM, STRANGER = PEOPLE["pi"], PEOPLE["team"], PEOPLE["stranger"]
STEWARD, DIRECTOR = PEOPLE["steward"], PEOPLE["director"]


def rows() -> list[tuple[str, dict[str, object]]]:
    """Return one dataset of each state, all of one group and instrument."""
    about = {
        "ownerGroup": GROUP,
        "instrumentId": INSTRUMENT,
        "creationDate": "2025-05-01T00:00:00Z",
    }
    end = END.isoformat().replace("+00:00", "Z")
    return [
        ("Instrument", {"pid": INSTRUMENT, "name": "D22"}),
        ("Dataset", {"pid": OPEN, "title": "Open", "access": "open", **about}),
        (
            "Dataset",
            {
                "pid": EMBARGOED,
                "title": "Later",
                "access": "embargoed",
                "embargoUntil": end,
                **about,
            },
        ),
        ("Dataset", {"pid": CLOSED, "title": "Closed", "access": "closed", **about}),
        ("Dataset", {"pid": WITHDRAWN, "title": "Back", "access": "withdrawn", **about}),
        ("Dataset", {"pid": ERASED, "title": "Gone", "access": "erased", **about}),
    ]


class Place:
    """A catalogue with the services of the policy, and a clock to turn."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.now = NOW
        self.acts = Acts(engine, lambda: self.now, lambda _: RULES)
        self.sharing = Sharing(self.acts)
        self.petitions = Petitions(self.acts, self.sharing, lambda _: Limits())
        self.load()

    def load(self) -> None:
        """Let the records come from their source, for the first time or again."""
        with self.engine.begin() as connection:
            write(connection, rows(), now=self.now)

    def settle_people(self) -> None:
        """Give everyone an account, with a name and other names."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.insert(account),
                [
                    {"id": who.person, "kind": "person", "name": f"Name of {name}"}
                    for name, who in PEOPLE.items()
                    if who.person
                ],
            )
            connection.execute(
                sa.insert(alias),
                [
                    {"name": "orcid:0000-0002-1825-0097", "person": "u-stranger"},
                    {"name": "office:4711", "person": "u-stranger"},
                ],
            )
            connection.execute(sa.insert(group), [{"name": GROUP}, {"name": OTHER}])

    def state(self, pid: str) -> str:
        """Return the state of a dataset now."""
        return state_of(self.guard(pid), now=self.now)

    def states(self) -> dict[str, str]:
        """Return the states of all datasets now, at one look."""
        shown = sa.select(dataset.c.pid, state(dataset, now=self.now))
        with self.engine.connect() as connection:
            return dict(tuple(row) for row in connection.execute(shown))

    def guard(self, pid: str):
        """Return the guard of a dataset."""
        with self.engine.connect() as connection:
            return load(connection, dataset.c.pid == pid).guard

    def trail(self) -> list[tuple[str, str | None, str | None]]:
        """Return (event, person, subject) of the whole trail."""
        query = sa.select(audit.c.event, audit.c.person, audit.c.subject).order_by(audit.c.number)
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def rulings(self) -> list[dict[str, object]]:
        """Return every ruling."""
        with self.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(sa.select(ruling))]

    def later(self, **by: float) -> None:
        """Turn the clock."""
        self.now += timedelta(**by)


def without(who: Who, *scopes: str) -> Who:
    """Return the same person with a token that lacks some scopes."""
    return replace(who, scopes=who.scopes - set(scopes), via="token")
