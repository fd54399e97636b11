"""Closing a month: statements are frozen, what stands in the way is told, finance is mailed (H)."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import structlog

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.month import facts as billing_facts
from daemon.desk.month import finance_mail, specification
from daemon.desk.month.facts import Drawn, Facts, cut_of, invoice_language
from daemon.desk.ports import PdfPrinter
from daemon.domain.billing import StatementDraft
from daemon.domain.invoice import reference_of
from daemon.domain.periods import Period
from daemon.domain.register import Customer
from daemon.store import leases
from daemon.store.mail import inbox
from daemon.store.mail.outbox import Sent
from daemon.store.money import ledger, register, statements
from daemon.store.money.invoices import OPEN
from daemon.store.money.statements import Freezing
from daemon.store.session import Tx
from daemon.store.tickets import events, holds, tickets
from daemon.store.tickets.events import Event

log = structlog.get_logger("avtald.closing")

_PATIENCE = dt.timedelta(minutes=30)  # for pushes, before finance is mailed without their outcome
_BATCH = 100  # customers in one transaction: others wait for it on SQLite
_NO_SIZES: Mapping[int, int] = MappingProxyType({})
_MOST_ROWS = 20_000  # of the ledger in one batch: what of ten years is held in memory at once


class TakenOverError(Exception):
    """Another process closes now: this one was away for longer than its lease."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a customer's statement waits (H6): a whole sentence that says how to mend it."""

    code: str
    text: str


def step(desk: Desk, now: dt.datetime, *, needs_number: bool) -> bool:
    """Close the next month that is due, or release what was held; True where something was done."""
    with desk.store.writing() as tx:
        if not leases.take(tx, "closing"):
            return False
        month = _next_month(tx, desk, now)
    try:
        if month is not None:
            return _close(desk, month, now, needs_number=needs_number)
        return _release_held(desk, now, needs_number=needs_number)
    except TakenOverError:
        log.warning("another process closes")
        return False
    finally:
        with desk.store.writing() as tx:
            leases.give_back(tx, "closing")


def _next_month(tx: Tx, desk: Desk, now: dt.datetime) -> Period | None:
    """The next month to close, if its end and the delay have passed; months close in order (H1)."""
    last = statements.last_closed(tx)
    month = Period.parse(last).following() if last else earliest_month(tx, desk)
    if month is None or cut_of(desk, month) + desk.settings.accounting.close_delay > now:
        return None
    return month


def earliest_month(tx: Tx, desk: Desk) -> Period | None:
    """H1: the first month that any customer is billed for."""
    same = bool(desk.settings.accounting.first_month or desk.settings.desk.go_live)
    found: set[Period] = set()
    for batch in _batches(register.customers(tx, ended=True)):
        found |= set(billing_facts.first_months(tx, desk, batch).values())
        if found and same:
            break  # the settings say it, for everybody
    return min(found, default=None)


def first_month_of(tx: Tx, desk: Desk, customer: Customer) -> Period | None:
    """H1: the first month that a customer is billed for; None where there is nothing to bill."""
    return billing_facts.first_months(tx, desk, [customer]).get(customer.id)


# --- one customer's month ---------------------------------------------------------------------


def draft(
    tx: Tx, desk: Desk, customer: Customer, month: Period, before: dt.datetime
) -> StatementDraft:
    """The statement of a month from what was received before an instant; also a preview (H2–H5)."""
    facts = billing_facts.load(tx, desk, [customer], before)[customer.id]
    return billing_facts.draw(desk, facts, month).draft


def hindrances(
    tx: Tx,
    desk: Desk,
    customer: Customer,
    month: Period,
    drawn: StatementDraft,
    *,
    needs_number: bool,
) -> list[Hindrance]:
    """H6: what stops this customer's statement, and how to mend it."""
    waits = _held_time(tx, desk, month).get(customer.id, ())
    return _hindrances(tx, desk, customer, drawn, needs_number=needs_number, waits=waits)


def _hindrances(
    tx: Tx,
    desk: Desk,
    customer: Customer,
    drawn: StatementDraft,
    *,
    needs_number: bool,
    waits: Sequence[Any],
) -> list[Hindrance]:
    language = desk.language
    found = [Hindrance("held_time", _of_held_time(tx, row, language)) for row in waits]
    if needs_number and drawn.net and not customer.accounting_number:
        found.append(Hindrance("no_number", sentence("no_number", language, key=customer.key)))
    return found


def _held_time(tx: Tx, desk: Desk, month: Period) -> Mapping[int, list[Any]]:
    """Held entries worked by a month's end, by customer; what came later is the next month's."""
    cut = cut_of(desk, month)
    found: dict[int, list[Any]] = {}
    for row in holds.held_time(tx, month.end):
        if row.customer_id is not None and row.created_at < cut:
            found.setdefault(row.customer_id, []).append(row)
    return found


def _of_held_time(tx: Tx, row: Any, language: str) -> str:
    ticket, person = tickets.by_id(tx, row.ticket_id), register.person(tx, row.person_id)
    return sentence(
        "held_time",
        language,
        minutes=row.data["minutes"],
        day=row.worked_on,
        ticket=ticket.number,
        name=person.name,
        reason=row.reason,
    )


# --- many customers' month --------------------------------------------------------------------


def _batches(
    customers: Iterable[Customer], sizes: Mapping[int, int] = _NO_SIZES
) -> Iterator[Sequence[Customer]]:
    """Customers in groups, by their number and by how much of the ledger is theirs."""
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


def _close(desk: Desk, month: Period, now: dt.datetime, *, needs_number: bool) -> bool:
    """Freeze every customer's statement of a month, then note the month as closed."""
    with desk.store.reading() as tx:
        if inbox.unprocessed_before(tx, cut_of(desk, month)):
            return False  # H1: it waits until all that was received before is acted on
        customers = register.customers(tx, ended=True)
        blocked = {i for row in statements.closing_rows(tx) for i in row.held}
        sizes = ledger.sizes(tx)
    held: set[int] = set()
    for batch in _batches(customers, sizes):
        held |= _settle(desk, batch, month, now, needs_number=needs_number, blocked=blocked)
    with desk.store.writing() as tx:
        _keep_lease(tx)
        if statements.close(tx, str(month), now, held):
            data = {"month": str(month), "held": sorted(held)}
            events.record(tx, Event("month-closed", now, data=data))
    return True


@dataclass(slots=True)
class _Settled:
    """What a month came to for some customers."""

    ready: list[Freezing] = field(default_factory=list)
    held: set[int] = field(default_factory=set)


def _settle(
    desk: Desk,
    customers: Sequence[Customer],
    month: Period,
    now: dt.datetime,
    *,
    needs_number: bool,
    blocked: Collection[int],
) -> set[int]:
    """Freeze a month of some customers in one transaction; gives those that something stops (H6).

    `blocked` are customers of whom an earlier month waits: months close in order (H1). Reading and
    reckoning happen before, so that a close of many customers leaves the database to others.
    """
    cut = cut_of(desk, month)
    with desk.store.reading() as tx:
        settled = _drawn(tx, desk, customers, month, needs_number=needs_number, blocked=blocked)
    with desk.store.writing() as tx:
        _keep_lease(tx)
        frozen = statements.freeze(tx, settled.ready, at=now, cut=cut)
        events.record_all(tx, [_frozen(statement, now) for statement in frozen])
    return settled.held


def _frozen(made: Freezing, now: dt.datetime) -> Event:
    data = {"reference": made.reference, "net": str(made.drawn.net)}
    return Event("statement-frozen", now, customer_id=made.customer_id, data=data)


def _keep_lease(tx: Tx) -> None:
    """Hold the lease until this transaction ends: nobody else freezes meanwhile."""
    if not leases.take(tx, "closing"):
        raise TakenOverError


def _drawn(
    tx: Tx,
    desk: Desk,
    customers: Sequence[Customer],
    month: Period,
    *,
    needs_number: bool,
    blocked: Collection[int],
) -> _Settled:
    settled = _Settled()
    waits = _held_time(tx, desk, month)
    for facts in billing_facts.load(tx, desk, customers, cut_of(desk, month)).values():
        customer = facts.customer
        if facts.first is None or month < facts.first or str(month) in facts.frozen:
            continue
        drawn = None if customer.id in blocked else _try_to_draw(desk, facts, month)
        if drawn is None or _hindrances(
            tx,
            desk,
            customer,
            drawn.draft,
            needs_number=needs_number,
            waits=waits.get(customer.id, ()),
        ):
            settled.held.add(customer.id)
        else:
            settled.ready.append(_freezing(desk, customer, drawn))
    return settled


def _try_to_draw(desk: Desk, facts: Facts, month: Period) -> Drawn | None:
    """One customer's bad data never stops the month: it is held, and finance is told."""
    try:
        return billing_facts.draw(desk, facts, month)
    except Exception:
        log.exception("cannot draw", customer=facts.customer.key, month=str(month))
        return None


def _freezing(desk: Desk, customer: Customer, drawn: Drawn) -> Freezing:
    state = "approval" if desk.settings.accounting.approval == "finance" else "waiting"
    return Freezing(
        customer_id=customer.id,
        reference=reference_of(customer.key, str(drawn.draft.month)),
        language=invoice_language(desk, customer),
        drawn=drawn.draft,
        state=state if drawn.draft.net else "nothing",  # H5: a net of 0.00 makes no invoice
        stray=drawn.stray,
    )


def _release_held(desk: Desk, now: dt.datetime, *, needs_number: bool) -> bool:
    """Freeze what was held once nothing stops it, oldest month first; finance is told."""
    with desk.store.reading() as tx:
        rows = [row for row in statements.closing_rows(tx) if row.held]
        customers = {customer.id: customer for customer in register.customers(tx, ended=True)}
        sizes = ledger.sizes(tx) if rows else _NO_SIZES
    blocked: set[int] = set()
    released = False
    for row in rows:
        month = Period.parse(row.month)
        held: set[int] = set()
        for batch in _batches((customers[each] for each in row.held), sizes):
            held |= _settle(desk, batch, month, now, needs_number=needs_number, blocked=blocked)
        blocked |= held
        if free := sorted(set(row.held) - held):
            released = True
            _note_released(desk, month, held, free)
    return released


def _note_released(desk: Desk, month: Period, held: Collection[int], free: Sequence[int]) -> None:
    with desk.store.writing() as tx:
        _keep_lease(tx)
        statements.note_held(tx, str(month), held)
        statements.note_released(tx, str(month), free)


# --- finance ----------------------------------------------------------------------------------


def mail_step(
    desk: Desk, now: dt.datetime, *, needs_number: bool, printer: PdfPrinter | None = None
) -> bool:
    """H7: mail finance once a close, when its drafts are in accounting (or cannot be, yet).

    What was held then and is released later is told in a mail of its own. Without a printer the
    specification is CSV alone. Nothing is locked while it prints.
    """
    with desk.store.reading() as tx:
        rows = statements.closing_rows(tx)
        month = next(
            (row for row in rows if row.mailed_at is None and _may_tell(tx, row, now)), None
        )
        late = None if month else _released(tx, rows, now)
    if month is not None:
        _tell_of_close(desk, month, now, needs_number=needs_number, printer=printer)
    elif late is not None:
        _tell_of_released(desk, *late, now, printer)
    return month is not None or late is not None


def _may_tell(tx: Tx, row: Any, now: dt.datetime) -> bool:
    return now >= row.closed_at + _PATIENCE or not statements.unsettled(tx, row.month)


def _released(tx: Tx, rows: Iterable[Any], now: dt.datetime) -> tuple[Period, Sequence[int]] | None:
    """A month and the customers of it that finance has not been told of, and may be."""
    waiting = statements.released(tx)
    for row in rows:
        ids = waiting.get(row.month)
        if ids and row.mailed_at is not None:
            month = Period.parse(row.month)
            found = finance_mail.found(tx, month, ids)
            latest = max((each.frozen_at for each in found), default=now)
            if now >= latest + _PATIENCE or not any(each.state in OPEN for each in found):
                return month, ids
    return None


def _tell_of_close(
    desk: Desk, row: Any, now: dt.datetime, *, needs_number: bool, printer: PdfPrinter | None
) -> None:
    month = Period.parse(row.month)
    with desk.store.reading() as tx:
        specifications = finance_mail.papers(tx, desk, month)
    enclosed = specification.enclose(month, specifications, printer)
    with desk.store.writing() as tx:
        held = held_customers(tx, desk, month, row.held, needs_number=needs_number)
        if statements.note_mailed(tx, row.month, now):
            made = finance_mail.Papers(month, tuple(finance_mail.found(tx, month)), enclosed)
            finance_mail.closed(tx, desk, made, held, now)
            statements.note_told(tx, row.month, statements.released(tx).get(row.month, ()))


def _tell_of_released(
    desk: Desk,
    month: Period,
    customer_ids: Sequence[int],
    now: dt.datetime,
    printer: PdfPrinter | None,
) -> None:
    with desk.store.reading() as tx:
        specifications = finance_mail.papers(tx, desk, month, customer_ids)
    enclosed = specification.enclose(month, specifications, printer)
    with desk.store.writing() as tx:
        found = tuple(finance_mail.found(tx, month, customer_ids))
        if statements.note_told(tx, str(month), customer_ids) and found:
            finance_mail.released(tx, desk, finance_mail.Papers(month, found, enclosed), now)


def held_customers(
    tx: Tx, desk: Desk, month: Period, held: Sequence[int], *, needs_number: bool
) -> list[tuple[Customer, list[Hindrance]]]:
    """H6: whose statement of a month waits, and why."""
    customers = [register.customer(tx, customer_id) for customer_id in held]
    return [
        (each, why_held(tx, desk, each, month, needs_number=needs_number)) for each in customers
    ]


def why_held(
    tx: Tx, desk: Desk, customer: Customer, month: Period, *, needs_number: bool
) -> list[Hindrance]:
    """H6: why a closed month of a customer waits; never without a reason."""
    language = desk.language
    facts = billing_facts.load(tx, desk, [customer], cut_of(desk, month))[customer.id]
    drawn = _try_to_draw(desk, facts, month)
    if drawn is None:
        return [Hindrance("fault", sentence("close_fault", language, key=customer.key))]
    why = hindrances(tx, desk, customer, month, drawn.draft, needs_number=needs_number)
    return why or [Hindrance("earlier", sentence("earlier_month", language))]


def approve(tx: Tx, answered: Sent, *, actor: str, at: dt.datetime, cause: str) -> None:
    """H7: finance's OK lets the drafts go that the answered mail told of."""
    _, month, *late = (answered.about or "close:").split(":")
    customers = [int(each) for each in "".join(late).split("-") if each]
    approved = statements.approve(tx, month, answered.created_at, customers)
    data = {"month": month, "invoices": approved}
    events.record(tx, Event("month-approved", at, actor, cause, data=data))
