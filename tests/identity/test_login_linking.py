"""A further identity of an account: linked by its owner alone, and never one of somebody else."""

from collections.abc import Callable
from typing import Any

import identity_providers as providers
import pytest
from login_node import Clock, Node, Visitor, count, events, rows

from panosc.catalogue.people import account, identity

MakeNode = Callable[..., Node]


@pytest.fixture
def linkable(signed_node: MakeNode, dev_provider: providers.Embedded) -> Node:
    return signed_node(dev_provider, clock=Clock())


def linked_as(visitor: Visitor, person: str) -> Any:
    """Link who `person` is at the provider to the account of `visitor`."""
    begun = visitor.post("/account/link/demo")
    assert begun.status_code == 303, begun.text
    # another browser's login at the provider, this browser's at the node
    own = visitor.http.cookies.get("panosc-demo-login")
    if own:
        visitor.http.cookies.delete("panosc-demo-login")
    back = providers.go(
        visitor.http,
        begun.headers["location"],
        issuer=visitor.provider.issuer,
        answers=visitor.provider.answers(person),
    )
    return visitor.http.get(back)


def test_linking(linkable: Node, dev_provider: providers.Embedded) -> None:
    ada = Visitor(linkable, dev_provider)
    ada.sign_in("ada")
    page = ada.get("/account/link/demo")
    assert f"form-action 'self' {dev_provider.issuer}" in page.headers["content-security-policy"]
    answer = linked_as(ada, "gus")
    assert answer.headers["location"] == "/account"
    assert {row.sub for row in rows(linkable, identity)} == {"demo-ada", "demo-gus"}
    assert count(linkable, account) == 1
    assert events(linkable, "identity.%") == [("identity.linked", None)]
    gus = Visitor(linkable, dev_provider)
    gus.sign_in("gus")
    assert count(linkable, account) == 1, "either of them is the same person now"


def test_identity_of_another_account_is_not_linked(
    linkable: Node, dev_provider: providers.Embedded
) -> None:
    ada, ben = Visitor(linkable, dev_provider), Visitor(linkable, dev_provider)
    ada.sign_in("ada")
    ben.sign_in("ben")
    answer = linked_as(ada, "ben")
    assert answer.status_code == 409
    assert "another account" in answer.text
    assert count(linkable, identity) == 2


def test_linking_needs_the_session_that_began_it(
    linkable: Node, dev_provider: providers.Embedded
) -> None:
    stranger = Visitor(linkable, dev_provider)
    assert stranger.get("/account/link/demo").status_code == 401
    assert stranger.post("/account/link/demo").status_code == 401
    ada = Visitor(linkable, dev_provider)
    ada.sign_in("ada")
    begun = ada.post("/account/link/demo")
    ada.http.cookies.delete("panosc-demo-login")
    back = providers.go(
        ada.http,
        begun.headers["location"],
        issuer=dev_provider.issuer,
        answers=dev_provider.answers("gus"),
    )
    ada.http.cookies.delete("panosc")
    assert ada.http.get(back).status_code == 401
    assert count(linkable, identity) == 1
