"""Whole mails as they are kept: read some at a time, picked by what they are about, deleted."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Table, and_, or_, select, update

from daemon.store.keeping.persons import Known
from daemon.store.keeping.replacing import about_her, opened_by
from daemon.store.rows import pieces
from daemon.store.schema.tables import (
    inbox,
    inbox_raw,
    notices,
    outbox,
    outgoing,
    reports,
    ticket_messages,
    tickets,
)
from daemon.store.session import Tx

RECEIVED, SENT = "received", "sent"
_TABLES = {RECEIVED: (inbox_raw, inbox_raw.c.inbox_id), SENT: (outgoing, outgoing.c.id)}
_OF_ALL_CUSTOMERS = ("close",)  # the mail to finance, with every customer's specification

Key = tuple[str, int]  # received or sent, and the number there


@dataclass(frozen=True, slots=True)
class Whole:
    """One mail with its bytes."""

    key: Key
    raw: bytes
    ticket_id: int | None


def after(tx: Tx, kind: str, number: int, limit: int = 100) -> list[Whole]:
    """The next whole mails of a kind, in order."""
    table, key = _TABLES[kind]
    ticket = inbox.c.ticket_id if kind == RECEIVED else outgoing.c.ticket_id
    query = select(key, table.c.raw, ticket.label("ticket_id")).where(
        key > number, table.c.raw.is_not(None)
    )
    if kind == RECEIVED:
        query = query.join(inbox, inbox.c.id == key)
    rows = tx.execute(query.order_by(key).limit(limit))
    return [Whole((kind, row[0]), bytes(row[1]), row.ticket_id) for row in rows]


def of(tx: Tx, who: Known) -> set[Key]:
    """The mails of a person without a look inside: hers, to her, about hers, and the documents.

    A mail on a ticket of her opening has her subject, and a report lists it.
    """
    about = or_(
        outgoing.c.inbox_id.in_(who.received),
        outgoing.c.ticket_id.in_(opened_by(tx, who)),
        outgoing.c.id.in_(select(notices.c.outgoing_id).where(about_her(tx, who))),
        outgoing.c.kind.in_(_OF_ALL_CUSTOMERS),
        outgoing.c.id.in_(
            select(reports.c.outgoing_id).where(reports.c.customer_id.in_(who.customers))
        ),
    )
    sent = {*who.sent, *tx.scalars(select(outgoing.c.id).where(about))}
    return {*((RECEIVED, each) for each in who.received), *((SENT, each) for each in sent)}


def delete(tx: Tx, keys: Iterable[Key]) -> tuple[int, int]:
    """Delete whole mails; gives their number, and the number of mails still to be sent."""
    wanted: dict[str, set[int]] = {RECEIVED: set(), SENT: set()}
    for kind, number in keys:
        wanted[kind].add(number)
    waiting = _unsent(tx, wanted[SENT])
    wanted[SENT] -= waiting
    deleted = sum(_empty(tx, kind, numbers) for kind, numbers in wanted.items())
    return deleted, len(waiting)


def _unsent(tx: Tx, numbers: Iterable[int]) -> set[int]:
    """The mails that somebody is still to be sent."""
    unsent: set[int] = set()
    for some in pieces(numbers):
        going = and_(outbox.c.outgoing_id.in_(some), outbox.c.state.in_(["pending", "sending"]))
        unsent.update(tx.scalars(select(outbox.c.outgoing_id).where(going)))
    return unsent


def _empty(tx: Tx, kind: str, numbers: Iterable[int]) -> int:
    table, key = _TABLES[kind]
    return sum(_without_raw(tx, table, key.in_(some)) for some in pieces(numbers))


def _without_raw(tx: Tx, table: Table, where: object) -> int:
    kept = and_(where, table.c.raw.is_not(None))  # type: ignore[arg-type]
    return tx.execute(update(table).where(kept).values(raw=None)).rowcount


# --- what others said ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """A message on a ticket, with its text and the closing of its ticket."""

    id: int
    ticket: int  # its number
    at: dt.datetime
    address: str
    text: str
    inbox_id: int | None
    closed_at: dt.datetime | None


def said_on(tx: Tx, ticket_ids: Sequence[int]) -> list[Said]:
    """Every message on these tickets, in order."""
    sayings: list[Said] = []
    for some in pieces(ticket_ids):
        query = (
            select(ticket_messages, tickets.c.number, tickets.c.closed_at)
            .join(tickets, tickets.c.id == ticket_messages.c.ticket_id)
            .where(ticket_messages.c.ticket_id.in_(some))
            .order_by(ticket_messages.c.id)
        )
        sayings += [
            Said(row.id, row.number, row.at, row.address, row.text, row.inbox_id, row.closed_at)
            for row in tx.execute(query)
        ]
    return sayings


def raw_of(tx: Tx, inbox_id: int) -> bytes | None:
    """The received mail of that number; None for a deleted one."""
    raw = tx.scalar(select(inbox_raw.c.raw).where(inbox_raw.c.inbox_id == inbox_id))
    return None if raw is None else bytes(raw)
