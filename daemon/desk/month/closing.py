"""Closing a month: every customer's statement is frozen, or held by a hindrance (H1–H6)."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import structlog

from daemon.desk.context import Desk
from daemon.desk.month.hindrances import held_time, hindrances
from daemon.desk.month.statement_facts import (
    DrawnStatement,
    cut_of,
    first_months,
    invoice_language,
    load_facts,
    try_to_draw,
)
from daemon.domain.invoice import reference_of
from daemon.domain.periods import Period
from daemon.domain.register import Customer
from daemon.store import leases
from daemon.store.mail import inbox
from daemon.store.money import ledger, register, statements
from daemon.store.money.statements import Freezing
from daemon.store.session import Tx
from daemon.store.tickets import events
from daemon.store.tickets.events import Event

log = structlog.get_logger("avtald.closing")

_BATCH = 100  # customers in one transaction: others wait for it on SQLite
_NO_SIZES: Mapping[int, int] = MappingProxyType({})
_MOST_ROWS = 20_000  # of ten years' ledger in one batch, and so in memory at once


class TakenOverError(Exception):
    """Another process closes now: this one was away for longer than its lease."""


def close_due_month(desk: Desk, now: dt.datetime) -> bool:
    """Close the next month due, else release held statements; True where anything was done."""
    with desk.store.writing() as tx:
        if not leases.take(tx, "closing"):
            return False
        month = _next_month(tx, desk, now)
    try:
        if month is not None:
            return _close(_MonthEnd(desk, month, now))
        return _release_held(desk, now)
    except TakenOverError:
        log.warning("another process closes")
        return False
    finally:
        with desk.store.writing() as tx:
            leases.give_back(tx, "closing")


def _next_month(tx: Tx, desk: Desk, now: dt.datetime) -> Period | None:
    """The next month to close, if its end and the delay have passed; months close in order (H1)."""
    last = statements.last_closed(tx)
    month = Period.parse(last).following() if last else _earliest_month(tx, desk)
    if month is None or cut_of(desk, month) + desk.settings.accounting.close_delay > now:
        return None
    return month


def _earliest_month(tx: Tx, desk: Desk) -> Period | None:
    """H1: the first billed month of all customers."""
    same = bool(desk.settings.accounting.first_month or desk.settings.desk.go_live)
    months: set[Period] = set()
    for batch in _batches(register.customers(tx, ended=True)):
        months |= set(first_months(tx, desk, batch).values())
        if months and same:
            break  # the settings say it, for everybody
    return min(months, default=None)


def _batches(
    customers: Iterable[Customer], sizes: Mapping[int, int] = _NO_SIZES
) -> Iterator[Sequence[Customer]]:
    """Customers in groups, bounded by their number and by their rows in the ledger."""
    batch: list[Customer] = []
    rows = 0
    for customer in customers:
        size = sizes.get(customer.id, 0)
        if batch and (len(batch) == _BATCH or rows + size > _MOST_ROWS):
            yield batch
            batch, rows = [], 0
        batch.append(customer)
        rows += size
    if batch:
        yield batch


# --- one month --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _MonthEnd:
    """The end of one month, at which customers' statements are frozen or held."""

    desk: Desk
    month: Period
    now: dt.datetime

    def settle(
        self, customers: Iterable[Customer], sizes: Mapping[int, int], blocked: Collection[int]
    ) -> set[int]:
        """Freeze the month of these customers, and give those with a hindrance (H6).

        `blocked` are customers with an earlier month held: months close in order (H1).
        """
        held: set[int] = set()
        for batch in _batches(customers, sizes):
            held |= self._settle_batch(batch, blocked)
        return held

    def _settle_batch(self, batch: Sequence[Customer], blocked: Collection[int]) -> set[int]:
        """Reading and reckoning come before the transaction: a close leaves room for others."""
        with self.desk.store.reading() as tx:
            ready, held = self._drawn(tx, batch, blocked)
        with self.desk.store.writing() as tx:
            _keep_lease(tx)
            cut = cut_of(self.desk, self.month)
            frozen = statements.freeze(tx, ready, at=self.now, cut=cut)
            events.record_all(tx, [_frozen(statement, self.now) for statement in frozen])
        return held

    def _drawn(
        self, tx: Tx, batch: Sequence[Customer], blocked: Collection[int]
    ) -> tuple[list[Freezing], set[int]]:
        """The statements to freeze, and the customers held back."""
        desk, month = self.desk, self.month
        ready: list[Freezing] = []
        held: set[int] = set()
        waits = held_time(tx, desk, month)
        for facts in load_facts(tx, desk, batch, cut_of(desk, month)).values():
            customer = facts.customer
            if facts.first is None or month < facts.first or str(month) in facts.frozen:
                continue
            drawn = None if customer.id in blocked else try_to_draw(desk, facts, month)
            if drawn is None or hindrances(tx, desk, customer, drawn.draft, waits):
                held.add(customer.id)
            else:
                ready.append(_freezing(desk, customer, drawn))
        return ready, held


def _freezing(desk: Desk, customer: Customer, drawn: DrawnStatement) -> Freezing:
    state = "approval" if desk.settings.accounting.approval == "finance" else "waiting"
    return Freezing(
        customer_id=customer.id,
        reference=reference_of(customer.key, str(drawn.draft.month)),
        language=invoice_language(desk, customer),
        drawn=drawn.draft,
        state=state if drawn.draft.net else "nothing",  # H5: a net of 0.00 makes no invoice
        stray=drawn.stray,
    )


def _frozen(made: Freezing, now: dt.datetime) -> Event:
    data = {"reference": made.reference, "net": str(made.drawn.net)}
    return Event("statement-frozen", now, customer_id=made.customer_id, data=data)


def _keep_lease(tx: Tx) -> None:
    """Hold the lease until this transaction ends: nobody else freezes meanwhile."""
    if not leases.take(tx, "closing"):
        raise TakenOverError


# --- closing and releasing --------------------------------------------------------------------


def _close(end: _MonthEnd) -> bool:
    """Settle a month for every customer, then note it as closed."""
    with end.desk.store.reading() as tx:
        if inbox.unprocessed_before(tx, cut_of(end.desk, end.month)):
            return False  # H1: all mail received before the month's end comes first
        customers = register.customers(tx, ended=True)
        blocked = {customer_id for row in statements.closing_rows(tx) for customer_id in row.held}
        sizes = ledger.sizes(tx)
    held = end.settle(customers, sizes, blocked)
    with end.desk.store.writing() as tx:
        _keep_lease(tx)
        if statements.close(tx, str(end.month), end.now, held):
            data = {"month": str(end.month), "held": sorted(held)}
            events.record(tx, Event("month-closed", end.now, data=data))
    return True


def _release_held(desk: Desk, now: dt.datetime) -> bool:
    """Freeze held statements that nothing stops any more, the oldest month first."""
    with desk.store.reading() as tx:
        rows = [row for row in statements.closing_rows(tx) if row.held]
        customers = {customer.id: customer for customer in register.customers(tx, ended=True)}
        sizes = ledger.sizes(tx) if rows else _NO_SIZES
    blocked: set[int] = set()
    released = False
    for row in rows:
        end = _MonthEnd(desk, Period.parse(row.month), now)
        held = end.settle((customers[each] for each in row.held), sizes, blocked)
        blocked |= held
        if free := sorted(set(row.held) - held):
            released = True
            _note_released(desk, row.month, held, free)
    return released


def _note_released(desk: Desk, month: str, held: Collection[int], free: Sequence[int]) -> None:
    with desk.store.writing() as tx:
        _keep_lease(tx)
        statements.note_held(tx, month, held)
        statements.note_released(tx, month, free)
