"""What every landing page says, of a dataset as of a document: all from one `Publication`."""

from typing import Any, Final

from fastapi import Request

from panosc.domain.pid import pid_path
from panosc.portal import facts
from panosc.portal.jsonld import script
from panosc.portal.pages.federation.sources import told_lines
from panosc.portal.pages.landing import formats, wording
from panosc.portal.pages.landing.head import metas
from panosc.portal.pages.personal.settings import units_of
from panosc.portal.site import Site
from panosc.portal.words import contact_address
from panosc.publication import signposting
from panosc.publication.citing import citations
from panosc.publication.exporting import exports
from panosc.publication.exports.schema_org import described
from panosc.publication.record import Publication

Item = dict[str, Any]
MOST_PEOPLE: Final = 50


def common(
    site: Site, request: Request, publication: Publication, *, picture: str | None = None
) -> Item:
    """Return what a template of a landing page needs, but what is its own."""
    it = publication
    provenance, related = wording.grouped(it.related)
    links = formats.links(it)
    parameters = [
        {"name": one.name, "value": one.value, "unit": one.unit}
        for one in (it.detail.parameters if it.detail else ())
    ]
    contact = site.settings.contact
    path = f"/{it.model.lower()}s/{pid_path(it.pid)}"
    return {
        "title": it.title,
        "canonical": path,
        "path": site.render.root + path,
        "it": it,
        "jsonld": script(described(it)),
        "metas": metas(it, picture=picture),
        "links": signposting.first(links),
        "headers": {"Link": signposting.header(links)},
        "access": {
            "access": it.access,
            "until": None if it.opens is None else it.opens.isoformat(),
        },
        "dates": {name: when.replace("/", " to ") for name, when in it.dates},
        "makers": [*it.creators, *it.contributors][:MOST_PEOPLE],
        "hidden_makers": max(0, len(it.creators) + len(it.contributors) - MOST_PEOPLE),
        "measures": facts.main_measures(parameters, units_of(request)),
        "has_parameters": bool(parameters),
        "provenance": provenance,
        "related": related,
        "newer": [one for one in it.related if one.relation == "IsPreviousVersionOf"],
        "cited": citations(it),
        "forms": list(exports().values()),
        "contact": None if contact is None else contact_address(contact),
        "told": told_lines(site.federation.tellings(it.model, [it.pid]).get(it.pid, [])),
        "api": f"{site.render.root}{api_path(it)}",
    }


def api_path(publication: Publication) -> str:
    """Return where the PaNOSC search API tells of a record."""
    pid = pid_path(publication.pid).replace("/", "%2F")
    return f"/panosc-api/{publication.model}s/{pid}"
