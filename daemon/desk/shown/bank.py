"""The time bank as commands show it, and finance's adjustments (G1, contract 4)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.hours import balances
from daemon.domain import time_bank
from daemon.domain.agreement import timeline
from daemon.domain.register import Customer
from daemon.domain.time_bank import Balance, Correction, Movement
from daemon.settings.values import adjustment_minutes, line
from daemon.store.money import ledger, register
from daemon.store.session import Tx
from daemon.store.tickets import events, tickets


def shown(
    tx: Tx, desk: Desk, customer: Customer, now: dt.datetime, on: dt.date | None = None
) -> dict[str, Any]:
    """The bank of the period that `now` (or another date) lies in, with its movements.

    `periods` tells every bank period so far: what was granted, used, over it, and has expired.
    """
    today = desk.calendar.day_of(now)
    reckoned = balances.reckoning(tx, desk, customer.id)
    balance = time_bank.balance(reckoned, on or today)
    period = balance.period
    moved = (
        []
        if period is None
        else time_bank.movements(reckoned, period, today, _corrections(tx, customer))
    )
    numbers = tickets.numbers(tx, {each.entry.ticket for each in moved if each.entry})
    language = desk.settings.desk.language
    return {
        "customer": customer.key,
        "period": None if period is None else {"start": period.start, "end": period.end},
        "granted_minutes": balance.granted,
        "used_minutes": balance.used,
        "remaining_minutes": balance.remaining,
        "overage_minutes": balance.overage,
        "expired_minutes": _expired(balance, today),
        "movements": [_movement(each, numbers, language) for each in moved],
        "periods": [
            _period(time_bank.balance_of(reckoned, bank), today)
            for bank in time_bank.banks(reckoned, today + dt.timedelta(days=1))
        ],
    }


def _period(balance: Balance, today: dt.date) -> dict[str, Any]:
    """One bank period in a line; what is left when it has ended has expired (G2)."""
    bank = balance.period
    ended = bank is not None and bank.end <= today
    return {
        "period": None if bank is None else str(bank),
        "granted_minutes": balance.granted,
        "used_minutes": balance.used,
        "remaining_minutes": 0 if ended else balance.remaining,
        "expired_minutes": _expired(balance, today),
        "overage_minutes": balance.overage,
    }


def _expired(balance: Balance, today: dt.date) -> int:
    """What was left when the period ended (G2)."""
    if balance.period is None or balance.period.end > today:
        return 0
    return max(0, balance.remaining)


def _corrections(tx: Tx, customer: Customer) -> list[Correction]:
    return [
        Correction(row.reverses_id, row.worked_on, -row.billable)
        for row in ledger.reversal_rows(tx, customer.id)
        if row.billable < 0
    ]


def _movement(movement: Movement, numbers: Mapping[int, int], language: str) -> dict[str, Any]:
    if movement.entry is not None:  # people know a ticket by its number
        entry = replace(movement.entry, ticket=numbers[movement.entry.ticket])
        movement = replace(movement, entry=entry)
    return {
        "kind": movement.kind,
        "minutes": movement.minutes,
        "overage_minutes": movement.overage,
        "date": movement.date,
        "cause": time_bank.cause(movement, language),
    }


def adjust(
    tx: Tx, customer: Customer, *, minutes: int, day: dt.date, at: dt.datetime, reason: str
) -> None:
    """G1: finance adds to the bank of a date's period, or takes from it, with a reason.

    A ValueError where the date has no bank (such minutes would count nowhere), and for minutes and
    reasons that the register would not take either.
    """
    adjustment_minutes(minutes)
    reason = line(reason)
    spans = timeline(register.versions_of(tx, customer.id))
    if time_bank.bank_to_adjust(spans, day) is None:
        raise ValueError(f"{customer.key} has no time bank on {day}: choose a day with --on")
    row = ledger.adjust(tx, customer.id, minutes=minutes, day=day, at=at, reason=reason)
    data = {"minutes": minutes, "reason": reason, "ledger": row}
    adjusted = events.Event("bank-adjusted", at, "command", "command bank", customer.id, data=data)
    events.record(tx, adjusted)
