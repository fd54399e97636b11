"""`avtald verify`: prove the database's file, sealed rows and whole mails."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.desk import opened
from daemon.cli.options import json_config
from daemon.cli.output import print_json
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.desk.shown.copies import Proven

_MOST = 200  # faults that are listed


@click.command()
@json_config
def verify(config: Path | None, *, as_json: bool) -> int:
    """Prove the database: its file, ledger, statements, register and mails; names each fault."""
    from daemon.desk.shown import copies

    with opened(config) as desk:
        proven = copies.proven(desk)
    if as_json:
        print_json(proven)
    else:
        _print_proven(proven, desk.say)
    return 0 if proven.whole else 1


def _print_proven(proven: "Proven", say: Say) -> None:
    counts = proven.counts
    click.echo(
        say(
            f"liggare {counts['ledger']} rader, avräkningar {counts['statement']} med "
            f"{counts['row']} rader, mejl {counts['mail']}, skickade mejl {counts['sent']}",
            f"ledger {counts['ledger']} rows, statements {counts['statement']} with "
            f"{counts['row']} rows, messages {counts['mail']}, sent messages {counts['sent']}",
        )
    )
    click.echo(f"{say('kedjan', 'chain')}: {proven.links} {say('länkar', 'links')}, {proven.head}")
    click.echo(f"{say('sigill', 'seals')}: {counts['seal']}, {proven.seals}")
    for fault in proven.faults[:_MOST]:
        click.echo(f"! {fault.text}")
    if len(proven.faults) > _MOST:
        click.echo(f"! … {len(proven.faults) - _MOST} {say('till', 'more')}")
    if proven.whole:
        click.echo(say("allt är som det skrevs", "everything is as it was written"))
