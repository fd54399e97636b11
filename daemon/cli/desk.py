"""The desk that a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from daemon.desk.context import Desk


@contextmanager
def opened(config: Path | None, *, upgraded: bool = True) -> "Iterator[Desk]":
    """Open the desk for the length of a command; its refusal is wrong usage (exit code 2)."""
    from daemon.app import desks
    from daemon.desk.context import RefusedError

    try:
        with desks.opened(config, upgraded=upgraded) as desk:
            yield desk
    except RefusedError as refused:
        raise click.UsageError(str(refused)) from refused
