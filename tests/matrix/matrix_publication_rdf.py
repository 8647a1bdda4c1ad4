"""The access table of what is said of the node as a whole, and of links between records."""

import matrix_expected as expected
from matrix_rules import FORM, Rule, statuses

DATASET = {"of": "Dataset"}
DOCUMENT = {"of": "Document"}
PAGE = {"is_page": True}
TYPED = {"body": "relation=Cites&identifier=10.5555/paper&kind=&title=", "kind": FORM}
NO_LINK = {"params": {"*": {"number": "999999"}}, "body": "", "kind": FORM}


def linking(done: int) -> dict[str, object]:
    """The principal investigator and stewards say what a dataset is linked with."""
    return expected.act(done, "pi steward: done done done done done 410 404")


def linking_document(done: int) -> dict[str, object]:
    """The same of a document, which is its group's alone."""
    return statuses(f"""
                open embargoed closed withdrawn erased never
    outsiders:  403  403       404    403       410    404
    given:      403  403       404    403       410    404
    scientist:  403  403       404    403       410    404
    member contact token_read: 403 403 403 403 410 404
    pi steward: {done} {done} {done} {done} 410 404
    nobody:     401  401       401    401       401    401
    """)


SAME = {"is_for_anyone": True}

TABLE: dict[str, Rule] = {
    "GET /about": Rule(**expected.ANYONE, **PAGE),
    "GET /about/re3data.xml": Rule(**expected.ANYONE, **SAME),
    "GET /api/v1/eosc": Rule(**expected.ANYONE, **SAME),
    "GET /.well-known/api-catalog": Rule(**expected.ANYONE, **SAME),
    "GET /.well-known/void": Rule(**expected.ANYONE, **SAME),
    "GET /robots.txt": Rule(**expected.ANYONE, **SAME),
    "GET /sitemap.xml": Rule(**expected.ANYONE, **SAME),
    "GET /sitemap/{name}.xml": Rule(
        **expected.ONE_OR_NONE,
        **SAME,
        params={"one": {"name": "datasets-1-0"}, "none": {"name": "datasets-1-1"}},
    ),
    "GET /dcat": Rule(**expected.ANYONE, **SAME),
    "GET /datasets/{pid}/-/links": Rule(
        **expected.CORE,
        **DATASET,
        **PAGE,
        tells={"core": ("title", "author"), "detail": ("sample",)},
    ),
    "POST /datasets/{pid}/-/links": Rule(**linking(303), **DATASET, **PAGE, **TYPED),
    "POST /datasets/{pid}/-/links/{number}/remove": Rule(
        **linking(404), **DATASET, **PAGE, **NO_LINK
    ),
    "GET /documents/{pid}/-/links": Rule(
        **expected.DOCUMENT_CORE, **DOCUMENT, **PAGE, tells={"core": ("title", "author")}
    ),
    "POST /documents/{pid}/-/links": Rule(**linking_document(303), **DOCUMENT, **PAGE, **TYPED),
    "POST /documents/{pid}/-/links/{number}/remove": Rule(
        **linking_document(404), **DOCUMENT, **PAGE, **NO_LINK
    ),
}
