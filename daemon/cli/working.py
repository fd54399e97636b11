"""`avtald run` and `avtald tick`: the daemon, and one round of everything that is due."""

import datetime as dt
from pathlib import Path

import click

from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import print_json, speaker


@click.command()
@config_option
def run(config: Path | None) -> None:
    """Run the desk: doors, mailboxes, clocks, sending, closing; until SIGTERM."""
    from daemon import app, logs, parts

    logs.configure()
    with app.opened(config) as opened:
        desk = parts.desk_of(opened.settings, opened.store, opened.calendar)
        parts.supervisor(
            desk,
            parts.mailer_of(opened.settings),
            parts.accounting_of(opened.settings),
            lambda: dt.datetime.now(dt.UTC).replace(microsecond=0),
        ).run()


@click.command()
@json_option
@now_option
@config_option
def tick(config: Path | None, now: dt.datetime, *, as_json: bool) -> None:
    """Do everything that is due at --now, once, until nothing more is due; then end."""
    from daemon import app, logs, parts
    from daemon.loop import until_nothing

    logs.configure()
    with app.opened(config) as opened:
        desk = parts.desk_of(opened.settings, opened.store, opened.calendar)
        mailer = parts.mailer_of(opened.settings)
        try:
            found = until_nothing(
                parts.steps(desk, mailer, parts.accounting_of(opened.settings)), now
            )
        finally:
            mailer.close()
        say = speaker(opened.settings.desk.language)
    done = {name: count for name, count in found.items() if count}
    if as_json:
        print_json(found)
    elif done:
        click.echo(", ".join(f"{name}: {count}" for name, count in done.items()))
    else:
        click.echo(say("inget att göra", "nothing to do"))
