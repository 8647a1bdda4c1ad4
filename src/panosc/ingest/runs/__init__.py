"""Acts that change records: their journal, how they are undone, what became of a record."""
