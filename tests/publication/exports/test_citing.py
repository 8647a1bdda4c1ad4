"""Citations as the guides of the styles have them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from told import BARE, PROPOSAL, full

from panosc.publication.citing import citation, citations
from panosc.publication.record import Agent, Organisation, Publication


def person(given: str, family: str) -> Agent:
    return Agent(name=f"{given} {family}", given=given, family=family)


def cited(record: Publication) -> dict[str, str]:
    return {found.style: found.text for found in citations(record)}


def published(year: int, title: str, by: str, doi: str, *people: Agent) -> Publication:
    more: dict[str, Any] = {"publisher": Organisation(name=by), "doi": doi, "title": title}
    return full(issued=datetime(year, 6, 1, tzinfo=UTC), creators=people, **more)


BIRDS = published(
    2014,
    "Data from: Changes in breeding phenology and population size of birds",
    "Dryad",
    "10.5061/dryad.b4qt2",
    person("Peter Oscar", "Dunn"),
    person("Anders Pape", "Møller"),
)
"""An example of the guide to APA of Lund University's library."""


def test_two_authors_in_every_style() -> None:
    address = "https://doi.org/10.5061/dryad.b4qt2"
    title = "Data from: Changes in breeding phenology and population size of birds"
    assert cited(BIRDS) == {
        "datacite": f"Dunn, Peter Oscar; Møller, Anders Pape (2014): {title}. Dryad. (Dataset)."
        f" {address}",
        "apa": f"Dunn, P. O., & Møller, A. P. (2014). {title} [Data set]. Dryad. {address}",
        "chicago": f"Dunn, Peter Oscar, and Anders Pape Møller. 2014. “{title}.” Dataset. Dryad."
        f" {address}",
        "vancouver": f"Dunn PO, Møller AP. {title} [dataset]. Dryad; 2014. Available from:"
        f" {address}",
        "aip": f"P. O. Dunn and A. P. Møller (2014). “{title},” Dryad, Dataset. {address}",
    }
    assert citation(BIRDS) == cited(BIRDS)["datacite"]


def test_an_example_of_apa_itself() -> None:
    record = published(
        2018,
        "Cognitive effects of music and dance training in children (ICPSR 37080; Version V1)",
        "ICPSR",
        "10.3886/icpsr37080.v1",
        person("Annalise", "D'Souza"),
        person("Melody", "Wiseheart"),
    )
    assert cited(record)["apa"] == (
        "D'Souza, A., & Wiseheart, M. (2018). Cognitive effects of music and dance training in"
        " children (ICPSR 37080; Version V1) [Data set]. ICPSR."
        " https://doi.org/10.3886/icpsr37080.v1"
    )


def test_a_facility_that_is_author_and_publisher() -> None:
    told = cited(BARE)
    assert told["apa"] == f"Test Source. (2022). local/bare [Data set]. {BARE.url}"
    assert told["datacite"] == f"Test Source (2022): local/bare. Test Source. (Dataset). {BARE.url}"
    assert told["vancouver"].startswith("Test Source. local/bare [dataset]. Test Source; 2022.")
    assert told["aip"].startswith("Test Source (2022). “local/bare,” Test Source, Dataset.")


def test_names_with_a_hyphen_and_names_that_are_not_split() -> None:
    people = (person("Jean-Paul É.", "Sartre"), Agent(name="Ж Team", family="Team"))
    told = cited(full(creators=people))
    assert told["apa"].startswith("Sartre, J.-P. É., & Ж Team. (2022).")
    assert told["chicago"].startswith("Sartre, Jean-Paul É., and Ж Team. 2022.")
    assert told["vancouver"].startswith("Sartre JPÉ, Ж Team. ")
    assert told["aip"].startswith("J.-P. É. Sartre and Ж Team (2022).")


@pytest.mark.parametrize(
    ("style", "count", "said"),
    [
        ("datacite", 20, "F19, G (2022)"),
        ("datacite", 21, "F19, G; et al. (2022)"),
        ("apa", 20, "F18, G., & F19, G. (2022)"),
        ("apa", 21, "F18, G., … F20, G. (2022)"),
        ("chicago", 10, "and G F9. 2022"),
        ("chicago", 11, "G F6, et al. 2022"),
        ("vancouver", 6, "F5 G. Lysozyme"),
        ("vancouver", 7, "F5 G, et al. Lysozyme"),
        ("aip", 3, "G. F1, and G. F2 (2022)"),
        ("aip", 11, "G. F9, et al. (2022)"),
    ],
)
def test_many_authors_are_cut_as_the_style_has_it(style: str, count: int, said: str) -> None:
    many = tuple(person("G", f"F{number}") for number in range(count))
    assert said in cited(full(creators=many))[style]


def test_a_title_brings_its_own_end() -> None:
    asked = cited(full(title="Is it   so?"))
    assert "Is it so? Test Source." in asked["datacite"]
    assert "“Is it so?” Dataset." in asked["chicago"]
    assert "“Is it so?” Test Source" in asked["aip"]
    assert "It is [Data set]." in cited(full(title="It is..."))["apa"]


def test_a_proposal_is_called_one() -> None:
    told = cited(PROPOSAL)
    assert "[Proposal]" in told["apa"]
    assert "(Proposal)" in told["datacite"]


def test_a_page_can_set_the_title_apart() -> None:
    for found in citations(BIRDS):
        assert found.text == f"{found.before}{found.title}{found.after} {found.identifier}"
        assert found.title == BIRDS.title
        assert found.name
