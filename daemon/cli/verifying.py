"""`avtald verify`: prove ledger, statements and raw mail against their hashes."""

from pathlib import Path

import click

from daemon.cli.desk import opened
from daemon.cli.options import config_option, json_option
from daemon.cli.output import print_json

_MOST = 200  # faults that are listed


@click.command()
@json_option
@config_option
def verify(config: Path | None, *, as_json: bool) -> int:
    """Prove ledger, statements and raw mail against their hashes; names what is not as written."""
    from daemon.desk.upkeep import verify as proving

    with opened(config) as desk, desk.store.reading() as tx:
        proven = proving.prove(tx)
        say = desk.say
    faults = [
        {"kind": each.kind, "id": each.row_id, "fault": each.code, "text": proving.told(each, say)}
        for each in proven.faults
    ]
    if as_json:
        print_json(
            {
                "whole": not faults,
                "counts": proven.counted,
                "links": proven.links,
                "head": proven.head,
                "faults": faults,
            }
        )
        return 1 if faults else 0
    counts, links = proven.counted, say("länkar", "links")
    click.echo(
        say(
            f"liggare {counts['ledger']} rader, avräkningar {counts['statement']} med "
            f"{counts['row']} rader, mejl {counts['mail']}",
            f"ledger {counts['ledger']} rows, statements {counts['statement']} with "
            f"{counts['row']} rows, messages {counts['mail']}",
        )
    )
    click.echo(f"{say('kedjan', 'chain')}: {proven.links} {links}, {proven.head}")
    for each in faults[:_MOST]:
        click.echo(f"! {each['text']}")
    if len(faults) > _MOST:
        click.echo(f"! … {len(faults) - _MOST} {say('till', 'more')}")
    if not faults:
        click.echo(say("allt är som det skrevs", "everything is as it was written"))
    return 1 if faults else 0
