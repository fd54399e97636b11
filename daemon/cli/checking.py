"""`avtald check`: a table of what works and what needs attention, with how to mend each."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.options import config_option, json_option, now_option
from daemon.cli.output import Say, print_json, speaker, table

if TYPE_CHECKING:
    from daemon.desk.check import Finding

_WORDS = {"ok": ("OK", "OK"), "warning": ("varning", "warning"), "fault": ("fel", "fault")}


@click.command()
@json_option
@now_option
@config_option
def check(config: Path | None, now: dt.datetime, *, as_json: bool) -> int:
    """Test the desk's parts, and say how to mend each; exit 1 where one needs attention."""
    from daemon import app
    from daemon.probes import probes_of

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
    """A table, with the remedy under what needs one."""
    heads = say("område läge vad", "area status what").split()
    rows = [(f.area, say(*_WORDS[f.status]), f.says) for f in findings]
    heading, *lines = table(heads, rows)
    yield heading
    indent = " " * heading.index(heads[-1])
    for finding, line in zip(findings, lines, strict=True):
        yield line
        if finding.remedy:
            yield f"{indent}→ {finding.remedy}"
