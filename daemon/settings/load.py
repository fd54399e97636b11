"""The settings of a desk: found, read from `avtald.toml`, checked, frozen."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path

from daemon.settings.checked import Mistake, MistakesError, checked, read_toml
from daemon.settings.tables import Tables
from daemon.settings.values import Place, Secret, database_url

SYSTEM_FILE = Path("/etc/avtald/avtald.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Tables):
    """Everything decided by `avtald.toml` (contract.md 1), and the file itself."""

    file: Path

    def secret_files(self) -> Iterator[Path]:
        """The files with the secrets."""
        return (secret.file for secret in _secrets(self))

    def secret_texts(self) -> Iterator[str]:
        """The secrets themselves: they must show nowhere."""
        return (secret.text for secret in _secrets(self))


def _secrets(part: object) -> Iterator[Secret]:
    if isinstance(part, Secret):
        yield part
    elif isinstance(part, tuple):
        for member in part:
            yield from _secrets(member)
    elif is_dataclass(part):
        for field in fields(part):
            yield from _secrets(getattr(part, field.name))


def find(given: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file to use: the given one, `$AVTALD_CONFIG`, `./avtald.toml`, `/etc/avtald/avtald.toml`.

    Raises MistakesError if there is none.
    """
    named = given or (Path(environ["AVTALD_CONFIG"]) if environ.get("AVTALD_CONFIG") else None)
    if named is not None:
        return named
    for path, shut in ((Path("avtald.toml"), False), (SYSTEM_FILE, True)):
        if _is_there(path, shut=shut):
            return path
    says = f"not found here, nor {SYSTEM_FILE}: name one with --config, or write one: avtald init"
    raise MistakesError([Mistake("avtald.toml", "", says)])


def _is_there(path: Path, *, shut: bool) -> bool:
    """True if a file is there; `shut` is the answer for a folder closed to us."""
    try:
        return path.is_file()
    except PermissionError:
        return shut


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings in a file; MistakesError tells every mistake at once."""
    place = Place.of(path, environ)
    read = checked(Tables, read_toml(path), str(path), place)
    mistakes = list(read.mistakes)
    if read.value is not None:
        mistakes += _across(read.value, str(path))
    if read.value is None or mistakes:
        raise MistakesError(mistakes)
    return _settings(path.absolute(), read.value, place)


def _settings(file: Path, tables: Tables, place: Place) -> Settings:
    """The tables; default paths are made absolute, as written paths are."""
    desk, database = tables.desk, tables.database
    values = {each.name: getattr(tables, each.name) for each in fields(tables)} | {
        "desk": replace(desk, state_dir=place.folder / desk.state_dir),
        "database": replace(database, url=database_url(database.url, place)),
        "calendar": replace(tables.calendar, zone=desk.timezone),
    }
    return Settings(file=file, **values)


def _across(tables: Tables, file: str) -> list[Mistake]:
    """Mistakes between tables."""
    own = tables.desk.addresses
    return [
        Mistake(file, key, f"{address} is the desk's own address: mail to it would come back here")
        for key, given in (
            ("desk.operators", tables.desk.operators),
            ("accounting.finance", tables.accounting.finance),
        )
        for address in given
        if address in own
    ]
