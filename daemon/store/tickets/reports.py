"""The facts of reports beyond the ledger, and the sent reports (J3)."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select, update

from daemon.domain.ticket import Status
from daemon.store.rows import grouped, insert
from daemon.store.schema.tables import clocks, events, reports, ticket_messages, tickets
from daemon.store.session import Tx


def tickets_since(tx: Tx, customer_id: int, since: dt.datetime) -> Sequence[Row[Any]]:
    """A customer's tickets opened, or not yet closed, after an instant; by number."""
    return tx.execute(
        select(tickets).where(_lived(customer_id, since)).order_by(tickets.c.number)
    ).all()


def _lived(customer_id: int, since: dt.datetime) -> ColumnElement[bool]:
    closed_later = or_(tickets.c.closed_at.is_(None), tickets.c.closed_at >= since)
    return and_(
        tickets.c.customer_id == customer_id,
        tickets.c.status != Status.MERGED,
        tickets.c.spam.is_(False),
        or_(tickets.c.opened_at >= since, closed_later),
    )


def _ids(customer_id: int, since: dt.datetime) -> Select[tuple[int]]:
    return select(tickets.c.id).where(_lived(customer_id, since))


def clocks_of(tx: Tx, customer_id: int, since: dt.datetime) -> Sequence[Row[Any]]:
    """Every stored clock of the tickets in `tickets_since` (E8)."""
    return tx.execute(
        select(clocks)
        .where(clocks.c.ticket_id.in_(_ids(customer_id, since)))
        .order_by(clocks.c.ticket_id, clocks.c.kind.desc(), clocks.c.ordinal)
    ).all()


def noted(tx: Tx, customer_id: int, kind: str, since: dt.datetime) -> Sequence[Row[Any]]:
    """The engineers' notes (`reason`, `promise`) on those tickets, in order."""
    return tx.execute(
        select(events)
        .where(events.c.kind == kind, events.c.ticket_id.in_(_ids(customer_id, since)))
        .order_by(events.c.id)
    ).all()


def said_times(tx: Tx, customer_id: int, since: dt.datetime) -> dict[int, list[dt.datetime]]:
    """The times of messages on those tickets, by ticket, in order."""
    query = (
        select(ticket_messages.c.ticket_id, ticket_messages.c.at)
        .where(ticket_messages.c.ticket_id.in_(_ids(customer_id, since)))
        .order_by(ticket_messages.c.at)
    )
    return grouped(tx.execute(query))


def titles(tx: Tx, ticket_ids: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Number and subject by ticket id; a merged ticket has those of the ticket it went to (D7)."""
    query = select(tickets.c.id, tickets.c.number, tickets.c.subject, tickets.c.merged_into_id)
    wanted = set(ticket_ids)
    rows: dict[int, Any] = {}
    missing = wanted
    while missing:
        for row in tx.execute(query.where(tickets.c.id.in_(missing))):
            rows[row.id] = row
        went = {row.merged_into_id for row in rows.values() if row.merged_into_id is not None}
        missing = went - set(rows)
    return {ticket_id: _title(rows, ticket_id) for ticket_id in wanted}


def _title(rows: dict[int, Any], ticket_id: int) -> tuple[int, str]:
    row = rows[ticket_id]
    while row.merged_into_id is not None:
        row = rows[row.merged_into_id]
    return row.number, row.subject


def first_event(tx: Tx) -> dt.datetime | None:
    """The time of the desk's first event."""
    row = tx.execute(select(events.c.at).order_by(events.c.id).limit(1)).first()
    return None if row is None else row.at


# --- sent reports -----------------------------------------------------------------------------


def sent(tx: Tx) -> set[tuple[int, str]]:
    """Customers and periods with a sent report, or with a report without recipients."""
    return {
        (row.customer_id, row.period)
        for row in tx.execute(select(reports.c.customer_id, reports.c.period))
    }


def claim(tx: Tx, customer_id: int, period: str, at: dt.datetime) -> bool:
    """Note a report as sent in this transaction; False if it was sent before."""
    new = tx.scalar(
        insert(tx, reports)
        .values(customer_id=customer_id, period=period, created_at=at)
        .on_conflict_do_nothing(index_elements=["customer_id", "period"])
        .returning(reports.c.id)
    )
    return new is not None


def note_mail(tx: Tx, customer_id: int, period: str, outgoing_id: int | None) -> None:
    """Note the mail that carried a report."""
    mine = (reports.c.customer_id == customer_id) & (reports.c.period == period)
    tx.execute(update(reports).where(mine).values(outgoing_id=outgoing_id))
