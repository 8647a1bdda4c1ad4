"""The node's own key: it seals what is kept, and signs what comes back.

One file of 32 bytes, readable by its owner alone, made when it is first needed; machines of one
node share it through the setting ``secret_file``.
"""

import base64
import binascii
import hashlib
import os
import secrets
from pathlib import Path
from typing import Any

import orjson
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from panosc.domain.errors import Unavailable
from panosc.settings import Settings

_BYTES = 32
_SEALED = {"alg": "dir", "enc": "A256GCM"}
# a header is a stranger's JSON: the library looks into some of it before it has checked its kind
_NOT_OURS = (
    JoseError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
    binascii.Error,
)


def digest(secret: str) -> bytes:
    """Return what is kept of a random secret: enough to know it again, not to use it."""
    return hashlib.sha256(secret.encode()).digest()


class Keys:
    """Seals and signs with keys that are derived from the node's key, one for each purpose."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, value: dict[str, Any], purpose: str) -> str:
        """Return `value` as a text that only this node can read."""
        return jwe.encrypt_compact(_SEALED, orjson.dumps(value), self._derived(purpose))

    def unseal(self, text: str, purpose: str) -> dict[str, Any] | None:
        """Return what was sealed for `purpose`; None for anything else."""
        try:
            plain = jwe.decrypt_compact(text, self._derived(purpose)).plaintext
        except _NOT_OURS:
            return None
        return None if plain is None else dict(orjson.loads(plain))

    def sign(self, value: dict[str, Any], purpose: str) -> str:
        """Return `value` as a short signed text that anyone can read."""
        return jws.serialize_compact({"alg": "HS256"}, orjson.dumps(value), self._derived(purpose))

    def verify(self, text: str, purpose: str) -> dict[str, Any] | None:
        """Return what was signed for `purpose`; None for anything else."""
        try:
            found = jws.deserialize_compact(text, self._derived(purpose), algorithms=["HS256"])
        except _NOT_OURS:
            return None
        return dict(orjson.loads(found.payload))

    def secret(self, purpose: str) -> str:
        """Return a secret text that stays the same for `purpose`."""
        return hashlib.blake2b(purpose.encode(), key=self._key, digest_size=_BYTES).hexdigest()

    def _derived(self, purpose: str) -> OctKey:
        derived = hashlib.blake2b(purpose.encode(), key=self._key, digest_size=_BYTES).digest()
        text = base64.urlsafe_b64encode(derived).rstrip(b"=").decode()
        return OctKey.import_key({"kty": "oct", "k": text})


def node_keys(settings: Settings) -> Keys:
    """Return the keys of this node; the file is made, whole or not at all, when it is missing.

    Raises
    ------
    Unavailable
        If the file cannot be read or holds something else.
    """
    path = settings.secret_file or settings.home / "node.key"
    try:
        if settings.secret_file is None and not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise Unavailable(
            f"The key of the node, {path}, cannot be used: {error.strerror}.",
            hint="The account that runs the node has to be able to read it.",
        ) from None
    if len(key) != _BYTES:
        raise Unavailable(
            f"{path} is not the key of a node: it has {len(key)} bytes, not {_BYTES}.",
            hint="Bring the file back from a backup, or make one: head -c 32 /dev/urandom.",
        )
    return Keys(key)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # whoever comes second takes the key of the first
        try:
            os.link(fresh, path)
        except FileExistsError:
            return
    finally:
        fresh.unlink()
