"""Walk a node's OAI-PMH through all verbs, formats, sets and errors; validate every answer.

    python scripts/validate_oai.py FOLDER ADDRESS [PAGES]

FOLDER holds ``OAI-PMH.xsd``, ``oai_dc.xsd`` and ``simpledc20021212.xsd`` of openarchives.org. What
is in DataCite's namespaces is validated if FOLDER has ``datacite/metadata.xsd`` (kernel 4.5), else
passed over. ADDRESS is that of the node, such as ``http://127.0.0.1:8000``; of each list PAGES
(20) pages are asked for. The program ends with 1 if an answer is not valid, or not as expected.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
from lxml import etree

OAI = "{http://www.openarchives.org/OAI/2.0/}"
PREFIXES = ("oai_dc", "oai_datacite", "datacite")
KERNEL = "{http://datacite.org/schema/kernel-4}resource"
WRONG = {
    "": "badVerb",
    "verb=Nonsense": "badVerb",
    "verb=Identify&verb=Identify": "badVerb",
    "verb=Identify&x=1": "badArgument",
    "verb=GetRecord&metadataPrefix=oai_dc": "badArgument",
    "verb=GetRecord&metadataPrefix=oai_dc&identifier=invalid%22id": "idDoesNotExist",
    "verb=GetRecord&metadataPrefix=oai_dc&identifier=a%25b%20c%C3%A9%5B%5E": "idDoesNotExist",
    "verb=GetRecord&metadataPrefix=oai_dc&identifier=%25zz": "idDoesNotExist",
    "verb=ListMetadataFormats&identifier=none": "idDoesNotExist",
    "verb=ListIdentifiers&metadataPrefix=marc": "cannotDisseminateFormat",
    "verb=ListIdentifiers&metadataPrefix=a%20b": "badArgument",
    "verb=ListIdentifiers&metadataPrefix=oai_dc&from=junk": "badArgument",
    "verb=ListIdentifiers&metadataPrefix=oai_dc&until=2000-01-01": "noRecordsMatch",
    "verb=ListIdentifiers&metadataPrefix=oai_dc&from=2100-01-01T00:00:00Z": "noRecordsMatch",
    "verb=ListIdentifiers&metadataPrefix=oai_dc&set=none": "noRecordsMatch",
    "verb=ListIdentifiers&metadataPrefix=oai_dc&set=a%20b": "badArgument",
    "verb=ListIdentifiers&metadataPrefix=oai_dc&from=2026-01-01&until=2026-01-01T00:00:00Z": (
        "badArgument"
    ),
    "verb=ListRecords&resumptionToken=junk": "badResumptionToken",
    "verb=ListSets&resumptionToken=junk": "badResumptionToken",
}


XML = """<schema xmlns="http://www.w3.org/2001/XMLSchema"
  targetNamespace="http://www.w3.org/XML/1998/namespace">
  <attribute name="lang" type="language"/>
</schema>"""
"""As much of the schema of ``xml:`` as is used."""


def schema(folder: Path) -> etree.XMLSchema:
    """Return the schema of the protocol with that of Dublin Core; others are let pass."""
    protocol = (folder / "OAI-PMH.xsd").read_text("utf-8")
    made = f"""<schema xmlns="http://www.w3.org/2001/XMLSchema">
      <import namespace="{OAI[1:-1]}" schemaLocation="OAI-PMH.xsd"/>
      <import namespace="{OAI[1:-1]}oai_dc/" schemaLocation="oai_dc.xsd"/>
    </schema>"""
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        # strict would want a schema of everything that is in a record
        relaxed = protocol.replace('processContents="strict"', 'processContents="lax"')
        (here / "OAI-PMH.xsd").write_text(relaxed, "utf-8")
        (here / "xml.xsd").write_text(XML, "utf-8")
        (here / "all.xsd").write_text(made, "utf-8")
        for other in ("oai_dc.xsd", "simpledc20021212.xsd"):
            text = (folder / other).read_text("utf-8")
            near = re.sub(r'schemaLocation="[^"]*/([^/"]+)"', r'schemaLocation="\1"', text)
            (here / other).write_text(near, "utf-8")
        return etree.XMLSchema(file=str(here / "all.xsd"))


class Walk:
    """Asks and validates; counts what was asked, and what was wrong."""

    def __init__(self, folder: Path, address: str, pages: int) -> None:
        self._client = httpx.Client(timeout=120)
        self._address, self._pages = f"{address.rstrip('/')}/oai", pages
        self._schema = schema(folder)
        kernel = folder / "datacite" / "metadata.xsd"
        self._kernel = etree.XMLSchema(file=str(kernel)) if kernel.exists() else None
        self.asked = self.records = 0
        self.faults: list[str] = []

    def ask(self, query: str, code: str | None = None, *, posts: bool = False) -> etree._Element:
        """Ask one thing, whose answer is an error of the protocol where `code` says so."""
        if posts:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._client.post(self._address, content=query, headers=form)
        else:
            answer = self._client.get(f"{self._address}?{query}")
        self.asked += 1
        root = etree.fromstring(answer.content)
        if answer.status_code != 200:  # noqa: PLR2004
            self.faults.append(f"{query}: status {answer.status_code}")
        if not self._schema.validate(root):
            self.faults.append(f"{query}: {self._schema.error_log.last_error}")
        error = root.find(f"{OAI}error")
        found = None if error is None else error.get("code")
        if found != code:
            self.faults.append(f"{query}: {found} instead of {code}")
        for resource in root.iter(KERNEL):
            self.records += 1
            if self._kernel is not None and not self._kernel.validate(etree.ElementTree(resource)):
                self.faults.append(f"{query}: {self._kernel.error_log.last_error}")
        return root

    def pages(self, query: str) -> Iterator[etree._Element]:
        """Yield the first pages of a list."""
        verb = query.partition("&")[0]
        root = self.ask(query)
        for _ in range(self._pages):
            yield root
            token = root.findtext(f".//{OAI}resumptionToken")
            if not token:
                return
            root = self.ask(f"{verb}&resumptionToken={token}", posts=True)

    def everything(self) -> None:
        """Walk through all there is."""
        self.ask("verb=Identify")
        self.ask("verb=ListMetadataFormats")
        sets = [one.text for one in self.ask("verb=ListSets").iter(f"{OAI}setSpec")]
        some: dict[str | None, str] = {}
        for prefix in PREFIXES:
            for verb in ("ListRecords", "ListIdentifiers"):
                for root in self.pages(f"verb={verb}&metadataPrefix={prefix}"):
                    for header in root.iter(f"{OAI}header"):
                        some.setdefault(header.get("status"), header[0].text or "")
        for name in sets:
            # there may be a set that nothing is left in
            next(self.pages(f"verb=ListIdentifiers&metadataPrefix=oai_dc&set={name}"))
        for identifier in some.values():
            for prefix in PREFIXES:
                self.ask(f"verb=GetRecord&metadataPrefix={prefix}&identifier={identifier}")
            self.ask(f"verb=ListMetadataFormats&identifier={identifier}")
        for query, code in WRONG.items():
            self.ask(query, code)
            self.ask(query, code, posts=True)


if __name__ == "__main__":
    folder, address, *more = sys.argv[1:]
    walk = Walk(Path(folder), address, int(more[0]) if more else 20)
    walk.everything()
    print(f"{walk.asked} answers, {walk.records} records of DataCite, {len(walk.faults)} faults")
    sys.exit("\n".join(walk.faults[:20]) if walk.faults else 0)
