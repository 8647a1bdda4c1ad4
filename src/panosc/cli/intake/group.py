"""`panosc ingest`: files and folders, or one of its commands."""

from typing import Any

import typer
from typing_extensions import override

from panosc.cli.lazily import LazyGroup

COMMANDS: dict[str, tuple[str, str, str]] = {
    "files": (
        "intake.files",
        "ingest",
        "Register files and folders; `panosc ingest PATH…` is short for it.",
    ),
    "profiles": (
        "intake.profiles",
        "profiles_command",
        "List the site profiles that come with the software.",
    ),
    "check-profile": (
        "intake.profiles",
        "check_profile_command",
        "Check a site profile and name every fault, with its line; exit code 2 if there is one.",
    ),
    "runs": (
        "intake.runs",
        "runs_command",
        "List the runs that changed records, the newest first; or one with its report.",
    ),
    "undo": (
        "intake.runs",
        "undo_command",
        "Bring every record back to what it was before a run; that can be undone, too.",
    ),
    "quarantine": (
        "intake.runs",
        "quarantine_command",
        "List the files that cannot be read as what they claim to be.",
    ),
    "retry": (
        "intake.runs",
        "retry_command",
        "Let the next run read files again that were set aside: all, or those named.",
    ),
    "announce": (
        "intake.messages",
        "announce_command",
        "Announce a dataset at a node: its files are ingested there, where they lie.",
    ),
    "listen": (
        "intake.messages",
        "listen_command",
        "Listen to the broker of the settings, keep what is announced, and ingest its files.",
    ),
}
"""Command → module in `panosc.cli`, what it is called there, what it does."""


class IngestGroup(LazyGroup):
    """What is no command is a path: give ``./runs`` for a folder of such a name."""

    verbs = COMMANDS

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command that paths are for before them."""
        if args and args[0] not in COMMANDS and args[0] not in {"--help", "-h"}:
            args = ["files", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=IngestGroup,
    help="Register files: what they say becomes datasets, they stay where they are.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _root() -> None:
    """Take nothing: every option belongs to a command."""
