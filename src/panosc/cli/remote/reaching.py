"""Which node a command talks to, of which dataset, and as whom."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from panosc.cli.remote.credentials import Credentials
from panosc.cli.remote.login import plain_token, which
from panosc.cli.remote.node import Node, checked
from panosc.client.connection import Client, connect
from panosc.client.datasets import Dataset
from panosc.client.http import address
from panosc.domain.errors import Invalid, PanoscError
from panosc.settings import ClientSettings

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Address of the node; not needed with one login alone, or where PID is an address.",
    ),
]
_MARK = "/datasets/"


@contextmanager
def dataset_of(named: str, url: str | None) -> Iterator[Dataset]:
    """Give the dataset of a PID or of the address of its page, for a block of code.

    With the token in PANOSC_TOKEN, else the login at that node, else as anybody.

    Raises
    ------
    Invalid
        If it is not told at which node.
    """
    there, pid = parts(named)
    told = ClientSettings().token
    given = told if told is not None and told.get_secret_value().strip() else None
    credentials = Credentials(ClientSettings().config_home / "panosc")
    if given is not None and not (there or url):
        raise Invalid(
            "A token in PANOSC_TOKEN does not say for which node it is.",
            field="url",
            hint="Give its address: --url https://…",
        )
    where = address(there or url or which(credentials, None), has_token=False)
    with ExitStack() as stack:
        client: Client
        if given is not None:
            client = connect(where, token=plain_token(given))
        elif (known := _login(credentials, where)) is not None:
            node = stack.enter_context(Node(known))
            # a long download outlives an access token: each request asks for one that is good
            client = Client.by(where, lambda: node.access(credentials))
        else:
            client = connect(where)
        yield stack.enter_context(client)[pid]


def parts(named: str) -> tuple[str | None, str]:
    """Return the node and the PID of what names a dataset.

    Raises
    ------
    Invalid

    Examples
    --------
    >>> parts("https://node.example/datasets/10.5072/sans-118/-/files")
    ('https://node.example', '10.5072/sans-118')
    >>> parts("10.5072/sans-118"), parts("https://doi.org/10.5072/sans-118")
    ((None, '10.5072/sans-118'), (None, '10.5072/sans-118'))
    """
    if not named.startswith(("https://", "http://")):
        return None, named
    if urlsplit(named).hostname in {"doi.org", "dx.doi.org"}:
        return None, unquote(urlsplit(named).path.removeprefix("/"))
    before, mark, behind = named.partition(_MARK)
    pid = unquote(behind.partition("?")[0].partition("#")[0].partition("/-/")[0])
    if not mark or not pid:
        raise Invalid(
            f"{named} is not the address of a dataset.",
            field="pid",
            hint="Copy it from its page, or give its PID and --url.",
        )
    return before, pid


def _login(credentials: Credentials, where: str) -> str | None:
    """Return the address by which there is a login at a node, if there is one."""
    try:
        own = checked(where)
    except Invalid:
        # not encrypted: a login never goes there
        return None
    try:
        return own if own in credentials.read() else None
    except PanoscError:
        # what is open needs no login; a file that cannot be used is told where one is needed
        return None
