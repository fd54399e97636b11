"""`avtald check`: a table of the desk's parts, each fault with its remedy."""

import datetime as dt
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.desk import opened
from daemon.cli.options import json_now_config
from daemon.cli.output import print_json, table
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.desk.upkeep.check import Finding

_AREAS = {
    "configuration": "inställningar",
    "intake": "inkommande",
    "outgoing": "utgående",
    "calendar": "kalender",
    "database": "databas",
    "accounting": "bokföring",
    "identity": "identitet",
    "closing": "månadsslut",
}  # the others are called the same
_NARROWEST = 40
_WORDS = {"ok": ("OK", "OK"), "warning": ("varning", "warning"), "fault": ("fel", "fault")}


@click.command()
@json_now_config
def check(config: Path | None, now: dt.datetime, *, as_json: bool) -> int:
    """Test the desk's parts, each fault with its remedy; exit 1 where one needs attention."""
    from daemon.app.probes import probes_of
    from daemon.desk.upkeep.check import examine

    with opened(config, upgraded=False) as desk:
        findings = list(examine(desk, probes_of(desk), now))
    if as_json:
        print_json(findings)
    else:
        for line in _lines(findings, desk.say):
            click.echo(line)
    return 1 if any(finding.status != "ok" for finding in findings) else 0


def _lines(findings: Sequence["Finding"], say: Say) -> Iterator[str]:
    """Make a table as wide as the terminal, each remedy under its fault."""
    heads = say("område läge vad", "area status what").split()
    rows = [(say(_AREAS.get(f.area, f.area), f.area), say(*_WORDS[f.status]), "") for f in findings]
    heading, *lines = table(heads, rows)
    yield heading
    indent = heading.index(heads[-1])
    for finding, line in zip(findings, lines, strict=True):
        yield from _wrapped(finding.message, line.ljust(indent), indent)
        if finding.remedy:
            yield from _wrapped(f"→ {finding.remedy}", " " * indent, indent + 2)


def _wrapped(text: str, before: str, indent: int) -> list[str]:
    """Wrap a text behind a beginning, its further lines below its first."""
    width = max(shutil.get_terminal_size((100, 24)).columns, indent + _NARROWEST)
    return textwrap.wrap(
        text,
        width,
        initial_indent=before,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
