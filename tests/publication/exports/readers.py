"""What each format says of a record, read by a party that did not write it.

A reader takes the bytes of an export and gives the same tuple whatever the format, so that
formats can be compared. One more format: write its reader, and put it in `READERS` by the name
of the export.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import rdflib
import rispy
from defusedxml.ElementTree import fromstring
from rdf_readers import dcat_json_ld, dcat_turtle, ro_crate
from said import Said, graph_of, library_of, one, rights

DC = "{http://purl.org/dc/elements/1.1/}"
KERNEL = "{http://datacite.org/schema/kernel-4}"
SCHEMA = rdflib.Namespace("https://schema.org/")
_AT = {
    "DOI": "https://doi.org/",
    "Handle": "https://hdl.handle.net/",
    "ARK": "https://n2t.net/",
    "URN": "https://nbn-resolving.org/",
    "arXiv": "https://arxiv.org/abs/",
    "PMID": "https://pubmed.ncbi.nlm.nih.gov/",
}
_PRINTED = {
    **{f"\\{letter}": letter for letter in "#$%&_"},
    "{\\textbraceleft}": "\x01",
    "{\\textbraceright}": "\x02",
    "{\\textasciitilde}": "~",
    "{\\textasciicircum}": "^",
    "{\\textquotedbl}": '"',
    "{\\textbackslash}": "\x03",
}
"""What TeX prints for commands; braces and backslashes come last, that they are not taken twice."""


def _address(scheme: str, identifier: str) -> str:
    if scheme == "URL":
        return identifier
    return _AT[scheme] + quote(identifier, safe="/:;()" if scheme == "DOI" else "/:")


def datacite_json(content: bytes) -> Said:
    told = json.loads(content)
    dates = {line["dateType"]: line["date"] for line in told["dates"]}
    licence, access = rights(
        (line.get("rightsUri"), line.get("rights", "")) for line in told["rightsList"]
    )
    related = frozenset(
        (
            line["relationType"],
            _address(line["relatedIdentifierType"], line["relatedIdentifier"]),
        )
        for line in told.get("relatedIdentifiers", ())
    )
    return Said(
        identifier=told["id"],
        title=one(told["titles"][0]["title"]),
        creators=tuple(one(line["name"]) for line in told["creators"]),
        contributors=tuple(one(line["name"]) for line in told.get("contributors", ())),
        publisher=one(told["publisher"]["name"]),
        year=int(told["publicationYear"]),
        issued=dates["Issued"],
        collected=dates.get("Collected"),
        available=dates.get("Available"),
        changed=dates["Updated"],
        licence=licence,
        access=access,
        relations=frozenset(address for _, address in related),
        related=related,
    )


def datacite_xml(content: bytes) -> Said:
    root = fromstring(content)

    def texts(path: str) -> tuple[str, ...]:
        steps = "/".join(KERNEL + step for step in path.split("/"))
        return tuple(one(element.text or "") for element in root.findall(steps))

    dates = {
        element.attrib["dateType"]: element.text
        for element in root.findall(f"{KERNEL}dates/{KERNEL}date")
    }
    lines = root.findall(f"{KERNEL}rightsList/{KERNEL}rights")
    licence, access = rights((line.get("rightsURI"), line.text or "") for line in lines)
    works = root.findall(f"{KERNEL}relatedIdentifiers/{KERNEL}relatedIdentifier")
    related = frozenset(
        (
            line.attrib["relationType"],
            _address(line.attrib["relatedIdentifierType"], line.text or ""),
        )
        for line in works
    )
    identifier = root.find(f"{KERNEL}identifier")
    assert identifier is not None
    return Said(
        identifier=_address(identifier.attrib["identifierType"], identifier.text or ""),
        title=texts("titles/title")[0],
        creators=texts("creators/creator/creatorName"),
        contributors=texts("contributors/contributor/contributorName"),
        publisher=texts("publisher")[0],
        year=int(texts("publicationYear")[0]),
        issued=dates["Issued"],
        collected=dates.get("Collected"),
        available=dates.get("Available"),
        changed=dates["Updated"],
        licence=licence,
        access=access,
        relations=frozenset(address for _, address in related),
        related=related,
    )


def oai_dc(content: bytes) -> Said:
    root = fromstring(content)

    def texts(name: str) -> tuple[str, ...]:
        return tuple(one(element.text or "") for element in root.findall(DC + name))

    licence, access = rights((text, text) for text in texts("rights"))
    return Said(
        identifier=texts("identifier")[0],
        title=texts("title")[0],
        creators=texts("creator"),
        contributors=texts("contributor"),
        publisher=texts("publisher")[0],
        issued=texts("date")[0],
        collected=next(iter(texts("coverage")), None),
        licence=licence,
        access=access,
        relations=frozenset(texts("relation")),
    )


def json_ld(content: bytes) -> Said:
    """Read by its triples, not by its members."""
    graph = graph_of(content, "json-ld")
    ((record, catalogue),) = graph.subject_objects(SCHEMA.includedInDataCatalog)

    def text(of: Any, name: str) -> str | None:
        found = graph.value(of, SCHEMA[name], any=False)
        return None if found is None else one(str(found))

    def names(role: str) -> frozenset[str]:
        return frozenset(
            f"{text(agent, 'familyName')}, {text(agent, 'givenName')}"
            if text(agent, "familyName") and text(agent, "givenName")
            else text(agent, "name") or ""
            for agent in graph.objects(record, SCHEMA[role])
        )

    others = {
        works
        for name in _WORKS
        for works in (
            *graph.objects(record, SCHEMA[name]),
            *graph.subjects(SCHEMA[name], record),
        )
    }
    collected = text(record, "temporalCoverage")
    start, _, end = (collected or "/").partition("/")
    published = text(record, "datePublished") or ""
    return Said(
        identifier=str(record),
        title=text(record, "name") or "",
        creators=names("creator"),
        contributors=names("contributor"),
        publisher=text(graph.value(record, SCHEMA.publisher), "name") or "",
        year=int(published[:4]),
        issued=published,
        collected=(start or None) if start == end else collected,
        changed=text(record, "dateModified") or "",
        licence=text(record, "license"),
        access=text(record, "conditionsOfAccess") or "",
        relations=frozenset(str(work) for work in others if work != catalogue),
    )


_WORKS = (
    "isPartOf",
    "hasPart",
    "exampleOfWork",
    "workExample",
    "isBasedOn",
    "citation",
    "subjectOf",
    "about",
    "sameAs",
    "mentions",
)


def csl(content: bytes) -> Said:
    (told,) = json.loads(content)

    def names(role: str) -> tuple[str, ...]:
        return tuple(
            one(line.get("literal") or f"{line['family']}, {line['given']}")
            for line in told.get(role, ())
        )

    ((year, month, day),) = told["issued"]["date-parts"]
    return Said(
        identifier=told["URL"],
        title=one(told["title"]),
        creators=names("author"),
        contributors=names("contributor"),
        publisher=one(told["publisher"]),
        year=year,
        issued=f"{year:04}-{month:02}-{day:02}",
    )


def ris(content: bytes) -> Said:
    (told,) = rispy.loads(content.decode())
    return Said(
        identifier=told["urls"][0],
        title=told["title"],
        creators=tuple(told["authors"]),
        contributors=tuple(told.get("secondary_authors", ())),
        publisher=told["publisher"],
        year=int(told["year"]),
        issued=told["date"].replace("/", "-"),
    )


def printed(text: str) -> str:
    """Return what TeX prints."""
    for command, letter in _PRINTED.items():
        text = text.replace(command, letter)
    text = text.replace("{", "").replace("}", "")
    return text.replace("\x01", "{").replace("\x02", "}").replace("\x03", "\\")


def bibtex(content: bytes) -> Said:
    ((_, entry),) = library_of(content).entries.items()
    return Said(
        identifier=entry.fields["url"],
        title=printed(entry.fields["title"]),
        creators=tuple(printed(str(person)) for person in entry.persons["author"]),
        publisher=printed(entry.fields["publisher"]),
        year=int(entry.fields["year"]),
        licence_name=printed(entry.fields["copyright"]) if "copyright" in entry.fields else None,
    )


READERS: dict[str, Callable[[bytes], Said]] = {
    "bibtex": bibtex,
    "csl": csl,
    "datacite-json": datacite_json,
    "datacite-xml": datacite_xml,
    "dcat-json-ld": dcat_json_ld,
    "dcat-turtle": dcat_turtle,
    "json-ld": json_ld,
    "oai-dc": oai_dc,
    "ris": ris,
    "ro-crate": ro_crate,
}
"""By the name of the export."""
