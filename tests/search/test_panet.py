"""The ontology as shipped: whole, and narrower means what the field means by it."""

from panosc.search.panet import PREFIX, ROOT, ontology


def ids(*names: str) -> set[str]:
    return {item for name in names for item in ontology().resolve(name)}


def test_it_is_whole() -> None:
    panet = ontology()
    known = {concept.id for concept in panet}
    assert len(panet) == 380
    assert all(set(concept.broader) <= known for concept in panet)
    assert panet.descendants([ROOT]) == known
    assert [concept.id for concept in panet if not concept.broader] == [ROOT]


def test_a_technique_is_found_by_any_of_its_names() -> None:
    sans = {"PaNET01189"}
    for name in ("small angle neutron scattering", "SANS", "sans", "PaNET01189"):
        assert ids(name) == sans
    assert ids(PREFIX + "PaNET01189") == sans
    assert ids("small angle scattering") == {"PaNET01124"}
    assert ids("no such technique") == set()
    assert ids("") == set()


def test_narrower_techniques() -> None:
    panet = ontology()
    scattering = panet.descendants(["PaNET01124"])
    assert len(scattering) == 22
    expected = ids("SANS", "SAXS", "GISAXS", "ultra small angle scattering", "PaNET01281")
    assert expected <= scattering
    assert not scattering & ids("x-ray absorption", "magnetic x-ray tomography")
    assert panet.descendants(["nope"]) == frozenset()


def test_what_follows_from_the_definitions() -> None:
    panet = ontology()
    photon = panet.descendants(ids("photon probe technique"))
    assert ids("x-ray probe technique", "soft x-ray probe technique", "SAXS") <= photon
    assert not photon & ids("SANS")
    assert ids("SANS") <= panet.descendants(ids("scattering technique"))
    assert "PaNET01012" in {item.id for item in panet.parents("soft x-ray probe technique")} | {
        item.id for name in ids("soft x-ray probe technique") for item in panet.parents(name)
    }


def test_equivalent_techniques_are_narrower_than_one_another() -> None:
    panet = ontology()
    imaging, map_ = ids("imaging"), ids("obtain spatial map")
    assert imaging != map_
    assert panet.descendants(imaging) == panet.descendants(map_)


def test_disjoint_techniques_are_kept_apart() -> None:
    panet = ontology()
    assert not panet.descendants(ids("elastic scattering")) & ids("inelastic scattering")


def test_the_tree() -> None:
    panet = ontology()
    for concept in panet:
        for child in panet.children(concept.id):
            assert concept in panet.parents(child.id)
    assert panet.label(PREFIX + "PaNET01012") == "x-ray probe technique"
    assert "x-ray range" in (panet.definition("PaNET01012") or "")
    assert panet.label("nope") is None
    assert panet.definition("nope") is None
    assert panet.ancestors(["PaNET01189"]) >= {"PaNET01124", ROOT}
