"""`panosc fair`: how FAIR a dataset is, or all of them, and what would mend it."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR

_SHOWN = 20


def _now() -> datetime:
    return datetime.now(UTC)


def fair(
    pid: Annotated[
        str | None, typer.Argument(help="A dataset; without it all of them, the least FAIR first.")
    ] = None,
    missing: Annotated[
        str | None, typer.Option(help="Only datasets that fail this check, such as licence.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many datasets.")] = _SHOWN,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Tell how FAIR a dataset is, or all of them, and what would mend it."""
    # what it needs takes a moment to import, which no other verb should wait for
    from panosc.app import publications  # noqa: PLC0415
    from panosc.cli.publishing.scores import catch_up, show_all, show_one  # noqa: PLC0415
    from panosc.policy.shelf import open_shelf  # noqa: PLC0415

    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        services = publications(engine, settings, _now, shelf=open_shelf(settings, engine))
        if pid is not None:
            show_one(services.fairness.report(OPERATOR, pid, lambda path: path), as_json=as_json)
        else:
            catch_up(engine, services.gatherer)
            items = services.fairness.worst(OPERATOR, missing=missing, limit=limit)
            show_all(services.fairness.standing(OPERATOR), items, as_json=as_json)
