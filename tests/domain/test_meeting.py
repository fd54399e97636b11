"""A slot for a review meeting: on a working day, inside opening hours, on nothing else (J4)."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.domain.meeting import LENGTH, WINDOW, is_free, propose_slot
from daemon.domain.opening_hours import Calendar, OpeningHours
from daemon.domain.periods import Period

ZONE = ZoneInfo("Europe/Stockholm")
CALENDAR = Calendar(OpeningHours())
Q4 = Period.parse("2026-Q4")
DUE = dt.datetime(2027, 1, 4, 8, tzinfo=ZONE)  # the first working day of the year


def local(*moment):
    return dt.datetime(*moment, tzinfo=ZONE).astimezone(dt.UTC)


def proposed(now=DUE, period=Q4, calendar=CALENDAR, taken=()):
    slot = propose_slot(period, now, calendar, taken)
    return None if slot is None else slot[0].astimezone(ZONE)


def test_the_meeting_is_at_ten_on_the_third_working_day_after_the_invitation_j4():
    # 6 January is closed: trettondag jul
    assert proposed() == dt.datetime(2027, 1, 8, 10, tzinfo=ZONE)


def test_a_day_that_holds_another_of_the_managers_meetings_goes_after_a_free_one():
    taken = [(local(2027, 1, 8, 14), local(2027, 1, 8, 15))]
    assert proposed(taken=taken) == dt.datetime(2027, 1, 11, 10, tzinfo=ZONE)


def test_on_busy_days_the_next_time_of_day_is_taken():
    days = [day for day in range(8, 15) if dt.date(2027, 1, day).isoweekday() < 6]
    taken = [(local(2027, 1, day, 10), local(2027, 1, day, 11)) for day in days]
    assert proposed(taken=taken) == dt.datetime(2027, 1, 8, 14, tzinfo=ZONE)


def test_where_everything_is_taken_there_is_no_slot():
    assert proposed(taken=[(local(2027, 1, 1), local(2027, 3, 1))]) is None


def test_a_half_day_is_used_only_as_far_as_it_is_open_a2():
    hours = OpeningHours(half_days={"2027-01-08": dt.time(9, 30)})
    assert proposed(calendar=Calendar(hours)) == dt.datetime(2027, 1, 8, 8, tzinfo=ZONE)


def test_a_desk_that_is_open_in_the_evening_meets_in_the_evening():
    evening = Calendar(OpeningHours(open=dt.time(18), close=dt.time(22)))
    assert proposed(calendar=evening).hour == 18


def test_one_that_comes_late_is_within_two_weeks_of_now():
    late = dt.datetime(2027, 2, 1, 8, tzinfo=ZONE)
    assert late < proposed(now=late) < late + WINDOW + dt.timedelta(days=7)


@pytest.mark.parametrize(("start", "free"), [(9, True), (10, False), (11, True)])
def test_meetings_may_follow_each_other_at_once(start, free):
    slot = (local(2027, 1, 8, start), local(2027, 1, 8, start) + LENGTH)
    assert is_free(slot, [(local(2027, 1, 8, 10), local(2027, 1, 8, 11))]) is free


@given(
    period=st.dates(dt.date(2024, 1, 1), dt.date(2035, 12, 31)),
    busy=st.lists(st.tuples(st.integers(0, 14), st.integers(0, 23)), max_size=12),
)
def test_every_slot_is_open_ahead_and_free_j4(period, busy):
    quarter = Period(dt.date(period.year, (period.month - 1) // 3 * 3 + 1, 1), 3)
    midnight = dt.datetime.combine(quarter.end, dt.time(), ZONE)
    now = CALENDAR.next_opening(midnight)
    hours = [midnight + dt.timedelta(days=day, hours=hour) for day, hour in busy]
    taken = [(hour, hour + LENGTH) for hour in hours]
    slot = propose_slot(quarter, now, CALENDAR, taken)
    assert slot is not None
    start, end = slot
    assert CALENDAR.between(start, end) == end - start == LENGTH
    assert now + dt.timedelta(days=2) < start
    assert start.astimezone(ZONE).date() < quarter.end + WINDOW
    assert not any(a < end and start < b for a, b in taken)
