"""A clock explained: its segments, their rules, and what decided it (E9)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.domain.clock import Event, EventKind, Targets, read_clocks
from daemon.domain.clock_explain import Why, explain_clock
from daemon.domain.opening_hours import Calendar, OpeningHours, minutes_up

K = EventKind
HOUR = timedelta(hours=1)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
CALENDAR = Calendar(OpeningHours())
TARGETS = Targets(
    response={1: HOUR, 2: 4 * HOUR, 3: 8 * HOUR, 4: 16 * HOUR},
    resolution=dict.fromkeys((1, 2, 3, 4), 16 * HOUR),
)


def at(text):
    """2026 in Stockholm: "11-23 16:00", a Monday."""
    t = datetime.fromisoformat(f"2026-{text}")
    return t.replace(tzinfo=STOCKHOLM).astimezone(UTC)


def clocks(*events, now):
    return read_clocks(events, TARGETS, CALENDAR, at(now))


def told(segments):
    """Segments as lines: start, end, minutes, rule, why."""
    return [
        (
            f"{CALENDAR.local(each.start):%d %H:%M}",
            f"{CALENDAR.local(each.end):%d %H:%M}" if each.end else "…",
            each.minutes,
            each.rule,
            each.why.value,
        )
        for each in segments
    ]


def test_every_segment_has_its_times_minutes_and_rule():
    """E9."""
    found = clocks(
        Event(at("11-20 16:00"), K.OPENED, priority=3),
        Event(at("11-23 10:00"), K.ANSWER),
        now="11-23 12:00",
    )
    assert told(explain_clock(found.response, CALENDAR)) == [
        ("20 16:00", "20 17:00", 60, "A3", "open"),
        ("20 17:00", "23 08:00", 0, "A2", "closed"),
        ("23 08:00", "23 10:00", 120, "A3", "open"),
    ]


def test_a_pause_stands_still_by_its_own_rule_and_the_last_segment_goes_on():
    """E9, E5."""
    found = clocks(
        Event(at("11-23 08:00"), K.OPENED, priority=3),
        Event(at("11-23 10:00"), K.WAITING),
        Event(at("11-24 16:00"), K.CUSTOMER_MESSAGE),
        now="11-24 16:30",
    )
    assert told(explain_clock(found.resolution, CALENDAR)) == [
        ("23 08:00", "23 10:00", 120, "A3", "open"),
        ("23 10:00", "24 16:00", 0, "E5", "paused"),
        ("24 16:00", "…", 30, "A3", "open"),
    ]


def test_minutes_sum_to_the_minutes_used_though_segments_end_within_a_minute():
    """E9, A3: 30 seconds on Friday and 20 on Monday are one minute, not two."""
    found = clocks(
        Event(at("11-20 16:59:30"), K.OPENED),
        Event(at("11-23 08:00:20"), K.ANSWER),
        now="11-24 08:00",
    )
    segments = explain_clock(found.response, CALENDAR)
    assert [each.minutes for each in segments] == [1, 0, 0]
    assert sum((each.used for each in segments), timedelta(0)) == found.response.used
    assert minutes_up(found.response.used) == 1


def test_a_clock_read_before_its_start_has_no_segments():
    """A4: the machine's clock may be behind the mail server's."""
    found = clocks(Event(at("11-23 10:00"), K.OPENED), now="11-23 09:00")
    assert explain_clock(found.response, CALENDAR) == ()


def test_a_clock_that_stands_still_now_ends_in_an_open_pause():
    """E9, E5."""
    found = clocks(
        Event(at("11-23 08:00"), K.OPENED), Event(at("11-23 09:00"), K.WAITING), now="11-25 09:00"
    )
    last = explain_clock(found.resolution, CALENDAR)[-1]
    assert (last.start, last.end, last.why) == (at("11-23 09:00"), None, Why.PAUSED)


def test_a_pause_that_ended_in_the_second_it_began_is_no_segment():
    """E9, A1: it is empty."""
    events = [Event(at("11-23 09:00"), kind) for kind in (K.WAITING, K.CUSTOMER_MESSAGE)]
    found = clocks(Event(at("11-23 08:00"), K.OPENED), *events, now="11-23 10:00")
    assert [each.why for each in explain_clock(found.resolution, CALENDAR)] == [Why.OPEN, Why.OPEN]
