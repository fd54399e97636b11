"""The facts of a report, and the periods for which a plan promises one (J3, J4)."""

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

    A running period ends at the time of the report.
    """

    period: Period
    start: dt.datetime
    end: dt.datetime

    def __contains__(self, at: dt.datetime | None) -> bool:
        return at is not None and self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class ClockFact:
    """One clock as stored (E8)."""

    kind: str  # response, follow-up, resolution
    target: int | None  # minutes of opening time
    due_at: dt.datetime | None
    ended_at: dt.datetime | None
    used: int | None  # minutes of opening time, once it has ended
    result: str  # running, met, missed, unanswered
    breached_at: dt.datetime | None

    @property
    def settled_at(self) -> dt.datetime | None:
        """The time the promise was kept or broken: only that period's report counts it.

        A clock running past its deadline is broken from the deadline on (E4).
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
    reason: str = ""  # an engineer's note, from [orsak: …]
    said_at: tuple[dt.datetime, ...] = ()  # the times of its messages, in order


@dataclass(frozen=True, slots=True)
class BilledMonth:
    """The net of a month's statement; not settled while the month is open or held."""

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
    """All facts of a report, as known at the end of its period (H1)."""

    windows: tuple[Window, ...]  # oldest first; the last one is the report's own
    tickets: tuple[TicketFact, ...]
    before: Reckoning  # of the work received before the period
    after: Reckoning  # of the work received before its end
    titles: Mapping[int, tuple[int, str]]  # a ledger's ticket → number and subject (D7)
    billed: tuple[BilledMonth, ...] = ()


# --- promised reports -------------------------------------------------------------------------


def promised_periods(
    spans: Sequence[Coverage], term: str, since: dt.date, until: dt.date
) -> tuple[Period, ...]:
    """The periods with a promised report or meeting, ended after `since` and by `until`.

    `term` is `reports` or `review_meetings` (J3, J4). One covered day is enough: after a change of
    plan inside a quarter both the quarter and its months are due.
    """
    periods = set()
    for span in spans:
        length = getattr(span.version.terms, term)
        period = period_of(length, max(span.start, since)) if length else None
        while period is not None and period.end <= until:
            if period.end > since and period.covered(span.start, span.end):
                periods.add(period)
            period = period.following()
    return tuple(sorted(periods, key=lambda period: (period.end, period.months)))


# --- silent tickets ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standstill:
    """The longest silence on an open ticket in the period."""

    number: int
    subject: str
    days: int
    waiting: bool  # it waits for the customer now


def standstills(
    tickets: Iterable[TicketFact], window: Window, days: int = 7
) -> tuple[Standstill, ...]:
    """The tickets silent for some days up to a day of the period, the longest first."""
    silent = []
    for ticket in tickets:
        silence = _silence(ticket, window)
        if silence >= days:
            silent.append(Standstill(ticket.number, ticket.subject, silence, ticket.waiting))
    return tuple(sorted(silent, key=lambda ticket: (-ticket.days, ticket.number)))


def _silence(ticket: TicketFact, window: Window) -> int:
    """The most days between two messages, the later in the period (or its end)."""
    end = min(ticket.closed_at or window.end, window.end)
    times = sorted({ticket.opened_at, *ticket.said_at, end})
    return max(((b - a).days for a, b in pairwise(times) if window.start < b <= end), default=0)
