"""Which account the server runs as, and how to start a program as that account.

PostgreSQL refuses to run as root. Started by root, it runs as the owner of the home; if that
is root, as `postgres` where that account exists and as `nobody` otherwise. Modes and owners of
folders outside the home are never touched: where one of them is closed to the account, the
program keeps the single capability to look through folders (CAP_DAC_READ_SEARCH).
"""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panosc.domain.errors import Unavailable

CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""Of the server's programs: nothing of the caller's (`PGDATA`, `PGOPTIONS` …) may reach them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of a server; `is_other` when this process is root and has to change to it."""

    name: str
    uid: int
    gid: int
    is_other: bool


def account_of(home: Path) -> Account:
    """Return the account that the server of this home runs as."""
    if os.geteuid() != 0:
        uid = os.geteuid()
        return Account(name=_name(uid), uid=uid, gid=os.getegid(), is_other=False)
    status = home.stat()
    if status.st_uid != 0:
        return Account(
            name=_name(status.st_uid), uid=status.st_uid, gid=_group(status), is_other=True
        )
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid, is_other=True)
    detail = "PostgreSQL does not run as root, and no account `postgres` or `nobody` exists"
    raise Unavailable(
        detail,
        hint="Run panosc as an ordinary user, or set PANOSC_DATABASE_URL",
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(status: os.stat_result) -> int:
    try:
        return pwd.getpwuid(status.st_uid).pw_gid
    except KeyError:
        return status.st_gid


def closed_folder(account: Account, path: Path) -> Path | None:
    """Return the topmost folder on the way to `path` that the account may not enter."""
    resolved = path.resolve()
    for folder in [*reversed(resolved.parents), resolved]:
        status = folder.stat()
        if status.st_uid == account.uid:
            may_enter = status.st_mode & stat.S_IXUSR
        elif status.st_gid == account.gid:
            may_enter = status.st_mode & stat.S_IXGRP
        else:
            may_enter = status.st_mode & stat.S_IXOTH
        if not may_enter:
            return folder
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start programs as the account: words before the command, options of `Popen`."""

    prefix: tuple[str, ...]
    options: dict[str, Any]

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the whole command line."""
        return [*self.prefix, *words]


def launch_for(account: Account, places: Sequence[Path]) -> Launch:
    """Return how to start a program as the account that has to reach `places`."""
    options: dict[str, Any] = {"env": CLEAN_ENVIRONMENT, "cwd": "/", "umask": 0o077}
    if not account.is_other:
        return Launch(prefix=(), options=options)
    closed = next((c for c in (closed_folder(account, p) for p in places) if c), None)
    if closed is None:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
        return Launch(prefix=(), options=options)
    return Launch(prefix=_setpriv(account, closed), options=options)


def _setpriv(account: Account, closed: Path) -> tuple[str, ...]:
    program = shutil.which("setpriv")
    prefix = (
        program or "setpriv",
        f"--reuid={account.uid}",
        f"--regid={account.gid}",
        "--clear-groups",
        "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=-all,+dac_read_search",
        "--bounding-set=-all,+dac_read_search",
        "--no-new-privs",
        "--",
    )
    works = program is not None and (
        subprocess.run(  # noqa: S603 - a fixed command
            [*prefix, "/bin/sh", "-c", ":"],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ).returncode
        == 0
    )
    if not works:
        raise Unavailable(
            f"The database server cannot run as root, and the account {account.name!r} "
            f"may not enter {closed}",
            hint="Choose another --home, run panosc as an ordinary user, "
            "or set PANOSC_DATABASE_URL",
        )
    return prefix
