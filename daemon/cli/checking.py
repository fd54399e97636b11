"""`avtald check`: a table of what works and what needs attention, with how to mend each."""

import datetime as dt
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import Say, print_json, speaker, table

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
@json_option
@now_option
@config_option
def check(config: Path | None, now: dt.datetime, *, as_json: bool) -> int:
    """Test the desk's parts, and say how to mend each; exit 1 where one needs attention."""
    from daemon.app import desk as app
    from daemon.app.probes import probes_of

    with app.opened(config, upgraded=False) as desk:
        say = speaker(desk.settings.desk.language)
        findings = app.findings(desk, now, say, probes_of(desk.settings, say, desk.store))
    if as_json:
        print_json(
            [
                {"area": f.area, "status": f.status, "message": f.says, "remedy": f.remedy}
                for f in findings
            ]
        )
    else:
        for line in _lines(findings, say):
            click.echo(line)
    return 1 if any(f.status != "ok" for f in findings) else 0


def _lines(findings: Sequence["Finding"], say: Say) -> Iterator[str]:
    """A table as wide as the terminal, with the remedy under what needs one."""
    heads = say("område läge vad", "area status what").split()
    rows = [(say(_AREAS.get(f.area, f.area), f.area), say(*_WORDS[f.status]), "") for f in findings]
    heading, *lines = table(heads, rows)
    yield heading
    indent = heading.index(heads[-1])
    for finding, line in zip(findings, lines, strict=True):
        yield from _wrapped(finding.says, line.ljust(indent), indent)
        if finding.remedy:
            yield from _wrapped(f"→ {finding.remedy}", " " * indent, indent + 2)


def _wrapped(text: str, before: str, indent: int) -> list[str]:
    """A text behind what stands before it, its further lines below its first."""
    width = max(shutil.get_terminal_size((100, 24)).columns, indent + _NARROWEST)
    return textwrap.wrap(
        text,
        width,
        initial_indent=before,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
