"""Creators and contributors as people, affiliations and members."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from panosc.federation.contract import Row
from panosc.federation.naming import Names, orcid_of, ror_of
from panosc.federation.values import Object, line, loosely

MOST_PEOPLE: Final = 2000
_ROLES: Final[Mapping[str, str]] = {
    "ContactPerson": "local contact",
    "DataCollector": "local contact",
    "ProjectLeader": "principal investigator",
}
"""Contributors that are kept: the house takes anyone with another role for a creator."""


def people(attributes: Mapping[str, Any], names: Names, owner: Row) -> Iterator[Row]:
    """Yield the people of a record, with their affiliations and what they did."""
    told: dict[str, set[str]] = {}
    agents = [("creator", item) for item in loosely(attributes.get("creators"))]
    for item in loosely(attributes.get("contributors")):
        role = _ROLES.get(line(item.get("contributorType")) or "")
        if role is not None:
            agents.append((role, item))
    for role, item in agents[:MOST_PEOPLE]:
        for row in _one(item, names, owner, role):
            key = "" if row[0] == "Member" else str(row[1]["id"])
            if key and key in told.setdefault(row[0], set()):
                continue
            told.setdefault(row[0], set()).add(key)
            yield row


def hosts(attributes: Mapping[str, Any]) -> str | None:
    """Return the facility that a record names: the host, else the publisher."""
    for item in loosely(attributes.get("contributors")):
        if item.get("contributorType") == "HostingInstitution":
            name = line(item.get("name") or item.get("contributorName"))
            if name is not None:
                return name
    return next(
        (line(item.get("name")) for item in loosely(attributes.get("publisher"), "name")), None
    )


def _one(item: Object, names: Names, owner: Row, role: str) -> Iterator[Row]:
    name = line(item.get("name") or item.get("creatorName"))
    given, family = line(item.get("givenName")), line(item.get("familyName"))
    if name is None:
        name = " ".join(part for part in (given, family) if part) or None
    if name is None:
        return
    model, pid = owner[0], owner[1]["pid"]
    member: dict[str, Any] = {f"{model.lower()}Id": pid, "role": role}
    if item.get("nameType") == "Organizational":
        organisation = _organisation(item, name, names)
        member["affiliationId"] = organisation["id"]
        yield "Affiliation", organisation
        yield "Member", member
        return
    if given is None and family is None and name.count(",") == 1:
        family, given = (part.strip() or None for part in name.split(","))
    orcid = _identifier(item, "ORCID")
    full = f"{given} {family}" if given and family else name
    person = {
        "id": names.person(orcid, name=name),
        "fullName": full,
        "firstName": given,
        "lastName": family,
        "orcid": orcid_of(orcid),
    }
    yield "Person", person
    member["personId"] = person["id"]
    for place in loosely(item.get("affiliation"), "name"):
        called = line(place.get("name"))
        if called is not None:
            organisation = _organisation(place, called, names)
            member["affiliationId"] = organisation["id"]
            yield "Affiliation", organisation
            break
    yield "Member", member


def _organisation(item: Object, name: str, names: Names) -> dict[str, Any]:
    ror = ror_of(item.get("affiliationIdentifier")) or _identifier(item, "ROR")
    made = {"id": names.affiliation(ror, name=name), "name": name}
    known = ror_of(ror)
    return made if known is None else {**made, "ror": known}


def _identifier(item: Object, scheme: str) -> str | None:
    """Return a name identifier of some scheme; its scheme may be missing where it speaks so."""
    reads = orcid_of if scheme == "ORCID" else ror_of
    for one in loosely(item.get("nameIdentifiers"), "nameIdentifier"):
        said = (line(one.get("nameIdentifierScheme")) or scheme).upper()
        found = line(one.get("nameIdentifier"))
        if said == scheme and reads(found) is not None:
            return found
    return None
