"""JSON-LD inside a page: a record as `publication.exports.schema_org` tells it."""

import json
from typing import Any

from markupsafe import Markup

_HIDE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def script(described: dict[str, Any]) -> Markup:
    """Return JSON that can stand inside a script element whatever it holds."""
    text = json.dumps(described, ensure_ascii=False, separators=(",", ":"), default=str)
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").translate(_HIDE)
    return Markup(text)  # noqa: S704 - nothing of it can end the script element any more
