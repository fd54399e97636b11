"""The values in a file (durations, sizes, money, times, addresses, secrets), and their readers.

Each reader takes a value from TOML and gives the program's own value, or a ValueError with the
right form.
"""

import datetime as dt
import os
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

from daemon.domain.money import Money
from daemon.domain.periods import Period
from parsers import addresses

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, ValidationInfo
    from pydantic_core import CoreSchema

# Unknown keys are errors, in a whole file: its outermost table says so.
STRICT: Final = MappingProxyType({"extra": "forbid"})

_DURATION = re.compile(r"([0-9]{1,7})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SIZE = re.compile(r"([0-9]{1,6})(kB|MB|GB)")
_BYTES = {"kB": 1024, "MB": 1024**2, "GB": 1024**3}
_CLOCK_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_HOST_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_HEADER = re.compile(r"[A-Za-z0-9-]+:\s*\S.*")


@dataclass(frozen=True, slots=True)
class Place:
    """A file's folder, and the folder of systemd's credentials."""

    folder: Path
    credentials: Path | None = None

    @classmethod
    def of(cls, file: Path, environ: Mapping[str, str] = os.environ) -> "Place":
        """The place of a file; systemd's credentials folder comes from the environment."""
        credentials = environ.get("CREDENTIALS_DIRECTORY")
        return cls(file.absolute().parent, Path(credentials) if credentials else None)


@dataclass(frozen=True, slots=True)
class Key:
    """The meaning of a key, and an example of its value: for the file that `avtald init` writes."""

    says: str
    example: str = ""  # as TOML writes it; used where there is no default to show


@dataclass(frozen=True, slots=True)
class Reads:
    """Reads a value with a function of any type; only its schema needs pydantic."""

    read: Callable[[Any], object]

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Hand the reader to pydantic."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.read)


@dataclass(frozen=True, slots=True)
class ReadsThere:
    """Reads a value with a function that needs the file's place."""

    read: Callable[[Any, Place], object]

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Hand the reader to pydantic, with the place as its context."""
        from pydantic_core import core_schema

        def read(value: object, info: "ValidationInfo[Place]") -> object:
            return self.read(value, info.context)

        return core_schema.with_info_plain_validator_function(read)


@dataclass(frozen=True, slots=True)
class OneOrSeveral:
    """Lets one table stand in place of a list of tables."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Wrap a lone table in a list, then go on as for a list."""
        from pydantic_core import core_schema

        def several(value: object) -> object:
            return [value] if isinstance(value, dict) else value

        return core_schema.no_info_before_validator_function(several, handler(source))


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """Reads a value in the form of `table`, and makes the program's own value of it."""

    table: Any
    make: Callable[[Any], object]

    def __get_pydantic_core_schema__(
        self, _source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Read the table, then make the value."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(
            self.make, handler.generate_schema(self.table)
        )


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret from a file; it never shows in a log, an error or a repr."""

    file: Path
    text: str = field(repr=False, default="")


def text_of(secret: Secret | None) -> str | None:
    """The text of a secret, if it is set."""
    return None if secret is None else secret.text


@dataclass(frozen=True, slots=True)
class Listen:
    """The address of a door: a host and port, or a unix socket."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path else f"{self.host}:{self.port}"


def _text(value: object, example: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"write text in quotes, as {example}")  # noqa: TRY004  one error type
    return value


def line(value: object) -> str:
    """One line of text that is not empty."""
    text = _text(value, '"Exempel Support"').strip()
    if not text or any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("write one line of text that is not empty")
    return text


def line_or_nothing(value: object) -> str:
    """One line of text; an empty text takes an earlier one away."""
    return "" if value == "" else line(value)


def flag(value: object) -> bool:
    """A true or false without quotes."""
    if not isinstance(value, bool):
        raise ValueError("write true or false, without quotes")  # noqa: TRY004  one error type
    return value


def whole(low: int, high: int) -> Callable[[object], int]:
    """Read a whole number from `low` to `high`, both included."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"write a whole number from {low} to {high}, without quotes")
        return value

    return read


def adjustment_minutes(value: object) -> int:
    """Minutes of an adjustment: whole, and not 0; else ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < abs(value) < 1_000_000:
        raise ValueError("write whole minutes that are not 0, without quotes, as 90 or -30")
    return value


def duration(value: object) -> dt.timedelta:
    """A duration such as `"90s"`, `"15m"`, `"2h"` or `"14d"`."""
    written = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not written:
        raise ValueError('write a duration as "90s", "15m", "2h" or "14d"')
    return dt.timedelta(seconds=int(written[1]) * _SECONDS[written[2]])


def some_time(value: object) -> dt.timedelta:
    """A duration longer than nothing."""
    length = duration(value)
    if not length:
        raise ValueError("write a duration longer than nothing")
    return length


def size(value: object) -> int:
    """A number of bytes, from `"25MB"` (of 1024 kB of 1024 bytes)."""
    written = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if not written or not int(written[1]):
        raise ValueError('write a size as "512kB", "25MB" or "1GB"')
    return int(written[1]) * _BYTES[written[2]]


def money(value: object) -> Money:
    """An amount that is not negative, from a string with two decimals."""
    text = value if isinstance(value, str) else ""
    if not re.fullmatch(r"[0-9]{1,12}\.[0-9]{2}", text):
        raise ValueError('write kronor as text with two decimals, as "8000.00"')
    return Money.parse(text)


def clock_time(value: object) -> dt.time:
    """A wall time from `"08:00"`, or TOML's own 08:00:00; `"24:00"` is midnight at a day's end."""
    if isinstance(value, dt.time):
        return value
    written = _CLOCK_TIME.fullmatch(value) if isinstance(value, str) else None
    if written:
        return dt.time(int(written[1]), int(written[2]))
    if value == "24:00":
        return dt.time(0)
    raise ValueError('write a time as "08:00"')


def day(value: object) -> dt.date:
    """A date, with or without quotes."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        return dt.date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("write a date as 2026-01-31") from None


def instant(value: object) -> dt.datetime:
    """An instant with its offset from UTC (A1), with or without quotes; in UTC, whole seconds."""
    try:
        read = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        read = None
    if not isinstance(read, dt.datetime) or read.tzinfo is None:
        raise ValueError("write an instant with its offset, as 2026-01-31T08:00:00+01:00")
    return read.astimezone(dt.UTC).replace(microsecond=0)


def month(value: object) -> Period:
    """A month from `"2026-01"`."""
    try:
        read = Period.parse(value if isinstance(value, str) else "")
    except ValueError:
        read = None
    if read is None or read.months != 1:
        raise ValueError('write a month as "2026-01"')
    return read


def address(value: object) -> str:
    """A plain mail address in its normal form: two equal addresses are the same text."""
    text = _text(value, '"anna@example.se"')
    read = addresses.normalise(text.strip())
    if read is None or len(read) > 254:
        raise ValueError(f"{text!r} is no mail address; write it plainly, as anna@example.se")
    return read


def domain(value: object) -> str:
    """A mail domain in its ASCII form."""
    text = _text(value, '"acme.se"').strip()
    read = addresses.domain(text)
    if read is None or "." not in read:
        raise ValueError(f'{text!r} is no mail domain; write what stands after the @, as "acme.se"')
    return read


def host(value: object) -> str:
    """A host name or an IP address, without scheme and port."""
    text = _text(value, '"imap.example.se"').strip()
    if _is_ip(text) or all(_HOST_LABEL.fullmatch(label) for label in text.split(".")):
        return text
    raise ValueError(f"{text!r} is no host; write a name as imap.example.se, or an IP address")


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """True if a host is this machine itself."""
    return name == "localhost" or (_is_ip(name) and ip_address(name).is_loopback)


def listen(value: object) -> Listen:
    """An address to listen at: `"127.0.0.1:2424"`, `"[::1]:2424"` or `"unix:/run/avtald/lmtp"`."""
    text = _text(value, '"127.0.0.1:2424"')
    if text.startswith("unix:/"):
        return Listen(path=Path(text.removeprefix("unix:")))
    left, _, port = text.rpartition(":")
    if left and port.isdecimal() and int(port) < 65_536:
        return Listen(host(left.removeprefix("[").removesuffix("]")), int(port))
    raise ValueError('write host and port as "127.0.0.1:2424", or "unix:/path/to/socket"')


def name_server(value: object) -> Listen:
    """The address of a DNS server: `"127.0.0.1:53"` or `"[::1]:53"`."""
    left, _, port = _text(value, '"127.0.0.1:53"').strip().rpartition(":")
    bare = left.removeprefix("[").removesuffix("]")
    if not _is_ip(bare) or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError('write an IP address and a port, as "127.0.0.1:53"')
    return Listen(bare, int(port))


def url(value: object) -> str:
    """An https address; http only on this machine (for a double)."""
    text = _text(value, '"https://api.fortnox.se"').strip()
    try:
        parts = urlsplit(text)
        name = parts.hostname or ""
    except ValueError:
        name = ""
    if name and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(name))):
        return text.rstrip("/")
    raise ValueError("write an address that begins with https:// (http:// only on this machine)")


def zone(value: object) -> str:
    """A time zone of the tz database."""
    text = _text(value, '"Europe/Stockholm"')
    try:
        zoneinfo.ZoneInfo(text)
    except (KeyError, OSError, ValueError):
        raise ValueError(f'{text!r} is no time zone; write one as "Europe/Stockholm"') from None
    return text


def header(value: object) -> str:
    """A header's name, a colon and what it must hold, as `"X-Spam-Flag: YES"`."""
    text = _text(value, '"X-Spam-Flag: YES"')
    if not _HEADER.fullmatch(text):
        raise ValueError('write a header and its value as "X-Spam-Flag: YES"')
    return text


def path_there(value: object, place: Place) -> Path:
    """A path; a relative one counts from the file's own folder."""
    text = _text(value, '"var"')
    if not text or "\0" in text:
        raise ValueError('write a path, as "var" or "/var/lib/avtald"')
    return place.folder / text


def database_url(value: object, place: Place) -> str:
    """A database's URL; SQLite's relative path is made absolute from the file's own folder."""
    text = _text(value, '"sqlite:///var/avtald.db"')
    scheme, _, rest = text.partition("://")
    if scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return f"sqlite:///{place.folder / rest[1:]}"
    if scheme == "postgresql+psycopg" and rest:
        if urlsplit(text).password:
            raise ValueError("no secret stands in the file: put the password in a password_file")
        return text
    raise ValueError("write sqlite:///path/to/file or postgresql+psycopg://user@host/name")


def secret(value: object, place: Place) -> Secret:
    """The secret in a file; systemd's credentials are looked at before the file's own folder."""
    name = _text(value, '"imap-password"').strip()
    if not name or "\0" in name:
        raise ValueError("write the name of the file that holds the secret")
    folders = [place.folder]
    if Path(name).name == name and place.credentials is not None:
        folders.insert(0, place.credentials)
    for folder in folders:
        if (folder / name).is_file():
            return _secret_in(folder / name)
    looked = " or ".join(str(folder) for folder in folders)
    raise ValueError(f"no file {name!r} in {looked}: write the secret there, readable by us alone")


def _secret_in(file: Path) -> Secret:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ValueError(f"{file} cannot be read: {reason}") from None
    if not text:
        raise ValueError(f"{file} is empty: write the secret there")
    return Secret(file, text)


Line = Annotated[str, Reads(line)]
LineOrNothing = Annotated[str, Reads(line_or_nothing)]
Flag = Annotated[bool, Reads(flag)]
Port = Annotated[int, Reads(whole(1, 65_535))]
Count = Annotated[int, Reads(whole(1, 1_000_000))]
CountOrNone = Annotated[int, Reads(whole(0, 1_000_000))]
Duration = Annotated[dt.timedelta, Reads(duration)]
SomeTime = Annotated[dt.timedelta, Reads(some_time)]
Size = Annotated[int, Reads(size)]
MoneyText = Annotated[Money, Reads(money)]
ClockTime = Annotated[dt.time, Reads(clock_time)]
Day = Annotated[dt.date, Reads(day)]
Instant = Annotated[dt.datetime, Reads(instant)]
Month = Annotated[Period, Reads(month)]
Address = Annotated[str, Reads(address)]
Host = Annotated[str, Reads(host)]
ListenAt = Annotated[Listen, Reads(listen)]
NameServer = Annotated[Listen, Reads(name_server)]
Url = Annotated[str, Reads(url)]
Zone = Annotated[str, Reads(zone)]
Header = Annotated[str, Reads(header)]
PathThere = Annotated[Path, ReadsThere(path_there)]
DatabaseUrl = Annotated[str, ReadsThere(database_url)]
SecretFile = Annotated[Secret, ReadsThere(secret)]
