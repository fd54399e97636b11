"""`avtald bank`, `statements` and `statement`: what was used and billed."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import Say, print_json, print_table, speaker

if TYPE_CHECKING:
    from daemon.app import App
    from daemon.domain.periods import Period
    from daemon.domain.register import Customer
    from daemon.store.session import Tx


def _customer(tx: "Tx", key: str, say: Say) -> "Customer":
    from daemon.store import register

    found = register.customer_by_key(tx, key)
    if found is None:
        raise click.UsageError(say(f"kunden {key} finns inte", f"no customer {key}"))
    return found


def _month(value: str, say: Say) -> "Period":
    from daemon.domain.periods import Period

    try:
        month = Period.parse(value)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if month.months != 1:
        raise click.UsageError(say("skriv en månad: 2026-11", "write a month: 2026-11"))
    return month


def _needs_number(opened: "App") -> bool:
    return opened.settings.accounting.kind == "fortnox"


@click.command()
@click.argument("customer")
@click.option("--adjust", "minutes", type=int, metavar="MINUTES", help="Add to the bank (or take).")
@click.option("--reason", help="Why; goes with --adjust.")
@json_option
@now_option
@config_option
def bank(
    config: Path | None, customer: str, now: dt.datetime, minutes: int | None, reason: str | None,
    *, as_json: bool,
) -> None:  # fmt: skip
    """Show a customer's time bank and its ledger; --adjust with --reason changes it."""
    from daemon import app, parts
    from daemon.desk import bank_shown

    if (minutes is None) != (not reason):
        raise click.UsageError("--adjust MINUTES goes with --reason TEXT")
    with app.opened(config) as opened:
        desk = parts.desk_of(opened.settings, opened.store, opened.calendar)
        say = speaker(opened.settings.desk.language)
        if minutes is not None and reason:
            with opened.store.writing() as tx:
                bank_shown.adjust(
                    tx, _customer(tx, customer, say), minutes=minutes,
                    day=opened.calendar.day_of(now), at=now, reason=reason,
                )  # fmt: skip
        with opened.store.reading() as tx:
            shown = bank_shown.shown(tx, desk, _customer(tx, customer, say), now)
    if as_json:
        print_json(shown)
        return
    _print_bank(shown, say)


def _print_bank(shown: dict[str, Any], say: Say) -> None:
    period = shown["period"]
    when = f"{period['start']} – {period['end']}" if period else say("ingen bank", "no bank")
    click.echo(f"{shown['customer']}  {when}")
    names = say("beviljat använt kvar utöver", "granted used left overage").split()
    keys = ("granted_minutes", "used_minutes", "remaining_minutes", "overage_minutes")
    for name, key in zip(names, keys, strict=True):
        click.echo(f"  {name:<10} {_hours(shown[key]):>8}")
    print_table(
        ["", say("datum", "date"), "h:min", say("orsak", "cause")],
        [
            (each["kind"], each["date"], _hours(each["minutes"]), each["cause"])
            for each in shown["movements"]
        ],
        right=(2,),
    )


def _hours(minutes: int) -> str:
    sign = "-" if minutes < 0 else ""
    return f"{sign}{abs(minutes) // 60}:{abs(minutes) % 60:02}"


@click.command()
@click.option("--month", metavar="YYYY-MM", help="Only this month; an open one is a preview.")
@click.option("--customer", metavar="KEY", help="Only this customer.")
@json_option
@now_option
@config_option
def statements(
    config: Path | None, now: dt.datetime, month: str | None, customer: str | None, *, as_json: bool
) -> None:
    """List the statements of closed months, and what is held."""
    say, found = _statements(config, now, month, customer)
    if as_json:
        print_json(found)
        return
    heads = say("kund månad tillstånd netto faktura", "customer month state net invoice").split()
    print_table(
        heads,
        [
            (each["customer"], each["month"], each["state"], each["net"], each["invoice_number"])
            for each in found
        ],
        right=(3,),
    )
    for each in found:
        for reason in each["held"]:
            click.echo(f"{each['customer']} {each['month']}: {reason}")


def _statements(
    config: Path | None, now: dt.datetime, month: str | None, customer: str | None
) -> tuple[Say, list[dict[str, Any]]]:
    from daemon import app, parts
    from daemon.desk import statements_shown

    with app.opened(config) as opened:
        desk = parts.desk_of(opened.settings, opened.store, opened.calendar)
        say = speaker(opened.settings.desk.language)
        with opened.store.reading() as tx:
            found = statements_shown.listing(
                tx, desk, now,
                month=_month(month, say) if month else None,
                customer=_customer(tx, customer, say) if customer else None,
                needs_number=_needs_number(opened),
            )  # fmt: skip
    return say, found


@click.command()
@click.argument("customer")
@click.argument("month", metavar="YYYY-MM")
@json_option
@now_option
@config_option
def statement(
    config: Path | None, customer: str, month: str, now: dt.datetime, *, as_json: bool
) -> None:
    """Show the statement of a customer and month; for an open month, a preview."""
    say, found = _statements(config, now, month, customer)
    if not found:
        raise click.UsageError(
            say(f"{customer} har inget för {month}", f"{customer} has nothing for {month}")
        )
    (shown,) = found
    if as_json:
        print_json(shown)
        return
    click.echo(f"{shown['reference']}  {shown['state']}  {shown['invoice_number'] or ''}".rstrip())
    print_table(
        ["", say("antal", "quantity"), "", say("pris", "price"), say("belopp", "amount")],
        [
            (each["description"], each["quantity"], each["unit"], each["price"], each["amount"])
            for each in shown["rows"]
            if each["kind"] != "text"
        ],
        right=(1, 3, 4),
    )
    click.echo(f"{say('netto', 'net')} {shown['net']} SEK")
    for each in shown["rows"]:
        if each["kind"] == "text":
            click.echo(f"  {each['description']}")
    for reason in shown["held"]:
        click.echo(f"! {reason}")
