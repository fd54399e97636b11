"""One message being acted on: everything that it does is one transaction (B3)."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.outgoing import answers, mailing
from daemon.desk.outgoing.mailing import Post
from daemon.desk.tickets import clocks
from daemon.domain.clock import Clocks, EventKind
from daemon.domain.ticket import Ticket
from daemon.store.mail import inbox
from daemon.store.session import Tx
from daemon.store.tickets import events, tickets
from parsers.body import Body, read_body
from parsers.message import Message, read


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as the desk reads it."""

    inbox_id: int
    received_at: dt.datetime
    message: Message
    body: Body
    envelope_to: tuple[str, ...] = ()  # the addresses of ours that it was delivered to

    @property
    def sender(self) -> str:
        """The address it claims to come from; empty where it has no single plain one."""
        return self.message.sender.address if self.message.sender else ""

    @property
    def sender_name(self) -> str:
        """The name that goes with it."""
        return self.message.sender.name if self.message.sender else ""

    @property
    def cause(self) -> str:
        """What events and ledger rows name as their cause (K1)."""
        return f"inbox:{self.inbox_id}"

    @property
    def written_to(self) -> tuple[tuple[str, str], ...]:
        """Everybody in To and Cc, as (name, address)."""
        return tuple((each.name, each.address) for each in (*self.message.to, *self.message.cc))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message, for the inbox."""

    outcome: str
    ticket_id: int | None = None
    state: str = "done"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """The transaction, the desk, the message, and what time it is (A4)."""

    tx: Tx
    desk: Desk
    mail: Incoming
    now: dt.datetime

    def is_desk(self, address: str) -> bool:
        """Whether an address reaches this desk, with a reply id in it or not (D3)."""
        account, _, domain = address.rpartition("@")
        return f"{account.partition('+')[0]}@{domain}" in self.desk.own_addresses

    @property
    def language(self) -> str:
        """What the desk's own people read."""
        return self.desk.settings.desk.language

    @property
    def day(self) -> dt.date:
        """The receipt date in the desk's zone (C11)."""
        return self.desk.calendar.day_of(self.mail.received_at)

    def stored(self, inbox_id: int) -> Incoming:
        """An earlier message as it was received (B2)."""
        message = read(inbox.raw(self.tx, inbox_id), self.desk.settings.intake.limits.for_parsers())
        body = read_body(message, own_markers=self.desk.markers)
        return Incoming(inbox_id, inbox.received(self.tx, inbox_id), message, body)

    def sentence(self, code: str, **facts: object) -> str:
        """A short sentence for the desk's own people."""
        return sentence(code, self.language, **facts)

    def post(self, letter: Any, post: Post) -> None:
        """Put a letter in the outbox, with the fact that causes it; none where J2 forbids it."""
        outside = [address for _, address in (*post.to, *post.cc)] if post.answer else ()
        if not answers.may_answer(self.tx, self.desk, outside, self.now):
            return
        mailing.post_later(self.tx, self.desk, letter, post, self.now)

    def happened(
        self,
        ticket: Ticket,
        kind: EventKind,
        *,
        actor: str = "",
        priority: int | None = None,
        answer: int | None = None,
    ) -> Clocks:
        """What the message does to a ticket's clocks, at its receipt (B2, E4)."""
        return clocks.happened(
            self.tx,
            self.desk,
            ticket,
            kind,
            at=self.mail.received_at,
            actor=actor or self.mail.sender or "?",
            cause=self.mail.cause,
            priority=priority,
            answer=answer,
        )

    def clocks_of(self, ticket: Ticket) -> Clocks:
        """A ticket's clocks at the message's receipt."""
        return clocks.read(self.tx, self.desk, ticket, self.mail.received_at)

    def record(self, ticket: Ticket | None, kind: str, actor: str = "", **data: object) -> None:
        """Note a change of a ticket (K1)."""
        mail, who = self.mail, actor or self.mail.sender or "?"
        event = events.Event(
            kind,
            mail.received_at,
            who,
            mail.cause,
            ticket.customer_id if ticket else None,
            ticket.id if ticket else None,
            data,
        )
        events.record(self.tx, event)

    def say(self, ticket: Ticket, author: str, text: str, *, internal: bool = False) -> None:
        """Add the message to a ticket's conversation."""
        tickets.say(
            self.tx,
            ticket.id,
            inbox_id=self.mail.inbox_id,
            at=self.mail.received_at,
            author=author,
            address=self.mail.sender,
            name=self.mail.sender_name,
            text=text,
            internal=internal,
        )
