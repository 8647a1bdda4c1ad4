"""What a login provider says of a person: plain values, ORCID, and group URNs against rules.

Claims come from outside and may be anything: nothing here raises on them, and what is not
understood is kept as text to be shown. A URN grants what a rule says and nothing else. Which
account that is, is `accounts`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aarc_entitlement import G002, G069, Error

from panosc.domain.access import GROUP_ROLES, NODE_GROUP, NODE_ROLES
from panosc.domain.errors import Invalid
from panosc.settings import GroupRule, Provider

MOST_VALUES = 2000
"""Group URNs that are looked at; more than any community gives one person."""
LONGEST_VALUE = 1000
MOST_SHOWN = 50
ORCID_CLAIMS = ("orcid", "eduperson_orcid", "voperson_orcid")
_LONGEST_NAME = 200
_RESERVED = ("person:", "link:")
_ORCID = re.compile(
    r"(?:https?://)?(?:www\.)?(?:orcid\.org/)?(\d{4}-?\d{4}-?\d{4}-?\d{3}[\dX])/?", re.IGNORECASE
)
# what a database, JSON or a page cannot hold
_UNUSABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_MODULUS, _TEN = 11, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What the group URNs of one login amount to."""

    held: frozenset[tuple[str, str]] = frozenset()
    """(role, group)"""
    ignored: tuple[str, ...] = ()
    """Values that are no group URN, or one that can be read in two ways."""


@dataclass(frozen=True, slots=True)
class _Urn:
    """A group URN in parts, decoded: a namespace, a path of groups, a role in the last."""

    namespace: tuple[str, ...]
    path: tuple[str, ...]
    role: str | None


def plain(value: Any, *, longest: int = _LONGEST_NAME) -> str | None:
    """Return a claim as a short text; None for anything that is not one."""
    if not isinstance(value, str):
        return None
    return _UNUSABLE.sub("", value[: longest * 4]).strip()[:longest] or None


def texts(value: Any) -> Iterator[str]:
    """Yield the texts of a claim that is one, or a list of some; not more than `MOST_VALUES`."""
    items = value[:MOST_VALUES] if isinstance(value, list | tuple) else (value,)
    return (item for item in items if isinstance(item, str))


def orcid(value: Any) -> str | None:
    """Return an ORCID iD as its digits, from any of its spellings, also in a list.

    Examples
    --------
    >>> orcid(["http://orcid.org/0000-0002-1694-233x"])
    '0000-0002-1694-233X'
    >>> orcid("0000-0002-1694-2331") is None
    True
    """
    for text in texts(value):
        match = _ORCID.fullmatch(text[:_LONGEST_NAME].strip())
        digits = match[1].replace("-", "").upper() if match and match[1].isascii() else ""
        if digits and _check_digit(digits[:-1]) == digits[-1]:
            return "-".join(digits[start : start + 4] for start in range(0, 16, 4))
    return None


def _check_digit(digits: str) -> str:
    """Return the check digit of ISO 7064 MOD 11-2."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    result = (_MODULUS + 1 - total % _MODULUS) % _MODULUS
    return "X" if result == _TEN else str(result)


def own_orcid(claims: Mapping[str, Any]) -> str | None:
    """Return the ORCID iD in whichever claim holds one."""
    return next((found for name in ORCID_CLAIMS if (found := orcid(claims.get(name)))), None)


def own_name(claims: Mapping[str, Any]) -> str | None:
    """Return what a person is called."""
    parts = (plain(claims.get("given_name")), plain(claims.get("family_name")))
    both = " ".join(part for part in parts if part)
    return plain(claims.get("name")) or both or plain(claims.get("preferred_username"))


def granted(provider: Provider, claims: Mapping[str, Any]) -> Grants:
    """Return what the group URNs in `claims` give by the rules of `provider`.

    A rule for a group is met by whoever is in it or in one of its subgroups, in whatever role;
    one with a role only by whoever has that role in exactly that group. The namespace has to be
    the same, not merely begin alike: a group may be named so that it looks like one.
    """
    rules = _rules(provider.groups)
    held: set[tuple[str, str]] = set()
    ignored: list[str] = []
    for value in _entitlements(provider, claims):
        urn = _parsed(value)
        if urn is None:
            ignored.append(plain(value) or "")
            continue
        held |= {(rule.role, rule.group) for wanted, rule in rules if _meets(urn, wanted)}
    shown = dict.fromkeys(text for text in ignored if text)
    return Grants(held=frozenset(held), ignored=tuple(shown)[:MOST_SHOWN])


def check(providers: Iterable[Provider]) -> None:
    """Refuse rules that no one could ever meet or that give a role that does not exist.

    Raises
    ------
    Invalid
        With the provider and the rule.
    """
    for provider in providers:
        for rule in provider.groups:
            roles = NODE_ROLES if rule.group == NODE_GROUP else GROUP_ROLES
            # names of persons and links are readers, too, and a control character parts names
            is_name = plain(rule.group) == rule.group and not rule.group.startswith(_RESERVED)
            if rule.role not in roles or not is_name or _parsed(rule.entitlement) is None:
                raise Invalid(
                    f"A rule of the provider {provider.name} cannot be used: {rule.entitlement!r} "
                    f"gives {rule.role!r} in the group {rule.group!r}.",
                    field="providers.groups",
                    hint="The entitlement is a group URN (AARC-G069); the role one of "
                    f"{', '.join(sorted(roles))}; the group a plain name without person: or "
                    "link: before it.",
                )


def _rules(rules: tuple[GroupRule, ...]) -> list[tuple[_Urn, GroupRule]]:
    return [(urn, rule) for rule in rules if (urn := _parsed(rule.entitlement)) is not None]


def _entitlements(provider: Provider, claims: Mapping[str, Any]) -> list[str]:
    values = (text for name in provider.group_claims for text in texts(claims.get(name)))
    return list(dict.fromkeys(values))[:MOST_VALUES]


def _meets(urn: _Urn, wanted: _Urn) -> bool:
    if urn.namespace != wanted.namespace:
        return False
    if wanted.role is not None:
        return urn.path == wanted.path and urn.role == wanted.role
    return urn.path[: len(wanted.path)] == wanted.path


def _parsed(text: str) -> _Urn | None:
    """Return a group URN in its parts; None for anything else.

    Parts are decoded after they were told apart, so that an encoded colon stays part of a name.
    """
    if len(text) > LONGEST_VALUE or _UNUSABLE.search(text):
        return None
    try:
        # the older recommendation has the whole URN encoded where it is encoded at all
        found = G002(text) if text[:6].lower() == "urn%3a" else G069(text)
    except Error:
        return None
    raw = str(unquote(text)) if isinstance(found, G002) else text
    head, _, tail = raw.partition(":group:")
    # read in two ways: a group that is itself called “group”, a role within a role
    if ":group:" in f":{tail}:" or "#" in head or "?" in raw or tail.count(":role=") > 1:
        return None
    names = (found.namespace_id, found.delegated_namespace, *found.subnamespaces)
    role = None if found.role is None else unquote(str(found.role))
    return _Urn(
        namespace=tuple(str(name).lower() for name in names),
        path=tuple(unquote(str(name)) for name in (found.group, *found.subgroups)),
        role=role,
    )
