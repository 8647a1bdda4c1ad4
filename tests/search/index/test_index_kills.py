"""`kill -9` of who keeps the index, at any moment of 200 rounds of writes: nothing is lost."""

import random
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from following_index import (
    Changing,
    assert_equals_catalogue,
    caught_up,
    fill,
    followers,
    kill,
    until,
)

from panosc.search.index.folder import Folder
from panosc.search.index.following import request_rebuild
from panosc.settings import Settings

ROUNDS = 200


@pytest.mark.slow
def test_the_index_equals_the_catalogue_after_200_rounds_of_writes_and_kills(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    fill(engine)
    changing, rng = Changing(engine, 1), random.Random(2)
    folder = Folder(settings.home)
    generations, positions = set(), set()
    with followers(settings) as program:
        process = program.start()
        for number in range(ROUNDS):
            changing.step()
            if number % 12 == 11:
                # however slow the machine is: let it come to where it is killed while it follows
                caught_up(engine, folder)
                changing.step()
            if number % 25 == 24:
                # and to where it builds beside that
                before = caught_up(engine, folder).generation
                request_rebuild(folder)
                changing.step()
                if number == ROUNDS // 2 - 1:
                    until(lambda before=before: folder.current() != before)
            time.sleep(0.15 * rng.random() ** 2 if number % 25 != 24 else 0.4 * rng.random())
            kill(process)
            found = folder.reader()
            if found is not None:
                generations.add(found.generation)
                positions.add(found.position)
            process = program.start()
        assert_equals_catalogue(engine, settings, tmp_path / "elsewhere")
        # halves of what was killed are gone
        until(lambda: folder.others() == [])
        kill(process)
    assert len(positions) > 10, "it was killed before it did anything"
    assert len(generations) > 1
