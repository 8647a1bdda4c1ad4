"""Files that are broken or mean harm: no crash, no hang, each its reason."""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import hostile
import pytest

from panosc.files.sandbox import Outcome
from panosc.files.workers import Pool
from panosc.ingest.formats import Facts
from panosc.ingest.reading import Reading


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(
        workers=2,
        memory_mb=256,
        time_limit_s=10,
        preload=["panosc.ingest.reading", "hdf5plugin"],
    ) as it:
        yield it


def _read(pool: Pool, path: Path) -> Outcome:
    status = path.stat()
    return pool.run("panosc.ingest.reading:read", str(path), status.st_size, status.st_mtime_ns)


def _facts(outcome: Outcome) -> Facts:
    assert outcome.reason is None, outcome
    assert isinstance(outcome.value, Reading)
    return outcome.value.facts


def _reasons(outcome: Outcome) -> set[str]:
    return {item.reason for item in outcome.value.facts.refusals}


def test_truncation_anywhere_has_its_reason(pool: Pool, examples: Path, tmp_path: Path) -> None:
    for name in ("chopper.nxs", "cs_af1410.h5"):
        content = next(examples.rglob(name)).read_bytes()
        path = tmp_path / name
        for step in range(20):
            path.write_bytes(content[: len(content) * step // 20])
            outcome = _read(pool, path)
            assert outcome.reason == ("empty" if step == 0 else "truncated"), (name, step, outcome)
        path.write_bytes(content[:5])
        assert _read(pool, path).reason == "bad-signature"


def test_flipped_bytes_spoil_one_file_at_most(pool: Pool, examples: Path, tmp_path: Path) -> None:
    rng = random.Random(20260301)
    sources = [next(examples.rglob(name)) for name in ("writer_2_1.hdf5", "cs_af1410.h5")]
    paths = []
    for number in range(200):
        content = bytearray(sources[number % 2].read_bytes())
        # the headers are where it hurts: half of the flips go into the first kilobytes
        reach = len(content) if number % 4 < 2 else 4096
        for _ in range(rng.choice((1, 3, 20))):
            content[rng.randrange(8, reach)] = rng.randrange(256)
        path = tmp_path / f"{number:03}.h5"
        path.write_bytes(content)
        paths.append(path)
    tasks = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    outcomes = list(pool.map_in_order("panosc.ingest.reading:read", tasks))
    assert len(outcomes) == 200
    for outcome in outcomes:
        assert outcome.reason or isinstance(outcome.value, Reading)
        assert outcome.reason != "failed", outcome
    readable = sum(1 for outcome in outcomes if outcome.reason is None)
    assert 50 < readable < 200
    # the workers are well afterwards
    assert _facts(_read(pool, sources[1])).definitions[0] == "NXcanSAS"


def test_a_filter_bomb_is_told_and_the_rest_is_read(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.filter_bomb(path)
    outcome = _read(pool, path)
    assert _facts(outcome).title is None
    assert _reasons(outcome) == {"filter-bomb"}


def test_a_terabyte_in_a_few_kilobytes_costs_nothing(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.huge_shape(path)
    outcome = _read(pool, path)
    assert _facts(outcome).default_plot == "/entry/data/I"
    assert outcome.value.facts.refusals == ()


def test_nothing_of_another_file_becomes_a_record(pool: Pool, tmp_path: Path) -> None:
    neighbour = tmp_path / "neighbour.nxs"
    with hostile.nexus(neighbour, title="a secret") as file:
        file["x"] = range(64)
    secret = tmp_path / "secret"
    secret.write_bytes(b"top secret" * 20)
    makers: dict[str, Callable[[Path], None]] = {
        "external-link": lambda path: hostile.external_links(path, neighbour),
        "virtual-dataset": lambda path: hostile.virtual(path, neighbour),
        "external-storage": lambda path: hostile.external_storage(path, secret),
    }
    for reason, make in makers.items():
        path = tmp_path / f"{reason}.nxs"
        make(path)
        outcome = _read(pool, path)
        _facts(outcome)
        assert reason in _reasons(outcome), reason
        assert "secret" not in str(replace(outcome.value.facts, refusals=()))


def test_circles_of_links_end(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.link_loops(path)
    outcome = _read(pool, path)
    assert _facts(outcome).title is None
    assert _facts(outcome).instrument == "ID02"
    assert "link-loop" in _reasons(outcome)


@pytest.mark.parametrize(
    "make", [hostile.odd_texts, hostile.huge_attribute, hostile.deep, hostile.many_groups]
)
def test_odd_files_are_datasets(pool: Pool, tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "x.nxs"
    make(path)
    outcome = _read(pool, path)
    assert _facts(outcome).title
    if make is hostile.many_groups:
        assert _reasons(outcome) == {"too-many-objects"}


def test_what_only_claims_to_be_hdf5_is_set_aside(pool: Pool, tmp_path: Path) -> None:
    contents = {
        "a.h5": b"PK\x03\x04" + bytes(50),
        "b.nxs": b"<html>",
        "c.hdf": b"\x89HMP\r\n\x1a\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        outcome = _read(pool, tmp_path / name)
        assert outcome.reason == "bad-signature", name
    hostile.hdf4(tmp_path / "d.hdf")
    outcome = _read(pool, tmp_path / "d.hdf")
    assert outcome.reason == "hdf4"
    assert "not supported yet" in outcome.detail


def test_what_does_not_claim_to_be_hdf5_is_not_taken_for_it(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"PK\x03\x04" + bytes(50))
    outcome = _read(pool, tmp_path / "x.txt")
    assert _facts(outcome).format == "application/zip"


def test_hdf5_is_known_by_its_signature_wherever_it_starts(pool: Pool, tmp_path: Path) -> None:
    hostile.nexus(tmp_path / "plain.dat").close()
    assert _facts(_read(pool, tmp_path / "plain.dat")).title == "an honest file"
    import h5py  # noqa: PLC0415

    with h5py.File(tmp_path / "block.dat", "w", userblock_size=2048) as file:
        file.create_group("entry").attrs["NX_class"] = "NXentry"
        file["entry/title"] = "after a block"
    assert _facts(_read(pool, tmp_path / "block.dat")).title == "after a block"


def test_a_file_that_became_a_pipe_does_not_block(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    os.mkfifo(path)
    outcome = _read(pool, path)
    assert outcome.reason == "special-file"


def test_a_file_that_changes_meanwhile_is_not_registered(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.nexus(path).close()
    outcome = pool.run("panosc.ingest.reading:read", str(path), 10, 10)
    assert outcome.reason == "changing"
    path.unlink()
    outcome = pool.run("panosc.ingest.reading:read", str(path), 10, 10)
    assert outcome.reason == "not-openable"


def test_large_files_are_hashed_in_pieces(pool: Pool, tmp_path: Path) -> None:
    import hashlib  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415

    path = tmp_path / "x.nxs"
    with hostile.nexus(path, title="large") as file:
        file["more"] = np.random.default_rng(1).random(3 * 2**20)
    assert path.stat().st_size > 20 * 2**20
    outcome = _read(pool, path)
    assert _facts(outcome).title == "large"
    assert outcome.value.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
