"""BibTeX takes any text, and keys that are alike in every file."""

import pytest
from pybtex.database import parse_string
from readers import printed
from told import BARE, FULL, PROPOSAL, full

from panosc.publication.exports import bibtex
from panosc.publication.record import Agent

HOSTILE = [
    "50 % of {Fe} & Li_2O, $x^2$ #1 ~ \\alpha",
    "a } b",
    "a { b",
    "@misc{x,",
    "ends with a \\",
    'says "no"',
    "and and and",
    "é ü Å λ 试",
    "\u202eright to left\u202c",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_comes_back(text: str) -> None:
    people = (Agent(name=text, given="Ada", family=text), Agent(name=text, family=text))
    entry = bibtex.entry(full(title=text, creators=people))
    (found,) = parse_string(entry, "bibtex").entries.values()
    assert found.fields["title"] == f"{{{bibtex.escaped(text)}}}"
    # what the commands print, by the manual of LaTeX
    assert printed(found.fields["title"]) == text
    first, second = found.persons["author"]
    assert first.last_names == [f"{{{bibtex.escaped(text)}}}"]
    assert first.first_names == ["{Ada}"]
    assert second.last_names == [f"{{{bibtex.escaped(text)}}}"]


def test_an_entry_has_what_a_reference_needs() -> None:
    (found,) = parse_string(bibtex.EXPORT.write(FULL).decode(), "bibtex").entries.values()
    assert found.type == "misc"
    assert dict(found.fields) == {
        "title": "{Lysozyme \\& “salt” <1>}",
        "year": "2022",
        "publisher": "{Test Source}",
        "howpublished": "Dataset",
        "doi": "10.5072/abc",
        "url": "https://doi.org/10.5072/abc",
        "copyright": "CC-BY-4.0",
    }
    (bare,) = parse_string(bibtex.entry(BARE), "bibtex").entries.values()
    assert bare.fields["url"] == BARE.url
    assert not {"doi", "copyright"} & set(bare.fields)
    (proposal,) = parse_string(bibtex.entry(PROPOSAL), "bibtex").entries.values()
    assert proposal.fields["howpublished"] == "Proposal"


def test_a_doi_that_would_end_a_field_is_told_by_its_address_alone() -> None:
    (found,) = parse_string(bibtex.entry(full(doi="10.5072/a}b")), "bibtex").entries.values()
    assert "doi" not in found.fields
    assert found.fields["url"] == "https://doi.org/10.5072/a%7Db"


def test_a_file_of_many_says_what_it_holds() -> None:
    text = "".join(
        bibtex.lines([FULL, BARE], total=5, most=2, page="https://node.example/search?q=@misc{x,")
    )
    assert list(parse_string(text, "bibtex").entries) == ["local/abc", "local/bare"]
    assert text.startswith("Datasets of https://node.example/search?q=%40misc{x,: the first 2 of 5")
    assert "all 2" in "".join(bibtex.lines([FULL, BARE], total=2, most=2, page="x"))


def test_keys_are_alike_in_every_file_and_never_shared() -> None:
    assert bibtex.key("10.5072/x1") == "10.5072/x1"
    odd = ["a b", "a_b", "a{b", "a-b", "x" * 90 + "1", "x" * 90 + "2", "é", "ü", "%"]
    keys = [bibtex.key(pid) for pid in odd]
    assert len(set(keys)) == len(odd)
    for found in keys:
        entries = parse_string(f"@misc{{{found}, title = {{x}}}}", "bibtex").entries
        assert list(entries) == [found]
