"""Hours, money and dates for people to read, in Swedish and English."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar

from daemon.domain.money import Money

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
LANGUAGES = ("sv", "en")

_DAYS = {
    "sv": ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = (
    ("januari", "January"),
    ("februari", "February"),
    ("mars", "March"),
    ("april", "April"),
    ("maj", "May"),
    ("juni", "June"),
    ("juli", "July"),
    ("augusti", "August"),
    ("september", "September"),
    ("oktober", "October"),
    ("november", "November"),
    ("december", "December"),
)
_PERIOD = re.compile(r"(\d{4})(?:-(?:Q([1-4])|H([12])|(\d\d)))?")

Say = Callable[[str, str], str]  # the Swedish text, the English text → the one to show
_Text = TypeVar("_Text")


def speaker(language: str) -> Say:
    """The choice between two texts: the English one for `en`, else the Swedish one."""
    return lambda swedish, english: english if language == "en" else swedish


def by_language(texts: Mapping[str, tuple[_Text, _Text]]) -> Mapping[str, Mapping[str, _Text]]:
    """A table for each language, from a table of pairs of Swedish and English texts."""
    return {
        language: {code: pair[at] for code, pair in texts.items()}
        for at, language in enumerate(LANGUAGES)
    }


def hours(minutes: int) -> str:
    """`90` → `1 h 30 min`; a correction has a minus sign before it. The same in both languages."""
    whole, rest = divmod(abs(minutes), 60)
    parts = [f"{whole} h"] if whole else []
    if rest or not whole:
        parts.append(f"{rest} min")
    return (MINUS if minutes < 0 else "") + " ".join(parts)


def number(value: Decimal, language: str) -> str:
    """A number with all its decimals: `1 234,50` (no-break space) or `1,234.50`."""
    text = f"{abs(value):,f}"
    if language != "en":
        text = text.replace(",", NBSP).replace(".", ",")
    return (MINUS if value < 0 else "") + text


def money(amount: Money, language: str) -> str:
    """An amount, always with öre: `1 234,50 kr`, `SEK 1,234.50`, with no-break spaces."""
    return _kronor(number(amount.kronor, language), language)


def price(amount: Money, language: str) -> str:
    """An amount without öre if they are none: `980 kr`; else as `money`."""
    value = amount.kronor
    return _kronor(number(value if amount.ore % 100 else value // 1, language), language)


def _kronor(digits: str, language: str) -> str:
    return speaker(language)(f"{digits}{NBSP}kr", f"SEK{NBSP}{digits}")


def clock(at: dt.datetime) -> str:
    """`09:30`, cut to the minute (A3)."""
    return f"{at.hour:02}:{at.minute:02}"


def moment(at: dt.datetime, zone: dt.tzinfo, language: str) -> str:
    """`måndag 30 november kl. 09:30`, `Monday 30 November at 09:30`, in that zone (C8, J1)."""
    local = at.astimezone(zone)
    return f"{_weekday(local, language)} {day_and_month(local, language)} {_at(local, language)}"


def dated_moment(at: dt.datetime, zone: dt.tzinfo, language: str) -> str:
    """`30 november 2026 kl. 09:30`: with the year, for past times."""
    local = at.astimezone(zone)
    return f"{day_and_month(local, language)} {local.year} {_at(local, language)}"


def _at(local: dt.datetime, language: str) -> str:
    return f"{speaker(language)('kl.', 'at')} {clock(local)}"


def day(date: dt.date, language: str) -> str:
    """`fredag 20 november 2026`, `Friday 20 November 2026`."""
    return f"{_weekday(date, language)} {day_and_month(date, language)} {date.year}"


def day_and_month(date: dt.date, language: str) -> str:
    """`20 november`, `20 November`: for a day near now."""
    return f"{date.day} {month_name(date.month, language)}"


def month_name(number: int, language: str) -> str:
    """The name of a month of the year: `november`, `November`."""
    return speaker(language)(*_MONTHS[number - 1])


def period(name: str, language: str) -> str:
    """`2026-Q4` → `kvartal 4 2026`; also half-years (`2026-H1`), months and years."""
    parts = _PERIOD.fullmatch(name)
    if not parts:
        return name
    year, quarter, half, of_year = parts.groups()
    if quarter:
        return speaker(language)(f"kvartal {quarter} {year}", f"Q{quarter} {year}")
    if half:
        first = half == "1"
        swedish = f"{'första' if first else 'andra'} halvåret {year}"
        return speaker(language)(swedish, f"the {'first' if first else 'second'} half of {year}")
    return f"{month_name(int(of_year), language)} {year}" if of_year else year


def listed(items: tuple[str, ...], language: str) -> str:
    """`Bo, Eva och Kim`, `Bo, Eva and Kim`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {speaker(language)('och', 'and')} {items[-1]}"


def _weekday(date: dt.date, language: str) -> str:
    return _DAYS[language][date.weekday()]
