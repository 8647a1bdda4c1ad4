"""The answer that carries one file: its headers, its ranges, its bytes.

Whoever gets here may have the file. Headers that tell of it (tag, size, checksum) are made only
now, and what a browser receives is kept as a file and never shown: the content is a stranger's.
"""

import base64
import hashlib
import re
from collections.abc import Generator, Mapping
from concurrent.futures import Executor
from datetime import datetime
from typing import Final

from fastapi.responses import Response
from starlette.exceptions import HTTPException

from panosc.data.admitting import Located
from panosc.data.downloads.naming import disposition
from panosc.data.downloads.opening import Distant, Opened, Opener
from panosc.data.downloads.ranges import Span, Version, condition, spans
from panosc.data.downloads.sending import BLOCK, Closing, Streamed
from panosc.domain.times import moment
from panosc.files.storage.places import Store

NEVER_SHOWN: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
OPEN_AGE_S: Final = 600
"""How long a cache may keep what is open to anyone: it may be withdrawn."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_HDF5: Final = (".h5", ".hdf5", ".nxs", ".nx", ".cxi", ".he5")


def sha256_of(located: Located) -> str | None:
    """Return the checksum that the file was registered with, if it is one."""
    text = (located.sha256 or "").lower()
    return text if _SHA256.fullmatch(text) else None


def version_of(located: Located) -> Version:
    """Return what tells this content from any other: its checksum, or where it is since when."""
    known = sha256_of(located)
    if known is None:
        text = f"{located.url}\0{located.size}\0{located.mtime_ns}"
        known = "k" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return Version(tag=f'"{known}"', modified=_time(located.mtime_ns))


def caching(*, is_public: bool) -> dict[str, str]:
    """Return what caches are told: to keep for a while what anyone may have, and nothing else."""
    kept = f"public, max-age={OPEN_AGE_S}" if is_public else "private, no-cache"
    return {"Cache-Control": kept}


def answer(
    located: Located,
    headers: Mapping[str, str],
    *,
    is_head: bool,
    threads: Executor,
    stores: tuple[Store, ...] = (),
) -> Response:
    """Return the answer to a request for a file, with what its headers ask for.

    Raises
    ------
    Unreadable
        If the file is on tape, gone or changed.
    HTTPException
        412 and 416, as RFC 9110 has them.
    """
    version = version_of(located)
    told = {
        "ETag": version.tag,
        **({"Last-Modified": version.last_modified} if version.last_modified else {}),
        **caching(is_public=located.is_public),
    }
    if (early := precondition(headers, version, told)) is not None:
        return early
    told |= _described(located)
    with Opener(stores) as opener:
        opened = opener.open(located)
    if is_head:
        opened.close()
        return Response(headers={**told, "Content-Length": str(located.size)})
    try:
        return _streamed(opened, located, headers, told=told, threads=threads)
    except BaseException:
        opened.close()
        raise


def precondition(
    headers: Mapping[str, str], version: Version, told: Mapping[str, str]
) -> Response | None:
    """Return the answer 304 where nothing has to be sent; None where something has."""
    match condition(headers, version):
        case "not-modified":
            return Response(status_code=304, headers=dict(told))
        case "failed":
            raise HTTPException(412, "It is another version than the one asked for")
        case "send":
            return None


def unsatisfiable(size: int) -> HTTPException:
    """Return the error for ranges of which there is nothing."""
    return HTTPException(
        416, "There are no such bytes in it", headers={"Content-Range": f"bytes */{size}"}
    )


def _described(located: Located) -> dict[str, str]:
    is_hdf5 = located.name.lower().endswith(_HDF5)
    found = {
        "Content-Type": "application/x-hdf5" if is_hdf5 else "application/octet-stream",
        "Content-Disposition": disposition(located.name),
        "Accept-Ranges": "bytes",
        **NEVER_SHOWN,
    }
    if (known := sha256_of(located)) is not None:
        digest = base64.b64encode(bytes.fromhex(known)).decode()
        found |= {"Repr-Digest": f"sha-256=:{digest}:", "Digest": f"sha-256={digest}"}
    return found


def _streamed(
    opened: Opened | Distant,
    located: Located,
    headers: Mapping[str, str],
    *,
    told: dict[str, str],
    threads: Executor,
) -> Streamed:
    wanted = spans(headers, located.size, version_of(located))
    if wanted == []:
        raise unsatisfiable(located.size)
    pieces: list[bytes | Span]
    if wanted is None:
        pieces, status = [Span(start=0, stop=located.size)], 200
    elif len(wanted) == 1:
        pieces, status = [wanted[0]], 206
        told["Content-Range"] = _content_range(wanted[0], located.size)
    else:
        kind = told["Content-Type"]
        boundary = "part-" + hashlib.blake2b(told["ETag"].encode(), digest_size=16).hexdigest()
        told["Content-Type"] = f"multipart/byteranges; boundary={boundary}"
        pieces, status = _parts(wanted, located.size, kind, boundary), 206
    length = sum(len(one) if isinstance(one, bytes) else one.length for one in pieces)
    return Streamed(
        Closing(_read(opened, pieces), opened.close),
        length=length,
        status=status,
        headers=told,
        threads=threads,
        name=f"{located.pid} {located.name}",
    )


def _parts(wanted: list[Span], size: int, kind: str, boundary: str) -> list[bytes | Span]:
    pieces: list[bytes | Span] = []
    for span in wanted:
        head = (
            f"\r\n--{boundary}\r\nContent-Type: {kind}\r\n"
            f"Content-Range: {_content_range(span, size)}\r\n\r\n"
        )
        pieces += [head.encode(), span]
    return [*pieces, f"\r\n--{boundary}--\r\n".encode()]


def _content_range(span: Span, size: int) -> str:
    return f"bytes {span.start}-{span.stop - 1}/{size}"


def _read(opened: Opened | Distant, pieces: list[bytes | Span]) -> Generator[bytes, None, None]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        for offset in range(piece.start, piece.stop, BLOCK):
            yield opened.read(offset, min(BLOCK, piece.stop - offset))


def _time(mtime_ns: int) -> datetime | None:
    found = moment(mtime_ns)
    return found if found.year > 1 else None
