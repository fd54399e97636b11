"""A clock explained: every segment that ran or stood still, and the rule for each (E9)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from daemon.domain.clock import Clock, ClockKind, EventKind, Stretch, reached
from daemon.domain.opening_hours import Calendar, minutes_up


class Why(StrEnum):
    """Why a segment ran or stood still, or what a mark tells; faces translate these codes."""

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
    """A part of a clock's life; `end` None goes on.

    `minutes` are rounded up at each segment's end over what was used by then, so that they sum
    to the minutes used of the whole clock (A3).
    """

    start: datetime
    end: datetime | None
    used: timedelta
    minutes: int
    running: bool
    rule: str  # of rules.md
    why: Why
    closed_days: tuple[str, ...] = ()  # Swedish names of the closed days that it contains


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant that decided something about a clock."""

    at: datetime
    rule: str
    why: Why
    level: int | None = None  # with STARTED and PRIORITY
    due_at: datetime | None = None  # the deadline that counts from here, as things stood at reading


_START_RULE = {ClockKind.RESPONSE: "E1", ClockKind.FOLLOW_UP: "E5", ClockKind.RESOLUTION: "E6"}
_ENDS = {
    EventKind.ANSWER: Why.ANSWERED,
    EventKind.STARTED: Why.WORK_STARTED,
    EventKind.SOLVED: Why.SOLVED,
    EventKind.CLOSED: Why.CLOSED_TICKET,
}


def explain(clock: Clock, calendar: Calendar) -> tuple[Segment, ...]:
    """The clock's segments from its start to its end, or to `read_at` while it runs (E9).

    They touch each other, and their `used` sum to the clock's as long as the calendar is the
    one that it was read with. A clock read before its start has none.
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


def frozen(start: datetime, end: datetime, used: timedelta) -> tuple[Segment, ...]:
    """What is left to say of a clock that was counted by opening hours of then (E8)."""
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
    last = segments[-1]
    open_ended = Segment(
        last.start,
        None,
        last.used,
        last.minutes,
        last.running,
        last.rule,
        last.why,
        last.closed_days,
    )
    return (*segments[:-1], open_ended)


def _closed_days(calendar: Calendar, start: datetime, end: datetime) -> tuple[str, ...]:
    first, last = calendar.day_of(start), calendar.day_of(end - timedelta(seconds=1))
    return tuple(
        name
        for year in range(first.year, last.year + 1)
        for day, name in calendar.closed_days(year).items()
        if first <= day <= last and day.isoweekday() in calendar.hours.weekdays
    )


def marks(clock: Clock, calendar: Calendar) -> tuple[Mark, ...]:
    """What decided the clock, in order: start, priorities, withdrawn answers, breach, end (E9)."""
    found = [
        Mark(
            change.at,
            "E4" if place else _START_RULE[clock.kind],
            Why.PRIORITY if place else Why.STARTED,
            change.level,
            reached(clock.stretches, change.target, calendar),
        )
        for place, change in enumerate(clock.levels)
    ]
    found += [Mark(at, "E1", Why.WITHDRAWN) for at in clock.withdrawn]
    if clock.breached_at is not None:
        found.append(Mark(clock.breached_at, "E8", Why.BREACHED))
    if clock.ended_at is not None and clock.ended_by is not None:
        found.append(Mark(clock.ended_at, _end_rule(clock), _ENDS[clock.ended_by]))
    return tuple(sorted(found, key=lambda mark: mark.at))


def _end_rule(clock: Clock) -> str:
    """Closing is E1's, also where it ends a follow-up; `[klar]` is what E6 waits for."""
    solved = clock.kind is ClockKind.RESOLUTION and clock.ended_by is EventKind.SOLVED
    closing = clock.ended_by in {EventKind.SOLVED, EventKind.CLOSED} and not solved
    return "E1" if closing else _START_RULE[clock.kind]
