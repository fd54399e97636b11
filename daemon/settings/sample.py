"""The commented `avtald.toml` of `avtald init`, made of the settings' own descriptions."""

import dataclasses
import datetime as dt
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, get_args, get_origin, get_type_hints

from daemon.domain.money import Money
from daemon.domain.periods import Period
from daemon.settings import toml
from daemon.settings.checked import metadata, plain, shown
from daemon.settings.plans import PlanTable, PriceTable
from daemon.settings.tables import Tables
from daemon.settings.values import Key, Reads, ReadsThere, size

_HEAD = """\
# Settings of avtald, a helpdesk by e-mail. All but the desk's name and address have defaults.
#
# A "#" right before a key: the value is the default, or an example. Remove the "#" to set the key.
# Durations are "90s", "15m", "2h" or "14d"; money is text with two decimals. Secrets never stand
# here: a key that ends in _file names a file with one secret, looked for among systemd's
# credentials, then beside this file. `avtald check` tells what is missing.
"""
_WIDTH = 100


def sample() -> str:
    """The whole file; it loads as it stands, without any secret."""
    lines = [_HEAD.rstrip("\n")]
    for name, hint in get_type_hints(Tables, include_extras=True).items():
        if name == "plans":
            lines += _plan_lines()
        else:
            lines += _table_lines((name,), hint, _default(Tables, name))
    return "\n".join(lines) + "\n"


def _default(record: Any, name: str) -> Any:
    """A field's default; MISSING for a key that the file must have."""
    field = next(each for each in dataclasses.fields(record) if each.name == name)
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _table_lines(path: tuple[str, ...], hint: Any, default: Any) -> Iterator[str]:
    """A table with its keys; an optional table stands behind "#" as a whole."""
    record = plain(hint)
    if get_origin(record) is tuple:
        record = plain(get_args(record)[0])
    dead = default is None or default == ()
    yield ""
    yield from _prose(record.__doc__ or "")
    yield f"{'#' if dead else ''}[{'.'.join(path)}]"
    below = []
    for name, inside in get_type_hints(record, include_extras=True).items():
        value = _default(record, name)
        if _is_table(inside):
            below.append((name, inside, None if dead else value))
        else:
            yield from _key_lines(name, inside, value, dead=dead)
    for name, inside, value in below:
        yield from _table_lines((*path, name), inside, value)


def _is_table(hint: Any) -> bool:
    kind = plain(hint)
    if get_origin(kind) is tuple:
        kind = plain(get_args(kind)[0])
    one_value = any(isinstance(each, Reads | ReadsThere) for each in _all_metadata(hint))
    return dataclasses.is_dataclass(kind) and not one_value


def _key_lines(name: str, hint: Any, default: Any, *, dead: bool) -> Iterator[str]:
    key = next((each for each in metadata(hint) if isinstance(each, Key)), Key(""))
    live = default is dataclasses.MISSING and not dead
    written = key.example if _says_little(default) and key.example else _written(default, hint)
    line = f"{'' if live else '#'}{shown(name)} = {written}"
    if not key.says:
        yield line
    elif len(line) + len(key.says) + 4 <= _WIDTH:
        yield f"{line}  # {key.says}"
    else:
        yield from _prose(f"{key.says}:")
        yield line


def _prose(text: str) -> Iterator[str]:
    words = " ".join(text.split())
    yield from textwrap.wrap(words, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _says_little(default: Any) -> bool:
    return default in (None, "", {}) or default is dataclasses.MISSING


def _written(value: Any, hint: Any) -> str:
    """A default in the form of the file."""
    if any(isinstance(each, Reads) and each.read is size for each in _all_metadata(hint)):
        return toml.value(_size(value))
    return toml.value(_plain_value(value))


def _all_metadata(hint: Any) -> tuple[Any, ...]:
    inside = (each for part in get_args(hint) for each in _all_metadata(part))
    return (*metadata(hint), *inside)


def _plain_value(value: Any) -> Any:
    if isinstance(value, dt.timedelta):
        return _duration(value)
    if isinstance(value, dt.time):
        return f"{value:%H:%M}"
    if isinstance(value, Mapping):
        return {str(name): _plain_value(each) for name, each in value.items()}
    if isinstance(value, frozenset):
        return [_plain_value(each) for each in sorted(value)]
    if isinstance(value, tuple):
        return [_plain_value(each) for each in value]
    if isinstance(value, PurePath | Money | Period):
        return str(value)
    return value


def _duration(length: dt.timedelta) -> str:
    seconds = int(length.total_seconds())
    for unit, many in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % many == 0 and seconds:
            return f"{seconds // many}{unit}"
    return f"{seconds}s"


def _size(value: int) -> str:
    for unit, many in (("GB", 1024**3), ("MB", 1024**2)):
        if value % many == 0:
            return f"{value // many}{unit}"
    return f"{value // 1024}kB"


def _plan_lines() -> Iterator[str]:
    yield ""
    yield from _prose(
        "The four plans of the support agreement are built in: alert, attend, access, none. "
        "A table here changes one of them, or adds one."
    )
    yield "#[plans.alert]"
    for name, hint in get_type_hints(PlanTable, include_extras=True).items():
        if name != "prices":
            yield from _key_lines(name, hint, None, dead=True)
    yield "# A later price list: agreements made before it keep their terms."
    yield "#[[plans.alert.prices]]"
    hints = get_type_hints(PriceTable, include_extras=True)
    for name in ("from_", "monthly_fee"):
        yield from _key_lines(name, hints[name], None, dead=True)
