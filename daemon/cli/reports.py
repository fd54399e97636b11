"""`avtald report` and `simulate`: what a period came to, what another plan would have cost."""

import datetime as dt
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.desk import opened
from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import print_json, print_table
from daemon.domain.wording import Say

_MOST_MONTHS = 120  # of a simulation: ten years

if TYPE_CHECKING:
    from daemon.desk.context import Desk
    from daemon.desk.reviews.report_making import Made
    from daemon.domain.periods import Period
    from daemon.domain.register import Customer
    from daemon.domain.simulation import Simulated
    from daemon.store.session import Tx


def _customer(tx: "Tx", key: str, say: Say) -> "Customer":
    from daemon.store.money import register

    found = register.customer_by_key(tx, key)
    if found is None:
        raise click.UsageError(say(f"kunden {key} finns inte", f"no customer {key}"))
    return found


def _period(value: str) -> "Period":
    from daemon.domain.periods import Period

    try:
        return Period.parse(value)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


@click.command()
@click.argument("customer")
@click.argument("period")
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write it as A4.")
@click.option("--internal", is_flag=True, help="Show what is for our eyes: margin, plans.")
@json_option
@now_option
@config_option
def report(
    config: Path | None,
    customer: str,
    period: str,
    now: dt.datetime,
    pdf: Path | None,
    *,
    internal: bool,
    as_json: bool,
) -> None:
    """Show the report of a customer for 2026-11, 2026-Q4, 2026-H2 or 2026; nothing is sent."""
    from daemon.desk.reviews.manager_pack import pack_of
    from daemon.desk.reviews.report_making import has_begun, make_report
    from daemon.desk.shown import reports as report_shown

    wanted = _period(period)
    with opened(config) as desk:
        say = desk.say
        with desk.store.reading() as tx:
            found = _customer(tx, customer, say)
            if not has_begun(desk, wanted, now):
                raise click.UsageError(say(f"{wanted} har inte börjat", f"{wanted} has not begun"))
            made = make_report(tx, desk, found, wanted, now)
            pack = pack_of(tx, desk, made, found.reports_to) if internal else None
            shown = report_shown.shown(made, pack)
    if pdf is not None:
        _write_pdf(pdf, made, desk, say)
    if as_json:
        print_json(shown)
    elif pdf is None:
        _print_letter(made.letter(desk), made.language, desk)
        if pack is not None:
            _print_letter(pack, desk.settings.desk.language, desk)


def _write_pdf(path: Path, made: "Made", desk: "Desk", say: Say) -> None:
    from daemon.domain.document import PdfError
    from integrations.pdf import WeasyPrinter

    try:
        content = WeasyPrinter().print(made.page(desk))
        path.write_bytes(content)
    except PdfError as error:
        raise click.ClickException(f"{error}. {error.remedy}".rstrip()) from error
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from error
    click.echo(say(f"{path} är skriven", f"{path} is written"), err=True)


def _print_letter(letter: Any, language: str, desk: "Desk") -> None:
    from daemon.desk.letters.rendering import render

    text = render(letter, language, desk.zone).text
    kept = [line for line in text.split("\n") if line not in desk.markers]
    click.echo("\n".join(kept).strip("\n"))


@click.command()
@click.argument("customer")
@click.option("--plan", required=True, help="The plan: alert, attend, access, none or your own.")
@click.option("--from", "first", required=True, metavar="YYYY-MM", help="The first month.")
@click.option("--to", "last", required=True, metavar="YYYY-MM", help="The last month.")
@json_option
@now_option
@config_option
def simulate(
    config: Path | None,
    customer: str,
    now: dt.datetime,
    *,
    plan: str,
    first: str,
    last: str,
    as_json: bool,
) -> None:
    """Show what months would have cost under another plan, with the same work."""
    from daemon.desk.reviews import plan_costs

    with opened(config) as desk:
        say = desk.say
        if plan not in desk.settings.plans:
            names = ", ".join(desk.settings.plans)
            raise click.UsageError(say(f"skriv en av {names}", f"write one of {names}"))
        months = _months(first, last, say)
        with desk.store.reading() as tx:
            past = plan_costs.history(tx, desk, _customer(tx, customer, say), now)
        found = plan_costs.simulate(desk, past, plan, months)
    if as_json:
        print_json(_shape(customer, found))
        return
    _print_simulated(found, say)


def _months(first: str, last: str, say: Say) -> list["Period"]:
    from daemon.domain.periods import months_from

    begin, end = _period(first), _period(last)
    if begin.months != 1 or end.months != 1:
        raise click.UsageError(say("skriv månader: 2026-11", "write months: 2026-11"))
    if end < begin:
        raise click.UsageError(say("--to ligger före --from", "--to lies before --from"))
    months = list(itertools.islice(months_from(begin, end), _MOST_MONTHS + 1))
    if len(months) > _MOST_MONTHS:
        says = (f"skriv högst {_MOST_MONTHS} månader", f"write {_MOST_MONTHS} months at most")
        raise click.UsageError(say(*says))
    return months


def _shape(customer: str, found: "Simulated") -> dict[str, Any]:
    return {
        "customer": customer,
        "plan": found.plan,
        "months": [
            {"month": month, "current": agreed, "simulated": other}
            for month, agreed, other in found.months
        ],
        "current": found.current,
        "simulated": found.other,
        "difference": found.difference,
    }


def _print_simulated(found: "Simulated", say: Say) -> None:
    headings = (say("månad", "month"), say("som avtalat", "as agreed"), found.plan)
    rows: list[tuple[object, ...]] = [tuple(map(str, each)) for each in found.months]
    rows.append((say("summa", "sum"), str(found.current), str(found.other)))
    print_table(headings, rows, right=(1, 2))
    click.echo(say(f"skillnad {found.difference} kr", f"difference SEK {found.difference}"))
