"""Theme and units that a person has chosen are there in every browser that they sign in with."""

import identity_providers as providers
import pytest
import sqlalchemy as sa
from login_node import Clock, Node, Visitor

from panosc.catalogue.people import account


@pytest.fixture
def node(signed_node, any_provider: providers.AnyProvider) -> Node:
    return signed_node(any_provider, clock=Clock())


@pytest.fixture
def visitor(node: Node, any_provider: providers.AnyProvider) -> Visitor:
    return Visitor(node, any_provider)


def test_a_new_browser_gets_them_when_one_signs_in(visitor: Visitor, node: Node) -> None:
    first = visitor.sign_in("ada")
    assert "theme" not in first.cookies
    chosen = sa.update(account).values(preferences={"theme": "dark", "units": "nm..degC"})
    with node.engine.begin() as connection:
        connection.execute(chosen.where(account.c.kind == "person"))
    again = visitor.sign_in("ada")
    assert again.cookies["theme"] == "dark"
    assert again.cookies["units"] == "nm..degC"
    assert 'data-theme="dark"' in visitor.get("/").text
