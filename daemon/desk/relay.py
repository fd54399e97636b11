"""Carrying messages between the two sides of a ticket (D8), and telling engineers what to act on."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.desk import clocks, worklog
from daemon.desk.context import Desk
from daemon.desk.letters import Answer, Notice, Said
from daemon.desk.mailing import Post, people, post, thread_of
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store import register, tickets
from daemon.store.session import Tx
from daemon.store.tickets import Participant
from parsers.body import Body
from parsers.message import Message

_HISTORY = 3  # messages that a notice repeats


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as the desk reads it."""

    inbox_id: int
    received_at: dt.datetime
    message: Message
    body: Body

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


def customer_side(tx: Tx, ticket: Ticket) -> list[Participant]:
    """Requester and participants who get mail (D3, D8)."""
    return [each for each in tickets.participants_of(tx, ticket.id) if not each.silent]


def answer_customer(
    tx: Tx, desk: Desk, ticket: Ticket, person: Person, mail: Incoming, text: str,
    now: dt.datetime, *, html: str | None = None,
) -> tuple[str, ...]:  # fmt: skip
    """D8: send an engineer's text to requester and participants; gives whom it went to."""
    side = customer_side(tx, ticket)
    if not side:
        return ()
    addresses = tuple((each.name, each.address) for each in side)
    previous = _last_of_customer(tx, ticket)
    post(
        tx, desk,
        Answer(
            desk.settings.desk.name, ticket.number, person.name, text, html,
            _as_said(previous) if previous else None,
        ),
        Post(
            key=f"answer:{mail.inbox_id}", kind="relay", to=addresses[:1], cc=addresses[1:],
            language=ticket.language, ticket=ticket, inbox_id=mail.inbox_id,
            from_name=f"{person.name} ({desk.settings.desk.name})", automatic=False,
            in_reply_to=_customer_message_id(tx, ticket), attachments=mail.message.attachments,
            customer_side=frozenset(address for _, address in addresses),
        ),
        now,
    )  # fmt: skip
    return tuple(address for _, address in addresses)


def _last_of_customer(tx: Tx, ticket: Ticket) -> tickets.TicketMessage | None:
    said = [each for each in tickets.said(tx, ticket.id, last=20) if each.author == "customer"]
    return said[-1] if said else None


def _as_said(message: tickets.TicketMessage) -> Said:
    return Said(message.name or message.address, message.at, message.text)


def _customer_message_id(tx: Tx, ticket: Ticket) -> str | None:
    last = _last_of_customer(tx, ticket)
    if last is None or last.inbox_id is None:
        return None
    return tickets.message_id_of(tx, last.inbox_id)


def audience(tx: Tx, ticket: Ticket, *, but: str = "") -> Sequence[Person]:
    """D8: the assignee, else all engineers; not the writer of the message."""
    assignee = register.person(tx, ticket.assignee_id) if ticket.assignee_id else None
    if assignee is not None and assignee.active:
        found: Sequence[Person] = (assignee,)
    else:
        found = register.people_with_role(tx, "engineer")
    return [person for person in found if person.email != but]


def tell_engineers(
    tx: Tx, desk: Desk, ticket: Ticket, mail: Incoming, now: dt.datetime, *,
    new: bool, remarks: tuple[str, ...] = (), author: str = "",
) -> None:  # fmt: skip
    """D8: a customer's message to the assignee, else to all engineers, with what they need."""
    readers = audience(tx, ticket, but=author)
    post(
        tx, desk, _notice(tx, desk, ticket, mail, now, new=new, remarks=remarks),
        Post(
            key=f"notice:{mail.inbox_id}", kind="notice", to=people(readers),
            language=desk.settings.desk.language, ticket=ticket, inbox_id=mail.inbox_id,
            from_name=f"{mail.sender_name or mail.sender} ({desk.settings.desk.name})",
            references=thread_of(mail.message.message_id, ()),
            attachments=mail.message.attachments,
        ),
        now,
    )  # fmt: skip


def _notice(
    tx: Tx, desk: Desk, ticket: Ticket, mail: Incoming, now: dt.datetime, *,
    new: bool, remarks: tuple[str, ...],
) -> Notice:  # fmt: skip
    customer = register.customer(tx, ticket.customer_id) if ticket.customer_id else None
    version = clocks.agreement_at_opening(tx, desk, ticket)
    deadline = clocks.next_deadline(clocks.read(tx, desk, ticket, now))
    bank = worklog.bank(tx, desk, ticket.customer_id, desk.calendar.day_of(mail.received_at))
    assignee = register.person(tx, ticket.assignee_id) if ticket.assignee_id else None
    earlier = [
        m for m in tickets.said(tx, ticket.id, last=_HISTORY + 1) if m.inbox_id != mail.inbox_id
    ]
    return Notice(
        number=ticket.number,
        subject=ticket.subject,
        customer=customer.name if customer else None,
        customer_key=customer.key if customer else None,
        plan_name=version.terms.plan_name if version else None,
        sender=f"{mail.sender_name} <{mail.sender}>" if mail.sender_name else mail.sender,
        level=ticket.priority,
        new=new,
        assignee=assignee.name if assignee else None,
        due_at=None if deadline is None else desk.calendar.promise(deadline),
        bank_left=bank.left if bank.period else None,
        said=said_in(mail),
        history=tuple(_as_said(m) for m in reversed(earlier[-_HISTORY:])),
        remarks=remarks,
    )


def said_in(mail: Incoming) -> Said:
    """What a message says, for its readers: new text, and what its sender forwarded (C3)."""
    return Said(
        mail.sender_name or mail.sender,
        mail.received_at,
        mail.body.new.strip(),
        mail.body.forwarded,
    )
