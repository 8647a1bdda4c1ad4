"""Reading by processes of other machines, through a Dask scheduler.

Tasks go in chunks, answers come in the order of the tasks. Dask carries bytes and nothing
else. A chunk of a worker that was lost is read again by another; when the scheduler is lost,
reading stops and nothing is half done.
"""

import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Final

from panosc.domain.errors import Unavailable
from panosc.files.sandbox import Outcome
from panosc.files.workers import decode
from panosc.ingest.readers.at_worker import Limits, pack, read_chunk
from panosc.settings import Settings

if TYPE_CHECKING:
    from distributed import Future

CHUNK: Final = 16
"""Files in one task of Dask, which costs a millisecond or two by itself."""
CHUNKS_PER_THREAD: Final = 3
FEWEST_CHUNKS: Final = 4
LOOK_S: Final = 10.0
"""How often the workers are counted, in seconds."""
CONNECT_S: Final = 10.0
WORKERLESS_S: Final = 60.0
"""How long reading waits for a worker when the scheduler has none, in seconds."""
_PLAIN: Final = ["msgpack", "error"]
"""How values travel: numbers, texts and bytes; nothing that runs code when it arrives."""
_AGAIN = "Nothing is half done. Run it again when the scheduler is there; it goes on from there."


@dataclass(slots=True, kw_only=True)
class _Chunk:
    tasks: list[tuple[Any, ...]]
    future: "Future[Any]"

    @property
    def is_done(self) -> bool:
        return bool(self.future.status != "pending")


class _Far:
    """The tasks that are with Dask, and how many there may be."""

    def __init__(self, client: Any, address: str, settings: Settings) -> None:
        self._client = client
        self._address = address
        self._limits = Limits(
            memory_mb=settings.file_memory_mb, time_limit_s=settings.file_time_limit_s
        )
        self._run = uuid.uuid4().hex
        self._numbers = count()
        self._threads = 0
        self._looked = -LOOK_S

    def map_in_order(self, tasks: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        left = iter(tasks)
        flight: deque[_Chunk] = deque()
        try:
            while chunk := list(islice(left, CHUNK)):
                flight.append(self._submit(chunk))
                while flight and (len(flight) >= self._room() or flight[0].is_done):
                    yield from self._answers(flight.popleft())
            while flight:
                yield from self._answers(flight.popleft())
        finally:
            for one in flight:
                one.future.cancel()  # type: ignore[no-untyped-call]

    def _submit(self, tasks: list[tuple[Any, ...]]) -> _Chunk:
        key = f"panosc-read-{self._run}-{next(self._numbers)}"
        future = self._client.submit(read_chunk, pack(self._limits, tasks), key=key, pure=False)
        return _Chunk(tasks=tasks, future=future)

    def _room(self) -> int:
        """Return how many chunks may be on their way."""
        if time.monotonic() - self._looked > LOOK_S:
            self._count()
        return max(FEWEST_CHUNKS, CHUNKS_PER_THREAD * self._threads)

    def _count(self) -> None:
        try:
            self._threads = sum(self._client.nthreads().values())
        except (OSError, TimeoutError) as error:
            raise self._lost() from error
        self._looked = time.monotonic()

    def _answers(self, chunk: _Chunk) -> list[Outcome]:
        """Return the outcomes of a chunk; what kills one worker after the other is told apart."""
        data = self._result(chunk.future)
        if data is not None:
            return self._decoded(data, len(chunk.tasks))
        if len(chunk.tasks) == 1:
            return [Outcome(reason="crashed", detail="it took several Dask workers down with it")]
        alone = [self._submit([task]) for task in chunk.tasks]
        return [outcome for one in alone for outcome in self._answers(one)]

    def _result(self, future: "Future[Any]") -> object | None:
        """Wait for the answer to a chunk; None when every worker that had it was lost."""
        from distributed import KilledWorker  # noqa: PLC0415 - an extra

        workerless = 0.0
        while True:
            try:
                answer: object = future.result(timeout=LOOK_S)
            except TimeoutError:
                self._count()
                workerless = 0.0 if self._threads else workerless + LOOK_S
                if workerless >= WORKERLESS_S:
                    raise Unavailable(
                        f"The Dask scheduler {self._address} has no workers.",
                        hint="Start some with `dask worker`; nothing is half done.",
                    ) from None
            except KilledWorker:
                return None
            except (CancelledError, OSError) as error:
                raise self._lost() from error
            except Exception as error:
                raise Unavailable(
                    f"A Dask worker cannot read files: {type(error).__name__}: {error}"[:500],
                    hint="Install the same panosc with its extra `dask` wherever workers run.",
                ) from error
            else:
                return answer

    def _lost(self) -> Unavailable:
        return Unavailable(f"The Dask scheduler {self._address} was lost.", hint=_AGAIN)

    def _decoded(self, data: object, size: int) -> list[Outcome]:
        answer = None
        if isinstance(data, bytes):
            try:
                answer = decode(data)
            # bytes of another machine can lead the reader anywhere
            except Exception as error:
                raise Unavailable(f"A Dask worker's answer made no sense: {error}") from error
        if isinstance(answer, str):
            raise Unavailable(
                f"Files cannot be read by Dask: {answer}.",
                hint="Workers must run the same panosc as the node, and may start processes.",
            )
        if (
            not isinstance(answer, list)
            or len(answer) != size
            or not all(isinstance(item, Outcome) for item in answer)
        ):
            raise Unavailable("A Dask worker's answer made no sense.")
        return answer


@contextmanager
def far_readers(settings: Settings, address: str) -> Iterator[_Far]:
    """Provide the workers of the Dask scheduler at `address`.

    Raises
    ------
    Unavailable
        If it does not answer, or the extra ``dask`` is not installed.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Unavailable(
            "Reading through Dask needs the extra `dask`, which is not installed.",
            hint="Install panosc[dask], here and wherever workers run; "
            "or leave PANOSC_DASK_SCHEDULER out.",
        ) from error
    if address.startswith("tls:") and _has_no_certificates():
        raise Unavailable(
            f"For the Dask scheduler {address} no certificates are given.",
            hint="Tell Dask of them: DASK_DISTRIBUTED__COMM__TLS__CA_FILE and "
            "…__TLS__CLIENT__CERT and …__TLS__CLIENT__KEY.",
        )
    try:
        client: Any = Client(  # type: ignore[no-untyped-call]
            address,
            timeout=CONNECT_S,
            name="panosc",
            set_as_default=False,
            direct_to_workers=False,
            serializers=_PLAIN[:1],
            deserializers=_PLAIN,
        )
    except (OSError, TimeoutError, ValueError) as error:
        raise Unavailable(
            f"The Dask scheduler {address} does not answer: {error}"[:500],
            hint="Check PANOSC_DASK_SCHEDULER and that the scheduler runs; nothing was read.",
        ) from error
    try:
        yield _Far(client, address, settings)
    finally:
        client.close()


def _has_no_certificates() -> bool:
    from distributed import Security  # noqa: PLC0415 - an extra

    security: Any = Security()  # type: ignore[no-untyped-call]
    return security.get_connection_args("client").get("ssl_context") is None
