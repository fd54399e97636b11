"""The balance of a customer's time bank, reckoned from ledger and register (G2–G4)."""

import datetime as dt
from dataclasses import dataclass

from daemon.desk.context import Desk
from daemon.desk.letters.to_engineers import Booked
from daemon.domain import time_bank
from daemon.domain.periods import Period, period_of
from daemon.store.memo import of_register, once
from daemon.store.money import chain, ledger, register
from daemon.store.session import Tx
from daemon.store.tickets import tickets


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank as a receipt shows it (C14)."""

    period: Period | None
    left: int
    overage: int


Drawn = tuple[int | None, dt.date, int]  # customer, worked date, minutes out of the bank


def reckoning(
    tx: Tx,
    desk: Desk,
    customer_id: int,
    before: dt.datetime | None = None,
    within: Period | None = None,
) -> time_bank.Reckoning:
    """A customer's history, reckoned (G4): as seen before an instant, the whole or of one period.

    Banks do not touch each other: a period of whole bank periods reckons alike by itself.
    """
    versions = register.versions_of(tx, customer_id)
    entries, adjustments = ledger.histories(tx, [customer_id], before, within)[customer_id]
    return time_bank.reckon(versions, entries, adjustments, desk.none_terms)


def bank(tx: Tx, desk: Desk, customer_id: int | None, day: dt.date) -> Bank:
    """The present balance of a date's bank; nothing for a ticket without customer.

    It is reckoned anew after a change of ledger or register.
    """
    if customer_id is None:
        return Bank(None, 0, 0)
    last = once(tx, "ledger", "head", lambda: chain.head(tx))
    key = ("bank", last, customer_id, day)
    return of_register(tx, key, lambda: _bank(tx, desk, customer_id, day))


def _bank(tx: Tx, desk: Desk, customer_id: int, day: dt.date) -> Bank:
    year = period_of("year", day)  # no bank period crosses it, and work before it costs nothing
    entries, adjustments = ledger.history(tx, customer_id, year)
    versions = register.versions_of(tx, customer_id)
    reckoned = time_bank.reckon(versions, entries, adjustments, desk.none_terms)
    left = time_bank.balance(reckoned, day)
    return Bank(left.period, left.remaining, left.overage)


def drawn(tx: Tx, booked: Booked) -> Drawn:
    """The minutes of a booked entry from its customer's bank."""
    ticket = tickets.by_number(tx, booked.number)
    return ticket.customer_id if ticket else None, booked.worked_on, booked.from_bank
