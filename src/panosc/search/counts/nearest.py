"""What was probably meant by a word that nothing has: a word of what was found instead."""

import re
from collections import Counter
from dataclasses import replace
from difflib import get_close_matches

import sqlalchemy as sa

from panosc.domain.query import Word
from panosc.search.language.selection import Selection
from panosc.search.language.words import read_words, write_words
from panosc.search.reading import Reading
from panosc.search.sql.columns import table_of

LOOKED_AT = 50
"""Datasets in whose titles the word is looked for."""
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_NEAR = 0.7


def nearest(reading: Reading, selection: Selection) -> str | None:
    """Return the words of a selection with its slips mended; None if there is none to mend.

    A word counts as a slip when nothing has it that the viewer may see, and what was found has
    one like it in the title.
    """
    moment, question = reading.moment, selection.query()
    filters = None if moment is None else moment.filters(question)
    if moment is None or filters is None or not question.words:
        return None
    slips = moment.unseen(question.words, "Dataset")
    if not slips:
        return None
    found = moment.best(moment.query(question, filters), limit=LOOKED_AT)
    table = table_of("dataset")
    keys = sa.literal(list(found.keys), sa.ARRAY(sa.BigInteger))
    listed = reading.viewer.may_list(table)
    rows = reading.run(sa.select(table.c.title).where(table.c.id == sa.any_(keys), listed))
    seen = Counter(word.lower() for row in rows for word in _WORD.findall(row.title or ""))
    mended = {word: _like(word, seen) for word in slips}
    if None in mended.values():
        return None
    words = read_words(selection.words, plain="all")
    return write_words(
        [replace(word, text=mended.get(word) or word.text) for word in words], plain="all"
    )


def _like(word: Word, seen: Counter[str]) -> str | None:
    near = get_close_matches(word.text.lower(), list(seen), n=5, cutoff=_NEAR)
    return max(near, key=lambda one: seen[one], default=None)
