"""What lies in ``HOME/database``: names, owners, passwords. Starting anything is not done here."""

import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from panosc.catalogue.embedded.account import Account, account_of
from panosc.domain.errors import Unavailable

PORT = 5432
"""Only part of the socket's name: nothing listens on it, unless `Folder.is_tcp`."""
LONGEST_SOCKET_BYTES = 103
"""The shortest limit among the systems we know (macOS); Linux has 107."""
DESCRIPTORS = Path("/proc/self/fd")

_PRIVATE = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """``HOME/database`` and the account that owns it."""

    path: Path
    account: Account
    is_tcp: bool
    """Whether no path leads to the socket, so that the server listens on loopback."""

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.path / "data"

    @property
    def run(self) -> Path:
        """The folder of the socket."""
        return self.path / "run"

    @property
    def log(self) -> Path:
        """What the server and its watchdog say."""
        return self.path / "log"

    @property
    def password(self) -> Path:
        """The password of the role that owns the catalogue."""
        return self.path / "password"

    @property
    def admin_password(self) -> Path:
        """The password of the superuser, for administration only."""
        return self.path / "admin-password"

    @property
    def users_lock(self) -> Path:
        """Held shared by each user, exclusively by the watchdog while it stops the server."""
        return self.path / "users.lock"

    @property
    def start_lock(self) -> Path:
        """Held by the one who makes the cluster or starts the watchdog."""
        return self.path / "start.lock"

    @property
    def watchdog_lock(self) -> Path:
        """Held by the watchdog as long as it lives."""
        return self.path / "watchdog.lock"

    @property
    def has_short_name(self) -> bool:
        """Whether clients can name the socket by its path."""
        return _is_short(self.run)

    def read_password(self, path: Path) -> str:
        """Return the password kept in one of the two files."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, encoding="ascii") as file:
            return file.read().strip()

    def write_password(self, path: Path, password: str) -> None:
        """Keep a new password, readable by the account alone, safe from a power cut."""
        part = path.with_name(path.name + ".new")
        with suppress(FileNotFoundError):
            part.unlink()
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(password + "\n")
            file.flush()
            if self.account.is_other:
                os.fchown(file.fileno(), self.account.uid, self.account.gid)
            os.fsync(file.fileno())
        part.rename(path)
        self.sync()

    def sync(self) -> None:
        """Make renames inside survive a power cut."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open_log(self) -> int:
        """Open the log for appending; links are not followed."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.log, flags, 0o600)
        if self.account.is_other and os.fstat(descriptor).st_uid != self.account.uid:
            os.fchown(descriptor, self.account.uid, self.account.gid)
        return descriptor

    def log_size(self) -> int:
        """Return how much has been said so far."""
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0

    def log_tail(self, *, since: int = 0, lines: int = 6) -> list[str]:
        """Return the last lines said after the log had `since` bytes, without their times."""
        try:
            with self.log.open("rb") as file:
                size = self.log_size()
                file.seek(max(since if since <= size else 0, size - 4096))
                text = file.read().decode(errors="replace")
        except FileNotFoundError:
            return []
        return [_without_time(line) for line in text.splitlines() if line.strip()][-lines:]


def _without_time(line: str) -> str:
    before, mark, after = line.partition(" UTC ")
    return after if mark and before[:4].isdigit() else line


def new_password() -> str:
    """Return 32 random letters, safe inside quotes and URLs."""
    return secrets.token_hex(16)


def prepare(home: Path) -> Folder:
    """Make ``HOME/database`` if need be and return it; it belongs to the server's account."""
    home = home.expanduser().absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        path = home / "database"
        is_tcp = not _is_short(path / "run") and not DESCRIPTORS.is_dir()
        folder = Folder(path=path, account=account_of(home), is_tcp=is_tcp)
        _own(folder.path, folder.account)
        _own(folder.run, folder.account)
    except OSError as error:
        raise Unavailable(
            f"The home {home} cannot be used: {error.strerror}: {error.filename}",
            hint="Choose another --home, one that you may write to, or set PANOSC_DATABASE_URL",
        ) from None
    return folder


def _is_short(run: Path) -> bool:
    """Whether a socket in this folder can be named: not too long, and not like a list."""
    name = os.fsencode(run / f".s.PGSQL.{PORT}")
    return len(name) <= LONGEST_SOCKET_BYTES and b"," not in name


def _own(path: Path, account: Account) -> None:
    with suppress(FileExistsError):
        path.mkdir(mode=_PRIVATE)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != account.uid:
            if not account.is_other:
                raise Unavailable(
                    f"{path} belongs to the account with number {status.st_uid}",
                    hint="Run panosc as that account, or choose another --home",
                )
            os.fchown(descriptor, account.uid, account.gid)
        if stat.S_IMODE(status.st_mode) != _PRIVATE:
            os.fchmod(descriptor, _PRIVATE)
    finally:
        os.close(descriptor)


def own_tree(path: Path, account: Account) -> None:
    """Give a whole tree to the account; as root only, following no link, sparing hard links."""
    for _, folders, files, descriptor in os.fwalk(path, follow_symlinks=False):
        for name in [".", *folders, *files]:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            is_shared = stat.S_ISREG(status.st_mode) and status.st_nlink > 1
            if status.st_uid != account.uid and not is_shared:
                os.chown(name, account.uid, account.gid, dir_fd=descriptor, follow_symlinks=False)
