"""`avtald agreements`: every customer's agreement and its versions, and raising their prices."""

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.changes import plan_lines
from daemon.cli.desk import opened
from daemon.cli.options import DayParam, PercentParam, config_option, json_option, now_option
from daemon.cli.output import print_json, print_table

if TYPE_CHECKING:
    from daemon.domain.register import Account


@click.group(invoke_without_command=True)
@click.option("--customer", metavar="KEY", help="Only this customer's.")
@json_option
@now_option
@config_option
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
    from daemon.store.money import register

    with opened(config) as desk, desk.store.reading() as tx:
        say = desk.say
        today = desk.calendar.day_of(now)
        accounts = register.load(tx).accounts
    _known([customer] if customer else [], accounts)
    rows = [
        row
        for account in accounts
        if customer in {None, account.customer.key}
        for row in _rows(account, today)
    ]
    if as_json:
        print_json(rows)
        return
    heads = say(
        "kund plan från till avgift timpris timbank", "customer plan from until fee rate bank"
    )
    print_table(["", *heads.split()], [_line(row) for row in rows], right=(5, 6, 7))


@agreements.command("raise")
@click.argument("percent", type=PercentParam())
@click.option("--from", "day", required=True, type=DayParam(), help="The first day of new prices.")
@click.option("--customer", "only", multiple=True, metavar="KEY", help="Only this one; repeatable.")
@click.option("--dry-run", is_flag=True, help="Show the new versions; change nothing.")
@json_option
@now_option
@config_option
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
    """Raise fees and rates by PERCENT (3 or 2.5%) as new versions of what is in force that day."""
    from daemon.desk.register import importing as registering
    from daemon.desk.register import price_rise
    from daemon.store.money import register

    with opened(config) as desk:
        say = desk.say
        with desk.store.reading() if dry_run else desk.store.acting() as tx:
            if not dry_run:
                registering.alone(tx)
            kept = register.load(tx)
            _known(only, kept.accounts)
            asked = price_rise.plan(kept, percent, day, only)
            if not dry_run:
                registering.apply(tx, asked, now, cause="command agreements raise")
    if as_json:
        changes = [change.to_json() for change in asked.changes]
        print_json({"changes": changes, "applied": bool(changes) and not dry_run})
        return
    for line in plan_lines(asked.changes, say, dry_run=dry_run):
        click.echo(line)
    if asked.changes and not dry_run:
        click.echo(
            say(
                "obs: en registerfil från förut drar tillbaka dem; avtald export skriver en ny",
                "note: a register file from before withdraws them; avtald export writes a new one",
            )
        )


def _known(keys: Iterable[str], accounts: "Iterable[Account]") -> None:
    """Wrong usage where a key is nobody's."""
    unknown = set(keys) - {account.customer.key for account in accounts}
    if unknown:
        raise click.UsageError(f"there is no customer {min(unknown)!r}: avtald export lists them")


def _rows(account: "Account", today: dt.date) -> Iterator[dict[str, Any]]:
    from daemon.domain.agreement import in_force

    current = in_force([each.version for each in account.agreements], today)
    for agreement in account.agreements:
        version = agreement.version
        yield {
            "customer": account.customer.key,
            "plan": version.terms.plan,
            "from": version.starts,
            "until": version.until,
            "renew": version.renews,
            "withdrawn": version.withdrawn,
            "in_force": current is not None and current.id == version.id,
            "terms": version.terms.to_json(),
            "overrides": agreement.overrides,
        }


def _line(row: dict[str, Any]) -> list[Any]:
    terms = row["terms"]
    mark = "*" if row["in_force"] else "x" if row["withdrawn"] else ""
    bank = (
        f"{terms['bank_minutes'] / 60:g} h/{terms['bank_period']}" if terms["bank_minutes"] else ""
    )
    return [
        mark,
        row["customer"],
        row["plan"],
        row["from"],
        row["until"] or "",
        terms["monthly_fee"],
        terms["hourly_rate"],
        bank,
    ]
