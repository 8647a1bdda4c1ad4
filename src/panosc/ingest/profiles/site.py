"""A site profile at work: what becomes of a file, and what its path says.

It is made of a document by `writing`. Besides side files, the list of proposals and what tells
tiers it looks at paths alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from typing_extensions import override

from panosc.ingest.grouping import Place
from panosc.ingest.profiles import Match, Profile, Rule
from panosc.ingest.profiles.explaining import explained
from panosc.ingest.profiles.filling import OF_LIST, Filling
from panosc.ingest.profiles.outside.people import ProposalList
from panosc.ingest.profiles.outside.sides import WrongSide, told_by
from panosc.ingest.profiles.outside.tiers import ONLINE, Teller, tiers_of
from panosc.ingest.profiles.outside.troubles import Troubles
from panosc.ingest.profiles.paths.patterns import Fit, PathPattern, is_left_alone, readable
from panosc.ingest.profiles.paths.templates import Template
from panosc.ingest.told import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRule:
    """A rule with all that it takes to apply it."""

    rule: Rule
    pattern: PathPattern
    filling: Filling
    marker: PathPattern | None = None
    side: tuple[str, ...] = ()
    derived_from: tuple[Template, ...] = ()
    """Paths, from the root if they begin with a slash, else from the prefix of the match."""
    skip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file that a rule takes, or leaves alone, and why."""

    rule: SiteRule
    fit: Fit
    match: Match | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteProfile(Profile):
    """A site profile, ready for use."""

    name: str
    title: str
    rules: tuple[SiteRule, ...]
    time_zone: str | None = None
    facility: str | None = None
    probe: str | None = None
    tellers: tuple[Teller, ...] = ()
    proposals: ProposalList | None = None
    troubles: Troubles = field(default_factory=Troubles, compare=False)
    """What was wrong with side files, lists and commands; the caller takes and reports it."""

    @override
    def match(self, path: PurePosixPath) -> Match | None:
        text = readable(path)
        is_alone = self.is_left_alone(path.name)
        for rule in self.rules:
            found = self.taken(rule, path, text, is_alone=is_alone)
            if found is not None:
                return found.match
        return None

    def is_left_alone(self, name: str) -> bool:
        """Whether a file of this name is never data: hidden, unfinished, or a side file."""
        return is_left_alone(name) or any(name in rule.side for rule in self.rules)

    def taken(
        self, rule: SiteRule, path: PurePosixPath, text: str, *, is_alone: bool
    ) -> Taken | None:
        """Return what one rule makes of a path; None if it does not fit."""
        if rule.marker is not None and (fit := rule.marker.fit(text)) is not None:
            match = _matched(rule, path, fit, is_marker=True)
            if match is not None:
                return Taken(rule=rule, fit=fit, match=match)
        fit = None if is_alone else rule.pattern.fit(text)
        if fit is None:
            return None
        if rule.skip:
            return Taken(rule=rule, fit=fit, match=None)
        match = _matched(rule, path, fit)
        return None if match is None else Taken(rule=rule, fit=fit, match=match)

    @override
    def told(self, match: Match) -> Told:
        rule = next(one for one in self.rules if one.rule.name == match.rule.name)
        values = dict(match.values)
        proposal = rule.filling.proposal(values)
        listed = None if self.proposals is None else self.proposals.of(proposal)
        if listed is not None and listed.title:
            values[OF_LIST] = listed.title
        found = rule.filling.told(values)
        derived = self._derived(rule, match)
        if derived:
            said = {"derived_from": f"rule {rule.rule.name}, from the path"}
            found = Told(derived_from=derived, origins=said).over(found)
        if listed is not None and listed.people and self.proposals is not None:
            said = {"people": f"list {self.proposals.path.name}"}
            found = Told(people=listed.people, origins=said).over(found)
        return self._beside(rule, match.place).over(found)

    @override
    def tiers(self, paths: Sequence[str]) -> list[str]:
        # a command of the site is asked once for all of them
        return tiers_of(self.tellers, paths) if self.tellers else [ONLINE] * len(paths)

    @override
    def take_troubles(self) -> list[tuple[str, str]]:
        return self.troubles.take()

    @override
    def explain(self, path: PurePosixPath) -> list[tuple[str, str]]:
        return explained(self, path)

    def _derived(self, rule: SiteRule, match: Match) -> tuple[str, ...]:
        values: Mapping[str, str] = match.values
        prefix = ""
        if rule.derived_from:
            text = readable(PurePosixPath(match.place.base) / match.name)
            pattern = rule.marker if match.is_marker else rule.pattern
            fit = None if pattern is None else pattern.fit(text)
            prefix = "" if fit is None else fit.prefix
        found = (one.filled(values) for one in rule.derived_from)
        paths = [path if path.startswith("/") else f"{prefix}/{path}" for path in found if path]
        own = match.place.key
        return tuple(path for path in dict.fromkeys(paths) if path != own)

    def _beside(self, rule: SiteRule, place: Place) -> Told:
        tiers = self.tiers([f"{place.base}/{name}" for name in rule.side])
        names = [name for name, tier in zip(rule.side, tiers, strict=True) if tier == ONLINE]
        if not names:
            return Told()
        try:
            return told_by(place.base, names)[0]
        except WrongSide as error:
            self.troubles.add(place.base, f"side file: {error}")
            return Told()


def _matched(
    rule: SiteRule, path: PurePosixPath, fit: Fit, *, is_marker: bool = False
) -> Match | None:
    folder = PurePosixPath(*path.parts[: fit.depth + 1]) if fit.depth else PurePosixPath("/")
    place = rule.rule.grouping.place(path, folder, rule.rule.options)
    if place is None:
        return None
    try:
        name = str(path.relative_to(place.base))
    except ValueError:
        name = str(path).lstrip("/")
    return Match(
        rule=rule.rule, place=place, name=name, values=dict(fit.values), is_marker=is_marker
    )
