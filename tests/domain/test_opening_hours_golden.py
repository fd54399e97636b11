"""Deadlines and closed days checked by hand, and frozen (A2, A3).

A new release of the holidays library or of the zone rules that moves a deadline fails here.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from holidays import country_holidays

from daemon.domain.named_days import NAMES, days_named, easter
from daemon.domain.opening_hours import Calendar, OpeningHours

STOCKHOLM = ZoneInfo("Europe/Stockholm")

# Each year's closed days; those that never move are in FIXED.
FIXED = {
    (1, 1): "Nyårsdagen",
    (1, 6): "Trettondedag jul",
    (5, 1): "Första maj",
    (6, 6): "Nationaldagen",
    (12, 24): "Julafton",
    (12, 25): "Juldagen",
    (12, 26): "Annandag jul",
    (12, 31): "Nyårsafton",
}
MOVING = (
    "Långfredagen",
    "Påskdagen",
    "Annandag påsk",
    "Kristi himmelsfärdsdag",
    "Pingstdagen",
    "Midsommarafton",
    "Midsommardagen",
    "Alla helgons dag",
)
MOVED = {
    2024: "03-29 03-31 04-01 05-09 05-19 06-21 06-22 11-02",
    2025: "04-18 04-20 04-21 05-29 06-08 06-20 06-21 11-01",
    2026: "04-03 04-05 04-06 05-14 05-24 06-19 06-20 10-31",
    2027: "03-26 03-28 03-29 05-06 05-16 06-25 06-26 11-06",
    2028: "04-14 04-16 04-17 05-25 06-04 06-23 06-24 11-04",
    2029: "03-30 04-01 04-02 05-10 05-20 06-22 06-23 11-03",
    2030: "04-19 04-21 04-22 05-30 06-09 06-21 06-22 11-02",
    2031: "04-11 04-13 04-14 05-22 06-01 06-20 06-21 11-01",
    2032: "03-26 03-28 03-29 05-06 05-16 06-25 06-26 11-06",
}
SQUEEZED = {
    2024: "05-10 06-07 12-23 12-27 12-30",
    2025: "05-02 05-30",
    2026: "01-02 01-05 05-15",
    2027: "05-07",
    2028: "01-07 05-26 06-05",
    2029: "04-30 05-11",
    2030: "05-31 06-07 12-23 12-27 12-30",
    2031: "05-02 05-23",
    2032: "01-02 01-05 05-07",
}
DEFAULT = OpeningHours()
SPECIAL = OpeningHours(
    closed=(*DEFAULT.closed, date(2026, 12, 28), "klämdag"),
    half_days={"2026-04-02": time(12), "trettondagsafton": time(13), date(2026, 11, 25): time(15)},
)

# start | opening time | deadline: wall times in Stockholm, or with an offset where that is needed
DEADLINES = """
2026-11-23 08:00       | 1:00  | 2026-11-23 09:00     | a Monday morning
2026-11-23 16:00       | 1:00  | 2026-11-23 17:00     | closing time of the same day (A3)
2026-11-20 16:30       | 1:00  | 2026-11-23 08:30     | over a weekend (A3)
2026-11-23 03:00       | 1:00  | 2026-11-23 09:00     | a mail at 03:00 counts from 08:00 (A3)
2026-11-20 16:59       | 1:00  | 2026-11-23 08:59     | a Friday 16:59
2026-11-20 16:59       | 0:01  | 2026-11-20 17:00     | to the last minute of the week
2026-11-20 16:59       | 0:02  | 2026-11-23 08:01     | one minute more
2026-11-20 16:59:59    | 1:00  | 2026-11-23 08:59:59  | the week's last second
2026-11-20 17:00       | 1:00  | 2026-11-23 09:00     | a Friday at closing time
2026-11-20 17:00       | 0:00  | 2026-11-20 17:00     | nothing to add
2026-11-23 17:00       | 8:00  | 2026-11-24 16:00     | a Monday at closing time
2026-11-21 12:00       | 8:00  | 2026-11-23 16:00     | a Saturday
2026-11-22 23:59       | 16:00 | 2026-11-24 15:00     | late on a Sunday
2026-11-23 00:00       | 8:00  | 2026-11-23 16:00     | midnight before a working day
2026-11-21 00:00       | 1:00  | 2026-11-23 09:00     | midnight before a Saturday
2026-11-23 08:00       | 9:00  | 2026-11-23 17:00     | a whole day
2026-11-23 08:00       | 9:01  | 2026-11-24 08:01     | a whole day and a minute
2026-11-23 16:00       | 16:00 | 2026-11-25 14:00     | 1 + 9 + 6 hours
2026-11-20 12:00       | 16:00 | 2026-11-24 10:00     | 5 + 9 + 2 hours
2026-11-20 12:00       | 45:00 | 2026-11-27 12:00     | a working week
2026-10-23 16:30       | 1:00  | 2026-10-26 08:30     | into winter time
2026-10-24 20:00       | 8:00  | 2026-10-26 16:00     | the Saturday before winter time
2026-10-25 02:30+02:00 | 1:00  | 2026-10-26 09:00     | 02:30 for the first time
2026-10-25 02:30+01:00 | 1:00  | 2026-10-26 09:00     | 02:30 for the second time
2026-03-27 16:00       | 8:00  | 2026-03-30 15:00     | into summer time
2026-03-29 03:30       | 1:00  | 2026-03-30 09:00     | just after the change
2027-03-25 16:30       | 1:00  | 2027-03-30 08:30     | Easter and summer time at once
2027-03-25 17:00       | 8:00  | 2027-03-30 16:00     | the same, from closing time
2027-03-28 01:59       | 1:00  | 2027-03-30 09:00     | Easter Sunday, the minute before the change
2027-03-28 03:00       | 16:00 | 2027-03-31 15:00     | Easter Sunday, the minute after it
2026-06-18 16:30       | 1:00  | 2026-06-22 08:30     | the day before midsommarafton
2026-06-19 10:00       | 8:00  | 2026-06-22 16:00     | midsommarafton itself
2027-06-24 12:00       | 8:00  | 2027-06-28 11:00     | midsommarafton 2027
2024-06-20 16:00       | 16:00 | 2024-06-25 14:00     | midsommarafton 2024
2026-12-23 16:30       | 1:00  | 2026-12-28 08:30     | Christmas on Thursday to Saturday
2026-12-24 09:00       | 8:00  | 2026-12-28 16:00     | julafton
2026-12-25 00:00       | 1:00  | 2026-12-28 09:00     | juldagen
2026-12-26 23:59       | 16:00 | 2026-12-29 15:00     | annandag jul
2025-12-23 16:59       | 1:00  | 2025-12-29 08:59     | Christmas on Wednesday to Friday
2024-12-23 17:00       | 8:00  | 2024-12-27 16:00     | Christmas on Tuesday to Thursday
2026-12-30 16:00       | 8:00  | 2027-01-04 15:00     | over the turn of the year
2026-12-31 23:59       | 1:00  | 2027-01-04 09:00     | nyårsafton
2024-12-30 16:00       | 8:00  | 2025-01-02 15:00     | nyårsafton on a Tuesday
2027-01-05 16:00       | 8:00  | 2027-01-07 15:00     | trettondedag jul
2026-12-30 08:00       | 36:00 | 2027-01-07 17:00     | four whole days around three holidays
2026-04-02 16:00       | 8:00  | 2026-04-07 15:00     | over Easter: skärtorsdagen is a whole day
2026-04-30 16:30       | 1:00  | 2026-05-04 08:30     | första maj on a Friday
2026-05-13 16:30       | 8:00  | 2026-05-15 15:30     | Kristi himmelsfärdsdag; the Friday is open
2026-05-22 16:30       | 1:00  | 2026-05-25 08:30     | the Monday after Pentecost is open
2025-06-05 16:00       | 16:00 | 2025-06-10 14:00     | nationaldagen on a Friday
2028-06-05 12:00       | 8:00  | 2028-06-07 11:00     | nationaldagen on a Tuesday
2028-02-28 16:00       | 16:00 | 2028-03-01 14:00     | over a leap day
"""
SPECIAL_DEADLINES = """
2026-04-02 11:00 | 1:00  | 2026-04-02 12:00 | to the end of a half day
2026-04-02 11:30 | 1:00  | 2026-04-07 08:30 | past it
2026-04-02 12:00 | 1:00  | 2026-04-07 09:00 | from its closing time
2026-04-02 16:00 | 1:00  | 2026-04-07 09:00 | when others would be open
2027-01-05 12:30 | 1:00  | 2027-01-07 08:30 | a half day by name
2026-11-24 16:00 | 9:00  | 2026-11-26 09:00 | 1 + 7 + 1 hours
2026-12-23 16:30 | 1:00  | 2026-12-29 08:30 | an extra closed date
2026-05-13 16:30 | 1:00  | 2026-05-18 08:30 | klämdag
"""


def rows(table):
    return [tuple(cell.strip() for cell in line.split("|")) for line in table.strip().splitlines()]


def instant(text):
    t = datetime.fromisoformat(text)
    return t if t.tzinfo else t.replace(tzinfo=STOCKHOLM)


def duration(text):
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def month_days(year, text):
    return [date.fromisoformat(f"{year}-{each}") for each in text.split()]


@pytest.mark.parametrize(("start", "d", "deadline", "why"), rows(DEADLINES))
def test_a_deadline_stands_where_a_person_counted_it(start, d, deadline, why):
    """A3."""
    calendar = Calendar(DEFAULT)
    assert calendar.add(instant(start), duration(d)) == instant(deadline), why
    assert calendar.between(instant(start), instant(deadline)) == duration(d), why


@pytest.mark.parametrize(("start", "d", "deadline", "why"), rows(SPECIAL_DEADLINES))
def test_a_deadline_follows_half_days_and_extra_closed_days(start, d, deadline, why):
    """A2, A3."""
    assert Calendar(SPECIAL).add(instant(start), duration(d)) == instant(deadline), why


@pytest.mark.parametrize("year", MOVED)
def test_the_closed_days_of_a_year_are_the_frozen_ones(year):
    """A2: public holidays, midsommarafton, julafton and nyårsafton, and no plain Sunday."""
    expected = {date(year, month, day): name for (month, day), name in FIXED.items()}
    expected |= dict(zip(month_days(year, MOVED[year]), MOVING, strict=True))
    closed = Calendar(DEFAULT).closed_days(year)
    assert dict(closed) == expected
    assert list(closed) == sorted(expected)


@pytest.mark.parametrize("year", MOVED)
def test_each_named_day_falls_on_its_frozen_date(year):
    """A2: the moving names hang on Easter, midsommar and Alla helgons dag of the frozen list."""
    friday, sunday, _, _, pentecost, midsummer, _, all_saints = month_days(year, MOVED[year])
    day = timedelta(days=1)
    expected = {
        "trettondagsafton": date(year, 1, 5),
        "skärtorsdagen": friday - day,
        "påskafton": sunday - day,
        "valborgsmässoafton": date(year, 4, 30),
        "pingstafton": pentecost - day,
        "midsommarafton": midsummer,
        "allhelgonaafton": all_saints - day,
        "julafton": date(year, 12, 24),
        "nyårsafton": date(year, 12, 31),
    }
    public = Calendar(DEFAULT).closed_days(year).keys()
    assert {name: days_named(name, year, public) for name in NAMES if name != "klämdag"} == {
        name: (at,) for name, at in expected.items()
    }


@pytest.mark.parametrize("year", SQUEEZED)
def test_the_squeeze_days_of_a_year_are_the_frozen_ones(year):
    """A2: every Monday–Friday with a day off on both sides."""
    closed = Calendar(OpeningHours(closed=("klämdag",))).closed_days(year)
    found = [day for day, name in closed.items() if name == "Klämdag"]
    assert found == month_days(year, SQUEEZED[year])


@pytest.mark.parametrize("year", range(1990, 2100))
def test_our_named_days_agree_with_the_holiday_library(year):
    """A2: two sources for the same days; the library's squeeze day is one of ours."""
    theirs = country_holidays(
        "SE",
        years=year,
        expand=False,
        language="sv",
        categories=("de_facto", "optional"),
        include_sundays=False,
    )
    by_name = {name.split(" (")[0].lower(): day for day, name in theirs.items()}
    by_name["allhelgonaafton"] = by_name.pop("allahelgonsafton")
    public = country_holidays("SE", years=year, expand=False, include_sundays=False).keys()
    assert by_name.pop("klämdag") in days_named("klämdag", year, public)
    ours = {name: days_named(name, year, public) for name in NAMES if name != "klämdag"}
    assert ours == {name: (day,) for name, day in by_name.items()}


def test_easter_stands_where_the_almanac_has_it():
    """The extremes of the Gregorian Easter, and three years in between."""
    assert easter(1818) == date(1818, 3, 22)
    assert easter(2038) == date(2038, 4, 25)
    assert [easter(year) for year in (2000, 2019, 2100)] == [
        date(2000, 4, 23),
        date(2019, 4, 21),
        date(2100, 3, 28),
    ]
