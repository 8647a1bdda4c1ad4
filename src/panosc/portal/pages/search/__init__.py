"""The search page: one question, its answer, and every way from there."""

from panosc.portal.pages.search.page import router
from panosc.portal.pages.search.place import Paging, Place, headline, ranges_joined

__all__ = ["Paging", "Place", "headline", "ranges_joined", "router"]
