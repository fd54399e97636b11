"""News of an act for the customer's side and the assignee, once (C8, D2, D7, D8)."""

from collections.abc import Sequence

from daemon.desk.context import By
from daemon.desk.hours import worklog
from daemon.desk.letters.records import Said
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_customers import TicketNews
from daemon.desk.letters.to_engineers import Assigned
from daemon.desk.outgoing import answers
from daemon.desk.outgoing.mailing import Post
from daemon.desk.tickets import clocks, gathering, relay
from daemon.desk.tickets.acts import Done
from daemon.desk.tickets.confirm import confirm_placed, tell_priority
from daemon.desk.tickets.gathering import News
from daemon.domain.register import Person
from daemon.domain.ticket import Status, Ticket
from daemon.store.money import register
from daemon.store.tickets import tickets
from daemon.store.tickets.tickets import Participant


def at_once(by: By, done: Done) -> None:
    """Tell a new assignee of her ticket, and the customer's side of a merge."""
    if done.assignee is not None and (by.person is None or by.person.id != done.assignee.id):
        _assigned(by, done.ticket, done.assignee)
    if done.did("merged"):
        _tell(by, "merged", done.before, done.side, other=done.ticket.number)


def of_acts(by: By, acts: Sequence[Done], ticket: Ticket, *, answered: bool) -> None:
    """Tell the customer's side of a ticket's acts; `answered` if an answer tells of them."""
    for done in acts:
        if done.did("closed") and not answered:
            _tell(by, "closed", done.ticket, relay.customer_side(by.tx, done.ticket))
    if any(done.did("reopened") for done in acts) and not answered:
        _tell(by, "reopened", ticket, relay.customer_side(by.tx, ticket))
    if any(done.did("placed") for done in acts) and not answered and _awaits_promise(by, ticket):
        confirm_placed(by, ticket)
        return
    before = next((done.before for done in acts if done.did("priority")), None)
    if before is not None and before.id == ticket.id:
        tell_priority(by, before, ticket)


def _tell(
    by: By, what: str, ticket: Ticket, side: Sequence[Participant], *, other: int | None = None
) -> None:
    """Send a short notice; none about spam, or about a ticket without a confirmation (J2)."""
    if ticket.spam or ticket.customer_id is None or not tickets.was_confirmed(by.tx, ticket.id):
        return
    letter = TicketNews(by.desk.settings.desk.name, ticket.number, ticket.subject, what, other)
    for number, group in enumerate(relay.groups(by.tx, ticket, side)):
        to = tuple((each.name, each.address) for each in group)
        answers.post(
            by,
            letter,
            Post(
                key=f"news:{what}:{by.key}:{ticket.id}" + (f":{number}" if number else ""),
                kind="news",
                to=to[:1],
                cc=to[1:],
                language=ticket.language,
                ticket=ticket,
                inbox_id=by.inbox_id,
            ),
        )


def _awaits_promise(by: By, ticket: Ticket) -> bool:
    """Tell if the requester of a placed ticket waits for our first word.

    Another customer's people are never told the new owner of their ticket.
    """
    owner = register.customer_of_address(by.tx, ticket.requester)
    if ticket.status != Status.OPEN or (owner and owner[0].id != ticket.customer_id):
        return False
    response = clocks.read(by.tx, by.desk, ticket, by.at).response
    if response is not None:
        return response.running
    said = tickets.said(by.tx, ticket.id)
    return not any(each.author == "engineer" and not each.internal for each in said)


def _assigned(by: By, ticket: Ticket, person: Person) -> None:
    """Tell an engineer of her new ticket, with its last message."""
    said = tickets.said(by.tx, ticket.id, last=1)
    due = clocks.next_deadline(clocks.read(by.tx, by.desk, ticket, by.at))
    giver = by.person.name if by.person else by.actor
    gathering.tell(
        by,
        [person],
        Assigned(
            ticket.number,
            ticket.subject,
            worklog.customer_name(by.tx, ticket),
            ticket.priority,
            by.desk.calendar.promise(due) if due else None,
            giver,
            Said(said[0].name or said[0].address, said[0].at, said[0].text) if said else None,
        ),
        Post(
            key=f"assigned:{by.key}:{ticket.id}:{person.id}",
            kind="notice",
            to=(),
            language=by.desk.language,
            ticket=ticket,
            inbox_id=by.inbox_id,
        ),
        News(
            ticket,
            said[0].inbox_id if said else None,
            (sentence("given", by.desk.language, name=giver),),
        ),
    )
