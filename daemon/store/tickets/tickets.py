"""Tickets with their participants, messages and clocks."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Row,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)

from daemon.domain.ticket import Status, Ticket
from daemon.store.memo import forget, once
from daemon.store.pending import Pending
from daemon.store.rows import ENGINES, among, pieces, record
from daemon.store.schema.tables import (
    LIVING,
    RUNNING,
    clocks,
    events,
    inbox,
    ledger,
    metadata,
    outbox,
    outgoing,
    participants,
    ticket_messages,
    tickets,
)
from daemon.store.session import Tx

_FIRST_NUMBER = 1001
# Unique and growing. SQLite has one writer; on PostgreSQL nobody waits for another's commit, and a
# rolled-back transaction, or one with numbers to spare, leaves a gap.
_NEXT = {
    "sqlite": select(  # each by its own look at an index's end: together they read all tickets
        select(func.coalesce(func.max(tickets.c.id), 0) + 1).scalar_subquery(),
        select(func.coalesce(func.max(tickets.c.number) + 1, _FIRST_NUMBER)).scalar_subquery(),
    ),
    "postgresql": select(
        literal_column("nextval(pg_get_serial_sequence('tickets', 'id'))"),
        literal_column("nextval('ticket_numbers')"),
    ).select_from(func.generate_series(1, bindparam("count"))),
}
_KEPT = (
    "started_at",
    "target_minutes",
    "due_at",
    "paused",
    "ended_at",
    "used_minutes",
    "result",
    "breached_at",
    "tell_at",
)
_JOIN = {
    name: engine.insert(participants).on_conflict_do_nothing().returning(participants.c.address)
    for name, engine in ENGINES.items()
}
_KEEP_CLOCK = {
    name: (put := engine.insert(clocks)).on_conflict_do_update(
        index_elements=["ticket_id", "kind", "ordinal"],
        set_={column: put.excluded[column] for column in _KEPT},
    )
    for name, engine in ENGINES.items()
}
_CLOCKS = (
    select(clocks)
    .where(among(clocks.c.ticket_id, "ids"))
    .order_by(clocks.c.ticket_id, clocks.c.kind, clocks.c.ordinal)
)
_TIME = (
    select(ledger.c.ticket_id, func.sum(ledger.c.actual), func.sum(ledger.c.billable))
    .where(among(ledger.c.ticket_id, "ids"), ledger.c.kind != "adjustment")
    .group_by(ledger.c.ticket_id)
)
_KEPT_CLOCKS = Pending.of("clocks", lambda tx: _KEEP_CLOCK[tx.dialect.name])
_ASKED = participants.insert()
_REQUESTERS = Pending.of("participants", lambda _: _ASKED)
_SAY = ticket_messages.insert()
_SAID = Pending.of("ticket_messages", lambda _: _SAY)
_OPEN = tickets.insert()
_OPENED = Pending(
    frozenset(  # a row with a ticket's id needs the ticket before it
        key.parent.table.name
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if key.references(tickets)
    )
    | {"tickets"},
    lambda tx, rows: tx.execute(_OPEN, rows),
)


def _ticket(row: Row[Any]) -> Ticket:
    return record(Ticket, row, status=Status(row.status))


def foresee(tx: Tx, count: int) -> None:
    """Take the next numbers for so many tickets at once; `open_ticket` gives them out."""
    _free(tx)[:] = _next(tx, count)  # SQLite's next numbers are the free ones


def _free(tx: Tx) -> list[tuple[int, int]]:
    """Ids and numbers that this transaction has taken and not given out."""
    return once(tx, "tickets", "next", list[tuple[int, int]])


def _next(tx: Tx, count: int) -> list[tuple[int, int]]:
    """Free ids and numbers, in order."""
    rows = tx.execute(_NEXT[tx.dialect.name], {"count": count}).all()
    if tx.dialect.name == "sqlite":
        ((first, number),) = rows
        return [(first + n, number + n) for n in range(count)]
    return [(row[0], row[1]) for row in rows]


def open_ticket(
    tx: Tx,
    *,
    subject: str,
    requester: str,
    language: str,
    priority: int,
    status: Status,
    opened_at: dt.datetime,
    customer_id: int | None = None,
    requester_name: str = "",
    spam: bool = False,
    follows_id: int | None = None,
) -> Ticket:
    """Make a ticket with the next number."""
    if not _free(tx):
        foresee(tx, 1)
    ticket_id, number = _free(tx).pop(0)
    row: dict[str, Any] = {
        "id": ticket_id,
        "number": number,
        "subject": subject,
        "customer_id": customer_id,
        "requester": requester,
        "requester_name": requester_name,
        "language": language,
        "priority": priority,
        "status": status,
        "opened_at": opened_at,
        "spam": spam,
    }
    _OPENED.add(tx, row | {"follows_id": follows_id})
    return Ticket(**row, closed_at=None, assignee_id=None, merged_into_id=None)


def by_id(tx: Tx, ticket_id: int) -> Ticket:
    """The ticket with this id; it must exist."""
    return _ticket(tx.execute(select(tickets).where(tickets.c.id == ticket_id)).one())


def by_number(tx: Tx, number: int) -> Ticket | None:
    """The ticket with this number itself (D7: a merged ticket names the one it went to)."""
    row = tx.execute(select(tickets).where(tickets.c.number == number)).one_or_none()
    return None if row is None else _ticket(row)


def living(tx: Tx, ticket: Ticket) -> Ticket:
    """The ticket at the end of this one's merges (D7)."""
    while ticket.merged_into_id is not None:
        ticket = by_id(tx, ticket.merged_into_id)
    return ticket


def of_inbox(tx: Tx, inbox_id: int) -> Ticket | None:
    """The ticket of a received message."""
    query = select(tickets).join(inbox, inbox.c.ticket_id == tickets.c.id)
    row = tx.execute(query.where(inbox.c.id == inbox_id)).one_or_none()
    return None if row is None else _ticket(row)


def of_message_ids(tx: Tx, message_ids: Sequence[str]) -> Ticket | None:
    """The one ticket of received messages with these Message-IDs; None for several."""
    if not message_ids:
        return None
    query = select(tickets).join(inbox, inbox.c.ticket_id == tickets.c.id)
    rows = tx.execute(query.where(inbox.c.message_id.in_(list(message_ids))).distinct()).all()
    return _ticket(rows[0]) if len(rows) == 1 else None


def linked(tx: Tx, ticket_id: int) -> tuple[int | None, list[int]]:
    """The number of the closed ticket before this one, and of those that follow it (D5)."""
    before = select(tickets.c.follows_id).where(tickets.c.id == ticket_id).scalar_subquery()
    earlier = tx.scalar(select(tickets.c.number).where(tickets.c.id == before))
    later = select(tickets.c.number).where(tickets.c.follows_id == ticket_id)
    return earlier, list(tx.scalars(later.order_by(tickets.c.number)))


def opened_by(tx: Tx, ticket_id: int) -> int | None:
    """The received message that opened a ticket."""
    query = select(events.c.cause).where(events.c.ticket_id == ticket_id, events.c.kind == "opened")
    cause: str = tx.scalar(query.order_by(events.c.id).limit(1)) or ""
    door, _, number = cause.partition(":")
    return int(number) if door == "inbox" and number.isdecimal() else None


def numbers(tx: Tx, ticket_ids: Iterable[int]) -> dict[int, int]:
    """The numbers of tickets, by id."""
    query = select(tickets.c.id, tickets.c.number).where(tickets.c.id.in_(list(ticket_ids)))
    return {row.id: row.number for row in tx.execute(query)}


def lock(tx: Tx, ticket_id: int) -> None:
    """Let nobody else act on a ticket before this transaction ends; on SQLite nobody can."""
    if tx.dialect.name == "postgresql":
        mine = select(tickets.c.id).where(tickets.c.id == ticket_id)
        tx.execute(mine.with_for_update(key_share=True))  # others may name it meanwhile


def change(tx: Tx, ticket_id: int, **values: Any) -> Ticket:
    """Set columns of a ticket, and give its new state."""
    row = tx.execute(
        update(tickets).where(tickets.c.id == ticket_id).values(values).returning(tickets)
    ).one()
    return _ticket(row)


def listing(tx: Tx, *, statuses: Iterable[str] | None = None) -> list[Ticket]:
    """All tickets, or those in some states, by number."""
    query = select(tickets).order_by(tickets.c.number)
    if statuses is not None:
        wanted = list(statuses)
        query = query.where(tickets.c.status.in_(wanted))
        if Status.CLOSED not in wanted and Status.MERGED not in wanted:
            query = query.where(LIVING)
    return [_ticket(row) for row in tx.execute(query).all()]


def merge(tx: Tx, ticket_id: int, into_id: int) -> None:
    """Move messages, participants and events to another ticket; both numbers work (D7).

    Time stays on its own row: the ledger never changes, and reads merged tickets as one.
    """
    known = select(participants.c.address).where(participants.c.ticket_id == into_id)
    mine = participants.c.ticket_id == ticket_id
    heard = select(participants.c.address).where(mine, participants.c.silent.is_(False))
    theirs = and_(participants.c.ticket_id == into_id, participants.c.address.in_(heard))
    tx.execute(update(participants).where(theirs).values(silent=False))
    tx.execute(delete(participants).where(mine, participants.c.address.in_(known)))
    tx.execute(update(participants).where(mine).values(ticket_id=into_id))
    for table in (ticket_messages, events):
        tx.execute(update(table).where(table.c.ticket_id == ticket_id).values(ticket_id=into_id))
    forget(tx, "events")
    tx.execute(delete(clocks).where(clocks.c.ticket_id == ticket_id))
    tx.execute(
        update(tickets)
        .where(tickets.c.id == ticket_id)
        .values(merged_into_id=into_id, status=Status.MERGED)
    )


def family(tx: Tx, ticket_id: int) -> list[int]:
    """A ticket and those merged into it, however far that goes (D7)."""
    ids = [ticket_id]
    for parent in ids:
        merged = select(tickets.c.id).where(tickets.c.merged_into_id == parent)
        ids.extend(tx.scalars(merged))
    return ids


# --- participants -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Participant:
    """A person of the customer's side who follows a ticket (D4)."""

    address: str
    name: str
    silent: bool  # D3: gets nothing until an engineer says so


def begin_with(tx: Tx, ticket_id: int, name: str, address: str, at: dt.datetime) -> None:
    """The first participant of a ticket that has just been opened: its requester."""
    values = {"ticket_id": ticket_id, "address": address, "name": name, "added_at": at}
    _REQUESTERS.add(tx, values | {"silent": False})


def join(
    tx: Tx,
    ticket_id: int,
    people: Iterable[tuple[str, str]],
    at: dt.datetime,
    *,
    silent: bool = False,
) -> list[str]:
    """Add participants, as (name, address); those who take part already stay as they are.

    Gives the new addresses, in their order.
    """
    people = list(people)
    rows = [
        {"ticket_id": ticket_id, "address": address, "name": name, "added_at": at, "silent": silent}
        for name, address in people
    ]
    if not rows:
        return []
    new = set(tx.scalars(_JOIN[tx.dialect.name], rows))
    return list(dict.fromkeys(address for _, address in people if address in new))


def participants_of(tx: Tx, ticket_id: int) -> list[Participant]:
    """The people of the customer's side, requester included, in the order they came."""
    query = (
        select(participants)
        .where(participants.c.ticket_id == ticket_id)
        .order_by(participants.c.added_at, participants.c.address)
    )
    return [record(Participant, row) for row in tx.execute(query)]


def let_hear(tx: Tx, ticket_id: int, address: str) -> None:
    """D3: an engineer has agreed: an unknown sender gets mail from now on."""
    mine = and_(participants.c.ticket_id == ticket_id, participants.c.address == address)
    tx.execute(update(participants).where(mine).values(silent=False))


# --- conversation -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TicketMessage:
    """One message of a conversation."""

    id: int
    at: dt.datetime
    author: str
    address: str
    name: str
    internal: bool
    text: str
    inbox_id: int | None


def make_public(tx: Tx, inbox_id: int) -> None:
    """A stopped answer went to the customer after all (C9)."""
    mine = ticket_messages.c.inbox_id == inbox_id
    tx.execute(update(ticket_messages).where(mine).values(internal=False))


def say(tx: Tx, ticket_id: int, **values: Any) -> None:
    """Add a message to a ticket's conversation; one of our own came by no mail."""
    # Rows written together name the same columns: a column named by only some would be lost.
    _SAID.add(tx, {"ticket_id": ticket_id, "inbox_id": None} | values)


def said(tx: Tx, ticket_id: int, *, last: int | None = None) -> list[TicketMessage]:
    """The conversation, oldest first; only its last messages if a number is given."""
    query = (
        select(ticket_messages)
        .where(ticket_messages.c.ticket_id == ticket_id)
        .order_by(ticket_messages.c.id.desc())
    )
    rows = tx.execute(query if last is None else query.limit(last)).all()
    return [record(TicketMessage, row) for row in reversed(rows)]


def message_id_of(tx: Tx, inbox_id: int) -> str | None:
    """The Message-ID of a received message, for the mail that answers it."""
    message_id: str | None = tx.scalar(select(inbox.c.message_id).where(inbox.c.id == inbox_id))
    return message_id


# --- mails ------------------------------------------------------------------------------------


def mails_of(tx: Tx, ticket_id: int) -> list[Row[Any]]:
    """Every mail on a ticket, one row a recipient: kind, recipient, state and times (K1)."""
    query = (
        select(
            outgoing.c.id,
            outgoing.c.kind,
            outgoing.c.created_at,
            outbox.c.recipient,
            outbox.c.state,
            outbox.c.sent_at,
            outbox.c.reply,
        )
        .join(outbox, outbox.c.outgoing_id == outgoing.c.id)
        .where(outgoing.c.ticket_id.in_(family(tx, ticket_id)))
        .order_by(outgoing.c.id, outbox.c.id)
    )
    return list(tx.execute(query))


def latest_mails(tx: Tx, ticket_id: int, kinds: Iterable[str], limit: int) -> list[int]:
    """The last mails of these kinds on a ticket, newest first."""
    query = select(outgoing.c.id).where(
        outgoing.c.ticket_id == ticket_id, outgoing.c.kind.in_(list(kinds))
    )
    return list(tx.scalars(query.order_by(outgoing.c.id.desc()).limit(limit)))


def beginnings(tx: Tx, outgoing_ids: Sequence[int], octets: int) -> list[bytes]:
    """The beginnings of mails, without the files below their texts."""
    raw = func.substr(outgoing.c.raw, 1, octets)
    wanted = select(raw).where(outgoing.c.id.in_(list(outgoing_ids)), outgoing.c.raw.is_not(None))
    return [bytes(beginning) for beginning in tx.scalars(wanted)]


def was_confirmed(tx: Tx, ticket_id: int) -> bool:
    """True if a ticket's requester got its confirmation, and may therefore be answered (J1, J2)."""
    query = select(outgoing.c.id).where(
        outgoing.c.ticket_id == ticket_id, outgoing.c.kind == "confirmation"
    )
    return tx.execute(query.limit(1)).first() is not None


# --- events and clocks ------------------------------------------------------------------------


def events_of(tx: Tx, ticket_id: int) -> Sequence[Row[Any]]:
    """Every event of a ticket, in the order they were recorded (K1)."""
    return tx.execute(
        select(events).where(events.c.ticket_id == ticket_id).order_by(events.c.id)
    ).all()


def clock_rows(tx: Tx, ticket_ids: Iterable[int]) -> Sequence[Row[Any]]:
    """The stored clocks of some tickets."""
    return [row for ids in pieces(ticket_ids) for row in tx.execute(_CLOCKS, {"ids": ids}).all()]


def keep_clocks(
    tx: Tx, ticket_id: int, rows: Sequence[dict[str, Any]], stored: Iterable[tuple[str, int]]
) -> None:
    """Write a ticket's clocks anew; those in `stored` that are not among them are deleted."""
    for row in rows:
        _KEPT_CLOCKS.add(tx, {"ticket_id": ticket_id} | row)
    for kind, ordinal in set(stored) - {(row["kind"], row["ordinal"]) for row in rows}:
        one = and_(clocks.c.ticket_id == ticket_id, clocks.c.kind == kind)
        tx.execute(delete(clocks).where(one, clocks.c.ordinal == ordinal))


def running_tickets(tx: Tx) -> list[int]:
    """Tickets with a running clock: a changed calendar moves their deadlines (E8)."""
    query = select(clocks.c.ticket_id).where(RUNNING).distinct()
    return list(tx.scalars(query))


def time_on(tx: Tx, ticket_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Net actual and billable minutes booked on tickets, as (actual, billable)."""
    rows = (row for ids in pieces(ticket_ids) for row in tx.execute(_TIME, {"ids": ids}).all())
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def clocks_to_tell(tx: Tx, now: dt.datetime, limit: int = 200) -> Sequence[Row[Any]]:
    """Clocks with a warning or breach to tell by now (E7), the gravest deadlines first."""
    due = select(clocks).where(clocks.c.tell_at <= now)
    return tx.execute(due.order_by(clocks.c.due_at, clocks.c.id).limit(limit)).all()


def note_told(
    tx: Tx, clock_id: int, told: Sequence[int | None], tell_at: dt.datetime | None
) -> None:
    """Note the warnings told of a clock, and the time of the next."""
    tx.execute(
        update(clocks).where(clocks.c.id == clock_id).values(told=list(told), tell_at=tell_at)
    )
