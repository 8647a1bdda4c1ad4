"""Ranked words as a query of the index: constant scores that were frozen, see `analysis`.

A word stands for one stem or, where it is made of parts, for several in a row. In detail it counts
only where the viewer may see the detail.
"""

from collections.abc import Collection, Sequence
from itertools import pairwise

from tantivy import Occur, Query, Schema

from panosc.domain.query import Word
from panosc.search.index import analysis
from panosc.search.index.compiling import Compiler, all_of, any_of
from panosc.search.index.schema import CORE_LEVELS, DETAIL_LEVELS
from panosc.search.index.text.statistics import UNKNOWN

NEARNESS = 0.5
"""What words that stand together weigh, of the rarer one of them."""
FORGIVEN = 0.4
"""What a word with one edit weighs, of a rare word."""
BOTH = 0.3
"""How much of the lesser counts where a word stands in core text and in detail."""
SLOP = 2
"""How far words may be from their places and still stand together."""


def told(words: Sequence[Word]) -> tuple[Word, ...]:
    """Return the words that tell something; all, where none does."""
    telling = tuple(word for word in words if word.kind == "elements" or rows_of(word.text))
    return telling or tuple(words)


def rows_of(text: str) -> list[list[str]]:
    """Return the rows of stems of which one has to be there for a word; empty ones left out."""
    return [row for row in analysis.alternatives(text) if row]


def ends(word: Word) -> tuple[str, str] | None:
    """Return the first and the last stem of a word or a phrase that has to be there."""
    if word.kind == "elements" or word.occurs == "not":
        return None
    stems = [stem for stem in analysis.stems(word.text) if stem]
    return (stems[0], stems[-1]) if stems else None


class Wording:
    """Compiles words for one viewer; `forgiven` are those in which one slip is allowed."""

    def __init__(self, schema: Schema, compiler: Compiler, forgiven: Collection[Word] = ()) -> None:
        self._schema = schema
        self._compiler = compiler
        self._forgiven = forgiven

    def query(self, words: Sequence[Word]) -> Query:
        """Return the records that `words` ask for, with their scores."""
        parts: list[tuple[Occur, Query]] = []
        has_must = any(word.occurs == "all" for word in words)
        loose = [self.one(word) for word in words if word.occurs == "any"]
        if loose and not has_must:
            parts.append((Occur.Must, any_of(loose)))
        else:
            parts += [(Occur.Should, one) for one in loose]
        for word in words:
            if word.occurs == "all":
                parts.append((Occur.Must, self.one(word)))
            elif word.occurs == "not":
                parts.append((Occur.MustNot, self.one(word)))
        if not has_must and not loose:
            parts.append((Occur.Must, Query.const_score_query(Query.all_query(), 1.0)))
        parts += [(Occur.Should, one) for one in self._near(words)]
        return Query.boolean_query(parts)

    def one(self, word: Word) -> Query:
        """Return the records with one word."""
        if word.kind == "elements":
            symbols = [symbol.strip() for symbol in word.text.split(",") if symbol.strip()]
            return all_of([self._element(symbol) for symbol in symbols])
        if word.kind == "phrase":
            return self._row(analysis.stems(word.text))
        rows = [self._row(row) for row in rows_of(word.text)]
        if word in self._forgiven:
            rows.append(self._slip(word.text))
        return Query.disjunction_max_query(rows) if rows else Query.empty_query()

    def _row(self, stems: Sequence[str]) -> Query:
        # a word that says nothing is not looked for, but keeps its place between the others
        telling = [(place, stem) for place, stem in enumerate(stems) if stem]
        if not telling:
            return Query.empty_query()
        if len(telling) == 1:
            [(_, stem)] = telling
            return self._either(self._levels(CORE_LEVELS, stem), self._levels(DETAIL_LEVELS, stem))
        weight = max(analysis.rarity(stem) for _, stem in telling)
        first = telling[0][0]
        row: list[str | tuple[int, str]] = [(place - first, stem) for place, stem in telling]
        return self._either(
            *(
                Query.const_score_query(Query.phrase_query(self._schema, field, row), weight)
                for field in ("core_text", "detail_text")
            )
        )

    def _levels(self, fields: Sequence[str], stem: str) -> Query:
        rarity = analysis.rarity(stem)
        return any_of(
            [
                Query.const_score_query(
                    Query.term_query(self._schema, field, stem, "basic"), value * rarity
                )
                for field, value in zip(fields, analysis.LEVEL_VALUES, strict=True)
            ]
        )

    def _either(self, core: Query, detail: Query) -> Query:
        return Query.disjunction_max_query([core, self._compiler.detail(detail)], BOTH)

    def _element(self, symbol: str) -> Query:
        core, detail = (
            Query.const_score_query(Query.term_query(self._schema, field, symbol, "basic"), 1.0)
            for field in ("core_elements", "detail_elements")
        )
        return self._either(core, detail)

    def _slip(self, text: str) -> Query:
        meant = sorted(analysis.slips(text))
        if not meant:
            return Query.empty_query()
        core, detail = (
            Query.const_score_query(
                Query.term_set_query(self._schema, field, meant), FORGIVEN * UNKNOWN
            )
            for field in ("core_text", "detail_text")
        )
        return self._either(core, detail)

    def _near(self, words: Sequence[Word]) -> list[Query]:
        """Return what neighbouring words earn when they stand together."""
        found: list[Query] = []
        for left, right in pairwise(map(ends, words)):
            if left is None or right is None or left[1] == right[0]:
                continue
            pair = [left[1], right[0]]
            near = Query.phrase_query(self._schema, "core_text", list(pair), SLOP)
            weight = NEARNESS * max(map(analysis.rarity, pair))
            found.append(Query.const_score_query(near, weight))
        return found
