"""The page that looks into a file: the viewer, and beneath it the same as text for everyone.

Data come from the data service, which decides who may have them. What the file is, and why it
cannot be looked at, is said in words; the viewer itself is an island that asks by its own.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi import Query as FromQuery
from fastapi.responses import Response
from pydantic import BaseModel, Field

from panosc.data.questions import LONGEST_PATH
from panosc.domain.access import Who
from panosc.domain.errors import (
    Forbidden,
    Gone,
    NotFound,
    PanoscError,
    TooLarge,
    Unauthenticated,
    Unreadable,
)
from panosc.domain.pid import pid_path
from panosc.domain.query import Query
from panosc.files.tiers import NEARLINE, ONLINE
from panosc.portal import snippets
from panosc.portal.pages.data import entities, starting, windows
from panosc.portal.pages.data.contents import Contents
from panosc.portal.pages.landing.beneath import TABS
from panosc.portal.security import VIEWER_POLICY
from panosc.portal.site import Asker, Site, add_page, pages

Item = dict[str, Any]

MOST_FILES: Final = 500
"""Names that the list of files offers; others are reached from the page of files."""
MOST_SUMMED: Final = 4 * 1024 * 1024
"""Values of which the page itself asks the mean: more are left to whoever wants it."""
SUFFIXES: Final = (".h5", ".hdf5", ".hdf", ".he5", ".nxs", ".nx5", ".nexus", ".cxi", ".nx")
_RECORD: Final = frozenset({"pid", "title", "defaultPlot", "defaultFile"})
_ALSO: Final = {
    403: "The data are under embargo, or for others.",
    404: "There is no such dataset, file or path.",
    410: "The dataset was withdrawn or erased.",
    422: "The file cannot be looked at; the page says why.",
}


class Asked(BaseModel):
    """What the address says."""

    file: str | None = Field(default=None, max_length=LONGEST_PATH)
    path: str | None = Field(default=None, max_length=LONGEST_PATH)
    frame: str = Field(default="", max_length=200)
    row: int = Field(default=0, ge=0)
    col: int = Field(default=0, ge=0)


def router(site: Site) -> APIRouter:
    """Return the route of the viewer."""
    routes = pages()

    def view(
        request: Request, who: Asker, pid: str, asked: Annotated[Asked, FromQuery()]
    ) -> Response:
        content, status = _content(site, who, pid, asked)
        return site.render.page(
            request,
            "view",
            status=status,
            headers={"Content-Security-Policy": VIEWER_POLICY},
            tabs=TABS,
            data_url=f"{site.render.root}/datasets/{pid_path(pid)}/-/h5",
            snippet=snippets.part(
                site.render.address(request), pid, content["file"] or "", content["path"]
            ),
            **content,
        )

    add_page(
        routes,
        "/datasets/{pid:path}/-/view",
        view,
        summary="Look into a file of a dataset",
        also=_ALSO,
    )
    return routes


def _content(site: Site, who: Who, pid: str, asked: Asked) -> tuple[Item, int]:
    """Return what the page says, and its status."""
    record = site.record(who, Query(model="Dataset", fields=_RECORD), pid)
    name = str(record.get("title") or record["pid"])
    content: Item = {"pid": pid, "name": name, "file": asked.file, "path": asked.path or "/"}
    content |= {"entity": None, "problem": None, "files": [], "has_more": False}
    status = 200
    try:
        content |= _files(site, who, pid, asked.file or record.get("defaultFile"))
        content |= _found(site, who, record, content["file"], asked)
    except (Unauthenticated, Forbidden, Gone):
        raise
    except PanoscError as error:
        content["problem"], status = problem(error), error.status
        # the page is there, and says how things are
        if isinstance(error, NotFound) and not content["files"] and not asked.file:
            content["problem"], status = None, 200
        elif content["problem"]["reason"] == NEARLINE:
            status = 200
    place = content["path"] if content["path"] != "/" else "Contents"
    file = content["file"]
    return content | {"title": f"{place} in {file}" if file else f"View of {name}"}, status


def _files(site: Site, who: Who, pid: str, file: str | None) -> Item:
    """Return the names of the files that may be HDF5, the first ones, and which one is shown."""
    places = list(islice(site.data.admission.locate_all(who, pid), MOST_FILES + 1))
    names = [place.name for place in places[:MOST_FILES]]
    likely = [name for name in names if name.lower().endswith(SUFFIXES)] or names
    online = [place.name for place in places if place.tier == ONLINE and place.name in likely]
    file = file or next(iter(online or likely), None)
    shown = likely if file is None or file in likely else [file, *likely]
    return {
        "file": file,
        "files": shown,
        "has_more": len(names) > len(likely) or len(places) > len(names),
    }


def _found(site: Site, who: Who, record: Mapping[str, Any], file: str | None, asked: Asked) -> Item:
    """Return what is found in a file at the path that is asked for, or at a good one."""
    pid = record["pid"]
    here = f"{site.render.root}/datasets/{pid_path(pid)}/-/view"
    look = Contents(service=site.data, who=who, pid=pid, file=file)
    path = _path(asked, record, look)
    return {"path": path, "entity": _entity(look, path, asked, here)}


def _path(asked: Asked, record: Mapping[str, Any], look: Contents) -> str:
    """Return the path that is asked for, or else a good one to begin with."""
    if asked.path:
        return "/" + asked.path.strip("/")
    is_default = look.file == record.get("defaultFile") or not asked.file
    return starting.start(look, record.get("defaultPlot") if is_default else None)


def _entity(look: Contents, path: str, asked: Asked, here: str) -> Item:
    """Return what stands at a path, with its values or those that it is about."""
    meta = look.meta(path)
    attributes = _attributes(look, path, meta)
    kind = meta.get("kind")
    is_group = kind == "group"
    members = entities.members(meta, path) if is_group else []
    found: Item = {
        "kind": entities.kind(meta),
        "is_group": is_group,
        "crumbs": entities.crumbs(path),
        "members": members,
        "left_out": look.left_out(),
        "more_members": max(0, len(meta.get("children", ())) - len(members)),
        "attributes": entities.attributes(meta, attributes),
        "more_attributes": max(0, len(meta.get("attributes", ())) - entities.MOST_ATTRIBUTES),
        "target": [str(meta[key]) for key in ("target_file", "target_path") if key in meta],
        "array": None,
        "link": lambda there: f"{here}?{look.query(there)}#text",
    }
    signal = entities.signal(meta, attributes) if is_group else None
    if signal is not None:
        within = f"{path.rstrip('/')}/{signal}"
        found["array"] = _array(look, within, asked) | {"name": signal}
    elif kind == "dataset":
        found["array"] = _array(look, path, asked, meta) | {"name": None}
    if found["array"] is not None:
        found["array"]["steps"] = [
            (step.text, f"{here}?{look.query(path, **step.place)}#values")
            for step in found["array"]["steps"]
        ]
    return found


def _attributes(look: Contents, path: str, meta: Item) -> Item:
    return look.attributes(path) if meta.get("attributes") else {}


def _array(look: Contents, path: str, asked: Asked, meta: Item | None = None) -> Item:
    """Return all that is said of an array; reading values may fail, and is then explained."""
    meta = meta or look.meta(path)
    described, shape = meta.get("type"), meta.get("shape")
    shown = (
        None
        if shape is None
        else windows.window(shape, frame=asked.frame, row=asked.row, col=asked.col)
    )
    attributes = _attributes(look, path, meta)
    found: Item = {
        "path": path,
        "shape": entities.shape_words(shape),
        "type": entities.type_words(described),
        "unit": entities.units(attributes),
        "chunks": entities.shape_words(meta["chunks"]) if meta.get("chunks") else None,
        "filters": entities.filter_words(meta.get("filters")),
        "window": shown,
        "table": None,
        "stats": None,
        "no_stats": None,
        "problem": None,
        "steps": [],
        "exports": [],
    }
    if shown is None:
        return found
    found["steps"] = shown.steps()
    try:
        values = look.values(path, shown.selection)
        found["table"] = windows.table(shown, values, described)
        if entities.is_numeric(described) and shown.shape:
            found |= _stats(look, path, shown)
    except (Unauthenticated, Forbidden, Gone):
        raise
    except PanoscError as error:
        found["problem"] = problem(error)
    if found["problem"] is None or found["problem"]["is_large"]:
        found["exports"] = _exports(look, path, shown, meta)
    return found


def _stats(look: Contents, path: str, shown: windows.Window) -> Item:
    if shown.frame_items > MOST_SUMMED:
        return {"no_stats": "Not computed here, of so many values."}
    try:
        return {"stats": look.stats(path, shown.frame_selection)}
    except TooLarge as error:
        return {"no_stats": error.detail}


def _exports(look: Contents, path: str, shown: windows.Window, meta: Item) -> list[Item]:
    """Return the parts that can be fetched, each in its formats."""
    is_number = entities.is_numeric(meta.get("type"))
    parts = [("What is shown", shown.selection)]
    if shown.frame:
        parts.append(("The frame", shown.frame_selection))
    parts.append(("The whole array", ""))
    found = []
    for text, selection in parts:
        is_flat = len(shown.shape) <= 2 or bool(selection)  # noqa: PLR2004 - CSV has rows and columns
        forms = ["csv"] if is_number and shown.shape and is_flat else []
        forms += ["npy"] if is_number else []
        chosen = {"selection": selection} if selection else {}
        found.append(
            {
                "text": text,
                "forms": [
                    (form.upper(), look.query(path, **chosen, format=form))
                    for form in [*forms, "json"]
                ],
            }
        )
    return found


def problem(error: PanoscError) -> Item:
    """Return why something cannot be shown, with what can be done."""
    detail = error.detail.rstrip(".")
    return {
        "title": error.title,
        # what is said of a part of a file goes on after its name elsewhere
        "detail": f"{detail[:1].upper()}{detail[1:]}.",
        "hint": error.hint,
        "reason": error.reason if isinstance(error, Unreadable) else None,
        "is_large": isinstance(error, TooLarge),
        "is_lost": isinstance(error, NotFound),
    }
