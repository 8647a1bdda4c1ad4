"""How many fit in all: what is here as a copy and was found live as well is counted once."""

from panosc.federation.live.answer import HERE, Fate
from panosc.federation.live.records import merging
from panosc.federation.live.records.merging import Own
from panosc.federation.live.records.taking import Brought


def test_copies_are_not_counted_twice() -> None:
    own = Own(items=[], total=860, is_least=False)
    brought = {"ess": Brought(fared="answered", total=200)}
    for has_copies, expected in ((True, (860, True)), (False, (1060, False))):
        fates = [
            Fate(name=HERE, title="here", fared="answered"),
            Fate(name="ess", title="ESS", fared="answered", has_copies=has_copies),
        ]
        assert merging._total(own, brought, fates, {"ess": 0}) == expected
