"""Questions that could tell what is hidden: of every property, by every operator, at any depth."""

from collections.abc import Iterator
from urllib.parse import quote, urlencode

import matrix_catalogue as given
from matrix_cells import as_json

from panosc.domain.entities import EXPOSED, MODEL_BY_NAME, Model, Property

FIRST, SECOND = given.VARIANTS
TARGETS = [
    record
    for record in given.RECORDS
    if record.state not in {"open", "never"}
    and record.key in {"embargoed-said", "closed-said", "withdrawn-said", "document-embargoed"}
]
"""Records whose hidden words are asked for."""
DEPTH = 2


def filters() -> Iterator[str]:
    """Yield addresses of the search API with a filter on each property that can be reached."""
    number = 0
    for name, model in EXPOSED.items():
        for includes, prop in _reachable(MODEL_BY_NAME[model], DEPTH):
            asked = _conditions(prop)
            if len(includes) == DEPTH or (includes and model != "Dataset"):
                # further away one condition a property is enough, of each kind in turn
                number += 1
                asked = [asked[number % len(asked)]]
            elif includes:
                asked = asked[:2] + asked[3:4]
            for where in asked:
                yield f"/panosc-api/{name}?filter={as_json(_nested(includes, {'where': where}))}"
            if not includes:
                order = {"order": f"{prop.name} {'ASC' if number % 2 else 'DESC'}"}
                yield f"/panosc-api/{name}?filter={as_json(order)}"
                page = {**order, "limit": 2, "skip": 1}
                yield f"/panosc-api/{name}?filter={as_json(page)}"
                number += 1
                where = asked[number % len(asked)]
                yield f"/panosc-api/{name}/count?where={as_json(where)}"


def _reachable(
    model: Model, depth: int, includes: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Property]]:
    for prop in model.properties:
        yield includes, prop
    if depth == 0:
        return
    for relation in model.relations:
        target = MODEL_BY_NAME[relation.target]
        if depth == 1 and target.name in _PUBLIC:
            continue
        yield from _reachable(target, depth - 1, (*includes, relation.name))


_PUBLIC = {"Affiliation", "Instrument"}
"""Models of which nothing can be hidden: not asked for at the end of a way."""


def _nested(includes: tuple[str, ...], scope: dict[str, object]) -> dict[str, object]:
    for relation in reversed(includes):
        scope = {"include": [{"relation": relation, "scope": scope}]}
    return scope


def _conditions(prop: Property) -> list[dict[str, object]]:
    """Return what is asked of one property: hidden values, ranges, patterns, and denials."""
    name = prop.name
    if prop.kind == "time":
        return [{name: {"gt": "2025-05-03T00:00:00Z"}}, {name: {"eq": None}}]
    if prop.kind == "boolean":
        return [{name: True}, {name: {"neq": True}}]
    if prop.kind == "integer":
        size = given.number(FIRST, "embargoed-said", "size")
        return [{name: size}, {name: {"between": [0, 4_000_000]}}, {name: {"neq": size}}]
    if prop.kind == "scalar":
        value = given.number(FIRST, "embargoed-said", "value")
        return [
            {name: value},
            {"and": [{"name": given.TEMPERATURE}, {name: {"lt": 150}}, {"unit": "K"}]},
            {name: {"gt": 1_000_000}},
            {name: {"neq": value}},
            {name: {"like": f"%{given.word(FIRST, 'embargoed-said', 'remark')}%"}},
        ]
    hidden = _hidden(name)
    return [
        {name: hidden},
        {name: {"neq": hidden}},
        {name: {"like": f"%{hidden[:9]}%"}},
        {name: {"regexp": "zq.*[a-m]$"}},
        {name: {"gt": "zqm"}},
    ]


_WORDS = {"description": "material", "name": "sample", "unit": "K", "sha256": "sha256"}


def _hidden(name: str) -> str:
    detail = given.BY_KEY["embargoed-said"].detail(FIRST)
    return detail.get(_WORDS.get(name, name), detail["parameter"])


def searches() -> list[str]:
    """Return addresses that ask for each hidden word in every other way."""
    found = [
        "/",
        "/search",
        "/search?page=2",
        "/instruments",
        "/techniques",
        "/panosc-api/Datasets",
    ]
    for record in TARGETS:
        words = record.detail(FIRST) | (record.core(FIRST) if record.state == "closed" else {})
        for kind, word in words.items():
            found += [
                f"/search?q={word}",
                f"/panosc-api/{record.model}s?filter={as_json({'where': {'text': word}})}",
            ]
            if kind in {"parameter", "value"}:
                found.append(f"/search?{urlencode({words['parameter']: words['value']})}")
            if kind == "remark":
                found.append(f"/search?{urlencode({'remark': word})}")
    for low, high in ((0, 150), (150, 1000), (151, 153)):
        found.append(f"/search?{urlencode({given.TEMPERATURE: f'{low}..{high} K'})}")
        found.append(
            f"/search?{urlencode({given.TEMPERATURE: f'{low}..{high} K', 'sort': 'size'})}"
        )
    for name in ("created", "-created", "title", "-title", "size", "-size", "released", "pid"):
        found.append(f"/search?sort={name}")
    for state in ("open", "embargoed", "closed", "withdrawn"):
        found += [f"/search?access={state}", f"/search?access={state}&instrument={given.D22}"]
    found.append("/search?kind=raw&year=2025&technique=PaNET01189")
    return [*found, *_by_the_index()]


def _by_the_index() -> Iterator[str]:
    """Yield what only an index answers: exports by words, slips, and what may be typed next."""
    for record in TARGETS:
        words = record.detail(FIRST) | (record.core(FIRST) if record.state == "closed" else {})
        for number, word in enumerate(words.values()):
            kind = ("json", "csv", "bib", "atom")[number % 4]
            yield f"/search.{kind}?q={word}"
            # one letter less is a slip; with another word it is one of several
            yield f"/search?q={word[:-1]}"
            yield f"/search?{urlencode({'q': f'powder OR {word}'})}"
            yield f"/search?{urlencode({'q': f'powder -{word}'})}"
            # all hidden words begin alike
            yield f"/suggest?prefix={word[:2]}"
            yield from (f"/suggest?prefix={word[:size]}" for size in (1, 3, 8))
    for field in ("", "title:", "sample:", "author:", "instrument:", "technique:", "year:", "pid:"):
        yield from (f"/suggest?prefix={field}{begun}" for begun in ("", "z", "zq", "p", "2"))


def mistakes() -> list[str]:
    """Return addresses whose answers are messages on what is wrong, with hidden words in them."""
    detail = given.BY_KEY["embargoed-said"].detail(FIRST)
    wrong = [
        {"where": {"remark": detail["remark"]}},
        {"where": {"sampleName": {"like": detail["sample"]}}},
        {"include": [{"relation": "locations", "scope": {"where": {"name": "x"}}}]},
        {"order": f"{detail['parameter']} ASC"},
        {"where": {"title": {"regexp": "(((("}}},
        {"include": [{"relation": "parameters", "scope": {"where": {"value": {"gt": {}}}}}]},
        {"where": {"owner_group": given.PAID}},
        {"limit": -1},
    ]
    found = [f"/panosc-api/Datasets?filter={as_json(item)}" for item in wrong]
    misspelt = detail["parameter"][:-1]
    return [
        *found,
        f"/search?{misspelt}=1..2",
        f"/search?{given.TEMPERATURE}=1..2 furlong".replace(" ", "%20"),
        "/search?sort=sample",
        f"/datasets/{given.PREFIX}/embargoed-said/-/export/{detail['format']}",
        f"/datasets/{given.PREFIX}/embargoed-said/-/files?page=2",
    ]


def about(pid: str) -> list[str]:
    """Return addresses that name a PID other than in the path of its own routes."""
    both = quote(pid, safe="")
    by_pid = {"where": {"pid": pid}}
    through = {"include": [{"relation": "datasets", "scope": by_pid}]}
    newer = {"where": {"isNewVersionOf": pid}}
    return [
        f"/search?q={both}",
        f"/login?back=/datasets/{pid}",
        f"/panosc-api/Datasets?filter={as_json(by_pid)}",
        f"/panosc-api/Datasets/count?where={as_json({'pid': pid})}",
        f"/panosc-api/Datasets/count?where={as_json({'pid': {'like': pid[:-1]}})}",
        f"/panosc-api/Documents?filter={as_json(through)}",
        f"/panosc-api/Instruments?filter={as_json(through)}",
        f"/panosc-api/Datasets?filter={as_json(newer)}",
        f"/-/nowhere/{pid}",
        f"/datasets/{pid}/-/nowhere",
        f"/datasets/{pid}/-/view",
        f"/datasets/{pid}/-/thumbnail",
        f"/api/v1/datasets/{pid}",
        f"/oai?verb=GetRecord&identifier={both}",
    ]
