"""How FAIR a record is, and the stewards' list of what can be mended."""

from dataclasses import dataclass

import sqlalchemy as sa

from panosc.domain.access import Who
from panosc.domain.errors import Forbidden, Invalid
from panosc.policy.requiring import require
from panosc.publication.fair import checks, store
from panosc.publication.fair.checks import Report
from panosc.publication.fair.store import BINS, Scored, Standing
from panosc.publication.gathering import Gatherer
from panosc.publication.record import Address

__all__ = ["BINS", "LONGEST_PAGE", "Fairness", "Scored", "Standing", "place"]

LONGEST_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """Tells how FAIR records are."""

    engine: sa.Engine
    gatherer: Gatherer

    def report(self, who: Who, pid: str, address: Address) -> Report:
        """Return the answers of all checks for a dataset, as far as `who` may see it.

        Raises
        ------
        NotFound, Gone
        """
        return checks.report(self.gatherer.one(who, "Dataset", pid, address))

    def standing(self, who: Who) -> Standing:
        """Return how FAIR all datasets are; for stewards.

        Raises
        ------
        Unauthenticated, Forbidden, WrongScope
        """
        _require_steward(who)
        with self.engine.connect() as connection:
            return store.standing(connection)

    def worst(
        self, who: Who, *, missing: str | None = None, after: str = "", limit: int = 50
    ) -> list[Scored]:
        """Return datasets, the least FAIR first; for stewards.

        Parameters
        ----------
        missing : str, optional
            Name of a check: only those that fail it.
        after : str
            `place` of the last one that was seen.

        Raises
        ------
        Unauthenticated, Forbidden, WrongScope, Invalid
        """
        _require_steward(who)
        if missing is not None and checks.named(missing) is None:
            raise Invalid(
                f"There is no check “{missing[:40]}”.",
                field="missing",
                hint=f"There are {', '.join(check.name for check in checks.CHECKS)}.",
            )
        with self.engine.connect() as connection:
            return store.worst(
                connection, missing, beyond=_place(after), limit=min(limit, LONGEST_PAGE)
            )


def place(item: Scored) -> str:
    """Return after which dataset the next page begins."""
    return f"{item.score}-{item.key}"


def _place(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    score, _, key = text.partition("-")
    if not (score.isdecimal() and key.isdecimal() and len(score) < 4 and len(key) < 20):  # noqa: PLR2004
        raise Invalid(
            f"“{text[:40]}” is no place in this list.",
            field="after",
            hint="Begin at the first page.",
        )
    return int(score), int(key)


def _require_steward(who: Who) -> None:
    require(who, "manage")
    if not who.is_steward:
        raise Forbidden(
            "This list is for data stewards.", hint="The page of a dataset says how FAIR it is."
        )
