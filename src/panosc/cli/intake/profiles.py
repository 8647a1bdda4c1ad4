"""Site profiles on the command line: which there are, whether one is right, what it does."""

from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from panosc.cli import terminal
from panosc.cli.options import AsJson
from panosc.ingest.profiles import Profile
from panosc.ingest.profiles.shipped import names, shipped
from panosc.ingest.profiles.writing import check_file, profile_in


def profiles_command(as_json: AsJson = False) -> None:
    """List the site profiles that come with the software."""
    rows = []
    for name in names():
        path = shipped(name)
        rows.append([name, profile_in(path).title, str(path)])
    columns = ["profile", "title", "file"]
    if as_json:
        terminal.show_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        terminal.show_rows(columns, rows)


def check_profile_command(
    file: Annotated[Path, typer.Argument(help="A site profile, a YAML file.")],
    as_json: AsJson = False,
) -> None:
    """Check a site profile and name every fault, with its line; exit code 2 if there is one."""
    checked = check_file(file)
    document = checked.document
    if as_json:
        terminal.show_json(
            {
                "file": str(file),
                "profile": None if document is None else document.profile,
                "faults": [
                    {"line": fault.line, "path": fault.path, "message": fault.message}
                    for fault in checked.faults
                ],
            }
        )
    elif document is not None:
        columns = ["profile", "rules", "file"]
        terminal.show_rows(columns, [[document.profile, len(document.rules), str(file)]])
    else:
        for fault in checked.faults:
            terminal.say(str(fault))
    if checked.faults:
        raise typer.Exit(2)


def show(profile: Profile, path: Path, as_json: bool) -> None:
    """Print what a profile makes of a path, step by step."""
    steps = profile.explain(PurePosixPath(path.absolute()))
    if as_json:
        terminal.show_json([{"asked": asked, "result": result} for asked, result in steps])
    else:
        terminal.show_rows(["asked", "result"], steps)
