"""The ledger of worked time (G1): use, reversals and finance's adjustments; only ever added to."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from daemon.domain.periods import Period
from daemon.domain.time_bank import Adjustment, Entry
from daemon.store.chain import Sealed, seal
from daemon.store.memo import forget
from daemon.store.rows import add
from daemon.store.schema import chain, ledger
from daemon.store.session import Tx
from daemon.store.tickets import family

# Free text is not sealed: it may have to be replaced when a person is erased (K2).
UNDOES = " undoes inbox:"  # in the cause of what takes back a message's time (C14)
SEALED = [column for column in ledger.c if column.name not in ("id", "note")]

_HISTORY = (
    select(ledger)
    .where(
        ledger.c.customer_id == bindparam("customer"),
        ledger.c.worked_on >= bindparam("start"),
        ledger.c.worked_on < bindparam("end"),
    )
    .order_by(ledger.c.worked_on, ledger.c.received_at, ledger.c.ordinal, ledger.c.id)
)


@dataclass(frozen=True, slots=True)
class Booking:
    """An entry as the ledger holds it, with what its reversals have left."""

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
    tx: Tx, booking: Booking, *, actual: int, billable: int, inbox_id: int | None, ordinal: int,
    visible_at: dt.datetime, cause: str,
) -> int:  # fmt: skip
    """Lower an entry by these minutes (negative or 0, G5); its own row stays as it was."""
    entry = booking.entry
    return _write(
        tx, kind="reversal", reverses_id=entry.id, customer_id=booking.customer_id,
        ticket_id=entry.ticket, person_id=entry.engineer, inbox_id=inbox_id, ordinal=ordinal,
        worked_on=entry.worked_on, received_at=entry.received_at, visible_at=visible_at,
        actual=actual, billable=billable, increment=entry.increment, counts=entry.counts,
        outside=entry.outside, cause=cause,
    )  # fmt: skip


def adjust(
    tx: Tx, customer_id: int, *, minutes: int, day: dt.date, at: dt.datetime, reason: str
) -> int:
    """Add finance's adjustment of a bank period: above 0 gives, below 0 takes."""
    return _write(
        tx, kind="adjustment", customer_id=customer_id, worked_on=day, received_at=at,
        visible_at=at, actual=minutes, billable=minutes, cause=reason,
    )  # fmt: skip


def bookings(
    tx: Tx, where: ColumnElement[bool], before: dt.datetime | None = None
) -> list[Booking]:
    """Entries with what is left of them, as a statement that cuts at `before` sees them (H1)."""
    key = func.coalesce(ledger.c.reverses_id, ledger.c.id)
    seen = and_(where, ledger.c.kind != "adjustment")
    if before is not None:
        seen = and_(seen, ledger.c.visible_at < before)
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
        .order_by(ledger.c.worked_on, ledger.c.received_at, ledger.c.ordinal, ledger.c.id)
    )
    return [_booking(row) for row in rows]


def _booking(row: Row[Any]) -> Booking:
    entry = _entry(row, int(row.left), int(row.billable_left))
    return Booking(entry, row.customer_id, row.inbox_id, row.booking, row.note, row.visible_at)


def _entry(row: Row[Any], actual: int, billable: int) -> Entry:
    return Entry(
        id=row.id, ticket=row.ticket_id, engineer=row.person_id, worked_on=row.worked_on,
        received_at=row.received_at, ordinal=row.ordinal, actual=actual, billable=billable,
        counts=row.counts, outside=row.outside, increment=row.increment,
    )  # fmt: skip


def of_customer(tx: Tx, customer_id: int, before: dt.datetime | None = None) -> list[Entry]:
    """A customer's entries, with what is left of each (G4)."""
    return of_customers(tx, [customer_id], before).get(customer_id, [])


def of_customers(
    tx: Tx, customer_ids: Sequence[int], before: dt.datetime | None = None,
    within: Period | None = None,
) -> dict[int, list[Entry]]:  # fmt: skip
    """The entries of many customers, by customer; of one period's worked dates where it is given.

    A reversal has the customer and the worked date of its entry: both stay together.
    """
    found: dict[int, list[Entry]] = {}
    for booking in bookings(tx, _of(customer_ids, within), before):
        if booking.customer_id is not None:
            found.setdefault(booking.customer_id, []).append(booking.entry)
    return found


def _of(customer_ids: Sequence[int], within: Period | None) -> ColumnElement[bool]:
    mine = ledger.c.customer_id.in_(customer_ids)
    if within is None:
        return mine
    return and_(mine, ledger.c.worked_on >= within.start, ledger.c.worked_on < within.end)


def history(tx: Tx, customer_id: int, within: Period) -> tuple[list[Entry], list[Adjustment]]:
    """A customer's entries and adjustments of a period's worked dates, in one reading."""
    start_end = {"customer": customer_id, "start": within.start, "end": within.end}
    rows = tx.execute(_HISTORY, start_end).all()
    left: dict[int, tuple[int, int]] = {}
    for row in rows:
        actual, billable = left.get(row.reverses_id or row.id, (0, 0))
        left[row.reverses_id or row.id] = (actual + row.actual, billable + row.billable)
    entries = [_entry(row, *left[row.id]) for row in rows if row.kind == "use"]
    made = [_adjustment(row) for row in rows if row.kind == "adjustment"]
    return entries, sorted(made, key=lambda each: each.id)


def on_ticket(tx: Tx, ticket_id: int) -> list[Booking]:
    """A ticket's entries, with those of the tickets that were merged into it (D7)."""
    return bookings(tx, ledger.c.ticket_id.in_(family(tx, ticket_id)))


def of_message(tx: Tx, inbox_id: int) -> list[Booking]:
    """What one message booked."""
    mine = select(ledger.c.id).where(ledger.c.inbox_id == inbox_id, ledger.c.kind == "use")
    return bookings(tx, or_(ledger.c.id.in_(mine), ledger.c.reverses_id.in_(mine)))


def corrections_of_message(tx: Tx, inbox_id: int) -> dict[int, int]:
    """Minutes (below 0) that the tags of one message took off earlier entries, by their latest id.

    Nothing where that has been undone; what moving to another customer took off (D7) is none.
    """
    corrected = and_(
        ledger.c.inbox_id == inbox_id, ledger.c.kind == "reversal", ledger.c.ordinal > 0
    )
    query = select(ledger.c.reverses_id, func.sum(ledger.c.actual).label("actual"))
    undone = select(ledger.c.id).where(ledger.c.cause.like(f"%{UNDOES}{inbox_id}"))
    later = undone.where(ledger.c.kind == "reversal", ledger.c.actual > 0).limit(1)
    if tx.scalar(later) is not None:
        return {}
    found: dict[int, int] = {}
    for row in tx.execute(query.where(corrected).group_by(ledger.c.reverses_id)):
        entry_id = latest(tx, row.reverses_id).entry.id
        found[entry_id] = found.get(entry_id, 0) + int(row.actual)
    return found


def latest(tx: Tx, entry_id: int) -> Booking:
    """An entry as it is booked now: perhaps anew, on another customer (D7)."""
    row = tx.execute(select(ledger).where(ledger.c.id == entry_id)).one()
    newest = (
        select(ledger.c.id)
        .where(
            ledger.c.inbox_id == row.inbox_id, ledger.c.ordinal == row.ordinal,
            ledger.c.kind == "use",
        )
        .order_by(ledger.c.booking.desc())
        .limit(1)
    )  # fmt: skip
    (found,) = bookings(tx, is_entry(tx.scalar(newest) or entry_id))
    return found


def is_undone(tx: Tx, booking: Booking) -> bool:
    """Whether the message that booked an entry has been undone."""
    mine = and_(
        ledger.c.reverses_id == booking.entry.id,
        ledger.c.cause.like(f"%{UNDOES}{booking.inbox_id}"),
        ledger.c.actual < 0,
    )
    return tx.execute(select(ledger.c.id).where(mine).limit(1)).first() is not None


def is_entry(entry_id: int) -> ColumnElement[bool]:
    """The condition that a row is an entry, or a reversal of it."""
    return or_(ledger.c.id == entry_id, ledger.c.reverses_id == entry_id)


def unplaced(tx: Tx) -> list[Booking]:
    """Time on tickets that have no customer yet (H6)."""
    return [each for each in bookings(tx, ledger.c.customer_id.is_(None)) if each.entry.actual]


def minutes_of_day(tx: Tx, person_id: int, worked_on: dt.date) -> int:
    """An engineer's net minutes on a worked date (C11)."""
    query = select(func.coalesce(func.sum(ledger.c.actual), 0)).where(
        ledger.c.person_id == person_id, ledger.c.worked_on == worked_on
    )
    return int(tx.scalar(query) or 0)


def adjustments_of(tx: Tx, customer_id: int, before: dt.datetime | None = None) -> list[Adjustment]:
    """Finance's adjustments of a customer's banks."""
    return adjustments(tx, [customer_id], before).get(customer_id, [])


def adjustments(
    tx: Tx, customer_ids: Sequence[int], before: dt.datetime | None = None,
    within: Period | None = None,
) -> dict[int, list[Adjustment]]:  # fmt: skip
    """Finance's adjustments of the banks of customers, by customer."""
    query = select(ledger).where(_of(customer_ids, within), ledger.c.kind == "adjustment")
    if before is not None:
        query = query.where(ledger.c.visible_at < before)
    found: dict[int, list[Adjustment]] = {}
    for row in tx.execute(query.order_by(ledger.c.id)):
        found.setdefault(row.customer_id, []).append(_adjustment(row))
    return found


def _adjustment(row: Row[Any]) -> Adjustment:
    return Adjustment(row.id, row.worked_on, row.actual, row.cause)


def reversal_rows(tx: Tx, customer_id: int) -> list[Row[Any]]:
    """Every reversal on a customer's entries, for the bank's ledger."""
    query = select(ledger).where(ledger.c.customer_id == customer_id, ledger.c.kind == "reversal")
    return list(tx.execute(query.order_by(ledger.c.id)))


def earliest(tx: Tx, customer_ids: Iterable[int]) -> dict[int, dt.date]:
    """The first worked date of customers (H1)."""
    query = (
        select(ledger.c.customer_id, func.min(ledger.c.worked_on))
        .where(ledger.c.customer_id.in_(list(customer_ids)), ledger.c.kind == "use")
        .group_by(ledger.c.customer_id)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def sealed_since(tx: Tx, link: int) -> list[tuple[int, int | None]]:
    """Rows that were sealed after that link of the chain, as (link, customer), in order.

    The chain has the order in which transactions ended; ids may be taken in another.
    """
    query = (
        select(chain.c.seq, ledger.c.customer_id)
        .join(ledger, and_(chain.c.kind == "ledger", ledger.c.id == chain.c.row_id))
        .where(chain.c.seq > link)
        .order_by(chain.c.seq)
    )
    return [(row.seq, row.customer_id) for row in tx.execute(query)]
