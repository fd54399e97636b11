"""Everything that is kept of one person, to be handed out or replaced by a number (K2).

The zone of correspondence gives way: register, mail, tickets, events. The zone of accounting
stays: ledger, statements and their chain, which by their making hold no name and no address.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Table, Text, and_, cast, func, or_, select, update

from daemon.store.memo import register_changed
from daemon.store.schema.tables import (
    contacts,
    customers,
    events,
    inbox,
    inbox_raw,
    ledger,
    metadata,
    outbox,
    outgoing,
    participants,
    people,
    people_addresses,
    statements,
    ticket_messages,
    tickets,
)
from daemon.store.session import Tx

# Kept by law, and sealed; `ledger.note` alone is free text, and is not.
_LAW = frozenset({"statements", "statement_rows", "chain", "erasures"})
_OPAQUE = frozenset({"identity", "raw_sha256", "hash", "token", "subject_hash", "payload_hash"})

Rewrite = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Known:
    """Where one address stands; ids in order."""

    address: str
    names: tuple[str, ...]
    person_id: int | None
    is_active_person: bool
    contacts: tuple[int, ...]
    customers: tuple[int, ...]
    tickets: tuple[int, ...]
    received: tuple[int, ...]  # messages that the person sent
    sent: tuple[int, ...]  # mails that the person was sent

    @property
    def is_nobody(self) -> bool:
        """Whether nothing is kept under that address."""
        return not (self.person_id or self.contacts or self.tickets or self.received or self.sent)


def known(tx: Tx, address: str) -> Known:
    """Look an address up everywhere; it is in the form that equal addresses share."""
    person = tx.execute(
        select(people.c.id, people.c.active, people.c.name)
        .join(people_addresses)
        .where(people_addresses.c.address == address)
    ).first()
    mine = tx.execute(select(contacts).where(contacts.c.email == address)).all()
    on = _tickets_with(tx, address)
    owners = {row.customer_id for row in mine} | set(
        tx.scalars(select(tickets.c.customer_id).where(tickets.c.id.in_(on)))
    )
    return Known(
        address=address,
        names=_names(tx, address, [*mine, *([person] if person else [])]),
        person_id=person.id if person else None,
        is_active_person=bool(person and person.active),
        contacts=tuple(row.id for row in mine),
        customers=tuple(sorted(owners - {None})),
        tickets=tuple(on),
        received=tuple(
            tx.scalars(
                _sorted(
                    inbox.c.id,
                    or_(
                        inbox.c.sender == address,
                        func.lower(inbox.c.envelope_from) == address,
                    ),
                )
            )
        ),
        sent=tuple(tx.scalars(_sorted(outbox.c.outgoing_id, outbox.c.recipient == address))),
    )


def _sorted(column: Column[Any], where: Any) -> Any:
    return select(column).where(where).distinct().order_by(column)


def _tickets_with(tx: Tx, address: str) -> list[int]:
    found: set[int] = set()
    for column, where in (
        (tickets.c.id, tickets.c.requester == address),
        (participants.c.ticket_id, participants.c.address == address),
        (ticket_messages.c.ticket_id, ticket_messages.c.address == address),
    ):
        found.update(tx.scalars(select(column).where(where)))
    return sorted(found)


def _names(tx: Tx, address: str, rows: Iterable[Any]) -> tuple[str, ...]:
    """Every name that the address has gone by, the longest first."""
    found = {row.name for row in rows}
    for name, mail in (
        (tickets.c.requester_name, tickets.c.requester),
        (participants.c.name, participants.c.address),
        (ticket_messages.c.name, ticket_messages.c.address),
    ):
        found.update(tx.scalars(select(name).where(mail == address)))
    return tuple(
        sorted({each.strip() for each in found} - {""}, key=lambda each: (-len(each), each))
    )


# --- handing out --------------------------------------------------------------------------------


def rows_about(tx: Tx, who: Known) -> dict[str, list[dict[str, Any]]]:
    """Every row about a person, by table; raw mail apart."""
    conditions = {
        people: people.c.id == who.person_id,
        contacts: contacts.c.id.in_(who.contacts),
        customers: customers.c.id.in_(
            select(contacts.c.customer_id).where(contacts.c.id.in_(who.contacts))
        ),
        tickets: tickets.c.id.in_(who.tickets),
        participants: participants.c.address == who.address,
        ticket_messages: ticket_messages.c.address == who.address,
        inbox: inbox.c.id.in_(who.received),
        outbox: outbox.c.recipient == who.address,
        events: or_(events.c.actor == who.address, _mentions(events.c.data, who.address)),
    }
    return {
        table.name: [dict(row._mapping) for row in tx.execute(select(table).where(where))]  # noqa: SLF001  SQLAlchemy's public name for it
        for table, where in conditions.items()
    }


def raw_mail(tx: Tx, who: Known) -> Iterator[tuple[str, int, bytes]]:
    """The mails that a person sent ("received") and was sent ("sent"), as they are kept."""
    for kind, ids, table, number in (
        ("received", who.received, inbox_raw, inbox_raw.c.inbox_id),
        ("sent", who.sent, outgoing, outgoing.c.id),
    ):
        for each in ids:
            raw = tx.scalar(select(table.c.raw).where(number == each))
            if raw is not None:
                yield kind, each, bytes(raw)


# --- replacing ----------------------------------------------------------------------------------


def unprocessed(tx: Tx, who: Known) -> int:
    """How many of the person's messages have not been acted on."""
    waiting = and_(inbox.c.id.in_(who.received), inbox.c.state == "new")
    return tx.scalar(select(func.count()).select_from(inbox).where(waiting)) or 0


def end(tx: Tx, who: Known, pseudonym: str, number_name: str, *, removed: str) -> int:
    """Replace the person's own rows, and end what would still reach them.

    Gives how many of their messages were emptied.
    """
    named = {"name": number_name}
    register_changed(tx)
    tx.execute(
        update(contacts).where(contacts.c.id.in_(who.contacts)).values(**named, active=False)
    )
    tx.execute(update(people).where(people.c.id == who.person_id).values(**named))
    tx.execute(
        update(participants)
        .where(participants.c.address == who.address)
        .values(**named, silent=True)
    )
    tx.execute(
        update(tickets).where(tickets.c.requester == who.address).values(requester_name=number_name)
    )
    emptied = tx.execute(
        update(ticket_messages)
        .where(ticket_messages.c.address == who.address)
        .values(**named, text=removed)
    ).rowcount
    _let_go(tx, who)
    full_names = [name for name in who.names if " " in name]  # "Bo" is a word as well
    for column, rows in _texts_of(who.tickets, who.customers):
        for name in full_names:
            _rewrite(tx, column, rows, name, _words(name, number_name))
    rewrite_everywhere(tx, who.address, pseudonym)
    return emptied


def _let_go(tx: Tx, who: Known) -> None:
    """Nothing more is sent there, shelved mail from there is not tried again."""
    waiting = and_(outbox.c.recipient == who.address, outbox.c.state == "pending")
    tx.execute(update(outbox).where(waiting).values(state="failed", reply="erased"))
    shelved = and_(inbox.c.id.in_(who.received), inbox.c.state.in_(["shelved", "held"]))
    tx.execute(update(inbox).where(shelved).values(state="done", outcome="erased", reason=None))
    for row in tx.execute(select(customers.c.id, customers.c.reports_to)).all():
        left = [each for each in row.reports_to if each.casefold() != who.address]
        if left != list(row.reports_to):
            mine = customers.c.id == row.id
            tx.execute(update(customers).where(mine).values(reports_to=left))
    named = and_(customers.c.id.in_(who.customers), customers.c.your_reference.in_(who.names))
    tx.execute(update(customers).where(named).values(your_reference=None))


def _texts_of(
    ticket_ids: Iterable[int], customer_ids: Iterable[int]
) -> Iterator[tuple[Column[Any], Any]]:
    """Where others may have written the person's name."""
    ids = list(ticket_ids)
    yield tickets.c.subject, tickets.c.id.in_(ids)
    yield ticket_messages.c.text, ticket_messages.c.ticket_id.in_(ids)
    yield ledger.c.note, ledger.c.ticket_id.in_(ids)
    yield events.c.data, or_(events.c.ticket_id.in_(ids), events.c.customer_id.in_(customer_ids))


def _words(name: str, instead: str) -> Rewrite:
    found = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    return lambda text: found.sub(instead, text)


def address_in(address: str) -> re.Pattern[str]:
    """The address where it stands whole: not as a part of a longer one."""
    return re.compile(rf"(?<![\w.+%-]){re.escape(address)}(?![\w-]|\.\w)", re.IGNORECASE)


def rewrite_everywhere(tx: Tx, address: str, pseudonym: str) -> None:
    """Replace an address in every text of every table that the law does not keep as it is."""
    found = address_in(address)
    for table in metadata.sorted_tables:
        for column in _free_columns(table):
            _rewrite(tx, column, True, address, lambda text: found.sub(pseudonym, text))


def _free_columns(table: Table) -> Iterator[Column[Any]]:
    if table.name in _LAW:
        return
    for column in table.columns:
        if table is ledger and column.name != "note":
            continue
        if isinstance(column.type, Text | JSON) and column.name not in _OPAQUE:
            yield column


def _mentions(column: Column[Any], needle: str) -> Any:
    """The condition that a text, or JSON with its escapes, may hold that string."""
    text = func.lower(cast(column, Text))
    escaped = json.dumps(needle)[1:-1]
    return or_(
        text.contains(needle.lower(), autoescape=True),
        text.contains(escaped.lower(), autoescape=True),
    )


def _rewrite(tx: Tx, column: Column[Any], where: Any, needle: str, rewrite: Rewrite) -> None:
    """Rewrite a column's texts, each distinct one once; JSON row by row."""
    table = column.table
    hit = _mentions(column, needle) if where is True else and_(where, _mentions(column, needle))
    if isinstance(column.type, JSON):
        (key,) = table.primary_key.columns
        for row_id, value in tx.execute(select(key, column).where(hit)).all():
            new = _inside(value, rewrite)
            if new != value:
                tx.execute(update(table).where(key == row_id).values({column.name: new}))
        return
    for old in tx.scalars(select(column).where(hit).distinct()).all():
        new = rewrite(old)
        if new != old:
            tx.execute(update(table).where(column == old).values({column.name: new}))


def _inside(value: Any, rewrite: Rewrite) -> Any:
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, list):
        return [_inside(each, rewrite) for each in value]
    if isinstance(value, Mapping):
        return {rewrite(key): _inside(each, rewrite) for key, each in value.items()}
    return value


# --- raw mail -----------------------------------------------------------------------------------


def all_raw(tx: Tx) -> Iterator[tuple[Table, int, bytes]]:
    """Every mail that is kept whole, one at a time, as (table, number, bytes)."""
    for table, key in ((inbox_raw, inbox_raw.c.inbox_id), (outgoing, outgoing.c.id)):
        for each in tx.scalars(select(key).where(table.c.raw.is_not(None)).order_by(key)).all():
            yield table, each, bytes(tx.scalar(select(table.c.raw).where(key == each)) or b"")


def delete_raw(tx: Tx, table: Table, number: int) -> bool:
    """Delete a whole mail; False where it still has to be sent to somebody."""
    if table is outgoing:
        unsent = and_(outbox.c.outgoing_id == number, outbox.c.state.in_(["pending", "sending"]))
        if tx.scalar(select(func.count()).select_from(outbox).where(unsent)):
            return False
    key = outgoing.c.id if table is outgoing else inbox_raw.c.inbox_id
    tx.execute(update(table).where(key == number).values(raw=None))
    return True


# --- what the law keeps -------------------------------------------------------------------------


def booked_days(tx: Tx, who: Known) -> list[Any]:
    """The worked dates of time on the person's tickets, each with its number of ledger rows."""
    query = select(ledger.c.worked_on, func.count().label("rows")).where(
        or_(ledger.c.ticket_id.in_(who.tickets), ledger.c.inbox_id.in_(who.received))
    )
    return list(tx.execute(query.group_by(ledger.c.worked_on).order_by(ledger.c.worked_on)))


def billed_months(tx: Tx, who: Known) -> list[str]:
    """The months of the statements of the person's customers, one for each statement."""
    query = select(statements.c.month).where(statements.c.customer_id.in_(who.customers))
    return list(tx.scalars(query.order_by(statements.c.month)))
