"""Gathering what a report is made of: tickets, clocks, the ledger, statements (J3)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.hours import balances
from daemon.desk.month import statement_facts
from daemon.domain import simulation
from daemon.domain.agreement import Version, timeline
from daemon.domain.money import ZERO, total
from daemon.domain.periods import Period, month_of, months_from
from daemon.domain.register import Customer
from daemon.domain.report_facts import BilledMonth, ClockFact, Facts, TicketFact, Window
from daemon.domain.simulation import History, Margin, Simulated
from daemon.domain.ticket import Status
from daemon.store.money import ledger, register, statements
from daemon.store.session import Tx
from daemon.store.tickets import reports

_TREND = 4  # periods
_SIMULATED_MONTHS = 12


def window(desk: Desk, period: Period, now: dt.datetime) -> Window:
    """A period as instants; one that runs ends now."""
    start, end = (desk.calendar.midnight(day) for day in (period.start, period.end))
    return Window(period, start, min(end, now.astimezone(desk.zone) + dt.timedelta(seconds=1)))


def gather(tx: Tx, desk: Desk, customer: Customer, period: Period, now: dt.datetime) -> Facts:
    """Everything that a customer's report of a period is made of, as its end knew it (H1)."""
    periods = [period]
    while len(periods) < _TREND:
        periods.insert(0, periods[0].preceding())
    windows = tuple(window(desk, each, now) for each in periods)
    mine = windows[-1]
    after = balances.reckoning(tx, desk, customer.id, mine.end)
    return Facts(
        windows=windows,
        tickets=_tickets(tx, customer, windows[0].start, mine.end),
        before=balances.reckoning(tx, desk, customer.id, mine.start),
        after=after,
        titles=reports.titles(tx, {draw.entry.ticket for draw in after.draws}),
        billed=_billed(tx, desk, customer, mine),
    )


# --- tickets ----------------------------------------------------------------------------------


def _tickets(
    tx: Tx, customer: Customer, since: dt.datetime, until: dt.datetime
) -> tuple[TicketFact, ...]:
    stored: dict[int, list[Any]] = {}
    for row in reports.clocks_of(tx, customer.id, since):
        stored.setdefault(row.ticket_id, []).append(row)
    reasons = {
        row.ticket_id: (row.data or {}).get("text", "")
        for row in reports.noted(tx, customer.id, "reason", since)
    }
    said = reports.said_times(tx, customer.id, since)
    return tuple(
        TicketFact(
            number=row.number,
            subject=row.subject,
            level=row.priority,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            waiting=row.status == Status.WAITING,
            clocks=tuple(_clock(each, until) for each in stored.get(row.id, ())),
            reason=reasons.get(row.id, ""),
            said_at=tuple(said.get(row.id, ())),
        )
        for row in reports.tickets_since(tx, customer.id, since)
    )


def _clock(row: Any, until: dt.datetime) -> ClockFact:
    """A clock as stored; one that ran past its deadline is broken, told or not (E4)."""
    broken = row.breached_at
    if broken is None and row.result == "running" and row.due_at and row.due_at < until:
        broken = row.due_at
    return ClockFact(
        kind=row.kind,
        target=row.target_minutes,
        due_at=row.due_at,
        ended_at=row.ended_at,
        used=row.used_minutes,
        result=row.result,
        breached_at=broken,
    )


# --- money ------------------------------------------------------------------------------------


def _billed(tx: Tx, desk: Desk, customer: Customer, mine: Window) -> tuple[BilledMonth, ...]:
    """The statements of the period's months, from the first that is ever billed (H1)."""
    first = statement_facts.first_month_of(tx, desk, customer)
    frozen = {each.month: each for each in statements.listing(tx, customer_id=customer.id)}
    found = []
    for month in months_from(month_of(mine.period.start), month_of(mine.period.last_day)):
        each = frozen.get(str(month))
        if first is None or month < first or desk.calendar.midnight(month.start) >= mine.end:
            continue
        if each is None:
            found.append(BilledMonth(month, settled=False))
            continue
        rows = [row for row in statements.rows_of(tx, each.id) if row.amount is not None]
        fee = total(row.amount or ZERO for row in rows if row.kind == "fee")
        found.append(BilledMonth(month, settled=True, fee=fee, overage=each.net - fee))
    return tuple(found)


# --- for our eyes -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Promise:
    """What an engineer promised a customer with [löfte: …]."""

    number: int
    subject: str
    day: dt.date
    by: str
    text: str


def promises(tx: Tx, desk: Desk, customer: Customer, mine: Window) -> tuple[Promise, ...]:
    """What was promised in the period, and before it on tickets that are still open."""
    lived = {
        row.id: row
        for row in reports.tickets_since(tx, customer.id, mine.start)
        if row.opened_at < mine.end
    }
    return tuple(
        Promise(
            number=lived[row.ticket_id].number,
            subject=lived[row.ticket_id].subject,
            day=desk.calendar.day_of(row.at),
            by=row.actor,
            text=str((row.data or {}).get("text", "")),
        )
        for row in reports.noted(tx, customer.id, "promise", mine.start)
        if row.ticket_id in lived and row.at < mine.end
    )


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
    """What months would have cost under another plan, by its price list of their first day (F1)."""
    terms = desk.settings.plans[plan].terms_on(months[0].start)
    return simulation.simulate(past, terms, months, overage=desk.settings.accounting.overage)


def every_plan(tx: Tx, desk: Desk, customer: Customer, mine: Window) -> tuple[Simulated, ...]:
    """What the agreement's last twelve months would have cost under each plan, cheapest first."""
    past = history(tx, desk, customer, mine.end)
    months = months_behind(past.versions, mine.period)
    if not months:
        return ()
    found = [simulate(desk, past, plan, months) for plan in desk.settings.plans]
    return tuple(sorted(found, key=lambda each: (each.other, each.plan)))


def months_behind(versions: Sequence[Version], period: Period) -> list[Period]:
    """The months to the period's end, twelve at most, from the first whole one agreed."""
    spans = timeline(versions)
    if not spans:
        return []
    last = month_of(period.last_day)
    first = month_of(spans[0].start)
    if spans[0].start > first.start:
        first = first.following()
    return list(months_from(first, last))[-_SIMULATED_MONTHS:] if first <= last else []


def margin(tx: Tx, desk: Desk, customer: Customer, mine: Window, minutes: int) -> Margin:
    """What the period's work brought; `minutes` is what was worked in it."""
    past = history(tx, desk, customer, mine.end)
    months = list(months_from(month_of(mine.period.start), month_of(mine.period.last_day)))
    day = min(mine.period.last_day, desk.calendar.day_of(mine.end))
    version = last_in_force(past.versions, mine.period)
    terms = version.terms if version else desk.none_terms(day)
    due = simulation.revenue(past, months, overage=desk.settings.accounting.overage)
    return Margin(due, minutes, terms.hourly_rate)


def last_in_force(versions: Sequence[Version], period: Period) -> Version | None:
    """The last version that covered any day of a period."""
    spans = [span for span in timeline(versions) if period.covered(span.start, span.end)]
    return spans[-1].version if spans else None
