"""How many requests there were and how long they took, over all web processes of the node.

Each process adds up its own in its place on the `Board`, a row for each route that was asked;
whoever is asked adds up the places. What a process counted stays when it dies.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator

from panosc.portal.operating.board import NUMBERS, Board

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the buckets of a histogram, in seconds; the last one has none."""
CLASSES = ("2xx", "3xx", "4xx", "5xx")
OTHER = ("*", "other")
"""Requests that no route was found for, or that a guard answered."""
_NUMBER = struct.Struct("=d")
_OF_PROCESS = ("starts", "in_flight", "slow", "connections", "connections_in_use")
_GAUGES = frozenset(_OF_PROCESS[1:2] + _OF_PROCESS[3:])
_WIDTH = len(CLASSES) + len(BOUNDS) + 2
_NAME = 160
"""Bytes in which a row says of which route it is."""
_FIRST = 256
_ROW = _NAME + _WIDTH * _NUMBER.size
_ROWS = (NUMBERS - _FIRST) // _ROW
Route = tuple[str, str]


class Numbers:
    """The numbers of one node, counted by one of its processes.

    Parameters
    ----------
    board : Board
    pool : callable
        Connections to the database of this process: all, and those in use.
    """

    def __init__(
        self,
        board: Board,
        pool: Callable[[], tuple[int, int]] = lambda: (0, 0),
    ) -> None:
        self._board, self._pool = board, pool
        start = board.numbers(board.slot)
        self._own = {name: start + number * _NUMBER.size for number, name in enumerate(_OF_PROCESS)}
        self._in_flight = 0
        self._known = {route: number for number, route, _ in self._rows(board.slot)}
        for name in _GAUGES:
            # a process before this one may have died with some
            self._set(name, 0)
        self._add_own("starts", 1)

    def begun(self) -> None:
        """Count a request that is being answered."""
        self._in_flight += 1
        self._set("in_flight", self._in_flight)

    def ended(self, route: Route, status: int, seconds: float) -> None:
        """Count an answer: its status, and the time until it began."""
        self._in_flight -= 1
        self._set("in_flight", self._in_flight)
        self._look()
        place = self._place(route)
        kind = min(max(status // 100 - 2, 0), len(CLASSES) - 1)
        bucket = bisect_left(BOUNDS, seconds)
        for column, more in ((kind, 1), (len(CLASSES) + bucket, 1), (_WIDTH - 1, seconds)):
            self._add(place + column * _NUMBER.size, more)

    def slow(self) -> None:
        """Count a request that took too long."""
        self._add_own("slow", 1)

    def lines(self) -> Iterator[str]:
        """Give the numbers of the whole node as OpenMetrics text."""
        self._look()
        yield from _family(
            "panosc_http_requests", "counter", "Requests by route and class of status."
        )
        table = self._together()
        for (method, path), row in table:
            for kind, number in zip(CLASSES, row, strict=False):
                if number:
                    labels = f'method="{method}",route="{path}",status="{kind}"'
                    yield f"panosc_http_requests_total{{{labels}}} {number:.17g}"
        yield from _family(
            "panosc_http_request_duration_seconds", "histogram", "Time until an answer began."
        )
        for route, row in table:
            yield from _histogram(route, row)
        for name, column, kind, what in (
            ("panosc_http_requests_in_flight", "in_flight", "gauge", "Requests not yet answered."),
            ("panosc_http_slow_requests", "slow", "counter", "Requests over slow_query_s."),
            ("panosc_database_connections", "connections", "gauge", "Open to the database."),
            ("panosc_database_connections_in_use", "connections_in_use", "gauge", "Those in use."),
            ("panosc_web_process_starts", "starts", "counter", "Starts of web processes."),
        ):
            yield from _family(name, kind, what)
            suffix = "_total" if kind == "counter" else ""
            yield f"{name}{suffix} {self._sum(column):.17g}"
        yield from _family("panosc_web_processes", "gauge", "Web processes of this node.")
        yield f"panosc_web_processes {self._board.slots}"

    def _look(self) -> None:
        connections, in_use = self._pool()
        self._set("connections", connections)
        self._set("connections_in_use", in_use)

    def _together(self) -> list[tuple[Route, list[float]]]:
        """Return the rows of all processes, added up."""
        found: dict[Route, list[float]] = {}
        for slot in range(self._board.slots):
            for _, route, row in self._rows(slot):
                before = found.get(route, [0.0] * _WIDTH)
                found[route] = [one + other for one, other in zip(before, row, strict=True)]
        return sorted(found.items())

    def _rows(self, slot: int) -> Iterator[tuple[int, Route, list[float]]]:
        memory, start = self._board.memory, self._board.numbers(slot) + _FIRST
        for number in range(_ROWS):
            place = start + number * _ROW
            if not memory[place]:
                return
            method, _, path = memory[place : place + _NAME].rstrip(b"\0").decode().partition(" ")
            row = list(struct.unpack_from(f"={_WIDTH}d", memory, place + _NAME))
            yield number, (method, path), row

    def _place(self, route: Route) -> int:
        """Return where the numbers of a route begin, making room for a new one."""
        if route not in self._known and len(self._known) < _ROWS - 1:
            self._name(route, len(self._known))
        number = self._known.get(route)
        if number is None:
            # there is always one row left for all others
            number = self._known.get(OTHER)
        if number is None:
            number = self._name(OTHER, len(self._known))
        return self._board.numbers(self._board.slot) + _FIRST + number * _ROW + _NAME

    def _name(self, route: Route, number: int) -> int:
        text = " ".join(route).encode("ascii", "replace")[:_NAME]
        place = self._board.numbers(self._board.slot) + _FIRST + number * _ROW
        self._board.memory[place : place + len(text)] = text
        self._known[route] = number
        return number

    def _add_own(self, name: str, more: float) -> None:
        self._add(self._own[name], more)

    def _set(self, name: str, value: float) -> None:
        _NUMBER.pack_into(self._board.memory, self._own[name], value)

    def _add(self, place: int, more: float) -> None:
        memory = self._board.memory
        _NUMBER.pack_into(memory, place, _NUMBER.unpack_from(memory, place)[0] + more)

    def _sum(self, name: str) -> float:
        offset = _OF_PROCESS.index(name) * _NUMBER.size
        found = (
            _NUMBER.unpack_from(self._board.memory, self._board.numbers(slot) + offset)
            for slot in range(self._board.slots)
        )
        return float(sum(value for (value,) in found))


def _histogram(route: Route, row: list[float]) -> Iterator[str]:
    name = "panosc_http_request_duration_seconds"
    labels = f'method="{route[0]}",route="{route[1]}"'
    total = 0.0
    for bound, number in zip((*BOUNDS, "+Inf"), row[len(CLASSES) : -1], strict=True):
        total += number
        yield f'{name}_bucket{{{labels},le="{bound}"}} {total:.17g}'
    yield f"{name}_sum{{{labels}}} {row[-1]:.17g}"
    yield f"{name}_count{{{labels}}} {total:.17g}"


def _family(name: str, kind: str, what: str) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    yield f"# HELP {name} {what}"
