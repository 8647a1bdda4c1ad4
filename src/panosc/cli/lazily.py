"""The verbs by name, each imported only when it is used: a command answers at once.

What a verb does is its module; the line that stands for it in the list of all is here, too, and
a test holds the two equal.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

VERBS: dict[str, tuple[str, str, str]] = {
    "serve": (
        "serve",
        "serve",
        "Run the node. Prints `ready http://HOST:PORT` once it answers; Ctrl-C stops all of it.",
    ),
    "ingest": (
        "intake.group",
        "app",
        "Register files: what they say becomes datasets, they stay where they are.",
    ),
    "edit": (
        "intake.editing",
        "edit",
        "Correct records: shows what would change, asks, and does it as a run.",
    ),
    "history": (
        "intake.editing",
        "history",
        "Print what was done to a record, by whom and why, the newest first.",
    ),
    "catalogue": ("catalogue", "app", "Load and dump the catalogue as NDJSON."),
    "search": (
        "search",
        "search",
        "Search the catalogues that this node knows, for what anybody may see.",
    ),
    "index": ("index", "app", "The search index: how it stands, build it anew."),
    "storage": (
        "storage",
        "app",
        "Storages that files are read from: list, check, add what lies there.",
    ),
    "tape": ("files.tape", "app", "Files on tape: what is wanted and mounted."),
    "doi": ("publishing.doi", "app", "DOIs of datasets and documents at DataCite."),
    "links": (
        "publishing.links",
        "app",
        "Links between records and works elsewhere.",
    ),
    "connector": (
        "federating.connector",
        "app",
        "Other catalogues: add them, probe them, harvest them.",
    ),
    "adopt": (
        "federating.adopt",
        "adopt",
        "Follow this facility's existing catalogue, or a tree of files; nothing changes there.",
    ),
    "group": ("people.group", "app", "Groups, their members, roles in this node."),
    "policy": ("policy", "app", "The data policy: check, show, explain, try out."),
    "token": ("people.token", "app", "Tokens for programs, made on the node itself."),
    "user": ("people.user", "app", "Accounts of people and services."),
    "audit": (
        "audit",
        "audit",
        "Print the audit trail, the oldest line first; --json prints one JSON object a line.",
    ),
    "fair": (
        "publishing.fair",
        "fair",
        "Tell how FAIR a dataset is, or all of them, and what would mend it.",
    ),
    "login": (
        "remote.login",
        "login",
        "Log in at a node: shows an address and a code for your browser, and waits for you there.",
    ),
    "logout": (
        "remote.login",
        "logout",
        "End your login at a node: its tokens are good no more, and forgotten here.",
    ),
    "whoami": (
        "remote.login",
        "whoami",
        "Print who you are to a node: by your login there, or the token in PANOSC_TOKEN.",
    ),
    "data": (
        "remote.data",
        "app",
        "Files of a dataset at a node: list them, look into them, fetch them, or a part of one.",
    ),
    "config": ("config", "config", "Print every setting: its value and what it is for."),
}
"""Verb → module in `panosc.cli`, what it is called there, what it does."""


class Later(TyperCommand):
    """Stands for a verb until it is used."""

    def __init__(self, name: str, place: tuple[str, str, str]) -> None:
        super().__init__(name, help=place[2])
        self._module, self._attribute, _ = place

    def now(self) -> Any:
        """Return the verb itself, a command of Typer's."""
        found: Any = getattr(import_module(f"panosc.cli.{self._module}"), self._attribute)
        if isinstance(found, typer.Typer):
            return typer.main.get_command(found)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(self.name)(found)
        return typer.main.get_command(alone)

    @override
    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Begin to run the verb itself."""
        return self.now().make_context(info_name, args, parent, **extra)


class LazyGroup(TyperGroup):
    """The group of all verbs."""

    verbs = VERBS

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        """Return their names, in the order of the list above."""
        return list(self.verbs)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Return what stands for a verb."""
        place = self.verbs.get(cmd_name)
        return None if place is None else Later(cmd_name, place)
