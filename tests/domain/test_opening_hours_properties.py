"""Opening time against a model that walks minute by minute (A3), by hypothesis."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.domain.opening_hours import Calendar, OpeningHours

CASES = settings(max_examples=400, deadline=None)
MANY_CASES = settings(max_examples=5000, deadline=None)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
MINUTE = timedelta(minutes=1)
EVERY_DAY = frozenset(range(1, 8))

# What is closed in the model's periods, written out; the calendar has it from the library.
EVES = {date(2026, 12, 24), date(2026, 12, 31), date(2027, 6, 25)}
HOLIDAYS = {
    date(2026, 10, 31),
    date(2026, 12, 25),
    date(2026, 12, 26),
    date(2027, 1, 1),
    date(2027, 1, 6),
    date(2027, 3, 26),
    date(2027, 3, 28),
    date(2027, 3, 29),
    date(2027, 6, 26),
}
HALVES = {date(2026, 10, 30): time(12), date(2027, 1, 5): time(13, 30), date(2027, 3, 25): time(14)}

USUAL = OpeningHours()
SATURDAYS = OpeningHours(
    open=time(7, 30),
    close=time(18, 15),
    weekdays=frozenset(range(1, 7)),
    closed=(*USUAL.closed, date(2026, 12, 28)),
    half_days={"allhelgonaafton": time(12), date(2027, 1, 5): time(13, 30), "2027-03-25": time(14)},
)
ALWAYS = OpeningHours(open=time(0), close=time(0), weekdays=EVERY_DAY, closed=(), country="")
AT_NIGHT = OpeningHours(open=time(1, 30), close=time(3, 30), weekdays=EVERY_DAY, closed=())
DESKS = {"usual": USUAL, "saturdays": SATURDAYS, "always": ALWAYS, "at night": AT_NIGHT}
CALENDARS = {name: Calendar(hours) for name, hours in DESKS.items()}

# Both changes of summer time, the turn of the year, Easter with a half day, midsommar.
PERIODS = [
    (datetime(2026, 10, 19, tzinfo=UTC), 16),
    (datetime(2026, 12, 21, tzinfo=UTC), 20),
    (datetime(2027, 3, 20, tzinfo=UTC), 16),
    (datetime(2027, 6, 21, tzinfo=UTC), 10),
]


def model_is_open(name, t):
    wall = t.astimezone(STOCKHOLM)
    day, clock = wall.date(), wall.time()
    if name == "always":
        return True
    if name == "at night":
        return day not in HOLIDAYS and time(1, 30) <= clock < time(3, 30)
    if name == "usual":
        off = day in HOLIDAYS | EVES or wall.weekday() > 4
        return not off and time(8) <= clock < time(17)
    off = day in HOLIDAYS | EVES | {date(2026, 12, 28)} or wall.weekday() == 6
    return not off and time(7, 30) <= clock < HALVES.get(day, time(18, 15))


@cache
def open_minutes(name, period):
    """The open minutes of a period, counted from its start, one by one."""
    start, days = PERIODS[period]
    return [n for n in range(days * 1440) if model_is_open(name, start + n * MINUTE)]


@st.composite
def spans(draw):
    """A desk, a period of the model, and two minutes of it."""
    period = draw(st.integers(0, len(PERIODS) - 1))
    minutes = st.integers(0, PERIODS[period][1] * 1440 - 1)
    return draw(st.sampled_from(sorted(DESKS))), period, draw(minutes), draw(minutes)


def check_against_the_model(span):
    name, period, one, other = span
    calendar, start, opens = CALENDARS[name], PERIODS[period][0], open_minutes(name, period)
    a, b = sorted((one, other))
    inside = [n for n in opens if a <= n < b]
    assert calendar.between(start + a * MINUTE, start + b * MINUTE) == len(inside) * MINUTE
    assert calendar.is_open(start + a * MINUTE) is model_is_open(name, start + a * MINUTE)
    following = opens[bisect_left(opens, a) :]
    if following:
        assert calendar.next_opening(start + a * MINUTE) == start + following[0] * MINUTE
    wanted = (b - a) % 961  # up to 16 hours
    if 0 < wanted <= len(following):
        deadline = start + (following[wanted - 1] + 1) * MINUTE
        assert calendar.add(start + a * MINUTE, wanted * MINUTE) == deadline


instants = st.integers(
    int(datetime(2023, 1, 1, tzinfo=UTC).timestamp()),
    int(datetime(2034, 1, 1, tzinfo=UTC).timestamp()),
).map(lambda second: datetime.fromtimestamp(second, UTC))
durations = st.integers(0, 200 * 3600).map(lambda seconds: timedelta(seconds=seconds))
calendars = st.sampled_from(sorted(CALENDARS)).map(CALENDARS.__getitem__)
questions = st.tuples(calendars, instants, instants, durations, durations)


def check_the_laws(question):
    calendar, t, other, d, e = question
    deadline = calendar.add(t, d)
    assert calendar.between(t, deadline) == d  # for all t and d (A3)
    assert t <= deadline
    if d:  # the earliest such instant
        assert calendar.between(t, deadline - timedelta(seconds=1)) == d - timedelta(seconds=1)
    assert calendar.add(deadline, e) == calendar.add(t, d + e)
    assert calendar.add(t, max(d, e)) >= calendar.add(t, min(d, e))
    first, last = sorted((t, other))
    assert calendar.add(first, d) <= calendar.add(last, d)
    middle = first + (last - first) // 2
    middle = middle.replace(microsecond=0)
    halves = calendar.between(first, middle), calendar.between(middle, last)
    assert calendar.between(first, last) == sum(halves, timedelta(0))
    openings = calendar.openings(first, min(last, first + timedelta(days=30)))
    assert sum((b - a for a, b in openings), timedelta(0)) == calendar.between(
        first, min(last, first + timedelta(days=30))
    )


@CASES
@given(spans())
def test_opening_time_equals_a_walk_minute_by_minute(span):
    """A3, over both changes of summer time, the turn of the year and half days."""
    check_against_the_model(span)


@CASES
@given(questions)
def test_adding_and_measuring_keep_their_laws(question):
    """A3: between(t, add(t, d)) == d, the earliest such instant, additive and monotone."""
    check_the_laws(question)


@pytest.mark.long
@MANY_CASES
@given(spans())
def test_opening_time_equals_a_walk_minute_by_minute_in_5000_cases(span):
    """A3."""
    check_against_the_model(span)


@pytest.mark.long
@MANY_CASES
@given(questions)
def test_adding_and_measuring_keep_their_laws_in_5000_cases(question):
    """A3."""
    check_the_laws(question)


@pytest.mark.parametrize("name", sorted(DESKS))
def test_every_minute_of_the_periods_is_open_as_the_model_says(name):
    """A2, A3: all of them, not a sample."""
    for period, (start, days) in enumerate(PERIODS):
        open_ones = {start + n * MINUTE for n in open_minutes(name, period)}
        found = CALENDARS[name].openings(start, start + timedelta(days=days))
        counted = {a + n * MINUTE for a, b in found for n in range((b - a) // MINUTE)}
        assert counted == open_ones
