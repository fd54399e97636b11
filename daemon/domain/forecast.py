"""The expected use of a time bank if work goes on at the same pace (J3)."""

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from daemon.domain.agreement import span_on
from daemon.domain.money import half_up
from daemon.domain.periods import Period, period_of
from daemon.domain.report_facts import Facts
from daemon.domain.time_bank import Reckoning, bank_on, grants_of, runs_out_on


@dataclass(frozen=True, slots=True)
class Forecast:
    """The expected use of a bank period if work goes on at the same pace."""

    bank: Period
    expected: int  # billable minutes in the whole bank period, roughly
    granted: int
    runs_out: dt.date | None  # of a bank that runs now and is not empty

    @property
    def overage(self) -> int:
        """The expected minutes beyond the bank."""
        return max(0, self.expected - self.granted)


def forecast(facts: Facts) -> Forecast | None:
    """The forecast for the bank that goes on after the report's period, else for the next one.

    A running bank is expected to be used as on its own days so far, the next one as on the
    agreement's days of all periods in the trend. None if no bank follows.
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
    """An estimate in minutes: above one hour in whole hours, for it knows no better."""
    return int(half_up(minutes / 60)) * 60 if minutes > 60 else int(half_up(minutes))


def _of_next(facts: Facts, day: dt.date) -> Forecast | None:
    span = span_on(facts.after.spans, day)
    length = span.version.terms.bank_period if span else None
    if span is None or length is None:
        return None
    bank = period_of(length, day)
    start, end = facts.windows[0].period.start, facts.windows[-1].period.end
    spans = ((max(span.start, start), min(span.end or end, end)) for span in facts.after.spans)
    covered = sum(max(0, (last - first).days) for first, last in spans)
    used = sum(
        draw.from_bank + draw.overage
        for draw in facts.after.draws
        if start <= draw.entry.worked_on < end
    )
    if not covered:
        return None
    expected = _about(Fraction(used * bank.days, covered))
    return Forecast(bank, expected, facts.after.granted(bank), None)
