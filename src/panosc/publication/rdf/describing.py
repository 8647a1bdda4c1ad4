"""A `Publication` as statements: DCAT-AP 3.0.1, with terms of CSMD, PaNET, PROV and FOAF.

Whatever DCAT-AP expects of a thing has the type that it expects. Nothing is decided here: what
is said, and to whom, is in the publication.
"""

from typing import Final

from panosc.domain.access import State
from panosc.publication.rdf.graph import Graph, Iri, Literal, Node
from panosc.publication.record import (
    Agent,
    File,
    Funding,
    Licence,
    Organisation,
    Publication,
    Related,
    Relation,
)

_MEDIA: Final = "https://www.iana.org/assignments/media-types/"
_EU: Final = "http://publications.europa.eu/resource/authority/access-right/"
_SHA256: Final = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"
_ACCESS: Final[dict[State, str]] = {
    "open": "PUBLIC",
    "embargoed": "RESTRICTED",
    "closed": "NON_PUBLIC",
    "withdrawn": "NON_PUBLIC",
    "erased": "NON_PUBLIC",
}
_DIRECT: Final[dict[Relation, str]] = {
    "IsPartOf": "dct:isPartOf",
    "HasPart": "dct:hasPart",
    "IsNewVersionOf": "prov:wasRevisionOf",
    "IsPreviousVersionOf": "dct:isReplacedBy",
    "IsVersionOf": "dcat:isVersionOf",
    "HasVersion": "dct:hasVersion",
    "IsDerivedFrom": "prov:wasDerivedFrom",
    "IsCitedBy": "dct:isReferencedBy",
    "IsReferencedBy": "dct:isReferencedBy",
    "Cites": "dct:references",
    "References": "dct:references",
}
"""Relations that have a predicate of their own; of all others it is said that there is one."""
_KINDS: Final = {
    "proposal": ("csmd:Investigation", "foaf:Project"),
    "publication": ("foaf:Document",),
}


def describe(graph: Graph, publication: Publication) -> Node:
    """Say in a graph all that there is to say of a record; return its node."""
    types: tuple[str, ...] = ("dcat:Dataset", "csmd:Dataset")
    if publication.model == "Document":
        types = ("dcat:Resource", *_KINDS.get(publication.kind, ()))
    node = graph.node(publication.identifier, *types)
    _core(graph, node, publication)
    _people(graph, node, publication)
    _origin(graph, node, publication)
    _rights(graph, node, publication)
    for work in publication.related:
        _relate(graph, node, work)
    for award in publication.funding:
        node.add("schema:funding", _grant(graph, award))
    if publication.model == "Dataset":
        _distribute(graph, node, publication)
        _science(graph, node, publication)
    return node


def _core(graph: Graph, node: Node, publication: Publication) -> None:
    node.add("dct:title", publication.title)
    node.add("dct:description", publication.description)
    node.add("dct:identifier", publication.identifier)
    if publication.pid not in publication.identifier:
        node.add(
            "adms:identifier",
            Node(types=("adms:Identifier",)).add("skos:notation", publication.pid),
        )
    node.add("dcat:landingPage", graph.node(publication.url, "foaf:Document"))
    node.add("dcat:keyword", *publication.keywords)
    for kind, text in publication.dates:
        if kind != "Collected":
            predicate = {"Issued": "dct:issued", "Available": "dct:available"}.get(
                kind, "dct:modified"
            )
            node.add(predicate, Literal(text, "xsd:date"))
    for term in publication.techniques:
        if term.uri is not None:
            concept = graph.node(term.uri, "skos:Concept").add("skos:prefLabel", term.label)
            node.add("dct:subject", concept).add("dcat:theme", concept)
    if publication.reason is not None:
        node.add(
            "dct:provenance",
            Node(types=("dct:ProvenanceStatement",)).add(
                "schema:description", f"Withdrawn: {publication.reason}"
            ),
        )


def _people(graph: Graph, node: Node, publication: Publication) -> None:
    node.add("dct:publisher", organisation(graph, publication.publisher))
    for predicate, agents in (
        ("dct:creator", publication.creators),
        ("dct:contributor", publication.contributors),
    ):
        for agent in agents:
            own = publication.publisher
            if not agent.is_person and agent.name == own.name:
                node.add(predicate, organisation(graph, own))
            else:
                node.add(predicate, _agent(graph, agent))


def _agent(graph: Graph, agent: Agent) -> Node:
    types = ("foaf:Agent", "foaf:Person" if agent.is_person else "foaf:Organization")
    made = Node(types=types) if agent.orcid is None else graph.node(agent.orcid, *types)
    made.add("foaf:name", agent.name)
    made.add("foaf:givenName", agent.given).add("foaf:familyName", agent.family)
    if agent.affiliation is not None:
        made.add("org:memberOf", organisation(graph, agent.affiliation))
    return made


def organisation(graph: Graph, given: Organisation) -> Node:
    """Return an organisation as what publishes or employs."""
    types = ("foaf:Agent", "foaf:Organization")
    made = Node(types=types) if given.ror is None else graph.node(given.ror, *types)
    return made.add("foaf:name", given.name)


def _origin(graph: Graph, node: Node, publication: Publication) -> None:
    """Say when, and with what it was measured."""
    days = dict(publication.dates).get("Collected")
    if days is None:
        return
    start, _, end = days.partition("/")
    node.add(
        "dct:temporal",
        Node(types=("dct:PeriodOfTime",))
        .add("dcat:startDate", Literal(start, "xsd:date"))
        .add("dcat:endDate", Literal(end or start, "xsd:date")),
    )
    if publication.model == "Document":
        return
    act = graph.node(f"{publication.url}#measurement", "prov:Activity")
    for predicate, moment in zip(
        ("prov:startedAtTime", "prov:endedAtTime"), publication.collected, strict=True
    ):
        act.add(predicate, Literal(moment.isoformat(), "xsd:dateTime") if moment else None)
    if publication.instrument is not None:
        used = publication.instrument
        name = graph.node(used.identifier or used.url, "csmd:Instrument", "prov:Entity")
        act.add("prov:used", name.add("dct:title", used.name))
    act.add("prov:wasAssociatedWith", organisation(graph, publication.publisher))
    node.add("prov:wasGeneratedBy", act)


def _rights(graph: Graph, node: Node, publication: Publication) -> None:
    statement = graph.node(_EU + _ACCESS[publication.access], "dct:RightsStatement")
    node.add("dct:accessRights", statement)
    for address in publication.rights:
        node.add("dct:rights", graph.node(address, "dct:RightsStatement"))
    if publication.licence is not None:
        node.add("dct:license", licence(graph, publication.licence))


def licence(graph: Graph, given: Licence) -> Node:
    """Return a licence, by its page if it has one."""
    kind = "dct:LicenseDocument"
    made = Node(types=(kind,)) if given.url is None else graph.node(given.url, kind)
    return made.add("dct:title", given.name)


def _relate(graph: Graph, node: Node, work: Related) -> None:
    other = graph.node(work.address).add("dct:title", work.title)
    role = graph.node(f"http://purl.org/datacite/v4.4/{work.relation}", "dcat:Role")
    node.add(_DIRECT.get(work.relation, "dct:relation"), other)
    node.add(
        "dcat:qualifiedRelation",
        Node(types=("dcat:Relationship",)).add("dct:relation", other).add("dcat:hadRole", role),
    )


def _grant(graph: Graph, award: Funding) -> Node:
    made = Node(types=("schema:Grant",)).add("schema:funder", organisation(graph, award.funder))
    made.add("schema:identifier", award.award).add("schema:name", award.award_title)
    return made.add("schema:url", Iri(award.award_url) if award.award_url else None)


def _distribute(graph: Graph, node: Node, publication: Publication) -> None:
    """Say how it is fetched; of what is not open only that it will be one day, and its size."""
    if publication.access in {"withdrawn", "erased"}:
        return
    files = publication.detail.files if publication.detail is not None else ()
    if publication.detail is None:
        whole = File(
            name=publication.title,
            size=publication.size,
            sha256=None,
            media_type="application/x-hdf5",
            url=f"{publication.url}/-/download",
        )
        files = (whole,)
    for file in files:
        made = graph.node(f"{file.url}#distribution", "dcat:Distribution")
        made.add("dct:title", file.name)
        made.add("dcat:accessURL", Iri(publication.url)).add("dcat:downloadURL", Iri(file.url))
        media = graph.node(_MEDIA + file.media_type, "dct:MediaType", "dct:MediaTypeOrExtent")
        made.add("dcat:mediaType", media).add("dct:format", media)
        if file.size is not None:
            made.add("dcat:byteSize", Literal(str(file.size), "xsd:nonNegativeInteger"))
        if file.sha256:
            sum_ = Node(types=("spdx:Checksum",))
            sum_.add("spdx:algorithm", graph.node(_SHA256, "spdx:ChecksumAlgorithm"))
            sum_.add("spdx:checksumValue", Literal(file.sha256, "xsd:hexBinary"))
            made.add("spdx:checksum", sum_)
        if publication.licence is not None:
            made.add("dct:license", licence(graph, publication.licence))
        node.add("dcat:distribution", made)


def _science(graph: Graph, node: Node, publication: Publication) -> None:
    """Say it in the words of CSMD, the model behind ICAT; and what the file holds (NeXus)."""
    node.add("csmd:dataset_name", publication.title)
    node.add("csmd:dataset_doi", publication.doi)
    for predicate, moment in zip(
        ("csmd:dataset_startDate", "csmd:dataset_endDate"), publication.collected, strict=True
    ):
        node.add(predicate, Literal(moment.isoformat(), "xsd:dateTime") if moment else None)
    for work in publication.related:
        if work.relation == "IsPartOf":
            node.add("csmd:dataset_investigation", graph.node(work.address, "csmd:Investigation"))
    if publication.detail is None or publication.detail.definition is None:
        return
    name = publication.detail.definition
    page = f"https://manual.nexusformat.org/classes/applications/{name}.html"
    node.add("dct:conformsTo", graph.node(page, "dct:Standard").add("dct:title", name))
