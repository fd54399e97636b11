"""The time bank as commands show it, and finance's adjustments (G1, contract 4)."""

import datetime as dt
from typing import Any

from daemon.desk import worklog
from daemon.desk.context import Desk
from daemon.domain import time_bank
from daemon.domain.register import Customer
from daemon.domain.time_bank import Correction, Movement
from daemon.store import events, ledger
from daemon.store.session import Tx


def shown(tx: Tx, desk: Desk, customer: Customer, now: dt.datetime) -> dict[str, Any]:
    """The bank of the period that `now` lies in, with its movements."""
    day = desk.calendar.day_of(now)
    reckoned = worklog.reckoning(tx, desk, customer.id)
    balance = time_bank.balance(reckoned, day)
    period = balance.period
    moved = (
        []
        if period is None
        else time_bank.movements(reckoned, period, day, _corrections(tx, customer))
    )
    return {
        "customer": customer.key,
        "period": None if period is None else {"start": period.start, "end": period.end},
        "granted_minutes": balance.granted,
        "used_minutes": balance.used,
        "remaining_minutes": balance.remaining,
        "overage_minutes": balance.overage,
        "movements": [_movement(each) for each in moved],
    }


def _corrections(tx: Tx, customer: Customer) -> list[Correction]:
    return [
        Correction(row.reverses_id, row.worked_on, -row.billable)
        for row in ledger.reversal_rows(tx, customer.id)
        if row.billable < 0
    ]


def _movement(movement: Movement) -> dict[str, Any]:
    return {
        "kind": movement.kind,
        "minutes": movement.minutes,
        "overage_minutes": movement.overage,
        "date": movement.date,
        "cause": cause(movement),
    }


def cause(movement: Movement) -> str:
    """What made a movement, in words (G1)."""
    if movement.grant is not None:
        grant = movement.grant
        return f"{grant.plan_name} {grant.bank}: {grant.days}/{grant.bank.days}"
    if movement.entry is not None:
        return f"entry {movement.entry.id}"
    if movement.adjustment is not None:
        return movement.adjustment.reason
    return movement.kind


def adjust(
    tx: Tx, customer: Customer, *, minutes: int, day: dt.date, at: dt.datetime, reason: str
) -> None:
    """G1: finance adds to the bank of a date's period, or takes from it, with a reason."""
    row = ledger.adjust(tx, customer.id, minutes=minutes, day=day, at=at, reason=reason)
    events.record(
        tx, at=at, kind="bank-adjusted", actor="command", cause="command bank",
        customer_id=customer.id, data={"minutes": minutes, "reason": reason, "ledger": row},
    )  # fmt: skip
