"""The cost of past months for a customer under another plan (G, H)."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from daemon.domain import time_bank
from daemon.domain.agreement import Terms, Version
from daemon.domain.billing import run_months
from daemon.domain.money import Money, total
from daemon.domain.periods import Period
from daemon.domain.time_bank import Adjustment, Entry

NoneTerms = Callable[[dt.date], Terms]


@dataclass(frozen=True, slots=True)
class History:
    """A customer's agreements, work and adjustments, as known now."""

    versions: tuple[Version, ...]
    entries: tuple[Entry, ...]
    adjustments: tuple[Adjustment, ...]
    none_terms: NoneTerms


@dataclass(frozen=True, slots=True)
class Simulated:
    """Months in a row, each with its cost under the agreement and under the other plan."""

    plan: str
    months: tuple[tuple[Period, Money, Money], ...]  # month, cost as agreed, cost otherwise

    @property
    def current(self) -> Money:
        """The cost of all months as agreed."""
        return total(agreed for _, agreed, _ in self.months)

    @property
    def other(self) -> Money:
        """The cost of all months under the other plan."""
        return total(other for _, _, other in self.months)

    @property
    def difference(self) -> Money:
        """The added cost of the other plan; below zero if it is cheaper."""
        return self.other - self.current


@dataclass(frozen=True, slots=True)
class Margin:
    """The hours spent on a customer against their revenue, for our eyes only."""

    revenue: Money  # fee and overage, as due
    minutes: int  # worked, `ej deb` included
    rate: Money  # of the agreement, by the hour

    @property
    def per_hour(self) -> Money | None:
        """The revenue of an hour worked; None without work."""
        if not self.minutes:
            return None
        return Money.of(Fraction(self.revenue.kronor) * 60 / self.minutes)

    @property
    def worth(self) -> Money:
        """The price of the same hours at the agreement's hourly rate."""
        return Money.of(Fraction(self.rate.kronor) * self.minutes / 60)

    @property
    def surplus(self) -> Money:
        """The revenue beyond the price of those hours; below zero if the agreement cost us."""
        return self.revenue - self.worth


def revenue(history: History, months: Sequence[Period], *, overage: str = "monthly") -> Money:
    """The amount of months as agreed, billed or not."""
    return total(_nets(history, months, overage)) if months else Money(0)


def simulate(
    history: History, terms: Terms, months: Sequence[Period], *, overage: str = "monthly"
) -> Simulated:
    """Bill months anew: as agreed, and under an agreement with these terms from the first month.

    The work is the same, rounded to the other plan's increment (G5); the other bank is granted
    from the first month, in proportion (G3). Terms of the plan `none` are no agreement (F3).
    """
    agreed = _nets(history, months, overage)
    other = _nets(_under(history, terms, months[0].start), months, overage)
    return Simulated(terms.plan, tuple(zip(months, agreed, other, strict=True)))


def _under(history: History, terms: Terms, start: dt.date) -> History:
    """The same work under one agreement with these terms, without finance's adjustments."""
    version = Version(1, "", start, None, renews=True, terms=terms)
    return History(
        versions=() if terms.plan == "none" else (version,),
        entries=tuple(_rounded(entry, terms.increment) for entry in history.entries),
        adjustments=(),
        none_terms=history.none_terms,
    )


def _rounded(entry: Entry, increment: int) -> Entry:
    billable = time_bank.billable(entry.actual, increment) if entry.counts else 0
    return replace(entry, billable=billable, increment=increment)


def _nets(history: History, months: Sequence[Period], overage: str) -> Iterable[Money]:
    reckoned = time_bank.reckon(
        history.versions, history.entries, history.adjustments, history.none_terms
    )
    drafts = run_months(months, history.versions, reckoned, overage=overage)
    return [draft.net for draft in drafts]
