"""What is typed about a package, and how it stands in the form again."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from panosc.domain.errors import Invalid
from panosc.publication.packages.drafting import LICENCES, MOST_DATASETS, Draft, parts_of
from panosc.publication.record import Publication

_LONG = 40_000


class PackageForm(BaseModel):
    """What is typed about a package."""

    model_config = ConfigDict(extra="ignore")

    title: str = Field(default="", max_length=5000)
    abstract: str = Field(default="", max_length=_LONG)
    publication: str = Field(default="", max_length=5000)
    licence: str = Field(default="", max_length=100)
    parts: str = Field(default="", max_length=_LONG)
    dataset: list[str] = Field(default=[], max_length=MOST_DATASETS)
    creator: list[str] = Field(default=[], max_length=2000)

    def draft(self) -> Draft:
        """Return it as a draft.

        Raises
        ------
        Invalid
            If a part cannot be read.
        """
        numbers = dict(enumerate(self.dataset, 1))
        return Draft(
            title=self.title,
            abstract=self.abstract,
            licence=self.licence,
            publication=self.publication.strip() or None,
            datasets=tuple(self.dataset),
            creators=tuple(self.creator),
            parts=parts_of(self.parts, numbers),
        )


def typed_of(draft: Draft) -> dict[str, Any]:
    """Return what the form shows of a draft."""
    numbers = {pid: number for number, pid in enumerate(draft.datasets, 1)}
    lines = [
        f"{numbers[part.pid]} {part.file} {part.path} {part.selection}".rstrip()
        for part in draft.parts
        if part.pid in numbers
    ]
    return {
        "title": draft.title,
        "abstract": draft.abstract,
        "publication": draft.publication or "",
        "licence": draft.licence,
        "parts": "\n".join(lines),
        "creator": list(draft.creators),
    }


def begun(datasets: Sequence[Publication]) -> dict[str, Any]:
    """Return what the form says at first."""
    named = next((item.licence.id for item in datasets if item.licence is not None), None)
    title = datasets[0].title if len(datasets) == 1 else ""
    return {
        "title": f"Data: {title}" if title else "",
        "abstract": "",
        "publication": "",
        "licence": named if named in LICENCES else LICENCES[0],
        "parts": "",
        "creator": [],
    }


def refused(error: Invalid) -> dict[str, str]:
    """Return a refusal as the page shows it, with the input that it speaks of."""
    return {
        "detail": error.detail,
        "hint": error.hint or "",
        "field": error.field or "title",
    }
