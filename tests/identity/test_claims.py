"""Claims from outside: nothing raises, and nobody is given more than the rules say."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc.domain.errors import Invalid
from panosc.identity.claims import (
    LONGEST_VALUE,
    MOST_VALUES,
    check,
    granted,
    orcid,
    own_name,
    own_orcid,
    plain,
)
from panosc.settings import GroupRule, Provider

NSS = "urn:geant:panosc.example"
RULES = (
    GroupRule(entitlement=f"{NSS}:group:vo", group="everyone"),
    GroupRule(
        entitlement=f"{NSS}:group:vo:d22", group="instrument:d22", role="instrument_scientist"
    ),
    GroupRule(entitlement=f"{NSS}:group:vo:role=admin", group="node", role="administrator"),
    GroupRule(entitlement=f"{NSS}:sub:group:admin", group="node", role="steward"),
    GroupRule(entitlement=f"{NSS}:group:a%3Ab", group="odd"),
)
PROVIDER = Provider(name="p", title="P", issuer="https://p.example", client_id="x", groups=RULES)
EVERYONE, D22 = ("team", "everyone"), ("instrument_scientist", "instrument:d22")
ADMIN, STEWARD, ODD = ("administrator", "node"), ("steward", "node"), ("team", "odd")


def held(value, claim="eduperson_entitlement"):
    return granted(PROVIDER, {claim: value}).held


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{NSS}:group:vo", {EVERYONE}),
        (f"{NSS}:group:vo#aai.example", {EVERYONE}),
        ("URN:GEANT:PanOSC.Example:group:vo", {EVERYONE}),
        ([f"{NSS}:group:vo"], {EVERYONE}),
        (f"{NSS}:group:vo:d22", {EVERYONE, D22}),
        (f"{NSS}:group:vo:d22:deep:role=member#aai.example", {EVERYONE, D22}),
        (f"{NSS}:group:vo:role=member", {EVERYONE}),
        (f"{NSS}:group:vo:role=admin", {EVERYONE, ADMIN}),
        (f"{NSS}:group:vo:role=admin#aai.example", {EVERYONE, ADMIN}),
        # the older recommendation, encoded as a whole
        (quote(f"{NSS}:group:vo:role=admin#aai.example", safe=""), {EVERYONE, ADMIN}),
        (f"{NSS}:group:%76o", {EVERYONE}),
        (f"{NSS}:group:a%3ab", {ODD}),
        (f"{NSS}:group:a%3Ab", {ODD}),
        # a role in a group beneath is not one in the group
        (f"{NSS}:group:vo:d22:role=admin", {EVERYONE, D22}),
        # names are told apart by case, the namespace is not
        (f"{NSS}:group:VO", set()),
        (f"{NSS}:group:vo:role=Admin", {EVERYONE}),
        (f"{NSS}.evil:group:vo", set()),
        (f"{NSS}:more:group:vo", set()),
        ("urn:geant:group:vo", set()),
        # a group of another that looks like the namespace of a rule
        (f"{NSS}:sub:group:x:group:admin", set()),
        (f"{NSS}:group:sub:group:admin", set()),
        (f"{NSS}:group:x:sub:group:admin", set()),
        # an encoded separator stays part of a name
        (f"{NSS}:group:vo%3Arole%3Dadmin", set()),
        (f"{NSS}:group:vo%3Ad22", set()),
        (f"{NSS}:group:x:role=member:role=admin", set()),
        (f"{NSS}:group:a:b", set()),
        (f"{NSS}#x:group:vo", set()),
        (f"{NSS}?=x:group:vo", set()),
        ("urn:mace:egi.eu:aai.egi.eu:member@vo", set()),
        ("", set()),
        (None, set()),
        (7, set()),
        ({"a": f"{NSS}:group:vo"}, set()),
        ([[f"{NSS}:group:vo"]], set()),
        (f"{NSS}:group:vo\n", set()),
        (f" {NSS}:group:vo", set()),
    ],
)
def test_rules_are_met_by_what_they_say_and_nothing_else(value, expected):
    assert held(value) == expected
    assert held(value, "entitlements") == expected
    assert held(value, "groups") == set()


def test_what_is_not_understood_is_told():
    values = ["urn:mace:x:y", f"{NSS}:group:vo", "urn:mace:x:y", "\0\x1b[31mred"]
    found = granted(PROVIDER, {"eduperson_entitlement": values})
    assert found.held == {EVERYONE}
    assert found.ignored == ("urn:mace:x:y", "[31mred")


def test_more_than_anyone_has_is_not_looked_at():
    many = [f"{NSS}:group:x{number}" for number in range(MOST_VALUES)]
    assert held([*many, f"{NSS}:group:vo"]) == set()
    long = f"{NSS}:group:vo:{'x' * LONGEST_VALUE}"
    assert held(long) == set()
    assert held(":group:" * 100_000) == set()


# An oracle of its own: split at colons, decode each piece, compare lists.
WORDS = ["vo", "d22", "admin", "sub", "group", "role=admin", "role=member", "a%3Ab", "VO", "x", ""]
urns = st.builds(
    lambda head, space, words, authority: ":".join([head, "geant", *space, *words]) + authority,
    st.sampled_from(["urn", "URN", "urn%3A", "x"]),
    st.lists(st.sampled_from(["panosc.example", "sub", "group", "evil"]), max_size=3),
    st.lists(st.sampled_from(WORDS), max_size=5).map(lambda words: ["group", *words]),
    st.sampled_from(["", "#aai.example", "#", "?=q", "%00"]),
)


def allowed(text):
    """Return the most that the rules give for a text, read as plainly as can be."""
    plain_text = unquote(text) if text[:6].lower() == "urn%3a" else text
    body = plain_text.partition("#")[0]
    head, _, tail = body.partition(":group:")
    space = head.lower().split(":")
    names = tail.split(":")
    role = names.pop()[len("role=") :] if names[-1].startswith("role=") else None
    path = [unquote(name) for name in names]
    found = set()
    if space == ["urn", "geant", "panosc.example"]:
        if path[:1] == ["vo"]:
            found.add(EVERYONE)
        if path[:2] == ["vo", "d22"]:
            found.add(D22)
        if path == ["vo"] and role == "admin":
            found.add(ADMIN)
        if path[:1] == ["a:b"]:
            found.add(ODD)
    if space == ["urn", "geant", "panosc.example", "sub"] and path[:1] == ["admin"]:
        found.add(STEWARD)
    return found


@given(st.lists(urns | st.text(max_size=60), max_size=6))
def test_never_more_than_the_rules_say(values):
    assert held(values) <= set().union(*(allowed(value) for value in values))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | urns,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["eduperson_entitlement", "entitlements", "orcid", "name", "given_name", "email", "sub"]


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(), anything, max_size=8))
def test_nothing_raises_whatever_a_claim_is(claims):
    found = granted(PROVIDER, claims)
    for text in (own_name(claims), plain(claims.get("email")), *found.ignored):
        assert text is None or ((text.isprintable() or text.strip()) and len(text) <= 1000)
        if text is not None:
            text.encode()
            assert "\0" not in text
    found_orcid = own_orcid(claims)
    assert found_orcid is None or len(found_orcid) == 19


@pytest.mark.parametrize(
    "text",
    [
        "0000-0002-1694-233X",
        "0000-0002-1694-233x",
        "000000021694233X",
        "https://orcid.org/0000-0002-1694-233X",
        "http://orcid.org/0000-0002-1694-233x/",
        "orcid.org/0000-0002-1694-233X",
        "HTTPS://ORCID.ORG/0000-0002-1694-233X",
        ["0000-0002-1694-233X"],
        ["nonsense", 7, " https://orcid.org/0000-0002-1694-233X "],
    ],
)
def test_orcid_in_all_its_spellings(text):
    assert orcid(text) == "0000-0002-1694-233X"


@pytest.mark.parametrize(
    "text",
    [
        "0000-0002-1694-2331",
        "0000-0002-1694-2330",
        "0000-0002-1825-009",
        "https://evil.example/0000-0002-1694-233X",
        "x0000-0002-1694-233X",
        "\u0660000-0002-1694-233X",
        "",
        None,
        {},
        [],
        [[]],
        7,
    ],
)
def test_what_is_no_orcid(text):
    assert orcid(text) is None


def test_check_digit_finds_every_single_mistake():
    good = "0000-0002-1825-0097"
    assert orcid(good) == good
    for place, digit in enumerate(good):
        for other in "0123456789":
            if digit not in {"-", other}:
                assert orcid(good[:place] + other + good[place + 1 :]) is None


@pytest.mark.parametrize(
    "rule",
    [
        GroupRule(entitlement="urn:mace:x:y", group="g"),
        GroupRule(entitlement=f"{NSS}:group:a", group="g", role="steward"),
        GroupRule(entitlement=f"{NSS}:group:a", group="node", role="pi"),
        GroupRule(entitlement=f"{NSS}:group:a", group="g", role="cook"),
        GroupRule(entitlement=f"{NSS}:group:a", group=""),
        GroupRule(entitlement=f"{NSS}:group:a", group="person:u-aaaaaaaaaaaaaaaa"),
        GroupRule(entitlement=f"{NSS}:group:a", group="link:00"),
        GroupRule(entitlement=f"{NSS}:group:a", group="g\x1fsteward node"),
    ],
)
def test_rules_that_cannot_be_used_are_refused(rule):
    check([PROVIDER])
    with pytest.raises(Invalid, match="provider p cannot be used"):
        check([PROVIDER.model_copy(update={"groups": (rule,)})])
