"""What records of other catalogues are called here.

An identifier that means the same everywhere (a DOI, a handle, an address, a UUID …) stays as it is;
one that only means something there gets the source's prefix, so that the proposal 7 of one facility
is not that of another. A catalogue that this node adopts has no prefix.
"""

import re
from dataclasses import dataclass

from panosc.federation.source import Source
from panosc.search.panet import ontology, short

DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/\S+")
_DOI_HEAD = re.compile(r"\s*(?:https?://(?:dx\.|www\.)?doi\.org/|doi:\s*|info:doi/)", re.IGNORECASE)
_HANDLE_HEAD = re.compile(r"\s*(?:https?://hdl\.handle\.net/|hdl:\s*|info:hdl/)", re.IGNORECASE)
_EVERYWHERE = re.compile(
    r"""(?ix)
    10\.\d{4,9}(?:\.\d+)*/\S+ | \d+(?:\.\d+)+/\S+     # DOI, handle
    | https?://\S+ | (?:urn|ark|igsn|swh|oai):\S+
    | [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
    """
)
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])/?", re.IGNORECASE)
_ROR = re.compile(r"(?:https?://)?ror\.org/(0[a-z0-9]{6}\d{2})/?", re.IGNORECASE)
_CURIE = re.compile(r"(?:PaNET:)?(PaNET\d{4,9})", re.IGNORECASE)
LONGEST = 1000
"""Characters of an identifier."""


def doi_of(text: object) -> str | None:
    """Return a DOI in its one spelling (small letters, nothing before it), None for what is none.

    Examples
    --------
    >>> doi_of("https://doi.org/10.15151/ESRF-DC-1"), doi_of(" "), doi_of("pid:5")
    ('10.15151/esrf-dc-1', None, None)
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    bare = _DOI_HEAD.sub("", text, count=1).strip().rstrip("./")
    return bare.lower() if DOI.fullmatch(bare) else None


def orcid_of(text: object) -> str | None:
    """Return an ORCID iD as sixteen digits with hyphens, None for what is none."""
    found = _ORCID.fullmatch(text.strip()) if isinstance(text, str) else None
    return found[1].upper() if found else None


def ror_of(text: object) -> str | None:
    """Return a ROR as an address, None for what is none."""
    found = _ROR.fullmatch(text.strip()) if isinstance(text, str) else None
    return f"https://ror.org/{found[1].lower()}" if found else None


@dataclass(frozen=True, slots=True)
class Names:
    """Makes identifiers of this node of those of one source."""

    source: Source

    def pid(self, theirs: object) -> str | None:
        """Return the PID of a dataset, document, instrument or sample; None if there is none.

        Examples
        --------
        >>> names = Names(Source(name="ill", kind="x", url="", title="", prefix="ill/"))
        >>> names.pid("1-01-122"), names.pid("doi:10.5291/ILL-DATA.1"), names.pid(7)
        ('ill/1-01-122', '10.5291/ILL-DATA.1', 'ill/7')
        """
        if isinstance(theirs, bool) or not isinstance(theirs, str | int):
            return None
        text = str(theirs).strip()
        if not text or len(text) > LONGEST or not text.isprintable():
            return None
        # what stands before it has a colon; most have none
        is_bare = ":" not in text
        bare = text if is_bare else _HANDLE_HEAD.sub("", _DOI_HEAD.sub("", text, count=1), count=1)
        if _EVERYWHERE.fullmatch(bare):
            return bare
        return f"{self.source.prefix}{text}"

    def theirs(self, pid: str) -> str:
        """Return what the source calls a record: the opposite of `pid`, up to spelling."""
        return pid.removeprefix(self.source.prefix)

    def person(self, orcid: object, *, theirs: object = None, name: str | None = None) -> str:
        """Return the identifier of a person: an ORCID iD, else one of the source."""
        known = orcid_of(orcid)
        if known is not None:
            return known
        return f"{self.source.name}/{str(theirs or name or 'unknown')[:LONGEST]}"

    def affiliation(self, ror: object, *, theirs: object = None, name: str | None = None) -> str:
        """Return the identifier of an affiliation: its ROR if there is one."""
        return ror_of(ror) or f"{self.source.name}/{str(theirs or name or 'unknown')[:LONGEST]}"

    def technique(self, pid: object, name: str | None = None) -> dict[str, str] | None:
        """Return the row of a technique: as PaNET calls it, where it is one of PaNET.

        Examples
        --------
        >>> names = Names(Source(name="ess", kind="x", url="", title="", prefix="ess/"))
        >>> names.technique("PaNET:PaNET01188")["name"]
        'small angle x-ray scattering'
        """
        text = pid.strip() if isinstance(pid, str) else ""
        curie = _CURIE.fullmatch(short(text))
        concept = ontology().find(f"PaNET{curie[1][5:]}" if curie else text) if text else None
        if concept is None and name:
            known = ontology().resolve(name)
            # a name may mean two terms; then it is kept as the source says it
            concept = ontology().find(next(iter(known))) if len(known) == 1 else None
        if concept is not None:
            return {"pid": concept.iri, "panetId": concept.iri, "name": concept.label}
        own = self.pid(text or name)
        return None if own is None else {"pid": own, "name": name or text}
