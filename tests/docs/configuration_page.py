"""docs/configuration.md, made of the settings' own descriptions.

Run from the checkout: python -m tests.docs.configuration_page > docs/configuration.md
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

from daemon.domain.agreement import BUILT_IN
from daemon.settings.checked import metadata, plain, shown
from daemon.settings.plans import PlanTable, PriceTable
from daemon.settings.sample import _default, _is_table, _says_little, _written
from daemon.settings.tables import Tables
from daemon.settings.values import Key

HEAD = """\
# Configuration

Every key of `avtald.toml`. The page is made from the program's own descriptions, and a test holds
it to them. `avtald init` writes the same as a commented file; `avtald check` tells what is missing.

The file is the one named by `--config`, else by `$AVTALD_CONFIG`, else `./avtald.toml`, else
`/etc/avtald/avtald.toml`. All mistakes in it are reported at once, each with its key and the right
form; then nothing is changed, and the command exits with 2. An unknown key is a mistake, too.

- **Durations** are `"90s"`, `"15m"`, `"2h"` or `"14d"`; **sizes** `"512kB"`, `"25MB"` or `"1GB"`.
- **Money** is text with two decimals, in kronor: `"8000.00"`.
- **Instants** carry their offset from UTC: `2026-01-01T00:00:00+01:00`.
- **Paths** are relative to the folder of `avtald.toml`.
- **Secrets** never stand in the file. A key that ends in `_file` names a file with one secret: a
  bare name is looked for among systemd's credentials (`$CREDENTIALS_DIRECTORY`), then beside
  `avtald.toml`. Let only the desk's user read it.

A number in brackets, such as (A2), names a rule of the rule book; tests and code name it, too.
"""


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for name, hint in get_type_hints(Tables, include_extras=True).items():
        lines += _plans() if name == "plans" else _table((name,), hint, _default(Tables, name))
    return "\n".join(lines)


def _table(path: tuple[str, ...], hint: Any, default: Any) -> Iterator[str]:
    record, several = plain(hint), False
    if get_origin(record) is tuple:
        record, several = plain(get_args(record)[0]), True
    yield f"## `[{'.'.join(path)}]`\n"
    yield " ".join((record.__doc__ or "").split())
    if default is None or default == ():
        yield "Without this table there is none."
    if several:
        yield f"`[[{'.'.join(path)}]]` for several."
    yield ""
    below = []
    yield from _heading()
    for name, inside in get_type_hints(record, include_extras=True).items():
        if _is_table(inside):
            below.append((name, inside))
        else:
            yield _row(name, inside, _default(record, name))
    yield ""
    for name, inside in below:
        yield from _table((*path, name), inside, _default(record, name))


def _heading() -> list[str]:
    return ["| key | default | meaning |", "| --- | --- | --- |"]


def _row(name: str, hint: Any, default: Any) -> str:
    key = next((each for each in metadata(hint) if isinstance(each, Key)), Key(""))
    if default is dataclasses.MISSING:
        value = f"must be given: `{key.example}`" if key.example else "must be given"
    elif _says_little(default):
        value = f"none; as `{key.example}`" if key.example else "none"
    else:
        value = f"`{_written(default, hint)}`"
    return f"| `{shown(name)}` | {value} | {key.says} |".replace("  ", " ")


def _plans() -> Iterator[str]:
    yield "## `[plans.KEY]`\n"
    yield (
        "The four plans of the support agreement are built in: "
        + ", ".join(f"`{name}`" for name in BUILT_IN)
        + ".\nA table here changes one of them, or adds one. An agreement takes its terms from\n"
        "the plan's price list of the day it starts, and keeps them (F1).\n"
    )
    yield from _terms(PlanTable, "prices")
    yield "## `[[plans.KEY.prices]]`\n"
    yield "A later price list: every key of the plan, and\n"
    hints = get_type_hints(PriceTable, include_extras=True)
    yield from _heading()
    yield _row("from_", hints["from_"], dataclasses.MISSING)


def _terms(record: type, but: str) -> Iterator[str]:
    yield from _heading()
    for name, hint in get_type_hints(record, include_extras=True).items():
        if name != but:
            yield _row(name, hint, None)
    yield ""


if __name__ == "__main__":
    print(page())
