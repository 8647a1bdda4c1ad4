"""`panosc adopt`: shadow mode."""

from dataclasses import replace
from typing import Annotated

import typer

from panosc.cli import terminal
from panosc.cli.federating import asking
from panosc.cli.federating.connector import harvest_command, keep
from panosc.cli.options import AsJson, Home
from panosc.federation.adopting import adopted, guess
from panosc.federation.source import checked_name, read_secret


def adopt(  # noqa: PLR0913, PLR0917 - the options of a command
    url: Annotated[str, typer.Argument(help="Address of the catalogue, or a folder.")],
    kind: Annotated[
        str | None,
        typer.Option(
            help="What it is.",
            autocompletion=asking.complete_kinds,
            show_default="found out by asking",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What to call it here.", show_default="from the address")
    ] = None,
    title: asking.Title = None,
    option: asking.KeyValues = None,
    account: asking.Account = None,
    secret_file: asking.SecretFile = None,
    private: asking.Private = False,
    every: asking.Every = "1h",
    later: Annotated[
        bool, typer.Option("--later", help="Leave the first harvest to `panosc serve`.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Follow this facility's existing catalogue, or a tree of files; nothing changes there.

    Its identifiers, groups and embargo dates are kept. `panosc connector remove` undoes it.
    """
    if name is not None:
        checked_name(name)
    with asking.opened(home) as (settings, _, sources):
        taken = [known.source.name for known in sources.all()]
        plain = adopted(asking.address_of(url), name=name, title=title, taken=taken)
        source = replace(
            plain,
            options=asking.options_of(option),
            account=account,
            secret=read_secret(secret_file),
            is_private=private,
            every_s=asking.seconds_of(every),
        )
        source = replace(source, kind=kind or guess(settings, source))
    if kind is None:
        terminal.say(f"It is a catalogue of kind {source.kind}.")
    is_quiet = as_json and not later
    keep(source, secret_file, home=home, is_probed=True, as_json=as_json, is_quiet=is_quiet)
    if not later:
        harvest_command(source.name, home=home, as_json=as_json)
    terminal.say(f"To undo all of it: panosc connector remove {source.name}")
