"""The warnings of a clock: due times, times to tell, and the one warning to tell (E7)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.domain.clock import Clock, reached_at
from daemon.domain.opening_hours import Calendar


@dataclass(frozen=True, slots=True)
class ClockWarning:
    """One warning of a clock: `percent` of its target used, or None for the breach."""

    percent: int | None
    falls_at: datetime
    tell_at: datetime  # not before; a percentage is told in opening hours only

    @property
    def gravity(self) -> float:
        """The weight of the warning: the breach above all percentages, the higher the graver."""
        return _gravity(self.percent)


def warnings(clock: Clock, percents: Iterable[int], calendar: Calendar) -> tuple[ClockWarning, ...]:
    """The clock's warnings, by gravity: past its deadline only the breach (E7).

    A clock ended in time has none, and an open pause puts off all the rest. If a new priority
    puts a percentage into the past, its warning falls due at that change.
    """
    if clock.breached_at is not None:
        return (ClockWarning(None, clock.breached_at, clock.breached_at),)
    if not clock.running or clock.target is None:
        return ()
    due = [_percentage(clock, percent, clock.target, calendar) for percent in sorted(percents)]
    if clock.due_at is not None:
        due.append(ClockWarning(None, clock.due_at, clock.due_at))
    return tuple(warning for warning in due if warning is not None)


def _percentage(
    clock: Clock, percent: int, target: timedelta, calendar: Calendar
) -> ClockWarning | None:
    used = reached_at(clock.stretches, part_of(target, percent), calendar)
    if used is None:
        return None
    falls_at = max(used, clock.levels[-1].at)
    return ClockWarning(percent, falls_at, calendar.next_opening(falls_at))


def part_of(target: timedelta, percent: int) -> timedelta:
    """`percent` of a target, rounded half up to whole seconds (A5)."""
    seconds = target // timedelta(seconds=1)
    return timedelta(seconds=(2 * seconds * percent + 100) // 200)


def gravest(due: Iterable[ClockWarning]) -> ClockWarning | None:
    """The one warning to send of several due together (E7)."""
    return max(due, key=lambda warning: warning.gravity, default=None)


def untold(due: Iterable[ClockWarning], told: Collection[int | None]) -> tuple[ClockWarning, ...]:
    """The warnings graver than all told so far (`told`: percentages, or None for the breach).

    A graver warning stands for the milder ones beside it, and a moved deadline repeats none (E7).
    """
    gravest_told = max((_gravity(percent) for percent in told), default=-1.0)
    return tuple(warning for warning in due if warning.gravity > gravest_told)


def warning_to_tell(
    due: Iterable[ClockWarning], told: Collection[int | None], calendar: Calendar, now: datetime
) -> ClockWarning | None:
    """The warning to tell at `now`, or None (E7).

    A breach is told at any hour. A percentage waits for opening hours, however late it is.
    """
    any_percent = calendar.is_open(now)
    ready = (warning for warning in untold(due, told) if warning.tell_at <= now)
    return gravest(warning for warning in ready if any_percent or warning.percent is None)


def next_telling(
    due: Iterable[ClockWarning], told: Collection[int | None], calendar: Calendar, now: datetime
) -> datetime | None:
    """The earliest instant from `now` on with a warning to tell (E7)."""
    ready = ((warning.percent, max(warning.tell_at, now)) for warning in untold(due, told))
    times = (at if percent is None else calendar.next_opening(at) for percent, at in ready)
    return min(times, default=None)


def _gravity(percent: int | None) -> float:
    return float("inf") if percent is None else float(percent)
