"""What commands print: sentences in the desk's language, tables, JSON."""

import datetime as dt
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import click

from daemon.domain.money import Money
from daemon.domain.periods import Period
from daemon.domain.wording import Say, speaker

__all__ = ["Say", "print_json", "print_table", "speaker", "table"]


def print_json(value: object) -> None:
    """Print in the shapes of contract.md 4: UTC instants, ISO dates, money as strings."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=as_json))


def as_json(value: object) -> object:
    """What JSON has for a value of ours; TypeError for anything else."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Money | Period):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no shape in contract.md 4")


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Sequence[int] = (),
    colours: Sequence[str | None] = (),
) -> None:
    """Print rows under their headings; the columns numbered in `right` (from 0) end flush.

    `colours` has one for each row, shown on a terminal only.
    """
    heading, *lines = table(headings, rows, right=right)
    click.echo(heading)
    for line, colour in zip_longest(lines, colours):
        click.echo(click.style(line, fg=colour) if colour else line)


def table(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[int] = ()
) -> list[str]:
    """The lines of a table, its heading first."""
    cells = [[_cell(each) for each in row] for row in (headings, *rows)]
    widths = [max(_width(row[at]) for row in cells) for at in range(len(headings))]
    return [
        "  ".join(
            _padded(cell, width, flush=at in right)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _cell(value: object) -> str:
    """One line that cannot move the cursor: customers choose what stands in subjects and names."""
    text = "" if value is None else str(value)
    return "".join(
        " " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char
        for char in text
        if unicodedata.category(char) not in {"Cf", "Cs"}
    )


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _padded(text: str, width: int, *, flush: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if flush else text + space
