"""`avtald db`: the database's schema, brought up to date or checked."""

from pathlib import Path

import click

from daemon.cli.options import config_option, json_option
from daemon.cli.output import print_json, speaker


@click.group()
def db() -> None:
    """The database's schema."""


@db.command()
@json_option
@config_option
def upgrade(config: Path | None, *, as_json: bool) -> None:
    """Bring the schema up to what this program needs; take a backup first."""
    from daemon.app import desk as app

    with app.opened(config, upgraded=False) as desk:
        say = speaker(desk.settings.desk.language)
        before, after = app.upgrade_schema(desk)
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        click.echo(say(f"schemat är redan {after}", f"the schema is {after} already"))
    else:
        old = before or say("tom", "empty")
        click.echo(say(f"schema: {old} → {after}", f"schema: {old} → {after}"))


@db.command()
@json_option
@config_option
def check(config: Path | None, *, as_json: bool) -> int:
    """Check the schema and, on SQLite, the file; exit 1 where something is wrong."""
    from daemon.app import desk as app

    with app.opened(config, upgraded=False) as desk:
        say = speaker(desk.settings.desk.language)
        health = app.database_health(desk)
    if as_json:
        print_json(
            {
                "engine": health.engine,
                "schema": health.schema,
                "needed": health.needed,
                "faults": health.faults,
            }
        )
    else:
        schema = health.schema or say("tom", "empty")
        click.echo(f"{health.engine}: schema {schema}")
        for fault in health.faults:
            click.echo(fault)
    return 1 if health.faults else 0
