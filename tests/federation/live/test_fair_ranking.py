"""The same record has the same score, whether this node has it or another one answers it."""

import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from panosc.catalogue.federating.tables import connector
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE
from panosc.domain.query import Query
from panosc.federation.live.answer import HERE
from panosc.federation.live.asking import Fanout
from panosc.search.language.words import read_words
from panosc.settings import Settings

sys.path.append(str(Path(__file__).parents[2] / "search"))
from search_catalogue import NOW, catalogue_over, serving

PANET = "http://purl.org/pan-science/PaNET/"
TITLES = ("Copper oxide tomography", "Operando study of LiFePO4", "Ice, copper and small angles")


def rows() -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = [
        ("Instrument", {"pid": "i", "name": "ID19 copper line", "facility": "ESRF"}),
        ("Technique", {"pid": PANET + "PaNET01124", "name": "small angle scattering"}),
        ("Sample", {"pid": "s", "name": "copper foil", "description": "rolled"}),
        ("Person", {"id": "p", "fullName": "Copper Smith"}),
    ]
    for number, title in enumerate(TITLES):
        pid = f"10.5072/{number}"
        found.append(
            (
                "Dataset",
                {
                    "pid": pid,
                    "title": title,
                    "description": "Tomography of oxides.",
                    "isPublic": True,
                    "instrumentId": "i" if number else None,
                },
            )
        )
        owner = {"datasetId": pid}
        found.append(("DatasetTechnique", owner | {"techniqueId": PANET + "PaNET01124"}))
        found.append(("Parameter", owner | {"name": "sample_state", "value": "oxide powder"}))
        found.append(("File", owner | {"name": "copper_scan.h5", "size": 1}))
        document = {"pid": f"10.5072/d{number}", "title": title, "isPublic": True}
        found.append(("Document", document | {"keywords": ["oxide"], "summary": "Of copper."}))
        found.append(("Member", {"documentId": document["pid"], "personId": "p", "role": "pi"}))
        found.append(("DocumentDataset", owner | {"documentId": document["pid"]}))
    found.append(("DatasetSample", {"datasetId": "10.5072/1", "sampleId": "s"}))
    return found


def test_two_nodes_score_alike(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    with engine.begin() as connection:
        write(connection, rows(), now=NOW)
    catalogue = catalogue_over(engine, tmp_path)
    patient = settings.model_copy(update={"federation_deadline_s": 20.0})
    compared = 0
    with serving(catalogue.app()) as client:
        address = str(client.base_url).rstrip("/").removesuffix("/panosc-api")
        row = {"name": "twin", "kind": "node", "url": address, "title": "Twin", "prefix": "twin/"}
        row |= {"is_private": True, "by": "test", "added": NOW}
        with engine.begin() as connection:
            connection.execute(sa.insert(connector).values(row))
        with Fanout(engine, patient, lambda: NOW, catalogue.service) as fanout:
            for model in ("Dataset", "Document"):
                for text in (
                    "copper",
                    "oxide tomography",
                    '"small angle"',
                    "coper",
                    "powder smith",
                ):
                    words = read_words(text, plain="any")
                    query = Query(model=model, words=words, limit=10)
                    here, there = (
                        fanout.ask(ANYONE, query, names=[name]) for name in (HERE, "twin")
                    )
                    scores = {item["pid"]: item["score"] for item in here.items}
                    assert {item["pid"]: item["score"] for item in there.items} == pytest.approx(
                        scores, abs=0.01
                    ), text
                    assert [fate.fared for fate in there.fates] == ["answered"]
                    compared += len(scores)
                    both = fanout.ask(ANYONE, query)
                    assert [item["pid"] for item in both.items] == [
                        item["pid"] for item in here.items
                    ]
                    assert all(item["sources"] == [HERE, "twin"] for item in both.items)
    assert compared > 15
