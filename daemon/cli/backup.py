"""`avtald backup` and `avtald restore-test`: a copy while the desk runs, and the proof of one."""

import datetime as dt
from pathlib import Path

import click

from daemon.cli.desk import opened
from daemon.cli.options import json_config, json_now_config
from daemon.cli.output import print_json


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--keep", type=click.IntRange(min=1), help="In a folder: remove all but the newest N copies."
)
@json_now_config
def backup(
    file: Path, config: Path | None, now: dt.datetime, keep: int | None, *, as_json: bool
) -> None:
    """Copy the database to FILE while the desk runs; in a folder, under a name of its own.

    The manifest FILE.json beside it lists the content; avtald restore-test proves both.
    """
    from daemon.desk.shown import copies

    if keep is not None and not file.is_dir():
        raise click.UsageError(f"--keep needs a folder, and {file} is none")
    with opened(config, upgraded=False) as desk:
        try:
            made = copies.back_up(desk.store, file, now, keep)
        except copies.BackupError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        print_json(made)
        return
    rows = sum(made.manifest.counts.values())
    click.echo(desk.say(f"{made.file}: {rows} rader", f"{made.file}: {rows} rows"))
    for old in made.removed:
        click.echo(desk.say(f"borttagen: {old}", f"removed: {old}"))


@click.command("restore-test")
@click.argument("file", type=click.Path(path_type=Path))
@json_config
def restore_test(file: Path, config: Path | None, *, as_json: bool) -> int:
    """Prove a copy: read FILE back, count its rows, check every hash.

    Of a folder, its newest copy. The running database is not touched. Exit 1 for a copy with
    faults.
    """
    from daemon.desk.shown import copies

    with opened(config, upgraded=False) as desk:
        try:
            tried = copies.tried(desk.store, file)
        except copies.BackupError as error:
            raise click.ClickException(str(error)) from error
    proof, say = tried.proof, desk.say
    if as_json:
        print_json(tried)
    elif proof.faults:
        for fault in proof.faults:
            click.echo(f"{proof.file}: {fault}")
        click.echo(say("kopian kan inte användas", "the copy cannot be used"))
    else:
        rows = sum(proof.counts.values())
        click.echo(
            say(
                f"{proof.file}: {rows} rader, {proof.chain_length} länkar i kedjan, inga fel",
                f"{proof.file}: {rows} rows, {proof.chain_length} links in the chain, no faults",
            )
        )
    return 1 if proof.faults else 0
