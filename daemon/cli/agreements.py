"""`avtald agreements`: every customer's agreement and its versions, and raising their prices."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.changes import plan_lines
from daemon.cli.desk import opened
from daemon.cli.options import DayParam, PercentParam, json_now_config
from daemon.cli.output import print_json, print_table

if TYPE_CHECKING:
    from daemon.desk.shown.agreements import Version


@click.group(invoke_without_command=True)
@click.option("--customer", metavar="KEY", help="Only this customer's.")
@json_now_config
@click.pass_context
def agreements(
    ctx: click.Context,
    customer: str | None,
    config: Path | None,
    now: dt.datetime,
    *,
    as_json: bool,
) -> None:
    """List agreements and their versions; those in force at --now are marked with a star."""
    if ctx.invoked_subcommand is not None:
        return
    from daemon.desk.shown import agreements as shown

    with opened(config) as desk:
        versions = shown.listing(desk, now, customer)
    if as_json:
        print_json(versions)
        return
    heads = desk.say(
        "kund plan från till avgift timpris timbank", "customer plan from until fee rate bank"
    )
    print_table(["", *heads.split()], [_line(version) for version in versions], right=(5, 6, 7))


@agreements.command("raise")
@click.argument("percent", type=PercentParam())
@click.option("--from", "day", required=True, type=DayParam(), help="The first day of new prices.")
@click.option("--customer", "only", multiple=True, metavar="KEY", help="Only this one; repeatable.")
@click.option("--dry-run", is_flag=True, help="Show the new versions; change nothing.")
@json_now_config
def raise_(
    percent: Decimal,
    day: dt.date,
    only: tuple[str, ...],
    config: Path | None,
    now: dt.datetime,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Raise fees and rates by PERCENT (3 or 2.5%), as new versions of the agreements in force."""
    from daemon.desk.register.price_rise import Rise, raise_prices

    with opened(config) as desk:
        raised = raise_prices(desk, Rise(percent, day, only), now, dry_run=dry_run)
    if as_json:
        print_json(raised)
        return
    for line in plan_lines(raised.changes, desk.say, dry_run=dry_run):
        click.echo(line)
    if raised.applied:
        click.echo(
            desk.say(
                "obs: en registerfil från förut drar tillbaka dem; avtald export skriver en ny",
                "note: a register file from before withdraws them; avtald export writes a new one",
            )
        )


def _line(version: "Version") -> list[Any]:
    terms = version.terms
    bank = (
        f"{terms['bank_minutes'] / 60:g} h/{terms['bank_period']}" if terms["bank_minutes"] else ""
    )
    return [
        "*" if version.in_force else "x" if version.withdrawn else "",
        version.customer,
        version.plan,
        version.from_,
        version.until or "",
        terms["monthly_fee"],
        terms["hourly_rate"],
        bank,
    ]
