"""The output of commands: tables and JSON."""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, cast

import click

from daemon.desk.shown.shapes import as_json


def print_json(value: object) -> None:
    """Print a record, or several, in the shapes of contract.md 4."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=as_json))


def print_fields(record: object) -> None:
    """Print the fields of a record, one a line, without its lists."""
    for name, value in cast("Mapping[str, object]", as_json(record)).items():
        if not isinstance(value, list):
            click.echo(f"{name}: {'-' if value is None else value}")


def hours(minutes: int) -> str:
    """Hours and minutes: `1:30`, `-0:15`."""
    sign = "-" if minutes < 0 else ""
    return f"{sign}{abs(minutes) // 60}:{abs(minutes) % 60:02}"


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
    cells = [[_cell(value) for value in row] for row in (headings, *rows)]
    widths = [max(_width(row[at]) for row in cells) for at in range(len(headings))]
    return [
        "  ".join(
            _padded(cell, width, flush=at in right)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _cell(value: object) -> str:
    """Make one line without control characters: customers choose subjects and names."""
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
