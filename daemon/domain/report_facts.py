"""What a report is made of, and which periods a plan promises one for (J3, J4)."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from daemon.domain.agreement import Coverage
from daemon.domain.money import ZERO, Money
from daemon.domain.periods import Period, period_of
from daemon.domain.time_bank import Reckoning


@dataclass(frozen=True, slots=True)
class Window:
    """A period as instants `[start, end)` in the desk's zone (A1).

    A period that still runs ends where it is looked at.
    """

    period: Period
    start: dt.datetime
    end: dt.datetime

    def __contains__(self, at: dt.datetime | None) -> bool:
        return at is not None and self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class ClockFact:
    """One clock as it is stored (E8)."""

    kind: str  # response, follow-up, resolution
    target: int | None  # minutes of opening time
    due_at: dt.datetime | None
    ended_at: dt.datetime | None
    used: int | None  # minutes of opening time, once it has ended
    result: str  # running, met, missed, unanswered
    breached_at: dt.datetime | None

    @property
    def settled_at(self) -> dt.datetime | None:
        """When the promise was kept or broken: it belongs to that period's report, and no other.

        A clock that still runs past its deadline is broken since then (E4).
        """
        return self.breached_at or self.ended_at


@dataclass(frozen=True, slots=True)
class TicketFact:
    """One ticket of the customer, neither spam nor merged into another."""

    number: int
    subject: str
    level: int
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    waiting: bool = False
    clocks: tuple[ClockFact, ...] = ()
    reason: str = ""  # what an engineer noted with [orsak: …]
    said_at: tuple[dt.datetime, ...] = ()  # when anybody wrote on it, in order


@dataclass(frozen=True, slots=True)
class BilledMonth:
    """What a month's statement billed; not settled while it is open or held."""

    month: Period
    settled: bool
    fee: Money = ZERO
    overage: Money = ZERO

    @property
    def net(self) -> Money:
        """Fee and overage together."""
        return self.fee + self.overage


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a report is made of, as it was known when its period ended (H1)."""

    windows: tuple[Window, ...]  # oldest first; the last one is the report's own
    tickets: tuple[TicketFact, ...]
    before: Reckoning  # what was received before the period
    after: Reckoning  # what was received before its end
    titles: Mapping[int, tuple[int, str]]  # a ledger's ticket → number and subject (D7)
    billed: tuple[BilledMonth, ...] = ()


# --- which reports are promised ---------------------------------------------------------------


def promised(
    spans: Sequence[Coverage], term: str, since: dt.date, until: dt.date
) -> tuple[Period, ...]:
    """The periods that ended after `since` and by `until`, and that a plan promised something for.

    `term` is `reports` or `review_meetings` (J3, J4). A version that covers any day of a period
    promises it: where the plan changes inside a quarter, the quarter and the months are both due.
    """
    found = set()
    for span in spans:
        length = getattr(span.version.terms, term)
        period = period_of(length, max(span.start, since)) if length else None
        while period is not None and period.end <= until:
            if period.end > since and period.covered(span.start, span.end):
                found.add(period)
            period = period.following()
    return tuple(sorted(found, key=lambda each: (each.end, each.months)))


# --- tickets that stood still -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standstill:
    """The longest time in the period in which nobody wrote on an open ticket."""

    number: int
    subject: str
    days: int
    waiting: bool  # it waits for the customer now


def stood_still(
    tickets: Iterable[TicketFact], window: Window, days: int = 7
) -> tuple[Standstill, ...]:
    """Tickets on which nobody wrote for so many days that end in the period, the longest first."""
    found = []
    for ticket in tickets:
        silence = _silence(ticket, window)
        if silence >= days:
            found.append(Standstill(ticket.number, ticket.subject, silence, ticket.waiting))
    return tuple(sorted(found, key=lambda each: (-each.days, each.number)))


def _silence(ticket: TicketFact, window: Window) -> int:
    """Days between two things that happened, the later one in the period (or its end)."""
    end = min(ticket.closed_at or window.end, window.end)
    times = sorted({ticket.opened_at, *ticket.said_at, end})
    return max(((b - a).days for a, b in pairwise(times) if window.start < b <= end), default=0)
