"""Records as schema.org tells them, in JSON-LD: for search engines, harvesters and FAIR checks.

Of what may not be downloaded yet there is one distribution, the whole, which tells of the files
no more than their total size.
"""

import math
from typing import Any, Final

import orjson

from panosc.publication.exporting import Export
from panosc.publication.record import (
    Agent,
    Detail,
    Funding,
    Instrument,
    Organisation,
    Parameter,
    Publication,
    Related,
    Term,
    day,
)

Described = dict[str, Any]
# written out: who has to fetch the context of schema.org does not always
_CONTEXT: Final = {"@vocab": "https://schema.org/", "prov": "http://www.w3.org/ns/prov#"}
MOST_FILES: Final = 10
MOST_PARAMETERS: Final = 50
_TYPES: Final = {
    "Collection": "Collection",
    "Dataset": "Dataset",
    "Dissertation": "Thesis",
    "JournalArticle": "ScholarlyArticle",
    "Report": "Report",
    "Software": "SoftwareSourceCode",
}
"""DataCite's resourceTypeGeneral → class of schema.org."""
_RELATIONS: Final = {
    "IsPartOf": "isPartOf",
    "HasPart": "hasPart",
    "IsVersionOf": "exampleOfWork",
    "HasVersion": "workExample",
    "IsNewVersionOf": "isBasedOn",
    "IsDerivedFrom": "isBasedOn",
    "IsCompiledBy": "isBasedOn",
    "IsSupplementTo": "citation",
    "Cites": "citation",
    "References": "citation",
    "IsDescribedBy": "subjectOf",
    "IsDocumentedBy": "subjectOf",
    "Describes": "about",
    "Documents": "about",
    "IsIdenticalTo": "sameAs",
    "IsCollectedBy": "mentions",
}
_REVERSED: Final = {
    "IsPreviousVersionOf": "isBasedOn",
    "IsSourceOf": "isBasedOn",
    "Compiles": "isBasedOn",
    "IsSupplementedBy": "citation",
    "IsCitedBy": "citation",
    "IsReferencedBy": "citation",
    "Collects": "mentions",
}
"""Relations that schema.org knows from the other end alone."""


def described(publication: Publication) -> Described:
    """Return a record as schema.org tells it."""
    start, end = publication.collected
    coar, _ = publication.rights
    licence = publication.licence
    lines: Described = {
        "@context": _CONTEXT,
        "@type": type_of(publication),
        "@id": publication.identifier,
        "url": publication.url,
        "identifier": _identifier(publication),
        "name": publication.title,
        "description": publication.description,
        "keywords": [*dict.fromkeys([*publication.keywords, "PaN"])],
        "creator": [_agent(agent) for agent in publication.creators],
        "contributor": [_agent(agent) for agent in publication.contributors],
        "publisher": _organisation(publication.publisher),
        "dateCreated": start and day(start),
        "datePublished": day(publication.issued),
        "dateModified": day(publication.changed),
        "temporalCoverage": start and f"{day(start)}/{day(end or start)}",
        "license": licence and (licence.url or licence.name),
        "isAccessibleForFree": publication.access == "open",
        "conditionsOfAccess": coar,
        "includedInDataCatalog": {
            "@type": "DataCatalog",
            "@id": publication.node,
            "name": f"Data catalogue of {publication.facility}",
            "url": publication.node,
        },
        "funding": [_funding(item) for item in publication.funding],
        **_related(publication),
        **(_data(publication) if publication.model == "Dataset" else {}),
    }
    return _tidy(lines)


def type_of(publication: Publication) -> str:
    """Return the class of schema.org that a record is of."""
    return _TYPES.get(publication.general, "CreativeWork")


def _write(publication: Publication) -> bytes:
    return orjson.dumps(described(publication))


def _identifier(publication: Publication) -> Described | str:
    if publication.doi is None:
        return publication.url
    return {
        "@type": "PropertyValue",
        "propertyID": "https://registry.identifiers.org/registry/doi",
        "value": publication.identifier,
        "url": publication.identifier,
    }


def _agent(agent: Agent) -> Described:
    if not agent.is_person:
        return {"@type": "Organization", "name": agent.name}
    return _tidy(
        {
            "@type": "Person",
            "@id": agent.orcid,
            "name": agent.name,
            "givenName": agent.given,
            "familyName": agent.family,
            "affiliation": agent.affiliation and _organisation(agent.affiliation),
        }
    )


def _organisation(organisation: Organisation) -> Described:
    return _tidy({"@type": "Organization", "@id": organisation.ror, "name": organisation.name})


def _funding(item: Funding) -> Described:
    return _tidy(
        {
            "@type": "Grant",
            "identifier": item.award,
            "name": item.award_title,
            "url": item.award_url,
            "funder": _organisation(item.funder),
        }
    )


def _related(publication: Publication) -> Described:
    """Return the related works by what schema.org calls the relation, from either end."""
    found: Described = {}
    reverse: Described = {}
    for item in publication.related:
        if item.relation in _REVERSED:
            reverse.setdefault(_REVERSED[item.relation], []).append(_work(item))
        else:
            found.setdefault(_RELATIONS[item.relation], []).append(_work(item))
    return {**found, "@reverse": reverse or None}


def _work(item: Related) -> Described:
    return _tidy(
        {
            "@type": _TYPES.get(item.general or "", "CreativeWork"),
            "@id": item.address,
            "name": item.title,
        }
    )


def _data(publication: Publication) -> Described:
    detail = publication.detail or Detail()
    return {
        "size": None if publication.size is None else f"{publication.size} bytes",
        "distribution": _distribution(publication),
        "measurementTechnique": [_term(term) for term in publication.techniques],
        "variableMeasured": [_value(item) for item in detail.parameters[:MOST_PARAMETERS]],
        "prov:wasGeneratedBy": _measurement(publication),
    }


def _distribution(publication: Publication) -> list[Described]:
    if publication.access == "withdrawn":
        return []
    if publication.detail is None:
        whole = {
            "@type": "DataDownload",
            "contentUrl": f"{publication.url}/-/download",
            "encodingFormat": "application/x-hdf5",
            "contentSize": None if publication.size is None else str(publication.size),
        }
        return [_tidy(whole)]
    return [
        _tidy(
            {
                "@type": "DataDownload",
                "contentUrl": file.url,
                "name": file.name,
                "encodingFormat": file.media_type,
                "contentSize": None if file.size is None else str(file.size),
                "sha256": file.sha256,
            }
        )
        for file in publication.detail.files[:MOST_FILES]
    ]


def _term(term: Term) -> Described:
    of_panet = {
        "@id": term.uri,
        "termCode": term.id,
        "inDefinedTermSet": "http://purl.org/pan-science/PaNET/PaNET.owl",
    }
    return {
        "@type": "DefinedTerm",
        "name": term.label,
        **(of_panet if term.uri else {}),
    }


def _value(item: Parameter) -> Described:
    is_told = isinstance(item.value, str) or math.isfinite(item.value)
    return _tidy(
        {
            "@type": "PropertyValue",
            "name": item.name,
            "value": item.value if is_told else None,
            "unitText": item.unit or None,
        }
    )


def _measurement(publication: Publication) -> Described | None:
    start, end = publication.collected
    if start is None:
        return None
    return _tidy(
        {
            "@id": f"{publication.url}#measurement",
            "@type": "prov:Activity",
            "prov:startedAtTime": start.isoformat(),
            "prov:endedAtTime": end and end.isoformat(),
            "prov:used": publication.instrument and _used(publication.instrument),
        }
    )


def _used(instrument: Instrument) -> Described:
    return {
        "@id": instrument.identifier or instrument.url,
        "@type": "prov:Entity",
        "name": instrument.name,
    }


def _tidy(lines: Described) -> Described:
    """Leave out what is not known."""
    return {name: value for name, value in lines.items() if value not in (None, [], "")}


EXPORT: Final = Export(
    name="json-ld",
    title="schema.org JSON-LD",
    media_type="application/ld+json",
    suffix=".jsonld",
    write=_write,
    profile="http://schema.org",
)
