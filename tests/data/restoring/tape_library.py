"""A tape library to test with: one drive, slow mounts, and everything that happened is counted.

It stands for a library of a facility: volumes lie on shelves, one drive reads them, a mount takes
minutes (here fractions of a second), then one file after the other comes to disk. A vault folder
holds what is on the tapes; a file that is not recalled does not exist at its path, so whoever
opened it would fail. What it knows is kept in a file, so that it outlives any process, as a
library outlives the node. Run as a program it is a command of a site (`tape_command`).
"""

import json
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

_SCHEMA = """
create table if not exists tape (url text primary key, volume text, place integer, bad text);
create table if not exists request (name text primary key, volume text, begins real, dropped real);
create table if not exists wanted (name text, url text, comes real, primary key (name, url));
create table if not exists call (name text, argument text, at real);
"""


class Library:
    """The library; any number of these see one and the same."""

    def __init__(self, folder: Path, *, mount_s: float = 0.2, file_s: float = 0.005) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.vault = folder / "vault"
        self.vault.mkdir(exist_ok=True)
        self.mount_s, self.file_s = mount_s, file_s
        with self._opened() as database:
            database.executescript(_SCHEMA)

    # ---- what a test does ----

    def put(self, path: Path, volume: str, place: int, *, stub: bool = False) -> str:
        """Bring a file to tape; it is at its path no more, or as a stub without content."""
        url = path.as_uri()
        status = path.stat()
        shutil.move(path, self._kept(url))
        if stub:
            with path.open("wb") as file:
                file.truncate(status.st_size)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        with self._opened() as database:
            database.execute("insert into tape values (?, ?, ?, ?)", (url, volume, place, None))
        return url

    def mounts(self) -> list[tuple[str, float, float]]:
        """Return each mount that there was: its volume, when it began, when its last file came."""
        query = (
            "select volume, begins, min(coalesce(dropped, 1e99), max(coalesce(comes, begins)))"
            " from request left join wanted using (name) group by name order by begins"
        )
        with self._opened() as database:
            return list(database.execute(query))

    def recalls(self) -> list[str]:
        """Return the URL of each file of each request."""
        with self._opened() as database:
            return [row[0] for row in database.execute("select url from wanted")]

    def orders(self) -> list[list[str]]:
        """Return in which order the files of each request came."""
        with self._opened() as database:
            names = [row[0] for row in database.execute("select name from request order by begins")]
            return [
                [
                    row[0]
                    for row in database.execute(
                        "select url from wanted where name = ? order by comes, rowid", (name,)
                    )
                ]
                for name in names
            ]

    def calls(self, name: str) -> int:
        with self._opened() as database:
            count = "select count(*) from call where name = ?"
            return int(database.execute(count, (name,)).fetchone()[0])

    # ---- what every tape system does ----

    def volumes(self, urls: Sequence[str]) -> dict[str, tuple[str, int]]:
        with self._opened("volumes") as database:
            rows = (
                database.execute("select url, volume, place from tape where url = ?", (url,))
                for url in urls
            )
            found = [row for one in rows for row in one]
        return {url: (volume, place) for url, volume, place in found}

    def recall(self, request: str, volume: str, urls: Sequence[str]) -> None:
        with self._opened("recall", request) as database:
            known = database.execute("select 1 from request where name = ?", (request,)).fetchone()
            if known:
                return
            # one drive: it begins when everything before has come or was dropped
            busy = database.execute(
                "select max(min(coalesce(dropped, 1e99), comes)) from request join wanted"
                " using (name)"
            ).fetchone()[0]
            begins = max(time.time(), busy or 0.0)
            row = (request, volume, begins)
            database.execute("insert into request (name, volume, begins) values (?, ?, ?)", row)
            comes = begins + self.mount_s
            for url in urls:
                comes += self.file_s
                database.execute("insert into wanted values (?, ?, ?)", (request, url, comes))

    def poll(self, request: str) -> dict[str, tuple[str, str]]:
        with self._opened("poll", request) as database:
            rows = database.execute(
                "select wanted.url, comes, request.volume, dropped,"
                " coalesce(tape.volume = request.volume, 0), bad"
                " from request join wanted using (name) left join tape on tape.url = wanted.url"
                " where name = ?",
                (request,),
            ).fetchall()
        return {url: self._told(url, *rest) for url, *rest in rows}

    def _told(
        self,
        url: str,
        comes: float,
        volume: str,
        dropped: float | None,
        known: int,
        bad: str | None,
    ) -> tuple[str, str]:
        now = time.time()
        if dropped is not None and dropped < comes:
            return "failed", "The request was dropped."
        if now < comes:
            return "waiting", f"The volume {volume} is read."
        if not known or bad:
            return "failed", bad or "There is no such file on the volume."
        path = Path(unquote(urlsplit(url).path))
        if not path.exists() or path.stat().st_blocks == 0:
            part = path.with_name(f".{path.name}.{os.getpid()}")
            shutil.copy2(self._kept(url), part)
            part.rename(path)
        return "online", ""

    def drop(self, request: str) -> None:
        with self._opened("drop", request) as database:
            database.execute(
                "update request set dropped = ? where name = ? and dropped is null",
                (time.time(), request),
            )

    def release(self, urls: Sequence[str]) -> None:
        with self._opened("release", str(len(urls))):
            for url in urls:
                if self._kept(url).exists():
                    Path(unquote(urlsplit(url).path)).unlink(missing_ok=True)

    def _kept(self, url: str) -> Path:
        return self.vault / url.replace("/", "_")

    @contextmanager
    def _opened(self, call: str | None = None, argument: str = "") -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.folder / "library.sqlite", timeout=30)
        try:
            database.execute("pragma synchronous = off")
            # the whole call at once, whoever else calls
            database.execute("begin immediate")
            if call:
                row = (call, argument, time.time())
                database.execute("insert into call values (?, ?, ?)", row)
            yield database
            database.commit()
        finally:
            database.close()


def main() -> None:
    """Be the command of a site: ``tape_library.py FOLDER CALL``."""
    tape, call = Library(Path(sys.argv[1])), sys.argv[2]
    lines = [json.loads(line) for line in sys.stdin]
    urls = [line["url"] for line in lines if "url" in line]
    if call == "volumes":
        for url, (volume, order) in tape.volumes(urls).items():
            sys.stdout.write(json.dumps({"url": url, "volume": volume, "order": order}) + "\n")
    elif call == "recall":
        tape.recall(lines[0]["request"], lines[0]["volume"], urls)
    elif call == "poll":
        for url, (state, message) in tape.poll(lines[0]["request"]).items():
            sys.stdout.write(json.dumps({"url": url, "state": state, "message": message}) + "\n")
    elif call == "drop":
        tape.drop(lines[0]["request"])
    elif call == "release":
        tape.release(urls)


if __name__ == "__main__":
    main()
