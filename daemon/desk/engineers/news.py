"""Telling those concerned what happened to a ticket where no answer says it, once (issue of D8)."""

from collections.abc import Sequence

from daemon.desk.engineers.work import Work
from daemon.desk.hours import worklog
from daemon.desk.letters.records import Assigned, Said, TagCard, TicketNews
from daemon.desk.outgoing.mailing import Post, thread_of
from daemon.desk.tickets import clocks, relay
from daemon.desk.tickets.confirm import confirm_placed, tell_priority
from daemon.domain.register import Person
from daemon.domain.ticket import Status, Ticket
from daemon.store.money import register
from daemon.store.tickets import tickets
from daemon.store.tickets.tickets import Participant


def to_customer(work: Work, what: str, ticket: Ticket) -> None:
    """Closed or reopened: the customer's side hears it."""
    _tell(work, what, ticket, relay.customer_side(work.tx, ticket))


def merged(work: Work, ticket: Ticket, side: Sequence[Participant]) -> None:
    """Merged: those who took part in the ticket that is no more hear which one goes on."""
    _tell(work, "merged", ticket, side, other=work.ticket.number)


def _tell(
    work: Work, what: str, ticket: Ticket, side: Sequence[Participant], *, other: int | None = None
) -> None:
    """Nobody hears of spam, or of a ticket that a machine opened (J2)."""
    if ticket.spam or ticket.customer_id is None:
        return
    if not tickets.was_confirmed(work.tx, ticket.id):
        return
    inbox_id = work.turn.mail.inbox_id
    desk_name = work.turn.desk.settings.desk.name
    for number, group in enumerate(relay.groups(work.tx, ticket, side)):
        to = tuple((each.name, each.address) for each in group)
        work.turn.post(
            TicketNews(desk_name, ticket.number, ticket.subject, what, other),
            Post(
                key=f"news:{what}:{inbox_id}:{ticket.id}" + (f":{number}" if number else ""),
                kind="news",
                to=to[:1],
                cc=to[1:],
                language=ticket.language,
                ticket=ticket,
                inbox_id=inbox_id,
            ),
        )


def of_work(work: Work, text: str) -> None:
    """Once all is done: those concerned who have not heard of it otherwise."""
    answered = bool(work.relayed_to) or work.not_relayed == "direct"
    if work.reopened and not answered:
        to_customer(work, "reopened", work.ticket)
    if work.placed and not answered and _awaits_promise(work):
        confirm_placed(work.turn, work.ticket)
    elif work.level_before is not None and work.level_before.id == work.ticket.id:
        tell_priority(work.turn, work.level_before, work.ticket)
    to_colleagues(work, text)


def _awaits_promise(work: Work) -> bool:
    """Whether a customer who has been found waits for a first word of ours on the matter.

    Another customer's own people, whose ticket was moved, are not told whose it is now.
    """
    ticket = work.ticket
    owner = register.customer_of_address(work.tx, ticket.requester)
    if ticket.status != Status.OPEN or (owner and owner[0].id != ticket.customer_id):
        return False
    response = work.turn.clocks_of(ticket).response
    if response is not None:
        return response.running
    said = tickets.said(work.tx, ticket.id)
    return not any(each.author == "engineer" and not each.internal for each in said)


def to_colleagues(work: Work, text: str) -> None:
    """The assignee hears what somebody else wrote or did; without one all read an internal note."""
    readers = [each for each in _colleagues(work) if each.id not in {work.person.id, work.told}]
    if not readers or not (text or work.done) or work.opened or work.ticket.spam:
        return
    codes = ["answered_by"] if work.relayed_to else ["note_internal"] if text else []
    remarks = [work.turn.sentence(code, name=work.person.name) for code in codes]
    relay.tell_colleagues(work.turn, work.ticket, readers, (*remarks, *work.done))


def _colleagues(work: Work) -> Sequence[Person]:
    if work.ticket.assignee_id is None and work.not_relayed != "internal":
        return ()
    return relay.audience(work.tx, work.ticket, work.turn.day)


def assigned(work: Work, person: Person) -> None:
    """Whoever is given a ticket by somebody else hears of it, with its last message."""
    if person.id == work.person.id:
        return
    work.told = person.id
    ticket = work.ticket
    said = tickets.said(work.tx, ticket.id, last=1)
    due = clocks.next_deadline(work.turn.clocks_of(ticket))
    work.turn.post(
        Assigned(
            ticket.number,
            ticket.subject,
            worklog.customer_name(work.tx, ticket),
            ticket.priority,
            work.turn.desk.calendar.promise(due) if due else None,
            work.person.name,
            Said(said[0].name or said[0].address, said[0].at, said[0].text) if said else None,
        ),
        Post(
            key=f"assigned:{work.turn.mail.inbox_id}:{ticket.id}:{person.id}",
            kind="notice",
            to=((person.name, person.email),),
            language=work.turn.language,
            ticket=ticket,
            inbox_id=work.turn.mail.inbox_id,
        ),
    )


def tag_card(work: Work) -> None:
    """C9: the card of tags, to whoever asked for it."""
    mail = work.turn.mail
    work.turn.post(
        TagCard(),
        Post(
            key=f"card:{mail.inbox_id}",
            kind="card",
            to=((work.person.name, work.person.email),),
            language=work.turn.language,
            in_reply_to=mail.message.message_id,
            references=thread_of(mail.message.message_id, ()),
        ),
    )
