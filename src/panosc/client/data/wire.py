"""The questions about the inside of one file that a node answers, and what was said kept a while.

It speaks h5grove's API. Everything that comes is a stranger's: kinds are checked before use.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
from typing_extensions import override

from panosc.client.http import Http
from panosc.client.patience import Lasting, Patience
from panosc.domain.errors import Conflict, NotFound

Json = dict[str, Any]
_NOT_MODIFIED = 304
_PATIENCE = Patience(tries=3)


class NoSuchPath(NotFound, KeyError):
    """Nothing is at this path of a file; mappings say so by a `KeyError`."""

    @override
    def __str__(self) -> str:
        return self.detail


class Wire:
    """The inside of one file of a dataset, over HTTP."""

    def __init__(self, http: Http, *, pid: str, name: str) -> None:
        self.http = http
        self.pid = pid
        self.name = name
        self._routes = f"/datasets/{quote(pid, safe='')}/-/h5"

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without what was said."""
        return _again, (self.http, self.pid, self.name)

    @property
    def key(self) -> tuple[str, str, str]:
        """Which file of which dataset, where."""
        return (self.http.url, self.pid, self.name)

    def meta(self, path: str) -> Json:
        """Return what is at a path, with its members.

        Raises
        ------
        NoSuchPath
        """
        found = self._said("meta", path)
        if not isinstance(found, dict) or not isinstance(found.get("kind"), str):
            raise self.odd(path)
        return found

    def attributes(self, path: str) -> Json:
        """Return the attributes of what is at a path."""
        found = self._said("attr", path)
        if not isinstance(found, dict):
            raise self.odd(path)
        return found

    def values(self, path: str, selection: str) -> Any:
        """Return values from JSON: texts, and what is of variable length."""
        answer = self.http.answer(f"{self._routes}/data", self._data(path, selection, "json"))
        return self._content(answer, path)

    @contextmanager
    def numbers(
        self, path: str, selection: str, *, form: str
    ) -> Iterator[tuple[Iterator[bytes], int | None]]:
        """Give the bytes of values as they come, and how many there will be if that is told.

        `form` is ``npy`` or ``bin``.
        """
        try:
            with self.http.stream(
                f"{self._routes}/data", self._data(path, selection, form)
            ) as answer:
                if not answer.is_success:
                    raise self.http.told(answer)
                told = answer.headers.get("Content-Length", "")
                is_plain = "Content-Encoding" not in answer.headers
                yield answer.iter_bytes(), int(told) if told.isdigit() and is_plain else None
        except httpx.HTTPError as error:
            raise self.http.silence(error) from None

    def version(self, path: str) -> str | None:
        """Return the ETag of what `meta` said: another one, and the file is another."""
        found = self.http.kept.get((self.pid, self.name, "meta", path))
        return found[1] if found else None

    def require_same(self, path: str, version: str | None) -> None:
        """Ask whether the file is still the one of which `version` was told.

        Raises
        ------
        Conflict
            If it has changed since.
        """
        if version is None:
            return
        answer = self.http.answer(
            f"{self._routes}/meta", self._at(path), {"If-None-Match": version}
        )
        if answer.status_code == _NOT_MODIFIED or answer.headers.get("ETag") == version:
            return
        self.http.kept.forget((self.pid, self.name))
        if not answer.is_success:
            raise self.http.told(answer)
        raise self.changed()

    def changed(self) -> Conflict:
        """Return what to say of a file that is another than a moment ago."""
        self.http.kept.forget((self.pid, self.name))
        return Conflict(
            f"{self.name} of {self.pid} changed at the node while it was read.",
            hint="Nothing of what was read is given, for it would be of two files. Read it again.",
        )

    def odd(self, path: str) -> Lasting:
        """Return what to say of an answer that is none."""
        return Lasting(
            f"{self.http.url} does not answer as a node does about {path} of {self.name}.",
            provider=self.http.url,
        )

    def _said(self, what: str, path: str) -> Any:
        key = (self.pid, self.name, what, path)
        kept = self.http.kept.get(key)
        if kept is not None:
            return kept[0]
        answer, said = _PATIENCE.insist(partial(self._ask, what, path))
        etag = answer.headers.get("ETag")
        self.http.kept.put(key, said, etag=etag, size=len(answer.content))
        return said

    def _ask(self, what: str, path: str) -> tuple[httpx.Response, Any]:
        answer = self.http.answer(f"{self._routes}/{what}", self._at(path))
        return answer, self._content(answer, path)

    def _content(self, answer: httpx.Response, path: str) -> Any:
        if answer.is_success:
            try:
                return answer.json()
            except ValueError:
                raise self.odd(path) from None
        error = self.http.told(answer)
        if isinstance(error, NotFound):
            raise NoSuchPath(error.detail, hint=error.hint)
        raise error

    def _at(self, path: str) -> list[tuple[str, str]]:
        return [("file", self.name), ("path", path)]

    def _data(self, path: str, selection: str, form: str) -> list[tuple[str, str]]:
        asked = [*self._at(path), ("format", form)]
        return [*asked, ("selection", selection)] if selection else asked


def _again(http: Http, pid: str, name: str) -> Wire:
    return Wire(http, pid=pid, name=name)


def text_of(value: Any) -> str | None:
    """Return a text from JSON, also of an array of one; None if it is none."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else None


def members(meta: Mapping[str, Any]) -> dict[str, Json]:
    """Return the members of a group by name, in its order."""
    children = meta.get("children")
    found = children if isinstance(children, list) else []
    return {
        child["name"]: child
        for child in found
        if isinstance(child, dict) and isinstance(child.get("name"), str)
    }
