"""Telling those concerned what happened to a ticket where no answer says it, once (issue of D8)."""

from daemon.desk import clocks, relay, worklog
from daemon.desk.letters import Assigned, Said, TagCard, TicketNews
from daemon.desk.mailing import Post, thread_of
from daemon.desk.work import Work
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store import tickets


def to_customer(work: Work, what: str, ticket: Ticket, *, other: int | None = None) -> None:
    """Closed, reopened or merged: the customer's side hears it."""
    side = tuple((each.name, each.address) for each in relay.customer_side(work.tx, ticket))
    if ticket.spam or ticket.customer_id is None or not side:
        return
    inbox_id = work.turn.mail.inbox_id
    work.turn.post(
        TicketNews(
            work.turn.desk.settings.desk.name, ticket.number, ticket.subject, what, other=other
        ),
        Post(
            key=f"news:{what}:{inbox_id}", kind="news", to=side[:1], cc=side[1:],
            language=ticket.language, ticket=ticket, inbox_id=inbox_id,
        ),
    )  # fmt: skip


def assigned(work: Work, person: Person) -> None:
    """Whoever is given a ticket by somebody else hears of it, with its last message."""
    if person.id == work.person.id:
        return
    ticket = work.ticket
    said = tickets.said(work.tx, ticket.id, last=1)
    due = clocks.next_deadline(work.turn.clocks_of(ticket))
    work.turn.post(
        Assigned(
            ticket.number, ticket.subject, worklog.customer_name(work.tx, ticket),
            ticket.priority, work.turn.desk.calendar.promise(due) if due else None,
            work.person.name,
            Said(said[0].name or said[0].address, said[0].at, said[0].text) if said else None,
        ),
        Post(
            key=f"assigned:{work.turn.mail.inbox_id}:{person.id}", kind="notice",
            to=((person.name, person.email),), language=work.turn.language, ticket=ticket,
            inbox_id=work.turn.mail.inbox_id,
        ),
    )  # fmt: skip


def tag_card(work: Work) -> None:
    """C9: the card of tags, to whoever asked for it."""
    mail = work.turn.mail
    work.turn.post(
        TagCard(),
        Post(
            key=f"card:{mail.inbox_id}", kind="card", to=((work.person.name, work.person.email),),
            language=work.turn.language, in_reply_to=mail.message.message_id,
            references=thread_of(mail.message.message_id, ()),
        ),
    )  # fmt: skip
