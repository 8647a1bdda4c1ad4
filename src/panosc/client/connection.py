"""A node to talk to: `connect`, search, one dataset by its PID."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

from typing_extensions import override

from panosc.client import records
from panosc.client.datasets import Dataset
from panosc.client.http import TIMEOUT_S, Http
from panosc.client.results import Results
from panosc.domain.arguments import pairs_of


def connect(url: str, *, token: str | None = None, timeout: float | None = TIMEOUT_S) -> "Client":
    """Return a client of the node at `url`; nothing is asked of it yet.

    Parameters
    ----------
    url : str
        The address of its front page.
    token : str, optional
        Made on its page /account/tokens; without one only what is open to anyone is found.
    timeout : float, optional
        Seconds to wait for an answer.
    """
    return Client(Http(url, token=token, timeout=timeout))


class Client:
    """One node; `connect` makes it."""

    def __init__(self, http: Http) -> None:
        self._http = http

    @classmethod
    def by(cls, url: str, token: Callable[[], str]) -> "Client":
        """Return a client whose token is asked for with each request, as one that ends soon."""
        return cls(Http(url, token=token))

    @property
    def url(self) -> str:
        """The address of the node."""
        return self._http.url

    def search(self, words: str = "", /, **filters: Any) -> Results:
        """Return the datasets that fit, read from the node as they are used.

        Parameters
        ----------
        words : str
            What the search box takes.
        **filters
            The filters of the search page: ``technique``, ``facility``, ``instrument``,
            ``kind``, ``access``, ``year``, ``sort``, and any parameter by its name. A tuple
            is a range, ``wavelength=("4 Å", "8 Å")``; a list means any of its values; with
            ``not_`` before its name a filter says what must not be.

        Raises
        ------
        Invalid
            If a value is of no usable kind. What the node cannot use it says when asked.
        """
        return Results(self._http, pairs_of(words, filters))

    def __getitem__(self, pid: str) -> Dataset:
        """Return one dataset.

        Raises
        ------
        NotFound, Gone
        """
        record = records.read(self._http, pid)
        return Dataset(record, self._http, is_whole=True)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> "Client":
        """Use it for a block of code."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    @override
    def __repr__(self) -> str:
        return f"<Client of {self.url}>"
