"""One person in the database: the rows with the address, and everything about the person (K2)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, and_, func, or_, select

from daemon.store.keeping.replacing import likely
from daemon.store.schema.tables import (
    contacts,
    customers,
    events,
    inbox,
    inbox_raw,
    ledger,
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


@dataclass(frozen=True, slots=True)
class Known:
    """A person's addresses and names, and the ids of the rows with them, in order."""

    address: str  # that was asked for
    addresses: tuple[str, ...]  # with the aliases of somebody who works here
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
        """True if no row has the address."""
        return not (self.person_id or self.contacts or self.tickets or self.received or self.sent)


def known(tx: Tx, address: str) -> Known:
    """Look a person up in every table; the address is in the form that equal addresses share."""
    person = tx.execute(
        select(people.c.id, people.c.active, people.c.name)
        .join(people_addresses)
        .where(people_addresses.c.address == address)
    ).first()
    addresses = _addresses(tx, address, person.id if person else None)
    mine = tx.execute(select(contacts).where(contacts.c.email.in_(addresses))).all()
    on = _tickets_with(tx, addresses)
    owners = {row.customer_id for row in mine} | set(
        tx.scalars(select(tickets.c.customer_id).where(tickets.c.id.in_(on)))
    )
    sent_by = or_(inbox.c.sender.in_(addresses), func.lower(inbox.c.envelope_from).in_(addresses))
    return Known(
        address=address,
        addresses=addresses,
        names=_names(tx, addresses, [*mine, *([person] if person else [])]),
        person_id=person.id if person else None,
        is_active_person=bool(person and person.active),
        contacts=tuple(row.id for row in mine),
        customers=tuple(sorted(owners - {None})),
        tickets=tuple(on),
        received=tuple(tx.scalars(_sorted(inbox.c.id, sent_by))),
        sent=tuple(tx.scalars(_sorted(outbox.c.outgoing_id, outbox.c.recipient.in_(addresses)))),
    )


def _addresses(tx: Tx, address: str, person_id: int | None) -> tuple[str, ...]:
    aliases = select(people_addresses.c.address).where(people_addresses.c.person_id == person_id)
    return (address, *(alias for alias in sorted(tx.scalars(aliases)) if alias != address))


def _sorted(column: Column[Any], where: Any) -> Any:
    return select(column).where(where).distinct().order_by(column)


def _tickets_with(tx: Tx, addresses: tuple[str, ...]) -> list[int]:
    numbers: set[int] = set()
    for column, address in (
        (tickets.c.id, tickets.c.requester),
        (participants.c.ticket_id, participants.c.address),
        (ticket_messages.c.ticket_id, ticket_messages.c.address),
    ):
        numbers.update(tx.scalars(select(column).where(address.in_(addresses))))
    return sorted(numbers)


def _names(tx: Tx, addresses: tuple[str, ...], rows: Iterable[Any]) -> tuple[str, ...]:
    """Every name that the addresses have gone by, the longest first."""
    names = {row.name for row in rows}
    for name, mail in _NAMED[2:]:
        names.update(tx.scalars(select(name).where(mail.in_(addresses))))
    return tuple(
        sorted({each.strip() for each in names} - {""}, key=lambda each: (-len(each), each))
    )


# Where a name stands beside the address that it belongs to.
_NAMED = (
    (contacts.c.name, contacts.c.email),
    (people.c.name, people.c.email),
    (tickets.c.requester_name, tickets.c.requester),
    (participants.c.name, participants.c.address),
    (ticket_messages.c.name, ticket_messages.c.address),
)


def namesakes(tx: Tx, who: Known) -> tuple[str, ...]:
    """The person's names that somebody with another address goes by as well."""
    shared: set[str] = set()
    names = {name.casefold() for name in who.names}
    for name, mail in _NAMED:
        theirs = select(name).distinct().where(mail.not_in(who.addresses), name != "")
        shared.update(each for each in tx.scalars(theirs) if each.strip().casefold() in names)
    return tuple(sorted(shared))


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
        participants: participants.c.address.in_(who.addresses),
        ticket_messages: ticket_messages.c.address.in_(who.addresses),
        inbox: inbox.c.id.in_(who.received),
        outbox: outbox.c.recipient.in_(who.addresses),
        events: or_(
            events.c.actor.in_(who.addresses),
            *(likely(events.c.data, each) for each in who.addresses),
        ),
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
        for message in ids:
            raw = tx.scalar(select(table.c.raw).where(number == message))
            if raw is not None:
                yield kind, message, bytes(raw)


def keys_of(tx: Tx, customer_ids: Iterable[int]) -> list[str]:
    """The keys of customers, in order."""
    query = select(customers.c.key).where(customers.c.id.in_(list(customer_ids)))
    return list(tx.scalars(query.order_by(customers.c.key)))


def names_a_customer(tx: Tx, who: Known) -> bool:
    """True where the name of a customer has the person's: a firm in the owner's name keeps it."""
    names = [name.casefold() for name in who.names if " " in name]
    mine = select(customers.c.name).where(customers.c.id.in_(who.customers))
    return any(name in each.casefold() for each in tx.scalars(mine) for name in names)


def unprocessed(tx: Tx, who: Known) -> int:
    """The number of the person's messages that have not been acted on."""
    waiting = and_(inbox.c.id.in_(who.received), inbox.c.state == "new")
    return tx.scalar(select(func.count()).select_from(inbox).where(waiting)) or 0


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
