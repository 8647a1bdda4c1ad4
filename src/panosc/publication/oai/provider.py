"""The data provider: one answer for each request, to anyone alike."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, get_args

import sqlalchemy as sa
from lxml import etree

from panosc.domain.access import ANYONE
from panosc.identity.keys import Keys
from panosc.publication.exports.oai_dc import Element
from panosc.publication.gathering import Gatherer
from panosc.publication.oai import names, rendering, store, tokens
from panosc.publication.oai.arguments import Asked, Refused, checked, period
from panosc.publication.oai.rendering import FORMATS, add
from panosc.publication.oai.store import Line
from panosc.publication.oai.tokens import Place, Span
from panosc.publication.reading.describing import plain
from panosc.publication.record import Address, Model, Publication
from panosc.settings import Settings

PATH: Final = "/oai"
PAGE: Final = {"ListRecords": 100, "ListIdentifiers": 1000}
"""How many a page holds."""
_NO_ARGUMENTS = frozenset({"badVerb", "badArgument"})
_MAIL = re.compile(r"mailto:([^\s?@]+@(?:[^\s?@.]+\.)+[^\s?@.]+)(?:\?.*)?")


class Provider:
    """Answers harvesters.

    Parameters
    ----------
    engine : Engine
    clock : callable
    gatherer : Gatherer
        Tells what anyone may know of records.
    settings : Settings
    keys : Keys
        The node's, which sign where a harvest is.
    lineage : callable
        Tells of techniques which sets they are in.
    """

    def __init__(
        self,
        engine: sa.Engine,
        clock: Callable[[], datetime],
        gatherer: Gatherer,
        *,
        settings: Settings,
        keys: Keys,
        lineage: names.Lineage,
    ) -> None:
        self._engine, self._clock, self._gatherer = engine, clock, gatherer
        self._settings, self._keys, self._lineage = settings, keys, lineage
        self._domain = names.repository(settings.base_url)

    def answer(self, pairs: Sequence[tuple[str, str]], address: Address) -> bytes:
        """Return the XML of an answer; errors of the protocol are answers too.

        Parameters
        ----------
        pairs : sequence
            The arguments as they came, with the verb.
        address : callable
            Makes paths absolute.
        """
        now, told = self._clock(), dict[str, str]()
        try:
            asked = checked(pairs)
            told = {"verb": asked.verb, **asked.arguments}
            if not names.is_repeatable(told.get("identifier", "")):
                del told["identifier"]
            root = rendering.envelope(now, address(PATH), told)
            self._fill(add(root, asked.verb), asked, now, address)
        except Refused as refused:
            kept = {} if refused.code in _NO_ARGUMENTS else told
            root = rendering.envelope(now, address(PATH), kept)
            add(root, "error", refused.message).set("code", refused.code)
        return etree.tostring(root, encoding="UTF-8", xml_declaration=True)

    def _fill(self, body: Element, asked: Asked, now: datetime, address: Address) -> None:
        match asked.verb:
            case "Identify":
                self._identify(body, now, address)
            case "ListMetadataFormats":
                self._formats(body, asked.arguments.get("identifier"), now)
            case "ListSets":
                self._sets(body, asked.arguments, now)
            case "GetRecord":
                self._record(body, asked.arguments, now, address)
            case _:
                self._list(body, asked, now, address)

    def _identify(self, body: Element, now: datetime, address: Address) -> None:
        with self._engine.connect() as connection:
            earliest = store.earliest(connection) or now
        contact = _MAIL.fullmatch(self._settings.contact or "")
        for name, text in (
            ("repositoryName", plain(self._settings.facility)),
            ("baseURL", address(PATH)),
            ("protocolVersion", "2.0"),
            ("adminEmail", contact[1] if contact else f"nobody@{names.NOWHERE}"),
            ("earliestDatestamp", rendering.written(earliest)),
            ("deletedRecord", "persistent"),
            ("granularity", "YYYY-MM-DDThh:mm:ssZ"),
        ):
            add(body, name, text)
        rendering.described(body, self._domain)

    def _formats(self, body: Element, identifier: str | None, now: datetime) -> None:
        if identifier is not None:
            with self._engine.connect() as connection:
                self._one(connection, identifier, now)
        for prefix, (schema, namespace) in FORMATS.items():
            made = add(body, "metadataFormat")
            add(made, "metadataPrefix", prefix)
            add(made, "schema", schema)
            add(made, "metadataNamespace", namespace)

    def _sets(self, body: Element, arguments: dict[str, str], now: datetime) -> None:
        if "resumptionToken" in arguments:
            raise Refused("badResumptionToken", "All sets are on one page.")
        with self._engine.connect() as connection:
            found = store.sets(connection, self._lineage, self._settings.facility, now=now)
        for spec, name in found.items():
            made = add(body, "set")
            add(made, "setSpec", spec)
            add(made, "setName", name)

    def _record(
        self, body: Element, arguments: dict[str, str], now: datetime, address: Address
    ) -> None:
        prefix = _format(arguments["metadataPrefix"])
        with self._engine.connect() as connection:
            line = self._one(connection, arguments["identifier"], now)
            self._write(connection, body, [line], prefix, address)

    def _one(self, connection: sa.Connection, identifier: str, now: datetime) -> Line:
        named = names.record(self._domain, identifier)
        found = None
        if named is not None and "\0" not in named[1]:
            # what opens now is open
            at = now + timedelta(microseconds=1)
            found = store.one(connection, named[0], named[1], at=at)
        if found is None:
            raise Refused("idDoesNotExist", "No record of this node has this identifier.")
        return found

    # lists

    def _list(self, body: Element, asked: Asked, now: datetime, address: Address) -> None:
        token = asked.arguments.get("resumptionToken")
        with self._engine.connect() as connection:
            if token is None:
                place, lines = self._begin(connection, asked, now)
            else:
                place, lines = self._go_on(connection, asked.verb, token, now)
            most = PAGE[asked.verb]
            shown = lines[:most]
            if asked.verb == "ListRecords":
                self._write(connection, body, shown, place.prefix, address)
            else:
                self._headers(connection, body, shown, now)
        more = None
        if len(lines) > most:
            next_ = Place(
                verb=place.verb,
                prefix=place.prefix,
                span=place.span,
                after=shown[-1].key,
                given=place.given + most,
                size=place.size,
            )
            more = tokens.write(self._keys, next_, now=now)
        if more is not None or token is not None:
            rendering.resumption(body, more, now + tokens.LASTS, given=place.given, size=place.size)

    def _begin(
        self, connection: sa.Connection, asked: Asked, now: datetime
    ) -> tuple[Place, list[Line]]:
        prefix = _format(asked.arguments["metadataPrefix"])
        start, end = period(asked.arguments)
        span = Span(
            at=now.replace(microsecond=0), start=start, end=end, set=asked.arguments.get("set")
        )
        # whatever is stamped from here on is stamped later than `now`
        store.settle(connection)
        connection.commit()
        lines = store.page(connection, span, None, PAGE[asked.verb] + 1)
        if not lines:
            raise Refused("noRecordsMatch", "No record is like that.")
        is_all = len(lines) <= PAGE[asked.verb]
        size = len(lines) if is_all else store.count(connection, span)
        place = Place(
            verb=asked.verb, prefix=prefix, span=span, after=lines[0].key, given=0, size=size
        )
        return place, lines

    def _go_on(
        self, connection: sa.Connection, verb: str, token: str, now: datetime
    ) -> tuple[Place, list[Line]]:
        place = tokens.read(self._keys, token, now=now)
        if place is None or place.verb != verb:
            raise Refused("badResumptionToken", "This token is not of this list, or too old.")
        lines = store.page(connection, place.span, place.after, PAGE[verb] + 1)
        if not lines:
            # what was still to come has changed, and comes in the next harvest; a page must not
            # be empty, so the last record comes again
            line = store.by_key(connection, place.after, at=place.span.at)
            lines = [] if line is None else [line]
        if not lines:
            raise Refused("badResumptionToken", "Nothing is left of this list; begin again.")
        return place, lines

    def _headers(
        self, connection: sa.Connection, body: Element, lines: Sequence[Line], now: datetime
    ) -> None:
        known = store.known(connection, lines, now=now)
        for line in lines:
            rendering.header(body, _as_known(line, line.key[1] in known), self._domain)

    def _write(
        self,
        connection: sa.Connection,
        body: Element,
        lines: Sequence[Line],
        prefix: str,
        address: Address,
    ) -> None:
        told: dict[tuple[str, str], Publication] = {}
        for model in get_args(Model):
            pids = [line.pid for line in lines if line.model == model and not line.is_deleted]
            for item in self._gatherer.many(connection, ANYONE, model, pids, address):
                told[model, item.pid] = item
        for line in lines:
            publication = told.get((line.model, line.pid))
            made = add(body, "record")
            rendering.header(made, _as_known(line, publication is not None), self._domain)
            if publication is not None:
                rendering.metadata(made, publication, prefix)


def _as_known(line: Line, is_known: bool) -> Line:
    """Return a line as what the catalogue says now, where that has gone and was not taken up."""
    if is_known or line.is_deleted:
        return line
    return Line(
        key=line.key,
        model=line.model,
        pid=line.pid,
        datestamp=line.datestamp,
        is_deleted=True,
        sets=line.sets,
    )


def _format(prefix: str) -> str:
    if prefix not in FORMATS:
        raise Refused("cannotDisseminateFormat", f"Records come as {', '.join(FORMATS)}.")
    return prefix
