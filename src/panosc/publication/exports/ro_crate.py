"""RO-Crate 1.2 of one record: a detached crate, whose files lie at this node.

What a crate says is what the other exports say; to whom files are hidden, it tells of no file.
"""

from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final
from urllib.parse import quote

import orjson

from panosc.publication.exporting import Export
from panosc.publication.rdf.graph import iri
from panosc.publication.record import (
    Agent,
    Detail,
    File,
    Funding,
    Organisation,
    Parameter,
    Publication,
    Related,
    Relation,
    day,
)

PROFILE: Final = "https://w3id.org/ro/crate"
VERSION: Final = "https://w3id.org/ro/crate/1.2"
NAME: Final = "ro-crate-metadata.json"
Entity = dict[str, Any]
_RELATIONS: Final[dict[Relation, str]] = {
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
    "IsIdenticalTo": "sameAs",
}
"""As schema.org calls relations from this end; the others are mentioned."""
_TYPES: Final = {
    "Collection": "Collection",
    "Dissertation": "Thesis",
    "JournalArticle": "ScholarlyArticle",
    "Report": "Report",
}
"""Other datasets and software are none of these: a crate takes what is of type Dataset for a part
of it, and wants a version of software, which nobody told."""


@dataclass(slots=True)
class Crate:
    """The entities of a crate, flat: each is named, and stands once."""

    entities: dict[str, Entity] = field(default_factory=dict)

    def add(self, name: str, kind: str, /, **said: Any) -> Entity:
        """Say something of an entity, and return the reference to it."""
        name = iri(name)
        known = {key: value for key, value in said.items() if value not in (None, [], "")}
        self.entities[name] = {
            "@id": name,
            "@type": kind,
            **self.entities.get(name, {}),
            **known,
        }
        return {"@id": name}


def crate_of(publication: Publication) -> Entity:
    """Return the crate of a record."""
    crate = Crate()
    root = iri(publication.identifier)
    crate.add(NAME, "CreativeWork", conformsTo={"@id": VERSION}, about={"@id": root})
    licence = publication.licence
    coar, openaire = publication.rights
    detail = publication.detail or Detail()
    start, end = publication.collected
    crate.add(
        root,
        "Dataset",
        name=publication.title,
        description=publication.description,
        identifier=publication.identifier,
        url=publication.url,
        keywords=list(publication.keywords),
        datePublished=day(publication.issued),
        dateModified=day(publication.changed),
        dateCreated=start and day(start),
        temporalCoverage=start and f"{day(start)}/{day(end or start)}",
        author=[_agent(crate, agent, number) for number, agent in enumerate(publication.creators)],
        contributor=[
            _agent(crate, agent, number + len(publication.creators))
            for number, agent in enumerate(publication.contributors)
        ],
        publisher=_organisation(crate, publication.publisher),
        license=crate.add(licence.url or "#licence", "CreativeWork", name=licence.name)
        if licence
        else None,
        conditionsOfAccess=[coar, openaire],
        isAccessibleForFree=publication.access == "open",
        funding=[_grant(crate, award, n) for n, award in enumerate(publication.funding)],
        measurementTechnique=[
            crate.add(term.uri or f"#{term.id}", "DefinedTerm", name=term.label, termCode=term.id)
            for term in publication.techniques
        ],
        variableMeasured=[_value(crate, item, n) for n, item in enumerate(detail.parameters)],
        hasPart=[_file(crate, file) for file in detail.files],
        about=[
            crate.add(f"#sample-{n}", "Thing", name=item.name, description=item.description)
            for n, item in enumerate(detail.samples)
            if item.name
        ],
        distribution=_distribution(crate, publication),
    )
    _measurement(crate, publication, root)
    _relate(crate, root, publication.related)
    return {"@context": f"{VERSION}/context", "@graph": list(crate.entities.values())}


def _write(publication: Publication) -> bytes:
    return orjson.dumps(crate_of(publication), option=orjson.OPT_INDENT_2)


def _agent(crate: Crate, agent: Agent, number: int) -> Entity:
    if not agent.is_person:
        return _organisation(crate, Organisation(name=agent.name))
    works_at = agent.affiliation
    return crate.add(
        agent.orcid or f"#person-{number + 1}",
        "Person",
        name=agent.name,
        givenName=agent.given,
        familyName=agent.family,
        affiliation=_organisation(crate, works_at) if works_at else None,
    )


def _organisation(crate: Crate, given: Organisation) -> Entity:
    name = quote(given.name, errors="replace")
    return crate.add(given.ror or f"#{name}", "Organization", name=given.name)


def _grant(crate: Crate, award: Funding, number: int) -> Entity:
    return crate.add(
        award.award_url or f"#grant-{number + 1}",
        "Grant",
        name=award.award_title or award.award or f"Funding by {award.funder.name}",
        identifier=award.award,
        funder=_organisation(crate, award.funder),
    )


def _value(crate: Crate, item: Parameter, number: int) -> Entity:
    return crate.add(
        f"#parameter-{number + 1}",
        "PropertyValue",
        name=item.name,
        # JSON has no word for what is not a number
        value=item.value if isinstance(item.value, str) or isfinite(item.value) else None,
        unitText=item.unit,
    )


def _file(crate: Crate, file: File) -> Entity:
    return crate.add(
        file.url,
        "File",
        name=file.name,
        contentUrl=file.url,
        contentSize=None if file.size is None else str(file.size),
        encodingFormat=file.media_type,
        sha256=file.sha256,
    )


def _distribution(crate: Crate, publication: Publication) -> Entity | None:
    """Return where all of it is fetched, and its size: so much is told of what is not open."""
    is_there = publication.model == "Dataset" and publication.access not in {"withdrawn", "erased"}
    if not is_there:
        return None
    whole = f"{publication.url}/-/download"
    return crate.add(
        whole,
        "DataDownload",
        name="All files",
        contentUrl=whole,
        encodingFormat="application/x-hdf5" if publication.detail is None else "application/zip",
        contentSize=None if publication.size is None else str(publication.size),
    )


def _measurement(crate: Crate, publication: Publication, root: str) -> None:
    """Say with which instrument the data were made, and when."""
    used = publication.instrument
    if publication.model == "Document" or used is None:
        return
    start, end = publication.collected
    crate.add(
        "#measurement",
        "CreateAction",
        name=f"Measurement at {used.name}",
        instrument=crate.add(
            used.identifier or used.url, "IndividualProduct", name=used.name, url=used.url
        ),
        startTime=start and start.isoformat(),
        endTime=end and end.isoformat(),
        agent=_organisation(crate, publication.publisher),
        result={"@id": root},
    )


def _relate(crate: Crate, root: str, related: tuple[Related, ...]) -> None:
    for work in related:
        name = iri(work.address)
        if name == root:
            continue
        is_part = work.relation == "HasPart"
        reference = crate.add(
            name,
            "Dataset" if is_part else _TYPES.get(work.general or "", "CreativeWork"),
            name=work.title or work.identifier,
            url=work.url,
            identifier=work.identifier,
        )
        said = crate.entities[root].setdefault(_RELATIONS.get(work.relation, "mentions"), [])
        if reference not in said:
            said.append(reference)


EXPORT: Final = Export(
    name="ro-crate",
    title="RO-Crate",
    media_type="application/ld+json",
    suffix=f".{NAME}",
    write=_write,
    profile=PROFILE,
    # by its profile alone: whoever asks for JSON-LD gets schema.org's
    is_negotiated=False,
)
