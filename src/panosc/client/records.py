"""One dataset with all that belongs to it, read from a node."""

import json
from typing import Any
from urllib.parse import quote

from panosc.client.http import Http
from panosc.domain.errors import NotFound


def read(http: Http, pid: str) -> Any:
    """Return the record of a dataset with its parameters and samples.

    Raises
    ------
    NotFound, Gone
    """
    if not pid.strip("./ "):
        # such a text does not survive in an address
        raise NotFound(f"There is no dataset {pid!r}.", hint="Give the PID of one.")
    return http.get(f"/datasets/{quote(pid, safe='')}/-/export/json")


def files(http: Http, pid: str) -> Any:
    """Return the files of a dataset."""
    asked = {"fields": ["name", "size", "sha256", "format"], "order": "name ASC"}
    path = f"/panosc-api/Datasets/{quote(pid, safe='')}/files"
    return http.get(path, [("filter", json.dumps(asked))])
