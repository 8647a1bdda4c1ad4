"""Nodes from Python: ``panosc.connect("https://node.example").search("lysozyme")``.

Importing it is quick: no numpy, no units, no server. Docs: docs/python.md.
"""

from panosc.client.connection import Client, connect
from panosc.client.data.arrays import Array
from panosc.client.data.groups import Group
from panosc.client.datasets import Dataset, Files, Person, Technique
from panosc.client.files import File
from panosc.client.results import Results

__all__ = [
    "Array",
    "Client",
    "Dataset",
    "File",
    "Files",
    "Group",
    "Person",
    "Results",
    "Technique",
    "connect",
]
