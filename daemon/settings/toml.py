"""Writing TOML 1.0; `tomllib` reads the same values back."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_WIDE = 88  # columns: a longer list goes over several lines


def key(name: str) -> str:
    """A key, in quotes if it needs them."""
    return name if _BARE_KEY.fullmatch(name) else _string(name)


def value(of: Any) -> str:
    """A value on one line, with inline tables; TypeError for a value without a TOML form."""
    if isinstance(of, bool):
        return "true" if of else "false"
    if isinstance(of, str):
        return _string(of)
    if isinstance(of, int | float):
        return repr(of)
    if isinstance(of, dt.date | dt.time):  # a datetime is a date
        return of.isoformat()
    if isinstance(of, Mapping):
        inside = ", ".join(f"{key(name)} = {value(each)}" for name, each in of.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(of, list | tuple):
        return f"[{', '.join(value(each) for each in of)}]"
    raise TypeError(f"TOML has nothing for {of!r}")


def _string(text: str) -> str:
    return '"' + "".join(_char(char) for char in text) + '"'


def _char(char: str) -> str:
    if char < " " or char == "\x7f":
        return _SHORT.get(char, f"\\u{ord(char):04X}")
    return _SHORT.get(char, char)


def document(data: Mapping[str, Any], *, inline: Sequence[str] = ()) -> str:
    """A whole file: lists of tables become [[tables]], except under the keys named `inline`.

    A table on its own is written inline.
    """
    return "\n".join(_lines(data, (), frozenset(inline))).strip("\n") + "\n"


def _lines(
    table: Mapping[str, Any], path: tuple[str, ...], inline: frozenset[str]
) -> Iterator[str]:
    below = {name: each for name, each in table.items() if name not in inline and _is_tables(each)}
    for name, content in table.items():
        if name not in below:
            yield from _pair(name, content)
    for name, tables in below.items():
        inside = (*path, name)
        for entry in tables:
            yield ""
            yield f"[[{'.'.join(key(part) for part in inside)}]]"
            yield from _lines(entry, inside, inline)


def _is_tables(of: Any) -> bool:
    if isinstance(of, list | tuple):
        return bool(of) and all(isinstance(each, Mapping) for each in of)
    return False


def _pair(name: str, of: Any) -> Iterator[str]:
    line = f"{key(name)} = {value(of)}"
    if len(line) <= _WIDE or not isinstance(of, list | tuple):
        yield line
        return
    yield f"{key(name)} = ["
    yield from (f"    {value(each)}," for each in of)
    yield "]"
