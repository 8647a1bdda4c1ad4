"""Nodes from Python: ``panosc.connect("https://node.example").search("lysozyme")``.

Importing it is quick: no numpy, no units, no server. Docs: docs/python.md.
"""

from panosc.client.connection import Client, connect
from panosc.client.datasets import Dataset, Files, Person, Technique
from panosc.client.files import File
from panosc.client.results import Results

__all__ = ["Client", "Dataset", "File", "Files", "Person", "Results", "Technique", "connect"]
