"""Metadata put together from what the index holds ready, in h5grove's order of members."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from panosc.domain.errors import NotFound

if TYPE_CHECKING:
    from panosc.files.index.walking import Step


@dataclass(frozen=True, slots=True)
class Face:
    """What a group's listing shows of one object."""

    kind: str
    before: bytes
    after: bytes


def with_shape(face: Face, shape: tuple[int, ...]) -> Face:
    """Return what is shown of a dataset, with another extent."""
    after = orjson.loads(b"{" + face.after + b"}") | {"shape": shape}
    return Face(face.kind, face.before, orjson.dumps(after)[1:-1])


def of_thing(name: bytes, face: Face, children: bytes | None = None) -> bytes:
    """Return metadata of an object; `name` is JSON, and `children` those of a group."""
    listed = b"" if children is None else b',"children":' + children
    rest = b"," + face.after if face.after else b""
    kind = face.kind.encode()
    return b"".join((b"{", face.before, listed, b',"kind":"', kind, b'","name":', name, rest, b"}"))


def of_link(name: bytes, link: "Step | None") -> bytes:
    """Return metadata of a link that is not followed."""
    if link is not None and link.kind == "soft":
        path = orjson.dumps(link.path)
        return b'{"kind":"soft_link","name":' + name + b',"target_path":' + path + b"}"
    if link is not None and link.kind == "external":
        target = orjson.dumps({"target_file": link.file, "target_path": link.path})
        return b'{"kind":"external_link","name":' + name + b"," + target[1:]
    return b'{"name":' + name + b',"kind":"other"}'


def chosen(members: bytes, names: list[str], path: str) -> bytes:
    """Return some members of a JSON object, each as it was written.

    Raises
    ------
    NotFound
        When one of them is none of it.
    """
    text = members.decode("utf-8")
    decoder = json.JSONDecoder()
    found: dict[str, str] = {}
    position = 1
    while text[position] != "}":
        name, position = decoder.raw_decode(text, position)
        begin = position + 1
        _, position = decoder.raw_decode(text, begin)
        found[name] = text[begin:position]
        position += text[position] == ","
    parts: dict[str, bytes] = {}
    for name in names:
        if name not in found:
            raise NotFound(f"{path} has no attribute {name}.")
        parts[name] = orjson.dumps(name) + b":" + found[name].encode()
    return b"{" + b",".join(parts.values()) + b"}"
