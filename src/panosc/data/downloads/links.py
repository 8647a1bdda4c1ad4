"""Addresses of downloads, and signed links to them that open without sign-in for some days.

A link is bound to one address, so to one dataset and file, and gives what whoever made it may
see when it is used: see `identity.links`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from fastapi import Request

from panosc.domain.access import Who
from panosc.domain.errors import Forbidden
from panosc.identity.links import LONGEST_DOWNLOAD, LinkService
from panosc.policy.asking import require

MOST_DAYS: Final = LONGEST_DOWNLOAD.days
Address = Callable[[str], str]
"""Makes an address of a path of this node."""


def dataset_path(pid: str) -> str:
    """Return the path of the page of a dataset, as browsers and programs leave it.

    Examples
    --------
    >>> dataset_path("10.5072/a b"), dataset_path("x/../y")
    ('/datasets/10.5072/a%20b', '/datasets/x%2F..%2Fy')
    """
    has_dots = any(part in {"", ".", ".."} for part in pid.split("/"))
    return "/datasets/" + quote(pid, safe=":" if has_dots else "/:")


def download_path(pid: str, name: str | None = None) -> str:
    """Return where a file, or without a name all of a dataset, is fetched."""
    path = dataset_path(pid) + "/-/download"
    return path if name is None else f"{path}?file={quote(name, safe='')}"


class Links:
    """Makes addresses and signed links for whoever asks."""

    def __init__(self, service: LinkService) -> None:
        self._service = service

    def address(self, request: Request, path: str) -> str:
        """Return the public address of a path."""
        return (self._service.base or str(request.base_url).rstrip("/")) + path

    def signed(self, who: Who, path: str, *, days: int) -> str:
        """Return a path with what opens it for some days, at most `MOST_DAYS`.

        Whether `who` may have what is there is checked when the link is used, too; whoever
        calls this has checked it now.

        Raises
        ------
        Forbidden
            If the caller has not signed in, or has come by a link.
        """
        if who.via not in {"session", "token", "bearer"} or who.person is None:
            raise Forbidden(
                "Links are made by whoever has signed in.", hint="Sign in, or send a token."
            )
        require(who, "data")
        signed = self._service.sign(who, path, lifetime=timedelta(days=min(days, MOST_DAYS)))
        return path + signed.suffix
