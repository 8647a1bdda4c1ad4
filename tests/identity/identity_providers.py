"""Two login providers behind one small interface, and how a person goes through their pages."""

from contextlib import ExitStack
from html.parser import HTMLParser
from typing import Protocol
from urllib.parse import urljoin

import httpx
from npm_provider import NpmProvider
from playwright.sync_api import Page

from panosc.identity.devprovider import PEOPLE, DevProvider
from panosc.settings import Provider

NAMES = {person.key: person.name for person in PEOPLE}
SUBS = {person.key: person.sub for person in PEOPLE}


class AnyProvider(Protocol):
    """A provider that runs; people are named by the keys of `PEOPLE`."""

    @property
    def issuer(self) -> str: ...

    def as_provider(self, node: str, *, name: str = ...) -> Provider:
        """Register the node at an address; return what its settings need."""

    def answers(self, person: str) -> dict[str, str]:
        """What a person fills into the forms."""

    def browser_sign_in(self, page: Page, person: str) -> None:
        """Go through the pages in a real browser, until it is elsewhere."""

    def rotate_keys(self) -> None:
        """Sign with another key from now on."""

    def stop(self) -> None:
        """Answer no more; what was granted is kept."""

    def start(self) -> None:
        """Answer again, at the same address."""


class Embedded:
    """The provider of the node itself."""

    def __init__(self, provider: DevProvider) -> None:
        self.provider = provider
        self._stack = ExitStack()
        self.start()

    @property
    def issuer(self) -> str:
        return self.provider.issuer

    def as_provider(self, node: str, *, name: str = "demo") -> Provider:
        return self.provider.as_provider(node, name=name)

    def answers(self, person: str) -> dict[str, str]:
        return {"person": person}

    def browser_sign_in(self, page: Page, person: str) -> None:
        page.get_by_role("button", name=NAMES[person]).click()
        page.wait_for_url(lambda url: not url.startswith(self.issuer))

    def rotate_keys(self) -> None:
        self.provider.rotate_keys()

    def stop(self) -> None:
        self._stack.close()

    def start(self) -> None:
        self._stack.enter_context(self.provider.running())

    def end(self) -> None:
        self._stack.close()


class Certified(NpmProvider):
    """The provider that others wrote."""

    def answers(self, person: str) -> dict[str, str]:
        return {"login": SUBS[person], "password": "any"}

    def browser_sign_in(self, page: Page, person: str) -> None:
        page.fill("input[name=login]", SUBS[person])
        page.fill("input[name=password]", "any")
        page.click("button[type=submit]")
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: not url.startswith(self.issuer))


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.method = "get"
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action, self.method = given.get("action", ""), given.get("method", "get")
        elif tag == "input" and given.get("name"):
            self.values[given["name"]] = given.get("value", "")


def go(client: httpx.Client, url: str, *, issuer: str, answers: dict[str, str]) -> str:
    """Follow a way through the pages of a provider to its end.

    Returns
    -------
    str
        Where the provider sends the browser, not gone to; or the last page, one without a form.
    """
    response = client.get(url)
    for _ in range(20):
        here = str(response.url)
        if response.is_redirect:
            target = urljoin(here, response.headers["location"])
            if here.startswith(issuer) and not target.startswith(issuer):
                return target
            response = client.get(target)
            continue
        page = _Forms()
        page.feed(response.text)
        assert response.status_code == 200, response.text
        if page.action is None:
            return here
        asked = {"login", "password"} & page.values.keys()
        extra = {name: value for name, value in answers.items() if name in asked or not asked}
        response = client.request(page.method, urljoin(here, page.action), data=page.values | extra)
    raise AssertionError(f"no end of it: {response.url}")


def sign_in(client: httpx.Client, url: str, person: str, *, provider: AnyProvider) -> str:
    """Sign a person in from `url`, of a node or of the provider; return the way back, not gone."""
    return go(client, url, issuer=provider.issuer, answers=provider.answers(person))


def sign_out(client: httpx.Client, url: str, *, provider: AnyProvider) -> str:
    """Sign out at the provider, by its address for that or one of a node that leads there."""
    return go(client, url, issuer=provider.issuer, answers={"yes": "1", "logout": "yes"})
