"""`avtald invoices`: the state of every invoice; approving and pushing those that wait."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.desk import opened
from daemon.cli.options import json_config, json_now_config
from daemon.cli.output import print_json, print_table
from daemon.desk.shown import words
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.desk.shown.invoices import Invoice


@click.group(invoke_without_command=True)
@json_config
@click.pass_context
def invoices(ctx: click.Context, config: Path | None, *, as_json: bool) -> None:
    """List every invoice and its state; its life after the push is from the last daily look."""
    if ctx.invoked_subcommand is not None:
        return
    from daemon.desk.shown.invoices import listing

    with opened(config) as desk:
        listed = listing(desk)
    if as_json:
        print_json(listed)
        return
    say = desk.say
    heads = say("referens tillstånd nummer netto fel", "reference state number net fault").split()
    print_table(
        heads,
        [
            (
                invoice.reference,
                say(*words.INVOICE[invoice.last]),
                invoice.number,
                invoice.net,
                invoice.fault,
            )
            for invoice in listed
        ],
        right=(3,),
    )


@invoices.command()
@click.argument("month", metavar="YYYY-MM")
@click.option("--except", "excepted", multiple=True, metavar="KEY", help="Leave out a customer.")
@json_now_config
def approve(
    config: Path | None, month: str, now: dt.datetime, *, excepted: tuple[str, ...], as_json: bool
) -> None:
    """Approve the drafts of a closed month, as finance's OK by mail does (H7)."""
    from daemon.desk.shown.invoices import approve_month

    with opened(config) as desk:
        done = approve_month(desk, month, excepted, now)
    if as_json:
        print_json(done)
        return
    say = desk.say
    for draft in done:
        click.echo(f"{draft.reference}: {say('godkänt', 'approved')}, {draft.net}")
    if not done:
        click.echo(say("inget väntade på OK", "nothing waited for an OK"))


@invoices.command()
@json_now_config
def push(config: Path | None, now: dt.datetime, *, as_json: bool) -> int:
    """Push every waiting invoice now, failed ones too."""
    from daemon.app.accounting import push_waiting
    from daemon.desk.shown.invoices import left

    with opened(config) as desk:
        stopped = push_waiting(desk, now)
        waiting = left(desk)
    if as_json:
        print_json(waiting)
    else:
        _print_left(waiting, desk.say)
    if waiting and stopped is not None:
        raise stopped  # told with its remedy; 75 where it passes by itself
    return 1 if waiting else 0


def _print_left(left: "Sequence[Invoice]", say: Say) -> None:
    for invoice in left:
        says = f"{invoice.reference}: {say(*words.INVOICE[invoice.state])}. {invoice.fault or ''} "
        click.echo(f"{says}{invoice.remedy or ''}".rstrip())
    if not left:
        click.echo(say("allt är överfört", "everything is pushed"))
