"""What is said of a record that says little: its description, the name of its licence.

Pure functions of text; what is core alone goes in, so nothing here can tell more than that.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from panosc.publication.identifiers import is_web
from panosc.publication.record import Instrument, Licence, Term, day

# what neither XML nor HTML can hold, and what only disturbs
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]|[\ud800-\udfff]")
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{1,60}")
_CREATIVE = re.compile(r"(?:CC-(BY(?:-NC)?(?:-SA|-ND)?)-(\d\.\d))")
_ADDRESS = re.compile(
    r"https?://creativecommons\.org/licenses/(by(?:-nc)?(?:-sa|-nd)?)/(\d\.\d)(?:/.*)?"
)
_ZERO = "https://creativecommons.org/publicdomain/zero/1.0/"
_KINDS: Final = {
    "raw": "Raw data",
    "reduced": "Reduced data",
    "simulated": "Simulated data",
}


def plain(text: str | None) -> str:
    r"""Return text without characters that no document may hold and without ends; "" for none.

    Examples
    --------
    >>> plain(" a\x07b "), plain(None)
    ('a�b', '')
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", (text or "").replace("\r\n", "\n")).strip()


def kind_words(kind: str | None) -> str:
    """Return what kind of data they are, in words."""
    return _KINDS.get(kind or "raw", "Data")


def description(
    what: str,
    *,
    terms: Sequence[Term],
    instrument: Instrument | None,
    facility: str,
    collected: tuple[datetime | None, datetime | None],
) -> str:
    """Return a sentence on a record that has no description of its own.

    Examples
    --------
    >>> description("Raw data", terms=(), instrument=None, facility="ESS", collected=(None, None))
    'Raw data from ESS.'
    """
    by = f" by {' and '.join(term.label for term in terms)}" if terms else ""
    at = f" on {instrument.name}" if instrument else ""
    start = collected[0]
    when = f", measured on {day(start)}" if start else ""
    return f"{what}{by}{at} from {facility}{when}."


def licence(given: str | None) -> Licence | None:
    """Return a licence with its SPDX identifier and its page, as far as they are known.

    Examples
    --------
    >>> licence("cc-by-4.0").url
    'https://creativecommons.org/licenses/by/4.0/'
    >>> licence("https://creativecommons.org/licenses/by/4.0/legalcode").id
    'CC-BY-4.0'
    """
    text = plain(given)
    if not text:
        return None
    if text.upper() in {"CC0", "CC0-1.0"} or text.startswith(_ZERO.removesuffix("/")):
        return Licence(name="CC0-1.0", id="CC0-1.0", url=_ZERO)
    address = _ADDRESS.fullmatch(text.lower())
    creative = _CREATIVE.fullmatch(text.upper())
    if address or creative:
        parts = address or creative
        kind, version = (parts[1], parts[2]) if parts else ("", "")
        id_ = f"CC-{kind.upper()}-{version}"
        url = f"https://creativecommons.org/licenses/{kind.lower()}/{version}/"
        return Licence(name=id_, id=id_, url=url)
    if is_web(text):
        return Licence(name=text, url=text)
    is_spdx = _SPDX.fullmatch(text) and any(sign.isdigit() or sign == "-" for sign in text)
    if is_spdx:
        return Licence(name=text, id=text, url=f"https://spdx.org/licenses/{text}.html")
    return Licence(name=text)
