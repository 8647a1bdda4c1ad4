"""Everything about identity that the rest of the house uses, put together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from panosc.identity import claims
from panosc.identity.device import DeviceService
from panosc.identity.groups.keeping import GroupStore, Settle
from panosc.identity.keys import Keys, node_keys
from panosc.identity.links import LinkService
from panosc.identity.oidc.lasting import SessionKeeper
from panosc.identity.oidc.login import LoginService
from panosc.identity.oidc.providers import Providers
from panosc.identity.oidc.verifying import Verifier
from panosc.identity.personal.erasing import Erasure
from panosc.identity.personal.own_data import OwnData
from panosc.identity.personal.preferences import Preferences
from panosc.identity.resolving import Authenticator
from panosc.identity.services import AccountService
from panosc.identity.sessions import SessionStore
from panosc.identity.tokens import TokenService
from panosc.policy.decisions.sharing import opened_links
from panosc.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The services of identity, one for each concern."""

    keys: Keys
    sessions: SessionStore
    tokens: TokenService
    devices: DeviceService
    links: LinkService
    services: AccountService
    groups: GroupStore
    own_data: OwnData
    preferences: Preferences
    erasure: Erasure
    login: LoginService
    keeper: SessionKeeper
    verifier: Verifier
    authenticate: Authenticator


def build(
    engine: sa.Engine,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    settle: Settle | None = None,
) -> Identity:
    """Return the services of one node; nothing is asked of any provider yet.

    `settle` brings the datasets of groups in line with the policy when the groups change.
    """
    claims.check(settings.providers)
    keys = node_keys(settings)
    sessions = SessionStore(engine, settings, clock)
    tokens = TokenService(engine, settings, clock)
    links = LinkService(engine, settings, keys, clock)
    providers = Providers(settings, clock)
    verifier = Verifier(engine, settings, providers, clock)
    login = LoginService(engine, sessions, providers, verifier=verifier, keys=keys, clock=clock)
    keeper = SessionKeeper(engine, login, verifier=verifier, keys=keys, clock=clock)
    groups = GroupStore(engine, clock, settle)
    return Identity(
        keys=keys,
        sessions=sessions,
        tokens=tokens,
        devices=DeviceService(engine, clock),
        links=links,
        services=AccountService(engine, clock),
        groups=groups,
        preferences=Preferences(engine),
        own_data=OwnData(engine, settings, clock, groups),
        erasure=Erasure(engine, clock),
        login=login,
        keeper=keeper,
        verifier=verifier,
        authenticate=Authenticator(
            settings,
            sessions,
            bearers=(tokens.bearer, verifier.bearer),
            links=opened_links,
            signed=links.read,
            keep_fresh=keeper.keep_fresh,
        ),
    )
