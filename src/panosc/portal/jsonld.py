"""Records as schema.org JSON-LD, for search engines and harvesters, inside the page."""

import json
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from panosc.portal.facts import Maker, license_of, makers, methods, publisher
from panosc.portal.words import clean, doi_address, licence_address

Described = dict[str, Any]
Item = Mapping[str, Any]

_CONTEXT = {"@vocab": "https://schema.org/"}
_MOST_PARAMETERS = 50
_HIDE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def script(described: Described) -> Markup:
    """Return JSON that can stand inside a script element whatever it holds."""
    text = json.dumps(described, ensure_ascii=False, separators=(",", ":"), default=str)
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").translate(_HIDE)
    return Markup(text)  # noqa: S704 - nothing of it can end the script element any more


def dataset(record: Item, *, address: str, facility: str) -> Described:
    """Return a dataset as schema.org tells it; of an embargoed one only the core."""
    access = record.get("access")
    lines: Described = {
        "@context": _CONTEXT,
        "@type": "Dataset",
        "@id": doi_address(record["pid"]) or address,
        "url": address,
        "identifier": record["pid"],
        "name": clean(record.get("title") or record["pid"]),
        "description": clean(record.get("description") or "") or None,
        "creator": [_person(person) for person in makers(record)],
        "publisher": _organisation(publisher(record, facility)),
        "dateCreated": record.get("creationDate"),
        "datePublished": record.get("releaseDate") or record.get("creationDate"),
        "license": licence_address(license_of(record)) or license_of(record),
        "isAccessibleForFree": access == "open",
        "conditionsOfAccess": _condition(record),
        "size": f"{record['size']} bytes" if record.get("size") is not None else None,
        "measurementTechnique": [_term(record, index) for index in range(len(methods(record)))],
        "variableMeasured": [
            _value(item) for item in record.get("parameters", ())[:_MOST_PARAMETERS]
        ],
        "isPartOf": [
            {"@type": "CreativeWork", "identifier": item["pid"], "name": item.get("title")}
            for item in record.get("documents", ())
        ],
        "temporalCoverage": _period(record),
    }
    return _tidy(lines)


def document(record: Item, *, address: str, facility: str) -> Described:
    """Return a proposal or publication as schema.org tells it."""
    is_article = record.get("type") == "publication"
    lines: Described = {
        "@context": _CONTEXT,
        "@type": "ScholarlyArticle" if is_article else "CreativeWork",
        "@id": doi_address(record.get("doi") or record["pid"]) or address,
        "url": address,
        "identifier": record["pid"],
        "name": clean(record.get("title") or record["pid"]),
        "abstract": clean(record.get("summary") or "") or None,
        "author": [_person(person) for person in makers(record)],
        "publisher": _organisation(facility),
        "datePublished": record.get("releaseDate") or record.get("startDate"),
        "license": licence_address(record.get("license")) or record.get("license"),
        "keywords": record.get("keywords"),
        "isAccessibleForFree": record.get("access") == "open",
    }
    return _tidy(lines)


def _person(person: Maker) -> Described:
    return _tidy(
        {
            "@type": "Person",
            "@id": person.orcid,
            "name": clean(person.name),
            "givenName": person.given,
            "familyName": person.family,
            "affiliation": _organisation(person.affiliation) if person.affiliation else None,
        }
    )


def _organisation(name: str) -> Described:
    return {"@type": "Organization", "name": clean(name)}


def _term(record: Item, index: int) -> Described:
    technique = methods(record)[index]
    return _tidy({"@type": "DefinedTerm", "@id": technique.iri, "name": technique.label})


def _value(item: Item) -> Described:
    return _tidy(
        {
            "@type": "PropertyValue",
            "name": item.get("name"),
            "value": item.get("value"),
            "unitText": item.get("unit") or None,
        }
    )


def _condition(record: Item) -> str | None:
    match record.get("access"):
        case "embargoed":
            until = (record.get("embargoUntil") or "")[:10]
            return f"Under embargo until {until}" if until else "Under embargo"
        case "withdrawn":
            return "Withdrawn"
        case _:
            return None


def _period(record: Item) -> str | None:
    if not record.get("creationDate"):
        return None
    return f"{record['creationDate']}/{record.get('endDate') or record['creationDate']}"


def _tidy(lines: Described) -> Described:
    """Leave out what is not known."""
    return {
        name: value for name, value in lines.items() if value is not None and value not in ([], "")
    }
