"""Making a new cluster in one step that either happened or did not, and checking an old one."""

import shutil
import subprocess
from pathlib import Path

from panosc.catalogue.embedded import postmaster
from panosc.catalogue.embedded.account import Launch, launch_for
from panosc.catalogue.embedded.folder import Folder, new_password, own_tree
from panosc.domain.errors import Unavailable

VERSION = "18"
ADMIN = "postgres"
OWNER = "panosc"
"""The role that owns the catalogue, and the name of its database."""


def launch_in(folder: Folder) -> Launch:
    """Return how to start the server's programs on this folder."""
    return launch_for(folder.account, [folder.path, postmaster.programs() / "postgres"])


def ensure(folder: Folder, *, lock: int) -> None:
    """Make the cluster if there is none; the caller holds the start lock, and no server runs.

    The programs inherit `lock`: if this process is killed, the next one waits for them to end.
    """
    if not (folder.data / "PG_VERSION").is_file():
        _make(folder, lock)
        return
    version = (folder.data / "PG_VERSION").read_text().strip()
    if version != VERSION:
        raise Unavailable(
            f"{folder.data} was made by PostgreSQL {version}, this is PostgreSQL {VERSION}",
            hint="Write the catalogue out with the panosc that made it (`panosc catalogue "
            "dump`), move the folder away and load it again",
        )
    if folder.account.is_other and folder.data.stat().st_uid != folder.account.uid:
        own_tree(folder.data, folder.account)
    _replace_lost_passwords(folder, lock)


def _make(folder: Folder, lock: int) -> None:
    new = folder.path / "data.new"
    if new.exists():
        shutil.rmtree(new)
    try:
        _fill(folder, new, lock)
        new.rename(folder.data)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    folder.sync()


def _fill(folder: Folder, new: Path, lock: int) -> None:
    for path in (folder.password, folder.admin_password):
        if not path.exists():
            folder.write_password(path, new_password())
    _run(
        folder,
        [
            "initdb",
            f"--pgdata={new}",
            f"--username={ADMIN}",
            f"--pwfile={folder.admin_password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ],
        lock=lock,
    )
    password = folder.read_password(folder.password)
    _run_sql(
        folder,
        new,
        [
            f"create role {OWNER} login password '{password}'",
            f"create database {OWNER} owner {OWNER}",
        ],
        lock=lock,
    )


def _replace_lost_passwords(folder: Folder, lock: int) -> None:
    for role, path in ((OWNER, folder.password), (ADMIN, folder.admin_password)):
        if not path.exists():
            password = new_password()
            _run_sql(folder, folder.data, [f"alter role {role} password '{password}'"], lock=lock)
            folder.write_password(path, password)


def _run_sql(folder: Folder, data: Path, statements: list[str], *, lock: int) -> None:
    """Run statements on a cluster that no server runs on."""
    words = ["postgres", "--single", "-D", str(data), "-c", "exit_on_error=on"]
    words += ["-c", "log_min_messages=fatal", "-c", "log_checkpoints=off", "postgres"]
    _run(folder, words, lock=lock, text="".join(f"{line}\n" for line in statements))


def _run(folder: Folder, words: list[str], *, lock: int, text: str = "") -> None:
    launch = launch_in(folder)
    program = str(postmaster.programs() / words[0])
    try:
        done = subprocess.run(  # noqa: S603 - our own programs
            launch.command([program, *words[1:]]),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=[lock],
            **launch.options,
        )
    except OSError as error:
        raise Unavailable(
            f"{program} cannot be run as {folder.account.name!r}: {error.strerror}",
            hint="Make it executable for that account, or set PANOSC_DATABASE_URL",
        ) from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-6:]
        raise Unavailable(
            f"The database in {folder.path} cannot be made: {' / '.join(said)}",
            hint=hint_for("\n".join(said)),
        )


def hint_for(said: str) -> str:
    """Return what to do about a server that said this."""
    if "No space left" in said:
        return "The disk is full: free some space, or choose a --home on another disk"
    if "ermission denied" in said or "Read-only" in said:
        return "The folder cannot be written to: choose another --home"
    return "Choose another --home, or set PANOSC_DATABASE_URL"
