"""`avtald bank`, `statements` and `statement`: what was used and billed."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.desk import opened
from daemon.cli.options import DayParam, config_option, json_option, now_option
from daemon.cli.output import print_json, print_table
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.desk.context import Desk
    from daemon.domain.periods import Period
    from daemon.domain.register import Customer
    from daemon.store.session import Tx


def _customer(tx: "Tx", key: str, say: Say) -> "Customer":
    from daemon.store.money import register

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


def _needs_number(desk: "Desk") -> bool:
    return desk.settings.accounting.kind == "fortnox"


@click.command()
@click.argument("customer")
@click.option("--adjust", "minutes", type=int, metavar="MINUTES", help="Add to the bank (or take).")
@click.option("--reason", help="Why; goes with --adjust.")
@click.option(
    "--on", "day", type=DayParam(), help="The bank period of this date, to show or adjust."
)
@json_option
@now_option
@config_option
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
    from daemon.desk.shown import bank as bank_shown

    if (minutes is None) != (not reason):
        raise click.UsageError("--adjust MINUTES goes with --reason TEXT")
    with opened(config) as desk:
        say = desk.say
        if minutes is not None and reason:
            on = day or desk.calendar.day_of(now)
            with desk.store.acting() as tx:
                _adjust(tx, _customer(tx, customer, say), minutes, on, at=now, reason=reason)
        with desk.store.reading() as tx:
            shown = bank_shown.shown(tx, desk, _customer(tx, customer, say), now, day)
    if as_json:
        print_json(shown)
        return
    _print_bank(shown, say)


def _adjust(
    tx: "Tx", customer: "Customer", minutes: int, day: dt.date, *, at: dt.datetime, reason: str
) -> None:
    from daemon.desk.shown import bank as bank_shown

    try:
        bank_shown.adjust(tx, customer, minutes=minutes, day=day, at=at, reason=reason)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _print_bank(shown: dict[str, Any], say: Say) -> None:
    period = shown["period"]
    when = (
        f"{period['start']} – {_last_day(period['end'])}"
        if period
        else say("ingen timbank", "no bank")
    )
    click.echo(f"{shown['customer']}  {when}")
    names = say("beviljat använt kvar förfallet utöver", "granted used left expired overage")
    for name, key in zip(names.split(), _COLUMNS, strict=True):
        minutes = shown[f"{key}_minutes"]
        if key == "remaining":
            minutes -= shown["expired_minutes"]
        if minutes or key != "expired":
            click.echo(f"  {name:<10} {_hours(minutes):>8}")
    if shown["movements"]:
        click.echo("")
        print_table(
            ["", say("datum", "date"), "h:min", say("utöver", "over"), say("orsak", "cause")],
            [
                (
                    say(*_KINDS[each["kind"]]),
                    each["date"],
                    _hours(each["minutes"]),
                    _hours(each["overage_minutes"]) if each["overage_minutes"] else "",
                    each["cause"],
                )
                for each in shown["movements"]
            ],
            right=(2, 3),
        )
    if len(shown["periods"]) > 1 or (shown["periods"] and period is None):
        click.echo("")
        heads = say(
            "period beviljat använt kvar förfallet utöver",
            "period granted used left expired overage",
        ).split()
        print_table(
            heads,
            [
                (each["period"], *(_hours(each[f"{key}_minutes"]) for key in _COLUMNS))
                for each in shown["periods"]
            ],
            right=(1, 2, 3, 4, 5),
        )


_KINDS = {
    "grant": ("beviljat", "granted"),
    "adjustment": ("justering", "adjustment"),
    "use": ("använt", "used"),
    "reversal": ("återfört", "returned"),
    "expiry": ("förfallet", "expired"),
}
_COLUMNS = ("granted", "used", "remaining", "expired", "overage")


def _last_day(end: dt.date) -> dt.date:
    return end - dt.timedelta(days=1)


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
    from daemon.desk.shown import statements as statements_shown

    with opened(config) as desk:
        say = desk.say
        with desk.store.reading() as tx:
            found = statements_shown.listing(
                tx,
                desk,
                now,
                month=_month(month, say) if month else None,
                customer=_customer(tx, customer, say) if customer else None,
                needs_number=_needs_number(desk),
            )
    return say, found


@click.command()
@click.argument("customer")
@click.argument("month", metavar="YYYY-MM")
@click.option(
    "--pdf",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Print the specification of a closed month there.",
)
@json_option
@now_option
@config_option
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
    if pdf is not None:
        _print_pdf(config, customer, month, pdf)
    say, found = _statements(config, now, month, customer)
    if not found:
        raise click.UsageError(
            say(f"{customer} har inget för {month}", f"{customer} has nothing for {month}")
        )
    (shown,) = found
    if as_json:
        print_json(shown)
        return
    _print_statement(shown, say)


def _print_pdf(config: Path | None, customer: str, month: str, file: Path) -> None:
    from daemon.desk.month import specifications
    from daemon.desk.month.enclosures import as_pdf
    from daemon.store.money import statements as stored
    from integrations.pdf import WeasyPrinter

    with opened(config) as desk:
        say = desk.say
        with desk.store.reading() as tx:
            owner, wanted = _customer(tx, customer, say), _month(month, say)
            found = stored.listing(tx, month=str(wanted), customer_id=owner.id)
            if not found:
                raise click.UsageError(
                    say(
                        f"{customer} {month} är inte avräknad: bara en stängd månad skrivs ut",
                        f"{customer} {month} is not closed: only a closed month is printed",
                    )
                )
            (made,) = specifications.gather(tx, desk, found)
    file.write_bytes(as_pdf(made, WeasyPrinter()).content)


def _print_statement(shown: dict[str, Any], say: Say) -> None:
    states = {
        "open": ("öppen månad, förhandsvisning", "open month, a preview"),
        "held": ("väntar", "held"),
        "approval": ("väntar på ekonomins OK", "waits for finance's OK"),
        "frozen": ("avräknad, ännu inte överförd", "closed, not pushed yet"),
        "pushing": ("avräknad, överförs", "closed, being pushed"),
        "pushed": ("avräknad, fakturautkast", "closed, invoice draft"),
        "nothing": ("avräknad, inget att fakturera", "closed, nothing to invoice"),
    }
    state = say(*states.get(shown["state"], (shown["state"],) * 2))
    click.echo(f"{shown['reference']}  {state} {shown['invoice_number'] or ''}".rstrip())
    money = [each for each in shown["rows"] if each["kind"] != "text"]
    rows = [(e["description"], e["quantity"], e["unit"], e["price"], e["amount"]) for e in money]
    net = (say("netto, SEK exklusive moms", "net, SEK excluding VAT"), "", "", "", shown["net"])
    heads = ["", say("antal", "quantity"), "", say("pris", "price"), say("belopp", "amount")]
    print_table(heads, [*rows, net], right=(1, 3, 4))
    if shown["left_out"]:
        left = say("kredit som står kvar till senare", "credit that stays due for later")
        click.echo(f"{left}: {shown['left_out']}")
    texts = [each["description"] for each in shown["rows"] if each["kind"] == "text"]
    if texts:
        click.echo("")
    for text in texts:
        click.echo(f"  {text}")
    for reason in shown["held"]:
        click.echo(f"! {reason}")
