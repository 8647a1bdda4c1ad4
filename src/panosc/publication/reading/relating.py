"""How a record relates to others, who paid for it, and what it is about.

What sources tell beyond the data model is kept with records as it came; of that this reads
``keywords`` (list), ``funding`` (DataCite's fundingReferences) and ``relatedIdentifiers``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from panosc.domain.pid import pid_path
from panosc.publication import identifiers
from panosc.publication.reading import store
from panosc.publication.reading.describing import plain
from panosc.publication.reading.store import Found
from panosc.publication.record import Address, Funding, Model, Organisation, Related, Relation

MOST: Final = 100
"""Entries of what a source tells beyond the data model, in one list."""
_RELATIONS: Final = frozenset(get_args(Relation))
Extra = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relating:
    """Finds how records relate to others that were read with them."""

    found: Found
    address: Address
    doi: Callable[[Model, str, str | None], str | None]
    """Class, PID and what a record says itself → DOI that leads somewhere."""

    def of_dataset(self, row: Any) -> tuple[Related, ...]:
        """Return the related works of a dataset."""
        return _unique([*self._of_dataset(row), *self._told(row)])

    def of_document(self, row: Any) -> tuple[Related, ...]:
        """Return the related works of a document, the first of its datasets among them."""
        its = [
            self._ours("HasPart", "Dataset", item.pid, title=item.title)
            for item in self.found.datasets.get(row.id, [])
        ]
        return _unique([*its, *self._told(row)])

    def _of_dataset(self, row: Any) -> Iterator[Related]:
        for item in self.found.documents.get(row.id, []):
            relation: Relation = "IsSupplementTo" if item.type == "publication" else "IsPartOf"
            yield self._ours(relation, "Document", item.pid, title=item.title, given=item.doi)
        if row.new_version_of in self.found.known:
            yield self._ours("IsNewVersionOf", "Dataset", row.new_version_of)
        for pid in (row.derived_from or ())[: store.MOST_LINKS]:
            if pid in self.found.known:
                yield self._ours("IsDerivedFrom", "Dataset", pid)
        if concept := self.found.concepts.get(row.pid):
            url = self.address(f"/doi/{pid_path(concept)}")
            yield Related(
                relation="IsVersionOf",
                identifier=concept,
                scheme="DOI",
                url=url,
                general="Dataset",
            )
        for pid in self.found.newer.get(row.pid, []):
            yield self._ours("IsPreviousVersionOf", "Dataset", pid)
        for pid in self.found.made_of.get(row.pid, []):
            yield self._ours("IsSourceOf", "Dataset", pid)

    def _ours(
        self,
        relation: Relation,
        model: Model,
        pid: str,
        *,
        title: str | None = None,
        given: str | None = None,
    ) -> Related:
        url = self.address(f"/{model.lower()}s/{pid_path(pid)}")
        has = self.doi(model, pid, given)
        return Related(
            relation=relation,
            identifier=url if has is None else has,
            scheme="local" if has is None else "DOI",
            url=url,
            general="Dataset" if model == "Dataset" else None,
            title=plain(title) or None,
        )

    def _told(self, row: Any) -> Iterator[Related]:
        """Yield what people and others told of related works, and what came with the record."""
        for item in self.found.related.get(row.pid, []):
            yield Related(
                relation=item.relation,
                identifier=item.identifier,
                scheme=item.scheme,
                url=item.url,
                general=item.general,
                title=plain(item.title) or None,
            )
        for line in _lines((row.extra or {}).get("relatedIdentifiers")):
            named = identifiers.known(str(line.get("relatedIdentifier") or ""))
            if named is not None and line.get("relationType") in _RELATIONS:
                general = line.get("resourceTypeGeneral")
                yield Related(
                    relation=line["relationType"],
                    identifier=named[0],
                    scheme=named[1],
                    url=named[2],
                    general=general if isinstance(general, str) else None,
                )


def _unique(items: Iterable[Related]) -> tuple[Related, ...]:
    return tuple({(item.relation, item.identifier): item for item in items}.values())


def funding(extras: Iterable[Extra]) -> tuple[Funding, ...]:
    """Return who paid, as sources tell it in DataCite's words; each award once."""
    found: dict[tuple[str, str | None], Funding] = {}
    for line in (line for extra in extras for line in _lines(extra.get("funding"))):
        text = {key: plain(value) for key, value in line.items() if isinstance(value, str)}
        name, award = text.get("funderName"), text.get("awardNumber") or None
        if not name:
            continue
        address = text.get("awardUri") or text.get("awardURI") or ""
        ror = identifiers.ror(text.get("funderIdentifier"))
        numbered = identifiers.award(award)
        found.setdefault(
            (name, award),
            Funding(
                funder=Organisation(name=name, ror=ror),
                award=award,
                award_title=text.get("awardTitle") or None,
                award_url=address if identifiers.is_web(address) else numbered and numbered[1],
            ),
        )
    return tuple(found.values())


def keywords(
    extras: Iterable[Extra], own: Iterable[str], fallback: Iterable[str]
) -> tuple[str, ...]:
    """Return keywords, each once: its own, what sources tell, then what it was made with."""
    told = [word for extra in extras for word in _list(extra.get("keywords"))]
    words = [plain(word) for word in [*own, *told, *fallback] if isinstance(word, str)]
    return tuple(dict.fromkeys(word for word in words if word))[:MOST]


def _list(value: Any) -> list[Any]:
    return value[:MOST] if isinstance(value, list) else []


def _lines(value: Any) -> list[Mapping[str, Any]]:
    return [line for line in _list(value) if isinstance(line, Mapping)]
