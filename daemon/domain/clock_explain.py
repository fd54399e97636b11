"""A clock explained: every segment, running or still, and the rule for each (E9)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from daemon.domain.clock import Clock, Stretch
from daemon.domain.opening_hours import Calendar, minutes_up


class Why(StrEnum):
    """The reason of a segment, as a code; letters and commands translate it."""

    OPEN = "open"
    CLOSED = "closed"
    PAUSED = "paused"
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
