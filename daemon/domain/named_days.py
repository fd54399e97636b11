"""The Swedish names of days for a calendar's settings, and their dates in a year."""

import unicodedata
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from types import MappingProxyType

_SATURDAY, _SUNDAY = 6, 7  # ISO


def easter(year: int) -> date:
    """Easter Sunday of a Gregorian year (the anonymous algorithm of 1876)."""
    century, of_century = divmod(year, 100)
    epact = (
        19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15
    ) % 30
    to_sunday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (year % 19 + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _first(weekday: int, start: date) -> date:
    """The first day of that ISO weekday on or after `start`."""
    return start + timedelta(days=(weekday - start.isoweekday()) % 7)


def _from_easter(days: int) -> Callable[[int], date]:
    return lambda year: easter(year) + timedelta(days=days)


_RULES: Mapping[str, Callable[[int], date]] = MappingProxyType(
    {
        "trettondagsafton": lambda year: date(year, 1, 5),
        "skärtorsdagen": _from_easter(-3),
        "påskafton": _from_easter(-1),
        "valborgsmässoafton": lambda year: date(year, 4, 30),
        "pingstafton": _from_easter(48),
        "midsommarafton": lambda year: _first(5, date(year, 6, 19)),
        "allhelgonaafton": lambda year: _first(5, date(year, 10, 30)),
        "julafton": lambda year: date(year, 12, 24),
        "nyårsafton": lambda year: date(year, 12, 31),
    }
)
_ALSO_WRITTEN: Mapping[str, str] = MappingProxyType(
    {
        "trettondedagsafton": "trettondagsafton",
        "skärtorsdag": "skärtorsdagen",
        "valborg": "valborgsmässoafton",
        "allhelgonsafton": "allhelgonaafton",
        "allahelgonsafton": "allhelgonaafton",
        "alla helgons afton": "allhelgonaafton",
        "klämdagar": "klämdag",
    }
)
# The eves counted as Sundays by the annual leave law (SFS 1977:480, section 7).
_EVES_BY_LAW = ("midsommarafton", "julafton", "nyårsafton")

SQUEEZE_DAY = "klämdag"
NAMES: tuple[str, ...] = (*_RULES, SQUEEZE_DAY)


def known_name(name: str) -> str | None:
    """The name of a day as this module writes it, in whatever way it is typed; None for others."""
    plain = " ".join(unicodedata.normalize("NFC", name).casefold().split())
    plain = _ALSO_WRITTEN.get(plain, plain)
    return plain if plain in NAMES else None


def days_named(name: str, year: int, public: AbstractSet[date]) -> tuple[date, ...]:
    """The dates of a known name in a year; `public` are that year's public holidays.

    Every name falls once a year except `klämdag`: a working Monday–Friday between two free days,
    be they weekend days, public holidays, midsommarafton, julafton or nyårsafton.
    """
    if name == SQUEEZE_DAY:
        return _squeeze_days(year, public)
    return (_RULES[name](year),)


def _squeeze_days(year: int, public: AbstractSet[date]) -> tuple[date, ...]:
    # January 1 is a holiday and December 31 an eve: no other year is needed.
    off = public | {_RULES[eve](year) for eve in _EVES_BY_LAW}

    def is_off(day: date) -> bool:
        return day in off or day.isoweekday() in (_SATURDAY, _SUNDAY)

    one = timedelta(days=1)
    length = (date(year, 12, 30) - date(year, 1, 1)).days
    inner = (date(year, 1, 2) + one * n for n in range(length))
    return tuple(
        day for day in inner if not is_off(day) and is_off(day - one) and is_off(day + one)
    )
