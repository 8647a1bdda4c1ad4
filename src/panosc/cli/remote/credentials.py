"""The logins of this user at nodes: one file that nobody else may read.

Whoever changes it holds a lock beside it, so that two processes do not use one refresh token.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from panosc.domain.errors import Forbidden, Unavailable

_OTHERS = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One login at a node; `expires` is when the access token is over, in seconds since 1970."""

    program: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires: float


class Credentials:
    """The file ``credentials.json`` in a folder of this user's configuration."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "credentials.json"

    def read(self) -> dict[str, Login]:
        """Return the logins by address of their node.

        Raises
        ------
        Forbidden
            If others may read the file, too.
        Unavailable
            If it cannot be read, or is none.
        """
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                content = file.read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error.strerror or "unknown error") from None
        if status.st_mode & _OTHERS or status.st_uid != os.geteuid():
            raise Forbidden(
                f"{self.path} can be read by others or belongs to somebody else, so it is not "
                "used.",
                hint=f"Log in again after: rm {self.path}. Revoke the old login on the page "
                "/account/tokens of the node.",
            )
        try:
            return {name: Login(**item) for name, item in orjson.loads(content)["nodes"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._unusable("it is not a file of credentials") from None

    def put(self, node: str, login: Login | None) -> None:
        """Keep a login at a node, or none; the file is replaced as a whole, under `locked`."""
        logins = self.read()
        if login is None:
            logins.pop(node, None)
        else:
            logins[node] = login
        self._write(orjson.dumps({"nodes": {key: asdict(item) for key, item in logins.items()}}))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that changes logins, for a block of code."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self._folder / "credentials.lock", flags, 0o600)
        except OSError as error:
            raise self._unusable(error.strerror or "unknown error") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, content: bytes) -> None:
        fresh = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise self._unusable(error.strerror or "unknown error") from None
        finally:
            fresh.unlink(missing_ok=True)

    def _unusable(self, why: str) -> Unavailable:
        return Unavailable(
            f"The file of logins {self.path} cannot be used: {why}.",
            hint="It is made by panosc login; removing it forgets all logins.",
        )
