"""What the index would give a record for some words, worked out for that one record alone.

So records that other catalogues answer are ranked as those of this node are: by the same stems,
levels and frozen rarities (`analysis`), put together as `wording` puts them. There is no index here
and no access: what is passed in is what may be seen.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import cached_property
from itertools import pairwise
from typing import Any

from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.query import Word
from panosc.search.index import analysis
from panosc.search.index.documents import Facts, Measured, Said, Tag, said_by
from panosc.search.index.text.statistics import UNKNOWN
from panosc.search.index.wording import BOTH, FORGIVEN, NEARNESS, SLOP, ends, rows_of, told

MOST_FILES = 50
"""As the index has them."""
_LEAST = 1e-6
_NEVER = -1.0
"""What is not there."""

Item = Mapping[str, Any]
Row = Sequence[tuple[int, str]]
"""Stems and their places."""


class _Half:
    """Core text of a record, or its detail; read only as far as the words need it."""

    def __init__(self, said: Said) -> None:
        self._said = said
        self._weighing = analysis.Weighing(said.texts)

    @cached_property
    def elements(self) -> Set[str]:
        """The symbols of the elements in its formulas."""
        return self._said.elements()

    @cached_property
    def places(self) -> Mapping[str, Set[int]]:
        """Where its stems stand."""
        places: dict[str, set[int]] = {}
        at = 0
        for line in self._said.lines():
            for stem in line.split():
                places.setdefault(stem, set()).add(at)
                at += 1
            # between two texts the index leaves a place free
            at += 1
        return places

    def weight(self, stem: str) -> float:
        """Return what a stem weighs here; `_NEVER` if it is not there."""
        total = self._weighing.of(stem)
        if not total:
            return _NEVER
        return analysis.LEVEL_VALUES[analysis.level_of(total)] * analysis.rarity(stem)


Texts = tuple[_Half, _Half]
"""What a record says, read for scoring: core and detail."""


class Scorer:
    """Scores records for the same words.

    Parameters
    ----------
    words : sequence of Word
    forgiven : collection of Word
        Those in which one slip is allowed.
    """

    def __init__(self, words: Sequence[Word], forgiven: Collection[Word] = ()) -> None:
        self._words = told(words)
        self._forgiven = frozenset(forgiven)
        self._near = list(_pairs(self._words))

    def score(self, texts: Texts) -> float | None:
        """Return the score of a record, in (0, 1); None if it is not what the words ask for."""
        total, loose, must = 0.0, False, False
        for word in self._words:
            weight = self._one(word, texts)
            if word.occurs == "not":
                if weight > _NEVER:
                    return None
                continue
            must = must or word.occurs == "all"
            if weight > _NEVER:
                total += weight
                loose = True
            elif word.occurs == "all":
                return None
        if not loose and not must:
            if any(word.occurs == "any" for word in self._words):
                return None
            total = 1.0
        total += sum(weight for pair, weight in self._near if _stand(texts[0], pair, SLOP))
        return analysis.score(max(total, _LEAST))

    def _one(self, word: Word, texts: Texts) -> float:
        if word.kind == "elements":
            symbols = [symbol.strip() for symbol in word.text.split(",") if symbol.strip()]
            found = [
                _either(*(1.0 if symbol in half.elements else _NEVER for half in texts))
                for symbol in symbols
            ]
            if not found:
                return 1.0
            return sum(found) if _NEVER not in found else _NEVER
        if word.kind == "phrase":
            return _row(analysis.stems(word.text), texts)
        rows = [_row(row, texts) for row in rows_of(word.text)]
        if word in self._forgiven:
            meant = analysis.slips(word.text)
            weight = FORGIVEN * UNKNOWN
            rows.append(
                _either(*(weight if meant & half.places.keys() else _NEVER for half in texts))
            )
        return max(rows, default=_NEVER)


def score(words: Sequence[Word], texts: Texts, forgiven: Collection[Word] = ()) -> float | None:
    """Return what the index gives a record for words; None if it would not find it.

    Examples
    --------
    >>> texts = texts_of(facts_of("Dataset", {"pid": "a", "title": "Tomography of bone"}))
    >>> 0 < score([Word(text="tomography")], texts) < 1, score([Word(text="ice")], texts)
    (True, None)
    """
    return Scorer(words, forgiven).score(texts)


def forgiven(words: Sequence[Word], texts: Collection[Texts]) -> list[Word]:
    """Return the words in which a slip is allowed, if these records are all that there are.

    Those that no record has; but where records are found without, only words that need not be
    there, and not one alone.
    """
    telling = told(words)
    loose = [word for word in telling if word.occurs == "any"]
    strict = Scorer(words)
    is_found = any(strict.score(one) is not None for one in texts)
    tried = (loose if len(loose) > 1 else ()) if is_found else telling
    return [
        word
        for word in tried
        if word.kind == "word"
        and word.occurs != "not"
        and not any(Scorer([word]).score(one) for one in texts)
    ]


def facts_of(model: str, item: Item) -> Facts:
    """Return what words can be looked up in, of a record in the shape of the PaNOSC search API.

    Relations that it lacks are not there. A document has techniques and instruments of its
    datasets.
    """
    never: Any = None
    facts = Facts(
        model=model,
        key=0,
        pid=str(item.get("pid", "")),
        mark="normal",
        listed_at=never,
        opened_at=never,
        owner_group=None,
        title=_text(item.get("title")),
    )
    facts.keywords = [text for text in map(_text, _many(item, "keywords", str)) if text]
    facts.abstract = _text(item.get("description" if model == "Dataset" else "summary"))
    facts.people = [name for one in _many(item, "members") if (name := _name(one))]
    facts.samples = [
        text
        for one in _many(item, "samples")
        for key in ("name", "description")
        if (text := _text(one.get(key)))
    ]
    facts.parameters = [
        Measured(name, None, _text(one.get("value")), None, None, None)
        for one in _many(item, "parameters")
        if (name := _text(one.get("name")))
    ]
    files = (_text(one.get("name")) for one in _many(item, "files"))
    facts.files = [name for name in files if name][:MOST_FILES]
    places = [item] if model == "Dataset" else _many(item, "datasets")
    if model == "Instrument":
        places = [{"instrument": item}]
        facts.title = _text(item.get("name"))
    facts.tags, facts.instruments = _tags(places), _instruments(places)
    return facts


def includes_of(model: str) -> Sequence[str]:
    """Return the relations that `facts_of` looks at."""
    known = MODEL_BY_NAME[model].relation_by_name
    wanted = ("instrument", "techniques", "samples", "parameters", "members", "files")
    return [name for name in wanted if name in known]


def _pairs(words: Sequence[Word]) -> Iterable[tuple[Row, float]]:
    for left, right in pairwise(map(ends, words)):
        if left is not None and right is not None and left[1] != right[0]:
            pair = (left[1], right[0])
            yield list(enumerate(pair)), NEARNESS * max(map(analysis.rarity, pair))


def _row(stems: Sequence[str], texts: Texts) -> float:
    telling = [(place, stem) for place, stem in enumerate(stems) if stem]
    if not telling:
        return _NEVER
    if len(telling) == 1:
        [(_, stem)] = telling
        return _either(*(half.weight(stem) for half in texts))
    weight = max(analysis.rarity(stem) for _, stem in telling)
    return _either(*(weight if _stand(half, telling, 0) else _NEVER for half in texts))


def _either(core: float, detail: float) -> float:
    low, high = sorted((core, detail))
    return high + BOTH * low if low > _NEVER else high


def _stand(half: _Half, row: Row, slop: int) -> bool:
    """Whether stems stand at their places; two of them may be `slop` away from there."""
    found = [{at - place for at in half.places.get(stem, ())} for place, stem in row]
    if not slop:
        return bool(frozenset.intersection(*map(frozenset, found)))
    first, second = found
    return any(at + away in second for at in first for away in range(-slop, slop + 1))


def texts_of(facts: Facts) -> Texts:
    """Return what a record says, read for scoring."""
    core, detail = said_by(facts)
    return _Half(core), _Half(detail)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _many(item: Item, name: str, kind: type[Any] = dict) -> list[Any]:
    """Return the related records, whatever a stranger has put there."""
    found = item.get(name)
    return [one for one in found if isinstance(one, kind)] if isinstance(found, list) else []


def _name(member: Item) -> str | None:
    person = member.get("person")
    if not isinstance(person, dict):
        return None
    parts = (_text(person.get(key)) for key in ("firstName", "lastName"))
    return _text(person.get("fullName")) or " ".join(filter(None, parts)) or None


def _tags(places: Sequence[Item]) -> list[Tag]:
    found: dict[Tag, None] = {}
    for place in places:
        for one in _many(place, "techniques"):
            pid = _text(one.get("pid")) or ""
            found[Tag(pid, _text(one.get("panetId")), _text(one.get("name")))] = None
    return list(found)


def _instruments(places: Sequence[Item]) -> list[tuple[str, str | None, str | None]]:
    found: dict[tuple[str, str | None, str | None], None] = {}
    for place in places:
        one = place.get("instrument")
        if isinstance(one, dict) and one:
            pid = str(one.get("pid", ""))
            found[pid, _text(one.get("name")), _text(one.get("facility"))] = None
    return list(found)
