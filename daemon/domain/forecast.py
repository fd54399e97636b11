"""What is to be expected of a time bank if use goes on as it did (J3)."""

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from daemon.domain.agreement import span_on
from daemon.domain.money import half_up
from daemon.domain.periods import Period, period_of
from daemon.domain.report_facts import Facts
from daemon.domain.time_bank import Reckoning, bank_on, grants_of
from daemon.domain.time_bank import forecast as runs_out_on


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected of a bank period if use goes on as it did."""

    bank: Period
    expected: int  # billable minutes in the whole bank period, about
    granted: int
    runs_out: dt.date | None  # of a bank that runs now, and has something left

    @property
    def overage(self) -> int:
        """What the bank is not expected to cover."""
        return max(0, self.expected - self.granted)


def forecast(facts: Facts) -> Forecast | None:
    """The bank that runs on after the period; where that ended with it, the next one.

    Expected use is that of the agreement's days among the trend's, in proportion; for a bank that
    runs, that of its own days so far. None where no bank follows.
    """
    window = facts.windows[-1]
    last_day = min(window.end.date(), window.period.last_day)
    bank = bank_on(facts.after.spans, last_day)
    if bank is not None and bank.end > window.period.end:
        return _of_running(facts.after, bank, last_day)
    return _of_next(facts, window.period.end)


def _of_running(reckoning: Reckoning, bank: Period, day: dt.date) -> Forecast:
    used = sum(
        draw.from_bank + draw.overage
        for draw in reckoning.draws
        if draw.bank == bank and draw.entry.worked_on <= day
    )
    first = min((grant.date for grant in grants_of(reckoning.spans, bank)), default=bank.start)
    gone = (day - first).days + 1
    expected = max(used, _about(Fraction(used * (bank.end - first).days, gone)))
    runs_out = runs_out_on(reckoning, day)
    return Forecast(bank, expected, reckoning.granted(bank), runs_out if runs_out != day else None)


def _about(minutes: Fraction) -> int:
    """A guess pretends to no more than whole hours, once it is above one."""
    return int(half_up(minutes / 60)) * 60 if minutes > 60 else int(half_up(minutes))


def _of_next(facts: Facts, day: dt.date) -> Forecast | None:
    span = span_on(facts.after.spans, day)
    length = span.version.terms.bank_period if span else None
    if span is None or length is None:
        return None
    bank = period_of(length, day)
    start, end = facts.windows[0].period.start, facts.windows[-1].period.end
    covered = sum(
        max(0, (min(each.end or end, end) - max(each.start, start)).days)
        for each in facts.after.spans
    )
    used = sum(
        draw.from_bank + draw.overage
        for draw in facts.after.draws
        if start <= draw.entry.worked_on < end
    )
    if not covered:
        return None
    expected = _about(Fraction(used * bank.days, covered))
    return Forecast(bank, expected, facts.after.granted(bank), None)
