"""The simulation of `benchmarks/beamlines.py`, shortly: a node is killed, and nothing is lost."""

import sys
from pathlib import Path

import pytest

from panosc.settings import Settings

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))
import beamlines


@pytest.mark.slow
def test_beamlines_write_while_the_node_is_killed(settings: Settings, tmp_path: Path) -> None:
    assert settings.database_url is not None
    checked = beamlines.simulate(
        tmp_path,
        seconds=12,
        beamlines=9,
        rate=8,
        kills=[5],
        database_url=settings.database_url.get_secret_value(),
        wait_s=60,
    )
    assert len(checked.kills) == 1
    found = {**checked.delays, **checked.after_kills}
    for kind in ("one", "set", "grow"):
        assert [title for title in found if title.startswith(kind)], kind
    assert (checked.lost, checked.twice, checked.in_part) == ([], [], [])
