"""Warnings of a clock: when they fall due, when they may be told, and once each (E7)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.domain.clock import Event, EventKind, Targets, read_clocks
from daemon.domain.clock_warnings import (
    gravest,
    next_telling,
    part_of,
    untold,
    warning_to_tell,
    warnings,
)
from daemon.domain.opening_hours import Calendar, OpeningHours

K = EventKind
HOUR = timedelta(hours=1)
PERCENTS = (50, 80)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
CALENDAR = Calendar(OpeningHours())
TARGETS = Targets(response={1: HOUR, 2: 4 * HOUR, 3: 8 * HOUR, 4: 16 * HOUR})


def at(text):
    """November 2026 in Stockholm: "23 16:00"; the 23rd is a Monday."""
    t = datetime.fromisoformat(f"2026-11-{text}")
    return t.replace(tzinfo=STOCKHOLM).astimezone(UTC)


def response(opened, *more, now, level=3):
    events = [Event(at(opened), K.OPENED, priority=level), *more]
    return read_clocks(events, TARGETS, CALENDAR, at(now)).response


def found(clock, percents=PERCENTS):
    return warnings(clock, percents, CALENDAR)


def falls(clock, percents=PERCENTS):
    return {each.percent: CALENDAR.local(each.falls_at) for each in found(clock, percents)}


def telling(clock, told, now):
    warning = warning_to_tell(found(clock), told, CALENDAR, at(now))
    return warning and (warning.percent or "breach")


def test_warnings_fall_at_half_at_four_fifths_and_at_the_breach():
    """E7: add(start, p %)."""
    assert falls(response("23 08:00", now="23 08:00")) == {
        50: at("23 12:00"),
        80: at("23 14:24"),
        None: at("23 16:00"),
    }


def test_the_percentages_are_a_setting():
    """E7."""
    assert list(falls(response("23 08:00", now="23 08:00"), (90, 25))) == [25, 90, None]
    assert list(falls(response("23 08:00", now="23 08:00"), ())) == [None]


def test_a_part_is_whole_seconds_rounded_half_up():
    """A5."""
    assert part_of(timedelta(seconds=1), 50) == timedelta(seconds=1)
    assert part_of(timedelta(seconds=1), 49) == timedelta(0)
    assert part_of(timedelta(minutes=1), 33) == timedelta(seconds=20)


def test_a_warning_at_closing_time_waits_for_the_next_opening():
    """E7: closing time itself included."""
    clock = response("20 13:00", now="20 13:00")
    half = found(clock)[0]
    assert half.falls_at == at("20 17:00")
    assert half.tell_at == at("23 08:00")
    assert telling(clock, (), "20 17:00") is None
    assert telling(clock, (), "22 12:00") is None
    assert telling(clock, (), "23 08:00") == 50


def test_a_breach_is_told_at_once():
    """E7: also at closing time."""
    clock = response("20 16:00", now="20 17:00", level=1)
    assert found(clock)[-1].tell_at == at("20 17:00")
    assert telling(clock, (), "20 16:59:59") == 80
    assert telling(clock, (), "20 17:00") == "breach"
    assert telling(clock, (), "21 03:00") == "breach"


def test_of_several_due_together_only_the_gravest_is_told():
    """E7: and it settles the milder ones."""
    clock = response("23 08:00", now="24 09:00")
    assert telling(clock, (), "24 09:00") == "breach"
    assert telling(clock, (None,), "24 09:00") is None
    due = found(response("23 08:00", now="23 08:00"))
    assert gravest(due).percent is None
    assert gravest(due[:2]).percent == 80
    assert gravest(()) is None


def test_each_is_told_once():
    """E7."""
    clock = response("23 08:00", now="23 12:00")
    assert telling(clock, (), "23 12:00") == 50
    assert telling(clock, (50,), "23 12:00") is None
    assert telling(clock, (50,), "23 14:24") == 80
    assert telling(clock, (50, 80), "23 14:24") is None
    assert telling(clock, (50, 80), "23 16:00") == "breach"


def test_none_is_told_early():
    """E7."""
    clock = response("23 08:00", now="23 08:00")
    for now, told in [("23 11:59:59", ()), ("23 14:23:59", (50,)), ("23 15:59:59", (50, 80))]:
        assert telling(clock, told, now) is None


def test_a_percentage_missed_while_nothing_ran_waits_for_opening_hours():
    """E7: due on Friday 15:00, looked at on Saturday."""
    clock = response("20 11:00", now="21 10:00")
    assert telling(clock, (), "21 10:00") is None
    assert telling(clock, (), "23 08:00") == 50


def test_a_moved_deadline_repeats_no_warning():
    """E7: 80 was told at 14:24; with the longer target half falls later, and stays silent."""
    lowered = Event(at("23 15:00"), K.PRIORITY, priority=4)
    clock = response("23 08:00", lowered, now="24 13:00")
    assert falls(clock)[50] == at("23 16:00")
    assert telling(clock, (50, 80), "24 13:00") is None
    assert telling(clock, (50, 80), "24 15:00") == "breach"
    assert telling(clock, (80,), "23 16:30") is None


def test_a_percentage_that_a_new_priority_put_into_the_past_falls_at_the_change():
    """E7, E4: a change in the evening tells nobody before the morning."""
    raised = Event(at("23 20:00"), K.PRIORITY, priority=3)
    clock = response("23 12:00", raised, now="23 20:00", level=4)
    half = found(clock)[0]
    assert (half.falls_at, half.tell_at) == (at("23 20:00"), at("24 08:00"))


def test_a_breach_by_a_new_priority_falls_at_the_change():
    """E7, E4."""
    raised = Event(at("23 20:00"), K.PRIORITY, priority=2)
    clock = response("23 12:00", raised, now="23 20:00", level=4)
    assert falls(clock) == {None: at("23 20:00")}
    assert telling(clock, (50,), "23 20:00") == "breach"


def test_a_clock_that_ended_in_time_warns_no_more():
    """E7."""
    assert found(response("23 08:00", Event(at("23 15:00"), K.ANSWER), now="23 15:00")) == ()


def test_a_breach_is_told_also_when_the_late_answer_is_read_first():
    """E7, E4: whether a loop ran between deadline and answer changes nothing."""
    clock = response("23 08:00", Event(at("23 16:05"), K.ANSWER), now="25 09:00")
    assert telling(clock, (50,), "25 09:00") == "breach"


def test_a_paused_clock_warns_only_of_what_fell_before_the_pause():
    """E7, E5."""
    events = [
        Event(at("23 08:00"), K.OPENED),
        Event(at("23 08:00"), K.STARTED),
        Event(at("23 08:00"), K.CUSTOMER_MESSAGE),
        Event(at("23 13:00"), K.WAITING),
    ]
    (clock,) = read_clocks(events, TARGETS, CALENDAR, at("25 09:00")).follow_ups
    assert falls(clock) == {50: at("23 12:00")}


def test_a_clock_without_a_target_has_no_warnings():
    """E2, E4: here one that was broken before its level lost the promise."""
    only_critical = Targets(response={1: HOUR})
    events = [Event(at("23 08:00"), K.OPENED, priority=1), Event(at("23 10:00"), K.PRIORITY, 4)]
    clock = read_clocks(events, only_critical, CALENDAR, at("23 11:00")).response
    assert [each.percent for each in found(clock)] == [None]


def test_the_next_telling_is_known_ahead():
    """E7: so that a loop can sleep until then."""
    clock = response("20 13:00", now="20 13:00")
    due = found(clock)

    def upcoming(told, now):
        return next_telling(due, told, CALENDAR, at(now))

    assert upcoming((), "20 13:00") == at("23 08:00")
    assert upcoming((50,), "20 13:00") == at("23 10:24")
    assert upcoming((50, 80), "20 13:00") == at("23 12:00")
    assert upcoming((50, 80, None), "20 13:00") is None
    assert upcoming((50,), "23 18:00") == at("23 18:00")
    assert upcoming((), "21 12:00") == at("23 08:00")


def test_what_is_untold_is_what_is_graver_than_all_that_was_told():
    """E7."""
    due = found(response("23 08:00", now="23 08:00"))
    percents = [
        [each.percent for each in untold(due, told)] for told in [(), (50,), (80,), (None,)]
    ]
    assert percents == [[50, 80, None], [80, None], [None], []]


# --- a loop that is late, early or off for days (issue: the clock of the machine) ---

minutes = st.integers(0, 6 * 1440)


def run_the_loop(opened, changes, answered, looks):
    """Look at the clock at each instant, in the order given, and tell what is to be told."""
    start = at("19 00:00")
    events = [Event(start + timedelta(minutes=opened), K.OPENED, priority=3)]
    events += [
        Event(start + timedelta(minutes=opened + after), K.PRIORITY, level)
        for after, level in changes
    ]
    if answered is not None:
        events.append(Event(start + timedelta(minutes=opened + answered), K.ANSWER))
    told = []
    for look in looks:
        now = start + timedelta(minutes=look)
        known = [event for event in events if event.at <= max(now, events[0].at)]
        clock = read_clocks(known, TARGETS, CALENDAR, now).response
        warning = warning_to_tell(
            found(clock), [each.percent for each, _, _ in told], CALENDAR, now
        )
        if warning:
            told.append((warning, now, clock))
    return told, read_clocks(events, TARGETS, CALENDAR, start + timedelta(days=60)).response


loops = st.tuples(
    minutes,
    st.lists(st.tuples(minutes, st.integers(1, 4)), max_size=3),
    st.none() | minutes,
    st.lists(minutes, max_size=12),
)


def check_the_loop(loop):
    opened, changes, answered, looks = loop
    told, final = run_the_loop(opened, changes, answered, [*looks, 20 * 1440])
    percents = [warning.percent for warning, _, _ in told]
    assert len(percents) == len(set(percents))  # once each
    assert percents == sorted(percents, key=lambda each: each or 100)  # never milder again
    for warning, now, clock in told:
        assert now >= warning.tell_at  # none early
        if warning.percent is None:
            assert now >= (clock.breached_at or clock.due_at)
        else:
            assert CALENDAR.is_open(now)
            assert clock.used >= part_of(clock.target, warning.percent)
    assert (None in percents) >= (final.breached_at is not None)  # no breach is kept silent


@settings(max_examples=300, deadline=None)
@given(loops)
def test_a_loop_tells_each_warning_once_and_none_early_whenever_it_looks(loop):
    """E7: looks may be days apart, and the machine's clock may jump back."""
    check_the_loop(loop)


@pytest.mark.long
@settings(max_examples=5000, deadline=None)
@given(loops)
def test_a_loop_tells_each_warning_once_and_none_early_in_5000_cases(loop):
    """E7."""
    check_the_loop(loop)
