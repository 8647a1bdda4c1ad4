"""`panosc connector`: other catalogues that this node asks live and harvests."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from panosc.catalogue.database import give_way
from panosc.cli import terminal
from panosc.cli.federating import asking, telling
from panosc.cli.options import AsJson, Home
from panosc.domain.errors import Invalid, PanoscError
from panosc.federation.connectors import kinds
from panosc.federation.harvesting.harvester import Harvester, Wish
from panosc.federation.harvesting.removing import remove, would_go
from panosc.federation.overview.harvests import newest
from panosc.federation.probing import probe
from panosc.federation.source import Source, checked_name, read_secret
from panosc.settings import Settings

app = typer.Typer(
    help="Other catalogues: add them, probe them, harvest them.", no_args_is_help=True
)
PARTLY = 3
_SHOWN = 5

Name = Annotated[
    str, typer.Argument(help="Name of the catalogue.", autocompletion=asking.complete_names)
]


@app.command("add")
def add_command(  # noqa: PLR0913, PLR0917 - the options of a command
    name: Annotated[str, typer.Argument(help="Name of your choice: small letters and digits.")],
    kind: Annotated[
        str,
        typer.Option(
            help="What it is: `panosc connector kinds`.", autocompletion=asking.complete_kinds
        ),
    ],
    url: Annotated[str, typer.Option(help="Its address; of a folder file:///… or its path.")],
    title: asking.Title = None,
    option: asking.KeyValues = None,
    account: asking.Account = None,
    secret_file: asking.SecretFile = None,
    private: asking.Private = False,
    no_live: Annotated[bool, typer.Option("--no-live", help="Never ask it live.")] = False,
    no_harvest: Annotated[bool, typer.Option("--no-harvest", help="Never harvest it.")] = False,
    every: asking.Every = "1h",
    prefix: Annotated[
        str | None,
        typer.Option(
            help="Before identifiers that mean something only there.", show_default="NAME/"
        ),
    ] = None,
    no_probe: Annotated[bool, typer.Option("--no-probe", help="Do not ask it anything.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Add a catalogue, after asking it what it is and does."""
    source = Source(
        name=checked_name(name),
        kind=kind,
        url=asking.address_of(url),
        title=title or name,
        options=asking.options_of(option),
        prefix=f"{name}/" if prefix is None else prefix,
        account=account,
        secret=read_secret(secret_file),
        is_private=private,
        is_live=not no_live,
        is_harvested=not no_harvest,
        every_s=asking.seconds_of(every),
    )
    keep(source, secret_file, home=home, is_probed=not no_probe, as_json=as_json)


def keep(
    source: Source,
    secret_file: Path | None,
    *,
    home: Path | None,
    is_probed: bool,
    as_json: bool,
    is_quiet: bool = False,
) -> None:
    """Probe a catalogue and keep it; tell of both."""
    with asking.opened(home) as (settings, _, sources):
        sources.check(source)
        probed = probe(settings, source) if is_probed else None
        sources.add(source, secret_file=secret_file, by=asking.BY)
        if probed is not None:
            sources.keep_probed(source.name, probed)
        known = sources.get(source.name)
    if is_quiet:
        return
    if as_json:
        terminal.show_json(telling.told_of(known))
        return
    if probed is not None:
        telling.show_probed(probed)
    terminal.say(f"{source.name} is added.")
    if known.source.is_harvested:
        terminal.say(f"`panosc serve` harvests it; so does: panosc connector harvest {source.name}")


@app.command("list")
def list_command(home: Home = None, as_json: AsJson = False) -> None:
    """List the catalogues."""
    with asking.opened(home) as (_, _, sources):
        found = sources.all()
    if as_json:
        terminal.show_json([telling.told_of(known) for known in found])
    else:
        terminal.show_rows(telling.COLUMNS, [telling.row_of(known) for known in found])


@app.command("show")
def show_command(name: Name, home: Home = None, as_json: AsJson = False) -> None:
    """Show a catalogue: what its probe found, and its last harvests."""
    with asking.opened(home) as (_, engine, sources):
        known = sources.get(name)
        with engine.connect() as connection:
            runs = newest(connection, name, limit=_SHOWN)
    told = telling.told_of(known) | {"harvests": [asdict(run) for run in runs]}
    if as_json:
        terminal.show_json(told)
        return
    hidden = {"probed", "harvests"}
    terminal.show_rows(["what", "value"], [[k, v] for k, v in told.items() if k not in hidden])
    if known.probed is not None:
        telling.show_probed(known.probed)
    columns = ["harvest", "kind", "state", "started", "counts", "message"]
    rows = [[r.id, r.kind, r.state, r.started, dict(r.counts), r.message] for r in runs]
    terminal.show_rows(columns, rows)


@app.command("kinds")
def kinds_command(as_json: AsJson = False) -> None:
    """List the kinds of catalogues, what each can, and against what it was tried."""
    found: list[dict[str, Any]] = [
        {
            "kind": name,
            "title": kind.title,
            "abilities": sorted(kind.abilities),
            "options": sorted(kind.Options.model_fields),
            "tried": [asdict(item) for item in kind.tried],
        }
        for name, kind in sorted(kinds().items())
    ]
    if as_json:
        terminal.show_json(found)
        return
    rows = [
        [
            one["kind"],
            one["title"],
            ", ".join(one["abilities"]),
            ", ".join(one["options"]),
            "; ".join(f"{item['what']} ({item['how']})" for item in one["tried"]),
        ]
        for one in found
    ]
    terminal.show_rows(["kind", "title", "can", "options", "tried against"], rows)


@app.command("probe")
def probe_command(name: Name, home: Home = None, as_json: AsJson = False) -> None:
    """Ask a catalogue what it is and really does, by questions whose answer is known."""
    with asking.opened(home) as (settings, _, sources):
        found = probe(settings, sources.get(name).source)
        sources.keep_probed(name, found)
    if as_json:
        terminal.show_json(asdict(found))
    else:
        telling.show_probed(found)


@app.command("harvest")
def harvest_command(  # noqa: PLR0913, PLR0917 - the options of a command
    name: Annotated[
        str | None,
        typer.Argument(help="Name of the catalogue.", autocompletion=asking.complete_names),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are harvested.")] = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Also look for what is gone, even if that is not due.")
    ] = False,
    remap: Annotated[
        bool, typer.Option("--remap", help="Also map anew what is kept, without asking again.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Believe it if more than half is gone.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Fetch what changed; exit code 3 if some records, or some catalogues, could not be taken."""
    if (name is None) != every:
        raise Invalid("Name one catalogue, or say --all.", field="name")
    wish = Wish(by=asking.BY, sweep=sweep, remap=remap, force=force)
    with asking.opened(home) as (settings, engine, sources):
        names = [k.source.name for k in sources.all() if k.source.is_harvested] if every else [name]
        give_way(engine)
        found = [_harvested(engine, settings, str(one), wish, is_one=not every) for one in names]
    if as_json:
        terminal.show_json(found)
    else:
        telling.show_outcomes(found)
    if any(one.get("problem") or one["refused"] for one in found):
        raise typer.Exit(PARTLY)


def _harvested(
    engine: sa.Engine, settings: Settings, name: str, wish: Wish, *, is_one: bool
) -> dict[str, Any]:
    with telling.records_progress(name) as report:
        try:
            outcome = Harvester(engine, settings, asking.now).harvest(name, wish, progress=report)
        except PanoscError as error:
            if is_one:
                raise
            return {"name": name, "refused": 0, "problem": error.detail}
    return telling.outcome_of(outcome)


@app.command("remove")
def remove_command(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Forget a catalogue, and delete the records that nobody else told of."""
    with asking.opened(home) as (settings, engine, sources):
        known = sources.get(name)
        going = would_go(engine, name)
        terminal.say(f"Removing {name} deletes from this node, and nothing at {known.source.url}:")
        told = [f"{count:,} {model}" for model, count in going.items()]
        terminal.say(", ".join(told) or "no records.")
        if not yes and not typer.confirm("Go on?", err=True):
            raise typer.Exit(1)
        with telling.records_progress(name) as report:
            counts = remove(
                engine,
                known.source,
                asking.now,
                by=asking.BY,
                settings=settings,
                progress=lambda done: report("gone", done, None),
            )
    if as_json:
        terminal.show_json({"name": name, "deleted": going, "told": counts.gone})
    else:
        terminal.say(f"{name} is removed.")
