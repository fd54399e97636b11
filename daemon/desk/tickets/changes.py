"""A ticket is opened, gets another level, or is reckoned anew (E1, E4)."""

from daemon.desk.tickets import clocks, relay
from daemon.desk.tickets.turn import Turn
from daemon.domain.clock import EventKind
from daemon.domain.register import Customer
from daemon.domain.ticket import Status, Ticket
from daemon.store.money import register
from daemon.store.tickets import tickets
from parsers.subject import base_subject
from parsers.tags import cut_tags, read_tags


def open_for(
    turn: Turn,
    customer: Customer | None,
    *,
    level: int,
    spam: bool,
    requester: tuple[str, str],
    follows: Ticket | None = None,
) -> Ticket:
    """Open a ticket; its clock starts at the message's receipt (B2, E1)."""
    at = turn.mail.received_at
    name, address = requester
    if turn.is_desk(address):
        name, address = "", ""  # anybody can write our own address there; nobody is to be answered
    ticket = tickets.open_ticket(
        turn.tx,
        subject=_subject(turn),
        customer_id=customer.id if customer else None,
        requester=address,
        requester_name=name,
        language=(customer and customer.language) or turn.language,
        priority=level,
        status=Status.OPEN if customer else Status.UNPLACED,
        opened_at=at,
        spam=spam,
        follows_id=follows.id if follows else None,
    )
    if address:
        tickets.begin_with(turn.tx, ticket.id, name, address, at)
        relay.note_joined(turn, ticket, address)
    turn.happened(ticket, EventKind.OPENED, priority=level)
    return ticket


def _subject(turn: Turn) -> str:
    """What the ticket is about; a tag that an engineer wrote there is cut (C13)."""
    subject = base_subject(turn.mail.message.subject)[:400]
    if register.person_by_address(turn.tx, turn.mail.sender) is None:
        return subject
    return cut_tags(subject, read_tags(subject)).strip()


def set_priority(turn: Turn, ticket: Ticket, level: int, *, actor: str) -> Ticket:
    """E4: set a ticket's level; its deadline is computed anew from the original start."""
    changed = tickets.change(turn.tx, ticket.id, priority=level)
    turn.happened(changed, EventKind.PRIORITY, actor=actor, priority=level)
    return changed


def refresh(turn: Turn, ticket: Ticket) -> None:
    """Bring a ticket's clocks up to what changed around its events: its customer, its start."""
    clocks.refresh(turn.tx, turn.desk, ticket, turn.mail.received_at)
