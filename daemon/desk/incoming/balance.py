"""Balance by mail: a contact asks with the subject `saldo` or `balance` (J5)."""

from daemon.desk.hours import balances
from daemon.desk.letters.records import TicketLine
from daemon.desk.letters.to_customers import Balance
from daemon.desk.outgoing.mailing import Post, thread_of
from daemon.desk.tickets.turn import Incoming, Turn
from daemon.domain import time_bank
from daemon.domain.agreement import in_force
from daemon.domain.register import Contact, Customer
from daemon.domain.ticket import Status
from daemon.store.money import register
from daemon.store.tickets import tickets
from parsers.subject import base_subject

_ASKS = frozenset({"saldo", "balance"})
_GREETING = 30  # words, with a name and an address below them


def asks(mail: Incoming) -> bool:
    """Tell if the subject is one such word."""
    return base_subject(mail.message.subject).strip(" ?!.").casefold() in _ASKS


def says_more(mail: Incoming) -> bool:
    """Tell if a mail holds more than a greeting: it opens a ticket too, for somebody to read."""
    files = any(not each.inline for each in mail.message.attachments)
    return files or len(mail.body.shown.split()) > _GREETING


def answer(turn: Turn, customer: Customer, contact: Contact) -> None:
    """Tell the rest of the bank, and the open tickets."""
    mail = turn.mail
    language = customer.language or turn.language
    turn.post(
        _balance(turn, customer, contact),
        Post(
            key=f"balance:{mail.inbox_id}",
            kind="balance",
            to=((contact.name, mail.sender),),
            language=language,
            inbox_id=mail.inbox_id,
            answer=True,
            in_reply_to=mail.message.message_id,
            references=thread_of(mail.message.message_id, ()),
        ),
    )


def _balance(turn: Turn, customer: Customer, contact: Contact) -> Balance:
    version = in_force(register.versions_of(turn.tx, customer.id), turn.day)
    bank = time_bank.balance(balances.reckoning(turn.tx, turn.desk, customer.id), turn.day)
    return Balance(
        desk_name=turn.desk.settings.desk.name,
        name=contact.name,
        customer=customer.name,
        plan_name=version.terms.plan_name if version else None,
        bank_period=str(bank.period) if bank.period else None,
        granted=bank.granted,
        used=bank.used,
        overage=bank.overage,
        tickets=_open_tickets(turn, customer),
    )


def _open_tickets(turn: Turn, customer: Customer) -> tuple[TicketLine, ...]:
    living = tickets.listing(turn.tx, statuses=(Status.OPEN, Status.WAITING))
    mine = [ticket for ticket in living if ticket.customer_id == customer.id]
    due = {
        row.ticket_id: row.due_at
        for row in tickets.clock_rows(turn.tx, [ticket.id for ticket in mine])
        if row.result == "running" and row.due_at
    }
    return tuple(
        TicketLine(
            ticket.number,
            ticket.subject,
            level=ticket.priority,
            due_at=turn.desk.calendar.promise(due[ticket.id]) if ticket.id in due else None,
        )
        for ticket in mine
    )
