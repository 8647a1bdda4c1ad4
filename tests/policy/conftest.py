"""A catalogue on which acts are tried."""

import pytest
from policy_people import Place


@pytest.fixture
def place(engine):
    return Place(engine)
