"""From a DOI to a curve: I(q) with units and uncertainties, the licence and the citation.

It knows how DOIs resolve, Signposting (RFC 8288, RFC 9264), BibTeX, and how NeXus marks what is
to be plotted. It knows nothing of the node that keeps the data. Needs h5py alone.

    python reuse_by_doi.py 10.5072/abc
    python reuse_by_doi.py 10.5072/abc --resolver http://localhost:8000/doi/
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote, urljoin
from urllib.request import Request, urlopen

import h5py

LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w-]+="[^"]*")*)')
OPTION = re.compile(r'([\w-]+)="([^"]*)"')
HDF5 = "application/x-hdf5"
LINKSET = "application/linkset+json"
BIBTEX = "application/x-bibtex"


def get(address, accept="*/*", method="GET"):
    return urlopen(Request(address, headers={"Accept": accept}, method=method), timeout=60)


def signposts(page):
    """Return relation → targets of a page: all of the linkset, or what its header says."""
    with get(page, "text/html", "HEAD") as answer:
        page, header = answer.url, answer.headers.get("Link", "")
    found = {}
    for target, options in LINK.findall(header):
        link = {"href": urljoin(page, target), **dict(OPTION.findall(options))}
        found.setdefault(link.pop("rel", ""), []).append(link)
    for link in found.get("linkset", []):
        if link.get("type") == LINKSET:
            with get(link["href"], LINKSET) as answer:
                contexts = json.load(answer)["linkset"]
            return next(one for one in contexts if one["anchor"] == page)
    return found


def plotted(file):
    """Return the group that is to be plotted: the chain of defaults, or the first that there is."""
    group = file
    while "default" in group.attrs:
        group = group[group.attrs["default"]]
    found = [group]
    file.visititems(lambda _, item: found.append(item))
    return next(one for one in found if isinstance(one, h5py.Group) and "signal" in one.attrs)


def curve(path):
    """Return signal, axis and uncertainties of a file, each with its unit."""
    with h5py.File(path) as file:
        group = plotted(file)
        name = group.attrs["signal"]
        signal = group[name]
        axes = group.attrs.get("axes", group.attrs.get("I_axes"))
        axis = axes if isinstance(axes, str) else axes[0]
        errors = signal.attrs.get("uncertainties", signal.attrs.get("uncertainty"))
        errors = errors or (f"{name}_errors" if f"{name}_errors" in group else None)
        names = {axis: group[axis], name: signal} | ({errors: group[errors]} if errors else {})
        return {
            key: {"unit": item.attrs.get("units"), "values": item[()].tolist()}
            for key, item in names.items()
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("doi")
    parser.add_argument("--resolver", default="https://doi.org/")
    given = parser.parse_args()
    links = signposts(given.resolver + quote(given.doi, safe="/:"))
    citation = next(one for one in links["describedby"] if one.get("type") == BIBTEX)
    with get(citation["href"], BIBTEX) as answer:
        cited = answer.read().decode()
    item = next(one for one in links["item"] if one.get("type") == HDF5)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "data.h5"
            with get(item["href"], HDF5) as answer:
                path.write_bytes(answer.read())
            data = curve(path)
    except HTTPError as error:
        sys.exit(f"The data cannot be had ({error.code}).\nCite them as\n{cited}")
    told = {
        "doi": links["cite-as"][0]["href"],
        "license": links["license"][0]["href"],
        "authors": [one["href"] for one in links.get("author", [])],
        "citation": cited,
        "file": item["href"],
        "data": data,
    }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
