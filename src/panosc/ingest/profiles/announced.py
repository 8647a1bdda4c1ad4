"""The profile of a dataset that somebody announces: what they name is one dataset, at once."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from typing_extensions import override

from panosc.ingest.grouping import Place
from panosc.ingest.grouping.file import FileGrouping
from panosc.ingest.grouping.folder import FolderGrouping
from panosc.ingest.profiles import Match, Profile, Rule
from panosc.ingest.told import Told

_ONE_FILE = Rule(name="announced file", grouping=FileGrouping())
_FOLDER = Rule(name="announced", grouping=FolderGrouping())


class AnnouncedProfile(Profile):
    """One dataset of everything below `roots`; what paths mean is asked of the site's profile."""

    name = "announced"

    def __init__(self, site: Profile, roots: Sequence[Path]) -> None:
        self._site = site
        self.time_zone, self.facility, self.probe = site.time_zone, site.facility, site.probe
        real = sorted({str(root.resolve()) for root in roots})
        is_file = len(real) == 1 and not Path(real[0]).is_dir()
        base = os.path.dirname(real[0]) if is_file else os.path.commonpath(real)  # noqa: PTH120
        self._rule = _ONE_FILE if is_file else _FOLDER
        if is_file:
            key = real[0]
        elif len(real) == 1:
            key = f"{base}/"
        else:
            key = f"{base}/\x1f{hashlib.sha256(os.fsencode(chr(0).join(real))).hexdigest()}"
        self._place = Place(key=key, base=base)

    @override
    def match(self, path: PurePosixPath) -> Match | None:
        site = self._site.match(path)
        is_inside = path.is_relative_to(self._place.base)
        if not is_inside or site is None or site.is_marker:
            return None
        name = str(path.relative_to(self._place.base))
        return Match(rule=self._rule, place=self._place, name=name, values=site.values)

    @override
    def told(self, match: Match) -> Told:
        path = PurePosixPath(self._place.base) / match.name
        site = self._site.match(path)
        return Told() if site is None else self._site.told(site)

    @override
    def tiers(self, paths: Sequence[str]) -> list[str]:
        return self._site.tiers(paths)

    @override
    def take_troubles(self) -> list[tuple[str, str]]:
        return self._site.take_troubles()

    @override
    def explain(self, path: PurePosixPath) -> list[tuple[str, str]]:
        return [("announced", f"part of {self._place.base}"), *self._site.explain(path)]
