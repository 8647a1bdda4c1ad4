"""Options that every command has, and the settings they lead to."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from panosc.domain.errors import Invalid
from panosc.files.apart import asking
from panosc.settings import Settings

Home = Annotated[
    Path | None, typer.Option(help="Folder of the node.", show_default="~/.local/share/panosc")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings_of(home: Path | None, **given: Any) -> Settings:
    """Return the settings; what the command line gives wins.

    Raises
    ------
    Invalid
        If a value from anywhere cannot be used, with its name.
    """
    values = {name: value for name, value in given.items() if value is not None}
    if home is not None:
        values["home"] = home.expanduser().absolute()
    try:
        found = Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise Invalid(
            f"The setting {name} cannot be used: {first['msg']}.",
            field=name,
            hint="Settings come from panosc.toml in the home, PANOSC_… variables and options.",
        ) from None
    asking.use(found.reader_command)
    return found
