"""Months, quarters, half-years and years as half-open intervals of dates (A1)."""

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from daemon.domain.wording import month_name, speaker

LENGTHS: Final = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
_NAMES: Final = {months: length for length, months in LENGTHS.items()}
_MARKS: Final = {1: "-{:02}", 3: "-Q{}", 6: "-H{}", 12: ""}  # of a key, by months
_PARTS: Final = {3: ("kvartal", "quarter"), 6: ("halvår", "half-year")}
_KEY: Final = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?:(?P<month>[0-9]{2})|Q(?P<quarter>[1-4])|H(?P<half>[12])))?"
)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A calendar period `[start, end)`; its key is `2026-11`, `2026-Q4`, `2026-H2` or `2026`."""

    start: dt.date
    months: int  # 1, 3, 6 or 12

    def __post_init__(self) -> None:
        if self.months not in _NAMES or self.start.day != 1 or (self.start.month - 1) % self.months:
            raise ValueError(f"{self.months} months from {self.start} are no calendar period")

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read a key as `str()` prints it; a ValueError refuses anything else."""
        try:
            return _from_key(text)
        except ValueError:
            wrong = f"{text!r} is no period: write 2026-11, 2026-Q4, 2026-H2 or 2026"
            raise ValueError(wrong) from None

    @property
    def end(self) -> dt.date:
        """The first date after the period."""
        return _end(self.start, self.months)

    @property
    def last_day(self) -> dt.date:
        """The last date of the period, as people write it."""
        return self.end - dt.timedelta(days=1)

    @property
    def days(self) -> int:
        """The number of its dates."""
        return (self.end - self.start).days

    @property
    def length(self) -> str:
        """One of `month`, `quarter`, `half-year`, `year`."""
        return _NAMES[self.months]

    def __str__(self) -> str:
        number = (self.start.month - 1) // self.months + 1
        return f"{self.start.year:04}{_MARKS[self.months].format(number)}"

    def __contains__(self, day: dt.date) -> bool:
        return self.start <= day < self.end

    def covered(self, start: dt.date, end: dt.date | None) -> int:
        """The number of its days in `[start, end)`; without an end, from `start` on."""
        last = self.end if end is None else min(end, self.end)
        return max(0, (last - max(start, self.start)).days)

    def following(self) -> "Period":
        """The next period of the same length."""
        return Period(self.end, self.months)

    def preceding(self) -> "Period":
        """The period before, of the same length."""
        return period_of(self.length, self.start - dt.timedelta(days=1))

    def name(self, language: str) -> str:
        """Print it for people: `november 2026`, `2026 kvartal 4`."""
        number = (self.start.month - 1) // self.months + 1
        if self.months == 1:
            return f"{month_name(number, language)} {self.start.year}"
        if self.months == 12:
            return str(self.start.year)
        return f"{self.start.year} {speaker(language)(*_PARTS[self.months])} {number}"


@lru_cache(maxsize=4096)
def _from_key(text: str) -> Period:
    match = _KEY.fullmatch(text)
    if not match:
        raise ValueError(text)
    year = int(match["year"])
    for group, months in (("month", 1), ("quarter", 3), ("half", 6)):
        if match[group]:
            first = (int(match[group]) - 1) * months + 1
            return _checked(Period(dt.date(year, first, 1), months))
    return _checked(Period(dt.date(year, 1, 1), 12))


def _checked(period: Period) -> Period:
    _end(period.start, period.months)  # a ValueError where the calendar ends
    return period


@lru_cache(maxsize=4096)
def _end(start: dt.date, months: int) -> dt.date:
    return add_months(start, months)


@lru_cache(maxsize=4096)
def _aligned(year: int, first: int, months: int) -> Period:
    return Period(dt.date(year, first, 1), months)


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day some months later (or earlier), at most that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1] if day.day > 28 else 28
    return dt.date(year, month + 1, min(day.day, last))


def period_of(length: str, day: dt.date) -> Period:
    """The `month`, `quarter`, `half-year` or `year` of a date (G2)."""
    months = LENGTHS[length]
    return _aligned(day.year, (day.month - 1) // months * months + 1, months)


def month_of(day: dt.date) -> Period:
    """The month of a date."""
    return _aligned(day.year, day.month, 1)


def months_from(first: Period, last: Period) -> Iterator[Period]:
    """Every month from the start of `first` to the end of `last`, in order."""
    month = month_of(first.start)
    while month.start < last.end:
        yield month
        month = month_of(month.end)
