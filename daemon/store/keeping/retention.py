"""Mail at the end of its time in the settings: found, and emptied (K2)."""

import datetime as dt

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from daemon.store.schema.tables import (
    IN_OUTBOX,
    inbox,
    inbox_raw,
    outbox,
    outgoing,
    ticket_messages,
    tickets,
)
from daemon.store.session import Tx


def _is_old(before: dt.datetime) -> ColumnElement[bool]:
    """The condition for an old ticket beside a row: a list of all old ones would be long."""
    return and_(tickets.c.status.in_(["closed", "merged"]), tickets.c.closed_at < before)


def empty(tx: Tx, before: dt.datetime, removed: str, limit: int = 500) -> int:
    """Delete mails and texts of tickets closed before an instant, and mails without a ticket.

    New, held, shelved and unsent mail stays. Gives the number of emptied ones, at most `limit` of
    each kind at a time.
    """
    return (
        _received(tx, before, limit) + _sent(tx, before, limit) + _texts(tx, before, removed, limit)
    )


def _received(tx: Tx, before: dt.datetime, limit: int) -> int:
    ids = list(
        tx.scalars(
            select(inbox.c.id)
            .join(inbox_raw)
            .outerjoin(tickets, tickets.c.id == inbox.c.ticket_id)
            .where(
                inbox_raw.c.raw.is_not(None),
                inbox.c.state.in_(["done", "archived"]),
                func.coalesce(inbox.c.processed_at, inbox.c.received_at) < before,
                or_(inbox.c.ticket_id.is_(None), _is_old(before)),
            )
            .order_by(inbox.c.id)
            .limit(limit)
        )
    )
    tx.execute(update(inbox_raw).where(inbox_raw.c.inbox_id.in_(ids)).values(raw=None))
    return len(ids)


def _sent(tx: Tx, before: dt.datetime, limit: int) -> int:
    unsent = select(outbox.c.outgoing_id).where(
        outbox.c.state.in_(["pending", "sending"]), IN_OUTBOX
    )
    ids = list(
        tx.scalars(
            select(outgoing.c.id)
            .outerjoin(tickets, tickets.c.id == outgoing.c.ticket_id)
            .where(
                outgoing.c.raw.is_not(None),
                outgoing.c.created_at < before,
                or_(outgoing.c.ticket_id.is_(None), _is_old(before)),
                outgoing.c.id.not_in(unsent),
            )
            .order_by(outgoing.c.id)
            .limit(limit)
        )
    )
    tx.execute(update(outgoing).where(outgoing.c.id.in_(ids)).values(raw=None))
    return len(ids)


def _texts(tx: Tx, before: dt.datetime, removed: str, limit: int) -> int:
    ids = list(
        tx.scalars(
            select(ticket_messages.c.id)
            .join(tickets, tickets.c.id == ticket_messages.c.ticket_id)
            .where(
                ticket_messages.c.at < before,
                _is_old(before),
                ticket_messages.c.text != removed,
            )
            .order_by(ticket_messages.c.id)
            .limit(limit)
        )
    )
    tx.execute(update(ticket_messages).where(ticket_messages.c.id.in_(ids)).values(text=removed))
    return len(ids)
