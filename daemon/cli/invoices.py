"""`avtald invoices`: where every invoice stands, and pushing what waits."""

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.desk import opened
from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import print_json, print_table
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.store.money.invoices import Shown

_WORDS = {
    "approval": ("väntar på OK", "waits for an OK"),
    "waiting": ("väntar", "waits"),
    "intent": ("skickas", "being sent"),
    "unclear": ("oklar", "unclear"),
    "fault": ("fel", "fault"),
    "pushed": ("utkast", "draft"),
    "booked": ("bokförd", "booked"),
    "sent": ("skickad", "sent"),
    "paid": ("betald", "paid"),
    "credited": ("krediterad", "credited"),
    "cancelled": ("makulerad", "cancelled"),
    "gone": ("borttagen", "removed"),
}


@click.group(invoke_without_command=True)
@json_option
@config_option
@click.pass_context
def invoices(ctx: click.Context, config: Path | None, *, as_json: bool) -> None:
    """List every invoice and where it stands; what was done to it is from the last daily look."""
    if ctx.invoked_subcommand is not None:
        return
    from daemon.store.money import invoices as stored

    with opened(config) as desk, desk.store.reading() as tx:
        found = stored.listing(tx)
        say = desk.say
    if as_json:
        print_json([_as_json(each) for each in found])
        return
    heads = say("referens tillstånd nummer netto fel", "reference state number net fault").split()
    print_table(
        heads,
        [
            (each.reference, say(*_WORDS[_stands(each)]), each.number, each.net, each.fault)
            for each in found
        ],
        right=(3,),
    )


def _stands(shown: "Shown") -> str:
    """One word for what became of an invoice: the last of what happened to it."""
    seen: Mapping[str, Any] = shown.condition or {}
    names = ("gone", "cancelled", "credited_by", "paid_on", "sent", "booked")
    words = ("gone", "cancelled", "credited", "paid", "sent", "booked")
    if shown.state != "pushed":
        return shown.state
    found = (word for name, word in zip(names, words, strict=True) if seen.get(name))
    return next(found, "pushed")


def _as_json(shown: "Shown") -> dict[str, Any]:
    seen: Mapping[str, Any] = shown.condition or {}
    return {
        "reference": shown.reference,
        "customer": shown.customer_key,
        "month": shown.month,
        "state": shown.state,
        "number": shown.number,
        "net": shown.net,
        "link": shown.link,
        "booked": bool(seen.get("booked")),
        "sent": bool(seen.get("sent")),
        "paid_on": seen.get("paid_on"),
        "cancelled": bool(seen.get("cancelled")),
        "credited_by": seen.get("credited_by"),
        "removed": bool(seen.get("gone")),
        "fault": shown.fault,
        "remedy": shown.remedy,
    }


@invoices.command()
@json_option
@now_option
@config_option
def push(config: Path | None, now: dt.datetime, *, as_json: bool) -> int:
    """Push what waits now, also what a fault stopped before."""
    from daemon.app import accounting
    from daemon.store.money import invoices as stored

    with opened(config) as desk:
        say = desk.say
        with desk.store.writing() as tx:
            stored.hurry(tx)
        with closing(accounting.accounting_of(desk)) as books:
            run = accounting.push_of(desk, books)
            while run.step(now):
                pass
        with desk.store.reading() as tx:
            left = [each for each in stored.listing(tx) if each.state != "pushed"]
    if as_json:
        print_json([_as_json(each) for each in left])
    else:
        _print_left(left, say)
    if left and run.stopped is not None:
        raise run.stopped  # told with what mends it; 75 where it passes by itself
    return 1 if left else 0


def _print_left(left: "list[Shown]", say: Say) -> None:
    for each in left:
        says = f"{each.reference}: {say(*_WORDS[each.state])}. {each.fault or ''} "
        click.echo(f"{says}{each.remedy or ''}".rstrip())
    if not left:
        click.echo(say("allt är överfört", "everything is pushed"))
