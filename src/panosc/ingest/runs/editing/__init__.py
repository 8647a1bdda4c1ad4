"""Corrections by hand of what files and messages said, one record or thousands at a time."""
