"""From the text of a site profile to the profile, or to all that is wrong with it.

Every fault has its line, the key it is about, and what was probably meant. What a document may say
is `model`.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from panosc import plugins
from panosc.domain.errors import Invalid
from panosc.ingest.grouping import Grouping
from panosc.ingest.profiles.building import ready
from panosc.ingest.profiles.filling import OF_LIST, Fault, faults_of
from panosc.ingest.profiles.model import ProfileDocument, RulePart
from panosc.ingest.profiles.outside.people import WrongList, read_list
from panosc.ingest.profiles.paths.patterns import PathPattern, covers, names_pattern
from panosc.ingest.profiles.paths.sources import WrongSource, source_of
from panosc.ingest.profiles.paths.spelling import WrongPattern
from panosc.ingest.profiles.site import SiteProfile
from panosc.ingest.profiles.telling import tier_faults
from panosc.policy.written import checking
from panosc.policy.written.checking import Checked, refused

COMMAND = "panosc ingest check-profile FILE"


def check(text: bytes, *, file: str, folder: Path | None = None) -> Checked[ProfileDocument]:
    """Return the document in `text`, or everything that is wrong with it.

    `folder` is what its list of proposals is looked for in; without one it is not looked for.
    """

    def further(document: ProfileDocument) -> Iterator[Fault]:
        return contradictions(document, folder)

    return checking.check_as(ProfileDocument, text, file=file, further=further)


def check_file(path: Path) -> Checked[ProfileDocument]:
    """Do the same for a file; one that cannot be read is a fault like another."""

    def further(document: ProfileDocument) -> Iterator[Fault]:
        return contradictions(document, path.absolute().parent)

    return checking.check_file_as(ProfileDocument, path, further=further)


def profile_in(path: Path) -> SiteProfile:
    """Return the profile in a file.

    Raises
    ------
    Invalid
        With every fault, if it is none.
    """
    checked = check_file(path)
    if checked.document is None:
        raise refused(checked.faults, by=COMMAND)
    return ready(checked.document, folder=path.absolute().parent, groupings=groupings())


@lru_cache(maxsize=1)
def groupings() -> Mapping[str, Grouping]:
    """Return the ways of grouping that are installed, by name."""
    return {name: kind() for name, kind in plugins.load("panosc.grouping").found.items()}


def contradictions(document: ProfileDocument, folder: Path | None) -> Iterator[Fault]:
    """Yield where the parts of a profile do not go together: (where, what)."""
    yield from _zone(document)
    patterns: dict[str, PathPattern] = {}
    for index, rule in enumerate(document.rules):
        place = ("rules", index)
        if rule.name in patterns:
            yield (*place, "name"), f"“{rule.name}” is the name of an earlier rule, too"
        try:
            patterns[rule.name] = names_pattern(rule.path)
        except WrongPattern as error:
            yield (*place, "path"), str(error)
    for index, rule in enumerate(document.rules):
        for where, what in _rule(rule, document, patterns):
            yield ("rules", index, *where), what
    yield from _unreachable(document.rules, patterns)
    yield from tier_faults(document)
    if document.proposals is not None and folder is not None:
        yield from _list(folder / document.proposals, document)


def _zone(document: ProfileDocument) -> Iterator[Fault]:
    name = document.time_zone
    if name is None:
        return
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        known = available_timezones()
        close = difflib.get_close_matches(name, known, n=1) or [
            zone for zone in sorted(known) if zone.lower().endswith(f"/{name.lower()}")
        ]
        meant = f"; did you mean {close[0]}" if close else ", such as Europe/Paris"
        yield ("time_zone",), f"“{name[:40]}” is no time zone{meant}"


def _rule(
    rule: RulePart, document: ProfileDocument, patterns: Mapping[str, PathPattern]
) -> Iterator[Fault]:
    own = patterns.get(rule.name)
    yield from _grouping(rule)
    yield from _completion(rule, own)
    if rule.skip:
        given = rule.model_fields_set - {"name", "path", "skip"}
        for name in sorted(given):
            yield (name,), "says nothing where the rule leaves the files alone (skip: true)"
        return
    for index, name in enumerate(rule.side):
        if "/" in name or name in {".", ".."}:
            yield ("side", index), f"“{name[:60]}” has to be the name of a file, without folders"
    if own is None:
        return
    names = [*own.names, *([OF_LIST] if document.proposals else [])]
    for where, what in faults_of(rule.set, names):
        yield ("set", *_shown(where, rule)), what
    for index, text in enumerate(rule.derived_from):
        try:
            source_of(text, own=own, patterns=patterns)
        except WrongSource as error:
            yield ("derived_from", index), str(error)


def _shown(where: tuple[str | int, ...], rule: RulePart) -> tuple[str | int, ...]:
    """Return the place in the document: one text is written without a list."""
    texts = getattr(rule.set, str(where[0]))
    is_alone = isinstance(texts, tuple) and len(texts) == 1
    return where[:1] if is_alone else where


def _grouping(rule: RulePart) -> Iterator[Fault]:
    known = groupings()
    grouping = known.get(rule.group)
    if grouping is None:
        close = difflib.get_close_matches(rule.group, known, n=1)
        meant = f"; did you mean {close[0]}" if close else ""
        yield (
            ("group",),
            f"“{rule.group[:40]}” is no grouping{meant}; there is {', '.join(known)}",
        )
        return
    try:
        grouping.check(rule.options)
    except Invalid as error:
        option = error.field if error.field in rule.options else None
        yield (("options",) if option is None else ("options", option)), error.detail.rstrip(".")


def _completion(rule: RulePart, own: PathPattern | None) -> Iterator[Fault]:
    part = rule.complete
    if part is None:
        return
    others = [name for name in ("quiet", "marker", "end_time") if getattr(part, name)]
    if part.at_once and others:
        yield ("complete",), f"is at once, so that {', '.join(others)} would never count"
    if not part.at_once and not others:
        yield ("complete",), "says nothing; allowed are at once, or quiet, marker, end_time"
    if part.marker is None or own is None:
        return
    grouping = groupings().get(rule.group)
    if grouping is not None and not grouping.waits:
        yield ("complete", "marker"), f"is for datasets of many files; group {rule.group} has none"
    try:
        own.beside(part.marker)
    except WrongPattern as error:
        yield ("complete", "marker"), str(error)


def _unreachable(rules: Sequence[RulePart], patterns: Mapping[str, PathPattern]) -> Iterator[Fault]:
    for index, rule in enumerate(rules):
        later = patterns.get(rule.name)
        if later is None:
            continue
        for first in rules[:index]:
            earlier = patterns.get(first.name)
            if earlier is not None and first.name != rule.name and covers(earlier, later):
                what = f"is never reached: rule {first.name} ({first.path}) takes all its files"
                yield ("rules", index, "path"), f"{what}; put this rule before it"
                break


def _list(path: Path, document: ProfileDocument) -> Iterator[Fault]:
    if all(rule.set.proposal is None for rule in document.rules):
        yield ("proposals",), "is of no use: no rule sets the proposal of its datasets"
    try:
        read_list(path)
    except OSError as error:
        yield ("proposals",), f"names {path.name}, which cannot be read: {error.strerror}"
    except WrongList as error:
        yield ("proposals",), f"names {path.name}, {error}"
