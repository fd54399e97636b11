"""The cost of months under the plans, and what the work brought: figures for our eyes (F1, J3)."""

import datetime as dt
from collections.abc import Sequence

from daemon.desk.context import Desk
from daemon.domain import simulation
from daemon.domain.agreement import Version, timeline
from daemon.domain.periods import Period, month_of, months_from
from daemon.domain.register import Customer
from daemon.domain.report_facts import Window
from daemon.domain.simulation import History, Margin, Simulated
from daemon.store.money import ledger, register
from daemon.store.session import Tx

_SIMULATED_MONTHS = 12


def history(tx: Tx, desk: Desk, customer: Customer, before: dt.datetime | None = None) -> History:
    """A customer's whole history, to be billed anew."""
    entries, adjustments = ledger.histories(tx, [customer.id], before)[customer.id]
    return History(
        versions=tuple(register.versions_of(tx, customer.id)),
        entries=tuple(entries),
        adjustments=tuple(adjustments),
        none_terms=desk.none_terms,
    )


def simulate(desk: Desk, past: History, plan: str, months: Sequence[Period]) -> Simulated:
    """Bill months under another plan, by its price list of their first day (F1)."""
    terms = desk.settings.plans[plan].terms_on(months[0].start)
    return simulation.simulate(past, terms, months, overage=desk.settings.accounting.overage)


def every_plan(desk: Desk, past: History, period: Period) -> tuple[Simulated, ...]:
    """The agreement's last twelve months under each plan, cheapest first."""
    months = _months_behind(past.versions, period)
    simulated = [simulate(desk, past, plan, months) for plan in desk.settings.plans if months]
    return tuple(sorted(simulated, key=lambda each: (each.other, each.plan)))


def _months_behind(versions: Sequence[Version], period: Period) -> list[Period]:
    """The months to the period's end, twelve at most, from the first whole one agreed."""
    spans = timeline(versions)
    if not spans:
        return []
    last = month_of(period.last_day)
    first = month_of(spans[0].start)
    if spans[0].start > first.start:
        first = first.following()
    return list(months_from(first, last))[-_SIMULATED_MONTHS:] if first <= last else []


def margin(desk: Desk, past: History, mine: Window, minutes: int) -> Margin:
    """The revenue of a period, for the `minutes` worked in it."""
    months = list(months_from(month_of(mine.period.start), month_of(mine.period.last_day)))
    day = min(mine.period.last_day, desk.calendar.day_of(mine.end))
    version = last_in_force(past.versions, mine.period)
    terms = version.terms if version else desk.none_terms(day)
    due = simulation.revenue(past, months, overage=desk.settings.accounting.overage)
    return Margin(due, minutes, terms.hourly_rate)


def last_in_force(versions: Sequence[Version], period: Period) -> Version | None:
    """The last version in force on any day of a period."""
    spans = [span for span in timeline(versions) if period.covered(span.start, span.end)]
    return spans[-1].version if spans else None
