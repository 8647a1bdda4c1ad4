"""A plan before anyone wrote one: what proposal and data policy say already.

What nobody has decided says ``unknown``; what the policy promises is told in its own figures.
"""

from datetime import datetime
from typing import Any

from panosc.policy.document import Document
from panosc.publication.reading.describing import licence
from panosc.publication.record import Agent, Organisation, Publication, day

Lines = dict[str, Any]


def prefilled(
    proposal: Publication,
    rules: Document,
    *,
    facility: Organisation,
    contact: str | None,
    now: datetime,
) -> Lines:
    """Return the plan of a proposal, after maDMP.

    Parameters
    ----------
    contact : str or None
        Mail address of the node.
    """
    stamp = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    first = proposal.creators[0]
    plan: Lines = {
        "title": f"Data management plan: {proposal.title}",
        "description": proposal.description,
        "language": "eng",
        "created": stamp,
        "modified": stamp,
        "ethical_issues_exist": "unknown",
        "dmp_id": {"identifier": f"{proposal.url}/-/plan", "type": "url"},
        "contact": {
            "name": first.name,
            "mbox": contact or "nobody@invalid",
            "contact_id": _person(first, proposal),
        },
        "contributor": [
            {
                "name": agent.name,
                "role": [agent.role or "member"],
                "contributor_id": _person(agent, proposal),
            }
            for agent in (*proposal.creators, *proposal.contributors)
        ],
        "project": [_project(proposal)],
        "dataset": [
            _dataset(proposal, rules, kind, facility=facility) for kind in ("raw", "reduced")
        ],
    }
    return {"dmp": plan}


def _person(agent: Agent, proposal: Publication) -> Lines:
    if agent.orcid is not None:
        return {"identifier": agent.orcid, "type": "orcid"}
    return {"identifier": f"{proposal.url}#{agent.name}", "type": "other"}


def _project(proposal: Publication) -> Lines:
    start, end = proposal.collected
    found: Lines = {"title": proposal.title, "description": proposal.description}
    if start is not None:
        found["start"] = day(start)
    if end is not None:
        found["end"] = day(end)
    if proposal.funding:
        found["funding"] = [
            {
                "name": item.funder.name,
                "funder_id": {
                    "identifier": item.funder.ror or item.funder.name,
                    "type": "ror" if item.funder.ror else "other",
                },
                "funding_status": "granted",
                **({"grant_id": {"identifier": item.award, "type": "other"}} if item.award else {}),
            }
            for item in proposal.funding
        ]
    return found


def _dataset(proposal: Publication, rules: Document, kind: str, *, facility: Organisation) -> Lines:
    classes = rules.scope.data_classes
    held = classes.raw if kind == "raw" else classes.reduced
    years = rules.embargo.default_years if held.embargo else 0
    end = proposal.collected[1] or proposal.collected[0] or proposal.issued
    opens = day(end.replace(year=min(9999, end.year + years), day=min(end.day, 28)))
    kept = held.retention_years
    promise = "for ever" if kept == "forever" else f"for {kept} years"
    return {
        "title": f"{kind.capitalize()} data of {proposal.title}",
        "type": "dataset",
        "dataset_id": {"identifier": f"{proposal.url}#{kind}", "type": "url"},
        "personal_data": "no",
        "sensitive_data": "unknown",
        "issued": opens,
        "keyword": list(proposal.keywords),
        "data_quality_assurance": [
            "Files are registered with their checksums (SHA-256), which downloads verify."
        ],
        "preservation_statement": (
            f"Kept by the {held.custodian} {promise}"
            f"{', as far as possible' if held.best_effort else ''}, after {rules.policy.title}."
        ),
        "metadata": [
            {
                "language": "eng",
                "description": "NeXus, and DataCite metadata with a DOI",
                "metadata_standard_id": {
                    "identifier": "https://www.nexusformat.org/",
                    "type": "url",
                },
            }
        ],
        "distribution": [
            {
                "title": "Data at the catalogue of the facility",
                "access_url": proposal.url,
                "data_access": "open" if not years else "shared",
                "description": (
                    "Open to everyone."
                    if not years
                    else f"With the team for {years} years after the experiment, then open."
                ),
                "format": ["application/x-hdf5"],
                "license": [{"license_ref": _licence(held.licence), "start_date": opens}],
                "host": {"title": facility.name, "url": proposal.url, "pid_system": ["doi"]},
            }
        ],
    }


def _licence(name: str) -> str:
    found = licence(name)
    return name if found is None or found.url is None else found.url
