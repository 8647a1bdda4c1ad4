"""The parent of the server: starts it again when it dies, stops it when its last user has gone.

Run as ``python -m panosc.catalogue.embedded.watchdog HOME socket|tcp NUMBER`` by the first user,
where NUMBER is the descriptor of the start lock, inherited so that nobody else starts a watchdog
even if the user is killed now. It leaves the foreground, and gives that lock back, once it holds
the watchdog lock. It needs no word from the users: each
holds the users lock shared, which the kernel frees however they end, and the watchdog waits for
it exclusively. It never makes a cluster.
"""

import fcntl
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from panosc.catalogue.embedded import cluster, locks, postmaster
from panosc.catalogue.embedded.folder import Folder, prepare
from panosc.domain.errors import PanoscError

TRIES = 10
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
QUICK_S = 5.0
"""A server that has run longer is counted as sound; one that ended sooner and was never ready
will not do better next time."""
PATIENCE_S = 10.0
ORDERLY = 12
"""Times that an orderly end is asked for and waited for with `PATIENCE_S`; after that the
server is stopped at once and recovers next time."""
LOCK_PATIENCE_S = 5.0
LARGEST_LOG = 10 << 20

UNUSED = "no user is left"
TERMINATED = "the watchdog was asked to end"
EXITED = "the server has ended"

_STILL_ENDING = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')


class Watchdog:
    """One server and the events that concern it."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._launch = cluster.launch_in(folder)
        self._events: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._users = locks.open_lock(
            folder.users_lock, uid=folder.account.uid, gid=folder.account.gid
        )

    def run(self) -> None:
        """Keep the server running until nobody needs it or it cannot be kept running."""
        signal.signal(signal.SIGTERM, lambda *_: self._events.put(TERMINATED))
        for ignored in (signal.SIGINT, signal.SIGHUP):
            # Not SIG_IGN: the server would inherit that and, just started, miss our SIGINT.
            signal.signal(ignored, lambda *_: None)
        threading.Thread(target=self._wait_for_users, daemon=True).start()
        failures = 0.0
        while self._folder.data.is_dir():
            began = time.monotonic()
            said = self._folder.log_size()
            orphan = self._adopt()
            pid = orphan or self._start()
            if (event := self._events.get()) != EXITED:
                self._stop(pid, event)
                return
            is_ending = any(
                mark in line for line in self._folder.log_tail(since=said) for mark in _STILL_ENDING
            )
            is_sound = time.monotonic() - began > QUICK_S
            # The remains of a killed server take their time to go: that counts little.
            failures = (0 if is_sound else failures) + (0.01 if is_ending else 1)
            is_worth_it = orphan or is_sound or is_ending or self._has_run(said)
            if failures > TRIES or not is_worth_it:
                self._say("the server does not start; giving up")
                return
            if self._pause(failures):
                return

    def _wait_for_users(self) -> None:
        fcntl.flock(self._users, fcntl.LOCK_EX)
        self._events.put(UNUSED)

    def _has_run(self, said: int) -> bool:
        """Whether this server had been ready before it ended: then it is worth another try."""
        lines = self._folder.log_tail(since=said, lines=200)
        return any("ready to accept connections" in line for line in lines)

    def _pause(self, failures: float) -> bool:
        """Wait before the next try; True if it is no longer wanted."""
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** int(failures))
        try:
            event = self._events.get(timeout=pause)
        except queue.Empty:
            return False
        self._say(event)
        return True

    def _adopt(self) -> int | None:
        """Take over a server whose watchdog was killed."""
        orphan = postmaster.living(self._folder.data)
        if orphan is None:
            return None
        self._say(f"taking over the server {orphan.pid}")
        threading.Thread(target=self._wait_for_orphan, args=[orphan.pid], daemon=True).start()
        return orphan.pid

    def _wait_for_orphan(self, pid: int) -> None:
        if hasattr(os, "pidfd_open"):
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                pass
            else:
                select.select([descriptor], [], [])
                os.close(descriptor)
        else:
            while postmaster.living(self._folder.data):
                time.sleep(0.2)
        self._events.put(EXITED)

    def _start(self) -> int:
        log = self._folder.open_log()
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                self._launch.command(postmaster.command(self._folder)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._launch.options,
            )
        finally:
            os.close(log)
        threading.Thread(target=self._wait_for_child, args=[process], daemon=True).start()
        return process.pid

    def _wait_for_child(self, process: "subprocess.Popen[bytes]") -> None:
        code = process.wait()
        self._say(f"the server has ended with code {code}")
        self._events.put(EXITED)

    def _stop(self, pid: int, reason: str) -> None:
        self._say(reason)
        for how in (*[signal.SIGINT] * ORDERLY, signal.SIGQUIT, signal.SIGKILL):
            try:
                os.kill(pid, how)
                deadline = time.monotonic() + PATIENCE_S
                while (left := deadline - time.monotonic()) > 0:
                    if self._events.get(timeout=left) == EXITED:
                        return
            except queue.Empty:
                continue
            except ProcessLookupError:
                return

    def _say(self, text: str) -> None:
        now = datetime.now(UTC)
        line = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d} UTC watchdog: {text}\n"
        os.write(2, line.encode())


def _hold_watchdog_lock(folder: Folder) -> int | None:
    """Return the lock, None if there is another watchdog; it is probed by others for moments."""
    descriptor = locks.open_lock(
        folder.watchdog_lock, uid=folder.account.uid, gid=folder.account.gid
    )
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while not locks.try_lock(descriptor):
        if time.monotonic() > deadline:
            return None
        time.sleep(locks.PAUSE_S)
    return descriptor


def _leave_foreground(folder: Folder, lock: int) -> None:
    if child := os.fork():
        # Our user waits for this process, so it will find the number of the other one.
        os.pwrite(lock, f"{child:10}\n".encode(), 0)
        os._exit(0)
    if folder.log_size() > LARGEST_LOG:
        folder.log.rename(folder.path / "log.1")
    log = folder.open_log()
    nothing = os.open(os.devnull, os.O_RDWR)
    for source, target in ((nothing, 0), (nothing, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)


def main() -> None:
    """Watch over the server of the home named on the command line."""
    try:
        folder = replace(prepare(Path(sys.argv[1])), is_tcp=sys.argv[2] == "tcp")
        lock = _hold_watchdog_lock(folder)
        if lock is None:
            return
        watchdog = Watchdog(folder)
    except PanoscError as error:
        sys.exit(error.detail)
    _leave_foreground(folder, lock)
    os.close(int(sys.argv[3]))
    # The lock is not given back before the process has ended: others wait for that.
    watchdog.run()


if __name__ == "__main__":
    main()
