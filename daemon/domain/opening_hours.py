"""A desk's opening hours: its openings, and opening time added and measured (A1–A3).

The methods take aware datetimes, count whole seconds, and give instants in UTC; only `local`,
`midnight` and `promise` give them in the desk's zone.
"""

import hashlib
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from daemon.domain.named_days import NAMES, days_named, known_name

_FIRST_YEAR, _LAST_YEAR = 1970, 2199  # of every table
_FINGERPRINT_YEARS = range(2020, 2050)
_TOO_LONG = 60 * 86_400  # seconds: a calendar without an opening in 60 days is an error (A3)
_MIDNIGHT = time(0)


class CalendarError(Exception):
    """Settings of no usable calendar, or an instant outside 1970–2199."""


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """The settings of a calendar (A2).

    `closed` and `half_days` hold dates (or ISO dates as text) and names from `named_days.NAMES`;
    a half day keeps its opening and closes at its own time, and a closed day stays closed. A
    `close` of 00:00 is midnight at the day's end. `country` "" knows no public holidays.
    """

    open: time = time(8)
    close: time = time(17)
    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})  # ISO: Monday is 1
    zone: str = "Europe/Stockholm"
    country: str = "SE"
    closed: tuple[date | str, ...] = ("midsommarafton", "julafton", "nyårsafton")
    half_days: Mapping[date | str, time] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Table:
    """The openings of some years as seconds since 1970, and the opening time up to each end.

    The table answers for the seconds `[first, last)`.
    """

    years: range
    first: int
    last: int
    starts: list[int]
    ends: list[int]
    done: list[int]  # opening seconds in the table up to and including each opening

    def open_before(self, second: int) -> int:
        """The opening seconds in the table before `second`."""
        nearest = bisect_right(self.starts, second) - 1
        if nearest < 0:
            return 0
        return self.done[nearest] - max(0, self.ends[nearest] - second)


_NO_TABLE = _Table(range(0), 0, 0, [], [], [])


class Calendar:
    """Opening hours to ask; it builds its table as needed, and threads may share it."""

    def __init__(self, hours: OpeningHours) -> None:
        """Check the settings as far as no year is needed; a CalendarError refuses them."""
        _check_window(hours)
        self.hours = hours
        if hours.country.upper() not in {"", "SE"}:
            _public_holidays(hours.country.upper(), _FINGERPRINT_YEARS[0])
        self.zone = _zone(hours.zone)
        self._closed = tuple(_date_or_name(each) for each in hours.closed)
        self._half_days = tuple(
            (_date_or_name(day), _closing(hours, day, close))
            for day, close in hours.half_days.items()
        )
        self._lock = threading.Lock()
        self._table = _NO_TABLE
        self._fingerprint = ""

    def add(self, t: datetime, d: timedelta) -> datetime:
        """The earliest instant u ≥ t with an opening time of `d` inside [t, u) (A3).

        `d` is whole seconds and not negative; a ValueError refuses anything else.
        """
        wanted = _whole_seconds(d)
        second = _second(t)
        table = self._covering(second)
        if not wanted:
            return datetime.fromtimestamp(second, UTC)
        while (total := table.open_before(second) + wanted) > table.done[-1]:
            table = self._longer(table)
        at = bisect_left(table.done, total)
        return datetime.fromtimestamp(table.ends[at] - table.done[at] + total, UTC)

    def between(self, a: datetime, b: datetime) -> timedelta:
        """The opening time inside [a, b); nothing when b is not after a (A3)."""
        first, last = _second(a), _second(b)
        if last <= first:
            return timedelta(0)
        self._covering(first)
        table = self._covering(last)
        return timedelta(seconds=table.open_before(last) - table.open_before(first))

    def is_open(self, t: datetime) -> bool:
        """True inside an opening; the closing time itself is outside (A1)."""
        second = _second(t)
        table = self._covering(second)
        nearest = bisect_right(table.starts, second) - 1
        return nearest >= 0 and second < table.ends[nearest]

    def next_opening(self, t: datetime) -> datetime:
        """`t` itself inside an opening, else the start of the next one."""
        second = _second(t)
        self._covering(second)
        table = self._covering(second + _TOO_LONG)
        following = table.starts[bisect_right(table.ends, second)]
        return datetime.fromtimestamp(max(second, following), UTC)

    def openings(self, a: datetime, b: datetime) -> list[tuple[datetime, datetime]]:
        """The openings inside [a, b) in order, the first and the last cut to it."""
        first, last = _second(a), _second(b)
        if last <= first:
            return []
        self._covering(first)
        table = self._covering(last)
        inside = range(bisect_right(table.ends, first), bisect_left(table.starts, last))
        cut = ((max(first, table.starts[n]), min(last, table.ends[n])) for n in inside)
        return [(datetime.fromtimestamp(s, UTC), datetime.fromtimestamp(e, UTC)) for s, e in cut]

    def opening_on(self, day: date) -> tuple[datetime, datetime] | None:
        """The opening and closing time of a day, or None for a closed day."""
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise _outside(day)
        window = self._window(day, self.closed_days(day.year), self._half_days_of(day.year))
        if window is None:
            return None
        return datetime.fromtimestamp(window[0], UTC), datetime.fromtimestamp(window[1], UTC)

    def closed_days(self, year: int) -> Mapping[date, str]:
        """The year's closed days in order, with the reasons in Swedish; no plain weekends (A2)."""
        public = _public_holidays(self.hours.country.upper(), year)
        closed = {
            day: name[:1].upper() + name[1:] if name else "Extra stängd dag"
            for named in sorted(self._closed, key=_names_last)
            for day, name in _falls_on(named, year, public)
        }
        return MappingProxyType(dict(sorted({**closed, **public}.items())))

    def local(self, t: datetime) -> datetime:
        """The same instant in the desk's zone (A1)."""
        return datetime.fromtimestamp(_second(t), self.zone)

    def day_of(self, t: datetime) -> date:
        """The date of an instant in the desk's zone (A1)."""
        return self.local(t).date()

    def midnight(self, day: date) -> datetime:
        """The instant at which a date begins in the desk's zone (A1)."""
        return datetime.combine(day, _MIDNIGHT, self.zone)

    def promise(self, t: datetime) -> datetime:
        """An instant as a mail promises it: in the desk's zone, cut to the minute (A3)."""
        return self.local(t).replace(second=0)

    def minutes_used(self, a: datetime, b: datetime) -> int:
        """The opening time inside [a, b) in minutes, rounded up (A3)."""
        return minutes_up(self.between(a, b))

    @property
    def fingerprint(self) -> str:
        """A hash of every opening of 2020–2049; another one may mean other deadlines (E8).

        It changes with the settings, the holiday library's days and the zone's rules, but only if
        an opening moves.
        """
        if not self._fingerprint:
            openings = str([list(self._windows(year)) for year in _FINGERPRINT_YEARS])
            self._fingerprint = hashlib.sha256(openings.encode()).hexdigest()
        return self._fingerprint

    def _covering(self, second: int) -> _Table:
        table = self._table
        return table if table.first <= second < table.last else self._extended(second)

    def _extended(self, second: int) -> _Table:
        """The table after it has grown to cover `second` and a year on each side."""
        try:
            year = datetime.fromtimestamp(second, UTC).year
        except (ValueError, OverflowError, OSError) as error:
            raise _outside(f"second {second}") from error
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            raise _outside(year)
        with self._lock:
            years = self._table.years or range(year, year)
            years = range(min(years.start, year - 1), max(years.stop, year + 2))
            if years != self._table.years:
                self._table = self._built(years)
            return self._table

    def _longer(self, table: _Table) -> _Table:
        """A table about twice as long: the cost of growing stays linear."""
        year = min(table.years.stop + len(table.years), _LAST_YEAR)
        if year in table.years:
            raise _outside("a deadline")
        return self._extended(int(datetime(year, 7, 1, tzinfo=UTC).timestamp()))

    def _built(self, years: range) -> _Table:
        windows = [window for year in years for window in self._windows(year)]
        first = self._edge(date(years.start, 1, 1), _MIDNIGHT)
        last = self._edge(date(years.stop, 1, 1), _MIDNIGHT)
        self._refuse_long_gaps([(first, first), *windows, (last, last)])
        done = list(accumulate(end - start for start, end in windows))
        return _Table(years, first, last, [w[0] for w in windows], [w[1] for w in windows], done)

    def _refuse_long_gaps(self, windows: list[tuple[int, int]]) -> None:
        for (_, closed), (opened, _) in pairwise(windows):
            if opened - closed >= _TOO_LONG:
                since, until = (datetime.fromtimestamp(s, self.zone) for s in (closed, opened))
                raise CalendarError(
                    f"no opening between {since:%Y-%m-%d} and {until:%Y-%m-%d}: "
                    "a calendar needs one in every 60 days"
                )

    def _windows(self, year: int) -> Iterator[tuple[int, int]]:
        """The year's openings as seconds since 1970, in order."""
        closed, half_days = self.closed_days(year), self._half_days_of(year)
        first = date(year, 1, 1).toordinal()
        for ordinal in range(first, date(year + 1, 1, 1).toordinal()):
            window = self._window(date.fromordinal(ordinal), closed, half_days)
            if window:
                yield window

    def _window(
        self, day: date, closed: Mapping[date, str], half_days: Mapping[date, time]
    ) -> tuple[int, int] | None:
        if day.isoweekday() not in self.hours.weekdays or day in closed:
            return None
        close = half_days.get(day, self.hours.close)
        last_day = day + timedelta(days=1) if close == _MIDNIGHT else day
        window = self._edge(day, self.hours.open), self._edge(last_day, close)
        return window if window[0] < window[1] else None

    def _edge(self, day: date, wall: time) -> int:
        """The first second with that wall time, or a later one, on the zone's clocks."""
        earlier = datetime.combine(day, wall, self.zone)
        later = earlier.replace(fold=1)
        first, second = int(earlier.timestamp()), int(later.timestamp())
        if first <= second:
            return first
        # The clocks skip this wall time: the change itself is between the two readings.
        before = earlier.utcoffset()
        skipped = range(second, first + 1)
        return skipped[
            bisect_left(
                skipped,
                True,
                key=lambda s: datetime.fromtimestamp(s, self.zone).utcoffset() != before,
            )
        ]

    def _half_days_of(self, year: int) -> Mapping[date, time]:
        public = _public_holidays(self.hours.country.upper(), year)
        dates_last = sorted(self._half_days, key=lambda each: _names_last(each[0]), reverse=True)
        return {  # a date beats a name
            day: close for named, close in dates_last for day, _ in _falls_on(named, year, public)
        }


@lru_cache(maxsize=1024)
def _public_holidays(country: str, year: int) -> Mapping[date, str]:
    """A country's public holidays and their names, in Swedish for Sweden; "" has none."""
    if not country:
        return MappingProxyType({})
    from holidays import country_holidays  # here, for it costs 60–90 ms and few commands ask

    more: dict[str, Any] = {"language": "sv"} if country == "SE" else {}
    if country in {"SE", "NO"}:
        more["include_sundays"] = False  # written out: the library's default has changed before
    try:
        public = country_holidays(country, years=year, expand=False, categories=("public",), **more)
    except NotImplementedError as error:
        raise CalendarError(f"no holidays are known for country {country!r}") from error
    return MappingProxyType(dict(public.items()))


def minutes_up(duration: timedelta) -> int:
    """A duration in whole minutes, rounded up, as all minutes used are (A3)."""
    return -(-duration // timedelta(minutes=1))


def _second(t: datetime) -> int:
    """Whole seconds since 1970; a ValueError refuses a datetime without a zone (A1)."""
    if t.tzinfo is None:
        raise ValueError(f"{t.isoformat()} has no zone: every instant is aware (A1)")
    return int(t.timestamp())


def _whole_seconds(d: timedelta) -> int:
    if d.microseconds or d.days < 0:
        raise ValueError(f"{d} is no opening time: whole seconds, and not negative")
    return d.days * 86_400 + d.seconds


def _outside(what: object) -> CalendarError:
    return CalendarError(f"{what} lies outside the years {_FIRST_YEAR}–{_LAST_YEAR}")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise CalendarError(f"{name!r} is no time zone") from error


def _check_window(hours: OpeningHours) -> None:
    if not hours.weekdays or not hours.weekdays <= set(range(1, 8)):
        raise CalendarError("weekdays must be some of 1 (Monday) to 7 (Sunday)")
    if hours.close != _MIDNIGHT and hours.close <= hours.open:
        raise CalendarError(f"closing {hours.close:%H:%M} is not after opening {hours.open:%H:%M}")


def _closing(hours: OpeningHours, day: date | str, close: time) -> time:
    if close <= hours.open:
        raise CalendarError(
            f"half day {day}: closing {close:%H:%M} is not after opening {hours.open:%H:%M}; "
            "a day without an opening belongs among the closed days"
        )
    return close


def _date_or_name(text: date | str) -> date | str:
    if isinstance(text, date):
        return text
    name = known_name(text)
    if name:
        return name
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CalendarError(
            f"{text!r} is neither a date nor a day that has a name here ({', '.join(NAMES)})"
        ) from error


def _falls_on(
    named: date | str, year: int, public: Mapping[date, str]
) -> Iterator[tuple[date, str]]:
    """The days of a date or a name in the year, with the name ("" for a date)."""
    if isinstance(named, str):
        yield from ((day, named) for day in days_named(named, year, public.keys()))
    elif named.year == year:
        yield named, ""


def _names_last(named: date | str) -> tuple[bool, str]:
    return isinstance(named, str), str(named)
