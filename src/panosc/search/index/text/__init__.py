"""What words are: formulas, spellings and stems, and how rare they are. Nothing of an index."""
