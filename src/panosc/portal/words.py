"""How values are written on a page: sizes, dates, numbers, units, addresses of records.

Pure functions. Whatever returns `Markup` has escaped what it was given.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from markupsafe import Markup, escape

from panosc.charts.ticks import number as short_number
from panosc.domain.units import display

_RAISED = re.compile(r"10\^(−?-?\d+)|([⁻⁰¹²³⁴⁵⁶⁷⁸⁹·]*[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_LOWER = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹·", "−0123456789.")
# what XML and HTML cannot hold, and what would only disturb: control characters but tab and newline
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{1,60}")
_CREATIVE = re.compile(r"CC-(BY(?:-NC)?(?:-SA|-ND)?)-(\d\.\d)")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_BROWSERS = (
    r"\b(Edg|OPR|Vivaldi|Firefox)\w*/(\d+)",
    r"(Chrome|CriOS|FxiOS)/(\d+)",
    r"Version/()(?=(\d+)).*Safari",
    r"^([\w. -]{1,40})(?:/(\d+))?",
)
_BROWSER_NAMES = {
    "Edg": "Edge",
    "OPR": "Opera",
    "CriOS": "Chrome",
    "FxiOS": "Firefox",
    "": "Safari",
}
_SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
_PREFIXES = ("kB", "MB", "GB", "TB", "PB")


def clean(text: str) -> str:
    r"""Return text without characters that no page may hold; lines end as browsers send them.

    Examples
    --------
    >>> clean("a\x07b"), clean("a\r\nb")
    ('a�b', 'a\nb')
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def browser(agent: str | None) -> str:
    """Return what a browser calls itself as people call it; for others the first word.

    Examples
    --------
    >>> browser("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox 140 on Linux'
    >>> browser("curl/8.5.0"), browser("")
    ('curl 8', 'A browser that does not say its name')
    """
    # the more special names first: most claim to be Chrome and Safari as well
    found = next(filter(None, (re.search(kind, agent or "") for kind in _BROWSERS)), None)
    if found is None:
        return "A browser that does not say its name"
    name = _BROWSER_NAMES.get(found[1], found[1])
    system = next((name for mark, name in _SYSTEMS.items() if mark in (agent or "")), None)
    version = f" {found[2]}" if found[2] else ""
    return name + version + (f" on {system}" if system else "")


def size(count: float | None) -> str:
    """Return a number of bytes as people read it, in powers of a thousand.

    Examples
    --------
    >>> size(999), size(18_400_000_000), size(1)
    ('999 bytes', '18.4 GB', '1 byte')
    """
    if count is None:
        return ""
    if count < 1000:  # noqa: PLR2004
        return plural(int(count), "byte")
    value = float(count)
    for prefix in _PREFIXES:
        value /= 1000
        if value < 999.5 or prefix == _PREFIXES[-1]:  # noqa: PLR2004
            break
    return f"{value:.3g} {prefix}" if value < 999.5 else f"{value:,.0f} {prefix}"  # noqa: PLR2004


def plural(count: int, noun: str, several: str | None = None) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> plural(1, "dataset"), plural(1284, "dataset"), plural(0, "entry", "entries")
    ('1 dataset', '1,284 datasets', '0 entries')
    """
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def moment(text: str | None) -> datetime | None:
    """Return a time of an answer, or None for none."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def date(text: str | None) -> Markup:
    """Return the day of a time."""
    when = moment(text)
    if when is None:
        return Markup()
    day = f"{when:%Y-%m-%d}" if when.year > 999 else when.date().isoformat()  # noqa: PLR2004
    return Markup('<time datetime="{}">{}</time>').format(text, day)


def day_and_time(text: str | None) -> Markup:
    """Return a time to the minute; that it is UTC has to be said beside it."""
    when = moment(text)
    if when is None:
        return Markup()
    shown = when.isoformat(sep=" ", timespec="minutes").removesuffix("+00:00")
    return Markup('<time datetime="{}">{}</time>').format(text, shown)


def raised(text: str) -> Markup:
    """Return text with its exponents raised by mark-up, which every font can show."""
    pieces: list[str] = []
    position = 0
    for match in _RAISED.finditer(text):
        pieces.append(str(escape(text[position : match.start()])))
        ten = "10" if match[1] else ""
        power = match[1].replace("-", "−") if match[1] else match[2].translate(_LOWER)
        pieces.append(f"{ten}<sup>{power}</sup>")
        position = match.end()
    pieces.append(str(escape(text[position:])))
    return Markup("".join(pieces))  # noqa: S704 - every piece is escaped above


def unit(text: str | None) -> Markup:
    """Return a unit as people read it."""
    shown = display(text) if text else ""
    return raised("" if shown in {"1", "dimensionless"} else shown)


def number(value: Any) -> str:
    """Return a number with the digits that were measured, or any other value as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) and abs(value) < 10**9:
        return (
            f"{value:,}".replace("-", "−") if abs(value) >= 10**4 else f"{value}".replace("-", "−")
        )
    return short_number(float(value), digits=6)


def quantity(value: Any, name: str | None) -> Markup:
    """Return a value with its unit, never broken between the two."""
    shown = unit(name)
    space = "" if shown.startswith("°") and len(shown) == 1 else Markup("&nbsp;")
    text = raised(number(value)) if not isinstance(value, str) else escape(value)
    return text + space + shown if shown else text


def words(name: str) -> str:
    """Return the name of a parameter as words.

    Examples
    --------
    >>> words("incident_wavelength")
    'Incident wavelength'
    """
    text = " ".join(name.replace("_", " ").split())
    return text[:1].upper() + text[1:]


def coded(text: str) -> Markup:
    """Return text with what stands between backticks as code."""
    pieces = text.split("`")
    shown = [
        Markup("<code>{}</code>").format(piece) if index % 2 else escape(piece)
        for index, piece in enumerate(pieces)
    ]
    return Markup("").join(shown)


def query_string(pairs: Iterable[tuple[str, str]]) -> str:
    """Return key and value pairs as the query part of a URL that people can read."""
    return "&".join(f"{quote_plus(key)}={quote_plus(value, safe=':/,')}" for key, value in pairs)


def doi_address(pid: str | None) -> str | None:
    """Return where a DOI leads, or None for what is none."""
    text = (pid or "").removeprefix("https://doi.org/").removeprefix("doi:")
    return f"https://doi.org/{quote(text, safe='/:')}" if _DOI.fullmatch(text) else None


def licence_address(name: str | None) -> str | None:
    """Return the page of a licence: its own address, or that of its SPDX identifier."""
    text = (name or "").strip()
    if urlsplit_is_web(text):
        return text
    if text.upper() in {"CC0", "CC0-1.0"}:
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    creative = _CREATIVE.fullmatch(text.upper())
    if creative:
        return f"https://creativecommons.org/licenses/{creative[1].lower()}/{creative[2]}/"
    is_spdx = _SPDX.fullmatch(text) and any(sign.isdigit() or sign == "-" for sign in text)
    return f"https://spdx.org/licenses/{text}.html" if is_spdx else None


def urlsplit_is_web(text: str) -> bool:
    """Whether a text is an address that a page may link to."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def orcid_address(text: str | None) -> str | None:
    """Return the page of an ORCID, or None for what is none."""
    number_ = (text or "").rstrip("/").rpartition("/")[2]
    is_orcid = re.fullmatch(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", number_)
    return f"https://orcid.org/{number_}" if is_orcid else None


def contact_address(contact: str) -> str:
    """Return a contact as an address; an e-mail may be given without its scheme.

    Examples
    --------
    >>> contact_address("csirt@node.example"), contact_address("https://node.example/report")
    ('mailto:csirt@node.example', 'https://node.example/report')
    """
    return contact if ":" in contact else f"mailto:{contact}"
