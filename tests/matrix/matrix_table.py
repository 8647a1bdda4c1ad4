"""The access table: what every route answers to every person in every state.

Written by hand from the contract (two levels, five states), the data policy and the roles of
people; never from the code. The tables of statuses are `matrix_expected`.
"""

import matrix_data
import matrix_downloads
import matrix_expected as expected
import matrix_fair
import matrix_federation
import matrix_landing
import matrix_oai
import matrix_publication_rdf
import matrix_publish
import matrix_restoring
from matrix_catalogue import D22, OTHERS, PAID, TEAM
from matrix_rules import FORM, NDJSON, Rule

DATASET = {"of": "Dataset"}
PAGE = {"is_page": True}
REASON = {"body": '{"reason": "It has to be."}'}
EDIT_FORM = "field=license&value=CC0"
NO_RUN = {"*": {"number": "999"}}
EDIT = '"operations": [{"op": "SetField", "field": "license", "value": "CC0"}]'
REASON_FORM = {"body": "reason=It+has+to+be.", "kind": FORM, "is_page": True}

TABLE: dict[str, Rule] = {
    # the search API
    "GET /panosc-api/Datasets": Rule(**expected.ANYONE, lists="Dataset"),
    "GET /panosc-api/Datasets/count": Rule(**expected.ANYONE),
    "GET /panosc-api/Documents": Rule(**expected.ANYONE, lists="Document"),
    "GET /panosc-api/Documents/count": Rule(**expected.ANYONE),
    "GET /panosc-api/Instruments": Rule(**expected.ANYONE),
    "GET /panosc-api/Instruments/count": Rule(**expected.ANYONE),
    "GET /panosc-api/Datasets/{pid}": Rule(
        **expected.CORE,
        **DATASET,
        query='filter={"include":[{"relation":"samples"},{"relation":"parameters"},'
        '{"relation":"files"},{"relation":"members","scope":{"include":[{"relation":"person"}]}},'
        '{"relation":"documents"},{"relation":"instrument"},{"relation":"techniques"}]}',
        tells={
            "core": ("title", "author"),
            "detail": ("sample", "material", "parameter", "value", "remark", "file", "size"),
        },
    ),
    "GET /panosc-api/Datasets/{pid}/files": Rule(
        **expected.CORE, **DATASET, tells={"detail": ("file", "size")}
    ),
    "GET /panosc-api/Datasets/{pid}/files/count": Rule(**expected.CORE, **DATASET),
    "GET /panosc-api/Documents/{pid}": Rule(
        **expected.DOCUMENT_CORE,
        of="Document",
        query='filter={"include":[{"relation":"parameters"},{"relation":"datasets"},'
        '{"relation":"members","scope":{"include":[{"relation":"person"}]}}]}',
        tells={"core": ("title", "text", "author"), "detail": ("parameter", "value", "remark")},
    ),
    "GET /panosc-api/Instruments/{pid}": Rule(
        **expected.ONE_OR_NONE,
        params=expected.INSTRUMENTS,
        query='filter={"include":[{"relation":"datasets"}]}',
    ),
    # pages on records
    "GET /": Rule(**expected.ANYONE, **PAGE),
    "GET /search": Rule(**expected.ANYONE, **PAGE, query=f"instrument={D22}", lists="Dataset"),
    "GET /search/help": Rule(**expected.ANYONE, **PAGE),
    "GET /suggest": Rule(**expected.ANYONE, query="prefix=instrument:"),
    "GET /search.json": Rule(**expected.ANYONE, query=f"instrument={D22}", lists="Dataset"),
    "GET /search.csv": Rule(**expected.ANYONE, query=f"instrument={D22}", lists="Dataset"),
    "GET /search.bib": Rule(**expected.ANYONE, query=f"instrument={D22}", lists="Dataset"),
    "GET /search.atom": Rule(**expected.ANYONE, query=f"instrument={D22}", lists="Dataset"),
    "GET /datasets/{pid}/-/metadata": Rule(
        **expected.DETAIL_PAGE, **DATASET, **PAGE, tells={"detail": ("parameter", "remark", "path")}
    ),
    "GET /datasets/{pid}/-/files": Rule(
        **expected.DETAIL_PAGE, **DATASET, **PAGE, tells={"detail": ("file", "sha256", "format")}
    ),
    "GET /datasets/{pid}/-/thumbnail": Rule(
        **expected.DETAIL_PAGE,
        **DATASET,
        query="form=svg",
        tells={"detail": ("signal",)},
        is_public_when_open=True,
    ),
    "GET /datasets/{pid}/-/view": Rule(
        **matrix_restoring.READING,
        **DATASET,
        **PAGE,
        query="path=/entry/marks",
        tells={"core": ("title",), "detail": ("file", "remark", "value")},
    ),
    "GET /datasets/{pid}/-/access": Rule(
        **expected.CORE, **DATASET, **PAGE, tells={"core": ("title",)}
    ),
    "GET /instruments": Rule(**expected.ANYONE, **PAGE),
    "GET /instruments/{pid}": Rule(**expected.ONE_OR_NONE, **PAGE, params=expected.INSTRUMENTS),
    "GET /techniques": Rule(**expected.ANYONE, **PAGE),
    "GET /techniques/{name}": Rule(
        **expected.ONE_OR_NONE,
        **PAGE,
        params={"one": {"name": "PaNET01189"}, "none": {"name": "PaNET99999"}},
    ),
    "GET /api/v1/datasets/{pid}/access": Rule(
        **expected.CORE, **DATASET, tells={"core": ("title",)}
    ),
    # acts, for programs and by forms
    "GET /api/v1/datasets/{pid}/shares": Rule(**expected.IN_CHARGE, **DATASET),
    "POST /api/v1/datasets/{pid}/shares": Rule(
        **expected.share(201), **DATASET, body='{"kind": "group", "name": "P-2"}'
    ),
    "DELETE /api/v1/datasets/{pid}/shares/{share}": Rule(
        **expected.take_back_share(204), **DATASET, params={"*": {"share": "share-{key}"}}
    ),
    "POST /api/v1/datasets/{pid}/release": Rule(**expected.release(200), **DATASET, **REASON),
    "POST /api/v1/datasets/{pid}/withdraw": Rule(**expected.withdraw(200), **DATASET, **REASON),
    "POST /api/v1/datasets/{pid}/restore": Rule(**expected.restore(200), **DATASET, **REASON),
    "POST /api/v1/datasets/{pid}/erase": Rule(**expected.erase(202), **DATASET, **REASON),
    "POST /datasets/{pid}/-/access/request": Rule(
        **expected.ask_access(303), **DATASET, **PAGE, body="text=Please.", kind=FORM
    ),
    "POST /datasets/{pid}/-/access/share": Rule(
        **expected.share(303), **DATASET, **PAGE, body="kind=group&name=P-2&until=&note=", kind=FORM
    ),
    "POST /datasets/{pid}/-/access/shares/{share}/take-back": Rule(
        **expected.take_back_share(303), **DATASET, **PAGE, params={"*": {"share": "share-{key}"}}
    ),
    "POST /datasets/{pid}/-/access/release": Rule(
        **expected.release(303), **DATASET, **PAGE, body="reason=&sure=1", kind=FORM
    ),
    "POST /datasets/{pid}/-/access/extend": Rule(
        **expected.extend(303), **DATASET, **PAGE, body="years=1&text=Please.", kind=FORM
    ),
    "POST /datasets/{pid}/-/access/withdraw": Rule(
        **expected.withdraw(303), **DATASET, **REASON_FORM
    ),
    "POST /datasets/{pid}/-/access/restore": Rule(
        **expected.restore(303), **DATASET, **REASON_FORM
    ),
    "POST /datasets/{pid}/-/access/erase": Rule(**expected.erase(303), **DATASET, **REASON_FORM),
    **matrix_data.TABLE,
    **matrix_downloads.TABLE,
    **matrix_fair.TABLE,
    **matrix_landing.TABLE,
    **matrix_oai.TABLE,
    **matrix_publication_rdf.TABLE,
    **matrix_federation.TABLE,
    **matrix_restoring.TABLE,
    **matrix_publish.TABLE,
    # requests
    "GET /api/v1/requests": Rule(**expected.REQUESTS),
    "POST /api/v1/requests": Rule(
        **expected.ask_access(201),
        **DATASET,
        body='{"kind": "access", "pid": "{pid}", "text": "Please."}',
    ),
    "POST /api/v1/requests/{number}/answer": Rule(
        **expected.answer(204), params=expected.NUMBERS, body='{"granted": false, "words": "No."}'
    ),
    "DELETE /api/v1/requests/{number}": Rule(
        **expected.take_back_request(204), params=expected.NUMBERS
    ),
    "GET /requests": Rule(**expected.REQUESTS, **PAGE),
    "POST /requests/{number}/answer": Rule(
        **expected.answer(303),
        **PAGE,
        params=expected.NUMBERS,
        body="answer=refuse&words=No.",
        kind=FORM,
    ),
    "POST /requests/{number}/take-back": Rule(
        **expected.take_back_request(303), **PAGE, params=expected.NUMBERS
    ),
    # the audit trail
    "GET /api/v1/audit": Rule(**expected.WATCHED, names_pids=expected.PEOPLE_KNOWING_NO_DATA),
    "GET /audit": Rule(**expected.WATCHED, **PAGE, names_pids=expected.PEOPLE_KNOWING_NO_DATA),
    # shares by a link
    "GET /share/{secret}": Rule(**expected.FOLLOWED, **PAGE, params=expected.SHARED),
    # oneself
    "GET /api/v1/me": Rule(**expected.READING),
    "GET /api/v1/tokens": Rule(**expected.READING),
    "DELETE /api/v1/tokens/{id}": Rule(**expected.REVOKED, params=expected.MEMBERS_TOKEN),
    "POST /api/v1/links": Rule(
        **expected.LINKED, body='{"path": "/panosc-api/Datasets/10.5072/closed-said"}'
    ),
    "GET /account/tokens": Rule(**expected.OWN_PAGE, **PAGE),
    "POST /account/tokens": Rule(
        **expected.MADE_ON_PAGE, **PAGE, body="name=script&days=3&scope=read", kind=FORM
    ),
    "POST /account/tokens/{id}/revoke": Rule(
        **expected.REVOKED_ON_PAGE, **PAGE, params=expected.MEMBERS_TOKEN
    ),
    "GET /api/v1/searches": Rule(**expected.READING),
    "POST /api/v1/searches": Rule(
        **expected.SEARCH_KEPT, body='{"name": "New", "params": "q=water&technique=SANS"}'
    ),
    "DELETE /api/v1/searches/{number}": Rule(**expected.REVOKED, params=expected.MEMBERS_SEARCH),
    "GET /account/searches": Rule(**expected.OWN_PAGE, **PAGE),
    "POST /account/searches": Rule(
        **expected.MADE_ON_PAGE, **PAGE, body="name=New&params=q%3Dwater", kind=FORM
    ),
    "POST /account/searches/{number}/rename": Rule(
        **expected.REVOKED_ON_PAGE,
        **PAGE,
        params=expected.MEMBERS_SEARCH,
        body="name=Newer",
        kind=FORM,
    ),
    "POST /account/searches/{number}/open": Rule(
        **expected.REVOKED_ON_PAGE, **PAGE, params=expected.MEMBERS_SEARCH
    ),
    "POST /account/searches/{number}/delete": Rule(
        **expected.REVOKED_ON_PAGE, **PAGE, params=expected.MEMBERS_SEARCH
    ),
    "GET /my": Rule(**expected.MINE, **PAGE),
    "GET /my/{group}": Rule(
        **expected.MY_EXPERIMENT,
        **PAGE,
        params={
            "mine": {"group": TEAM},
            "paid": {"group": PAID},
            "theirs": {"group": OTHERS},
            "none": {"group": "P-9"},
        },
    ),
    "GET /account": Rule(**expected.OWN_ACCOUNT, **PAGE),
    "GET /account/export.json": Rule(**expected.OWN_ACCOUNT),
    "GET /account/terms": Rule(**expected.ANYONE, **PAGE),
    "POST /account/terms": Rule(
        **expected.CHANGED, **PAGE, body="version=1&agree=yes&back=", kind=FORM
    ),
    "POST /account/sessions/end": Rule(**expected.CHANGED, **PAGE, body="handle=others", kind=FORM),
    "POST /account/unlink": Rule(
        **expected.NO_IDENTITY, **PAGE, body="iss=none&sub=none", kind=FORM
    ),
    "GET /account/erase": Rule(**expected.OWN_ACCOUNT, **PAGE),
    "POST /account/erase": Rule(**expected.CHANGED, **PAGE, body="word=erase", kind=FORM),
    "GET /account/erased": Rule(**expected.ANYONE, **PAGE),
    "GET /device": Rule(**expected.OWN_PAGE, **PAGE),
    "POST /device": Rule(
        **expected.UNKNOWN_CODE,
        **PAGE,
        body="user_code=BCDF-GHJK&answer=approved",
        kind=FORM,
        is_noted=True,
    ),
    # administration
    "GET /api/v1/services": Rule(**expected.ADMINISTERED),
    "POST /api/v1/services": Rule(
        **expected.SERVICE_ADDED, body='{"name": "new", "instrument": "10.5072/d22"}'
    ),
    "POST /api/v1/services/{account}/tokens": Rule(
        **expected.SERVICE_TOKEN,
        params=expected.SERVICES,
        body='{"name": "new", "scopes": ["read"], "days": 3}',
    ),
    "PUT /api/v1/services/{account}/lock": Rule(**expected.LOCKED, params=expected.SERVICES),
    "DELETE /api/v1/services/{account}/lock": Rule(**expected.LOCKED, params=expected.SERVICES),
    "POST /api/v1/groups": Rule(
        **expected.ADMINISTERED, body='{"name": "P-3", "title": "New"}', kind=NDJSON
    ),
    "PUT /api/v1/groups/{name}": Rule(
        **expected.ADMINISTERED,
        params={"*": {"name": "P-3"}},
        body='{"title": "New", "members": []}',
    ),
    # programs of devices: they name no person
    "POST /oauth/device": Rule(
        **expected.ANYONE, body="client_id=script&scope=read", kind=FORM, is_for_anyone=True
    ),
    "POST /oauth/token": Rule(
        **expected.REFUSED, body="grant_type=password&client_id=x", kind=FORM, is_for_anyone=True
    ),
    "POST /oauth/revoke": Rule(
        **expected.ANYONE, body="token=ps_pat_0.nothing", kind=FORM, is_for_anyone=True
    ),
    "GET /.well-known/oauth-authorization-server": Rule(**expected.ANYONE, is_for_anyone=True),
    # signing in and out
    "GET /login": Rule(**expected.ANYONE, **PAGE, query="back=/datasets/10.5072/closed-said"),
    "GET /login/{provider}": Rule(**expected.PROVIDER_AWAY, **PAGE, params=expected.PROVIDERS),
    "GET /auth/callback/{provider}": Rule(
        **expected.CALLED_BACK, **PAGE, params=expected.PROVIDERS
    ),
    "GET /logout": Rule(**expected.ANYONE, **PAGE),
    "POST /logout": Rule(**expected.GONE_ON, **PAGE, body="", kind=FORM),
    "POST /auth/backchannel": Rule(**expected.REFUSED, body="logout_token=none", kind=FORM),
    "GET /account/link/{provider}": Rule(**expected.LINKING, **PAGE, params=expected.PROVIDERS),
    "POST /account/link/{provider}": Rule(
        **expected.LINKING, **PAGE, params=expected.PROVIDERS, body="", kind=FORM
    ),
    # watching
    # runs and edits
    "GET /api/v1/datasets/{pid}/history": Rule(**expected.DETAIL_PAGE, **DATASET),
    "GET /api/v1/ingest/runs": Rule(**expected.STEWARDED),
    "GET /api/v1/ingest/runs/{number}": Rule(**expected.STEWARDED_NONE, params=NO_RUN),
    "POST /api/v1/ingest/runs/{number}/undo": Rule(
        **expected.STEWARDED_NONE, params=NO_RUN, **REASON
    ),
    "GET /api/v1/ingest/quarantine": Rule(**expected.STEWARDED),
    "POST /api/v1/ingest/quarantine/retry": Rule(**expected.STEWARDED, body='{"urls": []}'),
    "POST /api/v1/ingest/edits/preview": Rule(
        **expected.STEWARDED, body=f'{{"pids": ["10.5072/closed-said"], {EDIT}}}'
    ),
    "POST /api/v1/ingest/edits": Rule(
        **expected.STEWARDED_STALE,
        body=f'{{"pids": ["10.5072/closed-said"], {EDIT}, "reason": "So.", "token": "none"}}',
    ),
    # the same on pages
    "GET /ingest": Rule(**expected.STEWARDED, **PAGE),
    "GET /ingest/runs/{number}": Rule(**expected.STEWARDED_NONE, **PAGE, params=NO_RUN),
    "GET /ingest/runs/{number}/undo": Rule(**expected.STEWARDED_NONE, **PAGE, params=NO_RUN),
    "POST /ingest/runs/{number}/undo": Rule(
        **expected.STEWARDED_NONE, params=NO_RUN, **REASON_FORM
    ),
    "GET /ingest/quarantine": Rule(**expected.STEWARDED, **PAGE),
    "GET /ingest/tape": Rule(**expected.STEWARDED, **PAGE),
    "POST /ingest/quarantine/retry": Rule(
        **expected.STEWARDED_REFUSED, **PAGE, body="which=chosen", kind=FORM
    ),
    "POST /ingest/announcements/retry": Rule(
        **expected.STEWARDED_NONE, **PAGE, body="id=none", kind=FORM
    ),
    "GET /ingest/edit": Rule(**expected.STEWARDED, **PAGE),
    "POST /ingest/edit": Rule(
        **expected.STEWARDED, **PAGE, body=f"pids=10.5072/closed-said&{EDIT_FORM}", kind=FORM
    ),
    "POST /ingest/edit/apply": Rule(
        **expected.STEWARDED_STALE,
        **PAGE,
        body=f"pids=10.5072/closed-said&{EDIT_FORM}&reason=So.&token=none",
        kind=FORM,
    ),
    "GET /datasets/{pid}/-/edit": Rule(**expected.STEWARDED_PAGE, **DATASET, **PAGE),
    "POST /datasets/{pid}/-/edit": Rule(
        **expected.STEWARDED_FORM, **DATASET, **PAGE, body="reason=So.", kind=FORM
    ),
    "GET /datasets/{pid}/-/history": Rule(**expected.DETAIL_PAGE, **DATASET, **PAGE),
    "POST /api/v1/ingest": Rule(
        **expected.ANNOUNCED, body=f'{{"paths": ["/measured/run-1"], "instrument": "{D22}"}}'
    ),
    "GET /api/v1/ingest/{id}": Rule(**expected.ANNOUNCEMENT, params=expected.ANNOUNCEMENTS),
    "POST /api/v1/ingest/{id}/retry": Rule(
        **expected.ANNOUNCED_AGAIN, params=expected.ANNOUNCEMENTS
    ),
    "GET /api/v1/ingest/watchers": Rule(**expected.WATCHERS),
    "GET /api/v1/ingest/heartbeat": Rule(**expected.READING),
    "GET /-/metrics": Rule(**expected.WATCHED),
    "GET /-/health": Rule(**expected.ANYONE),
    "GET /-/ready": Rule(**expected.ANYONE),
    # the policy
    "GET /policy": Rule(**expected.ANYONE, **PAGE),
    "GET /policy/{name}.json": Rule(**expected.ONE_OR_NONE, params=expected.POLICIES),
    "GET /policy/{name}.yaml": Rule(**expected.ONE_OR_NONE, params=expected.POLICIES),
    "GET /api/v1/policy": Rule(**expected.ANYONE),
    # what is the same for all
    "GET /api": Rule(**expected.ANYONE, **PAGE),
    "GET /accessibility": Rule(**expected.ANYONE, **PAGE),
    "GET /privacy": Rule(**expected.ANYONE, **PAGE),
    "GET /credits": Rule(**expected.ANYONE, **PAGE),
    "GET /docs/errors/": Rule(**expected.ANYONE, **PAGE),
    "GET /-/patterns": Rule(**expected.ANYONE, **PAGE),
    "GET /settings": Rule(**expected.ANYONE, **PAGE),
    "POST /settings": Rule(**expected.GONE_ON, **PAGE, body="theme=dark&length=nm", kind=FORM),
    "GET /settings/theme": Rule(**expected.GONE_ON, **PAGE, query="set=dark&back=/search"),
    "GET /.well-known/security.txt": Rule(**expected.ANYONE, is_for_anyone=True),
    "GET /static/{given}/{path}": Rule(
        **expected.ONE_OR_NONE,
        params={
            "one": {"given": "x", "path": "panosc.css"},
            "none": {"given": "x", "path": "none.css"},
        },
        is_for_anyone=True,
    ),
}
"""Every route that the API document describes."""

HIDDEN = {
    "GET /api/openapi.json": "describes the others",
    "OPTIONS /panosc-api": "tells browsers that pages of any origin may read",
    "OPTIONS /panosc-api/{rest:path}": "the same beneath",
    "ANY /panosc-api": "is not found, by any method",
    "ANY /panosc-api/{rest:path}": "the same beneath",
}
"""Routes that the document leaves out, apart from HEAD and other spellings of those in it."""
