"""Records of all catalogues become one list: each once, ranked by one measure, cut once.

Records are the same where their identifiers or DOIs are, or where a harvest has found that they are
(table ``told``). Of several the one of this node is shown, then that of the first catalogue.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.federating.tables import told
from panosc.federation.live.answer import HERE, Fate, Merged
from panosc.federation.live.records.shaping import Shaped, sorted_by
from panosc.federation.live.records.taking import Brought
from panosc.federation.same import keys as same

_c = told.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What this node found itself."""

    items: Sequence[dict[str, Any]]
    total: int
    is_least: bool
    seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class _One:
    """One thing, whoever told of it; the first record is shown."""

    item: Mapping[str, Any]
    score: float
    is_own: bool
    home: str | None = None
    sources: dict[str, None] = field(default_factory=dict)


class Acquaintance:
    """Who told of which record, as harvests found; what was looked up is kept for one question.

    Parameters
    ----------
    engine : Engine
    model : str
    tellers : collection of str
        The catalogues of which records were harvested at all.
    """

    def __init__(self, engine: sa.Engine, model: str, tellers: Collection[str]) -> None:
        self._engine = engine
        self._model = model
        self._known = tellers
        self._tellers: dict[str, list[Any]] = {}
        self._here: dict[tuple[str, str], str | None] = {}

    def tellers(self, pids: Collection[str]) -> Mapping[str, Sequence[Any]]:
        """Return for records of this node which catalogues told of them, the one shown first."""
        new = [pid for pid in pids if pid not in self._tellers]
        if new:
            statement = (
                sa.select(_c.pid, _c.connector, _c.home, _c.is_shown)
                .where(_c.model == self._model, _c.pid == sa.any_(_texts(new)))
                .order_by(_c.is_shown.desc(), _c.connector)
            )
            self._tellers |= {pid: [] for pid in new}
            with self._engine.connect() as connection:
                for row in connection.execute(statement):
                    self._tellers[row.pid].append(row)
        return self._tellers

    def here(self, said: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str | None]:
        """Return what records of catalogues, (name, pid), are called here, if they are here."""
        new = [one for one in said if one[0] in self._known and one not in self._here]
        if new:
            statement = sa.select(_c.connector, _c.own_pid, _c.pid).where(
                _c.connector == sa.any_(_texts(sorted({name for name, _ in new}))),
                _c.model == self._model,
                _c.own_pid == sa.any_(_texts([pid for _, pid in new])),
            )
            self._here |= dict.fromkeys(new)
            with self._engine.connect() as connection:
                for row in connection.execute(statement):
                    self._here[row.connector, row.own_pid] = row.pid
        return self._here


class Merging:
    """Merges the answers to one question.

    Parameters
    ----------
    shaped : Shaped
        The question.
    known : Acquaintance
    """

    def __init__(self, shaped: Shaped, known: Acquaintance) -> None:
        self._shaped = shaped
        self._known = known

    def merged(
        self, own: Own | None, brought: Mapping[str, Brought], fates: Sequence[Fate]
    ) -> Merged:
        """Return the one list of what was answered up to now."""
        query = self._shaped.query
        ones: list[_One] = []
        by_key: dict[str, _One] = {}
        if own is not None:
            self._take_own(own, ones, by_key)
        # looked up for all catalogues at once
        said = [(name, hit.item["pid"]) for name, answer in brought.items() for hit in answer.hits]
        here = self._known.here(said)
        fresh = {
            name: self._take(name, answer, here, ones, by_key) for name, answer in brought.items()
        }
        ranked = _ranked(ones, self._shaped)
        page = ranked[query.skip : self._shaped.end]
        counts: dict[str, int] = {}
        for one in page:
            for name in one.sources:
                counts[name] = counts.get(name, 0) + 1
        total, is_least = _total(own, brought, fates, fresh)
        return Merged(
            items=[self._finished(one) for one in page],
            fates=[replace(fate, count=counts.get(fate.name, 0)) for fate in fates],
            total=max(total, query.skip + len(page)),
            is_least=is_least,
        )

    def _take_own(self, own: Own, ones: list[_One], by_key: dict[str, _One]) -> None:
        tellers = self._known.tellers([item["pid"] for item in own.items])
        for item in own.items:
            rows = tellers.get(item["pid"], ())
            is_copy = bool(rows) and rows[0].is_shown
            one = _One(item=item, score=item.get("score", 0.0), is_own=True)
            one.home = rows[0].home if is_copy else None
            one.sources = dict.fromkeys(
                [*([] if is_copy else [HERE]), *(row.connector for row in rows)]
            )
            ones.append(one)
            for key in keys_of(item, self._shaped.query.model):
                by_key.setdefault(key, one)

    def _take(
        self,
        name: str,
        answer: Brought,
        here: Mapping[tuple[str, str], str | None],
        ones: list[_One],
        by_key: dict[str, _One],
    ) -> int:
        """Add what a catalogue brought; return how many of its records are new."""
        count = 0
        for hit in answer.hits:
            alias = here.get((name, hit.item["pid"]))
            keys = [
                *([] if alias is None else [same.identifier_key(alias)]),
                *keys_of(hit.item, self._shaped.query.model),
            ]
            one = next((by_key[key] for key in keys if _joins(key, name, by_key)), None)
            if one is None:
                one = _One(item=hit.item, score=hit.score, is_own=False, home=hit.item.get("home"))
                ones.append(one)
                count += 1
            one.sources[name] = None
            for key in keys:
                by_key.setdefault(key, one)
        return count

    def _finished(self, one: _One) -> dict[str, Any]:
        item = self._shaped.finished(one.item, is_own=one.is_own)
        item["score"] = round(one.score, 6) if self._shaped.query.words else 0
        item["sources"] = list(one.sources)
        if one.home is not None:
            item["home"] = one.home
        return item


def keys_of(item: Mapping[str, Any], model: str, *, facility: str = "") -> tuple[str, ...]:
    """Return by what a record is recognised, as harvests do it (`same.keys`)."""
    place = item.get("instrument")
    named = place if isinstance(place, Mapping) else {}
    return same.keys_of(
        model,
        dict(item),
        also=(),
        instrument=str(named.get("name") or ""),
        facility=str(named.get("facility") or facility),
    )


def _joins(key: str, name: str, by_key: Mapping[str, _One]) -> bool:
    """Whether a record of a catalogue is the one with a key; two of one catalogue may be alike."""
    return key in by_key and not (key.startswith(same.STRONG) and name in by_key[key].sources)


def _ranked(ones: Sequence[_One], shaped: Shaped) -> list[_One]:
    """Return the records in their order; those without what they are sorted by come last."""
    found = sorted(ones, key=lambda one: str(one.item["pid"]))
    if shaped.order:
        return sorted_by(found, shaped.order, shaped.query.model, item_of=lambda one: one.item)
    return sorted(found, key=lambda one: -round(one.score, 6))


def _total(
    own: Own | None,
    brought: Mapping[str, Brought],
    fates: Sequence[Fate],
    fresh: Mapping[str, int],
) -> tuple[int, bool]:
    """Return how many fit in all, as far as that can be known, and whether there may be more."""
    total = 0 if own is None else own.total
    is_least = own is not None and own.is_least
    for fate in fates:
        answer = brought.get(fate.name)
        if answer is None or answer.fared != "answered":
            # copies of its records are among those of this node
            is_least |= fate.name == HERE and own is None
            is_least |= fate.name != HERE and (fate.copied is None or own is None)
            continue
        new = fresh[fate.name]
        if answer.total is None or (fate.has_copies and own is not None):
            total += new
            # which of those that were not seen are copies here nobody knows
            is_least |= answer.total is None or answer.total > len(answer.hits)
        else:
            total += answer.total - (len(answer.hits) - new)
            is_least |= answer.is_cut and answer.total <= len(answer.hits)
    return total, is_least


def _texts(values: Sequence[str]) -> "sa.ColumnElement[Any]":
    return sa.literal(list(values), sa.ARRAY(sa.Text))
