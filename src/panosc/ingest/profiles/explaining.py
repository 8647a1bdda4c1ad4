"""What a profile makes of a path, step by step and in words: for `panosc ingest --explain`."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from panosc.ingest.profiles import Completion, Match
from panosc.ingest.profiles.paths.patterns import PathPattern, is_left_alone, of_spelling, readable
from panosc.ingest.profiles.paths.spelling import DEEP, Spelling, WrongPattern

if TYPE_CHECKING:
    from panosc.ingest.profiles.site import SiteProfile, SiteRule

Step = tuple[str, str]


def explained(profile: "SiteProfile", path: PurePosixPath) -> list[Step]:
    """Return, step by step, (what was asked, what came of it)."""
    steps = [("profile", f"{profile.name}: {profile.title}"), ("path", str(path))]
    text = readable(path)
    is_alone = profile.is_left_alone(path.name)
    if is_alone:
        steps.append(("name", _alone(path.name)))
    for rule in profile.rules:
        found = profile.taken(rule, path, text, is_alone=is_alone)
        if found is None:
            if not is_alone:
                steps.append((f"rule {rule.rule.name}", _why_not(rule, text)))
            continue
        words = f"{'its marker' if _is_marker(found.match) else 'it'} fits {rule.pattern.text}"
        if found.match is None:
            steps.append((f"rule {rule.rule.name}", f"{words}; it leaves these files alone"))
            return [*steps, ("result", "left alone: it becomes no data")]
        steps.append((f"rule {rule.rule.name}", words))
        return [*steps, *_taken(profile, rule, found.match, str(path))]
    return [*steps, ("result", "left alone: no rule takes it")]


def completed(completion: Completion) -> str:
    """Say in words when a dataset is taken to be whole."""
    if completion.at_once:
        return "at once"
    ways = []
    if completion.marker:
        ways.append(f"when {completion.marker} is there")
    if completion.end_time:
        ways.append("when its leading file says when it ended")
    if completion.quiet_s is not None:
        ways.append(f"after {completion.quiet_s:g} s without a change")
    return ", or ".join(ways) or "when somebody says so"


def _taken(profile: "SiteProfile", rule: "SiteRule", match: Match, path: str) -> Iterator[Step]:
    grouping = rule.rule.grouping
    for name in rule.pattern.names:
        if name in match.values:
            yield f"{{{name}}}", match.values[name]
    yield "grouping", grouping.name
    yield "place", match.place.key.replace("\x1f", " … ")
    if match.is_marker:
        yield "result", "a marker: the dataset at this place is whole; it is no data itself"
        return
    yield "file name in the dataset", match.name
    yield "complete", completed(rule.rule.completion)
    if rule.rule.kind:
        yield "kind", rule.rule.kind
    told = profile.told(match)
    for item in fields(told):
        value = getattr(told, item.name)
        if value and item.name not in {"origins", "kind"}:
            yield item.name, f"{_shown(value)} ({told.origins.get(item.name, 'profile')})"
    for name in ("facility", "time_zone", "probe"):
        if getattr(profile, name) and not getattr(told, name, None):
            yield name, f"{getattr(profile, name)} (profile, where the file says nothing)"
    (tier,) = profile.tiers([path])
    yield "tier", f"{tier} ({_tier_said(profile, path, tier)})"
    for place, reason in profile.troubles.take():
        yield "trouble", f"{place}: {reason}"


def _tier_said(profile: "SiteProfile", path: str, tier: str) -> str:
    for teller in profile.tellers:
        if teller.tell((path,))[0] == tier:
            return teller.words
    return "nothing says otherwise" if profile.tellers else "the profile tells no tiers"


def _alone(name: str) -> str:
    if is_left_alone(name):
        return "hidden, or not finished by its writer: no rule takes it, but as a marker"
    return "a side file, which says something of a dataset: no rule takes it, but as a marker"


def _why_not(rule: "SiteRule", text: str) -> str:
    if rule.pattern.fit(text) is not None:
        return f"fits, but grouping {rule.rule.grouping.name} has no place for it"
    return f"does not fit: {_misfit(rule.pattern, text)}"


def _misfit(wanted: PathPattern, text: str) -> str:
    """Say which part of the pattern is not met, counted from the file."""
    written, spelling = wanted.text, wanted.spelling
    names = text.strip("/").split("/")
    for length in range(1, len(spelling.segments) + 1):
        tail = spelling.segments[-length:]
        if DEEP in tail:
            return _missing_folders(spelling, text, written)
        shorter = _fits(tail, text, names[-length:])
        if not shorter and length > len(names):
            return f"the path has only {len(names)} names, the pattern {length}"
        if not shorter:
            return f"“{names[-length]}” is not {_wanted(written, -length)}"
    return "it begins elsewhere: the pattern is about the whole path"


def _missing_folders(spelling: Spelling, text: str, written: str) -> str:
    for length in range(1, len(spelling.fixed) + 1):
        folders = Spelling(segments=(*spelling.fixed[-length:], DEEP), is_absolute=False)
        if not _found(folders, text):
            wanted = _wanted(written, len(spelling.fixed) - length)
            return (
                f"no folder of it is {wanted}" if length == 1 else f"no folder before is {wanted}"
            )
    return "what follows the folders is another"


def _wanted(written: str, index: int) -> str:
    # a slash in braces would be refused, so that slashes part names
    names = written.strip("/").removeprefix("**/").split("/")
    return names[index]


def _fits(tail: tuple[Any, ...], text: str, names: list[str]) -> bool:
    return len(names) == len(tail) and _found(Spelling(segments=tail, is_absolute=False), text)


def _found(spelling: Spelling, text: str) -> bool:
    try:
        return of_spelling(spelling).fit(text) is not None
    except WrongPattern:
        return False


def _is_marker(match: Match | None) -> bool:
    return match is not None and match.is_marker


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(_shown(item) for item in value)
    if isinstance(value, str):
        return value
    said = {item.name: getattr(value, item.name) for item in fields(value)}
    unit = said.get("unit")
    if "value" in said:
        return f"{said['name']} = {said['value']}{f' {unit}' if unit else ''}"
    return ", ".join(str(part) for part in said.values() if part)
