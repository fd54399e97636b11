"""The ledger of worked time (G1): use, reversals and finance's adjustments; only ever added to."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, case, func, literal_column, or_, select
from sqlalchemy.sql.elements import ColumnElement

from daemon.domain.periods import Period
from daemon.domain.register import BankAdjustment
from daemon.domain.time_bank import Adjustment, Entry
from daemon.store.memo import forget
from daemon.store.money.chain import Sealed, seal
from daemon.store.rows import add, grouped
from daemon.store.schema.tables import chain, customers, ledger, tickets
from daemon.store.session import Tx
from daemon.store.tickets.tickets import family

# Free text is not sealed: a person's erasure may have to replace it (K2).
UNDOES = " undoes inbox:"  # in the cause of rows that undo a message's time (C14)
SEALED = [column for column in ledger.c if column.name not in ("id", "note")]

# The first columns are an entry's fields, in their order.
_ROW = [
    ledger.c[name]
    for name in (
        "id",
        "ticket_id",
        "person_id",
        "worked_on",
        "received_at",
        "ordinal",
        "actual",
        "billable",
        "counts",
        "outside",
        "increment",
        "customer_id",
        "kind",
        "reverses_id",
        "cause",
    )
]
_TICKET, _WORKED_ON, _ACTUAL, _BILLABLE, _CUSTOMER = 1, 3, 6, 7, 11
_ORDER = (ledger.c.worked_on, ledger.c.received_at, ledger.c.ordinal, ledger.c.id)

_HISTORY = (
    select(*_ROW)
    .where(
        ledger.c.customer_id == bindparam("customer"),
        ledger.c.worked_on >= bindparam("start"),
        ledger.c.worked_on < bindparam("end"),
    )
    .order_by(*_ORDER)
)

History = tuple[list[Entry], list[Adjustment]]


@dataclass(frozen=True, slots=True)
class Booking:
    """An entry in the ledger, lowered by its reversals."""

    entry: Entry
    customer_id: int | None
    inbox_id: int | None
    booking: int
    note: str
    visible_at: dt.datetime


def _write(tx: Tx, **values: Any) -> int:
    row_id = add(tx, ledger, **values)
    forget(tx, "ledger")
    row = tx.execute(select(*SEALED).where(ledger.c.id == row_id)).one()
    seal(tx, [Sealed("ledger", row_id, row._asdict())])
    return row_id


def book(tx: Tx, **values: Any) -> int:
    """Add a use: one entry, known by its message and its place among the tags there (C12)."""
    return _write(tx, kind="use", **values)


def reverse(
    tx: Tx,
    booking: Booking,
    *,
    actual: int,
    billable: int,
    inbox_id: int | None,
    ordinal: int,
    visible_at: dt.datetime,
    cause: str,
) -> int:
    """Lower an entry by these minutes (negative or 0, G5); its own row stays as it was."""
    entry = booking.entry
    return _write(
        tx,
        kind="reversal",
        reverses_id=entry.id,
        customer_id=booking.customer_id,
        ticket_id=entry.ticket,
        person_id=entry.engineer,
        inbox_id=inbox_id,
        ordinal=ordinal,
        worked_on=entry.worked_on,
        received_at=entry.received_at,
        visible_at=visible_at,
        actual=actual,
        billable=billable,
        increment=entry.increment,
        counts=entry.counts,
        outside=entry.outside,
        cause=cause,
    )


def adjust(
    tx: Tx,
    customer_id: int,
    *,
    minutes: int,
    day: dt.date,
    at: dt.datetime,
    reason: str,
    key: str | None = None,
) -> int:
    """Add finance's adjustment of a bank period: above 0 gives, below 0 takes.

    An adjustment in the register has a `key`, unique for the customer.
    """
    return _write(
        tx,
        kind="adjustment",
        customer_id=customer_id,
        worked_on=day,
        received_at=at,
        visible_at=at,
        actual=minutes,
        billable=minutes,
        cause=reason,
        key=key,
    )


def registered(tx: Tx) -> dict[int, tuple[BankAdjustment, ...]]:
    """The adjustments in the register, by customer, in the order they were booked."""
    query = select(ledger).where(ledger.c.key.is_not(None))
    query = query.order_by(ledger.c.customer_id, ledger.c.id)  # by id, the index is not used
    made = grouped(
        (row.customer_id, BankAdjustment(row.key, row.actual, row.worked_on, row.cause))
        for row in tx.execute(query)
    )
    return {customer_id: tuple(theirs) for customer_id, theirs in made.items()}


def bookings(tx: Tx, where: ColumnElement[bool]) -> list[Booking]:
    """Entries after their reversals."""
    key = func.coalesce(ledger.c.reverses_id, ledger.c.id)
    seen = and_(where, ledger.c.kind != "adjustment")
    left = (
        select(
            key.label("id"),
            func.sum(ledger.c.actual).label("actual"),
            func.sum(ledger.c.billable).label("billable"),
            func.max(case((ledger.c.kind == "use", 1), else_=0)).label("known"),
        )
        .where(seen)
        .group_by(key)
        .subquery()
    )
    rows = tx.execute(
        select(ledger, left.c.actual.label("left"), left.c.billable.label("billable_left"))
        .join(left, left.c.id == ledger.c.id)
        .where(left.c.known == 1)
        .order_by(*_ORDER)
    )
    return [_booking(row) for row in rows]


def _booking(row: Row[Any]) -> Booking:
    entry = _entry(row, int(row.left), int(row.billable_left))
    return Booking(entry, row.customer_id, row.inbox_id, row.booking, row.note, row.visible_at)


def _entry(row: Row[Any], actual: int, billable: int) -> Entry:
    return Entry(
        id=row.id,
        ticket=row.ticket_id,
        engineer=row.person_id,
        worked_on=row.worked_on,
        received_at=row.received_at,
        ordinal=row.ordinal,
        actual=actual,
        billable=billable,
        counts=row.counts,
        outside=row.outside,
        increment=row.increment,
    )


def of_customer(tx: Tx, customer_id: int) -> list[Entry]:
    """A customer's entries after their reversals (G4)."""
    return histories(tx, [customer_id])[customer_id][0]


def histories(
    tx: Tx,
    customer_ids: Sequence[int],
    before: dt.datetime | None = None,
    within: Period | None = None,
    *,
    numbered: bool = False,
) -> dict[int, History]:
    """Entries and adjustments of many customers in one reading, as seen before an instant (H1).

    `within` limits the worked dates to a period: a reversal has the customer and the worked date of
    its entry, so both stay together. With `numbered` a ticket is its number for people.
    """
    query = select(*_ROW)
    if numbered:
        query = select(*_ROW[:_TICKET], tickets.c.number, *_ROW[_TICKET + 1 :])
        query = query.outerjoin_from(ledger, tickets, tickets.c.id == ledger.c.ticket_id)
    query = query.where(_of(customer_ids, within)).order_by(*_ORDER)
    if before is not None:
        query = query.where(ledger.c.visible_at < before)
    rows: dict[int, list[Any]] = {customer_id: [] for customer_id in customer_ids}
    for row in tx.execute(query).all():
        rows[row[_CUSTOMER]].append(row)
    return {customer_id: _history(mine) for customer_id, mine in rows.items()}


def _of(customer_ids: Sequence[int], within: Period | None) -> ColumnElement[bool]:
    mine = ledger.c.customer_id.in_(customer_ids)
    if within is None:
        return mine
    return and_(mine, ledger.c.worked_on >= within.start, ledger.c.worked_on < within.end)


def history(tx: Tx, customer_id: int, within: Period) -> History:
    """A customer's entries and adjustments of a period's worked dates, in one reading."""
    start_end = {"customer": customer_id, "start": within.start, "end": within.end}
    return _history(tx.execute(_HISTORY, start_end).all())


def _history(rows: Sequence[Any]) -> History:
    """Entries after their reversals, and adjustments, from rows in order."""
    taken: dict[int, tuple[int, int]] = {}
    for *entry, _, kind, reverses, _ in rows:
        if kind == "reversal":
            actual, billable = taken.get(reverses, (0, 0))
            taken[reverses] = (actual + entry[_ACTUAL], billable + entry[_BILLABLE])
    entries, made = [], []
    for *entry, _, kind, _, cause in rows:
        if kind == "use":
            actual, billable = taken.get(entry[0], (0, 0))
            entry[_ACTUAL] += actual
            entry[_BILLABLE] += billable
            entries.append(Entry(*entry))
        elif kind == "adjustment":
            made.append(Adjustment(entry[0], entry[_WORKED_ON], entry[_ACTUAL], cause))
    return entries, sorted(made, key=lambda adjustment: adjustment.id)


def on_ticket(tx: Tx, ticket_id: int) -> list[Booking]:
    """A ticket's entries, with those of the tickets merged into it (D7)."""
    return bookings(tx, ledger.c.ticket_id.in_(family(tx, ticket_id)))


def of_message(tx: Tx, inbox_id: int) -> list[Booking]:
    """The entries booked by one message."""
    mine = select(ledger.c.id).where(ledger.c.inbox_id == inbox_id, ledger.c.kind == "use")
    return bookings(tx, or_(ledger.c.id.in_(mine), ledger.c.reverses_id.in_(mine)))


def corrections_of_message(tx: Tx, inbox_id: int) -> dict[int, int]:
    """Minutes (below 0) taken off earlier entries by one message's tags, by their latest id.

    None if the message has been undone; minutes taken off by a move to another customer (D7) do not
    count.
    """
    corrected = and_(
        ledger.c.inbox_id == inbox_id, ledger.c.kind == "reversal", ledger.c.ordinal > 0
    )
    query = select(ledger.c.reverses_id, func.sum(ledger.c.actual).label("actual"))
    if _given_back(tx, select(ledger.c.reverses_id).where(corrected), inbox_id):
        return {}
    taken: dict[int, int] = {}
    for row in tx.execute(query.where(corrected).group_by(ledger.c.reverses_id)):
        entry_id = latest(tx, row.reverses_id).entry.id
        taken[entry_id] = taken.get(entry_id, 0) + int(row.actual)
    return taken


def _given_back(tx: Tx, entry_ids: Select[Any], inbox_id: int) -> bool:
    """True if undoing the message gave time back to these entries, or to their new bookings."""
    entry = ledger.alias()
    bookings_of = select(ledger.c.id).join(
        entry, and_(entry.c.inbox_id == ledger.c.inbox_id, entry.c.ordinal == ledger.c.ordinal)
    )
    anew = bookings_of.where(entry.c.id.in_(entry_ids), ledger.c.kind == "use")
    undone = select(ledger.c.id).where(
        or_(ledger.c.id.in_(anew), ledger.c.reverses_id.in_(anew)),
        ledger.c.cause.like(f"%{UNDOES}{inbox_id}"),
        ledger.c.actual > 0,
    )
    return tx.scalar(undone.limit(1)) is not None


def latest(tx: Tx, entry_id: int) -> Booking:
    """An entry as it is booked now: perhaps anew, on another customer (D7)."""
    row = tx.execute(select(ledger).where(ledger.c.id == entry_id)).one()
    newest = (
        select(ledger.c.id)
        .where(
            ledger.c.inbox_id == row.inbox_id,
            ledger.c.ordinal == row.ordinal,
            ledger.c.kind == "use",
        )
        .order_by(ledger.c.booking.desc())
        .limit(1)
    )
    (booking,) = bookings(tx, is_entry(tx.scalar(newest) or entry_id))
    return booking


def is_undone(tx: Tx, booking: Booking) -> bool:
    """True if the entry's message has been undone."""
    mine = and_(
        ledger.c.reverses_id == booking.entry.id,
        ledger.c.cause.like(f"%{UNDOES}{booking.inbox_id}"),
        ledger.c.actual <= 0,
    )
    return tx.execute(select(ledger.c.id).where(mine).limit(1)).first() is not None


def is_entry(entry_id: int) -> ColumnElement[bool]:
    """The condition that a row is an entry, or a reversal of it."""
    return or_(ledger.c.id == entry_id, ledger.c.reverses_id == entry_id)


def unplaced(tx: Tx) -> list[Booking]:
    """Time on tickets without a customer (H6)."""
    return [each for each in bookings(tx, ledger.c.customer_id.is_(None)) if each.entry.actual]


def minutes_of_day(tx: Tx, person_id: int, worked_on: dt.date) -> int:
    """An engineer's net minutes on a worked date (C11)."""
    query = select(func.coalesce(func.sum(ledger.c.actual), 0)).where(
        ledger.c.person_id == person_id, ledger.c.worked_on == worked_on
    )
    return int(tx.scalar(query) or 0)


def reversal_rows(tx: Tx, customer_id: int) -> list[Row[Any]]:
    """Every reversal on a customer's entries, for the bank's ledger."""
    reversal = ledger.c.kind == literal_column("'reversal'")  # as its index has it
    query = select(ledger).where(ledger.c.customer_id == customer_id, reversal)
    return list(tx.execute(query.order_by(ledger.c.id)))


def sizes(tx: Tx) -> dict[int, int]:
    """The number of rows in the ledger, by customer."""
    query = select(ledger.c.customer_id, func.count()).group_by(ledger.c.customer_id)
    return {row[0]: row[1] for row in tx.execute(query) if row[0] is not None}


def earliest(tx: Tx, customer_ids: Iterable[int]) -> dict[int, dt.date]:
    """The first worked date of customers (H1)."""
    worked = select(ledger.c.worked_on).where(
        ledger.c.customer_id == customers.c.id, ledger.c.kind == "use"
    )
    first = worked.order_by(ledger.c.worked_on).limit(1).scalar_subquery()
    query = select(customers.c.id, first.label("day")).where(customers.c.id.in_(list(customer_ids)))
    return {row.id: row.day for row in tx.execute(query) if row.day is not None}


def sealed_since(tx: Tx, link: int) -> list[tuple[int, int | None]]:
    """Rows sealed after that link of the chain, as (link, customer), in order.

    The chain has the order of the transactions' ends; ids may have another.
    """
    kind = chain.c.kind.concat("")  # an index of kinds would be all of the chain
    query = (
        select(chain.c.seq, ledger.c.customer_id)
        .join(ledger, and_(kind == "ledger", ledger.c.id == chain.c.row_id))
        .where(chain.c.seq > link)
        .order_by(chain.c.seq)
    )
    return [(row.seq, row.customer_id) for row in tx.execute(query)]
