"""The made-up people of the demo, what they are told to be, and what that means at the node."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from panosc.settings import GroupRule

BEADS = "demo-1001"
"""Proposal of the first team, and the name of its group at the node."""
STEEL = "demo-1002"
"""Proposal of the second team."""
INSTRUMENT = "local/instrument/aps-usaxs-at-9-id-c"
"""Instrument of the demo's files that one of them is in charge of."""
TEAMS = {BEADS: "Beads in water", STEEL: "Ageing of steel"}

_SPACE = "urn:example:demo.test:group"
_AUTHORITY = "#login.demo.test"
_DUTIES = {"principal investigator": "pi", "team member": "team", "local contact": "local_contact"}


def subject(key: str) -> str:
    """Return what the provider calls a person in everything that it signs."""
    return f"demo-{key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """Somebody who does not exist and may sign in."""

    key: str
    """What the sign-in page sends and tests name them by."""
    name: str
    what: str
    """What they are, in the words of the sign-in page."""
    orcid: str
    """In the form of an ORCID iD, outside the ranges that ORCID gives to people."""
    entitlements: tuple[str, ...] = ()

    @property
    def sub(self) -> str:
        """What the provider calls them."""
        return subject(self.key)

    def claims(self, scopes: Iterable[str]) -> dict[str, Any]:
        """Return what is told of them to whoever was granted `scopes`."""
        given, _, family = self.name.partition(" ")
        by_scope: dict[str, dict[str, Any]] = {
            "profile": {
                "name": self.name,
                "given_name": given,
                "family_name": family,
                "preferred_username": self.key,
            },
            "email": {"email": f"{self.key}@demo.test", "email_verified": True},
            "eduperson_entitlement": {"eduperson_entitlement": list(self.entitlements)},
            "voperson_id": {"voperson_id": f"{self.key}@demo.test"},
            "orcid": {"orcid": f"https://orcid.org/{self.orcid}"},
        }
        told: dict[str, Any] = {"sub": self.sub}
        for scope in scopes:
            told |= by_scope.get(scope, {})
        return told


SCOPES = ("openid", "profile", "email", "eduperson_entitlement", "voperson_id", "orcid")


def _urn(group: str, role: str) -> str:
    return f"{_SPACE}:{group}:role={role}{_AUTHORITY}"


def _member(key: str, name: str, what: str, proposal: str, orcid: str) -> DemoPerson:
    return DemoPerson(
        key=key,
        name=name,
        what=f"{what} of “{TEAMS[proposal]}” ({proposal})",
        orcid=orcid,
        entitlements=(_urn(f"proposals:{proposal}", _DUTIES[what]),),
    )


PEOPLE: tuple[DemoPerson, ...] = (
    _member("ada", "Ada Demo", "principal investigator", BEADS, "0009-9999-0000-0019"),
    _member("ben", "Ben Demo", "team member", BEADS, "0009-9999-0000-0027"),
    _member("cleo", "Cleo Demo", "local contact", BEADS, "0009-9999-0000-0035"),
    _member("dora", "Dora Demo", "principal investigator", STEEL, "0009-9999-0000-0043"),
    _member("emil", "Emil Demo", "team member", STEEL, "0009-9999-0000-0051"),
    _member("finn", "Finn Demo", "local contact", STEEL, "0009-9999-0000-006X"),
    DemoPerson(
        key="gus",
        name="Gus Demo",
        what="stranger: signed in, and in no team",
        orcid="0009-9999-0000-0078",
    ),
    DemoPerson(
        key="hana",
        name="Hana Demo",
        what="data steward: sees all data",
        orcid="0009-9999-0000-0086",
        entitlements=(_urn("staff", "steward"),),
    ),
    DemoPerson(
        key="iris",
        name="Iris Demo",
        what="director: approves longer embargoes",
        orcid="0009-9999-0000-0094",
        entitlements=(_urn("staff", "director"),),
    ),
    DemoPerson(
        key="jon",
        name="Jon Demo",
        what="administrator: runs the node, sees no closed data",
        orcid="0009-9999-0000-0107",
        entitlements=(_urn("staff", "administrator"),),
    ),
    DemoPerson(
        key="kim",
        name="Kim Demo",
        what="instrument scientist: sees what was measured at one instrument",
        orcid="0009-9999-0000-0115",
        entitlements=(_urn("instruments:usaxs", "instrument_scientist"),),
    ),
)

RULES: tuple[GroupRule, ...] = (
    *(
        GroupRule(entitlement=_urn(f"proposals:{proposal}", role), group=proposal, role=role)
        for proposal in TEAMS
        for role in _DUTIES.values()
    ),
    *(
        GroupRule(entitlement=_urn("staff", role), group="node", role=role)
        for role in ("steward", "director", "administrator")
    ),
    GroupRule(
        entitlement=_urn("instruments:usaxs", "instrument_scientist"),
        group=f"instrument:{INSTRUMENT}",
        role="instrument_scientist",
    ),
)
"""What the node makes of these people's entitlements."""
