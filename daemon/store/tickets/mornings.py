"""Events on tickets since an instant: the questions of the morning's digest, each with an index."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import exists, func, literal_column, select

from daemon.store.schema.tables import events, holds, inbox, ledger, ticket_messages
from daemon.store.session import Tx


def answers(tx: Tx, since: dt.datetime, until: dt.datetime) -> list[tuple[int, str, dt.datetime]]:
    """Engineers' answers to customers in `[since, until)`: ticket, writer's address, time.

    Answers with noted time, or with time held for an OK (C11), are left out.
    """
    mine = ticket_messages.c.inbox_id
    query = (
        select(ticket_messages.c.ticket_id, ticket_messages.c.address, ticket_messages.c.at)
        .where(
            ticket_messages.c.author == literal_column("'engineer'"),  # as its index has it
            ticket_messages.c.internal.is_(False),
            ticket_messages.c.at >= since,
            ticket_messages.c.at < until,
            mine.is_not(None),
            ~exists().where(ledger.c.inbox_id == mine),
            ~exists().where(holds.c.inbox_id == mine, holds.c.kind == "entry"),
        )
        .order_by(ticket_messages.c.ticket_id, ticket_messages.c.id)
    )
    return [(ticket_id, address, at) for ticket_id, address, at in tx.execute(query)]


def waiting_since(tx: Tx, ticket_ids: Iterable[int]) -> dict[int, dt.datetime]:
    """The last time each of these tickets was set to wait for its customer (E5)."""
    query = (
        select(events.c.ticket_id, func.max(events.c.at))
        .where(events.c.ticket_id.in_(list(ticket_ids)), events.c.kind == "waiting")
        .group_by(events.c.ticket_id)
    )
    return {ticket_id: at for ticket_id, at in tx.execute(query)}  # noqa: C416  rows, as pairs


def time_noted(tx: Tx, since: dt.datetime) -> dict[tuple[int, int], dt.datetime]:
    """The time of each person's last entry on each ticket since then, by (ticket, person)."""
    last = func.max(ledger.c.received_at)
    query = (
        select(ledger.c.ticket_id, ledger.c.person_id, last)
        .where(ledger.c.kind == literal_column("'use'"), ledger.c.received_at >= since)
        .group_by(ledger.c.ticket_id, ledger.c.person_id)
    )
    return {(ticket_id, person_id): at for ticket_id, person_id, at in tx.execute(query)}


def thanked(tx: Tx, since: dt.datetime, until: dt.datetime) -> list[int]:
    """Tickets on which somebody only said thanks in `[since, until)`."""
    query = (
        select(inbox.c.ticket_id)
        .where(
            inbox.c.outcome == literal_column("'thanks'"),
            inbox.c.ticket_id.is_not(None),
            inbox.c.received_at >= since,
            inbox.c.received_at < until,
        )
        .order_by(inbox.c.ticket_id)
        .distinct()
    )
    return list(tx.scalars(query))
