"""Which records are one: decided from all that share a key, whatever order they came in.

Pure. One source tells its own records apart, so two of one source are never one. Two records that
both have DOIs are one only if they share one; that holds for any two of those that become one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from panosc.federation.same.keys import DOI, PID, STRONG

Rank = tuple[int, str, str]
"""Whose word counts more: kind of source, since when it is known, its name."""
OWN = ""
"""Stands for this node among the sources."""
_KINDS: dict[str, Literal["doi", "pid", "strong"]] = {DOI: "doi", PID: "pid", STRONG: "strong"}
_ORDER = {DOI: 0, PID: 1, STRONG: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of one source."""

    source: str
    rank: Rank
    own_pid: str
    keys: tuple[str, ...]
    kind: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a record: the PID of what it is a part of, and why."""

    pid: str
    is_shown: bool
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Cluster:
    members: list[Record]
    why: dict[str, str] = field(default_factory=dict)
    """PID of a member → the key by which it came."""

    @property
    def rank(self) -> tuple[Rank, str]:
        return min((item.rank, item.own_pid) for item in self.members)

    def fits(self, other: "_Cluster") -> bool:
        mine = {item.source for item in self.members}
        if any(item.source in mine for item in other.members):
            return False
        return all(
            _agree(dois_of(one), dois_of(two)) for one in self.members for two in other.members
        )

    def take(self, other: "_Cluster", key: str) -> None:
        self.members += other.members
        self.why |= other.why
        for item in other.members:
            self.why.setdefault(item.own_pid, key)


def clustered(records: Iterable[Record]) -> dict[Record, Verdict]:
    """Return what becomes of each record; `records` are all that share keys, also by others."""
    by_pid: dict[str, _Cluster] = {}
    for record in sorted(records, key=in_order):
        by_pid.setdefault(record.own_pid, _Cluster([])).members.append(record)
    for key, pids in _edges(by_pid):
        _unite(key, pids, by_pid)
    verdicts: dict[Record, Verdict] = {}
    for cluster in {id(item): item for item in by_pid.values()}.values():
        verdicts |= _judged(cluster)
    return verdicts


def dois_of(record: Record) -> frozenset[str]:
    """Return the DOIs of a record."""
    return frozenset(key for key in record.keys if key.startswith(DOI))


def in_order(record: Record) -> tuple[Rank, str, str, str]:
    """Return by what records are sorted: whose word counts most comes first."""
    return record.rank, record.own_pid, record.kind, record.external_id


def _agree(one: frozenset[str], two: frozenset[str]) -> bool:
    return not one or not two or bool(one & two)


def _edges(by_pid: Mapping[str, _Cluster]) -> list[tuple[str, list[str]]]:
    """Return keys that several PIDs share, the safest first, each with its PIDs, best first."""
    found: dict[str, dict[str, set[str]]] = {}
    for pid, cluster in by_pid.items():
        for record in cluster.members:
            for key in record.keys:
                found.setdefault(key, {}).setdefault(pid, set()).add(record.source)
    edges = [
        (key, sorted(pids, key=lambda pid: (by_pid[pid].rank, pid)))
        for key, pids in found.items()
        if len(pids) > 1 and not _is_vague(key, pids)
    ]
    return sorted(edges, key=lambda edge: (_ORDER[_head(edge[0])], edge[0]))


def _is_vague(key: str, pids: Mapping[str, set[str]]) -> bool:
    """Whether a likeness does not even tell the records of one source apart."""
    sources = [name for names in pids.values() for name in names]
    return _head(key) == STRONG and len(sources) != len(set(sources))


def _head(key: str) -> str:
    return key[: key.index(":") + 1]


def _unite(key: str, pids: Sequence[str], by_pid: dict[str, _Cluster]) -> None:
    standing: list[_Cluster] = []
    for pid in pids:
        cluster = by_pid[pid]
        if any(cluster is item for item in standing):
            continue
        home = next((item for item in standing if item.fits(cluster)), None)
        if home is None:
            standing.append(cluster)
            continue
        home.take(cluster, key)
        for item in cluster.members:
            by_pid[item.own_pid] = home


def _judged(cluster: _Cluster) -> dict[Record, Verdict]:
    members = sorted(cluster.members, key=in_order)
    best = members[0]
    found: dict[Record, Verdict] = {}
    for record in members:
        is_shown = record is best and record.source != OWN
        evidence: Mapping[str, Any] = {}
        if record.own_pid != best.own_pid or (record.source != best.source):
            evidence = _evidence(record, best, cluster)
        found[record] = Verdict(pid=best.own_pid, is_shown=is_shown, evidence=evidence)
    return found


def _evidence(record: Record, best: Record, cluster: _Cluster) -> dict[str, Any]:
    shared = sorted(set(record.keys) & set(best.keys))
    others = {key for item in cluster.members if item is not record for key in item.keys}
    keys = shared or sorted(set(record.keys) & others)
    by = cluster.why.get(record.own_pid) or next(iter(keys), f"{PID}{record.own_pid}")
    by = by if by in keys or not keys else min(keys, key=lambda key: (_ORDER[_head(key)], key))
    said = {"doi": "the same DOI", "pid": "the same identifier", "strong": "the same title, start"}
    kind = _KINDS[_head(by)]
    words = f"It has {said[kind]}"
    if kind == "strong":
        words += ", size or instrument, and facility"
    else:
        words += f" ({by.partition(':')[2]})"
    whose = "a record of this node" if best.source == OWN else f"a record of {best.source}"
    words += f" as {whose}" if shared else " as another record that is one with it"
    return {"by": kind, "keys": keys, "with": best.own_pid, "source": best.source, "words": words}
