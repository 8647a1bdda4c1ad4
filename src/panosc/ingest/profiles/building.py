"""From a profile's document, in which no fault was found, to the profile at work."""

from collections.abc import Mapping
from pathlib import Path

from panosc.ingest.grouping import Grouping
from panosc.ingest.profiles import Completion, Rule
from panosc.ingest.profiles.filling import OF_LIST, filling
from panosc.ingest.profiles.model import ProfileDocument, RulePart
from panosc.ingest.profiles.outside.people import ProposalList
from panosc.ingest.profiles.outside.troubles import Troubles
from panosc.ingest.profiles.paths.patterns import PathPattern, names_pattern
from panosc.ingest.profiles.paths.sources import source_of
from panosc.ingest.profiles.site import SiteProfile, SiteRule
from panosc.ingest.profiles.telling import teller_of

QUIET_S = 60.0
"""How long a dataset of many files has to be quiet when its rule says nothing of it."""


def ready(
    document: ProfileDocument, *, folder: Path, groupings: Mapping[str, Grouping]
) -> SiteProfile:
    """Return the profile; its list of proposals is looked for from `folder`."""
    troubles = Troubles()
    patterns = {rule.name: names_pattern(rule.path) for rule in document.rules}
    proposals = document.proposals
    return SiteProfile(
        name=document.profile,
        title=document.title,
        time_zone=document.time_zone,
        facility=document.facility,
        probe=document.probe,
        rules=tuple(
            _rule(part, document, patterns, groupings[part.group]) for part in document.rules
        ),
        tellers=tuple(teller_of(part, troubles) for part in document.tiers),
        proposals=None
        if proposals is None
        else ProposalList(path=folder / proposals, troubles=troubles),
        troubles=troubles,
    )


def _rule(
    part: RulePart,
    document: ProfileDocument,
    patterns: Mapping[str, PathPattern],
    grouping: Grouping,
) -> SiteRule:
    own = patterns[part.name]
    completion = completion_of(part, grouping)
    return SiteRule(
        rule=Rule(
            name=part.name,
            grouping=grouping,
            options=part.options,
            completion=completion,
            kind=part.kind,
        ),
        pattern=own,
        filling=filling(part, [*own.names, *([OF_LIST] if document.proposals else [])]),
        marker=None if completion.marker is None else own.beside(completion.marker),
        side=part.side,
        derived_from=tuple(
            source_of(text, own=own, patterns=patterns) for text in part.derived_from
        ),
        skip=part.skip,
    )


def completion_of(part: RulePart, grouping: Grouping) -> Completion:
    """Return when a dataset of a rule is whole; if the rule says nothing, after a quiet minute."""
    said = part.complete
    if said is None:
        return Completion(quiet_s=QUIET_S) if grouping.waits else Completion(at_once=True)
    return Completion(
        at_once=said.at_once, quiet_s=said.quiet, marker=said.marker, end_time=said.end_time
    )
