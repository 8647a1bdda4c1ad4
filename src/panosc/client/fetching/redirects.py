"""The content of a file, also where a node sends us on to its store: the token stays here."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from panosc.client.http import Http, Params
from panosc.client.patience import Lasting

_MOST = 5


@contextmanager
def opened(
    http: Http, path: str, params: Params, headers: Mapping[str, str]
) -> Iterator[httpx.Response]:
    """Give the answer at the end of the way, its content yet unread, for a block of code.

    Raises
    ------
    Upstream
        If the way has no end, or leads somewhere unsafe.
    """
    url = ""
    for _ in range(_MOST):
        with ExitStack() as stack:
            stream = _at(http, url, headers) if url else http.stream(path, params, headers)
            answer = stack.enter_context(stream)
            if not answer.has_redirect_location:
                yield answer
                return
            url = urljoin(str(answer.request.url), answer.headers["Location"])
    raise Lasting(f"{http.url} sends us on and on.", provider=http.url)


def _at(http: Http, url: str, headers: Mapping[str, str]) -> AbstractContextManager[httpx.Response]:
    if not url.startswith(f"{http.url}/"):
        return http.elsewhere(url, headers)
    parts = urlsplit(url.removeprefix(http.url))
    return http.stream(parts.path, parse_qsl(parts.query, keep_blank_values=True), headers)
