"""Two catalogues that differ only in what strangers may not see, full of words and numbers."""

import random
from collections.abc import Iterator
from typing import Any

from index_samples import NOW, Row, Sample, sample

from panosc.domain.access import ANYONE, may

COMMON = ("copper", "bone", "ice", "gel", "LiFePO4", "scattering", "x-ray", "Na2SO4", "small-angle")
SECRET = ("zquelle", "zqopper", "zqüber", "UO2", "PuF6", "zqone-two", "scatterinc", "bonne")
"""Words that only what is hidden has; some are a slip away from others."""


def twins(seed: int) -> tuple[Sample, Sample]:
    """Return a catalogue, and one without what strangers may not see of it, or with other such."""
    whole = sample(seed, datasets=60, documents=20)
    whole.rows = list(_worded(whole, random.Random(seed)))
    hidden = {pid for pid, guard in whole.guards.items() if not _may("list", guard)}
    bare = {pid for pid, guard in whole.guards.items() if not _may("detail", guard)}
    # the closed are not there, and the detail of those under embargo is another
    kept = {pid: guard for pid, guard in whole.guards.items() if pid not in hidden}
    reduced = Sample(guards=kept)
    for model, row in whole.rows:
        owners = {row.get(name) for name in ("pid", "datasetId", "documentId")}
        is_detail = model in {"Parameter", "DatasetSample", "File"}
        if not owners & hidden and not (is_detail and owners & bare):
            reduced.rows.append((model, row))
    number = 10_000
    for pid in sorted(bare - hidden):
        number += 1
        owner = {"datasetId" if pid.startswith("ds/") else "documentId": pid}
        other = {"id": number, "name": "another", "value": "elsewhere UF4", **owner}
        reduced.rows.append(("Parameter", other))
    return whole, reduced


def _may(action: Any, guard: Any) -> bool:
    return may(ANYONE, action, guard, now=NOW)


def _worded(made: Sample, rng: random.Random) -> Iterator[Row]:
    """Yield the rows with texts: secret words only where they are hidden."""
    yield from (("Sample", {"pid": f"s{n}", "name": word}) for n, word in enumerate(COMMON))
    yield from (("Sample", {"pid": f"z{n}", "name": word}) for n, word in enumerate(SECRET))
    yield ("Person", {"id": "p0", "fullName": "Ada Copperfield"})
    for number, (model, row) in enumerate(made.rows):
        guard = made.guards.get(row.get("pid", row.get("datasetId", row.get("documentId"))))
        detail = SECRET if guard and not _may("detail", guard) else ()
        core = SECRET if guard and not _may("list", guard) else ()
        if model in {"Dataset", "Document"}:
            text = " ".join(rng.choices([*COMMON, *core, *core], k=rng.randint(1, 5)))
            about = "description" if model == "Dataset" else "summary"
            body = " ".join(rng.choices([*COMMON, *core], k=rng.randint(0, 9)))
            yield model, {**row, "title": text, about: body}
        elif model == "Parameter" and isinstance(row["value"], str):
            yield model, {**row, "value": " ".join(rng.choices([*COMMON, *detail], k=2))}
        elif model == "Parameter" and detail and rng.random() < 0.3:
            yield model, {**row, "name": "zq_hidden", "value": 4711.5, "unit": "zqunit"}
        else:
            yield model, row
        if model != "Dataset":
            continue
        owner = {"datasetId": row["pid"]}
        for place in rng.sample(range(len(COMMON)), rng.randint(0, 2)):
            yield "DatasetSample", {**owner, "sampleId": f"s{place}"}
        for place in rng.sample(range(len(detail)), min(1, len(detail))):
            yield "DatasetSample", {**owner, "sampleId": f"z{place}"}
        name = rng.choice([*COMMON, *detail]) + ".nxs"
        yield "File", {"id": number, "name": name, "size": 7, **owner}
        yield "Member", {"id": number, "role": "owner", "personId": "p0", **owner}
