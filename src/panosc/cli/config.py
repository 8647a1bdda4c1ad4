"""`panosc config`: the settings in force, secrets masked."""

from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.settings import Settings


def config(home: Home = None, as_json: AsJson = False) -> None:
    """Print every setting: its value and what it is for."""
    settings = settings_of(home)
    values = settings.model_dump(mode="json")
    if as_json:
        terminal.show_json(values)
        return
    rows = [[name, values[name], info.description] for name, info in Settings.model_fields.items()]
    terminal.show_rows(["setting", "value", "what it is for"], rows)
