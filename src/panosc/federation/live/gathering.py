"""What has come of one question up to now, and how each catalogue fared."""

import time
from collections.abc import Sequence
from typing import Any

from panosc.federation.live.answer import HERE, Fate, Merged
from panosc.federation.live.listing import Listed
from panosc.federation.live.records.merging import Merging, Own
from panosc.federation.live.records.shaping import Shaped
from panosc.federation.live.records.taking import Brought


class Gathering:
    """Gathers answers.

    Parameters
    ----------
    shaped : Shaped
        The question.
    merging : Merging
    listed : sequence of Listed
        The other catalogues that were asked.
    here : str, optional
        What this node is called, if it was asked as well.
    """

    def __init__(
        self, shaped: Shaped, merging: Merging, listed: Sequence[Listed], here: str | None
    ) -> None:
        self._shaped = shaped
        self._merging = merging
        self._listed = listed
        self._here = here
        self._begun = time.monotonic()
        self._own: Own | None = None
        self._brought: dict[str, Brought] = {}

    @property
    def is_whole(self) -> bool:
        """Whether all have answered."""
        is_own = self._here is None or self._own is not None
        return is_own and len(self._brought) == len(self._listed)

    def add(self, name: str, answer: Any) -> None:
        """Add what a catalogue has answered."""
        if isinstance(answer, Own):
            self._own = answer
        elif isinstance(answer, Brought):
            self._brought[name] = answer

    def merged(self, *, is_final: bool) -> Merged:
        """Return the answer as it is now; nothing more comes after a final one."""
        fates = [] if self._here is None else [self._fate_here(is_final=is_final)]
        fates += [self._fate(one, is_final=is_final) for one in self._listed]
        # in the order of the names, not of the answers: the same answers, the same list
        brought = {
            one.name: self._brought[one.name] for one in self._listed if one.name in self._brought
        }
        return self._merging.merged(self._own, brought, fates)

    def _fate_here(self, *, is_final: bool) -> Fate:
        own, title = self._own, self._here or HERE
        if own is None:
            return self._missing(HERE, title, is_final=is_final)
        return Fate(
            name=HERE,
            title=title,
            fared="answered",
            seconds=own.seconds,
            total=own.total,
            is_cut=self._shaped.is_deep and own.total > self._shaped.limit,
        )

    def _fate(self, listed: Listed, *, is_final: bool) -> Fate:
        brought = self._brought.get(listed.name)
        if brought is None:
            return self._missing(listed.name, listed.title, is_final=is_final, listed=listed)
        is_fine = brought.fared == "answered"
        return Fate(
            name=listed.name,
            title=listed.title,
            fared=brought.fared,
            seconds=brought.seconds,
            total=brought.total,
            is_cut=brought.is_cut or (self._shaped.is_deep and is_fine),
            unasked=brought.unasked,
            applied=brought.applied,
            message=brought.message,
            copied=None if is_fine else listed.copied,
            has_copies=listed.copied is not None,
        )

    def _missing(
        self, name: str, title: str, *, is_final: bool, listed: Listed | None = None
    ) -> Fate:
        seconds = time.monotonic() - self._begun
        return Fate(
            name=name,
            title=title,
            fared="late" if is_final else "pending",
            seconds=seconds,
            message=f"It did not answer within {seconds:.1f} s." if is_final else None,
            copied=None if listed is None or not is_final else listed.copied,
        )
