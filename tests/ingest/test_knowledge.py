"""The shipped tables: complete, consistent, and the page about them up to date."""

import importlib.util
import json
import re
from pathlib import Path

from panosc.domain.units import category_of, scale_of
from panosc.ingest.knowledge import PANET, fields, techniques

ROOT = Path(__file__).parents[2]
TABLE = json.loads((ROOT / "src/panosc/ingest/knowledge.json").read_text("utf-8"))


def test_the_page_of_the_documentation_is_that_of_the_table() -> None:
    spec = importlib.util.spec_from_file_location("make", ROOT / "scripts/make_knowledge.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page(TABLE) == (ROOT / "docs/parameters.md").read_text("utf-8")


def test_units_of_the_esrf_fit_the_categories_of_nxdl() -> None:
    dimension = {"NX_LENGTH": "m", "NX_TIME": "s", "NX_CURRENT": "A", "NX_WAVELENGTH": "m"}
    checked = 0
    for row in TABLE["parameters"]:
        if row["icat_unit"] and row["category"] in dimension:
            scale = scale_of(row["icat_unit"], category=row["category"])
            assert scale is not None, row
            assert scale.si_unit == dimension[row["category"]], row
            checked += 1
    assert checked >= 10


def test_a_name_means_one_category() -> None:
    by_name: dict[str, set[str]] = {}
    for row in TABLE["parameters"]:
        if row["category"]:
            by_name.setdefault(row["name"], set()).add(row["category"])
            known = category_of(row["name"])
            assert known in {None, row["category"]}, row
    assert {name: kinds for name, kinds in by_name.items() if len(kinds) > 1} == {}


def test_names_are_of_one_style_and_places_are_found() -> None:
    assert fields()["NXmonochromator"][b"energy"].name == "photon_energy"
    for row in TABLE["parameters"]:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", row["name"])
        assert row["type"] in {"text", "number"}


def test_techniques_are_terms_of_panet() -> None:
    (term,) = techniques(("NXcanSAS",), "neutron")
    assert term.pid == PANET + "PaNET01189"
    seen = {
        term for kind in ("NXsas", "NXtofnpd", "NXtomophase") for term in techniques((kind,), None)
    }
    assert {term.panet for term in seen} >= {"PaNET01124", "PaNET01100", "PaNET01001", "PaNET01129"}
