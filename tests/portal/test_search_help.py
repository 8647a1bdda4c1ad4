"""Every example of the help page, put to a node: it finds what it says, and nothing else."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import portal_catalogue as given
import pytest

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.catalogue.writer import write
from panosc.portal.pages.search.help import examples
from panosc.search.index.following import rebuild
from panosc.settings import Settings

PANET = "http://purl.org/pan-science/PaNET/"
SAS, SAXS, SANS, XRD = "PaNET01124", "PaNET01188", "PaNET01189", "PaNET01216"
TOMOGRAPHY = "PaNET01207"
D22, LOKI, P05 = "instrument-d22", "instrument-loki", "instrument-p05"

# letter, title, measured, released, kind, instrument, technique, bytes
DATASETS = [
    ("a", "Silver behenate", "2024-03-17", "2024-06-01", "raw", D22, SANS, 10**9),
    ("b", "Behenate of silver", "2024-04-02", "2025-01-01", "simulated", LOKI, SANS, 10**9 - 1),
    ("c", "Scattering of lysozyme", "2024-05-31", "2024-12-31", "raw", D22, SAXS, 2 * 10**9),
    ("d", "Lysozyme crystals", "2023-01-01", "2023-02-01", "raw", P05, TOMOGRAPHY, 3),
    ("e", "Cathode of LiFePO₄", "2022-12-31", "2023-01-01", "reduced", P05, XRD, None),
    ("f", "A glass of Li3Fe2(PO4)3", "2024-06-01", None, "raw", LOKI, XRD, 7),
    ("g", "Embargoed tilt", "2025-01-05", None, "raw", D22, SAS, 9),
    ("i", "Quicksilver in water", "2023-07-01", "2024-02-01", "raw", D22, SANS, 5),
]
PARAMETERS = [
    ("a", "wavelength", 6.0, "angstrom"),
    ("b", "wavelength", 0.5, "nm"),
    ("c", "wavelength", 1.0, "angstrom"),
    ("e", "wavelength", 1.1, "angstrom"),
    ("i", "wavelength", 8.0, "angstrom"),
    ("a", "temperature", 295, "K"),
    ("b", "temperature", 20, "celsius"),
    ("c", "temperature", 280, "K"),
    ("d", "temperature", 100, "K"),
    ("e", "temperature", 80, "K"),
    ("f", "temperature", 90, "K"),
    ("g", "temperature", 50, "K"),
    ("i", "temperature", 300, "K"),
    ("d", "photon_energy", 12, "keV"),
    ("e", "photon_energy", 12000, "eV"),
    ("f", "photon_energy", 12.5, "keV"),
]
# worked out by hand from the words beside each example; g shows no detail to strangers
FINDS = {
    "silver behenate": "ab",
    '"small angle"': "abcgi",
    "lysozyme -tomography": "c",
    "LiFePO4": "e",
    "elements:Li,Fe": "ef",
    "technique:SANS": "abi",
    'technique:"small angle scattering"': "abcgi",
    "technique:PaNET01216": "ef",
    "facility:ESS": "bf",
    "facility:(ESS or ILL)": "abcfgi",
    "instrument:D22": "acgi",
    "kind:raw": "acdfgi",
    "access:open": "abcdefi",
    "title:silver": "abi",
    "author:Meitner": "ac",
    "sample:ice": "a",
    "-technique:SANS": "cdefg",
    "-facility:(ESS or ILL)": "de",
    "silver -kind:simulated": "a",
    "wavelength:0.9..1.1Å": "ce",
    "wavelength:0.4..0.8nm": "abi",
    "temperature:<300K": "abcdef",
    "temperature:>=20°C": "abi",
    "temperature:..80K": "e",
    "energy:12keV": "de",
    "-temperature:<100K": "abcdgi",
    "created:2024-03..2024-05": "abc",
    "created:>2024-03-17": "bcfg",
    "year:2023..": "abcdfgi",
    "released:2024": "aci",
    "bytes:>=1GB": "ac",
    'lysozyme technique:"small angle scattering" temperature:<300K -tomography': "c",
    "technique:SANS wavelength:4..8Å facility:ILL sort:-released": "ai",
}
ADDRESSES = {
    "silver behenate": "q=silver behenate",
    "facility:(ESS or ILL)": "facility=ESS&facility=ILL",
    "instrument:D22": f"instrument={D22}",
    "-facility:(ESS or ILL)": "-facility=ESS&-facility=ILL",
    "temperature:>=20°C": "temperature=20.. degC",
    "energy:12keV": "photon_energy=12 keV",
    "created:>2024-03-17": "created=2024-03-18..",
    "bytes:>=1GB": "bytes=1GB..",
    'lysozyme technique:"small angle scattering" temperature:<300K -tomography': (
        "q=lysozyme -tomography&technique=PaNET01124&temperature=<300 K"
    ),
    "technique:SANS wavelength:4..8Å facility:ILL sort:-released": (
        "facility=ILL&technique=PaNET01189&wavelength=4..8 angstrom&sort=-released"
    ),
}


def rows() -> Iterator[tuple[str, dict[str, object]]]:
    for pid, name, facility in ((D22, "D22", "ILL"), (LOKI, "LoKI", "ESS"), (P05, "P05", "DESY")):
        yield "Instrument", {"pid": pid, "name": name, "facility": facility}
    for panet in (SAS, SAXS, SANS, XRD, TOMOGRAPHY):
        yield "Technique", {"pid": f"t-{panet}", "name": panet, "panetId": PANET + panet}
    yield "Person", {"id": "lise", "fullName": "Lise Meitner", "lastName": "Meitner"}
    yield "Sample", {"pid": "ice", "name": "Heavy ice"}
    yield "Document", {"pid": "10.5072/proposal", "title": "Proteins", "isPublic": True}
    for key, title, day, released, kind, instrument, technique, size in DATASETS:
        pid = f"10.5072/help-{key}"
        access = {"access": "open"}
        if key == "g":
            access = {"access": "embargoed", "embargoUntil": "2031-01-01T00:00:00Z"}
        yield (
            "Dataset",
            {
                "pid": pid,
                "title": title,
                "creationDate": f"{day}T12:00:00Z",
                "releaseDate": released and f"{released}T00:00:00Z",
                "kind": kind,
                "instrumentId": instrument,
                "size": size,
                **access,
            },
        )
        yield "DatasetTechnique", {"datasetId": pid, "techniqueId": f"t-{technique}"}
    for key, name, value, unit in PARAMETERS:
        pid = f"10.5072/help-{key}"
        yield "Parameter", {"name": name, "value": value, "unit": unit, "datasetId": pid}
    for key in "ag":
        yield "DatasetSample", {"datasetId": f"10.5072/help-{key}", "sampleId": "ice"}
    yield "DocumentDataset", {"documentId": "10.5072/proposal", "datasetId": "10.5072/help-c"}
    for number, owner in enumerate(
        ({"datasetId": "10.5072/help-a"}, {"documentId": "10.5072/proposal"})
    ):
        yield "Member", {"id": f"m{number}", "personId": "lise", "role": "team"} | owner


@pytest.fixture(scope="module")
def help_node(
    new_database: Callable[..., AbstractContextManager[str]], template: str, open_folder: Path
) -> Iterator[str]:
    with new_database(template) as address:
        settings = Settings(home=open_folder / "help", database_url=address)
        with open_database(settings) as engine:
            with engine.begin() as connection:
                write(connection, rows(), now=given.NOW)
            rebuild(engine, settings, lambda: given.NOW, tell=lambda _done, _total: None)
            app = create_app(settings, engine, clock=lambda: given.NOW)
            with serving(app) as base:
                yield base


def asked(base: str, path: str) -> httpx.Response:
    return httpx.get(base + path, headers={"Accept": "text/html"}, trust_env=False, timeout=30)


@pytest.fixture(scope="module")
def links(help_node: str) -> dict[str, str]:
    """Text of each example on the page → where it leads."""
    page = asked(help_node, "/search/help")
    assert page.status_code == 200
    found = re.findall(r'<a href="([^"]*)"><code>([^<]*)</code></a>', page.text)
    return {unescape(text): unescape(link) for link, text in found}


def test_the_page_shows_all_examples(links: dict[str, str]) -> None:
    texts = [example.text for example in examples()]
    assert list(links) == texts
    assert set(FINDS) == set(texts)
    assert all(0 < len(found) < len(DATASETS) for found in FINDS.values())


@pytest.mark.parametrize("text", FINDS, ids=lambda text: re.sub(r"[^\w:]+", "-", text)[:60])
def test_an_example_finds_what_it_says(help_node: str, links: dict[str, str], text: str) -> None:
    answer = asked(help_node, links[text])
    if answer.status_code == 303:
        address = answer.headers["location"]
        words = dict(parse_qsl(urlsplit(address).query)).get("q", "")
        assert re.findall(r"\w+:", words) in ([], ["elements:"])
        answer = asked(help_node, address)
    assert answer.status_code == 200
    assert "Not all of the question was understood" not in answer.text
    found = re.findall(r'<h2 id=".*?"><a href="/datasets/10.5072/help-(\w)"', answer.text)
    assert sorted(found) == list(FINDS[text])
    if "sort:" in text:
        assert found == list(FINDS[text])


@pytest.mark.parametrize("text", ADDRESSES, ids=lambda text: re.sub(r"[^\w:]+", "-", text)[:60])
def test_an_example_leads_to_its_one_address(
    help_node: str, links: dict[str, str], text: str
) -> None:
    answer = asked(help_node, links[text])
    address = answer.headers.get("location", links[text])
    pairs = parse_qsl(urlsplit(address).query)
    assert "&".join(f"{key}={value}" for key, value in pairs) == ADDRESSES[text]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tecnique:SANS", "Did you mean technique?"),
        ("technique:SANZ", "Did you mean sans?"),
        ("facility:ESSS", "There is no facility “ESSS” here. Did you mean ESS?"),
        ("temperature:5nm", "“nm” is not a unit of temperature."),
        ("wavelength:5nn", "There is no unit “nn”."),
        ("created:soon", "“soon” is no date"),
    ],
    ids=["field", "technique", "facility", "other unit", "no unit", "date"],
)
def test_a_mistake_is_explained_and_the_page_is_not_empty(
    help_node: str, text: str, says: str
) -> None:
    answer = httpx.get(
        help_node + "/search", params={"q": f"silver {text}"}, trust_env=False, timeout=30
    )
    if answer.status_code == 303:
        answer = asked(help_node, answer.headers["location"])
    assert says in unescape(answer.text)
    if ":" in text and not text.startswith("tecnique"):
        assert answer.text.count('<li class="hit"') == 2
