"""A tape system behind commands of the site: JSON lines in, JSON lines out, no shell.

The command of the setting `tape_command` is run with one more argument, the name of the call.
What it is asked stands on its standard input, one JSON object a line; what it answers on its
standard output. It ends with code 0, or says on standard error why it could not.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from panosc.data.restoring.tapes import LONGEST_MESSAGE, STATES, Place, TapeFault, Told
from panosc.settings import Settings

MARGIN = 0.9
"""A command is ended a little before whoever waits for the call gives up."""


class CommandTape:
    """Calls the commands of a site; see `tapes.Tape`."""

    def __init__(self, settings: Settings) -> None:
        if not settings.tape_command:
            message = "the setting tape_command is empty"
            raise ValueError(message)
        self._command = settings.tape_command
        self._limit_s = settings.tape_time_limit_s * MARGIN

    def volumes(self, urls: Sequence[str]) -> Mapping[str, Place]:
        """Ask ``volumes``: lines ``{"url"}`` in, ``{"url", "volume", "order"}`` out."""
        lines = self._run("volumes", [{"url": url} for url in urls])
        found = {}
        for line in lines:
            order = line.get("order")
            if not (order is None or (isinstance(order, int) and abs(order) < 2**63)):
                raise TapeFault(f"volumes: “order” is no number: {str(order)[:100]}")
            found[_text(line, "url")] = Place(volume=_text(line, "volume"), order=order)
        return found

    def recall(self, request: str, volume: str, urls: Sequence[str]) -> None:
        """Ask ``recall``: ``{"request", "volume"}`` and then lines ``{"url"}`` in, nothing out."""
        head = {"request": request, "volume": volume}
        self._run("recall", [head, *({"url": url} for url in urls)])

    def poll(self, request: str) -> Mapping[str, Told]:
        """Ask ``poll``: ``{"request"}`` in, ``{"url", "state", "message"}`` out."""
        found = {}
        for line in self._run("poll", [{"request": request}]):
            state: Any = line.get("state")
            if state not in STATES:
                raise TapeFault(f"poll: {str(state)[:100]!r} is no state, use {', '.join(STATES)}")
            message = str(line.get("message") or "")[:LONGEST_MESSAGE]
            found[_text(line, "url")] = Told(state=state, message=message)
        return found

    def drop(self, request: str) -> None:
        """Ask ``drop``: ``{"request"}`` in, nothing out."""
        self._run("drop", [{"request": request}])

    def release(self, urls: Sequence[str]) -> None:
        """Ask ``release``: lines ``{"url"}`` in, nothing out."""
        self._run("release", [{"url": url} for url in urls])

    def _run(self, call: str, lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        asked = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        try:
            process = subprocess.Popen(  # noqa: S603 - the site's own command, without a shell
                [*self._command, call],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise TapeFault(f"{call}: the command cannot be run: {error.strerror}") from None
        try:
            answer, said = process.communicate(asked, timeout=self._limit_s)
        except subprocess.TimeoutExpired:
            message = f"{call}: the command did not answer within {self._limit_s:g} s"
            raise TapeFault(message) from None
        finally:
            _end(process)
        if process.returncode:
            why = said.decode("utf-8", "replace").strip()[-LONGEST_MESSAGE:]
            raise TapeFault(f"{call}: the command ended with code {process.returncode}: {why}")
        return [_object(call, line) for line in answer.splitlines() if line.strip()]


def _object(call: str, line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise TapeFault(f"{call}: this line is no JSON object: {line[:100]!r}")
    return found


def _text(line: Mapping[str, Any], name: str) -> str:
    found = line.get(name)
    if not isinstance(found, str) or not found:
        raise TapeFault(f"a line has no “{name}”: {str(dict(line))[:200]}")
    return found


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the command with all that it started."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    # what it started may hold its pipes; nobody waits for that
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    process.wait()
