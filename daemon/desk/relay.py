"""Carrying messages between the two sides of a ticket (D8)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from daemon.desk import clocks, worklog
from daemon.desk.letters import Answer, Notice, Said
from daemon.desk.mailing import Post, people, thread_of
from daemon.desk.turn import Incoming, Turn
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store import register, tickets
from daemon.store.session import Tx
from daemon.store.tickets import Participant, TicketMessage
from parsers.message import Attachment
from parsers.protection import protection, without_signatures

_HISTORY = 3  # messages that a notice repeats
_AROUND = 256 * 1024  # texts and headers around the files of a mail


def customer_side(tx: Tx, ticket: Ticket) -> list[Participant]:
    """Requester and participants who get mail (D3, D8)."""
    return [each for each in tickets.participants_of(tx, ticket.id) if not each.silent]


def answer_customer(
    turn: Turn, ticket: Ticket, person: Person, text: str, *, html: str | None = None
) -> tuple[str, ...]:
    """D8: send an engineer's text to requester and participants; gives whom it went to."""
    addresses = tuple((each.name, each.address) for each in customer_side(turn.tx, ticket))
    if not addresses:
        return ()
    desk_name = turn.desk.settings.desk.name
    files, left_out = _carried(turn)
    previous = _last_of_customer(turn.tx, ticket)
    turn.post(
        Answer(
            desk_name, ticket.number, person.name, text, html,
            _as_said(previous) if previous else None, ticket.subject, left_out,
        ),
        Post(
            key=f"answer:{turn.mail.inbox_id}", kind="relay", to=addresses[:1],
            cc=addresses[1:],
            language=ticket.language, ticket=ticket, inbox_id=turn.mail.inbox_id,
            from_name=f"{person.name} ({desk_name})", automatic=False,
            in_reply_to=_message_id(turn.tx, previous), attachments=files,
            customer_side=frozenset(address for _, address in addresses),
        ),
    )  # fmt: skip
    return tuple(address for _, address in addresses)


def _last_of_customer(tx: Tx, ticket: Ticket) -> TicketMessage | None:
    said = [each for each in tickets.said(tx, ticket.id, last=20) if each.author == "customer"]
    return said[-1] if said else None


def _as_said(message: TicketMessage) -> Said:
    return Said(message.name or message.address, message.at, message.text)


def _message_id(tx: Tx, message: TicketMessage | None) -> str | None:
    if message is None or message.inbox_id is None:
        return None
    return tickets.message_id_of(tx, message.inbox_id)


def audience(tx: Tx, ticket: Ticket, day: dt.date) -> Sequence[Person]:
    """D8: the assignee, else all engineers; also where the assignee is away that day."""
    assignee = register.person(tx, ticket.assignee_id) if ticket.assignee_id else None
    if assignee is not None and assignee.active and not assignee.is_absent(day):
        return (assignee,)
    engineers = register.people_with_role(tx, "engineer")
    return [each for each in engineers if not each.is_absent(day)] or engineers


def hand_over(turn: Turn, ticket: Ticket, absent: Person) -> None:
    """The assignee's own out-of-office: for the day, what comes goes to all engineers."""
    register.keep_person(turn.tx, replace(absent, absent_until=turn.day))
    turn.record(ticket, "absent", absent.email, until=turn.day.isoformat())
    remark = turn.sentence("absent", name=absent.name)
    tell_engineers(turn, ticket, new=False, remarks=(remark,))


def cautions(turn: Turn) -> tuple[str, ...]:
    """What engineers should know before they read a message."""
    return (turn.sentence("encrypted"),) if protection(turn.mail.message) == "encrypted" else ()


def _carried(turn: Turn) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    """The files that go along, and the names of those too large for the outgoing server.

    A signature no longer fits a text that was changed on the way, and stays behind.
    """
    files = without_signatures(turn.mail.message.attachments)
    outgoing = turn.desk.settings.outgoing
    limit = outgoing.max_size if outgoing else 25 * 1024**2
    size = _AROUND + sum(len(each.content) * 4 // 3 for each in files)
    if size <= limit:
        return files, ()
    return (), tuple(each.name for each in files)


def tell_engineers(turn: Turn, ticket: Ticket, *, new: bool, remarks: tuple[str, ...] = ()) -> None:
    """D8: a customer's message to the assignee, else to all engineers, with what they need."""
    mail = turn.mail
    files, left_out = _carried(turn)
    if left_out:
        remarks += (turn.sentence("left_out", names=", ".join(left_out)),)
    turn.post(
        _notice(turn, ticket, new=new, remarks=remarks),
        Post(
            key=f"notice:{mail.inbox_id}", kind="notice", language=turn.language, ticket=ticket,
            to=people(audience(turn.tx, ticket, turn.day)), inbox_id=mail.inbox_id,
            from_name=f"{mail.sender_name or mail.sender} ({turn.desk.settings.desk.name})",
            references=thread_of(mail.message.message_id, ()),
            attachments=files,
        ),
    )  # fmt: skip


def _notice(turn: Turn, ticket: Ticket, *, new: bool, remarks: tuple[str, ...]) -> Notice:
    mail = turn.mail
    customer = register.customer(turn.tx, ticket.customer_id) if ticket.customer_id else None
    version = clocks.agreement_at_opening(turn.tx, turn.desk, ticket)
    deadline = clocks.next_deadline(turn.clocks_of(ticket))
    bank = worklog.bank(turn.tx, turn.desk, ticket.customer_id, turn.day)
    assignee = register.person(turn.tx, ticket.assignee_id) if ticket.assignee_id else None
    said = tickets.said(turn.tx, ticket.id, last=_HISTORY + 1)
    earlier = [each for each in said if each.inbox_id != mail.inbox_id][-_HISTORY:]
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
        due_at=None if deadline is None else turn.desk.calendar.promise(deadline),
        bank_left=bank.left if bank.period else None,
        said=said_in(mail),
        history=tuple(_as_said(message) for message in reversed(earlier)),
        remarks=remarks,
    )


def said_in(mail: Incoming) -> Said:
    """What a message says to its readers: new text, and what its sender forwarded (C3)."""
    name = mail.sender_name or mail.sender
    return Said(name, mail.received_at, mail.body.new.strip(), mail.body.forwarded)
