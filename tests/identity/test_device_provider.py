"""A program is let in by a person who really signs in, at either provider."""

import httpx
import identity_providers as providers
import sqlalchemy as sa
from token_node import DEVICE_GRANT

from panosc.catalogue.people import account


def test_a_person_of_any_provider_lets_a_program_in(any_provider, signed_node):
    node = signed_node(any_provider)
    options = {"base_url": node.address, "trust_env": False, "timeout": 30}
    with httpx.Client(**options) as browser, httpx.Client(**options) as program:
        begun = program.post("/oauth/device", data={"client_id": "a program"}).json()
        browser.headers["Accept"] = "text/html"
        page = begun["verification_uri_complete"]
        assert browser.get(page).status_code == 401
        begin = f"{node.address}/login/{node.settings.providers[0].name}?back=/device"
        back = providers.sign_in(browser, begin, "ada", provider=any_provider)
        assert browser.get(back).status_code == 303
        form = {"user_code": begun["user_code"], "answer": "approved"}
        headers = {"Origin": node.address}
        # nothing is let in by whoever has not accepted the terms
        assert browser.post("/device", data=form, headers=headers).status_code == 403
        with node.engine.begin() as connection:
            connection.execute(sa.update(account).values(terms=node.settings.terms_version))
        assert browser.get(page).status_code == 200
        assert browser.post("/device", data=form, headers=headers).status_code == 303
        got = program.post(
            "/oauth/token",
            data={
                "grant_type": DEVICE_GRANT,
                "client_id": "a program",
                "device_code": begun["device_code"],
            },
        ).json()
        program.headers["Authorization"] = f"Bearer {got['access_token']}"
        assert program.get("/api/v1/me").json()["account"].startswith("u-")
