"""A process that takes up a catalogue in many small steps, in order to be killed between them.

python oai_killed.py ADDRESS_OF_DATABASE
"""

import sys
from datetime import UTC, datetime

import sqlalchemy as sa

from panosc.publication.oai import following
from panosc.publication.oai.following import Keeper
from panosc.search.panet import lineage

following.CHUNK = 10
engine = sa.create_engine(sys.argv[1])
Keeper(engine, lambda: datetime.now(UTC), lineage, "Test Source").start()
