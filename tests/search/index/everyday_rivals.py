"""The everyday queries, asked of panosc, of plain BM25 and of PostgreSQL's own text search.

All three have the same text of the same records. Plain BM25 is a bare Tantivy index with its
default tokenizer; PostgreSQL is `websearch_to_tsquery('english')` with `ts_rank_cd`. What is
compared is the reciprocal rank of the first expected record: 1 if it comes first, 1/2 if second.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import tantivy

from panosc.catalogue.loading import load
from panosc.domain.access import ANYONE
from panosc.domain.query import Occurs, Query
from panosc.search.index.folder import Folder
from panosc.search.index.keeping.building import build
from panosc.search.index.opening import SearchIndex
from panosc.search.language.words import read_words
from panosc.search.loopback import read_filter
from panosc.search.service import SearchService
from panosc.settings import Settings

DATA = Path(__file__).parent / "everyday"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DEPTH = 50
"""How far down the list a record is looked for."""

Ask = Callable[[str, str], list[str]]
"""Takes a class and a text; returns PIDs, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Everyday:
    """One query and the records of which one has to come first."""

    query: str
    model: str
    expect: tuple[str, ...]
    aspect: str

    @property
    def slug(self) -> str:
        """A name in plain letters."""
        plain = "".join(
            letter if letter.isascii() and letter.isalnum() else "-" for letter in self.query
        )
        return f"{self.aspect}-{plain}"

    def rank(self, found: Iterable[str]) -> float:
        """Return one over the place of the first expected record; 0 if there is none."""
        for place, pid in enumerate(found, start=1):
            if pid in self.expect:
                return 1 / place
        return 0.0


def queries() -> list[Everyday]:
    """Return the forty."""
    rows = json.loads((DATA / "queries.json").read_text("utf-8"))
    return [
        Everyday(
            query=row["query"],
            model=row["model"],
            expect=tuple(row["expect"]),
            aspect=row["aspect"],
        )
        for row in rows
    ]


def rows(model: str, folder: Path = DATA) -> list[dict[str, Any]]:
    """Return the lines of one file of the catalogue."""
    with (folder / f"{model}.ndjson").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def texts(model: str) -> dict[str, str]:
    """Return all the text that the catalogue has of each record, by its PID."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    instruments = {row["pid"]: f"{row['name']} {row['facility']}" for row in rows("Instrument")}
    names = {row["pid"]: row["name"] for row in (*rows("Technique"), *rows("Sample"))}
    people = {row["id"]: row["fullName"] for row in rows("Person")}
    for row in rows("Dataset"):
        found[row["pid"]] += [row["title"], row.get("description", "")]
        found[row["pid"]] += [instruments[row["instrumentId"]]]
    for row in rows("DatasetTechnique"):
        found[row["datasetId"]].append(names[row["techniqueId"]])
    if model == "Dataset":
        for row in rows("DatasetSample"):
            found[row["datasetId"]].append(names[row["sampleId"]])
        for row in rows("Parameter"):
            said = f"{row['name'].replace('_', ' ')} {row['value']} {row.get('unit', '')}"
            found[row["datasetId"]].append(said)
        for row in rows("File"):
            found[row["datasetId"]].append(row["name"])
        return {pid: "\n".join([*said, pid]) for pid, said in found.items()}
    written = defaultdict[str, list[str]](list)
    for row in rows("Document"):
        written[row["pid"]] += [row["title"], row["summary"], *row["keywords"], row["pid"]]
    for row in rows("Member"):
        written[row["documentId"]].append(people[row["personId"]])
    for row in rows("DocumentDataset"):
        written[row["documentId"]] += found[row["datasetId"]][2:]
    return {pid: "\n".join(said) for pid, said in written.items()}


@dataclass(frozen=True, slots=True)
class Ours:
    """panosc as people ask it."""

    service: SearchService
    plain: Occurs = "all"
    """What a word without a sign means: all in the search box, any in the PaNOSC ``query``."""

    def __call__(self, model: str, text: str) -> list[str]:
        """Return PIDs, best first."""
        return list(self.scores(model, text))

    def scores(self, model: str, text: str) -> dict[str, float]:
        """Return PIDs with their scores, best first."""
        words = read_words(text, plain=self.plain)
        query = Query(model=model, words=words, limit=DEPTH)
        return {item["pid"]: item["score"] for item in self.service.find(ANYONE, query)}


def ours(engine: sa.Engine, home: Path) -> Ours:
    """Return panosc as the search box asks it, over an index built in `home`."""
    load(engine, DATA, now=NOW)
    build(engine, Folder(home), tell=lambda _done, _total: None, meanwhile=lambda: None)
    return Ours(SearchService(engine, Settings(home=home), lambda: NOW, SearchIndex(home)))


def plain_bm25() -> Ask:
    """Return a bare index: default tokenizer, default BM25, one field."""
    schema = (
        tantivy.SchemaBuilder()
        .add_text_field("pid", stored=True, tokenizer_name="raw")
        .add_text_field("text")
        .build()
    )
    searchers: dict[str, tantivy.Index] = {}
    for model in ("Dataset", "Document"):
        index = searchers[model] = tantivy.Index(schema)
        writer = index.writer(num_threads=1)
        for pid, text in texts(model).items():
            writer.add_document(tantivy.Document(pid=pid, text=text))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()

    def ask(model: str, text: str) -> list[str]:
        query, _ = searchers[model].parse_query_lenient(text, ["text"])
        searcher = searchers[model].searcher()
        hits = searcher.search(query, DEPTH).hits
        return [str(searcher.doc(address)["pid"][0]) for _, address in hits]

    return ask


def postgres(connection: sa.Connection) -> Ask:
    """Return PostgreSQL's own text search, in a temporary table of this connection."""
    connection.execute(sa.text("create temporary table rival (model text, pid text, t tsvector)"))
    insert = sa.text("insert into rival values (:model, :pid, to_tsvector('english', :text))")
    for model in ("Dataset", "Document"):
        said: Mapping[str, str] = texts(model)
        connection.execute(
            insert, [{"model": model, "pid": pid, "text": text} for pid, text in said.items()]
        )
    select = sa.text(
        "select pid from rival, websearch_to_tsquery('english', :text) q"
        " where model = :model and t @@ q order by ts_rank_cd(t, q) desc, pid limit :depth"
    )

    def ask(model: str, text: str) -> list[str]:
        found = connection.execute(select, {"model": model, "text": text, "depth": DEPTH})
        return list(found.scalars())

    return ask


TAGGED = Path(__file__).parent.parent / "data"
_SAS, _XES = '"small angle scattering"', '"x-ray emission spectroscopy"'
_MAG, _XRAY = '"magnetism technique"', '"x-ray probe technique"'
IN_WORDS = {
    1: _XES,
    2: _SAS,
    3: f"-{_XES}",
    4: f"-{_SAS}",
    5: f"{_SAS} {_MAG}",
    6: f"{_SAS} OR {_MAG}",
    7: f"{_SAS} {_XRAY}",
    8: f"{_SAS} OR {_XRAY}",
    9: f"{_SAS} -{_XRAY}",
    10: f"{_SAS} -{_MAG}",
}
"""The technique queries of the standard, as one has to ask an engine that knows words only."""


def technique_cases() -> list[tuple[int, dict[str, Any], frozenset[str]]]:
    """Return the documented queries: their number, their filter, the datasets they must find."""
    cases = json.loads((TAGGED / "panet-doc-cases.json").read_text("utf-8"))["cases"]
    return [
        (
            int(case["id"].split("-")[1].removeprefix("q")),
            case["filter"],
            frozenset(case["expect"]["pids"]),
        )
        for case in cases
        if case["id"].endswith("-name")
    ]


def agreement(found: Iterable[str], expected: frozenset[str]) -> float:
    """Return the harmonic mean of precision and recall; both empty agree."""
    got = set(found)
    return 2 * len(got & expected) / (len(got) + len(expected)) if got | expected else 1.0


def tagged_texts() -> dict[str, str]:
    """Return the titles of the ten datasets with the names of their techniques, by PID."""
    folder = TAGGED / "fixture-panet"
    names = {row["pid"]: row["name"] for row in rows("Technique", folder)}
    found = {row["pid"]: row["title"] for row in rows("Dataset", folder)}
    for row in rows("DatasetTechnique", folder):
        found[row["datasetId"]] += "\n" + names[row["techniqueId"]]
    return found


def our_techniques(service: SearchService) -> Callable[[dict[str, Any]], list[str]]:
    """Return panosc as the search API asks it."""

    def ask(filter_: dict[str, Any]) -> list[str]:
        query = read_filter(filter_, "Dataset")
        return [item["pid"] for item in service.find(ANYONE, query)]

    return ask


def bm25_techniques() -> Callable[[str], list[str]]:
    """Return a bare index of the ten datasets; all words are needed."""
    schema = (
        tantivy.SchemaBuilder()
        .add_text_field("pid", stored=True, tokenizer_name="raw")
        .add_text_field("text")
        .build()
    )
    index = tantivy.Index(schema)
    writer = index.writer(num_threads=1)
    for pid, text in tagged_texts().items():
        writer.add_document(tantivy.Document(pid=pid, text=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()

    def ask(text: str) -> list[str]:
        whole = text if not text.startswith("-") else f"* {text}"
        query = index.parse_query(whole, ["text"], conjunction_by_default=True)
        searcher = index.searcher()
        hits = searcher.search(query, DEPTH).hits
        return [str(searcher.doc(address)["pid"][0]) for _, address in hits]

    return ask


def postgres_techniques(engine: sa.Engine) -> Callable[[str], list[str]]:
    """Return PostgreSQL's text search over the ten datasets."""
    said = tagged_texts()
    select = sa.text(
        "select pid from unnest(cast(:pids as text[]), cast(:texts as text[])) as r(pid, said)"
        " where to_tsvector('english', said) @@ websearch_to_tsquery('english', :text)"
    )

    def ask(text: str) -> list[str]:
        values = {"pids": list(said), "texts": list(said.values()), "text": text}
        with engine.connect() as connection:
            return list(connection.execute(select, values).scalars())

    return ask
