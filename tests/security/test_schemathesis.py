"""Every route of the API description, asked by every role, answers as it is described."""

import pytest
import schema_attack

SECONDS = 40.0


@pytest.mark.slow
def test_every_route_answers_as_it_is_described(node):
    attack = schema_attack.Attack(node)
    report = attack.run(SECONDS)
    text = "\n".join(report.lines())
    assert not report.findings, text
    assert report.asked == set(attack.operations), text
    assert set(report.by_role) == set(schema_attack.ROLES), text
