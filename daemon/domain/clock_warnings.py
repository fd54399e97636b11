"""When a clock's warnings fall due, when they may be told, and which of them is told (E7)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.domain.clock import Clock, reached
from daemon.domain.opening_hours import Calendar


@dataclass(frozen=True, slots=True)
class ClockWarning:
    """One warning of a clock: `percent` of its target used, or None for the breach."""

    percent: int | None
    falls_at: datetime
    tell_at: datetime  # not before; a percentage is told in opening hours only

    @property
    def gravity(self) -> float:
        """The breach is graver than any percentage, and a higher one graver than a lower."""
        return _gravity(self.percent)


def warnings(clock: Clock, percents: Iterable[int], calendar: Calendar) -> tuple[ClockWarning, ...]:
    """The clock's warnings, by gravity: of a clock past its deadline only the breach (E7).

    A clock that ended in time has none. One that falls due while the clock is paused, or never,
    is left out. A percentage that a new priority put into the past falls due at that change.
    """
    if clock.breached_at is not None:
        return (ClockWarning(None, clock.breached_at, clock.breached_at),)
    if not clock.running or clock.target is None:
        return ()
    found = [_percentage(clock, percent, clock.target, calendar) for percent in sorted(percents)]
    if clock.due_at is not None:
        found.append(ClockWarning(None, clock.due_at, clock.due_at))
    return tuple(each for each in found if each is not None)


def _percentage(
    clock: Clock, percent: int, target: timedelta, calendar: Calendar
) -> ClockWarning | None:
    used = reached(clock.stretches, share(target, percent), calendar)
    if used is None:
        return None
    falls_at = max(used, clock.levels[-1].at)
    return ClockWarning(percent, falls_at, calendar.next_opening(falls_at))


def share(target: timedelta, percent: int) -> timedelta:
    """`percent` of a target, rounded half up to whole seconds (A5)."""
    seconds = target // timedelta(seconds=1)
    return timedelta(seconds=(2 * seconds * percent + 100) // 200)


def gravest(due: Iterable[ClockWarning]) -> ClockWarning | None:
    """Of several due together the one that is sent (E7)."""
    return max(due, key=lambda each: each.gravity, default=None)


def untold(found: Iterable[ClockWarning], told: Collection[int | None]) -> tuple[ClockWarning, ...]:
    """What may still be told of a clock of which `told` (percentages, None the breach) was.

    Nothing twice, and nothing milder than what was told already: a milder one that fell due
    together with it was told by it, and a moved deadline repeats none (E7).
    """
    heaviest = max((_gravity(each) for each in told), default=-1.0)
    return tuple(each for each in found if each.gravity > heaviest)


def to_tell(
    found: Iterable[ClockWarning],
    told: Collection[int | None],
    calendar: Calendar,
    now: datetime,
) -> ClockWarning | None:
    """What is to be told at `now`, or None (E7).

    A breach is told at any hour; a percentage waits while the desk is closed, also one that
    should have been told while nothing ran.
    """
    open_now = calendar.is_open(now)
    return gravest(
        each
        for each in untold(found, told)
        if each.tell_at <= now and (open_now or each.percent is None)
    )


def next_telling(
    found: Iterable[ClockWarning],
    told: Collection[int | None],
    calendar: Calendar,
    now: datetime,
) -> datetime | None:
    """The earliest instant from `now` on at which something of a clock is to be told (E7)."""
    times = (
        max(each.tell_at, now)
        if each.percent is None
        else calendar.next_opening(max(each.tell_at, now))
        for each in untold(found, told)
    )
    return min(times, default=None)


def _gravity(percent: int | None) -> float:
    return float("inf") if percent is None else float(percent)
