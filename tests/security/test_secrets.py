"""No secret is logged, shown, or kept as it is."""

import base64
import dataclasses
import http.client
import logging

import pytest
import security_node as given
import sqlalchemy as sa
from pydantic import SecretStr

from panosc.catalogue import people, tables
from panosc.cli.main import app as command_line
from panosc.cli.remote import credentials
from panosc.cli.remote import node as remote
from panosc.domain.access import OPERATOR
from panosc.identity import device, tokens
from panosc.identity.oidc import login
from panosc.policy import asking
from panosc.policy.decisions import sharing
from panosc.settings import Provider, Settings

PASSWORD = "Zeitgeist-4711-database"
CLIENT_SECRET = "Zeitgeist-4711-client"
MISTYPED = "Bearer ps_pat_0123456789ab." + "Q" * 43


def everything(engine):
    """Return all that stands in the database as one text."""
    assert people.metadata is tables.metadata
    found = []
    with engine.connect() as connection:
        for table in tables.metadata.sorted_tables:
            # the driver has no time that is infinite
            columns = [
                sa.cast(column, sa.Text) if isinstance(column.type, sa.DateTime) else column
                for column in table.c
            ]
            for row in connection.execute(sa.select(*columns)):
                found += [
                    value.hex() + repr(value) if isinstance(value, bytes) else str(value)
                    for value in row
                ]
    return "\n".join(found)


def asked(node, method, path, headers, body=None):
    """Ask by a client that logs nothing itself; return the whole answer."""
    connection = http.client.HTTPConnection(node.address.removeprefix("http://"), timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = f"{answer.status} {answer.getheaders()} {answer.read().decode()}"
    connection.close()
    return text


def spellings(secret):
    raw = secret.encode()
    return {
        secret,
        raw.hex(),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
    }


HOLDERS = [
    (tokens.Made, {"secret"}),
    (device.Pending, {"device_code"}),
    (device.Granted, {"access", "refresh"}),
    (login.Begun, {"url", "cookie"}),
    (login.Finished, {"cookie"}),
    (login.Browser, {"attempt", "session"}),
    (login.Granted, {"sealed"}),
    (sharing.Made, {"secret"}),
    (credentials.Login, {"access", "refresh"}),
    (remote.Begun, {"device_code"}),
]


@pytest.mark.parametrize(("holder", "secret"), HOLDERS)
def test_what_holds_a_secret_does_not_print_it(holder, secret):
    names = [item.name for item in dataclasses.fields(holder)]
    assert secret <= set(names)
    shown = repr(holder(**{name: f"the {name}" for name in names}))
    assert {name for name in names if f"the {name}" not in shown} == secret


def test_nothing_secret_is_logged_shown_or_kept(settings, engine, caplog):
    caplog.set_level(logging.DEBUG)
    provider = Provider(
        name="away",
        title="A provider that is away",
        issuer="http://127.0.0.1:9/",
        client_id="panosc",
        client_secret=SecretStr(CLIENT_SECRET),
    )
    told = settings.model_copy(update={"providers": (provider,)})
    shown = []
    with given.running(told, engine) as node:
        given.catalogue(engine)

        def fail(who: asking.Who = None) -> None:
            raise RuntimeError("on purpose")

        node.app.add_api_route("/test-fail", fail, methods=["GET", "POST"])
        cookie = node.cookie("pi")
        session = cookie["Cookie"].partition("=")[2]
        who = node.identity.sessions.find(session).standing.who(via="session")
        made = node.identity.tokens.create(who, name="mine", scopes=["read", "data"], days=1)
        token = made.secret.partition(".")[2]
        pending = node.identity.devices.begin("a program", "read")
        link = node.identity.links.sign(OPERATOR, "/panosc-api/Datasets/x").suffix
        secrets = {session, token, pending.device_code, CLIENT_SECRET, link.partition("=")[2]}
        bearer = {"Authorization": f"Bearer {made.secret}"}
        html = {"Accept": "text/html"}
        credentials = (
            {},
            cookie,
            bearer,
            {"Authorization": MISTYPED},
            {"Authorization": bearer["Authorization"][:-1]},
            {"Authorization": f"Basic {made.secret}"},
            {"Cookie": cookie["Cookie"] + "x"},
        )
        paths = (
            "/",
            "/nowhere",
            "/test-fail",
            "/login",
            "/login/away",
            "/auth/callback/away?code=Zeitgeist-code&state=Zeitgeist-state",
            "/account",
            "/account/tokens",
            "/account/export.json",
            "/panosc-api/Datasets?filter={",
            "/datasets/10.5072/closed",
            "/panosc-api/Datasets/x" + link,
            "/panosc-api/Datasets?access_token=" + made.secret,
            "/search?q=a&access_token=" + made.secret,
            "/search?q=" + "a&%74oken=" + made.secret,
            "/datasets/10.5072/open" + link,
            "/datasets/10.5072/open/-/files?page=1&" + link[1:],
        )
        for number, headers in enumerate(credentials):
            for path in paths:
                accept = html if number % 2 else {}
                shown.append(asked(node, "GET", path, headers | accept))
        form = {"Origin": node.address, "Content-Type": "application/x-www-form-urlencoded"}
        for body in (f"code={pending.device_code}", f"token={made.secret}", "user_code=WRON-GONE"):
            shown.append(asked(node, "POST", "/device", cookie | form, body))
            shown.append(asked(node, "POST", "/oauth/token", form, body))
        kept = everything(engine)
    logged = caplog.text
    assert "Unexpected error" in logged, "the test reads the log"
    assert "u-pi" in kept, "the test reads the database"
    for secret in secrets:
        for text in spellings(secret):
            assert text not in logged
            assert text not in kept
            # the page of an address that held one does not repeat it either
            assert not [answer for answer in shown if text in answer], secret
    for text in ("Zeitgeist-code", "Zeitgeist-state", MISTYPED[-43:]):
        assert text not in logged
    key = (told.home / "node.key").read_bytes()
    assert oct((told.home / "node.key").stat().st_mode)[-3:] == "600"
    for text in (key.hex(), base64.b64encode(key).decode(), repr(key)[2:-1]):
        assert text not in logged + kept + "".join(shown)


def test_an_error_of_the_database_logs_no_value(settings, engine, caplog):
    caplog.set_level(logging.DEBUG)
    with given.running(settings, engine) as node:

        def fail() -> None:
            with engine.connect() as connection:
                connection.execute(
                    sa.text("select 1 / 0 where :value = 'x'"), {"value": "Zeitgeist-parameter"}
                )
                connection.execute(sa.text("select :value ::int"), {"value": "x"})

        node.app.add_api_route("/test-fail", fail, methods=["GET"])
        assert asked(node, "GET", "/test-fail", {})[:3] in {"500", "503"}
    assert "Zeitgeist-parameter" not in caplog.text


@pytest.fixture
def told(tmp_path):
    text = f"""
database_url = "postgresql://panosc:{PASSWORD}@db.example/panosc"
[[providers]]
name = "umbrella"
title = "Umbrella"
issuer = "https://id.example"
client_id = "panosc"
client_secret = "{CLIENT_SECRET}"
"""
    (tmp_path / "panosc.toml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_command_that_shows_settings_masks_secrets(told, options, capsys):
    command_line(["config", "--home", str(told), *options], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "umbrella" in shown or "**" in shown
    assert PASSWORD not in shown
    assert CLIENT_SECRET not in shown


def test_settings_hide_secrets_in_every_form(told):
    settings = Settings(home=told)
    forms = (repr(settings), str(settings), settings.model_dump_json(), f"{settings.model_dump()}")
    for text in forms:
        assert PASSWORD not in text
        assert CLIENT_SECRET not in text
    assert settings.providers[0].client_secret.get_secret_value() == CLIENT_SECRET
