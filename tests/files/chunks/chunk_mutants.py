"""Damaged HDF5 files by number, and what we and h5py read of each, in processes of their own.

Tests run a thousand, `benchmarks/mutants.py` as many as wanted. Nothing here knows pytest.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chunk_zoo
import h5py
import numpy as np

from panosc.domain.errors import PanoscError
from panosc.files.chunks import reading
from panosc.files.chunks.planning import way_of
from panosc.files.chunks.selection import parse, whole
from panosc.files.workers import Pool

BATCH = 10
"""Mutants that one task reads, one after the other in one process."""
PIPELINES = (
    *("none", "gzip", "gzip-shuffle-fletcher", "shuffle", "bitshuffle-lz4-small"),
    *("bitshuffle-zstd", "lz4", "zstd", "blosc", "bzip2", "lzf"),
)
LIMIT_BYTES = 2**24
_ODD = (Exception,)


@dataclass
class Tally:
    """What became of all mutants."""

    mutants: int = 0
    equal: int = 0
    refused: int = 0
    """An error of ours where h5py reads something, be it made up."""
    both: int = 0
    """An error of both."""
    unopened: int = 0
    lost: list[str] = field(default_factory=list)
    """Mutants whose process ended or was late, with the reason."""
    crashed: int = 0
    """Mutants that end the process of h5py, but not ours."""
    made_up: int = 0
    """Values of the library that it does not read twice: memory that it did not fill."""
    alone: list[str] = field(default_factory=list)
    """Values of ours where h5py has an error."""
    wrong: list[str] = field(default_factory=list)
    """Values of ours that are not those of h5py."""


def write_originals(folder: Path) -> list[Path]:
    """Write the files that are damaged then: small, so that damage meets something."""
    paths = []
    for libver in ("earliest", "latest"):
        for number, some in enumerate((PIPELINES[:5], PIPELINES[5:])):
            path = folder / f"{libver}{number}.h5"
            with h5py.File(path, "w", libver=libver) as file:
                for name in some:
                    file.create_dataset(
                        name,
                        data=chunk_zoo.values((9, 10), "<u2"),
                        chunks=(4, 10),
                        **chunk_zoo.PIPELINES[name],
                    )
                file["plain"] = chunk_zoo.values((5, 6), ">f4")
                file["group/flag"] = np.array([True, False])
                holes = file.create_dataset("holes", (20,), "<i2", chunks=(5,), fillvalue=-3)
                holes[6:9] = 4
            paths.append(path)
    return paths


def mutant(original: bytes, chance: random.Random) -> bytes:
    """Return the file with some of its bytes changed, or its end cut off."""
    damaged = bytearray(original)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        place = chance.randrange(len(damaged))
        match chance.randrange(4):
            case 0:
                damaged[place] ^= 1 << chance.randrange(8)
            case 1:
                damaged[place] = chance.randrange(256)
            case 2:
                damaged[place : place + 2] = bytes([0xFF, 0xFF])[: len(damaged) - place]
            case _:
                other = chance.randrange(len(damaged) - 8)
                damaged[place : place + 4] = damaged[other : other + 4][: len(damaged) - place]
    if chance.random() < 0.03:
        del damaged[chance.randrange(len(damaged)) :]
    return bytes(damaged)


def digest(values: Any) -> str:
    array = np.asarray(values)
    told = f"{array.dtype.str} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes()
    return hashlib.blake2b(told, digest_size=16).hexdigest()


def ours(paths: list[str]) -> list[dict[str, str | None] | None]:
    """Return what the node reads of each file: a digest by name, None for an error."""
    return [_ours(Path(path)) for path in paths]


def _ours(path: Path) -> dict[str, str | None] | None:
    reading.forget()
    try:
        arrays = chunk_zoo.arrays(path)
    except PanoscError:
        return None
    found: dict[str, str | None] = {}
    for name, array in arrays.items():
        if way_of(array) not in {"plan", "library"} or not array.dtype or array.shape is None:
            continue
        for text in ("", "1:3"):
            try:
                selection = parse(text, array.shape) if array.shape else whole(())
                if selection.points * np.dtype(array.dtype).itemsize > LIMIT_BYTES:
                    continue
                values = chunk_zoo.ours(path, name, array, selection)
                found[f"{name}\t{text}"] = f"{way_of(array)} {digest(values)}"
            except PanoscError:
                found[f"{name}\t{text}"] = None
    return found


def theirs(asked: list[tuple[str, list[str]]]) -> list[dict[str, str | None]]:
    """Return what h5py reads of each file, as `ours` does."""
    return [_theirs(path, names) for path, names in asked]


def _theirs(path: str, names: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    try:
        with h5py.File(path, locking=False) as file:
            for asked in names:
                name, _, text = asked.partition("\t")
                try:
                    dataset = _dataset(file, name)
                    chosen = dataset[parse(text, dataset.shape).index]
                    found[asked] = digest(np.asarray(chosen, dataset.dtype))
                except _ODD:
                    found[asked] = None
    except _ODD:
        return dict.fromkeys(names, None) | found
    return found


def _dataset(file: h5py.File, name: str) -> Any:
    try:
        return file[name]
    except KeyError:
        # the node takes names that are not UTF-8 as Latin-1
        return file[name.encode("latin-1")]


def run(folder: Path, *, count: int, seed: int, pool: Pool, told: Callable[[int], None]) -> Tally:
    """Damage, read in both ways and compare `count` files."""
    tally = Tally()
    chance = random.Random(seed)
    originals = [path.read_bytes() for path in write_originals(folder)]
    for begin in range(0, count, 16 * BATCH):
        batches = []
        for first in range(begin, min(count, begin + 16 * BATCH), BATCH):
            paths = []
            for number in range(first, min(count, first + BATCH)):
                path = folder / f"mutant{number}.h5"
                path.write_bytes(mutant(chance.choice(originals), chance))
                paths.append(str(path))
            batches.append(paths)
        found = list(_all(pool, "ours", batches, tally.lost))
        asked = [
            [(path, list(answer or ())) for path, answer in zip(paths, answers, strict=True)]
            for paths, answers in zip(batches, found, strict=True)
        ]
        expected = list(_all(pool, "theirs", asked, None))
        for paths, answers, wanted in zip(batches, found, expected, strict=True):
            _compare(paths, answers, wanted, tally)
        for path in folder.glob("mutant*.h5"):
            path.unlink()
        told(tally.mutants)
    return tally


def _all(
    pool: Pool, function: str, batches: list[Any], lost: list[str] | None
) -> Iterator[list[Any]]:
    """Yield the answers to all batches; what loses its process is tried again, each alone."""
    tasks = [(batch,) for batch in batches]
    for batch, outcome in zip(
        batches, pool.map_in_order(f"{__name__}:{function}", tasks), strict=True
    ):
        if outcome.reason is None:
            yield outcome.value
            continue
        answers = []
        for one in batch:
            again = pool.run(f"{__name__}:{function}", [one])
            if again.reason is not None and lost is not None:
                lost.append(f"{Path(one).name} {again.reason}: {again.detail}"[:150])
            answers.append(again.value[0] if again.reason is None else None)
        yield answers


def _compare(
    paths: list[str],
    answers: list[dict[str, str | None] | None],
    expected: list[dict[str, str | None] | None],
    tally: Tally,
) -> None:
    for path, found, wanted in zip(paths, answers, expected, strict=True):
        tally.mutants += 1
        if found is None:
            tally.unopened += 1
            continue
        if wanted is None:
            tally.crashed += 1
            continue
        for name, value in found.items():
            other = wanted.get(name)
            where = f"{Path(path).name} {name}"
            if value is None:
                tally.both += other is None
                tally.refused += other is not None
            elif value.split()[1] == other:
                tally.equal += 1
            elif other is not None and value.startswith("library"):
                tally.made_up += 1
            elif other is None:
                tally.alone.append(where)
            else:
                tally.wrong.append(where)
