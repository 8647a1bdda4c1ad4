"""Identifiers of others: checked, in one spelling, and where they lead.

`idutils` knows the schemes; what it lacks is here: it takes a ROR without its checksum for one,
and a DOI for a handle as well. So the caller says which scheme is expected, or gets the most
telling one. Nothing is looked up: that an identifier is well formed does not say that it exists.
"""

import re
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from panosc.publication.record import Scheme

MOST_LETTERS: Final = 2048
_DOI = re.compile(r"10\.[0-9]{4,9}/[!-~]+")
_NEVER_IN_ADDRESS = re.compile(r'[\x00-\x20\x7f-\xa0<>"{}|\\^`\ud800-\udfff\ufeff\ufffe\uffff]')
_BEFORE_DOI = re.compile(r"(?:https?://(?:dx\.|www\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
_ORCID = re.compile(r"\d{4}-?\d{4}-?\d{4}-?\d{3}[\dXx]")
_ROR = re.compile(r"0[0-9a-hjkmnp-tv-z]{6}\d{2}")
_ROR_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32, in which a ROR is written."""
_PANET = re.compile(r"(?:https?://purl\.org/pan-science/PaNET/)?PaNET(\d{5})", re.IGNORECASE)
_HANDLE = re.compile(r"\d{2}(?:\.[A-Za-z0-9]+)*/[^\s?#]+")
_BEFORE_HANDLE = re.compile(r"(?:https?://hdl\.handle\.net/|(?:hdl|handle):\s*)", re.IGNORECASE)
_AUTHORITIES = "AB|CVCL|SCR|IMSR|MMRRC|ZFIN|BDSC|Addgene"
_RRID = re.compile(rf"(?:RRID:\s*)?((?:{_AUTHORITIES})_[A-Za-z0-9:-]+)", re.IGNORECASE)
_AWARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/()+-]{0,99}")
_ADDRESS = re.compile(r"https?://[!#-;=?-~]{3,2000}")
_SCHEMES: Final[dict[str, "Scheme"]] = {
    "ark": "ARK",
    "arxiv": "arXiv",
    "rrid": "RRID",
    "pmid": "PMID",
    "handle": "Handle",
    "urn": "URN",
    "url": "URL",
}
"""Scheme of idutils → DataCite's name, the most telling first; a DOI comes before them all."""
_AT: Final[dict[str, str]] = {
    "arXiv": "https://arxiv.org/abs/",
    "RRID": "https://scicrunch.org/resolver/",
    "PMID": "https://pubmed.ncbi.nlm.nih.gov/",
    "Handle": "https://hdl.handle.net/",
    "ARK": "https://n2t.net/",
    "URN": "https://nbn-resolving.org/",
}


def doi(text: str | None) -> str | None:
    """Return a DOI as it is compared and printed - bare, in small letters -, None for none.

    Examples
    --------
    >>> doi("https://doi.org/10.5072/Ab1"), doi("doi:10.5072/ab1"), doi("local/ab1")
    ('10.5072/ab1', '10.5072/ab1', None)
    """
    bare = _BEFORE_DOI.sub("", (text or "").strip(), count=1)
    is_one = len(bare) <= MOST_LETTERS and _DOI.fullmatch(bare)
    return bare.lower() if is_one else None


def doi_address(text: str | None) -> str | None:
    """Return where a DOI leads, None for what is none."""
    found = doi(text)
    return None if found is None else f"https://doi.org/{quote(found, safe='/:;()')}"


def orcid(text: str | None) -> str | None:
    """Return the address of an ORCID whose checksum is right (ISO 7064, 11-2), else None.

    Examples
    --------
    >>> orcid("0000-0002-1825-0097"), orcid("0000-0002-1825-0098")
    ('https://orcid.org/0000-0002-1825-0097', None)
    """
    written = (text or "").strip().rstrip("/").rpartition("/")[2]
    if not _ORCID.fullmatch(written):
        return None
    signs = written.replace("-", "").upper()
    total = 0
    for sign in signs[:-1]:
        total = (total + int(sign)) * 2
    if "0123456789X"[(12 - total % 11) % 11] != signs[-1]:
        return None
    return "https://orcid.org/" + "-".join(signs[at : at + 4] for at in range(0, 16, 4))


def ror(text: str | None) -> str | None:
    """Return the address of a ROR whose checksum is right (ISO 7064, 97-10), else None.

    Examples
    --------
    >>> ror("ror.org/02550n020"), ror("02550n021")
    ('https://ror.org/02550n020', None)
    """
    written = (text or "").strip().rstrip("/").rpartition("/")[2].lower()
    if not _ROR.fullmatch(written):
        return None
    number = 0
    for sign in written[:-2]:
        number = number * 32 + _ROR_DIGITS.index(sign)
    if 98 - number * 100 % 97 != int(written[-2:]):
        return None
    return f"https://ror.org/{written}"


def panet(text: str | None) -> str | None:
    """Return the id of a technique in PaNET, ``PaNET01188``, however it is written, else None.

    That there is such a technique is not asked: `search.panet` knows them.

    Examples
    --------
    >>> panet("http://purl.org/pan-science/PaNET/panet01188"), panet("PaNET1188")
    ('PaNET01188', None)
    """
    found = _PANET.fullmatch((text or "").strip())
    return f"PaNET{found[1]}" if found else None


def pidinst(text: str | None) -> str | None:
    """Return where the PID of an instrument (PIDINST) leads: a DOI or a handle; else None.

    Examples
    --------
    >>> pidinst("hdl:21.T11148/c3cf6e4e"), pidinst("10.5442/NI000001"), pidinst("D22")
    ('https://hdl.handle.net/21.T11148/c3cf6e4e', 'https://doi.org/10.5442/ni000001', None)
    """
    address = doi_address(text)
    if address is not None:
        return address
    bare = _BEFORE_HANDLE.sub("", (text or "").strip(), count=1)
    is_one = len(bare) <= MOST_LETTERS and bare.isascii() and _HANDLE.fullmatch(bare)
    return _AT["Handle"] + quote(bare, safe="/:.") if is_one else None


def rrid(text: str | None) -> str | None:
    """Return a research resource identifier, ``RRID:SCR_014601``, of a known authority, else None.

    Examples
    --------
    >>> rrid("rrid: SCR_014601"), rrid("SCR_014601"), rrid("RRID:XX_1")
    ('RRID:SCR_014601', 'RRID:SCR_014601', None)
    """
    found = _RRID.fullmatch((text or "").strip())
    return f"RRID:{found[1]}" if found else None


def award(text: str | None) -> tuple[str, str | None] | None:
    """Return the number of an award and where it leads, if it is a DOI or address; None for none.

    Examples
    --------
    >>> award("823852"), award("https://doi.org/10.3030/823852")
    (('823852', None), ('10.3030/823852', 'https://doi.org/10.3030/823852'))
    >>> award("javascript:x"), award("x" * 101)
    (None, None)
    """
    given = (text or "").strip()
    as_doi = doi(given)
    if as_doi is not None:
        return as_doi, doi_address(given)
    if _ADDRESS.fullmatch(given):
        return (given, given) if is_web(given) else None
    return (given, None) if _AWARD.fullmatch(given) else None


def known(text: str) -> tuple[str, "Scheme", str] | None:
    """Return an identifier in its own spelling, its scheme and where it leads; None for none.

    Examples
    --------
    >>> known("doi:10.5072/AB")
    ('10.5072/ab', 'DOI', 'https://doi.org/10.5072/ab')
    >>> known("RRID:SCR_014601")[1], known("just words")
    ('RRID', None)
    """
    given = text.strip()
    if not given or len(given) > MOST_LETTERS:
        return None
    found = doi(given)
    if found is not None:
        return found, "DOI", f"https://doi.org/{quote(found, safe='/:;()')}"
    if _NEVER_IN_ADDRESS.search(given):
        return None
    as_rrid = rrid(given) if given[:5].upper() == "RRID:" else None
    if as_rrid is not None:
        return as_rrid, "RRID", _AT["RRID"] + quote(as_rrid, safe="/:")
    # takes its time to import, and most identifiers are DOIs
    import idutils  # type: ignore[import-untyped]  # noqa: PLC0415

    schemes = idutils.detect_identifier_schemes(given)
    for name, scheme in _SCHEMES.items():
        if name in schemes:
            written = cast("str", idutils.normalize_pid(given, name))
            address = written if scheme == "URL" else _AT[scheme] + quote(written, safe="/:")
            return (written, scheme, address) if is_web(address) else None
    return None


def query(pairs: list[tuple[str, str]]) -> str:
    """Return the part of an address after the question mark."""
    return urlencode(pairs, quote_via=quote)


def is_web(text: str) -> bool:
    """Whether a text is an address that a page may link to."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_whole = parts.scheme in {"http", "https"} and bool(parts.netloc)
    return is_whole and not _NEVER_IN_ADDRESS.search(text)
