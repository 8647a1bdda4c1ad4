"""A notebook that opens a record with the Python client: its datasets, or the parts of them.

Only what the record says goes in, as literals of Python; nothing of it runs but what is here.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

import orjson

from panosc.publication.citing import citation
from panosc.publication.exporting import Export
from panosc.publication.record import Part, Publication

MOST_DATASETS: Final = 20
Cell = dict[str, Any]
_NEEDS: Final = """\
Needs the Python client: `pip install panosc`. For data that are not open, make a token at the
node and give it as `panosc.connect(…, token=…)`."""
_LISTS: Final = """\
for dataset in datasets:
    print(dataset.pid, dataset.title, dataset.access)"""
_FILES: Final = """\
for dataset in datasets:
    if dataset.access == "open":
        for name in dataset.files:
            print(dataset.pid, name)"""


def write(publication: Publication) -> bytes:
    """Return a record as a Jupyter notebook (nbformat 4.5)."""
    cells = [_cell(number, kind, text) for number, (kind, text) in enumerate(_told(publication), 1)]
    return orjson.dumps(
        {
            "cells": cells,
            "metadata": {
                "kernelspec": {
                    "display_name": "Python 3",
                    "language": "python",
                    "name": "python3",
                },
                "language_info": {"name": "python"},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def _told(publication: Publication) -> Iterator[tuple[str, str]]:
    pids = _datasets(publication)
    licence = "" if publication.licence is None else f"\n\nLicence: {publication.licence.name}"
    about = f"# {_words(publication.title)}\n\n{_words(publication.description)}"
    yield "markdown", f"{about}\n\nCite as: {_words(citation(publication))}{licence}"
    yield "markdown", _NEEDS
    yield "code", f"import panosc\n\nnode = panosc.connect({_node(publication)!r})"
    yield "code", f"pids = {_literal(pids[:MOST_DATASETS])}\ndatasets = [node[pid] for pid in pids]"
    yield "code", _LISTS
    if publication.parts:
        yield "markdown", "## The parts that the publication is about"
        yield from (("code", _part(number, part)) for number, part in enumerate(publication.parts))
    else:
        yield "code", _FILES


def _part(number: int, part: Part) -> str:
    at = f"node[{part.pid!r}].files[{part.file!r}][{part.path!r}]"
    chosen = part.selection or "..."
    name = f"part_{number + 1}"
    return f"{name} = {at}[{chosen}]\n{name}"


def _datasets(publication: Publication) -> list[str]:
    """Return the PIDs of the datasets of a record at this node."""
    if publication.model == "Dataset":
        return [publication.pid]
    start = f"{_node(publication)}/datasets/"
    parts = (item.url for item in publication.related if item.relation == "HasPart")
    return [unquote(url.removeprefix(start)) for url in parts if url.startswith(start)]


def _node(publication: Publication) -> str:
    return publication.node.rstrip("/")


def _literal(pids: list[str]) -> str:
    return "[\n" + "".join(f"    {pid!r},\n" for pid in pids) + "]"


def _words(text: str) -> str:
    """Return text of a record as Markdown shows it, without mark-up of its own."""
    signs = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]()#+!|<>$"})
    return text.translate(signs)


def _cell(number: int, kind: str, text: str) -> Cell:
    cell: Cell = {
        "id": f"cell-{number}",
        "cell_type": kind,
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell


EXPORT: Final = Export(
    name="notebook",
    title="Jupyter notebook",
    media_type="application/x-ipynb+json",
    suffix=".ipynb",
    write=write,
    is_negotiated=False,
)
