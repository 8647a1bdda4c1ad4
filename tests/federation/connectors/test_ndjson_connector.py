"""The connector to a folder of NDJSON."""

import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conformance import ConnectorConformance, Known
from tests.federation.harvesting.folders import catalogue, write

from panosc.domain.errors import Upstream
from panosc.federation.connectors.ndjson import NdjsonConnector


class TestNdjson(ConnectorConformance):
    connector = NdjsonConnector
    known = (
        Known(
            kind="Dataset",
            external_id="set-000002",
            model="Dataset",
            pid="src/set-000002",
            has={"title": "Run 2", "size": 1002, "instrumentId": "src/D1"},
        ),
        Known(kind="Document", external_id="doc-1", model="Document", pid="src/doc-1"),
        Known(kind="Instrument", external_id="D1", model="Instrument", pid="src/D1"),
    )

    @classmethod
    @contextmanager
    def standing(cls) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as name:
            yield write(Path(name), catalogue(5, documents=2)).as_uri()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "there", catalogue(4, documents=2))


def test_nothing_comes_while_no_file_changes(folder: Path) -> None:
    batches = TestNdjson.batches(folder.as_uri())
    assert sum(len(batch.raws) for batch in batches) == 7
    assert TestNdjson.batches(folder.as_uri(), batches[-1].cursor) == []
    os.utime(folder / "Dataset.ndjson", ns=(1, 1))
    assert len(TestNdjson.batches(folder.as_uri(), batches[-1].cursor)[0].raws) == 7


def test_it_goes_on_in_the_middle(folder: Path) -> None:
    batches = TestNdjson.batches(folder.as_uri())
    cursor = {**batches[-1].cursor, "after": "2set-000001"}
    later = TestNdjson.batches(folder.as_uri(), cursor)
    assert [raw.external_id for raw in later[0].raws] == ["set-000002", "set-000003"]


def test_packed_files_are_read(folder: Path) -> None:
    plain = TestNdjson.batches(folder.as_uri())[0].raws
    for path in list(folder.glob("*.ndjson")):
        with gzip.open(f"{path}.gz", "wb") as file:
            file.write(path.read_bytes())
        path.unlink()
    assert TestNdjson.batches(folder.as_uri())[0].raws == plain


@pytest.mark.parametrize("line", [b"[1]\n", b"{broken\n", b'{"pid": "half'])
def test_a_broken_line_is_named(folder: Path, line: bytes) -> None:
    with (folder / "Dataset.ndjson").open("ab") as file:
        file.write(line)
    for read in (lambda: TestNdjson.batches(folder.as_uri()), lambda: swept(folder)):
        with pytest.raises(Upstream, match=r"Dataset\.ndjson, line 5"):
            read()


def swept(folder: Path) -> list[tuple[str, str]]:
    async def read(connector: NdjsonConnector) -> list[tuple[str, str]]:
        return [item async for page in connector.sweep_ids() for item in page]

    return TestNdjson.ask(folder.as_uri(), read)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "file://elsewhere/x", "file:///none/such"])
def test_what_is_no_folder_is_refused(url: str) -> None:
    with pytest.raises(Upstream):
        TestNdjson.batches(url)
