r"""Records as BibTeX: one ``@misc`` each, which every style knows, as DataCite writes datasets.

Texts are escaped for TeX and stay UTF-8. Addresses stand as they are (``\url`` and ``\href``
of the styles want them so) and hold nothing that could end a field.
"""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from panosc.publication.exporting import Export
from panosc.publication.record import Agent, Publication

_TEX = str.maketrans(
    {
        **{letter: f"\\{letter}" for letter in "#$%&_"},
        # names for the others: BibTeX counts braces, also those after a backslash
        "\\": r"{\textbackslash}",
        "{": r"{\textbraceleft}",
        "}": r"{\textbraceright}",
        "~": r"{\textasciitilde}",
        "^": r"{\textasciicircum}",
        '"': r"{\textquotedbl}",
    }
)
_KEY = re.compile(r"[^A-Za-z0-9./:-]+")
_PLAIN = re.compile(r"[A-Za-z0-9./:;()_<>+-]+")
_LONGEST_KEY = 80


def lines(records: Iterable[Publication], *, total: int, most: int, page: str) -> Iterator[str]:
    """Yield a file of many: a remark on what it holds, then the entries."""
    held = f"the first {most} of {total}" if total > most else f"all {total}"
    yield f"Datasets of {_remark(page)}: {held}\n"
    for record in records:
        yield "\n" + entry(record)


def entry(record: Publication) -> str:
    """Return one record as an entry."""
    # braces keep the capitals of a title, formulas above all
    fields = {
        "author": " and ".join(_name(agent) for agent in record.creators),
        "title": f"{{{escaped(record.title)}}}",
        "year": f"{record.year:04}",
        "publisher": f"{{{escaped(record.publisher.name)}}}",
        "howpublished": _kind(record),
        "doi": _doi(record),
        "url": record.identifier,
        "copyright": "" if record.licence is None else escaped(record.licence.name),
    }
    written = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@misc{{{key(record.pid)},\n" + ",\n".join(written) + "\n}\n"


def key(pid: str) -> str:
    """Return the citation key of a PID, the same in every file.

    Examples
    --------
    >>> key("10.5072/x1"), key("10.5072/x_1")
    ('10.5072/x1', '10.5072/x-1-1aaf3b1a')
    """
    plain = _KEY.sub("-", pid)[:_LONGEST_KEY].strip("-")
    if plain == pid:
        return plain
    return f"{plain}-{sha256(pid.encode()).hexdigest()[:8]}"


def escaped(text: str) -> str:
    r"""Return text as TeX takes it.

    Examples
    --------
    >>> print(escaped("50 % of {Fe} & Li_2O"))
    50 \% of {\textbraceleft}Fe{\textbraceright} \& Li\_2O
    """
    return " ".join(text.split()).translate(_TEX)


def _name(agent: Agent) -> str:
    if agent.family and agent.given:
        return f"{{{escaped(agent.family)}}}, {{{escaped(agent.given)}}}"
    # braces: what is not known to be two names is not taken apart at its spaces, nor at an “and”
    return f"{{{escaped(agent.name)}}}"


def _kind(record: Publication) -> str:
    return "Dataset" if record.model == "Dataset" else escaped(record.kind.capitalize())


def _doi(record: Publication) -> str:
    return record.doi if record.doi and _PLAIN.fullmatch(record.doi) else ""


def _remark(text: str) -> str:
    """Return text that begins no entry: what stands between entries is a remark."""
    return text.replace("@", "%40")


def _write(publication: Publication) -> bytes:
    return entry(publication).encode()


EXPORT: Final = Export(
    name="bibtex",
    title="BibTeX",
    media_type="application/x-bibtex",
    suffix=".bib",
    write=_write,
)
