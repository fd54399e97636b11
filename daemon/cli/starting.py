"""`avtald init`: a commented `avtald.toml` and a `register.toml` to start from."""

from pathlib import Path

import click

from daemon.cli.desk import refusals
from daemon.cli.options import json_config
from daemon.cli.output import print_json


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
@json_config
def init(folder: Path, config: Path | None, *, as_json: bool) -> None:
    """Write a commented avtald.toml and register.toml to start from; overwrites nothing."""
    del config  # there is none yet
    from daemon.app.first_files import write_first_files

    with refusals():
        written = write_first_files(folder)
    if as_json:
        print_json(written)
        return
    for file in written.files:
        click.echo(file)
    click.echo("Set the desk's name and address in avtald.toml, then: avtald check")
