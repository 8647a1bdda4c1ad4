"""Loading and dumping: all or nothing, both ways to the same catalogue, errors with their place."""

import gzip
import json
import random
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from panosc.catalogue import staging, tables
from panosc.catalogue.dumping import dump
from panosc.catalogue.loading import load
from panosc.catalogue.writer import write
from panosc.domain.access import ALWAYS, NEVER
from panosc.domain.errors import Conflict, Invalid, NotFound

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def catalogue(folder, **classes):
    """Write a catalogue of the given rows."""
    folder.mkdir(exist_ok=True)
    for name, rows in classes.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")
    return folder


def small(seed=1, count=12):
    """Return the rows of a small catalogue in which every class and value occurs."""
    rng = random.Random(seed)
    datasets = [f"10.1/ds{i}" for i in range(count)]
    return {
        "Affiliation": [{"id": 1, "name": "Lab", "city": "Lund"}],
        "Person": [{"id": "ada", "fullName": "Ada Example", "orcid": "0000-0002-1825-0097"}],
        "Instrument": [{"pid": "i1", "name": "D22", "facility": "ILL"}],
        "Technique": [{"pid": "t1", "name": "SANS"}, {"pid": "t2", "name": "WANS"}],
        "Sample": [{"pid": "s1", "name": "tab\there, back\\slash", "description": "two\nlines"}],
        "Document": [
            {
                "pid": "doc1",
                "isPublic": True,
                "title": "Proposal",
                "keywords": ["a,b", 'c"d', "e\\f", "{g}"],
                "startDate": "2021-02-03T04:05:06.007+02:00",
                "cycle": {"nested": [1, 2]},
            }
        ],
        "Dataset": [
            {
                "pid": pid,
                "title": f"Dataset {pid} \N{SNOWMAN} \\N",
                "isPublic": rng.random() < 0.7,
                "creationDate": "2020-01-01T00:00:00.123Z",
                "size": 2**40 + 1,
                "instrumentId": "i1",
            }
            for pid in datasets
        ],
        "Member": [{"id": 1, "role": "pi", "documentId": "doc1", "personId": "ada"}],
        "Parameter": [
            {"name": name, "value": value, "unit": unit, "datasetId": pid}
            for pid in datasets
            for name, value, unit in [
                ("wavelength", 1.5, "A"),
                ("temperature", 20, "celsius"),
                ("state", "solid", ""),
                ("mystery", 3, "furlongs per fnord"),
            ]
        ],
        "File": [{"name": "a/b.h5", "size": 5, "datasetId": pid} for pid in datasets],
        "DatasetSample": [{"datasetId": pid, "sampleId": "s1"} for pid in datasets],
        "DatasetTechnique": [{"datasetId": pid, "techniqueId": "t1"} for pid in datasets],
        "DocumentDataset": [{"documentId": "doc1", "datasetId": pid} for pid in datasets],
        "Location": [
            {"url": f"file:///x/{pid}", "datasetId": pid, "name": "b.h5", "size": 5, "mtimeNs": 7}
            for pid in datasets
        ],
    }


def read(folder):
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


def number_of(engine, table):
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_what_is_loaded_is_dumped(engine, tmp_path):
    rows = small()
    loaded = load(engine, catalogue(tmp_path / "in", **rows), now=NOW)
    assert loaded.rows == {name: len(items) for name, items in rows.items()}
    assert loaded.unknown == {"Document": {"cycle"}}
    dump(engine, tmp_path / "out", bare=True)
    for name, items in rows.items():
        lines = (tmp_path / "out" / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()
        got = [json.loads(line) for line in lines]
        assert sorted(map(key_of, got)) == sorted(map(key_of, map(as_dumped, items)))


def as_dumped(row):
    """Times come back in UTC, identifiers of parts as text, a location with its tier."""
    out = {
        key: str(value) if key in {"id", "affiliationId"} else value for key, value in row.items()
    }
    if "startDate" in out:
        out["startDate"] = "2021-02-03T02:05:06.007Z"
    if "url" in out:
        out["tier"] = "online"
    return out


def key_of(row):
    return json.dumps(row, sort_keys=True)


def test_both_ways_in_give_the_same_catalogue(engine, tmp_path):
    """Straight into empty tables, merged over itself, and written as a batch."""
    source = catalogue(tmp_path / "in", **small())
    load(engine, source, now=NOW)
    dump(engine, tmp_path / "straight", bare=True)
    load(engine, source, now=NOW)
    dump(engine, tmp_path / "merged", bare=True)
    assert read(tmp_path / "straight") == read(tmp_path / "merged")
    with engine.begin() as connection:
        names = ", ".join(f'"{name}"' for name in staging.FILLED)
        connection.exec_driver_sql(f"truncate {names}")
        rows = [(name, row) for name, items in small().items() for row in items]
        written = write(connection, rows, now=NOW)
    assert written.rows["Dataset"] == 12
    dump(engine, tmp_path / "written", bare=True)
    assert read(tmp_path / "straight") == read(tmp_path / "written")


def test_a_dump_loads_into_another_node(engine, tmp_path):
    load(engine, catalogue(tmp_path / "in", **small()), now=NOW)
    dump(engine, tmp_path / "one")
    with engine.begin() as connection:
        connection.exec_driver_sql("truncate " + ", ".join(f'"{n}"' for n in staging.FILLED))
    assert load(engine, tmp_path / "one", now=NOW).unknown == {"Document": {"cycle"}}
    dump(engine, tmp_path / "two", bare=True)
    load(engine, tmp_path / "one", now=NOW)
    dump(engine, tmp_path / "three", bare=True)
    assert read(tmp_path / "two") == read(tmp_path / "three")


def test_loading_leaves_keys_and_indexes_as_they_were(engine, tmp_path):
    def structure():
        with engine.connect() as connection:
            indexes = connection.exec_driver_sql(
                "select indexname, indexdef from pg_indexes where schemaname = 'public'"
            ).all()
            keys = connection.exec_driver_sql(
                "select conname, pg_get_constraintdef(oid), convalidated from pg_constraint"
                " where connamespace = 'public'::regnamespace"
            ).all()
            return sorted(map(str, indexes)), sorted(map(str, keys))

    before = structure()
    load(engine, catalogue(tmp_path / "in", **small()), now=NOW)
    assert structure() == before


def test_si_values_stand_beside_those_given(engine, tmp_path):
    load(engine, catalogue(tmp_path / "in", **small(count=1)), now=NOW)
    with engine.connect() as connection:
        found = {
            row.name: (row.value_number, row.unit, row.si_value, row.si_unit)
            for row in connection.execute(sa.select(tables.parameter))
        }
    # "A" of a wavelength is ångström, not ampere
    assert found["wavelength"] == (1.5, "A", pytest.approx(1.5e-10), "m")
    assert found["temperature"] == (20, "celsius", 293.15, "K")
    assert found["mystery"] == (3, "furlongs per fnord", None, None)
    assert found["state"] == (None, "", None, None)


def test_the_feed_names_every_record_once(engine, tmp_path):
    load(engine, catalogue(tmp_path / "in", **small()), now=NOW)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(tables.changes.c.model, tables.changes.c.pid)).all()
    assert len(rows) == len(set(rows)) == 1 + 1 + 1 + 2 + 1 + 1 + 12
    assert ("Dataset", "10.1/ds3") in rows


@pytest.mark.parametrize("already", [False, True], ids=["empty", "merged"])
@pytest.mark.parametrize(
    ("name", "row", "said"),
    [
        ("Dataset", {"title": "no pid"}, "Dataset.ndjson, line 13: pid is missing"),
        ("Dataset", {"pid": "x", "size": "big"}, "size is not a whole number"),
        ("Dataset", {"pid": "x", "size": 2**70}, "size is larger"),
        ("Dataset", {"pid": "x", "size": 1.5}, "size is not a whole number"),
        ("Dataset", {"pid": "x", "isPublic": "yes"}, "isPublic is neither true nor false"),
        ("Dataset", {"pid": "x", "creationDate": "yesterday"}, "creationDate is not a date"),
        ("Dataset", {"pid": "x", "access": "secret"}, "secret"),
        ("Dataset", {"pid": "x", "title": ["a"]}, "title is not a text"),
        ("Dataset", {"pid": "x", "instrumentId": "nowhere"}, "'nowhere' is no Instrument"),
        ("Dataset", {"pid": "10.1/ds3"}, "10.1/ds3 is there twice"),
        ("Parameter", {"value": 1, "datasetId": "10.1/ds1"}, "name is missing"),
        ("Parameter", {"name": "a", "datasetId": "lost"}, "Parameter.ndjson, line 49: datasetId"),
        ("File", {"name": "a"}, "datasetId is missing"),
        (
            "DatasetTechnique",
            {"datasetId": "10.1/ds1", "techniqueId": "t9"},
            "'t9' is no Technique",
        ),
        ("Document", {"pid": "d2", "keywords": "one"}, "keywords is not a list"),
    ],
)
def test_a_bad_line_loads_nothing_and_is_named(engine, tmp_path, already, name, row, said):
    if already:
        load(engine, catalogue(tmp_path / "before", **small()), now=NOW)
    before = number_of(engine, tables.dataset)
    rows = small()
    rows[name] = [*rows[name], row]
    with pytest.raises((Invalid, Conflict), match=r".") as caught:
        load(engine, catalogue(tmp_path / "in", **rows), now=NOW)
    assert said in str(caught.value)
    assert number_of(engine, tables.dataset) == before


def test_a_broken_line_is_named(engine, tmp_path):
    folder = catalogue(tmp_path / "in", **small())
    with (folder / "Sample.ndjson").open("a") as file:
        file.write('{"pid": \n')
    with pytest.raises(Invalid, match=r"Sample\.ndjson, line 2"):
        load(engine, folder, now=NOW)
    (folder / "Sample.ndjson").write_text("[1]\n")
    with pytest.raises(Invalid, match="not a JSON object"):
        load(engine, folder, now=NOW)


def test_a_folder_without_a_catalogue_is_refused(engine, tmp_path):
    with pytest.raises(NotFound, match="no folder"):
        load(engine, tmp_path / "nowhere", now=NOW)
    with pytest.raises(NotFound, match="no catalogue"):
        load(engine, tmp_path, now=NOW)


def test_a_merge_replaces_what_belongs_to_a_record_and_nothing_else(engine, tmp_path):
    load(engine, catalogue(tmp_path / "in", **small()), now=NOW)
    again = catalogue(
        tmp_path / "again",
        Parameter=[{"name": "wavelength", "value": 9, "unit": "nm", "datasetId": "10.1/ds1"}],
        Instrument=[{"pid": "i1", "name": "D33"}],
    )
    load(engine, again, now=NOW)
    assert number_of(engine, tables.parameter) == 11 * 4 + 1
    assert number_of(engine, tables.file) == 12
    with engine.connect() as connection:
        row = connection.execute(sa.select(tables.instrument)).one()
        last = connection.execute(
            sa.select(tables.changes.c.model, tables.changes.c.pid)
            .order_by(tables.changes.c.number.desc())
            .limit(2)
        ).all()
    # what a shared record said before, and this line leaves out, stays
    assert (row.name, row.facility) == ("D33", "ILL")
    assert set(last) == {("Dataset", "10.1/ds1"), ("Instrument", "i1")}


@pytest.mark.parametrize("batch", [False, True], ids=["load", "write"])
def test_embargoes_come_from_the_record_or_its_document(engine, tmp_path, batch):
    later = "2999-01-01T00:00:00Z"
    rows = {
        "Document": [{"pid": "d", "isPublic": False, "releaseDate": later}],
        "Dataset": [
            {"pid": "own", "isPublic": False, "releaseDate": "2998-01-01T00:00:00Z"},
            {"pid": "of document", "isPublic": False},
            {"pid": "alone", "isPublic": False},
            {"pid": "public", "isPublic": True},
            {"pid": "said closed", "isPublic": False, "access": "closed"},
        ],
        "DocumentDataset": [
            {"documentId": "d", "datasetId": pid}
            for pid in ("own", "of document", "public", "said closed")
        ],
    }
    if batch:
        with engine.begin() as connection:
            write(connection, [(n, row) for n, items in rows.items() for row in items], now=NOW)
    else:
        load(engine, catalogue(tmp_path / "in", **rows), now=NOW)
    with engine.connect() as connection:
        found = {
            row.pid: (row.core_at, row.open_at)
            for row in connection.execute(sa.select(tables.dataset))
        }
    assert found == {
        "own": (ALWAYS, datetime(2998, 1, 1, tzinfo=UTC)),
        "of document": (ALWAYS, datetime(2999, 1, 1, tzinfo=UTC)),
        "alone": (NEVER, NEVER),
        "public": (ALWAYS, ALWAYS),
        "said closed": (NEVER, NEVER),
    }


def opening(engine, pid):
    query = sa.select(tables.dataset.c.open_at).where(tables.dataset.c.pid == pid)
    with engine.connect() as connection:
        return connection.execute(query).scalar_one()


def test_what_opened_on_the_date_of_its_record_is_not_closed_by_loading_it_again(engine):
    """Once closed and not public, it would need a date to come; this one has opened on its own."""
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    row = {"pid": "a", "title": "x", "isPublic": False, "releaseDate": ends.isoformat()}
    for day, title in ((NOW, "x"), (ends + timedelta(days=9), "x"), (ends, "another")):
        with engine.begin() as connection:
            rows = [(model, {**row, "title": title}) for model in ("Dataset", "Document")]
            write(connection, rows, now=day)
            kept = connection.execute(sa.select(tables.document.c.open_at)).scalar_one()
        assert (opening(engine, "a"), kept) == (ends, ends)
    with engine.begin() as connection:
        write(connection, [("Dataset", {**row, "access": "closed"})], now=NOW)
    assert opening(engine, "a") == NEVER, "what its source says anew counts"


def test_a_new_date_of_a_document_reaches_its_datasets(engine):
    with engine.begin() as connection:
        document = {"pid": "d", "isPublic": False, "releaseDate": "2999-01-01T00:00:00Z"}
        link = ("DocumentDataset", {"documentId": "d", "datasetId": "a"})
        rows = [("Document", document), ("Dataset", {"pid": "a", "isPublic": False}), link]
        write(connection, rows, now=NOW)
    for date, expected in (
        ("2998-01-01T00:00:00Z", datetime(2998, 1, 1, tzinfo=UTC)),
        (None, NEVER),
    ):
        with engine.begin() as connection:
            write(connection, [("Document", {**document, "releaseDate": date}), link], now=NOW)
        assert opening(engine, "a") == expected


def test_a_packed_catalogue_loads_too(engine, tmp_path):

    folder = catalogue(tmp_path / "in", **small())
    for path in list(folder.iterdir()):
        with gzip.open(folder / f"{path.name}.gz", "wb") as packed:
            packed.write(path.read_bytes())
        path.unlink()
    (folder / "notes.txt").write_text("not a class")
    loaded = load(engine, folder, now=NOW)
    assert loaded.rows["Dataset"] == 12
    assert loaded.ignored == ["notes.txt"]


def test_a_nul_in_a_value_does_not_stop_a_load(engine, tmp_path):
    rows = {"Dataset": [{"pid": "a", "title": "x\0y", "isPublic": True, "odd": "n\0l"}]}
    load(engine, catalogue(tmp_path / "in", **rows), now=NOW)
    with engine.connect() as connection:
        assert connection.execute(sa.select(tables.dataset.c.title)).scalar_one() == "x\ufffdy"
