"""`avtald person`: what is kept of somebody, handed out or erased (K2)."""

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.desk import opened
from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import print_json
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.desk.register.persons import Report


class AddressParam(click.ParamType[str]):
    """A mail address, in the form that equal addresses share."""

    name = "email"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it; wrong usage for what is no address."""
        from daemon.settings.values import address

        try:
            return address(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def person() -> None:
    """Personal data: what is kept of somebody, handed out or erased."""


@person.command("export")
@click.argument("email", type=AddressParam())
@click.argument("file", type=click.Path(path_type=Path), required=False)
@json_option
@config_option
def export_(email: str, file: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Write all that is kept of EMAIL to FILE, a zip of JSON and mails."""
    from daemon.desk.register import persons

    target = file or Path(f"{email.replace('/', '_')}.zip")
    with opened(config) as desk, desk.store.reading() as tx:
        say = desk.say
        try:
            counts = persons.export(tx, email, target)
        except persons.PersonError as error:
            raise click.UsageError(str(error)) from error
    if as_json:
        print_json({"file": str(target), "counts": counts})
        return
    click.echo(target)
    for name, count in counts.items():
        click.echo(f"  {say('mejl', 'mails') if name == 'mails' else name}: {count}")


@person.command()
@click.argument("email", type=AddressParam())
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would go and what stays; change nothing.")
@json_option
@now_option
@config_option
def erase(
    email: str, config: Path | None, now: dt.datetime, *, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Replace EMAIL by a number wherever it is shown, and delete that person's mail.

    The ledger and the statements stay as long as the law says; the report tells until when. It
    cannot be undone; a copy that is restored later is erased again by itself.
    """
    from daemon.desk.register import persons

    with opened(config) as desk:
        say = desk.say
        if not (dry_run or yes):
            _ask(email, say)
        try:
            with desk.store.reading() if dry_run else desk.store.acting() as tx:
                report = persons.erase(tx, desk, email, now)
        except persons.PersonError as error:
            raise click.UsageError(str(error)) from error
        if not dry_run:
            persons.keep_log(desk)
    if as_json:
        print_json(report.to_json() | {"dry_run": dry_run})
    else:
        for line in _lines(report, say, dry_run=dry_run):
            click.echo(line)


def _ask(email: str, say: Say) -> None:
    """Ask at a terminal; elsewhere --yes must be written."""
    if not sys.stdin.isatty():
        raise click.UsageError(say("skriv --yes för att radera", "write --yes to erase"))
    click.confirm(
        say(f"Radera {email}? Det går inte att ångra", f"Erase {email}? It cannot be undone"),
        abort=True,
    )


def _lines(report: "Report", say: Say, *, dry_run: bool) -> list[str]:
    head = (
        say("skulle ersättas av", "would be replaced by")
        if dry_run
        else say("ersatt av", "replaced by")
    )
    numbers = ", ".join(f"#{number}" for number in report.tickets) or "–"
    lines = [
        f"{head} {report.replaced_by}",
        say(f"  ärenden: {numbers}", f"  tickets: {numbers}"),
        say(
            f"  tömda meddelanden: {report.messages}, raderade mejl: {report.mails}",
            f"  messages emptied: {report.messages}, mails deleted: {report.mails}",
        ),
    ]
    if report.waiting:
        lines.append(
            say(
                f"  {report.waiting} mejl väntar på att skickas till andra: radera igen sedan",
                f"  {report.waiting} mails wait to be sent to others: erase again afterwards",
            )
        )
    lines += [
        say(
            f"  kvar till {each.until} ({report.law}): {each.ledger_rows} tidsrader, "
            f"{each.statements} underlag",
            f"  kept until {each.until} ({report.law}): {each.ledger_rows} rows of time, "
            f"{each.statements} statements",
        )
        for each in report.kept
    ]
    return [*lines, *_elsewhere(say)]


def _elsewhere(say: Say) -> list[str]:
    """What lies outside of the desk's reach."""
    return say(
        "  utanför avtald: registerfilen (import skapar personen igen), postlådan och dess "
        "klarmapp, ekonomisystemets kundkort, äldre säkerhetskopior",
        "  outside avtald: the register file (import makes the person again), the mailbox and its "
        "done folder, the accounting system's customer card, older backups",
    ).splitlines()
