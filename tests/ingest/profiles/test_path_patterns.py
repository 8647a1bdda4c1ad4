"""Patterns of paths: they agree with a slow reading of what they mean, and faults are explained."""

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panosc.ingest.profiles.paths.patterns import covers, names_pattern, pattern, readable
from panosc.ingest.profiles.paths.spelling import WrongPattern

# ---- a slow oracle: it never builds an expression, it tries every way to cut a path ------------

DEEP = "**"


def cuts(tokens, name, is_first=True):
    """Every way in which the tokens of one segment make up a name: what the holes stand for."""
    if not tokens:
        if not name:
            yield {}
        return
    kind, *rest = tokens[0]
    is_bare = is_first and (len(tokens) == 1 or tokens[1][:2] == ("text", ".x"))
    for length in range(len(name), -1, -1):
        part, left = name[:length], name[length:]
        is_hidden = is_first and part.startswith(".")
        fits = {
            "text": lambda part=part: part == rest[0],
            "star": lambda part=part, hidden=is_hidden: not hidden and bool(part or not is_bare),
            "one": lambda part=part, hidden=is_hidden: len(part) == 1 and not hidden,
            "hole": lambda part=part, hidden=is_hidden: fills(rest[1], part, hidden),
        }[kind]
        if fits():
            for found in cuts(tokens[1:], left, is_first=False):
                yield ({rest[0]: part} if kind == "hole" else {}) | found


def fills(regex, part, is_hidden):
    if regex is None:
        return bool(part) and not is_hidden
    return re.fullmatch(regex, part) is not None


def walk(segments, names):
    """Every way in which segments make up names: what the holes stand for."""
    if not segments:
        if not names:
            yield {}
        return
    if segments[0] == DEEP:
        is_last = len(segments) == 1
        for count in range(len(names), -1, -1):
            skipped = names[:count]
            if any(name.startswith(".") for name in skipped) or (is_last and not count):
                continue
            yield from walk(segments[1:], names[count:])
        return
    if names:
        for values in cuts(segments[0], names[0]):
            for found in walk(segments[1:], names[1:]):
                yield values | found


def oracle(segments, names, *, is_absolute):
    while len(segments) > 1 and segments[0] == DEEP and not is_absolute:
        segments = segments[1:]
    fixed = segments.index(DEEP) if DEEP in segments else len(segments) - 1
    for before in range(1 if is_absolute else len(names) + 1):
        for values in walk(segments, names[before:]):
            return values, before + fixed
    return None


# ---- ------------------------------------------------------------------------------------------

TEXTS = ["a", "b", "ab", "1", "_", ".x", "r"]
NAMES = ["a", "b", "ab", "a1", "1", "r1", "r12", "a_b", ".a", "a.x", "1.x", ".x", "ab_1.x", "é"]
HOLES = [None, r"\d+", r"[^_]+", r".+", r"[ab]*", r"\D*", r"(a|b)+"]


def spelt(token):
    kind, *rest = token
    if kind == "hole":
        return f"{{{rest[0]}}}" if rest[1] is None else f"{{{rest[0]}:{rest[1]}}}"
    return {"text": "".join(rest), "star": "*", "one": "?"}[kind]


@st.composite
def patterns(draw):
    count = draw(st.integers(1, 4))
    holes = iter("abcdefghijklmnopq")
    segments = []
    for index in range(count):
        if draw(st.integers(0, 4)) == 0 and segments[-1:] != [DEEP]:
            segments.append(DEEP)
            continue
        tokens = []
        for _ in range(draw(st.integers(1, 3))):
            kind = draw(st.sampled_from(["text", "text", "star", "one", "hole"]))
            if tokens and kind == tokens[-1][0] and kind in {"text", "star"}:
                continue
            if kind == "text":
                tokens.append(("text", draw(st.sampled_from(TEXTS))))
            elif kind == "hole":
                tokens.append(("hole", next(holes), draw(st.sampled_from(HOLES))))
            else:
                tokens.append((kind,))
        segments.append(tokens)
        assert index >= 0
    text = "/".join(DEEP if s == DEEP else "".join(map(spelt, s)) for s in segments)
    is_absolute = draw(st.booleans())
    return segments, ("/" if is_absolute else "") + text, is_absolute


@st.composite
def met(draw):
    """A pattern, and a path that has good chances to fit it, perhaps in more ways than one."""
    made = draw(patterns())
    some = st.lists(st.sampled_from(NAMES), max_size=2)
    names = draw(some)
    for _ in range(draw(st.integers(1, 2))):
        for segment in made[0]:
            if segment == DEEP:
                names += draw(some)
            else:
                names.append("".join(draw(of_token(token)) for token in segment) or "a")
    return made, names or ["a"]


def of_token(token):
    if token[0] == "text":
        return st.just(token[1])
    return st.sampled_from(["a", "b", "1", "12", "a_b", ".a", "", "r1"])


@settings(max_examples=500, deadline=None)
@given(met())
def test_a_pattern_agrees_with_a_slow_reading_of_it(found_and_names):
    (segments, text, is_absolute), names = found_and_names
    try:
        compiled = pattern(text)
    except WrongPattern as error:
        assert "fixes no folder" in str(error) or "no folder is called" in str(error)  # noqa: PT017
        return
    if segments == [DEEP] and not is_absolute:
        segments = [[("star",)]]
    found = compiled.fit("/" + "/".join(names))
    expected = oracle(segments, names, is_absolute=is_absolute)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (dict(found.values), found.depth) == expected


@settings(max_examples=200, deadline=None)
@given(patterns(), patterns(), st.lists(st.sampled_from(NAMES), min_size=1, max_size=5))
def test_what_covers_another_pattern_takes_all_its_files(first, later, names):
    try:
        one, other = pattern(first[1]), pattern(later[1])
    except WrongPattern:
        return
    path = "/" + "/".join(names)
    if covers(one, other) and other.fit(path) is not None:
        assert one.fit(path) is not None, (first[1], later[1])


@pytest.mark.parametrize(
    ("first", "later", "expected"),
    [
        ("*", "a/b.h5", True),
        ("**/*", "a/{x}/**", True),
        ("{any}", "*.h5", True),
        ("a/**", "q/a/b/**", True),
        ("a/**", "b/**", False),
        ("r{run:\\d+}/**", "raw/r{number:\\d+}/*.h5", True),
        ("r{run:\\d+}/**", "raw/r{number}/*.h5", False),
        ("*.h5", "a/*.h5", True),
        ("*.h5", "a/*.nxs", False),
        ("/data/**", "/data/x/*", True),
        ("/data/**", "data/x/*", False),
        ("a/*.h5", "a/**/*.h5", False),
    ],
)
def test_covering(first, later, expected):
    assert covers(pattern(first), pattern(later)) is expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1 to 500"),
        ("a/", "/**"),
        ("a//b", "can never match"),
        ("a/../b", "can never match"),
        ("raw**/x", "whole folders"),
        ("{run", "without its }"),
        ("run}", "without its {"),
        ("{Run No}", "{run_no}"),
        ("{x:[}", "missing ]"),
        ("{x:(?<!a)b}", "invalid"),
        ("{x:a/b}", "one folder or file"),
        ("{x:^a}", "all of its place"),
        ("{x:(?P<y>a)}", "named group"),
        ("{x:[!-~]+}", "slash"),
        (r"{x:\x2f}", "slash"),
        (r"{x:\057}", "slash"),
        (r"{x:\Qa}", "cannot be used"),
        ("{x:}", "no expression"),
        ("{x}/{x}", "twice"),
        ("{x}/**", "fixes no folder"),
        ("*.tmp", "can never match"),
        (".data", "can never match"),
        ("a\x07b", "control"),
    ],
)
def test_what_is_wrong_with_a_pattern_is_said(text, says):
    with pytest.raises(WrongPattern) as caught:
        names_pattern(text)
    assert says in str(caught.value)


def test_a_placeholder_never_reaches_over_a_slash():
    for regex in (".*", r"[^x]*", r"\D*", r"\S*", r"\W*", r"\PN*", "(.|a)*", "[^]]*"):
        found = pattern("/{x:" + regex + "}")
        assert found.fit("/a/b") is None, regex


@pytest.mark.parametrize(
    ("text", "path", "depth"),
    [
        ("a/**", "/q/a/x/a/y.h5", 2),
        ("a/**/y.h5", "/a/x/a/y.h5", 1),
        ("/q/**", "/q/a/q/y.h5", 1),
        ("a/{x}/*.h5", "/a/b/a/b/y.h5", 4),
    ],
)
def test_the_outermost_folder_that_fits_is_the_one_that_is_meant(text, path, depth):
    assert pattern(text).fit(path).depth == depth


def test_braces_can_be_written():
    found = pattern("{{x}}_{y}.h5").fit("/a/{x}_1.h5")
    assert found is not None
    assert found.values == {"y": "1"}


def test_names_that_are_no_utf_8_are_matched_all_the_same():
    path = PurePosixPath("/a/r\udce9sultat.h5")
    assert readable(path) == "/a/r\N{REPLACEMENT CHARACTER}sultat.h5"
    assert pattern("*.h5").fit(readable(path)) is not None


def test_a_hostile_expression_takes_no_time():
    found = pattern("{x:(a+)+b}")
    assert found.fit("/" + "a" * 20_000) is None
