"""The desk of a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from daemon.desk.context import Desk


@contextmanager
def opened(
    config: Path | None, *, upgraded: bool = True, at_rest: bool = False
) -> "Iterator[Desk]":
    """Open the desk for the length of a command; its refusal is wrong usage (exit code 2)."""
    from daemon.app import desks

    with refusals(), desks.opened(config, upgraded=upgraded, at_rest=at_rest) as desk:
        yield desk


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a refusal into wrong usage (exit code 2)."""
    from daemon.domain.refusal import RefusedError

    try:
        yield
    except RefusedError as refused:
        raise click.UsageError(str(refused)) from refused
