"""`avtald run` and `avtald tick`: the daemon, and one round of everything that is due."""

import datetime as dt
import gc
import logging
from pathlib import Path

import click

from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import print_json, speaker


@click.command()
@config_option
def run(config: Path | None) -> None:
    """Run the desk: doors, mailboxes, clocks, sending, closing; until SIGTERM."""
    from daemon import logs
    from daemon.app import accounting
    from daemon.app import desk as app
    from daemon.app import steps as parts
    from daemon.desk.register import persons

    with app.opened(config) as opened:
        logs.configure(logging.INFO, opened.settings)
        desk = parts.desk_of(opened.settings, opened.store, opened.calendar)
        persons.replay(desk, _now())
        books = accounting.accounting_of(opened.settings, opened.store)
        daemon = parts.supervisor(desk, parts.mailer_of(opened.settings, opened.store), books, _now)
        _spare_the_collector()
        daemon.run()


def _spare_the_collector() -> None:
    """Let no collection look again at what lives as long as the process, nor look often.

    A mail makes thousands of objects and hardly a cycle: looking was a tenth of its work.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _now() -> dt.datetime:
    """The daemon's clock (A4: read at the edge)."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


@click.command()
@json_option
@config_option
def steps(config: Path | None, *, as_json: bool) -> None:
    """List the steps of a mail's way at which a test can kill the process (AVTALD_KILL_AT)."""
    del config
    from daemon.store.fault import STEPS

    if as_json:
        print_json([{"name": name, "state": says} for name, says in STEPS.items()])
        return
    for name, says in STEPS.items():
        click.echo(f"{name:<20} {says}")


@click.command()
@json_option
@now_option
@config_option
def tick(config: Path | None, now: dt.datetime, *, as_json: bool) -> None:
    """Do everything that is due at --now, once, until nothing more is due; then end."""
    from daemon.app import accounting
    from daemon.app import desk as app
    from daemon.app import steps as parts
    from daemon.desk.register import persons
    from daemon.loop import until_nothing

    with app.opened(config) as opened:
        desk = parts.desk_of(opened.settings, opened.store, opened.calendar)
        persons.replay(desk, now)
        mailer = parts.mailer_of(opened.settings, opened.store)
        books = accounting.accounting_of(opened.settings, opened.store)
        try:
            found = until_nothing(parts.steps(desk, mailer, books), now)
        finally:
            mailer.close()
            books.close()
        say = speaker(opened.settings.desk.language)
    done = {name: count for name, count in found.items() if count}
    if as_json:
        print_json(found)
    elif done:
        click.echo(", ".join(f"{name}: {count}" for name, count in done.items()))
    else:
        click.echo(say("inget att göra", "nothing to do"))
