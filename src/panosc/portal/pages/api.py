"""The API for people: every operation of the API document, with commands that run."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from panosc.portal import snippets
from panosc.portal.site import Site, add_page, pages

_FILTERS = (
    ("The first two datasets", "/Datasets", {"limit": 2}),
    (
        "Small angle scattering, narrower techniques included",
        "/Datasets",
        {
            "include": [
                {"relation": "techniques", "scope": {"where": {"name": "small angle scattering"}}}
            ],
            "limit": 5,
        },
    ),
    (
        "A wavelength from 0.1 to 1 nm, whatever unit the file used",
        "/Datasets",
        {
            "include": [
                {
                    "relation": "parameters",
                    "scope": {
                        "where": {
                            "and": [
                                {"name": "wavelength"},
                                {"value": {"between": [0.1, 1]}},
                                {"unit": "nm"},
                            ]
                        }
                    },
                }
            ],
            "limit": 5,
        },
    ),
    ("Instruments by name", "/Instruments", {"order": "name ASC", "limit": 10}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked for."""

    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[tuple[str, str, bool, str], ...]
    """Name, place, whether it is needed, description."""


def router(site: Site) -> APIRouter:
    """Return the route of the API page."""
    routes = pages()

    def api(request: Request) -> Response:
        base = site.render.address(request, "/panosc-api")
        shown = [
            (text, snippets.filtered(base + path, json.dumps(filter_)))
            for text, path, filter_ in _FILTERS
        ]
        shown.append(("How many datasets", snippets.curl(f"{base}/Datasets/count")))
        return site.render.page(
            request,
            "api",
            title="API",
            canonical="/api",
            groups=operations(request.app),
            examples=shown,
            document=site.render.address(request, "/api/openapi.json"),
        )

    add_page(routes, "/api", api, summary="The API for people")
    return routes


@cache
def operations(app: FastAPI) -> list[tuple[str, list[Operation]]]:
    """Return the operations of an application by their tag, the API before the pages."""
    groups: dict[str, list[Operation]] = {}
    for path, methods in app.openapi()["paths"].items():
        for method, described in methods.items():
            tag = (described.get("tags") or ["Other"])[0]
            groups.setdefault(tag, []).append(_operation(path, method, described))
    return sorted(groups.items(), key=lambda pair: (pair[0] == "Pages", pair[0]))


def _operation(path: str, method: str, described: dict[str, Any]) -> Operation:
    return Operation(
        method=method.upper(),
        path=path,
        summary=described.get("summary", ""),
        description=described.get("description", ""),
        parameters=tuple(
            (
                item["name"],
                item["in"],
                bool(item.get("required")),
                item.get("description") or item.get("schema", {}).get("description", ""),
            )
            for item in described.get("parameters", ())
        ),
    )
