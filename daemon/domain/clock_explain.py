"""A clock explained: every segment, running or still, and the rule for each (E9)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from daemon.domain.clock import Clock, ClockKind, EventKind, Stretch, reached_at
from daemon.domain.opening_hours import Calendar, minutes_up


class Why(StrEnum):
    """The reason of a segment or a mark, as a code; letters and commands translate it."""

    OPEN = "open"
    CLOSED = "closed"
    PAUSED = "paused"
    STARTED = "started"
    PRIORITY = "priority"
    WITHDRAWN = "withdrawn"
    BREACHED = "breached"
    ANSWERED = "answered"
    WORK_STARTED = "work-started"
    SOLVED = "solved"
    CLOSED_TICKET = "closed-ticket"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a clock's life; without `end` it goes on.

    `minutes` is the difference of the minutes used at its end and at its start, both rounded up:
    all segments together sum to the minutes of the whole clock (A3).
    """

    start: datetime
    end: datetime | None
    used: timedelta
    minutes: int
    running: bool
    rule: str  # of rules.md
    why: Why
    closed_days: tuple[str, ...] = ()  # the Swedish names of its closed days


@dataclass(frozen=True, slots=True)
class Mark:
    """A deciding instant in a clock's life."""

    at: datetime
    rule: str
    why: Why
    level: int | None = None  # with STARTED and PRIORITY
    due_at: datetime | None = None  # the deadline from here on, as known at reading


_START_RULE = {ClockKind.RESPONSE: "E1", ClockKind.FOLLOW_UP: "E5", ClockKind.RESOLUTION: "E6"}
_ENDS = {
    EventKind.ANSWER: Why.ANSWERED,
    EventKind.STARTED: Why.WORK_STARTED,
    EventKind.SOLVED: Why.SOLVED,
    EventKind.CLOSED: Why.CLOSED_TICKET,
}


def explain_clock(clock: Clock, calendar: Calendar) -> tuple[Segment, ...]:
    """The clock's segments from its start to its end, or to `read_at` while it runs (E9).

    They touch each other, and their `used` sum to the clock's if the calendar is still the one
    of its reading. A clock read before its start has none.
    """
    segments: list[Segment] = []
    used = timedelta(0)
    for start, end, running, why in _pieces(clock, calendar):
        before = used
        used += end - start if running else timedelta(0)
        segments.append(
            Segment(
                start,
                end,
                used - before,
                minutes_up(used) - minutes_up(before),
                running,
                _RULES[why],
                why,
                _closed_days(calendar, start, end) if why is Why.CLOSED else (),
            )
        )
    return _going_on(segments) if clock.running else tuple(segments)


def frozen_segments(start: datetime, end: datetime, used: timedelta) -> tuple[Segment, ...]:
    """The only segment of a clock counted by earlier opening hours (E8)."""
    return (Segment(start, end, used, minutes_up(used), running=True, rule="E8", why=Why.FROZEN),)


_RULES = {Why.OPEN: "A3", Why.CLOSED: "A2", Why.PAUSED: "E5"}
_Piece = tuple[datetime, datetime, bool, Why]


def _pieces(clock: Clock, calendar: Calendar) -> Iterator[_Piece]:
    for stretch in clock.stretches:
        end = clock.read_at if stretch.end is None else stretch.end
        if end <= stretch.start:
            continue
        if stretch.running:
            yield from _opened_and_closed(stretch, end, calendar)
        else:
            yield stretch.start, end, False, Why.PAUSED


def _opened_and_closed(stretch: Stretch, end: datetime, calendar: Calendar) -> Iterator[_Piece]:
    since = stretch.start
    for opens, closes in calendar.openings(stretch.start, end):
        if since < opens:
            yield since, opens, False, Why.CLOSED
        yield opens, closes, True, Why.OPEN
        since = closes
    if since < end:
        yield since, end, False, Why.CLOSED


def _going_on(segments: list[Segment]) -> tuple[Segment, ...]:
    if not segments:
        return ()
    return (*segments[:-1], replace(segments[-1], end=None))


def _closed_days(calendar: Calendar, start: datetime, end: datetime) -> tuple[str, ...]:
    first, last = calendar.day_of(start), calendar.day_of(end - timedelta(seconds=1))
    return tuple(
        name
        for year in range(first.year, last.year + 1)
        for day, name in calendar.closed_days(year).items()
        if first <= day <= last and day.isoweekday() in calendar.hours.weekdays
    )


def marks(clock: Clock, calendar: Calendar) -> tuple[Mark, ...]:
    """The marks of a clock in order: start, priorities, withdrawn answers, breach, end (E9)."""
    listed = [
        Mark(
            change.at,
            "E4" if place else _START_RULE[clock.kind],
            Why.PRIORITY if place else Why.STARTED,
            change.level,
            reached_at(clock.stretches, change.target, calendar),
        )
        for place, change in enumerate(clock.levels)
    ]
    listed += [Mark(at, "E1", Why.WITHDRAWN) for at in clock.withdrawn]
    if clock.breached_at is not None:
        listed.append(Mark(clock.breached_at, "E8", Why.BREACHED))
    if clock.ended_at is not None and clock.ended_by is not None:
        listed.append(Mark(clock.ended_at, _end_rule(clock), _ENDS[clock.ended_by]))
    return tuple(sorted(listed, key=lambda mark: mark.at))


def _end_rule(clock: Clock) -> str:
    """The rule of the clock's end: E1 for closing, E6 for `[klar]` on a resolution clock."""
    solved = clock.kind is ClockKind.RESOLUTION and clock.ended_by is EventKind.SOLVED
    closing = clock.ended_by in {EventKind.SOLVED, EventKind.CLOSED} and not solved
    return "E1" if closing else _START_RULE[clock.kind]
