"""`avtald person`: somebody's data, handed out or erased (K2)."""

import datetime as dt
import sys
from pathlib import Path

import click

from daemon.cli.desk import opened
from daemon.cli.options import json_config, json_now_config
from daemon.cli.output import print_json
from daemon.domain.wording import Say


class AddressParam(click.ParamType[str]):
    """A mail address in its normal form."""

    name = "email"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read an address; wrong usage for anything else."""
        from daemon.settings.values import address

        try:
            return address(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def person() -> None:
    """Personal data: somebody's data, handed out or erased."""


@person.command("export")
@click.argument("email", type=AddressParam())
@click.argument("file", type=click.Path(path_type=Path), required=False)
@json_config
def export_(email: str, file: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Write everything about EMAIL to FILE, a zip of JSON and mails."""
    from daemon.desk.register import persons

    with opened(config) as desk:
        exported = persons.export(desk, email, file or Path(f"{email.replace('/', '_')}.zip"))
    if as_json:
        print_json(exported)
        return
    click.echo(exported.file)
    for name, count in exported.counts.items():
        click.echo(f"  {desk.say('mejl', 'mails') if name == 'mails' else name}: {count}")


@person.command()
@click.argument("email", type=AddressParam())
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would go and what stays; change nothing.")
@json_now_config
def erase(
    email: str, config: Path | None, now: dt.datetime, *, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Replace EMAIL by a number everywhere, and delete the person's mail.

    The ledger and the statements stay as long as the law says; the report has the dates. It
    cannot be undone; a copy restored later is erased again by itself.
    """
    from daemon.app.accounting import papers_of
    from daemon.desk.register import erasing, erasure

    with opened(config, at_rest=True) as desk:
        papers = papers_of(desk)
        if not (dry_run or yes):
            _ask(email, desk.say)
        if dry_run:
            report = erasing.look(desk, email, papers)
        else:
            report = erasing.erase(desk, email, now, papers)
    if as_json:
        print_json(erasure.Erasure(report, dry_run))
        return
    for line in erasure.lines(report, desk.say, dry_run=dry_run):
        click.echo(line)


def _ask(email: str, say: Say) -> None:
    """Ask at a terminal; elsewhere --yes must be written."""
    if not sys.stdin.isatty():
        raise click.UsageError(say("skriv --yes för att radera", "write --yes to erase"))
    click.confirm(
        say(f"Radera {email}? Det går inte att ångra", f"Erase {email}? It cannot be undone"),
        abort=True,
    )
