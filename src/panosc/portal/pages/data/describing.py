"""What an archive or a list tells of a dataset: title, licence, how to cite it."""

from panosc.data.downloads.bagging import About
from panosc.data.downloads.links import dataset_path
from panosc.data.downloads.service import Describe
from panosc.domain.access import Who
from panosc.domain.query import Include, Query
from panosc.portal import facts
from panosc.portal.citation import cite
from panosc.search.service import SearchService
from panosc.settings import Settings

_FIELDS = frozenset({"pid", "title", "license", "creationDate", "releaseDate", "isPublic"})


def describe(search: SearchService, settings: Settings) -> Describe:
    """Return what tells of a dataset to whoever may see its core."""
    person = Include(relation="person", scope=Query(model="Person"))
    members = Include(relation="members", scope=Query(model="Member", includes=(person,)))
    documents = Include(
        relation="documents", scope=Query(model="Document", includes=(members,), limit=5)
    )
    query = Query(model="Dataset", fields=_FIELDS, includes=(documents, members))
    base = (settings.base_url or "").rstrip("/")

    def told(who: Who, pid: str) -> About:
        record = search.get(who, "Dataset", pid, query)
        title = str(record.get("title") or pid)
        cited = cite(
            people=facts.makers(record),
            year=facts.year_of(record),
            title=title,
            publisher=facts.publisher(record, settings.facility),
            pid=pid,
            kind="Dataset",
        )
        return About(
            pid=pid,
            title=title,
            licence=facts.license_of(record),
            citation=cited.text,
            address=base + dataset_path(pid),
        )

    return told
