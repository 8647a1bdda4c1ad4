"""Lists of files for other programs: a script for curl, for aria2, checksums, Globus, JSON.

Every name in a list is safe (`naming`) and quoted for whoever reads it. No list holds a
credential but signed links, which somebody asked for.
"""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from fastapi.responses import Response

from panosc.data.downloads import answering, doors
from panosc.data.downloads.bagging import Item
from panosc.data.downloads.links import download_path
from panosc.data.downloads.service import Chosen, Downloads
from panosc.domain.access import Who

Form = Literal["curl", "aria2", "manifest", "urls", "globus", "json"]
_FILES: Final[dict[str, str]] = {
    "curl": "download.sh",
    "aria2": "download.aria2",
    "manifest": "manifest-sha256.txt",
    "urls": "urls.txt",
    "globus": "transfer.txt",
    "json": "files.json",
}
_SCRIPT: Final = """\
#!/bin/sh
# {title}
# {count}. What was begun is continued, what is there is left alone: run it again at any time.
# Data that are not public: PANOSC_TOKEN=… sh {file}
set -eu
failed=0
ask() {{
  if [ -n "${{PANOSC_TOKEN:-}}" ]; then
    printf 'Authorization: Bearer %s\\n' "$PANOSC_TOKEN" | curl --header @- "$@"
  else
    curl "$@"
  fi
}}
get() {{ # address, name, size
  if [ -f "$2" ] && [ "$(wc -c < "$2")" -eq "$3" ]; then return; fi
  case $2 in */*) mkdir -p -- "${{2%/*}}" ;; esac
  if [ "$3" -eq 0 ]; then : > "$2"; return; fi
  echo "$2"
  ask --fail --silent --show-error --retry 3 -C - --output "$2" "$1" || failed=1
}}
{gets}if [ "$failed" -ne 0 ]; then echo 'Not all files came. Run it again.' >&2; exit 1; fi
if command -v sha256sum > /dev/null; then check=sha256sum; else check='shasum -a 256'; fi
{check}"""
_CHECK: Final = """\
$check -c <<'PANOSC_END'
{manifest}PANOSC_END
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A file in a list."""

    item: Item
    address: str

    @property
    def name(self) -> str:
        """What it is called where it goes to."""
        return self.item.name

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.item.located.size

    @property
    def sha256(self) -> str | None:
        """What it was registered with."""
        return answering.sha256_of(self.item.located)


def answer(
    downloads: Downloads,
    who: Who,
    chosen: Chosen,
    form: Form,
    link: Callable[[str], str],
) -> Response:
    """Return a list of files that were chosen; `link` makes an address of a path.

    Raises
    ------
    NotFound
        If a list for Globus is asked for, and the files are not there.
    """
    lines = [_line(item, link) for item in chosen.online]
    make: dict[Form, Callable[[], str]] = {
        "curl": lambda: _curl(downloads, who, chosen, lines),
        "aria2": lambda: _aria2(chosen, lines),
        "manifest": lambda: "".join(_manifest(lines)),
        "urls": lambda: "".join(f"{line.address}\n" for line in lines),
        "globus": lambda: doors.transfers(downloads.settings.data_doors, chosen.online),
        "json": lambda: _json(downloads, chosen, link),
    }
    text = make[form]()
    kind = "application/json" if form == "json" else "text/plain; charset=utf-8"
    return Response(
        text.encode(),
        headers={
            "Content-Type": kind,
            "Content-Disposition": f'attachment; filename="{_FILES[form]}"',
            **answering.caching(is_public=chosen.is_public),
            **answering.NEVER_SHOWN,
        },
    )


def _line(item: Item, link: Callable[[str], str]) -> Line:
    return Line(item=item, address=link(download_path(item.located.pid, item.located.name)))


def _curl(downloads: Downloads, who: Who, chosen: Chosen, lines: Sequence[Line]) -> str:
    gets = "".join(
        f"get {shlex.quote(line.address)} {shlex.quote(line.name)} {line.size}\n" for line in lines
    )
    manifest = "".join(_manifest(lines))
    about = downloads.about(who, chosen.pids[:3])
    title = "; ".join(f"{one.title} ({one.pid})" for one in about)
    return _SCRIPT.format(
        title=_comment(title),
        count=f"{len(lines)} file(s), {chosen.size} bytes{_left_out(chosen)}",
        file=_FILES["curl"],
        gets=gets,
        check=_CHECK.format(manifest=manifest) if manifest else "",
    )


def _aria2(chosen: Chosen, lines: Sequence[Line]) -> str:
    found = [
        f"# aria2c --continue=true --input-file={_FILES['aria2']}{_left_out(chosen)}\n",
        '# Data that are not public: --header="Authorization: Bearer $PANOSC_TOKEN"\n',
    ]
    for line in lines:
        found.append(f"{line.address}\n  out={line.name}\n")
        if line.sha256:
            found.append(f"  checksum=sha-256={line.sha256}\n")
    return "".join(found)


def _manifest(lines: Sequence[Line]) -> Iterator[str]:
    """Yield what ``sha256sum -c`` reads, of files that have a checksum."""
    for line in lines:
        if line.sha256:
            yield f"{line.sha256}  {line.name}\n"


def _json(downloads: Downloads, chosen: Chosen, link: Callable[[str], str]) -> str:
    every = sorted((*chosen.online, *chosen.missing), key=lambda item: item.name)
    files: list[dict[str, Any]] = []
    for item in every:
        located = item.located
        files.append(
            {
                "pid": located.pid,
                "name": located.name,
                "savedAs": item.name,
                "size": located.size,
                "sha256": answering.sha256_of(located),
                "format": located.format,
                "tier": located.tier,
                "url": link(download_path(located.pid, located.name)),
                "links": [
                    {"kind": way.kind, "title": way.title, "url": way.address}
                    for way in doors.ways(downloads.settings.data_doors, located)
                ],
            }
        )
    told = {"datasets": list(chosen.pids), "count": len(files), "size": chosen.size}
    return orjson.dumps({**told, "files": files}).decode()


def _left_out(chosen: Chosen) -> str:
    count = len(chosen.missing)
    return f"; {count} more are not on disk and not in this list" if count else ""


def _comment(text: str) -> str:
    """Return text that ends no comment: on one line, of characters that show."""
    shown = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    return shown[:300]
