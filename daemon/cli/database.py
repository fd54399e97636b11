"""`avtald db`: the database's schema, brought up to date or checked."""

from pathlib import Path

import click

from daemon.cli.desk import opened
from daemon.cli.options import json_config
from daemon.cli.output import print_json


@click.group()
def db() -> None:
    """The database's schema."""


@db.command()
@json_config
def upgrade(config: Path | None, *, as_json: bool) -> None:
    """Bring the schema up to this program's version; take a backup first."""
    from daemon.desk.shown import database

    with opened(config, upgraded=False) as desk:
        upgraded = database.upgrade(desk.store)
    before, after = upgraded.before or desk.say("tom", "empty"), upgraded.after
    if as_json:
        print_json(upgraded)
    elif before == after:
        click.echo(desk.say(f"schemat är redan {after}", f"the schema is {after} already"))
    else:
        click.echo(desk.say(f"schema: {before} → {after}", f"schema: {before} → {after}"))


@db.command()
@json_config
def check(config: Path | None, *, as_json: bool) -> int:
    """Check the schema and, on SQLite, the file; exit 1 for a fault."""
    from daemon.desk.shown import database

    with opened(config, upgraded=False) as desk:
        state = database.look(desk.store)
    if as_json:
        print_json(state)
    else:
        click.echo(f"{state.engine}: schema {state.schema or desk.say('tom', 'empty')}")
        for fault in state.faults:
            click.echo(fault)
    return 1 if state.faults else 0
