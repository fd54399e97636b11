"""Tickets' stories told in lines, for the tests of the clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.domain.clock import Event, EventKind, Targets, read_clocks
from daemon.domain.opening_hours import Calendar, OpeningHours

K = EventKind
HOUR = timedelta(hours=1)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
CALENDAR = Calendar(OpeningHours())
ATTEND = Targets(response=dict.fromkeys((1, 2, 3, 4), 8 * HOUR))
GRADED = Targets(response={1: HOUR, 2: 4 * HOUR, 3: 8 * HOUR, 4: 16 * HOUR})
RESOLVING = Targets(ATTEND.response, dict.fromkeys((1, 2, 3, 4), 16 * HOUR))


def at(text):
    """November 2026 in Stockholm: "23 16:00"; the 23rd is a Monday."""
    t = datetime.fromisoformat(f"2026-11-{text}")
    return t.replace(tzinfo=STOCKHOLM).astimezone(UTC)


def told(*lines):
    """Events from lines such as "23 09:00 priority 1" or "23 10:00 answer 7"."""
    return [_event(*line.split()) for line in lines]


def _event(day, clock, kind, number=None):
    number = int(number) if number else None
    kind = EventKind(kind)
    if kind in {K.ANSWER, K.ANSWER_BOUNCED}:
        return Event(at(f"{day} {clock}"), kind, answer=number)
    return Event(at(f"{day} {clock}"), kind, priority=number)


def clocks(*lines, targets=ATTEND, now="30 12:00"):
    return read_clocks(told(*lines), targets, CALENDAR, at(now))


def response(*lines, **settings):
    return clocks(*lines, **settings).response
