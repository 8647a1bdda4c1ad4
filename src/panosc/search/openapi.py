"""What the API description says of the search API: schemas from the data model, examples."""

from typing import Any

from panosc.domain.entities import MODEL_BY_NAME, Model

Described = dict[str, Any]

FILTER = (
    "A LoopBack filter as a JSON object: `where` (operators eq, neq, gt, gte, lt, lte, between, "
    "inq, nin, like, nlike, ilike, nilike, regexp; `and`, `or`; `text` for a literal piece of "
    "text anywhere), `include` (relations; one with a `where` in its `scope` is a condition too, "
    "at any depth), `order`, `limit`, `skip`, `fields`, `query` (ranked words). A parameter's "
    "`unit` converts the values beside it; a technique's name or identifier means its narrower "
    'ones in PaNET as well. Beyond the standard, `where` takes `{"not": {…}}`, which is true of '
    "records that the condition is not true of, and a relation by its name, "
    '`{"techniques": {…}}`, which is true of records with such a related one and returns nothing '
    "of it; `not` stands outside of relations."
)
WHERE = "The `where` of a filter, as a JSON object."
PROVIDERS = (
    "Which catalogues are asked, where this node asks others too: names as `/api/v1/federation/"
    "providers` lists them, separated by commas; `local` is this node. Without it all are."
)
EXAMPLES: dict[str, Described] = {
    "text": {"summary": "Title has copper", "value": '{"where":{"title":{"ilike":"copper"}}}'},
    "technique": {
        "summary": "Small angle scattering and what is narrower",
        "value": '{"include":[{"relation":"techniques","scope":{"where":'
        '{"name":"small angle scattering"}}}],"limit":10}',
    },
    "parameter": {
        "summary": "Photon energy from 0.88 to 0.99 keV, whatever unit it was stored in",
        "value": '{"include":[{"relation":"parameters","scope":{"where":{"and":['
        '{"name":"photon_energy"},{"value":{"between":[0.88,0.99]}},{"unit":"keV"}]}}}]}',
    },
    "not": {
        "summary": "Raw data by anything but x-ray diffraction (an extension of ours)",
        "value": '{"where":{"kind":"raw","not":{"techniques":{"name":"x-ray diffraction"}}}}',
    },
    "page": {
        "summary": "The second page, newest first",
        "value": '{"order":"creationDate DESC","skip":25,"limit":25}',
    },
}
WHERE_EXAMPLES: dict[str, Described] = {
    "public": {"summary": "Open to anyone", "value": '{"isPublic":true}'},
    "title": {"summary": "Title has copper", "value": '{"title":{"ilike":"copper"}}'},
}

_TYPES: dict[str, Described] = {
    "text": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "time": {"type": "string", "format": "date-time", "examples": ["2020-05-05T15:01:02.341Z"]},
    "list": {"type": "array", "items": {"type": "string"}},
    "scalar": {"type": ["number", "string"]},
}
_PROBLEM: Described = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong"},
        "field": {"type": "string", "examples": ["where.and[1].title"]},
        "hint": {"type": "string", "description": "What to do"},
        "error": {
            "type": "object",
            "properties": {
                "statusCode": {"type": "integer"},
                "name": {"type": "string"},
                "message": {"type": "string"},
            },
        },
    },
}
_TOTAL = {
    "X-Total-Count": {
        "description": "How many records fit, whatever limit and skip",
        "schema": {"type": "integer"},
    }
}


def record(model: Model, *, depth: int = 1) -> Described:
    """Return the schema of a record; its relations are there when they are included."""
    properties = {item.name: _TYPES[item.kind] for item in model.properties if item.standard}
    if model.key == "pid":
        properties["score"] = {"type": "number", "description": "From 0 to 1; 0 without a query"}
    for relation in model.relations if depth else ():
        target = record(MODEL_BY_NAME[relation.target], depth=depth - 1)
        one = relation.kind == "one"
        properties[relation.name] = target if one else {"type": "array", "items": target}
    return {"type": "object", "title": model.name, "properties": properties}


def answers(
    schema: Described, what: str, *, counted: bool = False, named: bool = False
) -> dict[int | str, Described]:
    """Return the documented responses of a route.

    Parameters
    ----------
    schema : dict
        Of the answer.
    what : str
        What the answer is, in a sentence.
    counted : bool
        Whether the total comes in a header.
    named : bool
        Whether the path names a record, which may not be there.
    """
    found: dict[int | str, Described] = {
        200: {"description": what, "content": {"application/json": {"schema": schema}}},
        400: _problem("The filter cannot be used; `field` says where."),
    }
    if counted:
        found[200]["headers"] = _TOTAL
    if named:
        found[404] = _problem("There is no such record.")
        found[410] = _problem("The record has been erased.")
    return found


def _problem(what: str) -> Described:
    return {"description": what, "content": {"application/problem+json": {"schema": _PROBLEM}}}
