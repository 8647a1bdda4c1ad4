"""Fields of the search index.

Every text field takes tokens that were made before (`analysis`): the index stems nothing itself, so
that any process can open it. Change `VERSION` with the fields or with what stands in them; an index
of another version is built anew.
"""

from hashlib import blake2b

import tantivy

from panosc.search.index.analysis import LEVELS

VERSION = 2
MODELS = ("Dataset", "Document")
"""Classes whose records are found by the index."""
SHARED = ("Instrument", "Technique", "Sample", "Person")
"""Classes of which the index keeps a digest only: what they say stands with the records."""

UNDER = "\x1f"
"""Before a technique in the field ``tag``: what is tagged is of it, or of a narrower one."""

CORE_LEVELS = tuple(f"c{level}" for level in range(LEVELS))
DETAIL_LEVELS = tuple(f"d{level}" for level in range(LEVELS))
"""A stem of a record stands in the field of its level, of core text or of detail."""

FIRST, LAST = -(2**62), 2**62
"""What has no time or size sorts as these."""

_TERMS = ("model", "mark", "owner_group", "tag", "tag_name", "core_elements", "detail_elements")
_COUNTED = ("facility", "instrument", "instrument_name", "technique", "kind", "parameter")
_TIMES = ("listed_at", "opened_at")
SORTS = ("created", "released", "size")


def build() -> tantivy.Schema:
    """Return the fields.

    Times are microseconds since 1970. ``NAME_up`` and ``NAME_down`` hold the same for sorting up
    and down: what has none comes last in both.
    """
    fields = tantivy.SchemaBuilder()
    fields.add_unsigned_field("key", indexed=True, fast=True)
    fields.add_unsigned_field("digest", fast=True)
    fields.add_unsigned_field("documents", indexed=True, fast=True)
    fields.add_integer_field("year", fast=True)
    for name in (*_TIMES, *(f"{sort}_{way}" for sort in SORTS for way in ("up", "down"))):
        fields.add_integer_field(name, indexed=True, fast=True)
    for name in (*_TERMS, "surface"):
        fields.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in _COUNTED:
        fields.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    for name in (*CORE_LEVELS, *DETAIL_LEVELS):
        fields.add_text_field(name, tokenizer_name="whitespace", index_option="basic")
    for name in ("core_text", "detail_text"):
        fields.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    for name in ("si", "plain"):
        fields.add_json_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    return fields.build()


def slot(name: str, unit: str | None = None) -> str:
    """Return the key of a parameter in the fields ``si`` and ``plain``: free of signs."""
    spelt = name if unit is None else f"{name}\x1f{unit}"
    return "k" + blake2b(spelt.encode("utf-8", "replace"), digest_size=8).hexdigest()
