"""Links from DataCite's events and from Scholix: answers written from their documents."""

import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import publication_catalogue as given
import pytest
import sqlalchemy as sa
from cloud.standins.running import running
from typer.testing import CliRunner

from panosc.catalogue.publishing.tables import related
from panosc.cli.publishing.links import app
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Invalid
from panosc.publication.gathering import Gatherer
from panosc.publication.links.importing import Imported, Importer
from panosc.publication.links.reading import events, next_page
from panosc.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _event(subject: str, relation: str, object_: str) -> dict[str, Any]:
    """An event as DataCite's Event Data answers it (JSON:API)."""
    return {
        "id": "0a1b2c3d-0000-4000-8000-000000000000",
        "type": "events",
        "attributes": {
            "subj-id": subject,
            "obj-id": object_,
            "source-id": "crossref",
            "relation-type-id": relation,
            "total": 1,
            "message-action": "create",
            "occurred-at": "2024-05-01T00:00:00.000Z",
        },
    }


def _package(source: str, relation: str, target: str) -> dict[str, Any]:
    """A link package as ScholeXplorer answers it (Scholix 3)."""

    def end(doi: str, kind: str, title: str) -> dict[str, Any]:
        return {
            "Identifier": [
                {"ID": doi, "IDScheme": "doi", "IDURL": f"https://doi.org/{doi}"},
            ],
            "Title": title,
            "Type": kind,
            "Publisher": [{"name": "A publisher"}],
        }

    return {
        "LinkPublicationDate": "2024-05-01",
        "LinkProvider": [{"name": "DataCite"}],
        "RelationshipType": {"Name": relation, "SubType": relation},
        "source": end(source, "publication", "What proteins say"),
        "target": end(target, "dataset", "Ours"),
    }


DATACITE = json.dumps(
    {
        "data": [
            _event("https://doi.org/10.1107/A1", "references", f"https://doi.org/{given.OPEN}"),
            _event(f"https://doi.org/{given.EMBARGOED}", "is-supplement-to", "10.1107/a2"),
            _event("https://doi.org/10.5555/foreign", "cites", "https://doi.org/10.5555/other"),
            _event("https://doi.org/10.1107/a1", "likes", f"https://doi.org/{given.OPEN}"),
            _event("https://example.org/page", "references", f"https://doi.org/{given.OPEN}"),
            "no event",
        ],
        "links": {"self": "https://x/events", "next": "https://x/events?page=2"},
    }
).encode()
SCHOLIX = json.dumps(
    {"currentPage": 0, "result": [_package("10.1107/b1", "References", given.OPEN.upper())]}
).encode()


def test_events_are_kept_for_our_records_once(telling: Gatherer, engine: sa.Engine) -> None:
    importer = Importer(engine, lambda: NOW)
    first = importer.take(OPERATOR, events(DATACITE))
    assert first == Imported(added=2, known=0, foreign=1, unread=3)
    again = importer.take(OPERATOR, events(DATACITE))
    assert again == Imported(added=0, known=2, foreign=1, unread=3)
    other = importer.take(OPERATOR, events(SCHOLIX))
    assert other == Imported(added=1)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(related)).all()
    assert {(row.pid, row.relation, row.identifier, row.source) for row in rows} == {
        (given.OPEN, "IsReferencedBy", "10.1107/a1", "datacite"),
        (given.EMBARGOED, "IsSupplementTo", "10.1107/a2", "datacite"),
        (given.OPEN, "IsReferencedBy", "10.1107/b1", "scholix"),
    }
    publication = telling.one(OPERATOR, "Dataset", given.OPEN, given.address)
    told = {work.identifier: work for work in publication.related}
    assert told["10.1107/b1"].title == "What proteins say"
    assert told["10.1107/b1"].general == "JournalArticle"


def test_two_records_of_ours_hear_of_each_other(telling: Gatherer, engine: sa.Engine) -> None:
    assert telling is not None
    line = _event(given.OPEN, "is-derived-from", given.WITHDRAWN)
    found = Importer(engine, lambda: NOW).take(OPERATOR, events(json.dumps([line]).encode()))
    assert found.added == 2
    with engine.connect() as connection:
        rows = connection.execute(sa.select(related.c.pid, related.c.relation)).all()
    assert set(rows) == {(given.OPEN, "IsDerivedFrom"), (given.WITHDRAWN, "IsSourceOf")}


def test_the_next_page_is_followed_and_nonsense_refused() -> None:
    assert next_page(DATACITE) == "https://x/events?page=2"
    assert next_page(SCHOLIX) is None
    for wrong in (b"<xml/>", b"{}", b'{"data": 1}'):
        with pytest.raises(Invalid):
            list(events(wrong))


def test_the_command_reads_files_and_follows_pages(
    telling: Gatherer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert telling is not None
    assert settings.database_url is not None
    monkeypatch.setenv("PANOSC_HOME", str(settings.home))
    monkeypatch.setenv("PANOSC_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("PANOSC_OUTBOUND_HOSTS", '["127.0.0.1"]')
    (tmp_path / "scholix.json").write_bytes(SCHOLIX)

    class Pages(BaseHTTPRequestHandler):
        """Stands in for DataCite: two pages, the first says where the second is."""

        def do_GET(self) -> None:
            here = f"http://127.0.0.1:{self.server.server_address[1]}/events"
            told = json.loads(DATACITE)
            if self.path.endswith("page=2"):
                told = {"data": [_event("10.1107/c1", "cites", given.BARE), *told["data"][:1]]}
            else:
                told["links"]["next"] = f"{here}?page=2"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_parts: object) -> None:
            pass

    with running(HTTPServer(("127.0.0.1", 0), Pages)) as address:
        command = ["import", f"{address}/events", str(tmp_path / "scholix.json"), "--json"]
        done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"added": 3, "known": 1, "foreign": 1, "unread": 4}
