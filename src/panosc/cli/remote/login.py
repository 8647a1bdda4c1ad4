"""`panosc login`, `logout`, `whoami`: this user at a node elsewhere."""

import socket
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from panosc.cli import terminal
from panosc.cli.options import AsJson
from panosc.cli.remote.credentials import Credentials
from panosc.cli.remote.node import Node, checked
from panosc.domain.errors import Invalid, Unauthenticated
from panosc.settings import ClientSettings

Url = Annotated[str, typer.Argument(help="Address of the node, such as https://data.facility.eu.")]
KnownUrl = Annotated[
    str | None, typer.Argument(help="Address of the node; not needed with one login alone.")
]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help="read, data, write, manage; may be repeated. Else read and data."),
]
_LONGEST = 80


def login(url: Url, scope: Scopes = None, as_json: AsJson = False) -> None:
    """Log in at a node: shows an address and a code for your browser, and waits for you there."""
    credentials = _credentials()
    credentials.read()  # rather complain before than after the browser
    program = _program()
    with Node(url) as node:
        try:
            begun = node.begin(program, scope or [])
            terminal.say(f"Open {begun.address} in a browser and type the code {begun.user_code}")
            if begun.whole_address:
                terminal.say(f"or open {begun.whole_address} and compare the code.")
            with terminal.err.status("Waiting for your answer there …"):
                made = node.wait(program, begun)
        except KeyboardInterrupt:
            terminal.say("Interrupted: you are not logged in, and the code is of no use.")
            raise
        with credentials.locked():
            old = credentials.read().get(node.address)
            credentials.put(node.address, made)
        if old is not None:
            node.revoke(old.refresh)
        _show(node.address, node.me(made.access) or {}, as_json=as_json)
    terminal.say(f"You are logged in at {node.address}.")


def logout(url: KnownUrl = None, as_json: AsJson = False) -> None:
    """End your login at a node: its tokens are good no more, and forgotten here."""
    credentials = _credentials()
    with Node(which(credentials, url)) as node:
        with credentials.locked():
            kept = credentials.read().get(node.address)
            if kept is None:
                raise Unauthenticated(f"You are not logged in at {node.address}.")
            node.revoke(kept.refresh)
            credentials.put(node.address, None)
        if as_json:
            terminal.show_json({"node": node.address})
    terminal.say(f"You are logged out of {node.address}.")


def whoami(url: KnownUrl = None, as_json: AsJson = False) -> None:
    """Print who you are to a node: by your login there, or the token in PANOSC_TOKEN."""
    given = ClientSettings().token
    credentials = _credentials()
    if given is not None and url is None:
        raise Invalid(
            "A token in PANOSC_TOKEN does not say for which node it is.",
            field="url",
            hint="Give the address: panosc whoami https://…",
        )
    with Node(which(credentials, url)) as node:
        token = plain_token(given) if given else node.access(credentials)
        found = node.me(token)
        if found is None and given is None:
            found = node.me(node.access(credentials, bad=token))
        if found is None:
            raise Unauthenticated(
                f"{node.address} does not take this token.",
                hint="Make one there on the page /account/tokens, or run panosc login.",
            )
        _show(node.address, found, as_json=as_json)


def _credentials() -> Credentials:
    return Credentials(ClientSettings().config_home / "panosc")


def plain_token(given: SecretStr) -> str:
    """Return a token that can stand in a header; a message about a header would show it."""
    token = given.get_secret_value().strip()
    if not token.isascii() or not token.isprintable() or " " in token or not token:
        raise Invalid(
            "What stands in PANOSC_TOKEN is no token: it has characters that none has.",
            field="token",
            hint="Set it to the text that was told when the token was made, and nothing else.",
        )
    return token


def which(credentials: Credentials, url: str | None) -> str:
    """Return the address of the node that is meant; without one, of the only login.

    Raises
    ------
    Invalid
    """
    if url is not None:
        return checked(url)
    known = sorted(credentials.read())
    if len(known) == 1:
        return known[0]
    raise Invalid(
        f"You are logged in at {len(known)} nodes{': ' if known else ''}{', '.join(known)}.",
        field="url",
        hint="Name one." if known else "Run: panosc login https://…",
    )


def _program() -> str:
    host = "".join(sign for sign in socket.gethostname() if sign.isascii() and sign.isprintable())
    return f"panosc on {host or 'a computer'}"[:_LONGEST].strip()


def _show(address: str, me: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        terminal.show_json({"node": address, **me})
        return
    groups = [str(item.get("group")) for item in me.get("groups") or () if isinstance(item, dict)]
    told = {
        "node": address,
        "account": me.get("account"),
        "name": me.get("name"),
        "groups": ", ".join(groups),
        "roles": ", ".join(map(str, me.get("roles") or ())),
        "scopes": ", ".join(map(str, me.get("scopes") or ())),
    }
    terminal.show_rows(["what", "value"], [[key, value] for key, value in told.items()])
