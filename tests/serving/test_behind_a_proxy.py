"""Behind a proxy that ends TLS and takes a path off: every address leads back through it."""

import html
import http.client
import ipaddress
import re
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from cloud.standins.running import running
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.people import account
from panosc.catalogue.tables import group_member
from panosc.catalogue.writer import write
from panosc.identity.service import build
from panosc.portal.guards.prefix import Prefix
from panosc.settings import Settings

PREFIX = "/catalogue"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
_LINKS = re.compile(r'(?:href|src|action|formaction)="([^"]*)"')
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
PID = "10.5072/a/b"


class Proxy(BaseHTTPRequestHandler):
    """Takes the path off and passes everything on."""

    protocol_version = "HTTP/1.1"

    def _pass(self):
        if not self.path.startswith(f"{PREFIX}/"):
            self.send_error(404, "not mine")
            return
        there = http.client.HTTPConnection(self.server.target, timeout=30)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {**dict(self.headers.items()), "X-Forwarded-For": self.client_address[0]}
        there.request(self.command, self.path.removeprefix(PREFIX), body or None, headers)
        answer = there.getresponse()
        data = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        there.close()

    do_GET = do_POST = do_HEAD = _pass  # noqa: N815

    def log_message(self, *_):
        pass


def certificate(folder):
    """Write a certificate for this machine; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "proxy.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def proxy(file):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server):
        yield server


@pytest.fixture
def browser(settings, engine, tmp_path):
    """A browser in which a steward has signed in, in front of the proxy."""
    file = certificate(tmp_path)
    with proxy(file) as server:
        base = f"https://localhost:{server.server_port}{PREFIX}"
        chosen = settings.model_copy(
            update={"base_url": base, "trusted_proxies": ("127.0.0.1/32",), "rate_limit": 0}
        )
        identity = build(engine, chosen, lambda: datetime.now(UTC))
        cookie = populate(engine, identity)
        with serving(create_app(chosen, engine)) as address:
            server.target = urlsplit(address).netloc
            with httpx.Client(
                verify=ssl.create_default_context(cafile=str(file)),
                trust_env=False,
                timeout=30,
                headers={"Cookie": f"{identity.sessions.cookie}={cookie}", "Accept": "text/html"},
            ) as client:
                client.base = base
                client.cookie_name = identity.sessions.cookie
                yield client


def populate(engine, identity):
    with engine.begin() as connection:
        row = {"id": "u-one", "kind": "person", "name": "One", "terms": "1", "terms_at": NOW}
        connection.execute(sa.insert(account).values(row))
        member = {"group": "node", "person": "u-one", "role": "steward"}
        connection.execute(sa.insert(group_member).values(member))
        dataset = {"pid": PID, "title": "Halo of neutrons", "instrumentId": "10.5072/d22"}
        write(
            connection,
            [
                ("Instrument", {"pid": "10.5072/d22", "name": "D22", "facility": "ILL"}),
                ("Dataset", {**dataset, "access": "open", "isPublic": True}),
            ],
            now=NOW,
        )
        return identity.sessions.begin(connection, "u-one", provider="t", iss="i", sub="one")


def test_every_link_of_the_pages_leads_through_the_proxy(browser):
    own = urlsplit(browser.base).netloc
    waiting = [f"{browser.base}/", f"{browser.base}/datasets/{PID}", f"{browser.base}/search?q=a"]
    seen = set()
    while waiting and len(seen) < 70:
        address = waiting.pop(0)
        if (shape := re.sub(r"=[^&]*", "=", address)) in seen:
            continue
        seen.add(shape)
        answer = browser.get(address)
        # 405: where a form is sent to
        assert answer.status_code < 400 or answer.status_code in {403, 404, 405, 503}, address
        if answer.status_code in {301, 302, 303, 307, 308}:
            target = urljoin(address, answer.headers["location"])
            assert target.startswith(f"{browser.base}/"), (address, target)
            waiting.append(target)
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        for link in map(html.unescape, _LINKS.findall(answer.text)):
            target = urljoin(address, link).partition("#")[0]
            if urlsplit(target).netloc != own:
                assert not link.startswith("http://127"), (address, link)
                continue
            assert target.startswith(f"{browser.base}/"), (address, link)
            if not re.search(r"/log(in|out)|/docs/", target):
                waiting.append(target)
    assert len(seen) > 30
    assert not [
        address for address in seen if "/static/" in address and browser.get(address).is_error
    ]


def test_what_leads_elsewhere_knows_the_public_address(browser):
    base = browser.base
    document = browser.get(f"{base}/api/openapi.json").json()
    assert document["servers"] == [{"url": base}]
    # the framework's own redirect
    answer = browser.get(f"{base}/instruments/")
    assert urljoin(f"{base}/instruments/", answer.headers.get("location", "")).startswith(base)
    # for programs: an announcement is refused here, a form leads back
    answer = browser.post(
        f"{base}/logout", headers={"Origin": base.removesuffix(PREFIX), "Sec-Fetch-Site": "none"}
    )
    assert answer.status_code == 303
    assert urljoin(f"{base}/logout", answer.headers["location"]).startswith(f"{base}/")
    (cookie,) = [
        text for text in answer.headers.get_list("set-cookie") if browser.cookie_name in text
    ]
    assert browser.cookie_name.startswith("__Host-")
    assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert answer.headers["strict-transport-security"]


def test_a_form_of_another_origin_is_refused_behind_a_proxy_too(browser):
    answer = browser.post(f"{browser.base}/logout", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_canonical_addresses_are_public(browser):
    text = browser.get(f"{browser.base}/datasets/{PID}").text
    assert f'<link rel="canonical" href="{browser.base}/datasets/{PID}">' in text
    assert "http://127.0.0.1" not in text
    assert "http://localhost" not in text


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (
            "/api/v1/ingest/announcements/7",
            "https://d.example/catalogue/api/v1/ingest/announcements/7",
        ),
        ("http://d.example/instruments?x=1", "https://d.example/catalogue/instruments?x=1"),
        ("/catalogue", "https://d.example/catalogue"),
        ("/catalogue?q=1", "https://d.example/catalogue?q=1"),
        ("/catalogue/search", "https://d.example/catalogue/search"),
        ("/catalogues", "https://d.example/catalogue/catalogues"),
        ("https://d.example/catalogue/x", "https://d.example/catalogue/x"),
        ("https://idp.example/authorize?a=/b", "https://idp.example/authorize?a=/b"),
        ("//evil.example/", "https://evil.example/"),
        ("7", "https://d.example/catalogue/api/7"),
    ],
)
def test_where_an_answer_leads(target, expected):
    guard = Prefix(None, Settings(base_url="https://d.example/catalogue/"))
    found = guard._public(target, "http://d.example/")
    assert urljoin("https://d.example/catalogue/api/v", found) == expected
