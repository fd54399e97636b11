"""Gathering the facts of a report: tickets, clocks, the ledger, statements (J3)."""

import datetime as dt
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.hours import balances
from daemon.desk.month import statement_facts
from daemon.domain.money import ZERO, total
from daemon.domain.periods import Period, month_of, months_from
from daemon.domain.register import Customer
from daemon.domain.report_facts import BilledMonth, ClockFact, Facts, TicketFact, Window
from daemon.domain.ticket import Status
from daemon.store.money import statements
from daemon.store.session import Tx
from daemon.store.tickets import reports

_TREND = 4  # periods


def _window(desk: Desk, period: Period, now: dt.datetime) -> Window:
    """A period as instants; a running one ends now."""
    start, end = (desk.calendar.midnight(day) for day in (period.start, period.end))
    return Window(period, start, min(end, now.astimezone(desk.zone) + dt.timedelta(seconds=1)))


def gather_facts(tx: Tx, desk: Desk, customer: Customer, period: Period, now: dt.datetime) -> Facts:
    """All facts for a customer's report of a period, as known at its end (H1)."""
    periods = [period]
    while len(periods) < _TREND:
        periods.insert(0, periods[0].preceding())
    windows = tuple(_window(desk, each, now) for each in periods)
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
    """A clock as stored; past its deadline it is broken, told or not (E4)."""
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
    """The statements of the period's months, from the first billed one (H1)."""
    first = statement_facts.first_month_of(tx, desk, customer)
    frozen = {each.month: each for each in statements.listing(tx, customer_id=customer.id)}
    billed = []
    for month in months_from(month_of(mine.period.start), month_of(mine.period.last_day)):
        statement = frozen.get(str(month))
        if first is None or month < first or desk.calendar.midnight(month.start) >= mine.end:
            continue
        if statement is None:
            billed.append(BilledMonth(month, settled=False))
            continue
        rows = statements.rows_of(tx, statement.id)
        fee = total(row.amount or ZERO for row in rows if row.kind == "fee")
        billed.append(BilledMonth(month, settled=True, fee=fee, overage=statement.net - fee))
    return tuple(billed)
