"""`avtald import` and `avtald export`: the register from a file, and back into one."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.changes import plan_lines
from daemon.cli.desk import opened
from daemon.cli.options import json_config, json_now_config
from daemon.cli.output import print_json
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.domain.periods import Period


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show the plan of changes; change nothing.")
@json_now_config
def import_(
    file: Path, config: Path | None, now: dt.datetime, *, dry_run: bool, as_json: bool
) -> None:
    """Change the register as FILE says, in one transaction.

    An object in the file is set as the file says, lists whole; every other object is left alone.
    """
    from daemon.desk.register import file as register_file
    from daemon.desk.register import importing

    read = register_file.read(file)
    with opened(config, at_rest=True) as desk:
        imported = importing.import_tables(desk, str(file), read, now, dry_run=dry_run)
    if as_json:
        print_json(imported)
        return
    for line in plan_lines(imported.changes, desk.say, dry_run=dry_run):
        click.echo(line)
    if imported.past_months:
        click.echo(_past(imported.past_months, desk.say))


def _past(months: Sequence["Period"], say: Say) -> str:
    """H1: the past months of the first close."""
    span = f"{months[0]}" if len(months) == 1 else f"{months[0]} – {months[-1]}"
    return say(
        f"obs: stängning fakturerar nu {len(months)} gångna månader ({span}); "
        "accounting.first_month i avtald.toml bestämmer den första",
        f"note: closing will now bill {len(months)} past months ({span}); "
        "accounting.first_month in avtald.toml decides the first",
    )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@json_config
def export(file: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Write the register to FILE, or to standard output, as `avtald import` reads it."""
    from daemon.desk.register import export as register_export

    with opened(config) as desk:
        kept = register_export.kept(desk.store)
    if as_json:
        print_json(register_export.as_tables(kept))
    elif file is None:
        click.echo(register_export.as_toml(kept), nl=False)
    else:
        try:
            file.write_text(register_export.as_toml(kept), encoding="utf-8")
        except OSError as error:
            raise click.UsageError(f"{file} cannot be written: {error.strerror}") from error
