"""`avtald import` and `avtald export`: the register from a file, and back into one."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon import toml_text
from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import Say, print_json, speaker

if TYPE_CHECKING:
    from daemon.desk.register_changes import Change
    from daemon.domain.periods import Period

_SIGNS = {"added": "+", "changed": "~", "ended": "-", "withdrawn": "-", "resumed": "+"}
_KINDS = {
    "added": ("ny", "new"),
    "changed": ("ändras", "changes"),
    "ended": ("avslutas", "ends"),
    "withdrawn": ("dras tillbaka", "is withdrawn"),
    "resumed": ("gäller igen", "is back"),
}
_WORDS = {
    "engineer": ("tekniker", "engineer"),
    "customer": ("kund", "customer"),
    "contact": ("kontakt", "contact"),
    "agreement": ("avtal från", "agreement from"),
}


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show the plan of changes; change nothing.")
@json_option
@now_option
@config_option
def import_(
    file: Path, config: Path | None, now: dt.datetime, *, dry_run: bool, as_json: bool
) -> None:
    """Change the register as FILE says, in one transaction.

    An object in the file is set as the file says, lists whole; an object that is not in the file
    is left alone.
    """
    from daemon import app
    from daemon.desk import register, register_file

    read = register_file.read(file)
    with app.opened(config) as desk:
        say = speaker(desk.settings.desk.language)
        with desk.store.reading() if dry_run else desk.store.writing() as tx:
            asked = register.plan(tx, str(file), read, desk.settings)
            past = register.newly_billed(tx, asked, desk.settings, desk.calendar, now)
            if asked.changes and not dry_run:
                register.apply(tx, asked, now)
    if as_json:
        print_json(
            {
                "changes": [change.to_json() for change in asked.changes],
                "applied": bool(asked.changes) and not dry_run,
                "past_months": past,
            }
        )
        return
    for line in _plan(asked.changes, say, dry_run=dry_run):
        click.echo(line)
    if past:
        click.echo(_past(past, say))


def _plan(changes: Sequence["Change"], say: Say, *, dry_run: bool) -> Iterator[str]:
    """The plan of changes as people read it, and what became of it."""
    if not changes:
        yield say("inget att ändra", "nothing to change")
        return
    for change in changes:
        yield from _lines(change, say)
    yield say(f"ändringar: {len(changes)}", f"changes: {len(changes)}") + (
        say(" (--dry-run: inget är ändrat)", " (--dry-run: nothing was changed)") if dry_run else ""
    )


def _lines(change: "Change", say: Say) -> Iterator[str]:
    owner = f"{say(*_WORDS['customer'])} {change.customer}, " if change.customer else ""
    what = f"{owner}{say(*_WORDS[change.what])} {change.name}"
    yield f"{_SIGNS[change.kind]} {what}: {say(*_KINDS[change.kind])}"
    for name, (before, after) in change.details.items():
        if name == "active" and change.kind != "changed":
            continue  # the line above says it
        if change.kind == "added":
            yield f"    {name} = {_value(after)}"
        else:
            yield f"    {name}: {_value(before)} → {_value(after)}"


def _value(value: object) -> str:
    return "–" if value is None else toml_text.value(value)


def _past(months: Sequence["Period"], say: Say) -> str:
    """H1: what the first close would bill at once."""
    span = f"{months[0]}" if len(months) == 1 else f"{months[0]} – {months[-1]}"
    return say(
        f"obs: stängning fakturerar nu {len(months)} gångna månader ({span}); "
        "accounting.first_month i avtald.toml bestämmer den första",
        f"note: closing will now bill {len(months)} past months ({span}); "
        "accounting.first_month in avtald.toml decides the first",
    )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@json_option
@config_option
def export(file: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Write the register to FILE, or to standard output, as `avtald import` reads it."""
    from daemon import app
    from daemon.desk import register_export
    from daemon.store import register

    with app.opened(config) as desk, desk.store.reading() as tx:
        kept = register.load(tx)
    if as_json:
        print_json(register_export.as_tables(kept))
    elif file is None:
        click.echo(register_export.as_toml(kept), nl=False)
    else:
        try:
            file.write_text(register_export.as_toml(kept), encoding="utf-8")
        except OSError as error:
            raise click.UsageError(f"{file} cannot be written: {error.strerror}") from error
