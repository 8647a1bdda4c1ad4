"""Fetching files: one with ranges, many as a ZIP, and lists for other programs."""
