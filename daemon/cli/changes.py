"""A plan of changes of the register, as people read it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from daemon.domain.wording import Say
from daemon.settings import toml

if TYPE_CHECKING:
    from daemon.desk.register.changes import Change

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
    "adjustment": ("justering av timbanken", "adjustment of the bank"),
}


def plan_lines(changes: Sequence["Change"], say: Say, *, dry_run: bool) -> Iterator[str]:
    """The plan of changes for people, one change a line, with a summary."""
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
    return "–" if value is None else toml.value(value)
