"""Records as JSON of DataCite's kernel 4.5, as its REST API takes it and its resolver gives it.

What 4.5 does not know yet is told in its words: a proposal is an ``Other``, an RRID an address.
"""

from typing import Any, Final

import orjson

from panosc.publication import identifiers
from panosc.publication.exporting import Export
from panosc.publication.reading.describing import kind_words, plain
from panosc.publication.record import (
    Agent,
    Funding,
    Organisation,
    Publication,
    Related,
    day,
)

SCHEMA: Final = "http://datacite.org/schema/kernel-4"
Described = dict[str, Any]
_PANET: Final = "http://purl.org/pan-science/PaNET/"
_GENERAL: Final = frozenset(
    {
        "Audiovisual",
        "Book",
        "BookChapter",
        "Collection",
        "ComputationalNotebook",
        "ConferencePaper",
        "ConferenceProceeding",
        "DataPaper",
        "Dataset",
        "Dissertation",
        "Event",
        "Image",
        "Instrument",
        "InteractiveResource",
        "Journal",
        "JournalArticle",
        "Model",
        "OutputManagementPlan",
        "PeerReview",
        "PhysicalObject",
        "Preprint",
        "Report",
        "Service",
        "Software",
        "Sound",
        "Standard",
        "StudyRegistration",
        "Text",
        "Workflow",
        "Other",
    }
)
"""The resourceTypeGeneral of 4.5: without the Award and Project of 4.6."""
_SCHEMES: Final = frozenset({"DOI", "URL", "Handle", "ARK", "URN", "arXiv", "PMID"})
"""Our schemes that 4.5 knows: without the RRID of 4.6."""
_RIGHTS: Final = {
    "open": "open access",
    "embargoed": "embargoed access",
    "closed": "restricted access",
    "withdrawn": "metadata only access",
    "erased": "metadata only access",
}
"""Labels of COAR."""


def attributes(publication: Publication) -> Described:
    """Return a record as the ``attributes`` that DataCite's REST API takes."""
    described: Described = {
        "doi": publication.doi,
        "url": publication.url,
        "types": {
            "resourceTypeGeneral": _general(publication.general) or "Other",
            "resourceType": kind(publication),
        },
        "creators": [_agent(agent) for agent in publication.creators],
        "titles": [{"title": publication.title}],
        "publisher": _identified(publication.publisher, "publisher"),
        "publicationYear": f"{publication.year:04}",
        "subjects": _subjects(publication),
        "contributors": [
            {**_agent(agent), "contributorType": agent.contributor or "Other"}
            for agent in publication.contributors
        ],
        "dates": [{"date": when, "dateType": name} for name, when in publication.dates],
        "alternateIdentifiers": _alternates(publication),
        "relatedIdentifiers": [_related(item) for item in publication.related],
        "relatedItems": _instrument(publication),
        "sizes": [] if publication.size is None else [f"{publication.size} bytes"],
        "formats": _formats(publication),
        "rightsList": _rights(publication),
        "descriptions": _descriptions(publication),
        "fundingReferences": _unique([_funding(item) for item in publication.funding]),
        "schemaVersion": SCHEMA,
    }
    return _tidy(described)


def kind(publication: Publication) -> str:
    """Return what a record is, in words."""
    if publication.model == "Dataset":
        return kind_words(publication.kind)
    return plain(publication.kind).capitalize() or "Document"


def remark(publication: Publication) -> str | None:
    """Return why the data cannot be had, None where they can."""
    if publication.access == "embargoed":
        until = "" if publication.opens is None else f" until {day(publication.opens)}"
        return f"The data are under embargo{until}."
    if publication.access == "withdrawn":
        why = "." if publication.reason is None else f": {publication.reason}"
        return f"The data were withdrawn{why}"
    return None


def _write(publication: Publication) -> bytes:
    # F-UJI takes JSON without an agency for something else
    described = {"id": publication.identifier, **attributes(publication), "agency": "datacite"}
    return orjson.dumps(described)


def _agent(agent: Agent) -> Described:
    orcid = agent.orcid and {
        "nameIdentifier": agent.orcid,
        "nameIdentifierScheme": "ORCID",
        "schemeUri": "https://orcid.org",
    }
    return _tidy(
        {
            "name": agent.inverted,
            "nameType": "Personal" if agent.is_person else "Organizational",
            "givenName": agent.given if agent.family else None,
            "familyName": agent.family if agent.given else None,
            "nameIdentifiers": [orcid] if orcid else [],
            "affiliation": [_identified(agent.affiliation, "affiliation")]
            if agent.affiliation
            else [],
        }
    )


def _identified(organisation: Organisation, role: str) -> Described:
    if organisation.ror is None:
        return {"name": organisation.name}
    return {
        "name": organisation.name,
        f"{role}Identifier": organisation.ror,
        f"{role}IdentifierScheme": "ROR",
        "schemeUri": "https://ror.org",
    }


def _subjects(publication: Publication) -> list[Described]:
    terms = [
        {
            "subject": term.label,
            "subjectScheme": "PaNET",
            "schemeUri": _PANET,
            "valueUri": term.uri,
            "classificationCode": term.id,
        }
        for term in publication.techniques
        if term.uri is not None
    ]
    told = {term["subject"] for term in terms}
    # PaN: by this word harvesters of several disciplines know the photon and neutron community
    words = dict.fromkeys([*publication.keywords, "PaN"])
    return _unique([*terms, *({"subject": word} for word in words if word not in told)])


def _alternates(publication: Publication) -> list[Described]:
    if publication.doi is not None and identifiers.doi(publication.pid) == publication.doi:
        return []
    return [
        {"alternateIdentifier": plain(publication.pid), "alternateIdentifierType": "local"},
    ]


def _related(item: Related) -> Described:
    is_known = item.scheme in _SCHEMES
    return _tidy(
        {
            "relationType": item.relation,
            "relatedIdentifier": item.identifier if is_known else item.url,
            "relatedIdentifierType": item.scheme if is_known else "URL",
            "resourceTypeGeneral": _general(item.general),
        }
    )


def _instrument(publication: Publication) -> list[Described]:
    found = publication.instrument
    if found is None:
        return []
    named = identifiers.known(found.identifier or found.url)
    identifier, scheme = named[:2] if named else (found.url, "URL")
    return [
        {
            "relatedItemType": "Instrument",
            "relationType": "IsCollectedBy",
            "relatedItemIdentifier": {
                "relatedItemIdentifier": identifier,
                "relatedItemIdentifierType": scheme,
            },
            "titles": [{"title": found.name}],
        }
    ]


def _formats(publication: Publication) -> list[str]:
    files = () if publication.detail is None else publication.detail.files
    return sorted({file.media_type for file in files})


def _rights(publication: Publication) -> list[Described]:
    licence = publication.licence
    coar, openaire = publication.rights
    found: list[Described] = []
    if licence is not None:
        spdx = {
            "rightsIdentifier": licence.id,
            "rightsIdentifierScheme": "SPDX",
            "schemeUri": "https://spdx.org/licenses/",
        }
        found.append(
            _tidy(
                {
                    "rights": licence.name,
                    "rightsUri": licence.url,
                    **(spdx if licence.id else {}),
                }
            )
        )
    found.append({"rights": _RIGHTS[publication.access], "rightsUri": coar})
    found.append({"rights": openaire, "rightsUri": openaire})
    return found


def _descriptions(publication: Publication) -> list[Described]:
    found = [{"description": publication.description, "descriptionType": "Abstract"}]
    said = remark(publication)
    if said is not None:
        found.append({"description": said, "descriptionType": "Other"})
    return found


def _funding(item: Funding) -> Described:
    return _tidy(
        {
            "funderName": item.funder.name,
            "funderIdentifier": item.funder.ror,
            "funderIdentifierType": "ROR" if item.funder.ror else None,
            "awardNumber": item.award,
            "awardUri": item.award_url,
            "awardTitle": item.award_title,
        }
    )


def _general(name: str | None) -> str | None:
    return name if name in _GENERAL else None


def _unique(items: list[Described]) -> list[Described]:
    return [item for place, item in enumerate(items) if item not in items[:place]]


def _tidy(described: Described) -> Described:
    """Leave out what is not known."""
    return {name: value for name, value in described.items() if value not in (None, [])}


EXPORT: Final = Export(
    name="datacite-json",
    title="DataCite JSON",
    media_type="application/vnd.datacite.datacite+json",
    suffix=".datacite.json",
    write=_write,
    profile=SCHEMA,
)
