"""A slot for a review meeting: a working day in the two weeks after the period (J4)."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from daemon.domain.opening_hours import Calendar
from daemon.domain.periods import Period

LENGTH = dt.timedelta(hours=1)
WINDOW = dt.timedelta(days=14)
_DAY = dt.timedelta(days=1)
_LOOK_AHEAD = 150  # days: a calendar opens at least once in 60 (A3)
NOTICE_DAYS = 3  # working days between the invitation and the meeting
# People meet at ten and at two before they meet at one, three or nine.
TIMES = (dt.time(10), dt.time(14), dt.time(13), dt.time(15), dt.time(9), dt.time(11))

Slot = tuple[dt.datetime, dt.datetime]


def propose_slot(
    period: Period, now: dt.datetime, calendar: Calendar, taken: Sequence[Slot]
) -> Slot | None:
    """The first fitting hour, at a good time of day if there is one; None if all are taken.

    It lies wholly inside opening hours, at least three working days from now, within fourteen days
    after the period (if those have passed: after now), and beside the manager's other meetings. A
    day without other meetings goes before a busy one.
    """
    days = _days(period, now, calendar)
    busy = {calendar.day_of(start) for start, _ in taken}
    for day in sorted(days, key=lambda other: (other in busy, other)):
        for slot in _slots(day, calendar):
            if is_free(slot, taken):
                return slot
    return None


def is_free(slot: Slot, taken: Iterable[Slot]) -> bool:
    """True for a slot without overlap; one meeting may begin as another ends."""
    return all(slot[1] <= start or end <= slot[0] for start, end in taken)


def _days(period: Period, now: dt.datetime, calendar: Calendar) -> list[dt.date]:
    """The working days with time enough to answer, in order."""
    first = max(period.end, calendar.day_of(now) + _DAY)
    ahead = (first + n * _DAY for n in range(_LOOK_AHEAD))
    days = [day for day in ahead if calendar.opening_on(day)][NOTICE_DAYS - 1 :]
    last = period.end + WINDOW
    if days and days[0] >= last:
        last = days[0] + WINDOW
    return [day for day in days if day < last]


def _slots(day: dt.date, calendar: Calendar) -> Iterator[Slot]:
    """The hours wholly inside the day's opening: at the good times, then at any half hour."""
    opening = calendar.opening_on(day)
    if opening is None:
        return
    starts = [dt.datetime.combine(day, time, calendar.zone).astimezone(dt.UTC) for time in TIMES]
    opened, closes = opening
    starts += [opened + n * LENGTH / 2 for n in range(int((closes - opened) / LENGTH) * 2)]
    for start in starts:
        if opened <= start and start + LENGTH <= closes:
            yield start, start + LENGTH
