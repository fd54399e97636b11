"""`avtald run` and `avtald tick`: the daemon, and one round of everything due."""

import datetime as dt
import gc
import logging
from pathlib import Path

import click

from daemon.cli.desk import opened
from daemon.cli.options import config_option, json_config, json_now_config
from daemon.cli.output import print_json


@click.command()
@config_option
def run(config: Path | None) -> None:
    """Run the desk: doors, mailboxes, clocks, sending, closing; until SIGTERM."""
    from daemon import logs
    from daemon.app import steps

    with opened(config, at_rest=True) as desk:
        logs.configure(logging.INFO, desk.settings)
        daemon = steps.daemon(desk, _now)
        _spare_the_collector()
        daemon.run()


def _spare_the_collector() -> None:
    """Collect garbage seldom, and never again in the objects of the start.

    A mail makes thousands of objects and hardly a cycle: the collector took a tenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _now() -> dt.datetime:
    """The daemon's clock (A4: read at the edge)."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


@click.command()
@json_config
def steps(config: Path | None, *, as_json: bool) -> None:
    """List the steps of a mail's way for tests with a killed process (AVTALD_KILL_AT)."""
    del config
    from daemon.desk.shown import words

    listed = words.steps()
    if as_json:
        print_json(listed)
        return
    for step in listed:
        click.echo(f"{step.name:<20} {step.state}")


@click.command()
@json_now_config
def tick(config: Path | None, now: dt.datetime, *, as_json: bool) -> None:
    """Do everything due at --now, once, until nothing more is due; then end."""
    from daemon.app import steps

    with opened(config, at_rest=True) as desk:
        counts = steps.tick(desk, now)
    done = {name: count for name, count in counts.items() if count}
    if as_json:
        print_json(counts)
    elif done:
        click.echo(", ".join(f"{name}: {count}" for name, count in done.items()))
    else:
        click.echo(desk.say("inget att göra", "nothing to do"))
