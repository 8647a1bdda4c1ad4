"""A catalogue in which everything that may be hidden is a word or a number found nowhere else.

`rows(variant)` makes it twice: both variants agree in all that anyone may see, and differ in all
that is hidden, so that whoever sees no more than anyone gets the same bytes from both.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PREFIX = "10.5072"
D22, D33 = f"{PREFIX}/d22", f"{PREFIX}/d33"
TEAM, PAID, OTHERS = "P-1", "P-1-paid", "P-2"
"""Groups: a proposal, beam time that the same team paid for, and the proposal of strangers."""
TECHNIQUE = "http://purl.org/pan-science/PaNET/PaNET01189"
STATES = ("open", "embargoed", "closed", "withdrawn", "erased", "never")
VARIANTS = ("first", "second")
TEMPERATURE = "sample_temperature"
"""The name of a parameter that several datasets have, each with a value of its own."""


def word(variant: str, key: str, kind: str) -> str:
    """Return a made-up word that occurs nowhere else."""
    digest = hashlib.sha256(f"{variant} {key} {kind}".encode()).digest()
    return "zq" + "".join(chr(ord("a") + byte % 26) for byte in digest[:10])


def number(variant: str, key: str, kind: str) -> int:
    """Return a number of seven digits that occurs nowhere else."""
    digest = hashlib.sha256(f"{variant} {key} {kind}".encode()).digest()
    return 1_000_003 + int.from_bytes(digest[:6]) % 8_900_000


@dataclass(frozen=True, kw_only=True)
class Record:
    """A dataset or document of the catalogue: `ruled` came to its state by an act or the policy."""

    key: str
    model: str
    state: str
    ruled: bool = False
    group: str = TEAM

    @property
    def pid(self) -> str:
        return f"{PREFIX}/{self.key}"

    def core(self, variant: str) -> dict[str, str]:
        """Return the words of the core metadata; those of what is closed are its own."""
        chosen = variant if self.state in {"closed", "erased"} else "both"
        return {kind: word(chosen, self.key, kind) for kind in ("title", "text", "author")}

    def detail(self, variant: str) -> dict[str, str]:
        """Return the words of the detail, by where they stand."""
        chosen = "both" if self.state == "open" else variant
        found = {kind: word(chosen, self.key, kind) for kind in DETAIL[self.model]}
        found |= {kind: str(number(chosen, self.key, kind)) for kind in NUMBERS[self.model]}
        if self.model == "Dataset":
            found["sha256"] = hashlib.sha256(found["file"].encode()).hexdigest()
        return found


DETAIL = {
    "Dataset": (
        *("sample", "material", "parameter", "remark", "path", "file", "format"),
        *("signal", "plot", "second"),
    ),
    "Document": ("parameter", "remark", "path"),
}
NUMBERS = {"Dataset": ("value", "size"), "Document": ("value",)}

DATASETS = (
    Record(key="open-said", model="Dataset", state="open"),
    Record(key="open-ruled", model="Dataset", state="open", ruled=True),
    Record(key="embargoed-said", model="Dataset", state="embargoed"),
    Record(key="embargoed-ruled", model="Dataset", state="embargoed", ruled=True),
    Record(key="closed-said", model="Dataset", state="closed"),
    Record(key="closed-ruled", model="Dataset", state="closed", ruled=True, group=PAID),
    Record(key="withdrawn-said", model="Dataset", state="withdrawn"),
    Record(key="withdrawn-ruled", model="Dataset", state="withdrawn", ruled=True),
    Record(key="erased-said", model="Dataset", state="erased"),
    Record(key="erased-ruled", model="Dataset", state="erased", ruled=True),
    Record(key="never-aaaa", model="Dataset", state="never"),
)
DOCUMENTS = tuple(
    Record(key=f"document-{state}", model="Document", state=state) for state in STATES
)
RECORDS = DATASETS + DOCUMENTS
BY_KEY = {record.key: record for record in RECORDS}
THEIRS = f"{PREFIX}/theirs"
"""An open dataset of the other team."""
_TOTAL = 20_000_000


def never_like(record: Record) -> str:
    """Return a PID that never was, as long as that of `record`."""
    return f"{PREFIX}/never-{'a' * len(record.key)}"[: len(record.pid)]


Row = tuple[str, dict[str, object]]


def rows(variant: str, folder: Path) -> list[Row]:
    """Return the catalogue; what is closed is in the first variant only."""
    found: list[Row] = [
        ("Instrument", {"pid": D22, "name": "D22", "facility": "ILL"}),
        ("Instrument", {"pid": D33, "name": "D33", "facility": "ILL"}),
        ("Affiliation", {"id": "ill", "name": "Institut Laue-Langevin"}),
        ("Technique", {"pid": "sans", "name": "SANS", "panetId": TECHNIQUE}),
        (
            "Dataset",
            {
                "pid": THEIRS,
                "title": "Powder of others",
                "access": "open",
                "ownerGroup": OTHERS,
                "instrumentId": D33,
                "creationDate": "2024-02-01T00:00:00Z",
                "size": _TOTAL,
                "kind": "raw",
            },
        ),
        *(("Parameter", row) for row in _temperature(THEIRS, 300.0)),
    ]
    for record in DATASETS:
        if record.state != "never" and not _is_left_out(record, variant):
            found += _dataset(record, variant, folder)
    for record in DOCUMENTS:
        if record.state != "never" and not _is_left_out(record, variant):
            found += _document(record, variant)
    return found


def _is_left_out(record: Record, variant: str) -> bool:
    return variant != VARIANTS[0] and record.state == "closed"


def _said(record: Record) -> dict[str, object]:
    """Return what the record itself says of access; a ruled one says nothing."""
    if record.ruled and record.key != "withdrawn-ruled":
        return {}
    state = "open" if record.ruled else record.state
    until = {"embargoUntil": "2031-05-01T00:00:00Z"} if state == "embargoed" else {}
    reason = {"withdrawnReason": "The sample was mislabelled."} if state == "withdrawn" else {}
    return {"access": state, **until, **reason}


def _dataset(record: Record, variant: str, folder: Path) -> list[Row]:
    core, detail, pid = record.core(variant), record.detail(variant), record.pid
    # in the second variant the hidden order is the other way round
    sign = 1 if variant == VARIANTS[0] or record.state == "open" else -1
    rank = DATASETS.index(record)
    kelvin = 100.0 + 50 + sign * rank
    author, sample = f"author-{core['author']}", f"{PREFIX}/sample-{detail['sample']}"
    path = _measured(folder, record, detail)
    status = path.stat()
    parts: list[Row] = [
        ("Person", {"id": author, "fullName": f"Doctor {core['author']}"}),
        ("Sample", {"pid": sample, "name": detail["sample"], "description": detail["material"]}),
        (
            "Dataset",
            {
                "pid": pid,
                "title": f"Scattering of {core['title']}",
                "description": f"A story of {core['text']}.",
                "creationDate": f"2025-05-{rank + 1:02d}T00:00:00Z",
                "endDate": f"2025-05-{rank + 2:02d}T00:00:00Z",
                "size": _TOTAL + rank,
                "kind": "raw",
                "license": "CC-BY-4.0",
                "instrumentId": D22,
                "ownerGroup": record.group,
                "defaultPlot": f"/entry/{detail['plot']}/{detail['signal']}",
                **_said(record),
            },
        ),
        ("DatasetSample", {"datasetId": pid, "sampleId": sample}),
        ("DatasetTechnique", {"datasetId": pid, "techniqueId": "sans"}),
        (
            "Member",
            {
                "id": f"member-{record.key}",
                "datasetId": pid,
                "personId": author,
                "affiliationId": "ill",
                "role": "creator",
            },
        ),
        (
            "Parameter",
            {
                "id": f"own-{record.key}",
                "name": detail["parameter"],
                "value": int(detail["value"]),
                "unit": "K",
                "path": f"/entry/{detail['path']}",
                "datasetId": pid,
            },
        ),
        (
            "Parameter",
            {
                "id": f"remark-{record.key}",
                "name": "remark",
                "value": detail["remark"],
                "datasetId": pid,
            },
        ),
        *(("Parameter", row) for row in _temperature(pid, kelvin)),
        (
            "File",
            {
                "id": f"file-{record.key}",
                "name": f"{detail['file']}.nxs",
                "path": f"raw/{detail['path']}",
                "size": int(detail["size"]),
                "sha256": detail["sha256"],
                "format": detail["format"],
                "datasetId": pid,
            },
        ),
        (
            "Location",
            {
                "url": path.as_uri(),
                "datasetId": pid,
                "name": f"{detail['file']}.nxs",
                "size": status.st_size,
                "mtimeNs": status.st_mtime_ns,
            },
        ),
    ]
    if sign > 0:
        # in the second variant there is one file less
        second = {"id": f"second-{record.key}", "name": f"{detail['second']}.nxs", "size": 5}
        parts.append(("File", {**second, "datasetId": pid}))
    return parts


def _temperature(pid: str, kelvin: float) -> list[dict[str, object]]:
    return [
        {
            "id": f"temperature-{pid}",
            "name": TEMPERATURE,
            "value": kelvin,
            "unit": "K",
            "datasetId": pid,
        }
    ]


def _document(record: Record, variant: str) -> list[Row]:
    core, detail, pid = record.core(variant), record.detail(variant), record.pid
    author = f"author-{core['author']}"
    linked = [item for item in DATASETS if item.state not in {"never", "erased"}]
    if variant != VARIANTS[0]:
        linked = [item for item in linked if item.state != "closed"]
    return [
        ("Person", {"id": author, "fullName": f"Doctor {core['author']}"}),
        (
            "Document",
            {
                "pid": pid,
                "type": "proposal",
                "title": f"Proposal on {core['title']}",
                "summary": f"About {core['text']}.",
                "startDate": "2025-05-01T00:00:00Z",
                "keywords": [core["text"]],
                "ownerGroup": TEAM,
                **_said(record),
            },
        ),
        *(
            ("DocumentDataset", {"documentId": pid, "datasetId": item.pid})
            for item in linked
            if record.state != "erased"
        ),
        (
            "Member",
            {
                "id": f"member-{record.key}",
                "documentId": pid,
                "personId": author,
                "affiliationId": "ill",
                "role": "principal investigator",
            },
        ),
        (
            "Parameter",
            {
                "id": f"own-{record.key}",
                "name": detail["parameter"],
                "value": int(detail["value"]),
                "unit": "K",
                "path": f"/entry/{detail['path']}",
                "documentId": pid,
            },
        ),
        (
            "Parameter",
            {
                "id": f"remark-{record.key}",
                "name": "remark",
                "value": detail["remark"],
                "documentId": pid,
            },
        ),
    ]


def _measured(folder: Path, record: Record, detail: dict[str, str]) -> Path:
    """Write a NeXus file with a curve whose title is a secret."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{detail['file']}.nxs"
    x = np.linspace(1, 10, 20)
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        data = entry.create_group(detail["plot"])
        data.attrs.update({"NX_class": "NXdata", "signal": detail["signal"], "axes": "x"})
        data["x"], data[detail["signal"]] = x, int(detail["value"]) / x
        data["title"] = f"Curve {detail['plot']}"
        entry["marks"] = [int(detail["value"])]
        entry["marks"].attrs["remark"] = detail["remark"]
    return path


GROUPS: list[dict[str, object]] = [
    {
        "name": TEAM,
        "title": "Proteins",
        "accessType": "public",
        "startDate": "2025-05-01",
        "endDate": "2025-06-01",
    },
    {
        "name": PAID,
        "title": "Paid",
        "accessType": "proprietary",
        "startDate": "2025-05-01",
        "endDate": "2025-06-01",
    },
    {"name": OTHERS, "title": "Powders", "accessType": "public", "endDate": "2025-06-01"},
    {"name": f"instrument:{D22}", "title": "D22"},
]
MEMBERS: list[dict[str, object]] = [
    *(
        {"group": name, "person": f"uo:{person}", "role": role, **until}
        for name in (TEAM, PAID)
        for person, role, until in (
            ("pi", "principal investigator", {}),
            ("member", "team member", {}),
            ("newcomer", "team member", {}),
            ("contact", "local contact", {}),
            ("guest", "guest", {"until": "2026-01-01"}),
        )
    ),
    {"group": OTHERS, "person": "uo:stranger", "role": "pi"},
    {"group": f"instrument:{D22}", "person": "uo:scientist", "role": "instrument scientist"},
]


def write_folder(variant: str, folder: Path) -> Path:
    """Write the catalogue as NDJSON files and return their folder."""
    lines: dict[str, list[dict[str, object]]] = {"Group": GROUPS, "GroupMember": MEMBERS}
    for name, row in rows(variant, folder / "measured"):
        lines.setdefault(name, []).append(row)
    catalogue = folder / "catalogue"
    catalogue.mkdir()
    for name, items in lines.items():
        unique = {json.dumps(item): None for item in items}
        (catalogue / f"{name}.ndjson").write_text("".join(f"{line}\n" for line in unique))
    return catalogue
