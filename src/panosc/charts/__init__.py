"""Plots as SVG text, drawn on the server: pure functions, no files, no requests."""
