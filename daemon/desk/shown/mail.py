"""The inbox and its shelf, and one message's way through the desk, as `avtald mail` shows them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.domain.refusal import RefusedError
from daemon.store.mail import inbox
from daemon.store.rows import record


@dataclass(frozen=True, slots=True)
class Listed:
    """A message in the list of the inbox."""

    id: int
    received_at: dt.datetime
    source: str
    from_: str | None
    kind: str | None
    state: str
    outcome: str | None
    ticket: int | None
    attempts: int
    reason: str | None
    size: int
    identity: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One arrival of a message at a door."""

    received_at: dt.datetime
    source: str
    mailbox: str | None
    uidvalidity: int | None
    uid: int | None
    moved: bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """An event caused by a message."""

    at: dt.datetime
    kind: str
    actor: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail to one recipient, caused by a message."""

    kind: str
    to: str
    state: str
    attempts: int
    sent_at: dt.datetime | None
    reply: str | None


@dataclass(frozen=True, slots=True)
class Way:
    """A message's way through the desk: its deliveries, its effects and its mails."""

    id: int
    received_at: dt.datetime
    source: str
    from_: str | None
    envelope_from: str | None
    envelope_to: Sequence[str] | None
    message_id: str | None
    identity: str
    size: int
    state: str
    kind: str | None
    outcome: str | None
    reason: str | None
    attempts: int
    processed_at: dt.datetime | None
    ticket: int | None
    deliveries: Sequence[Delivery]
    events: Sequence[Event]
    mails: Sequence[Sent]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A message in line again, and its state."""

    id: int
    state: str


def listing(desk: Desk, *, shelved: bool) -> list[Listed]:
    """The newest messages, or those on the shelf."""
    with desk.store.reading() as tx:
        rows = inbox.listing(tx, states=["shelved"] if shelved else None)
    return [record(Listed, row, from_=row.sender, ticket=row.ticket_number) for row in rows]


def way(desk: Desk, message: int) -> Way:
    """The way of the message with an id."""
    with desk.store.reading() as tx:
        kept = inbox.way(tx, message)
    if kept is None:
        raise RefusedError(desk.say(f"det finns inget mejl {message}", f"no message {message}"))
    row = kept.message
    return record(
        Way,
        row,
        from_=row.sender,
        ticket=row.ticket_number,
        deliveries=[record(Delivery, each) for each in kept.deliveries],
        events=[record(Event, each) for each in kept.events],
        mails=[record(Sent, each, to=each.recipient) for each in kept.mails],
    )


def replay(desk: Desk, message: int, now: dt.datetime) -> Replayed:
    """Put a shelved message in line again, with the time of its receipt (B4)."""
    from daemon.desk.outgoing import alarms  # costly, and of no use to the lists

    with desk.store.writing() as tx:
        if not inbox.reopen(tx, message):
            raise RefusedError(
                desk.say(
                    f"mejl {message} ligger inte på hyllan", f"message {message} is not shelved"
                )
            )
        alarms.unshelved(tx, message, now)
    return Replayed(message, "new")
