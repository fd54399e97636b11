"""Months, quarters, half-years and years are half-open and named one way (A1, G2)."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.domain.periods import LENGTHS, Period, add_months, month_of, months_from, period_of

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2100, 12, 31))
A_DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("key", "start", "end", "days"),
    [
        ("2026-11", "2026-11-01", "2026-12-01", 30),
        ("2028-02", "2028-02-01", "2028-03-01", 29),
        ("2026-Q4", "2026-10-01", "2027-01-01", 92),
        ("2026-H1", "2026-01-01", "2026-07-01", 181),
        ("2026-H2", "2026-07-01", "2027-01-01", 184),
        ("2028", "2028-01-01", "2029-01-01", 366),
    ],
)
def test_a_key_names_a_half_open_interval_a1(key, start, end, days):
    period = Period.parse(key)
    assert (str(period.start), str(period.end), period.days) == (start, end, days)
    assert str(period) == key
    assert period.last_day == period.end - A_DAY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-13",
        "2026-00",
        "2026-1",
        "2026-Q5",
        "2026-Q0",
        "2026-H3",
        "26",
        "2026-",
        "0000",
        "2026-q4",
        "2026-11-01",
        "2026-11\n",
        "٢٠٢٦",
        "9999",
        "9999-12",
        "9999-Q4",
        " 2026",
    ],
)
def test_anything_else_is_no_period(text):
    with pytest.raises(ValueError, match="is no period"):
        Period.parse(text)


@given(day=DAYS, length=st.sampled_from(sorted(LENGTHS)))
def test_every_day_lies_in_exactly_one_period_of_a_length_g2(day, length):
    period = period_of(length, day)
    assert day in period
    assert day not in period.following()
    assert day not in period.preceding()
    assert period.following().preceding() == period
    assert period.following().start == period.end
    assert period.length == length
    assert Period.parse(str(period)) == period


@given(
    day=DAYS,
    length=st.sampled_from(sorted(LENGTHS)),
    start=DAYS,
    rest=st.none() | st.integers(0, 500),
)
def test_covered_days_are_counted_one_by_one_a1(day, length, start, rest):
    period = period_of(length, day)
    end = None if rest is None else start + rest * A_DAY
    each = (period.start + n * A_DAY for n in range(period.days))
    counted = sum(1 for day in each if start <= day and (end is None or day < end))
    assert period.covered(start, end) == counted


@given(day=DAYS, months=st.integers(-60, 60))
def test_months_later_is_the_same_day_or_the_months_last(day, months):
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + A_DAY).day == 1)


def test_a_year_from_leap_day_is_the_28th_and_four_years_the_29th_again():
    leap = dt.date(2028, 2, 29)
    assert add_months(leap, 12) == dt.date(2029, 2, 28)
    assert add_months(leap, 48) == dt.date(2032, 2, 29)


def test_months_run_from_the_first_of_one_period_to_the_last_of_another():
    months = months_from(Period.parse("2026-11"), Period.parse("2027-Q1"))
    assert [str(month) for month in months] == [
        "2026-11",
        "2026-12",
        "2027-01",
        "2027-02",
        "2027-03",
    ]
    assert list(months_from(Period.parse("2026-12"), Period.parse("2026-11"))) == []


@given(day=DAYS)
def test_the_month_of_a_day_begins_on_its_first(day):
    assert month_of(day).start == day.replace(day=1)
    assert month_of(day) == period_of("month", day)


@pytest.mark.parametrize(
    ("key", "swedish", "english"),
    [
        ("2026-11", "november 2026", "November 2026"),
        ("2026-05", "maj 2026", "May 2026"),
        ("2026-Q4", "2026 kvartal 4", "2026 quarter 4"),
        ("2026-H1", "2026 halvår 1", "2026 half-year 1"),
        ("2026", "2026", "2026"),
    ],
)
def test_a_period_is_printed_for_people(key, swedish, english):
    assert Period.parse(key).name("sv") == swedish
    assert Period.parse(key).name("en") == english


@pytest.mark.parametrize(
    ("start", "months"),
    [
        (dt.date(2026, 11, 2), 1),
        (dt.date(2026, 11, 1), 3),
        (dt.date(2026, 4, 1), 6),
        (dt.date(2026, 7, 1), 12),
        (dt.date(2026, 1, 1), 2),
    ],
)
def test_an_interval_that_is_no_calendar_period_is_refused(start, months):
    with pytest.raises(ValueError, match="no calendar period"):
        Period(start, months)
