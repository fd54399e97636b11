"""One mail of the notices that waited: very many had come to one of our people (J2)."""

import datetime as dt
from collections.abc import Sequence

from daemon.desk.context import By, Desk
from daemon.desk.engineers import by_line
from daemon.desk.hours import worklog
from daemon.desk.letters.records import Said, TicketLine
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_engineers import ManyNotices, Told, ToldTicket
from daemon.desk.outgoing.mailing import Post, post
from daemon.desk.tickets import clocks, relay
from daemon.desk.tickets.turn import Incoming, stored
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store.mail import notices
from daemon.store.mail.notices import Waiting
from daemon.store.money import register
from daemon.store.tickets import tickets
from parsers.protection import without_signatures

_TOGETHER = 100  # notices in one mail; more come with the next


def send_due(desk: Desk, now: dt.datetime) -> bool:
    """Send each person's waiting notices, when the first has waited its time; False with none."""
    within = desk.settings.desk.gather_within
    with desk.store.reading() as tx:
        if not notices.due(tx, now, within):
            return False
    with desk.store.acting() as tx:
        due = notices.due(tx, now, within)
        by = By(tx, desk, "avtald", now, "clock", now)
        for person_id, waiting in due.items():
            for start in range(0, len(waiting), _TOGETHER):
                _send(by, register.person(tx, person_id), waiting[start : start + _TOGETHER])
    return bool(due)


def _send(by: By, person: Person, waiting: Sequence[Waiting]) -> None:
    told: dict[int, tuple[Ticket, list[Told]]] = {}
    for row in waiting:
        ticket = tickets.living(by.tx, tickets.by_id(by.tx, row.ticket_id))
        told.setdefault(ticket.id, (ticket, []))[1].append(_told(by, row))
    letter = ManyNotices(tuple(ToldTicket(_line(by, t), tuple(of)) for t, of in told.values()))
    mail = Post(
        key=f"notices:{waiting[0].id}",
        kind="notices",
        to=((person.name, person.email),),
        about=by_line.listing({ticket.number: (person.id,) for ticket, _ in told.values()}),
    )
    notices.told(by.tx, [row.id for row in waiting], post(by.tx, by.desk, letter, mail, by.now))


def _told(by: By, row: Waiting) -> Told:
    """A notice with its message; without the words of one that has been erased (K2)."""
    if row.inbox_id is None:
        said = tickets.said(by.tx, row.ticket_id, last=1)
        last = Said(said[0].name or said[0].address, said[0].at, said[0].text) if said else None
        return Told(last, tuple(row.remarks))
    try:
        mail = stored(by, row.inbox_id)
    except KeyError:
        return Told(None, tuple(row.remarks))
    words = relay.said_in(mail)
    said_by = Said(relay.writer(mail), words.at, words.text, words.forwarded)
    return Told(said_by, (*row.remarks, *_files(by, mail)))


def _files(by: By, mail: Incoming) -> tuple[str, ...]:
    """A remark with the names of a message's files: they stay with the message."""
    names = ", ".join(file.name for file in without_signatures(mail.message.attachments))
    return (sentence("files", by.desk.language, names=names),) if names else ()


def _line(by: By, ticket: Ticket) -> TicketLine:
    due = clocks.next_deadline(clocks.read(by.tx, by.desk, ticket, by.at))
    assignee = register.person(by.tx, ticket.assignee_id) if ticket.assignee_id else None
    return TicketLine(
        ticket.number,
        ticket.subject,
        customer=worklog.customer_name(by.tx, ticket),
        level=ticket.priority,
        due_at=by.desk.calendar.promise(due) if due else None,
        assignee=assignee.name if assignee else None,
    )
