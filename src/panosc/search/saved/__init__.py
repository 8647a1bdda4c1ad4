"""Searches that people keep: their names and questions, never what was found."""
