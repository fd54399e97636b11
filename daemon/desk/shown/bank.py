"""A customer's time bank and its ledger, and finance's adjustments of it (G1, contract 4)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from daemon.desk.context import Desk
from daemon.desk.hours import balances
from daemon.desk.shown import asked
from daemon.domain import time_bank
from daemon.domain.agreement import timeline
from daemon.domain.refusal import RefusedError
from daemon.domain.register import Customer
from daemon.domain.time_bank import Balance, Correction
from daemon.settings.values import adjustment_minutes, line
from daemon.store.money import ledger, register
from daemon.store.session import Tx
from daemon.store.tickets import events, tickets
from daemon.store.tickets.events import Event


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a bank period; `end` is the day after."""

    start: dt.date
    end: dt.date


@dataclass(frozen=True, slots=True)
class Movement:
    """Minutes into a bank or out of it."""

    kind: str
    minutes: int
    overage_minutes: int
    date: dt.date
    cause: str


@dataclass(frozen=True, slots=True)
class BankPeriod:
    """One bank period in figures."""

    period: str | None  # None: use without a bank
    granted_minutes: int
    used_minutes: int
    remaining_minutes: int
    expired_minutes: int
    overage_minutes: int


@dataclass(frozen=True, slots=True)
class Bank:
    """The bank of one period with its movements, and every bank period so far."""

    customer: str
    period: Span | None
    granted_minutes: int
    used_minutes: int
    remaining_minutes: int
    overage_minutes: int
    expired_minutes: int
    movements: Sequence[Movement]
    periods: Sequence[BankPeriod]


def bank_of(desk: Desk, key: str, now: dt.datetime, on: dt.date | None = None) -> Bank:
    """The bank of a customer in the period of `now`, or of another date."""
    today = desk.calendar.day_of(now)
    with desk.store.reading() as tx:
        customer = asked.customer(tx, desk, key)
        reckoned = balances.reckoning(tx, desk, customer.id)
        balance = time_bank.balance(reckoned, on or today)
        moved = _movements(tx, customer, reckoned, balance, today)
        numbers = tickets.numbers(tx, {each.entry.ticket for each in moved if each.entry})
    banks = time_bank.banks(reckoned, today + dt.timedelta(days=1))
    return Bank(
        customer=customer.key,
        period=Span(balance.period.start, balance.period.end) if balance.period else None,
        granted_minutes=balance.granted,
        used_minutes=balance.used,
        remaining_minutes=balance.remaining,
        overage_minutes=balance.overage,
        expired_minutes=_expired(balance, today),
        movements=[_movement(each, numbers, desk.settings.desk.language) for each in moved],
        periods=[_period(time_bank.balance_of(reckoned, bank), today) for bank in banks],
    )


def _period(balance: Balance, today: dt.date) -> BankPeriod:
    """One bank period; the rest of an ended one has expired (G2)."""
    bank = balance.period
    ended = bank is not None and bank.end <= today
    return BankPeriod(
        period=None if bank is None else str(bank),
        granted_minutes=balance.granted,
        used_minutes=balance.used,
        remaining_minutes=0 if ended else balance.remaining,
        expired_minutes=_expired(balance, today),
        overage_minutes=balance.overage,
    )


def _expired(balance: Balance, today: dt.date) -> int:
    """The rest of a bank at the end of its period (G2)."""
    if balance.period is None or balance.period.end > today:
        return 0
    return max(0, balance.remaining)


def _movements(
    tx: Tx, customer: Customer, reckoned: time_bank.Reckoning, balance: Balance, today: dt.date
) -> list[time_bank.Movement]:
    if balance.period is None:
        return []
    corrections = [
        Correction(row.reverses_id, row.worked_on, -row.billable)
        for row in ledger.reversal_rows(tx, customer.id)
        if row.billable < 0
    ]
    return list(time_bank.movements(reckoned, balance.period, today, corrections))


def _movement(moved: time_bank.Movement, numbers: Mapping[int, int], language: str) -> Movement:
    if moved.entry is not None:  # people know a ticket by its number
        moved = replace(moved, entry=replace(moved.entry, ticket=numbers[moved.entry.ticket]))
    cause = time_bank.movement_cause(moved, language)
    return Movement(moved.kind, moved.minutes, moved.overage, moved.date, cause)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Minutes into the bank of a day's period, or out of it."""

    minutes: int
    reason: str
    day: dt.date


def adjust(desk: Desk, key: str, asked_for: Adjustment, now: dt.datetime) -> None:
    """G1: book an adjustment, sealed in the ledger.

    Refuses a day without a bank, for its minutes would count nowhere, and refuses the same
    minutes and reasons as the register.
    """
    with desk.store.acting() as tx:
        customer = asked.customer(tx, desk, key)
        try:
            minutes, reason = adjustment_minutes(asked_for.minutes), line(asked_for.reason)
        except ValueError as error:
            raise RefusedError(str(error)) from error
        day = asked_for.day
        if time_bank.bank_to_adjust(timeline(register.versions_of(tx, customer.id)), day) is None:
            raise RefusedError(f"{key} has no time bank on {day}: choose a day with --on")
        row = ledger.adjust(tx, customer.id, minutes=minutes, day=day, at=now, reason=reason)
        data = {"minutes": minutes, "reason": reason, "ledger": row}
        booked = Event("bank-adjusted", now, "command", "command bank", customer.id, data=data)
        events.record(tx, booked)
