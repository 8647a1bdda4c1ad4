"""The index of an HDF5 file: its tree, attributes and where its numbers lie, read once.

It is derived from the file and may be deleted at any time.
"""
