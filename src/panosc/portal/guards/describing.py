"""What the guards and the common form of errors add to the description of the API.

Routes describe what they answer themselves. That a token was not good, that someone asks too
often or under a wrong name holds for all of them and is said here, once.
"""

from typing import Any

from fastapi import FastAPI

from panosc.portal import problems

Described = dict[str, Any]

PROBLEM: Described = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong, after RFC 9457.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "examples": ["/docs/errors/#not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong"},
        "instance": {"type": "string", "description": "The path that was asked for"},
        "hint": {"type": "string", "description": "What to do"},
        "field": {"type": "string", "description": "Which value is wrong"},
        "requestId": {"type": "string", "description": "What the request is called in the log"},
        "until": {"type": "string", "format": "date-time", "description": "End of the embargo"},
    },
}
SECURITY: Described = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of this node, made at /account/tokens or by a device login, or an "
        "access token of a provider that the node trusts.",
    },
}
EVERYWHERE = {
    401: "The token in the header is not good.",
    403: "The caller may not, the link is over, or a form does not come from a page of this node.",
    421: "The request came under a name that is not one of this node.",
    422: "A value cannot be used.",
    429: "Too many requests, or the budget of the day is used up.",
    503: "Busy, or a part of the node is away; worth trying again.",
}
CHANGING = {
    400: "The body cannot be read.",
    413: "The body is too large.",
}
NAMED = {404: "There is none, or none that the caller may know of."}
OF_RECORDS = {410: "It was here, and has been erased or withdrawn."}
_OURS = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI, base_url: str | None = None) -> None:
    """Let the description of `app` say it, and where the node is for the outside."""
    plain = app.openapi

    def openapi() -> Described:
        document = plain()
        if "x-errors" not in document.get("info", {}):
            describe(document)
        if base_url is not None:
            document["servers"] = [{"url": base_url.rstrip("/")}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def describe(document: Described) -> None:
    """Add to every operation what every operation may answer."""
    document["info"]["x-errors"] = "/docs/errors/"
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in _OURS:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    parts["securitySchemes"] = SECURITY
    document["security"] = [{}, {"bearer": []}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _add(operation, path, is_reading=method in {"get", "head"})


def _add(operation: Described, path: str, *, is_reading: bool) -> None:
    responses: dict[str, Described] = operation["responses"]
    said = EVERYWHERE if is_reading else EVERYWHERE | CHANGING
    if "{" in path:
        said = said | NAMED
    if "{pid" in path:
        said = said | OF_RECORDS
    for common, text in said.items():
        found = responses.setdefault(str(common), {"description": text})
        if "HTTPValidationError" in str(found.get("content")):
            responses[str(common)] = {"description": text}
    for status, response in responses.items():
        if status.startswith("3"):
            # it leads elsewhere and has no body
            response.pop("content", None)
        elif status.startswith(("4", "5")):
            content = response.setdefault("content", {})
            content.setdefault(
                problems.MEDIA_TYPE, {"schema": {"$ref": "#/components/schemas/Problem"}}
            )
            if not path.startswith(problems.MACHINES):
                content.setdefault("text/html", {"schema": {"type": "string"}})
