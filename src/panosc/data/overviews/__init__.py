"""Overviews: what a dataset looks like, drawn once after ingest and kept when its file goes."""
