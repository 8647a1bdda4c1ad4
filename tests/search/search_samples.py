# ruff: noqa: C901, PERF401
"""Small random catalogues, from a seed: every state of access, gaps, odd letters, many units."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

Row = tuple[str, dict[str, Any]]

PANET = "http://purl.org/pan-science/PaNET/"
WORDS = ["Copper", "copper", "gel", "Bone", "50%", "a_b", "é", "É", "(x)", "o'neil", "ice", ""]
TYPES = ["proposal", "publication"]
ROLES = ["owner", "principal investigator"]
STATES = ["open", "open", "open", "embargoed", "embargoed", "closed", "withdrawn", "erased"]
GROUPS = [None, None, "g1", "g2"]
QUANTITIES = {
    "photon_energy": (["eV", "keV", "J", "furlong_x", None], [930, 0.93, 12.4, 8000, 1.5e-16]),
    "temperature": (["K", "degC", "celsius", ""], [20, 293.15, 4.2, 300, -10, 0]),
    "wavelength": (["nm", "angstrom", "um", "A"], [1.064, 10.64, 0.4, 1064, 5]),
}
TECHNIQUES = [
    ("t-sans", "small angle neutron scattering", PANET + "PaNET01189"),
    ("t-saxs", "SAXS at home", "PaNET01188"),
    ("t-xas", "x-ray absorption", PANET + "PaNET01227"),
    (PANET + "PaNET01313", "magnetic tomography here", None),
    ("t-local", "mystery Imaging", None),
    ("t-null", None, PANET + "PaNET01012"),
]


def title(rng: random.Random) -> str | None:
    if rng.random() < 0.1:
        return None
    return " ".join(rng.choices(WORDS, k=rng.randint(1, 3)))


def access(rng: random.Random, now: datetime) -> dict[str, Any]:
    state = rng.choice(STATES)
    found: dict[str, Any] = {"access": state, "isPublic": state == "open"}
    group = rng.choice(GROUPS)
    if group:
        found["ownerGroup"] = group
    if state == "embargoed":
        later = now + timedelta(days=rng.choice([1, 400]))
        found["embargoUntil"] = rng.choice([later.isoformat(), None])
    return found


def moment(rng: random.Random) -> str | None:
    if rng.random() < 0.15:
        return None
    day = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(
        days=rng.randint(0, 4), hours=rng.choice([0, 7])
    )
    return day.isoformat()


def parameter(rng: random.Random, number: int, owner: dict[str, str]) -> Row:
    if rng.random() < 0.3:
        value: Any = rng.choice(["Cu", "solid", "copper", "930", "50%"])
        return "Parameter", {
            "id": number,
            "name": rng.choice(["formula", "state"]),
            "value": value,
            **owner,
        }
    name = rng.choice(list(QUANTITIES))
    units, values = QUANTITIES[name]
    row = {
        "id": number,
        "name": name,
        "value": rng.choice(values),
        "unit": rng.choice(units),
        **owner,
    }
    return "Parameter", row


def catalogue(seed: int, now: datetime) -> list[Row]:
    """Return the rows of a catalogue."""
    rng = random.Random(seed)
    rows: list[Row] = [
        ("Affiliation", {"id": 1, "name": "ESS", "city": "Lund", "country": "Sweden"}),
        ("Affiliation", {"id": "x", "name": "Île", "city": None, "country": "France"}),
        *(
            ("Person", {"id": f"p{n}", "fullName": title(rng), "firstName": title(rng)})
            for n in range(3)
        ),
        *(
            (
                "Instrument",
                {"pid": f"i{n}", "name": title(rng), "facility": rng.choice(["ESS", "ILL"])},
            )
            for n in range(4)
        ),
        *(("Technique", {"pid": p, "name": n, "panetId": i}) for p, n, i in TECHNIQUES),
        *(
            ("Sample", {"pid": f"s{n}", "name": title(rng), "description": title(rng)})
            for n in range(4)
        ),
    ]
    documents, datasets = [f"doc/{n}" for n in range(7)], [f"ds/{n}" for n in range(14)]
    for pid in documents:
        row = {
            "pid": pid,
            "type": rng.choice(TYPES),
            "title": title(rng),
            "summary": title(rng),
            "keywords": rng.choice([None, [], ["gel"], ["Copper", "ice"], ["50%", "gel"]]),
            "startDate": moment(rng),
        }
        rows.append(("Document", row | access(rng, now)))
    for pid in datasets:
        row = {
            "pid": pid,
            "title": title(rng),
            "creationDate": moment(rng),
            "size": rng.choice([None, 0, 7, 10**6, 10**15]),
            "kind": rng.choice([None, "raw", "reduced"]),
            "instrumentId": rng.choice([None, "i0", "i1", "i2"]),
        }
        rows.append(("Dataset", row | access(rng, now)))
    number = 0
    for pid in datasets:
        owner = {"datasetId": pid}
        for _ in range(rng.randint(0, 4)):
            number += 1
            rows.append(parameter(rng, number, owner))
        for index in range(rng.randint(0, 3)):
            number += 1
            rows.append(
                (
                    "File",
                    {"id": number, "name": f"{title(rng) or 'f'}-{index}.nxs", "size": 7, **owner},
                )
            )
        for kind, keys, column in (
            ("DatasetTechnique", [t[0] for t in TECHNIQUES], "techniqueId"),
            ("DatasetSample", [f"s{n}" for n in range(3)], "sampleId"),
        ):
            for key in rng.sample(keys, rng.randint(0, 2)):
                rows.append((kind, {**owner, column: key}))
        for key in rng.sample(documents, rng.randint(0, 2)):
            rows.append(("DocumentDataset", {**owner, "documentId": key}))
    for n, pid in enumerate([*documents, *documents, *datasets[:5]]):
        owner = {"datasetId": pid} if pid.startswith("ds") else {"documentId": pid}
        rows.append(
            (
                "Member",
                {
                    "id": n + 1,
                    "role": rng.choice(ROLES),
                    "personId": rng.choice(["p0", "p1", "p2", None]),
                    "affiliationId": rng.choice([1, "x", None]),
                    **owner,
                },
            )
        )
    for pid in documents[:4]:
        number += 1
        rows.append(parameter(rng, number, {"documentId": pid}))
    return rows


def redacted(rows: list[Row]) -> list[Row]:
    """Return what is left for anyone: no closed record, no detail of one under embargo."""
    state = {row["pid"]: row["access"] for _, row in rows if "access" in row}
    hidden = {pid for pid, one in state.items() if one not in {"open", "embargoed"}}
    bare = {pid for pid, one in state.items() if one == "embargoed"}

    def stays(model: str, row: dict[str, Any]) -> bool:
        owners = {row.get("datasetId"), row.get("documentId"), row.get("pid")}
        detail = model in {"Parameter", "File", "DatasetSample"}
        return not (owners & hidden or (detail and owners & bare))

    return [(model, row) for model, row in rows if stays(model, row)]
