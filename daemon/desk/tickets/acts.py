"""The acts on a ticket: each a function of actor, time and cause, without need of a mail (C9, D–E).

A tag, a command and a page call the same function. It changes the ticket, notes the event (K1),
and gives the sentences about it, or the reason of its refusal.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from daemon.desk.context import By, Refusal
from daemon.desk.hours import worklog
from daemon.desk.tickets import clocks, relay
from daemon.domain.clock import EventKind
from daemon.domain.register import Customer, Person
from daemon.domain.ticket import Status, Ticket
from daemon.store.money import register
from daemon.store.tickets import holds, tickets
from daemon.store.tickets.tickets import Participant

Said = tuple[str, Mapping[str, object]]  # a code of `sentences`, and its facts


@dataclass(frozen=True, slots=True)
class Done:
    """A finished act: the ticket before and after, and the sentences about it."""

    before: Ticket
    ticket: Ticket
    said: tuple[Said, ...] = ()
    assignee: Person | None = None  # she has been given the ticket
    side: tuple[Participant, ...] = ()  # they took part in a ticket that was merged

    def did(self, code: str) -> bool:
        """Tell if one of the sentences has this code."""
        return any(code == said for said, _ in self.said)


def open_ticket(
    by: By,
    customer: Customer | None,
    *,
    subject: str,
    level: int,
    requester: tuple[str, str],
    language: str,
    spam: bool = False,
    follows: Ticket | None = None,
) -> Ticket:
    """Open a ticket; its clock starts at the receipt (B2, E1)."""
    # Anybody can write our own address as the sender; then nobody is to be answered.
    name, address = ("", "") if by.desk.is_own(requester[1]) else requester
    ticket = tickets.open_ticket(
        by.tx,
        subject=subject,
        customer_id=customer.id if customer else None,
        requester=address,
        requester_name=name,
        language=(customer and customer.language) or language,
        priority=level,
        status=Status.OPEN if customer else Status.UNPLACED,
        opened_at=by.at,
        spam=spam,
        follows_id=follows.id if follows else None,
    )
    if address:
        tickets.begin_with(by.tx, ticket.id, name, address, by.at)
        relay.note_joined(by, ticket, address)
    clocks.happened(by, ticket, EventKind.OPENED, priority=level)
    return ticket


def start(by: By, ticket: Ticket) -> Done:
    """E1: remedial work starts, with or without a word to the customer."""
    clocks.happened(by, ticket, EventKind.STARTED)
    return Done(ticket, take_over(by, ticket), (("started", {}),))


def take_over(by: By, ticket: Ticket) -> Ticket:
    """D8: make the first engineer to answer or start the assignee."""
    if ticket.assignee_id is not None or by.person is None or "engineer" not in by.person.roles:
        return ticket
    changed = tickets.change(by.tx, ticket.id, assignee_id=by.person.id)
    by.record(changed, "assigned", to=by.person.email)
    return changed


def assign(by: By, ticket: Ticket, wanted: str) -> Done | Refusal:
    """Give a ticket to an engineer, named as `_engineer` understands."""
    person = _engineer(by, wanted.casefold())
    if person is None:
        return Refusal("unknown_person")
    if person.id == ticket.assignee_id:
        return _unchanged(ticket)
    changed = tickets.change(by.tx, ticket.id, assignee_id=person.id)
    by.record(changed, "assigned", to=person.email)
    return Done(ticket, changed, (("assigned", {"name": person.name}),), assignee=person)


def _engineer(by: By, wanted: str) -> Person | None:
    """The engineer of an address, a name, or a unique first name."""
    person = register.person_by_address(by.tx, wanted)
    if person is not None:
        return person if "engineer" in person.roles else None
    engineers = register.people_with_role(by.tx, "engineer")
    names = [(each, each.name.casefold()) for each in engineers]
    meant = [each for each, name in names if wanted in (name, name.split(" ")[0])]
    return meant[0] if len(meant) == 1 else None


def set_level(by: By, ticket: Ticket, level: int | None) -> Done | Refusal:
    """E4: set the level; the deadline is computed anew from the original start."""
    if level is None:
        return Refusal("bad_value")
    if level == ticket.priority:
        return _unchanged(ticket)
    changed = tickets.change(by.tx, ticket.id, priority=level)
    clocks.happened(by, changed, EventKind.PRIORITY, priority=level)
    return Done(ticket, changed, (("priority", {"old": ticket.priority, "new": level}),))


def place(by: By, ticket: Ticket, wanted: str) -> Done | Refusal:
    """D2, D7: place a ticket with the customer of a key or an address; its time follows."""
    customer = register.customer_by_key(by.tx, wanted.casefold())
    if customer is None:
        owner = register.customer_of_address(by.tx, wanted.casefold())
        customer = owner[0] if owner else None
    if customer is None:
        return Refusal("unknown_customer")
    if ticket.customer_id == customer.id:
        return _unchanged(ticket)
    placed = tickets.change(
        by.tx,
        ticket.id,
        customer_id=customer.id,
        status=Status.OPEN if ticket.status == Status.UNPLACED else ticket.status,
        language=customer.language or ticket.language,
        spam=False,
    )
    worklog.rebook(by, placed, customer.id)
    holds.move_entries(by.tx, placed.id, customer.id)
    clocks.refresh(by.tx, by.desk, placed, by.at)
    by.record(placed, "placed", customer=customer.key)
    return Done(ticket, placed, (("placed", {"customer": customer.name}),))


def merge(by: By, ticket: Ticket, wanted: str) -> Done | Refusal:
    """D7: move messages, participants and time to the named ticket; the earlier start counts."""
    digits = wanted.strip().lstrip("#")
    known = digits.isascii() and digits.isdecimal()
    target = tickets.by_number(by.tx, int(digits)) if known else None
    target = tickets.living(by.tx, target) if target else None
    if target is None or target.id == ticket.id:
        return Refusal("unknown_ticket")
    if not _same_customer(ticket, target):
        return Refusal("other_customer")
    side = tuple(relay.customer_side(by.tx, ticket))
    tickets.merge(by.tx, ticket.id, target.id)
    merged = tickets.change(
        by.tx,
        target.id,
        opened_at=min(ticket.opened_at, target.opened_at),
        assignee_id=target.assignee_id or ticket.assignee_id,
    )
    said: tuple[Said, ...] = (("merged", {"number": target.number}),)
    if target.is_closed and not ticket.is_closed:
        merged = _reopened(by, merged)
        said = (("reopened", {}), *said)
    clocks.refresh(by.tx, by.desk, merged, by.at)
    by.record(merged, "merged", number=ticket.number)
    return Done(ticket, merged, said, side=side)


def _same_customer(ticket: Ticket, target: Ticket) -> bool:
    """D7; two tickets without customer are of one only if one person asked both."""
    if ticket.customer_id is None:
        return target.customer_id is None and ticket.requester == target.requester != ""
    return ticket.customer_id == target.customer_id


def let_in(by: By, ticket: Ticket, who: tuple[str, str] | None) -> Done | Refusal:
    """D3: let a name and address take part in a ticket, a stranger's too."""
    if who is None or relay.is_own(by, who[1]):
        return Refusal("bad_value")
    owner = register.customer_of_address(by.tx, who[1])
    if owner is not None and owner[0].id != ticket.customer_id:
        return Refusal("other_customer")
    relay.join(by, ticket, [who])
    tickets.let_hear(by.tx, ticket.id, who[1])
    return Done(ticket, ticket, (("takes_part", {"address": who[1]}),))


def close(by: By, ticket: Ticket) -> Done:
    """Close a ticket as solved; its clocks end (E1, E6)."""
    if ticket.is_closed:
        return _unchanged(ticket)
    closed = tickets.change(by.tx, ticket.id, status=Status.CLOSED, closed_at=by.at)
    clocks.happened(by, closed, EventKind.SOLVED)
    return Done(ticket, closed, (("closed", {}),))


def discard(by: By, ticket: Ticket) -> Done:
    """D2: close a ticket as spam, without a word to its sender."""
    closed = tickets.change(by.tx, ticket.id, status=Status.CLOSED, closed_at=by.at, spam=True)
    clocks.happened(by, closed, EventKind.CLOSED)
    return Done(ticket, closed, (("spam", {}),))


def reopen(by: By, ticket: Ticket) -> Done:
    """D5: open a closed ticket again."""
    if not ticket.is_closed:
        return _unchanged(ticket)
    return Done(ticket, _reopened(by, ticket), (("reopened", {}),))


def _reopened(by: By, ticket: Ticket) -> Ticket:
    status = Status.UNPLACED if ticket.customer_id is None else Status.OPEN
    opened = tickets.change(by.tx, ticket.id, status=status, closed_at=None, spam=False)
    clocks.happened(by, opened, EventKind.REOPENED)
    return opened


def wait(by: By, ticket: Ticket) -> Done:
    """E5: wait for the customer; follow-up and resolution clocks pause."""
    if ticket.status != Status.OPEN:
        return _unchanged(ticket)
    waiting = tickets.change(by.tx, ticket.id, status=Status.WAITING)
    clocks.happened(by, waiting, EventKind.WAITING)
    return Done(ticket, waiting, (("waiting", {}),))


def note(by: By, ticket: Ticket, kind: str, text: str) -> Done:
    """J3, J4: keep a reason of a breach, a promise or a word about a meeting for the reports."""
    by.record(ticket, kind, text=text)
    return Done(ticket, ticket, (("noted", {}),))


def _unchanged(ticket: Ticket) -> Done:
    """It was so already: nobody is told again but the actor."""
    return Done(ticket, ticket, (("unchanged", {}),))
