"""A node that harvesters ask."""

import publication_catalogue as given
import pytest
import sqlalchemy as sa
from oai_node import DOMAIN, Node, small

from panosc.settings import Settings


@pytest.fixture
def bare_node(engine: sa.Engine, settings: Settings) -> Node:
    """A node with nothing in its catalogue."""
    changed = {
        "base_url": f"https://{DOMAIN}",
        "facility": given.FACILITY,
        "contact": "mailto:data@node.example",
    }
    return Node(engine, settings.model_copy(update=changed))


@pytest.fixture
def node(bare_node: Node) -> Node:
    """A node with the small catalogue of publishing."""
    bare_node.write(small())
    return bare_node
