"""A stand-in for an OAI-PMH provider, written from the protocol (version 2.0), with its faults.

It serves records that it is given as DataCite XML, keeps deleted ones or forgets them, and can be
told to break the protocol in the ways that providers were seen to: SciCat's gives no tokens,
ignores ``from`` and dates every record now; Invenio's tokens end after a minute.

python -m cloud.standins.oai PORT serves some records.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape, quoteattr

from cloud.standins.running import QuietServer, running
from typing_extensions import override

Fault = Literal[
    "no-tokens",
    "ignores-from",
    "dated-now",
    "forgets-tokens",
    "circles",
    "endless",
    "busy",
    "bad-earliest",
    "no-dates",
    "refuses-seconds",
]
_FORMATS = {
    "oai_dc": "http://www.openarchives.org/OAI/2.0/oai_dc/",
    "oai_datacite": "http://schema.datacite.org/oai/oai-1.1/",
}


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record; `xml` is a DataCite ``resource``, None if it was deleted."""

    identifier: str
    changed: datetime
    xml: str | None
    set: str = "openaire_data"


@dataclass(kw_only=True)
class Provider:
    """One provider; everything may be changed while it runs."""

    records: dict[str, Record] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    page: int = 10
    deleted: Literal["no", "transient", "persistent"] = "persistent"
    is_fine: bool = True
    """Whether its dates have seconds."""
    faults: set[Fault] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)

    def put(self, records: Iterable[Record]) -> None:
        """Add or change records."""
        self.records |= {record.identifier: record for record in records}

    def delete(self, identifiers: Iterable[str]) -> None:
        """Delete records; whether it says so is the matter of `deleted`."""
        for name in identifiers:
            if self.deleted == "no":
                del self.records[name]
            else:
                gone = replace(self.records[name], xml=None, changed=self.clock())
                self.records[name] = gone

    def answer(self, asked: dict[str, str]) -> str:
        """Return the XML of an answer."""
        self.asked.append(asked)
        verb = asked.get("verb", "")
        match verb:
            case "Identify":
                body = self._identity()
            case "ListMetadataFormats":
                body = "".join(
                    f"<metadataFormat><metadataPrefix>{name}</metadataPrefix><schema>{space}x.xsd"
                    f"</schema><metadataNamespace>{space}</metadataNamespace></metadataFormat>"
                    for name, space in _FORMATS.items()
                )
            case "ListRecords" | "ListIdentifiers":
                body = self._list(asked, is_whole=verb == "ListRecords")
            case _:
                body = _error("badVerb")
        inner = body if body.startswith("<error") else f"<{verb}>{body}</{verb}>"
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<o:OAI-PMH xmlns:o="http://www.openarchives.org/OAI/2.0/"'
            ' xmlns="http://www.openarchives.org/OAI/2.0/">'
            f"<responseDate>{self._written(self.clock(), is_fine=True)}</responseDate>"
            f"<request>http://stand-in.example/oai</request>{inner}</o:OAI-PMH>"
        )

    def _identity(self) -> str:
        dates = [record.changed for record in self.records.values()]
        earliest = self._written(min(dates, default=self.clock()))
        fine = "YYYY-MM-DDThh:mm:ssZ" if self.is_fine else "YYYY-MM-DD"
        return (
            "<repositoryName>Stand-in</repositoryName><baseURL>http://stand-in.example/oai"
            "</baseURL><protocolVersion>2.0</protocolVersion><adminEmail>a@b.example</adminEmail>"
            "<earliestDatestamp>"
            f"{'2017-01-00T03:24:00Z' if 'bad-earliest' in self.faults else earliest}"
            f"</earliestDatestamp><deletedRecord>{self.deleted}</deletedRecord>"
            f"<granularity>{fine}</granularity>"
        )

    def _list(self, asked: dict[str, str], *, is_whole: bool) -> str:
        token = asked.get("resumptionToken")
        if token is None:
            start, since, of = 0, asked.get("from", ""), asked.get("set", "")
        else:
            try:
                number, since, of = token.split(",")
                start = int(number)
            except ValueError:
                return _error("badResumptionToken")
            if "forgets-tokens" in self.faults:
                return _error("badResumptionToken")
        if "refuses-seconds" in self.faults and "T" in since:
            return _error("badArgument")
        found = [
            record
            for record in sorted(
                self.records.values(), key=lambda one: (one.changed, one.identifier)
            )
            if "ignores-from" in self.faults
            or self._written(record.changed)[: len(since)] >= since[:20]
        ]
        found = [record for record in found if not of or record.set == of]
        if not found:
            return _error("noRecordsMatch")
        return self._page(found, start, (since, of), is_whole=is_whole)

    def _page(self, found: list[Record], start: int, of: tuple[str, str], *, is_whole: bool) -> str:
        size = len(found)
        if "no-tokens" in self.faults:
            return "".join(self._record(record, is_whole=is_whole) for record in found)
        end = start + self.page
        if "circles" in self.faults:
            start, end = 0, self.page
            size = 10**6
        shown = found[start:end]
        if "endless" in self.faults:
            end, size = end + 1, 10**9
            shown = [] if start else shown
        more = f"{end},{of[0]},{of[1]}" if end < size else ""
        body = "".join(self._record(record, is_whole=is_whole) for record in shown)
        if not more and not start:
            return body
        return (
            f'{body}<resumptionToken completeListSize="{size}" cursor="{start}">'
            f"{escape(more)}</resumptionToken>"
        )

    def _record(self, record: Record, *, is_whole: bool) -> str:
        at = self.clock() if "dated-now" in self.faults else record.changed
        dated = "" if "no-dates" in self.faults else f"<datestamp>{self._written(at)}</datestamp>"
        status = ' status="deleted"' if record.xml is None else ""
        header = (
            f"<header{status}><identifier>{escape(record.identifier)}</identifier>{dated}"
            f"<setSpec>{record.set}</setSpec></header>"
        )
        if not is_whole:
            return header
        inner = "" if record.xml is None else f"<metadata>{record.xml}</metadata>"
        return f"<record>{header}{inner}</record>"

    def _written(self, at: datetime, *, is_fine: bool | None = None) -> str:
        fine = self.is_fine if is_fine is None else is_fine
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ" if fine else "%Y-%m-%d")


def _error(code: str) -> str:
    return f'<error code="{code}">Refused.</error>'


def resource(doi: str, title: str, *, general: str = "Dataset", more: str = "") -> str:
    """Return DataCite XML, in the envelope of ``oai_datacite``."""
    return (
        '<q:oai_datacite xmlns:q="http://schema.datacite.org/oai/oai-1.1/"><q:payload>'
        '<resource xmlns="http://datacite.org/schema/kernel-4">'
        f'<identifier identifierType="DOI">{escape(doi)}</identifier><creators><creator>'
        '<creatorName nameType="Personal">Example, Ada</creatorName><givenName>Ada</givenName>'
        '<familyName>Example</familyName><nameIdentifier nameIdentifierScheme="ORCID">'
        "https://orcid.org/0000-0002-1825-0097</nameIdentifier></creator></creators>"
        f"<titles><title>{escape(title)}</title></titles><publisher>A Facility</publisher>"
        "<publicationYear>2024</publicationYear>"
        f"<resourceType resourceTypeGeneral={quoteattr(general)}>Raw data</resourceType>"
        f"{more}</resource></q:payload></q:oai_datacite>"
    )


def some(count: int, at: datetime, *, prefix: str = "10.5072") -> Iterator[Record]:
    """Yield records that were changed at some time."""
    for number in range(count):
        yield Record(
            identifier=f"oai:stand-in.example:{number}",
            changed=at,
            xml=resource(f"{prefix}/oai-{number}", f"Scattering of iron, run {number}"),
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        provider = self.server.provider
        asked = dict(parse_qsl(urlsplit(self.path).query))
        if "busy" in provider.faults:
            provider.faults.discard("busy")
            self._send(503, b"Come again.", {"Retry-After": "1"})
            return
        self._send(200, provider.answer(asked).encode(), {"Content-Type": "text/xml"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Server(QuietServer):
    def __init__(self, provider: Provider, port: int) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", port), _Handler)


@contextmanager
def serving(provider: Provider, *, port: int = 0) -> Iterator[str]:
    """Serve on this machine; yield the address."""
    with running(_Server(provider, port)) as address:
        yield f"{address}/oai"


if __name__ == "__main__":
    stand_in = Provider()
    stand_in.put(some(25, datetime(2026, 1, 1, tzinfo=UTC)))
    with serving(stand_in, port=int(sys.argv[1]) if sys.argv[1:] else 0) as address:
        print(address)
        threading.Event().wait()
