"""Telling a customer's contacts and its account manager that the time bank runs out (G6)."""

import datetime as dt
from collections.abc import Iterable

from daemon.desk.context import Desk
from daemon.desk.hours import balances
from daemon.desk.letters.to_customers import BankLow
from daemon.desk.outgoing.mailing import Post, people, post
from daemon.domain import time_bank
from daemon.domain.agreement import span_on
from daemon.domain.periods import period_of
from daemon.domain.register import Customer
from daemon.domain.time_bank import Balance, Reckoning
from daemon.store import rows
from daemon.store.money import ledger, register
from daemon.store.session import Tx
from daemon.store.tickets import events

_FACT = "bank-notices"  # the newest link of the ledger's chain at the last look


def tell_of_low_banks(desk: Desk, now: dt.datetime) -> bool:
    """Look at every customer with new ledger rows; True where there were any.

    A customer is told of the bank period around `now`, once for each threshold; of thresholds
    passed together, only the highest is told.
    """
    with desk.store.reading() as tx:
        if not ledger.sealed_since(tx, _seen(tx)):
            return False
    with desk.store.writing() as tx:
        changed = ledger.sealed_since(tx, _seen(tx))
        for customer_id in sorted({each for _, each in changed if each is not None}):
            _look(tx, desk, register.customer(tx, customer_id), now)
        if changed:
            rows.keep_fact(tx, _FACT, str(changed[-1][0]))
    return bool(changed)


def _seen(tx: Tx) -> int:
    return int(rows.fact(tx, _FACT) or 0)


def _look(tx: Tx, desk: Desk, customer: Customer, now: dt.datetime) -> None:
    day = desk.calendar.day_of(now)
    reckoned = balances.reckoning(tx, desk, customer.id, within=period_of("year", day))
    state = time_bank.balance(reckoned, day)
    percent = reached(state, desk.settings.bank.warn_at)
    fact = f"bank:{customer.id}:{state.period}"
    if not customer.active or percent <= int(rows.fact(tx, fact) or 0):
        return
    rows.keep_fact(tx, fact, str(percent))
    _mail(tx, desk, customer, _letter(desk, customer, reckoned, percent, day), now)
    data = {"period": str(state.period), "percent": percent}
    told = events.Event("bank-told", now, cause="ledger", customer_id=customer.id, data=data)
    events.record(tx, told)


def reached(state: Balance, thresholds: Iterable[int]) -> int:
    """The highest threshold passed by the use of a bank, in per cent; 0 below all of them."""
    if state.period is None or state.granted <= 0:
        return 0
    return max(time_bank.thresholds_crossed(0, state.used, state.granted, thresholds), default=0)


def _letter(
    desk: Desk, customer: Customer, reckoned: Reckoning, percent: int, day: dt.date
) -> BankLow:
    state, span = time_bank.balance(reckoned, day), span_on(reckoned.spans, day)
    return BankLow(
        desk_name=desk.settings.desk.name,
        customer=customer.name,
        percent=percent,
        bank_period=str(state.period),
        granted=state.granted,
        used=state.used,
        runs_out=time_bank.runs_out_on(reckoned, day) if state.remaining > 0 else None,
        rate=span.version.terms.hourly_rate if span else None,
    )


def _mail(tx: Tx, desk: Desk, customer: Customer, letter: BankLow, now: dt.datetime) -> None:
    key = f"bank:{customer.id}:{letter.bank_period}:{letter.percent}"
    readers = people((*register.contacts_of(tx, customer.id), *customer.managers))
    about = f"customer:{customer.id}"
    post(
        tx, desk, letter, Post(key, "bank-low", readers, customer.language or "", about=about), now
    )
