"""`avtald agreements`: every customer's agreement and its versions."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import print_json, print_table, speaker

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
    from daemon import app
    from daemon.store import register

    with app.opened(config) as desk, desk.store.reading() as tx:
        say = speaker(desk.settings.desk.language)
        today = desk.calendar.day_of(now)
        accounts = register.load(tx).accounts
    if customer is not None and customer not in {each.customer.key for each in accounts}:
        raise click.UsageError(f"there is no customer {customer!r}: avtald export lists them")
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
