"""What myMdC's records mean: proposals are documents, runs are datasets.

A raw run has with it what belongs to it: ``run``, ``listed`` (what the list of runs says of it),
``proposal``, ``instrument``, ``data_groups`` (with their ``parameters`` where they tell them),
``files``, ``units``, and ``removed``: data groups whose data were removed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from panosc.domain.units import scale_of
from panosc.federation.contract import Mapped, Row
from panosc.federation.naming import Names, doi_of
from panosc.federation.source import Source
from panosc.federation.values import Fields, integer, mapping, number, objects, several, text, when

MOST_FILES = 100_000
MOST_PARAMETERS = 5000
_PREFIXES = {
    "yotta": "Y", "zetta": "Z", "exa": "E", "peta": "P", "tera": "T", "giga": "G", "mega": "M",
    "kilo": "k", "hecto": "h", "deca": "da", "deci": "d", "centi": "c", "milli": "m",
    "micro": "u", "nano": "n", "pico": "p", "femto": "f", "atto": "a", "zepto": "z", "yocto": "y",
}  # fmt: skip


@dataclass(slots=True)
class Making:
    """Rows made of one record of one source."""

    source: Source
    rows: list[Row] = field(default_factory=list)
    homes: dict[str, str] = field(default_factory=dict)
    also: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def names(self) -> Names:
        """How identifiers are made."""
        return Names(self.source)

    def add(self, model: str, row: Mapping[str, Any]) -> None:
        """Add a row without what is not known."""
        kept = {key: value for key, value in row.items() if value not in (None, "", [])}
        self.rows.append((model, kept))

    def made(self) -> Mapped:
        """Return what was made."""
        return Mapped(rows=self.rows, homes=self.homes, also=self.also, warnings=self.warnings)


def proposal_name(number_: int) -> str:
    """Return a proposal as its folder is called, such as ``p002000``."""
    return f"p{number_:06d}"


def run_name(proposal: int, run: int) -> str:
    """Return a run as its folder is called, such as ``p002000/r0012``."""
    return f"{proposal_name(proposal)}/r{run:04d}"


def is_there(record: Mapping[str, Any]) -> bool:
    """Return whether a record is still offered: ``flg_available`` may be a text."""
    return text(record.get("flg_available"), 10) not in {"false", "False", "0", "N"} and (
        record.get("flg_available") is not False
    )


def is_public(group: Mapping[str, Any]) -> bool:
    """Return whether a data group is marked as public, from its release on."""
    return group.get("flg_public") is True or group.get("flg_public") == "true"


def _access(content: Mapping[str, Any], proposal: Mapping[str, Any]) -> dict[str, Any]:
    """Return who sees what: from the release on everyone, if the data are marked as public."""
    until = when(proposal.get("release_at"))
    numbered = integer(proposal.get("number"))
    group = {} if numbered is None else {"ownerGroup": proposal_name(numbered)}
    shown = any(map(is_public, objects(content.get("data_groups"))))
    dates = {"embargoUntil": until, "releaseDate": until}
    state = "embargoed" if shown and until else "closed"
    return {"isPublic": False, "access": state} | dates | group


def instrument(made: Making, content: Mapping[str, Any]) -> None:
    """Make the row of an instrument."""
    fields = Fields(content, made.warnings)
    pid = instrument_pid(made.names, content)
    if pid is None:
        made.warnings.append("It has no identifier that can be used.")
        return
    name = fields.text("name", 300) or fields.text("identifier", 300)
    own = {"facility": made.source.title, "source": made.source.name}
    made.add("Instrument", {"pid": pid, "name": name} | own)


def instrument_pid(names: Names, content: Mapping[str, Any]) -> str | None:
    """Return the identifier of an instrument."""
    theirs = text(content.get("identifier"), 200)
    return None if theirs is None else names.pid(f"instrument/{theirs}")


def sample(made: Making, content: Mapping[str, Any]) -> None:
    """Make the row of a sample."""
    fields = Fields(content, made.warnings)
    theirs = fields.integer("id")
    if theirs is None:
        made.warnings.append("It has no identifier that can be used.")
        return
    row = {"name": fields.text("name", 300), "description": fields.text("description")}
    made.add("Sample", {"pid": made.names.pid(f"sample/{theirs}")} | row)


def proposal(made: Making, content: Mapping[str, Any]) -> None:
    """Make the rows of a proposal: a document, and who proposed it."""
    fields = Fields(mapping(content.get("proposal")), made.warnings)
    numbered = fields.integer("number")
    if numbered is None:
        made.warnings.append("It has no number.")
        return
    pid = str(made.names.pid(proposal_name(numbered)))
    experiments = objects(content.get("experiments"))
    dois = [doi for one in experiments if (doi := _doi(one.get("doi"), content))]
    row = {
        "pid": pid,
        "source": made.source.name,
        "type": "proposal",
        "title": fields.text("title", 1000) or f"Proposal {numbered}",
        "summary": fields.text("abstract") or fields.text("description"),
        "startDate": fields.when("beamtime_start_at") or fields.when("begin_at"),
        "endDate": fields.when("beamtime_end_at") or fields.when("end_at"),
        "doi": dois[0] if len(dois) == 1 else None,
    }
    made.add("Document", row | _access(content, fields.content))
    _home(made, pid, fields)
    if len(dois) == 1:
        made.also[pid] = dois
    for role, key in (("principal investigator", "investigator"), ("proposer", "proposer")):
        _member(made, {"documentId": pid}, mapping(content.get(key)), role)


def _doi(given: object, content: Mapping[str, Any]) -> str | None:
    """Return a DOI; myMdC says it without its prefix, such as ``xfel.mdc.dg.574``."""
    suffix, prefix = text(given, 300), text(content.get("doi_prefix"), 40)
    return doi_of(suffix) or (doi_of(f"{prefix}/{suffix}") if prefix and suffix else None)


def _home(made: Making, pid: str, fields: Fields) -> None:
    url = fields.text("url", 1000)
    if url and url.startswith(("https://", "http://")) and url.isprintable():
        made.homes[pid] = url


def _member(made: Making, owner: dict[str, str], user: Mapping[str, Any], role: str) -> None:
    fields = Fields(user, made.warnings)
    first, last = fields.text("first_name", 200), fields.text("last_name", 200)
    name = fields.text("name", 300) or " ".join(filter(None, (first, last)))
    if not name:
        return
    key = made.names.person(None, name=name)
    made.add("Person", {"id": key, "fullName": name, "firstName": first, "lastName": last})
    made.add("Member", owner | {"personId": key, "role": role})


def run(made: Making, content: Mapping[str, Any]) -> None:
    """Make the rows of a run: a dataset with files, parameters, techniques and links."""
    fields = Fields(mapping(content.get("run")), made.warnings)
    told = Fields(mapping(content.get("proposal")), made.warnings)
    proposed, numbered = told.integer("number"), fields.integer("run_number")
    if proposed is None or numbered is None:
        made.warnings.append("It has no number.")
        return
    pid = str(made.names.pid(run_name(proposed, numbered)))
    files = _files(made, content, pid)
    alias = fields.text("run_alias", 300)
    about = told.text("title", 600) or f"proposal {proposed}"
    row = {
        "pid": pid,
        "source": made.source.name,
        "title": f"Run {numbered}{f' ({alias})' if alias else ''} of {about}",
        "creationDate": fields.when("begin_at"),
        "endDate": fields.when("end_at"),
        "size": _size(content, files),
        "kind": "raw",
        "description": fields.text("description"),
        "instrumentId": instrument_pid(made.names, mapping(content.get("instrument"))),
    }
    made.add("Dataset", row | _access(content, told.content))
    groups = list(objects(content.get("data_groups")))
    dois = [doi for one in groups if (doi := _doi(one.get("doi"), content))]
    if len(dois) == 1:
        # of several data groups each is a part of the run, and none of them the run
        made.also[pid] = dois
    document = str(made.names.pid(proposal_name(proposed)))
    made.add("DocumentDataset", {"documentId": document, "datasetId": pid})
    samples = fields.integer("sample_id")
    if samples is not None:
        linked = {"datasetId": pid, "sampleId": made.names.pid(f"sample/{samples}")}
        made.add("DatasetSample", linked)
    for technique in objects(fields.content.get("techniques")):
        term = made.names.technique(technique.get("identifier"), text(technique.get("name"), 500))
        if term is not None:
            made.add("Technique", term)
            made.add("DatasetTechnique", {"datasetId": pid, "techniqueId": term["pid"]})
    _parameters(made, content, fields, pid)
    made.rows += [("File", file) for file in files]


def _size(content: Mapping[str, Any], files: list[dict[str, Any]]) -> int | None:
    known = [file["size"] for file in files if "size" in file]
    return sum(known) if known else integer(mapping(content.get("listed")).get("size"))


def _files(made: Making, content: Mapping[str, Any], pid: str) -> list[dict[str, Any]]:
    """Return the files; none of a data group whose data were removed."""
    gone = {integer(one) for one in several(content.get("removed"))} - {None}
    paths = {
        integer(group.get("id")): text(group.get("prefix_path"), 2000) or ""
        for group in objects(content.get("data_groups"))
    }
    rows: list[dict[str, Any]] = []
    for file in objects(content.get("files")):
        name, group = text(file.get("filename"), 1000), integer(file.get("data_group_id"))
        if name is None or not is_there(file) or group in gone:
            continue
        if len(rows) == MOST_FILES:
            made.warnings.append(f"Only the first {MOST_FILES} files were taken.")
            break
        where = "/".join(filter(None, (paths.get(group, "").rstrip("/"), name)))
        row = {"datasetId": pid, "name": name.rpartition("/")[2] or name, "path": where}
        size = integer(file.get("byte_size"))
        kind = text(file.get("format"), 40)
        rows.append(
            row
            | ({} if size is None else {"size": size})
            | ({} if kind is None else {"format": kind})
        )
    return rows


def _parameters(made: Making, content: Mapping[str, Any], fields: Fields, pid: str) -> None:
    owner = {"datasetId": pid}
    for name in ("first_train", "last_train"):
        train = fields.integer(name)
        if train is not None:
            made.add("Parameter", owner | {"name": name, "value": train})
    units = mapping(content.get("units"))
    found = [
        one
        for group in objects(content.get("data_groups"))
        for one in objects(group.get("parameters"))
    ]
    for one in found[:MOST_PARAMETERS]:
        names = [text(one.get(key), 300) for key in ("data_source", "name")]
        name = "/".join(filter(None, names))
        given = one.get("value") if one.get("value") not in (None, "") else one.get("mean")
        value = number(given) if number(given) is not None else text(given, 1000)
        if not name or value is None:
            continue
        unit = _unit(mapping(units.get(str(one.get("unit_id")))), text(one.get("unit_prefix"), 20))
        made.add("Parameter", owner | {"name": name, "value": value, "unit": unit})


def _unit(given: Mapping[str, Any], prefix: str | None) -> str | None:
    """Return a unit with its prefix, such as ``mm``; the prefix is a word or a sign."""
    symbol = text(given.get("symbol"), 40) or text(given.get("identifier"), 40)
    if symbol is None or not prefix:
        return symbol
    sign = _PREFIXES.get(prefix.lower(), prefix)
    joined = f"{sign}{symbol}"
    return joined if scale_of(joined) is not None else f"{prefix} {symbol}"


MAKERS = {"instrument": instrument, "sample": sample, "proposal": proposal, "run": run}
"""What a raw record of each kind is made into."""
