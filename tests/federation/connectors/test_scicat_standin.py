"""The stand-in for SciCat answers as SciCat does: recorded pairs, and the clients of SciCat."""

from typing import Any
from urllib.parse import quote, urlsplit

import pyscicat.client
import pytest
import scitacean
from cloud.standins.scicat import ACCOUNT, PASSWORD, Refused, SciCat, serving
from cloud.standins.scicat_records import dataset_pid, some
from scicat_recorded import PAIRS, recorded

_MARKS = {"id", "_id", "__v"}
"""What the interface adds here and there."""
_LATER = {"33-publisheddata-list-v4", "20-datasets-count-v3"}
"""Asked when there was another state, or one record more."""
READ = [
    name
    for name, pair in PAIRS.items()
    if pair["request"]["method"] == "GET" and name not in _LATER
]


def plain(value: Any) -> Any:
    """Return an answer without marks and, of keys of metadata, the order."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in _MARKS}
    if isinstance(value, list):
        found = [plain(item) for item in value]
        return sorted(found) if all(isinstance(item, str) for item in found) else found
    return value


@pytest.mark.parametrize("name", READ)
def test_it_answers_what_scicat_answered(name: str) -> None:
    pair, scicat = PAIRS[name], recorded()
    if "deleted" in name:
        scicat.records["datasets"].pop()
    scicat.tokens.add("known")
    parts = urlsplit(pair["request"]["url"])
    head, _, pid = parts.path.partition("/datasets/scicat_testing/")
    inner, _, rest = pid.partition("/")
    path = f"{head}/datasets/{quote('scicat_testing/' + inner, safe='')}" if pid else parts.path
    path = path.replace("does/not-exist", "does%2Fnot-exist") + (f"/{rest}" if rest else "")
    target = f"{path}?{quote(parts.query, safe='=&')}"
    token = "known" if pair["request"]["auth"] else None
    try:
        status, answer = 200, scicat.answer("GET", target, None, token)
    except Refused as refused:
        status, answer = refused.status, refused.body
    assert status == pair["status"]
    assert plain(answer) == plain(pair["response"])


def test_most_recorded_questions_are_asked() -> None:
    assert len(READ) >= 17


def test_pyscicat_reads_it() -> None:
    with serving(SciCat(records=some(12))) as address:
        client = pyscicat.client.from_credentials(f"{address}/api/v3", ACCOUNT, PASSWORD)
        found = client.datasets_find(limit=5, query_fields={"text": "micelles"})
        assert [one["datasetName"] for one in found] == ["LoKI micelles 6", "LoKI micelles 0"]
        one = client.datasets_get_one(dataset_pid(3))
        assert one["datasetName"] == "NMX spider silk 3"
        blocks = client.datasets_origdatablocks_get_one(dataset_pid(3))
        assert [file["path"] for file in blocks[0]["dataFileList"]] == ["run_3.nxs", "log/run.txt"]
        assert len(client.datasets_get_many({"type": "raw"})) == 10
        assert client.samples_get_one("S-1")["description"] == "Micelles"
        assert client.proposals_get_one("20240001")["title"] == "Neutrons for micelles"
        assert client.published_data_get_many()[0]["doi"] == "10.17199/ess.00000"
        with pytest.raises(pyscicat.client.ScicatCommError, match="not found"):
            client.datasets_get_one("no/such")
        with pytest.raises(pyscicat.client.ScicatLoginError):
            pyscicat.client.from_credentials(f"{address}/api/v3", ACCOUNT, "wrong")


def test_scitacean_reads_it() -> None:
    with serving(SciCat(records=some(12))) as address:
        client = scitacean.Client.from_credentials(
            url=f"{address}/api/v3", username=ACCOUNT, password=PASSWORD, allow_http=True
        )
        dataset = client.get_dataset(dataset_pid(3))
        assert dataset.name == "NMX spider silk 3"
        assert [file.remote_path.posix for file in dataset.files] == ["run_3.nxs", "log/run.txt"]
        assert dataset.meta["sample_temperature"]["value"] == 7
        found = client.scicat.query_datasets({"proposalIds": ["20240001"]})
        assert len(found) == 10
        instrument = client.scicat.get_instrument_model("20.500.12269/instrument-loki")
        assert instrument.name == "LoKI"
        assert client.get_sample("S-1").description == "Micelles"
        public = scitacean.Client.without_login(url=f"{address}/api/v3", allow_http=True)
        assert public.get_dataset(dataset_pid(3)).name == "NMX spider silk 3"
        with pytest.raises(scitacean.ScicatCommError):
            public.get_dataset(dataset_pid(9))
