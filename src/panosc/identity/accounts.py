"""From a login to an account: found by identity, else by a trusted name, else made.

People are (iss, sub), never an e-mail. Two accounts are never made one here: only the user
office may say that two names are one person (`user_office`). How the login went is `oidc`.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from panosc.catalogue.people import account, alias, identity, session
from panosc.catalogue.tables import group_member
from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid, NotFound
from panosc.identity import claims as reading
from panosc.policy import audit
from panosc.settings import Provider

CLAIMS_LAST = timedelta(days=90)
"""How long a group that a login gave lasts without another login: programs hold tokens."""
_LONGEST_SUB = 255


def account_name(iss: str, sub: str, salt: str = "") -> str:
    """Return the id of the account of a person: made of nothing that can be read back.

    Examples
    --------
    >>> account_name("https://idp.example", "1234")
    'u-6gyetqdojebeavd3'
    """
    text = f"{iss}\0{sub}" + (f"\0{salt}" if salt else "")
    digest = hashlib.sha256(text.encode()).digest()
    return "u-" + base64.b32encode(digest[:10]).decode().lower()


def sign_in(
    connection: sa.Connection, provider: Provider, claims: Mapping[str, Any], *, now: datetime
) -> str:
    """Return the account of whoever `provider` says has signed in; make it when it is new.

    Name, e-mail and ORCID are brought up to date, and groups by claims replaced.

    Raises
    ------
    Invalid
        If the claims do not say who it is.
    """
    iss, sub = _who(claims)
    _lock(connection, iss, sub)
    person = _held(connection, _known(connection, iss, sub)) or _held(
        connection, _by_name(connection, provider, claims)
    )
    if person is None:
        person = _made(connection, provider, claims, now=now)
    _refresh(connection, person, claims, now=now)
    _keep(connection, person, provider, claims, now=now)
    return person


def link(
    connection: sa.Connection,
    person: str,
    provider: Provider,
    claims: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """Let `person` sign in at `provider`, too, as whoever has just signed in there.

    Raises
    ------
    Conflict
        If that identity has an account of its own here.
    NotFound
        If the account was erased meanwhile.
    Invalid
        If the claims do not say who it is.
    """
    iss, sub = _who(claims)
    _lock(connection, iss, sub)
    owner = _known(connection, iss, sub)
    if owner is not None and owner != person:
        raise Conflict(
            f"You already have another account here, made by signing in with {provider.title}.",
            hint="Sign in with it and erase that account, or ask the operator of this node.",
        )
    if _held(connection, person) is None:
        raise NotFound("You have no account any more.", hint="Sign in again.")
    if owner is None:
        audit.record(
            connection,
            Who(person=person, via="session"),
            "identity.linked",
            now=now,
            subject=person,
            provider=provider.name,
        )
    _keep(connection, person, provider, claims, now=now)
    found = reading.own_orcid(claims)
    if found is not None:
        mine = sa.and_(account.c.id == person, account.c.orcid.is_(None))
        values = {"orcid": f"https://orcid.org/{found}"}
        connection.execute(sa.update(account).values(values).where(mine))


def unlink(connection: sa.Connection, who: Who, iss: str, sub: str, *, now: datetime) -> None:
    """Take one of the identities of whoever asks away, with its groups and its sessions.

    Raises
    ------
    NotFound
        If it is none of theirs.
    Conflict
        If it is their last: they could not come back.
    """
    query = sa.select(identity.c.iss, identity.c.sub).where(identity.c.account == who.person)
    mine = {(row.iss, row.sub) for row in connection.execute(query.with_for_update())}
    if (iss, sub) not in mine or who.person is None:
        raise NotFound("You have no such identity.", hint="It may be unlinked already.")
    if len(mine) == 1:
        raise Conflict(
            "This is your only way to sign in.", hint="Link another first, or erase the account."
        )
    for table in (identity, session):
        connection.execute(sa.delete(table).where(table.c.iss == iss, table.c.sub == sub))
    _settle_groups(connection, who.person, now=now, via="session")
    audit.record(connection, who, "identity.unlinked", now=now, subject=who.person, iss=iss)


def names_of(provider: Provider, claims: Mapping[str, Any]) -> list[str]:
    """Return the names by which the user office may know a person, of the trusted claims."""
    found: list[str] = []
    for claim, kind in provider.person_claims.items():
        value = claims.get(claim)
        if kind == "orcid":
            text = reading.orcid(value)
        else:
            # as it is or not at all: what had to be cut may be the name of somebody else
            usable = (item for item in reading.texts(value) if reading.plain(item) == item)
            text = next(usable, None)
        if text is not None:
            found.append(f"{kind}:{text}")
    return found


def take_names(
    connection: sa.Connection, person: str, names: Iterable[str], *, now: datetime
) -> None:
    """Let `names` that no account has be those of `person`, with the names merged into them."""
    for name in names:
        owner = connection.execute(
            sa.select(alias.c.person).where(alias.c.name == name).with_for_update()
        ).scalar()
        # what the user office made one before its owner came: all of it becomes theirs
        main = name if owner is None else owner
        if _is_account(connection, main):
            continue
        merged = sa.update(alias).values(person=person).where(alias.c.person == main)
        connection.execute(merged)
        added = pg.insert(alias).values([{"name": main, "person": person}])
        kept = added.on_conflict_do_nothing().returning(alias.c.name)
        if connection.execute(kept).first() is None:
            # another login with this name was sooner
            continue
        audit.record(
            connection,
            Who(person=person, via="session"),
            "alias.added",
            now=now,
            subject=person,
            kind=main.partition(":")[0],
        )


def _who(claims: Mapping[str, Any]) -> tuple[str, str]:
    iss, sub = claims.get("iss"), claims.get("sub")
    if not (isinstance(iss, str) and isinstance(sub, str) and iss and sub) or (
        len(sub) > _LONGEST_SUB
        or reading.plain(iss, longest=_LONGEST_SUB) != iss
        or reading.plain(sub, longest=_LONGEST_SUB) != sub
    ):
        raise Invalid(
            "The login provider does not say who you are: its sub cannot be used.",
            field="sub",
            hint="Tell the operator of this node.",
        )
    return iss, sub


def _lock(connection: sa.Connection, iss: str, sub: str) -> None:
    """Let two first logins of one person come one after the other."""
    key = int.from_bytes(hashlib.sha256(f"{iss}\0{sub}".encode()).digest()[:8], "big", signed=True)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def _known(connection: sa.Connection, iss: str, sub: str) -> str | None:
    query = sa.select(identity.c.account).where(identity.c.iss == iss, identity.c.sub == sub)
    found: str | None = connection.execute(query).scalar()
    return found


def _held(connection: sa.Connection, person: str | None) -> str | None:
    """Return the account, locked against an erasure at this moment; None if that came first."""
    if person is None:
        return None
    query = sa.select(account.c.id).where(account.c.id == person, account.c.erased_at.is_(None))
    found: str | None = connection.execute(query.with_for_update(key_share=True)).scalar()
    return found


def _is_account(connection: sa.Connection, name: str) -> bool:
    query = sa.select(account.c.id).where(account.c.id == name)
    return connection.execute(query).first() is not None


def _by_name(
    connection: sa.Connection, provider: Provider, claims: Mapping[str, Any]
) -> str | None:
    for name in names_of(provider, claims):
        query = (
            sa.select(account.c.id)
            .join(alias, alias.c.person == account.c.id)
            .where(alias.c.name == name, account.c.kind == "person")
        )
        found: str | None = connection.execute(query).scalar()
        if found is not None:
            return found
    return None


def _made(
    connection: sa.Connection, provider: Provider, claims: Mapping[str, Any], *, now: datetime
) -> str:
    iss, sub = _who(claims)
    person = account_name(iss, sub)
    while _is_account(connection, person):
        # an erased account keeps its id; who comes again is not to be told from a stranger
        person = account_name(iss, sub, secrets.token_hex(16))
    connection.execute(
        sa.insert(account).values(
            id=person, kind="person", user_class=provider.user_class, created=now, seen=now
        )
    )
    audit.record(
        connection,
        Who(person=person, via="session"),
        "account.created",
        now=now,
        subject=person,
        provider=provider.name,
    )
    return person


def _refresh(
    connection: sa.Connection, person: str, claims: Mapping[str, Any], *, now: datetime
) -> None:
    found = reading.own_orcid(claims)
    told = {
        "name": reading.own_name(claims),
        "email": reading.plain(claims.get("email"), longest=254),
        "orcid": f"https://orcid.org/{found}" if found else None,
    }
    # a provider that leaves one out does not take back what another said
    values = {name: value for name, value in told.items() if value is not None}
    connection.execute(sa.update(account).values(seen=now, **values).where(account.c.id == person))


def _keep(
    connection: sa.Connection,
    person: str,
    provider: Provider,
    claims: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """Keep the identity with what this node made of its claims, not the claims themselves."""
    iss, sub = _who(claims)
    grants = reading.granted(provider, claims)
    kept = {
        "provider": provider.name,
        "granted": sorted(list(pair) for pair in grants.held),
        "ignored": list(grants.ignored),
        "until": (now + CLAIMS_LAST).isoformat(),
    }
    row = pg.insert(identity).values(
        iss=iss, sub=sub, account=person, claims=kept, linked=now, seen=now
    )
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["iss", "sub"], set_={"claims": row.excluded.claims, "seen": now}
        )
    )
    take_names(connection, person, names_of(provider, claims), now=now)
    _settle_groups(connection, person, now=now, via="session")


def _settle_groups(connection: sa.Connection, person: str, *, now: datetime, via: Any) -> None:
    """Let the groups by claims be what all identities of the account give together."""
    query = sa.select(identity.c.claims).where(identity.c.account == person)
    wanted: dict[tuple[str, str], datetime] = {}
    for kept in connection.execute(query).scalars():
        until = datetime.fromisoformat(kept.get("until") or now.isoformat())
        for role, group in kept.get("granted") or ():
            wanted[role, group] = max(until, wanted.get((role, group), until))
    columns = group_member.c
    mine = sa.and_(columns.person == person, columns.source == "claims")
    rows = connection.execute(sa.select(columns.role, columns["group"]).where(mine)).all()
    held = {(row[0], row[1]) for row in rows}
    connection.execute(sa.delete(group_member).where(mine))
    if wanted:
        added = [
            {"group": group, "person": person, "role": role, "until": until, "source": "claims"}
            for (role, group), until in sorted(wanted.items())
        ]
        connection.execute(pg.insert(group_member).values(added).on_conflict_do_nothing())
    who = Who(person=person, via=via)
    for event, pairs in (
        ("member.added", wanted.keys() - held),
        ("member.removed", held - wanted.keys()),
    ):
        for role, group in sorted(pairs):
            audit.record(
                connection,
                who,
                event,
                now=now,
                subject=group,
                member=person,
                role=role,
                source="claims",
            )
