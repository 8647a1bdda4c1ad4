"""What archives and lists tell of datasets: title, licence, how to cite them."""

from collections.abc import Sequence
from dataclasses import replace

from panosc.data.downloads.bagging import About
from panosc.data.downloads.service import Describe
from panosc.domain.access import Who
from panosc.publication.citing import citation
from panosc.publication.gathering import Gatherer
from panosc.publication.record import Publication
from panosc.settings import Settings


def describe(gatherer: Gatherer, settings: Settings) -> Describe:
    """Return what tells of datasets to whoever may see their core."""
    base = (settings.base_url or "").rstrip("/")

    def told(who: Who, pids: Sequence[str]) -> list[About]:
        found = gatherer.core.each(who, "Dataset", pids, lambda path: base + path)
        return [_about(record, is_public=bool(base)) for record in found]

    return told


def _about(record: Publication, *, is_public: bool) -> About:
    # a path alone leads nowhere from an archive: a node that does not know its address is cited
    # by the PID
    cited = record if is_public else replace(record, url=record.pid)
    return About(
        pid=record.pid,
        title=record.title,
        licence=None if record.licence is None else record.licence.name,
        citation=citation(cited),
        address=record.url,
    )
