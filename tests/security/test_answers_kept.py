"""Headers of every answer: what a browser may do with it, and who may keep it."""

import pytest
import security_node as given

OPEN_PATHS = [
    "/",
    "/search",
    "/accessibility",
    "/panosc-api/Datasets",
    "/panosc-api/Datasets/count",
]


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_an_answer_to_a_person_is_kept_by_nobody_else(node, path):
    answer = node.get(path, headers=node.cookie("pi"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"].startswith("private, no-")
    assert {"Cookie", "Authorization"} <= {
        item.strip() for item in answer.headers["vary"].split(",")
    }


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_an_answer_to_anyone_is_asked_for_again(node, path):
    answer = node.get(path)
    assert answer.headers["cache-control"] == "no-cache"
    named = [item.strip() for item in answer.headers["vary"].split(",")]
    assert {"Cookie", "Authorization"} <= set(named)
    assert len(named) == len(set(named))


def test_a_refused_token_is_not_kept(node):
    answer = node.get("/panosc-api/Datasets", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    assert answer.headers["cache-control"] == "no-store"


def test_a_style_sheet_is_for_everyone(node):
    path = node.get("/").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = node.get(path, headers=node.cookie("pi"))
    assert answer.headers["cache-control"].startswith("public")


@pytest.mark.parametrize("path", [*OPEN_PATHS, "/nowhere", "/test-length"])
def test_every_answer_says_what_a_browser_may_do(node, path):
    headers = node.get(path).headers
    assert "base-uri 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "server" not in headers
    assert "x-powered-by" not in headers
    # plain HTTP: a browser would lock itself out
    assert "strict-transport-security" not in headers


def test_only_the_search_api_is_open_to_pages_of_any_origin(node):
    api = node.get("/panosc-api/Datasets", headers={"Origin": "https://elsewhere.example"})
    assert api.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in api.headers
    assert api.headers["cross-origin-resource-policy"] == "cross-origin"
    page = node.get("/search", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in page.headers
    assert page.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_refusal_by_a_guard_carries_the_headers_too(node):
    answer = node.get("/panosc-api/Datasets", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_node_behind_tls_wants_to_be_called_so(settings, engine):
    secure = settings.model_copy(update={"base_url": "https://node.example"})
    with given.running(secure, engine) as node:
        for path in ("/", "/panosc-api/Datasets", "/nowhere"):
            value = node.get(path).headers["strict-transport-security"]
            assert int(value.partition("=")[2]) >= 365 * 24 * 3600
        assert node.identity.sessions.cookie.startswith("__Host-")


# ---- security.txt ----


def test_no_contact_is_said(node):
    answer = node.get("/.well-known/security.txt")
    assert answer.status_code == 404
    assert "security_contact" in answer.json()["hint"]
    assert "Security contact" not in node.get("/privacy").text


def test_security_txt_is_as_the_standard_wants_it(settings, engine):
    told = settings.model_copy(
        update={"security_contact": "csirt@node.example", "base_url": "https://node.example"}
    )
    with given.running(told, engine) as node:
        answer = node.get("/.well-known/security.txt")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
        assert fields["Contact"] == "mailto:csirt@node.example"
        assert fields["Expires"] == "2027-05-31T00:00:00Z"
        assert fields["Canonical"] == "https://node.example/.well-known/security.txt"
        assert fields["Preferred-Languages"] == "en"
        assert "private" not in answer.headers["cache-control"]
        page = node.get("/privacy", headers={"Accept": "text/html"}).text
        assert '<a href="mailto:csirt@node.example">Security contact</a>' in page
