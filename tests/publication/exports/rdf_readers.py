"""What DCAT and RO-Crate say of a record: by triples, and by entities."""

import json
from typing import Any

import rdflib
from rdflib.namespace import DCAT, DCTERMS, FOAF
from said import COAR, Said, graph_of, one


def dcat_turtle(content: bytes) -> Said:
    return _dcat(graph_of(content, "turtle"))


def dcat_json_ld(content: bytes) -> Said:
    return _dcat(graph_of(content, "json-ld"))


def _dcat(graph: rdflib.Graph) -> Said:
    (record,) = graph.subjects(DCAT.landingPage)

    def text(of: Any, predicate: Any) -> str | None:
        found = graph.value(of, predicate, any=False)
        return None if found is None else one(str(found))

    def names(role: Any) -> frozenset[str]:
        return frozenset(
            f"{text(agent, FOAF.familyName)}, {text(agent, FOAF.givenName)}"
            if text(agent, FOAF.familyName) and text(agent, FOAF.givenName)
            else text(agent, FOAF.name) or ""
            for agent in graph.objects(record, role)
        )

    licence = graph.value(record, DCTERMS.license)
    access = [str(item) for item in graph.objects(record, DCTERMS.rights) if COAR in str(item)]
    related = frozenset(
        (
            str(graph.value(link, DCAT.hadRole)).rpartition("/")[2],
            str(graph.value(link, DCTERMS.relation)),
        )
        for link in graph.objects(record, DCAT.qualifiedRelation)
    )
    period = graph.value(record, DCTERMS.temporal)
    start, end = text(period, DCAT.startDate), text(period, DCAT.endDate)
    issued = text(record, DCTERMS.issued) or ""
    return Said(
        identifier=str(record),
        title=text(record, DCTERMS.title) or "",
        creators=names(DCTERMS.creator),
        contributors=names(DCTERMS.contributor),
        publisher=text(graph.value(record, DCTERMS.publisher), FOAF.name) or "",
        year=int(issued[:4]),
        issued=issued,
        collected=start if start == end else f"{start}/{end}",
        available=text(record, DCTERMS.available),
        changed=text(record, DCTERMS.modified) or "",
        licence=_named(licence, text(licence, DCTERMS.title)),
        licence_name=text(licence, DCTERMS.title),
        access=access[0],
        relations=frozenset(address for _, address in related),
        related=related,
    )


def _named(licence: Any, name: str | None) -> str | None:
    return str(licence) if isinstance(licence, rdflib.URIRef) else name


_WORKS = (
    "isPartOf",
    "hasPart",
    "exampleOfWork",
    "workExample",
    "isBasedOn",
    "citation",
    "subjectOf",
    "sameAs",
    "mentions",
)


def ro_crate(content: bytes) -> Said:
    graph = {entity["@id"]: entity for entity in json.loads(content)["@graph"]}
    root = graph[graph["ro-crate-metadata.json"]["about"]["@id"]]

    def those(name: str) -> list[Any]:
        found = root.get(name, [])
        return [graph[item["@id"]] for item in (found if isinstance(found, list) else [found])]

    def names(role: str) -> tuple[str, ...]:
        return tuple(
            one(
                f"{agent['familyName']}, {agent['givenName']}"
                if agent.get("familyName") and agent.get("givenName")
                else agent["name"]
            )
            for agent in those(role)
        )

    licences = those("license")
    address = licences[0]["@id"] if licences else None
    start, _, end = root.get("temporalCoverage", "/").partition("/")
    works = (work for name in _WORKS for work in those(name) if work["@type"] != "File")
    return Said(
        identifier=root["@id"],
        title=one(root["name"]),
        creators=names("author"),
        contributors=names("contributor"),
        publisher=one(those("publisher")[0]["name"]),
        year=int(root["datePublished"][:4]),
        issued=root["datePublished"],
        collected=(start or None) if start == end else root["temporalCoverage"],
        changed=root["dateModified"],
        licence=one(licences[0]["name"]) if address and address.startswith("#") else address,
        licence_name=one(licences[0]["name"]) if licences else None,
        access=next(right for right in root["conditionsOfAccess"] if COAR in right),
        relations=frozenset(work["@id"] for work in works),
    )
