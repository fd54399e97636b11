"""`avtald bank`, `statements` and `statement`: time used and money billed."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.desk import opened
from daemon.cli.options import DayParam, json_now_config
from daemon.cli.output import hours, print_json, print_table
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.desk.shown.bank import Bank, BankPeriod, Movement
    from daemon.desk.shown.statements import Statement


@click.command()
@click.argument("customer")
@click.option("--adjust", "minutes", type=int, metavar="MINUTES", help="Add to the bank (or take).")
@click.option("--reason", help="Why; goes with --adjust.")
@click.option(
    "--on", "day", type=DayParam(), help="The bank period of this date, to show or adjust."
)
@json_now_config
def bank(
    config: Path | None,
    customer: str,
    now: dt.datetime,
    *,
    minutes: int | None,
    reason: str | None,
    day: dt.date | None,
    as_json: bool,
) -> None:
    """Show a customer's time bank and its ledger; --adjust with --reason changes it."""
    from daemon.desk.shown.bank import Adjustment, adjust, bank_of

    if (minutes is None) != (not reason):
        raise click.UsageError("--adjust MINUTES goes with --reason TEXT")
    with opened(config) as desk:
        if minutes is not None and reason:
            wanted = Adjustment(minutes, reason, day or desk.calendar.day_of(now))
            adjust(desk, customer, wanted, now)
        shown = bank_of(desk, customer, now, day)
    if as_json:
        print_json(shown)
        return
    _print_bank(shown, desk.say)


_COLUMNS = ("granted", "used", "remaining", "expired", "overage")


def _print_bank(bank: "Bank", say: Say) -> None:
    _print_period(bank, say)
    if bank.movements:
        click.echo("")
        _print_movements(bank.movements, say)
    if len(bank.periods) > 1 or (bank.periods and bank.period is None):
        click.echo("")
        heads = say(
            "period beviljat använt kvar förfallet utöver",
            "period granted used left expired overage",
        ).split()
        rows = [(period.period, *map(hours, _figures(period))) for period in bank.periods]
        print_table(heads, rows, right=(1, 2, 3, 4, 5))


def _print_period(bank: "Bank", say: Say) -> None:
    when = (
        f"{bank.period.start} – {bank.period.end - dt.timedelta(days=1)}"
        if bank.period
        else say("ingen timbank", "no bank")
    )
    click.echo(f"{bank.customer}  {when}")
    names = say("beviljat använt kvar förfallet utöver", "granted used left expired overage")
    figures = zip(names.split(), _COLUMNS, _figures(bank), strict=True)
    for name, column, minutes in figures:
        left = minutes - bank.expired_minutes if column == "remaining" else minutes
        if left or column != "expired":
            click.echo(f"  {name:<10} {hours(left):>8}")


def _figures(shown: "Bank | BankPeriod") -> list[int]:
    return [getattr(shown, f"{column}_minutes") for column in _COLUMNS]


def _print_movements(movements: "Sequence[Movement]", say: Say) -> None:
    from daemon.desk.shown import words

    print_table(
        ["", say("datum", "date"), "h:min", say("utöver", "over"), say("orsak", "cause")],
        [
            (
                say(*words.MOVEMENT[moved.kind]),
                moved.date,
                hours(moved.minutes),
                hours(moved.overage_minutes) if moved.overage_minutes else "",
                moved.cause,
            )
            for moved in movements
        ],
        right=(2, 3),
    )


@click.command()
@click.option("--month", metavar="YYYY-MM", help="Only this month; an open one is a preview.")
@click.option("--customer", metavar="KEY", help="Only this customer.")
@json_now_config
def statements(
    config: Path | None, now: dt.datetime, month: str | None, customer: str | None, *, as_json: bool
) -> None:
    """List the statements of closed months, and the held ones with their reasons."""
    from daemon.desk.shown.statements import listing

    with opened(config) as desk:
        listed = listing(desk, now, month=month, customer=customer)
    if as_json:
        print_json(listed)
        return
    heads = desk.say("kund månad tillstånd netto faktura", "customer month state net invoice")
    print_table(
        heads.split(),
        [(each.customer, each.month, each.state, each.net, each.invoice_number) for each in listed],
        right=(3,),
    )
    for statement in listed:
        for reason in statement.held:
            click.echo(f"{statement.customer} {statement.month}: {reason}")


@click.command()
@click.argument("customer")
@click.argument("month", metavar="YYYY-MM")
@click.option(
    "--pdf",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Print the specification of a closed month there.",
)
@json_now_config
def statement(
    config: Path | None,
    customer: str,
    month: str,
    now: dt.datetime,
    pdf: Path | None,
    *,
    as_json: bool,
) -> None:
    """Show the statement of a customer and month; for an open month, a preview."""
    from daemon.desk.shown.statements import specified, statement_of

    with opened(config) as desk:
        if pdf is not None:
            from integrations.pdf import WeasyPrinter

            pdf.write_bytes(specified(desk, customer, month, WeasyPrinter()).content)
        shown = statement_of(desk, customer, month, now)
    if as_json:
        print_json(shown)
        return
    _print_statement(shown, desk.say)


def _print_statement(statement: "Statement", say: Say) -> None:
    from daemon.desk.shown import words
    from daemon.desk.shown.statements import MoneyRow

    state = say(*words.STATEMENT[statement.state])
    click.echo(f"{statement.reference}  {state} {statement.invoice_number or ''}".rstrip())
    if statement.approved is not None:
        who, when = statement.approved.by, f"{statement.approved.at:%Y-%m-%d %H:%M}Z"
        click.echo(say(f"godkänt av {who}, {when}", f"approved by {who}, {when}"))
    rows = [
        (row.description, row.quantity, row.unit, row.price, row.amount)
        for row in statement.rows
        if isinstance(row, MoneyRow)
    ]
    net = (say("netto, SEK exklusive moms", "net, SEK excluding VAT"), "", "", "", statement.net)
    heads = ["", say("antal", "quantity"), "", say("pris", "price"), say("belopp", "amount")]
    print_table(heads, [*rows, net], right=(1, 3, 4))
    if statement.left_out:
        left = say("kredit som står kvar till senare", "credit that stays due for later")
        click.echo(f"{left}: {statement.left_out}")
    texts = [row.description for row in statement.rows if not isinstance(row, MoneyRow)]
    for line in ["", *(f"  {text}" for text in texts)] if texts else []:
        click.echo(line)
    for reason in statement.held:
        click.echo(f"! {reason}")
