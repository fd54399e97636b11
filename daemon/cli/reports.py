"""`avtald report` and `simulate`: a customer's period, and its cost under another plan."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.desk import opened
from daemon.cli.options import json_now_config
from daemon.cli.output import print_json, print_table
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.desk.context import Desk
    from daemon.desk.reviews.report_making import Made
    from daemon.desk.shown.reports import Simulation


@click.command()
@click.argument("customer")
@click.argument("period")
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write it as A4.")
@click.option("--internal", is_flag=True, help="Show what is for our eyes: margin, plans.")
@json_now_config
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
    from daemon.desk.shown.reports import report_of

    with opened(config) as desk:
        shown = report_of(desk, customer, period, now, internal=internal)
    if pdf is not None:
        _write_pdf(pdf, shown.made, desk)
    if as_json:
        print_json(shown)
    elif pdf is None:
        for text in shown.texts(desk):
            click.echo(text)


def _write_pdf(path: Path, made: "Made", desk: "Desk") -> None:
    from daemon.domain.document import PdfError
    from integrations.pdf import WeasyPrinter

    try:
        content = WeasyPrinter().print(made.page(desk))
        path.write_bytes(content)
    except PdfError as error:
        raise click.ClickException(f"{error}. {error.remedy}".rstrip()) from error
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from error
    click.echo(desk.say(f"{path} är skriven", f"{path} is written"), err=True)


@click.command()
@click.argument("customer")
@click.option("--plan", required=True, help="The plan: alert, attend, access, none or your own.")
@click.option("--from", "first", required=True, metavar="YYYY-MM", help="The first month.")
@click.option("--to", "last", required=True, metavar="YYYY-MM", help="The last month.")
@json_now_config
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
    """Show the cost of months under another plan, with the same work."""
    from daemon.desk.shown import reports

    with opened(config) as desk:
        simulation = reports.simulate(desk, customer, plan, (first, last), now)
    if as_json:
        print_json(simulation)
        return
    _print_simulation(simulation, desk.say)


def _print_simulation(simulation: "Simulation", say: Say) -> None:
    headings = (say("månad", "month"), say("som avtalat", "as agreed"), simulation.plan)
    rows = [(month.month, month.current, month.simulated) for month in simulation.months]
    total = (say("summa", "sum"), simulation.current, simulation.simulated)
    print_table(headings, [*rows, total], right=(1, 2))
    difference = simulation.difference
    click.echo(say(f"skillnad {difference} kr", f"difference SEK {difference}"))
