"""From a TOML file to frozen records: every mistake at once, each with its remedy."""

import dataclasses
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast, get_args, get_type_hints

from daemon.settings.values import Key, MadeFrom, Place

T = TypeVar("T")
Location = tuple[str | int, ...]

# Python keeps the word for itself: in a record the key is `from_`, in the file `from`.
_RESERVED = "from"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a file: its place, and the right form."""

    file: str
    key: str
    says: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.key, self.says) if part)


class MistakesError(Exception):
    """A file is of no use, for all of these reasons; nothing was changed (exit code 2)."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        """Keep every mistake."""
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


class TableError(ValueError):
    """Mistakes of a table as a whole: pairs of a key in it and the right form."""

    def __init__(self, *wrong: tuple[str, str]) -> None:
        """Keep the pairs."""
        super().__init__("; ".join(f"{key}: {says}" for key, says in wrong))
        self.wrong = wrong


@dataclass(frozen=True, slots=True)
class Checked(Generic[T]):
    """The value as far as it could be read (without the wrong keys), and every mistake."""

    value: T | None
    mistakes: tuple[Mistake, ...]


def read_toml(path: Path) -> dict[str, Any]:
    """The file's tables; MistakesError for a file out of reach, or for bad TOML with its line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except PermissionError:
        says = "cannot be read by this user: run the command as the desk's own user"
    except OSError as error:
        says = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        says = f"is not UTF-8 text (byte {error.start}): save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        says = f"is not TOML: {error}"
    raise MistakesError([Mistake(str(path), "", says)])


def checked(table: type[T], data: Mapping[str, Any], file: str, place: Place) -> Checked[T]:
    """Read a record from a file's tables, in two looks.

    The second look leaves out the keys found wrong by the first, and so finds mistakes of whole
    tables. An entry that is still wrong is left out as a whole; the value holds the rest, for
    checks over the whole file.
    """
    mistakes: list[Mistake] = []
    tables = whole = _renamed(data)
    value = None
    for _ in range(2):
        looked = tables
        value, errors = _look(table, looked, place)
        told = [(_key(location, whole), says) for location, says in errors]
        mistakes += beside(mistakes, file, told)
        if not errors:
            break
        tables = _without([location for location, _ in errors], looked)
    if value is None:
        entries = {location[:2] for location, _ in errors}
        value, _ = _look(table, _without([*entries], looked), place)
    return Checked(value, tuple(mistakes))


def beside(
    mistakes: Iterable[Mistake], file: str, wrong: Iterable[tuple[str, str]]
) -> list[Mistake]:
    """The pairs of a key and its right form as mistakes, except for keys with a mistake already.

    A list with a wrong entry was read without this entry: mistakes of the list itself are left out.
    """
    told = {mistake.key for mistake in mistakes}
    told |= {key.rpartition("[")[0] for key in told if key.endswith("]")}
    return [Mistake(file, key, says) for key, says in dict.fromkeys(wrong) if key not in told]


def _look(
    table: type[T], data: Mapping[str, Any], place: Place
) -> tuple[T | None, list[tuple[Location, str]]]:
    """Read once; pydantic costs a tenth of a second, and is imported nowhere else."""
    from pydantic import ValidationError

    try:
        value: T = _adapter(cast("Any", table)).validate_python(data, context=place)
    except ValidationError as error:
        return None, [each for fault in error.errors() for each in _told(table, fault)]
    return value, []


@cache
def _adapter(table: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(table)


def _told(table: type, fault: Any) -> Iterator[tuple[Location, str]]:
    location = fault["loc"]
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, TableError):
        yield from (((*location, *_inside(key)), says) for key, says in cause.wrong)
    else:
        yield location, _says(table, location, fault, cause)


def _inside(key: str) -> Location:
    return tuple(f"{part}_" if part == _RESERVED else part for part in key.split(".") if part)


def _says(table: type, location: Location, fault: Any, cause: object) -> str:
    kind = fault["type"]
    if cause is not None:
        return str(cause)
    if kind == "missing":
        return _missing(table, location)
    if kind == "unexpected_keyword_argument":
        return _unknown(table, location)
    if kind == "literal_error":
        expected = str(fault["ctx"]["expected"])
        return "write " + expected.replace("'", '"')
    if kind in {"dataclass_type", "dict_type"}:
        return "write a table here, not a single value"
    if kind in {"tuple_type", "list_type", "frozen_set_type"}:
        return 'write a list, as ["…", "…"]'
    return str(fault["msg"])


def _missing(table: type, location: Location) -> str:
    record = _record_at(table, location[:-1])
    name = str(location[-1])
    hint = get_type_hints(record, include_extras=True)[name] if record else None
    examples = [each.example for each in metadata(hint) if isinstance(each, Key)]
    if not examples or not examples[0]:
        return "is missing"
    return f"is missing: write {shown(name)} = {examples[0]}"


def _unknown(table: type, location: Location) -> str:
    record = _record_at(table, location[:-1])
    known = [shown(each.name) for each in dataclasses.fields(record)] if record else []
    close = get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    if close:
        return f"unknown key; did you mean {close[0]}?"
    return f"unknown key; known here: {', '.join(sorted(known))}"


def _record_at(kind: Any, location: Location) -> Any:
    """The record of the keys at a location, if a record stands there."""
    for part in location:
        kind = plain(kind)
        if dataclasses.is_dataclass(kind):
            kind = get_type_hints(kind, include_extras=True).get(str(part))
        else:
            kind = next(iter(get_args(kind)[-1:]), None) if isinstance(part, str) else _item(kind)
    kind = plain(kind)
    return kind if dataclasses.is_dataclass(kind) else None


def _item(kind: Any) -> Any:
    return next(iter(get_args(kind)), None)


def metadata(kind: Any) -> tuple[Any, ...]:
    """The metadata beside a type in `Annotated`."""
    notes: tuple[Any, ...] = getattr(kind, "__metadata__", ())
    return notes


def plain(kind: Any) -> Any:
    """A type as it stands in the file, without its annotations and without None."""
    while hasattr(kind, "__metadata__"):
        tables = [each.table for each in metadata(kind) if isinstance(each, MadeFrom)]
        kind = tables[0] if tables else kind.__origin__
    some = [each for each in get_args(kind) if each is not type(None)]
    if type(None) in get_args(kind) and len(some) == 1:
        return plain(some[0])
    return kind


def shown(part: str) -> str:
    """A record's key in the form of the file."""
    return part.removesuffix("_") if part.startswith(_RESERVED) else part


def _key(location: Location, data: object) -> str:
    """A location in the form that people find in the file: `intake.imap[2].host`."""
    key = ""
    for part in location:
        if isinstance(part, int):
            if not isinstance(data, list):
                continue  # a lone table where a list may stand
            key += f"[{_named(data, part)}]"
        else:
            key += f".{shown(part)}" if key else shown(part)
        data = _step(data, part)
    return key


def _named(tables: list[Any], at: int) -> str:
    """A table's name for people within its list: its own key or address, else its number from 1."""
    table = tables[at] if at < len(tables) else None
    if isinstance(table, Mapping):
        for name in ("key", "email"):
            if isinstance(table.get(name), str):
                return str(table[name])
    return str(at + 1)


def _step(data: Any, part: str | int) -> object:
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return data.get(part) if isinstance(data, Mapping) else None


def _renamed(data: Any) -> Any:
    """The same tables with the reserved word renamed, and any key that would look like it."""
    if isinstance(data, list):
        return [_renamed(each) for each in data]
    if not isinstance(data, Mapping):
        return data
    return {
        f"{key}_" if key.rstrip("_") == _RESERVED else key: _renamed(value)
        for key, value in data.items()
    }


def _without(locations: Sequence[Location], data: Any) -> Any:
    """The same tables without the values at these locations."""
    here = {location[0] for location in locations if len(location) == 1}
    deeper: dict[str | int, list[Location]] = {}
    for location in locations:
        if len(location) > 1:
            deeper.setdefault(location[0], []).append(location[1:])
    if isinstance(data, list):
        return [
            _without(deeper.get(at, ()), each) for at, each in enumerate(data) if at not in here
        ]
    if isinstance(data, Mapping) and 0 in deeper:  # a lone table where a list may stand
        return _without(deeper[0], data)
    if not isinstance(data, Mapping):
        return data
    return {
        key: _without(deeper.get(key, ()), value) for key, value in data.items() if key not in here
    }
