"""What the reader of PaNOSC answers gives is clean: cleaning it once more changes nothing."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panosc.domain.entities import MODEL_BY_NAME
from panosc.federation.connectors.panosc.items import Reader
from panosc.federation.live.records.cleaning import cleaned
from panosc.federation.naming import Names
from panosc.federation.source import Source

NAMES = Names(Source(name="there", kind="panosc", url="http://a", title="There", prefix="there/"))
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from([float("nan"), float("inf")]),
    st.sampled_from(["10.5072/a", "2026-01-02", "2026-13-02", "7", "1e400", "<b>", "\0", " "]),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


def records(model: str, deep: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    """Return records of strangers: what belongs there, and what does not."""
    known = MODEL_BY_NAME[model]
    fields: dict[str, st.SearchStrategy[Any]] = {one.name: ODD for one in known.properties}
    fields |= {"home": ODD, "score": ODD, "more": ODD}
    fields.pop("pid", None)
    pid = st.one_of(st.sampled_from(["1", "10.5072/a"]), st.integers(), ODD)
    if deep:
        for relation in known.relations:
            inner = records(relation.target, deep - 1)
            fields[relation.name] = st.one_of(
                ODD, inner, st.lists(st.one_of(ODD, inner), max_size=2)
            )
    return st.fixed_dictionaries({"pid": pid}, optional=fields)


@pytest.mark.parametrize("model", ["Dataset", "Document", "Instrument"])
def test_it_is_clean_already(model: str) -> None:
    seen = []

    @settings(max_examples=300)
    @given(records(model))
    def try_one(record: dict[str, Any]) -> None:
        item = Reader(names=NAMES).item(MODEL_BY_NAME[model], record)
        if item is not None:
            seen.append(item)
            assert cleaned(item, model) == item

    try_one()
    assert len(seen) > 10
