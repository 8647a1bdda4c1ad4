"""Spellings of a question for people: the URL, the search box, Python."""
