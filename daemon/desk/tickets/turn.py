"""A message and the transaction of all its effects (B3)."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import By, Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.outgoing import answers
from daemon.desk.outgoing.mailing import Post
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store.mail import inbox
from daemon.store.session import Tx
from daemon.store.tickets import tickets
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
        """The address of its From; empty without a single plain one."""
        return self.message.sender.address if self.message.sender else ""

    @property
    def sender_name(self) -> str:
        """The name of its From."""
        return self.message.sender.name if self.message.sender else ""

    @property
    def cause(self) -> str:
        """The cause in its events and ledger rows (K1)."""
        return f"inbox:{self.inbox_id}"

    @property
    def written_to(self) -> tuple[tuple[str, str], ...]:
        """Everybody in To and Cc, as (name, address)."""
        return tuple((each.name, each.address) for each in (*self.message.to, *self.message.cc))


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a message, for the inbox."""

    outcome: str
    ticket_id: int | None = None
    state: str = "done"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """The transaction, the desk, the message and the time (A4)."""

    tx: Tx
    desk: Desk
    mail: Incoming
    now: dt.datetime

    def by(self, person: Person | None = None) -> By:
        """The message as a cause: of its sender, or of a person under the registered address."""
        actor = person.email if person else self.mail.sender or "?"
        at, cause, inbox_id = self.mail.received_at, self.mail.cause, self.mail.inbox_id
        return By(self.tx, self.desk, actor, at, cause, self.now, person, inbox_id)

    @property
    def language(self) -> str:
        """The language of the desk's own people."""
        return self.desk.settings.desk.language

    @property
    def day(self) -> dt.date:
        """The receipt date in the desk's zone (C11)."""
        return self.desk.calendar.day_of(self.mail.received_at)

    def sentence(self, code: str, **facts: object) -> str:
        """A short sentence for the desk's own people."""
        return sentence(code, self.language, **facts)

    def post(self, letter: Any, post: Post) -> None:
        """Put a letter in the outbox, in the transaction of its cause, unless J2 forbids it."""
        answers.post(self.by(), letter, post)

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


def stored(by: By, inbox_id: int) -> Incoming:
    """An earlier message as it was received (B2)."""
    message = read(inbox.raw(by.tx, inbox_id), by.desk.settings.intake.limits.for_parsers())
    body = read_body(message, own_markers=by.desk.markers)
    return Incoming(inbox_id, inbox.received(by.tx, inbox_id), message, body)
