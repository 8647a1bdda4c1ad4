"""Side files: what somebody wrote of a dataset in a small file in its folder, JSON or YAML.

It may say title, description, sample, people and parameters; never whose data they are. What is
wrong with one is told and passed over.
"""

import os
import stat
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic import ValidationError as NotValid

from panosc.ingest.formats import Contributor, Quantity, Specimen
from panosc.ingest.told import Told
from panosc.policy.written.checking import check_as

LARGEST = 256 * 1024
MOST = 500
"""Parameters and people of one side file."""

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
_Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


def _named(given: object) -> object:
    return {"name": given} if isinstance(given, str) else given


def _valued(given: object) -> object:
    is_plain = isinstance(given, str | int | float) and not isinstance(given, bool)
    return {"value": given} if is_plain else given


def _many(given: object) -> object:
    return [given] if isinstance(given, str | dict) else given


class _Part(BaseModel):
    # keys that it does not know may be for other programs; the known ones have to be right
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Person(_Part):
    """A person."""

    name: _Short
    role: _Short | None = None
    affiliation: _Short | None = None
    orcid: _Short | None = None


class Sample(_Part):
    """A sample."""

    name: _Short | None = None
    description: _Text | None = None
    formula: _Short | None = None
    identifier: _Short | None = None


class Parameter(_Part):
    """A value with its unit."""

    value: Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True)] | _Short
    unit: Annotated[str, StringConstraints(max_length=40)] | None = None


class SideFile(_Part):
    """What a side file may say."""

    title: _Short | None = None
    description: _Text | None = None
    sample: Annotated[
        tuple[Annotated[Sample, BeforeValidator(_named)], ...], BeforeValidator(_many)
    ] = Field(default=(), max_length=MOST)
    people: Annotated[
        tuple[Annotated[Person, BeforeValidator(_named)], ...], BeforeValidator(_many)
    ] = Field(default=(), max_length=MOST)
    parameters: dict[_Short, Annotated[Parameter, BeforeValidator(_valued)]] = Field(
        default={}, max_length=MOST
    )


class WrongSide(ValueError):
    """A side file that cannot be used; says why."""


def told_by(folder: str, names: Sequence[str]) -> tuple[Told, str | None]:
    """Return what the first of these files in a folder says, and which it was.

    Raises
    ------
    WrongSide
    """
    for name in names:
        content = _content(f"{folder.rstrip('/')}/{name}")
        if content is not None:
            return _told(_read(name, content), name), name
    return Told(), None


def _content(path: str) -> bytes | None:
    """Return the bytes of a regular file; links are not followed, pipes not waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WrongSide(f"cannot be opened: {error.strerror}") from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise WrongSide("is no file")
        try:
            content = file.read(LARGEST + 1)
        except OSError as error:
            raise WrongSide(f"cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise WrongSide(f"is larger than {LARGEST // 1024} kB")
    return content


def _read(name: str, content: bytes) -> SideFile:
    if not name.endswith(".json"):
        checked = check_as(SideFile, content, file=name, further=lambda _: ())
        if checked.document is None:
            raise WrongSide(
                "; ".join(
                    f"line {one.line}: {one.path} {one.message}" for one in checked.faults[:5]
                )
            )
        return checked.document
    try:
        return SideFile.model_validate(orjson.loads(content))
    except orjson.JSONDecodeError as error:
        raise WrongSide(f"is no JSON: {error}") from None
    except NotValid as error:
        raise WrongSide("; ".join(_fault(item) for item in error.errors()[:5])) from None


def _fault(item: Any) -> str:
    return f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"


def _told(side: SideFile, name: str) -> Told:
    said = f"side file {name}"
    parts: dict[str, Any] = {
        "title": side.title,
        "description": side.description,
        "samples": tuple(Specimen(**one.model_dump()) for one in side.sample),
        "people": tuple(Contributor(**one.model_dump()) for one in side.people),
        "parameters": tuple(
            Quantity(name=key, value=one.value, unit=one.unit, path="")
            for key, one in side.parameters.items()
        ),
    }
    return Told(**parts, origins={key: said for key, value in parts.items() if value})
