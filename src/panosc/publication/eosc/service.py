"""The node as a whole: its lists and its catalogue, for the portal's routes."""

from dataclasses import dataclass

from panosc.publication import identifiers
from panosc.publication.eosc.catalogue import Catalogue
from panosc.publication.eosc.listing import Listing
from panosc.publication.record import Organisation
from panosc.publication.service import Publications


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What is said of all records together."""

    facility: Organisation
    listing: Listing
    catalogue: Catalogue


def build(publications: Publications) -> Node:
    """Return what tells of the node as a whole."""
    settings = publications.settings
    facility = Organisation(name=settings.facility, ror=identifiers.ror(settings.facility_ror))
    listing = Listing(publications.engine, publications.clock)
    catalogue = Catalogue(publications.engine, listing, publications.gatherer, facility)
    return Node(facility=facility, listing=listing, catalogue=catalogue)
