"""Which storage an address belongs to, and the plain values that a process needs to read it.

A `Place` goes to worker processes through a pipe. It holds secrets, which none of its texts
shows. Nothing is opened here.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Final, Literal
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes, urlsplit

from panosc.domain.errors import Invalid, Unreachable, Unreadable
from panosc.settings import Settings, Storage

Kind = Literal["s3", "web", "file"]

LONGEST: Final = 4096
_WEB: Final = {
    "https": "https",
    "webdav+https": "https",
    "davs": "https",
    "http": "http",
    "webdav+http": "http",
    "dav": "http",
}
"""Schemes read by HTTP: a file is fetched from WebDAV as from any other server."""
_PLAIN = re.compile(r"file://(/[\w.+~/-]*)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_CONTROL_IN_KEY = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A configured storage, as plain values."""

    name: str
    url: str
    endpoint: str | None = None
    region: str | None = None
    addressing: Literal["auto", "path", "virtual"] = "auto"
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    private: bool = False
    redirect_hosts: tuple[str, ...] = ()
    ca_file: str | None = None
    use_etag: bool = True
    time_limit_s: float = 20.0

    @property
    def kind(self) -> Kind:
        """How it is read."""
        scheme = self.url.partition("://")[0]
        return "web" if scheme in _WEB else "file" if scheme == "file" else "s3"

    def rest(self, url: str) -> str | None:
        """Return what comes after the prefix; None when `url` is no proper address below it."""
        if not url.startswith(self.url) or len(url) > LONGEST:
            return None
        rest = url[len(self.url) :]
        return rest if _is_proper(rest, is_raw=self.kind == "s3") else None

    def web_address(self, url: str) -> str:
        """Return the HTTP address of a file of a storage that is read by HTTP."""
        scheme, _, rest = url.partition("://")
        return f"{_WEB[scheme]}://{rest}"

    def bucket_and_key(self, url: str) -> tuple[str, str]:
        """Return where an object of an S3 storage is."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return bucket, key


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place of a file and how the file was when it was registered, for a worker process."""

    url: str
    size: int | None = None
    mtime_ns: int | None = None
    store: Store | None = None
    """The storage; None for a file of this machine."""


def stores_of(settings: Settings) -> tuple[Store, ...]:
    """Return the configured storages, with their secrets read.

    Raises
    ------
    Invalid
        If two have one name, or the file of a secret cannot be read.
    """
    if len({item.name for item in settings.storages}) < len(settings.storages):
        raise Invalid("Two storages have the same name.", field="storages")
    return tuple(_store(item) for item in settings.storages)


def modules_for(stores: Iterable[Store]) -> list[str]:
    """Return what a process that reads from storages had better load before its first task."""
    kinds = {store.kind for store in stores}
    found = ["panosc.files.storage.opening"] if kinds - {"file"} else []
    if "s3" in kinds and find_spec("s3fs") is not None:
        found.append("panosc.files.storage.s3")
    return found


def _store(given: Storage) -> Store:
    return Store(
        name=given.name,
        url=given.url,
        endpoint=None if given.endpoint is None else given.endpoint.rstrip("/"),
        region=given.region,
        addressing=given.addressing,
        key=None if given.key is None else given.key.get_secret_value(),
        secret=_secret(given),
        private=given.private,
        redirect_hosts=tuple(host.lower().rstrip(".") for host in given.redirect_hosts),
        ca_file=None if given.ca_file is None else str(given.ca_file),
        use_etag=given.use_etag,
        time_limit_s=given.time_limit_s,
    )


def _secret(given: Storage) -> str | None:
    if given.secret_file is None:
        return None if given.secret is None else given.secret.get_secret_value()
    try:
        return given.secret_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(
            f"The secret of the storage {given.name} cannot be read: {error}.",
            field="storages",
            hint="Look at its `secret_file`.",
        ) from None


def place_of(
    url: str, stores: Iterable[Store], *, size: int | None = None, mtime_ns: int | None = None
) -> Place:
    """Return the place that an address means: a file of this machine, or of a storage.

    Raises
    ------
    Unreachable
        If the address is below no configured storage.
    """
    if is_local(url):
        return Place(url=url, size=size, mtime_ns=mtime_ns)
    found = max(
        (store for store in stores if store.rest(url) is not None),
        key=lambda store: len(store.url),
        default=None,
    )
    if found is None:
        raise Unreachable(
            "The file lies in a storage that this node does not know.",
            hint="Who runs the node: `panosc storage list`, and the setting `storages`.",
        )
    return Place(url=url, size=size, mtime_ns=mtime_ns, store=found)


def name_below(url: str, prefix: str) -> bytes:
    """Return the path of a file below a prefix, as file systems know it."""
    rest = url.removeprefix(prefix)
    return rest.encode() if url.startswith("s3:") else unquote_to_bytes(rest)


def address_below(prefix: str, name: bytes) -> str | None:
    """Return the address of the file `name` below a prefix; None when there can be none.

    Keys of S3 are texts, as fsspec writes them; all other addresses are percent-encoded.
    """
    if not prefix.startswith("s3:"):
        return prefix + quote_from_bytes(name)
    try:
        return prefix + name.decode("utf-8")
    except UnicodeDecodeError:
        return None


def is_local(url: str) -> bool:
    """Whether an address is that of a file of this machine."""
    return url.startswith("file:///")


def local_path(url: str) -> str:
    """Return the path of a file of this machine.

    Raises
    ------
    Unreadable
        With the reason ``not-here`` for any other address.
    """
    plain = _PLAIN.fullmatch(url)
    if plain is not None:
        # most: nothing in it is to be decoded
        return plain[1]
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc:
        raise Unreadable("The file is not on this machine.", reason="not-here")
    return os.fsdecode(unquote_to_bytes(parts.path))


def _is_proper(rest: str, *, is_raw: bool) -> bool:
    """Whether a rest names one thing below the prefix, however often somebody decodes it."""
    if not rest or (_CONTROL_IN_KEY if is_raw else _CONTROL).search(rest):
        return False
    if not is_raw and ("?" in rest or "#" in rest):
        return False
    plain = rest
    for _ in range(4):
        if {".", ".."} & set(re.split(r"[/\\]", plain)):
            return False
        further = unquote(plain)
        if further == plain:
            return True
        plain = further
    return False
