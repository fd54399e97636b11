"""What the tags other than time do to a ticket (C9, D5–D8, E1, E5)."""

from collections.abc import Callable

from daemon.desk.engineers import news
from daemon.desk.engineers.work import Work
from daemon.desk.hours import worklog
from daemon.desk.reviews import meetings
from daemon.desk.tickets import changes, relay
from daemon.domain import wording
from daemon.domain.clock import EventKind
from daemon.domain.register import Person
from daemon.domain.ticket import Status, Ticket
from daemon.store.money import register
from daemon.store.tickets import holds, tickets
from parsers.addresses import one_mailbox
from parsers.tags import Tag

# A customer or a priority decides where the answer goes and what it promises: before it leaves.
# What ends or pauses the work comes after it. Time is booked in between.
_BEFORE = ("customer", "merge", "for", "priority", "assign", "start", "reopen")
_AFTER = ("waiting", "done", "spam", "reason", "meeting", "promise", "undo", "help")


def carry_out(work: Work, *, before_answer: bool) -> None:
    """Carry out the tags of one side of the answer, in the order they stand."""
    for _, tag in work.right_tags(*(_BEFORE if before_answer else _AFTER)):
        refusal = _ACTIONS[tag.name](work, tag)
        if refusal is not None:
            work.refuse(tag, refusal)


def refuse_all(work: Work) -> None:
    """D8: whoever is no engineer asks for the card, and nothing else."""
    for _, tag in work.tags:
        if tag.name == "help":
            _help(work, tag)
        elif tag.kind == "tag":
            work.refuse(tag, "not_allowed")


def mailbox(value: str) -> tuple[str, str] | None:
    """A name and address as written in a tag."""
    found = one_mailbox(value)
    return None if found is None else (found.name, found.address)


def _start(work: Work, _tag: Tag) -> str | None:
    """E1: remedial work starts, with or without a word to the customer."""
    work.happened(EventKind.STARTED)
    work.take_over()
    work.did("started")
    return None


def _priority(work: Work, tag: Tag) -> str | None:
    """E4: an engineer sets the level; the customer is told (C8)."""
    before = work.ticket
    if tag.level is None:
        return "bad_value"
    if work.opened:
        return None
    if tag.level == before.priority:
        _nothing_new(work, tag)
        return None
    work.found = changes.set_priority(work.turn, before, tag.level, actor=work.person.email)
    work.level_before = work.level_before or before
    work.did("priority", old=before.priority, new=tag.level)
    return None


def _assign(work: Work, tag: Tag) -> str | None:
    person = _engineer(work, tag.value.casefold())
    if person is None:
        return "unknown_person"
    if person.id == work.ticket.assignee_id:
        _nothing_new(work, tag)
        return None
    work.change(assignee_id=person.id)
    work.record("assigned", to=person.email)
    work.did("assigned", name=person.name)
    news.assigned(work, person)
    return None


def _engineer(work: Work, wanted: str) -> Person | None:
    """Whom a tag means: by address, by name, by a first name that only one has."""
    person = register.person_by_address(work.tx, wanted)
    if person is not None:
        return person if person.active else None
    engineers = register.people_with_role(work.tx, "engineer")
    names = [(each, each.name.casefold()) for each in engineers]
    found = [each for each, name in names if wanted in (name, name.split(" ")[0])]
    return found[0] if len(found) == 1 else None


def _place(work: Work, tag: Tag) -> str | None:
    """D2, D7: `[kund: key]` or an address; time on the ticket follows it."""
    wanted = tag.value.casefold()
    customer = register.customer_by_key(work.tx, wanted)
    if customer is None:
        found = register.customer_of_address(work.tx, wanted)
        customer = found[0] if found else None
    if customer is None:
        return "unknown_customer"
    if work.ticket.customer_id == customer.id:
        if not work.opened:
            _nothing_new(work, tag)
        return None
    unplaced = work.ticket.status == Status.UNPLACED
    work.change(
        customer_id=customer.id,
        status=Status.OPEN if unplaced else work.ticket.status,
        language=customer.language or work.ticket.language,
        spam=False,
    )
    worklog.rebook(work.source, work.ticket, customer.id)
    holds.move_entries(work.tx, work.ticket.id, customer.id)
    changes.refresh(work.turn, work.ticket)
    work.placed = True
    work.record("placed", customer=customer.key)
    work.did("placed", customer=customer.name)
    return None


def _merge(work: Work, tag: Tag) -> str | None:
    """D7: messages, participants and time move to the named ticket; the earlier start counts."""
    digits = tag.value.strip().lstrip("#")
    known = digits.isascii() and digits.isdecimal()
    target = tickets.by_number(work.tx, int(digits)) if known else None
    target = tickets.living(work.tx, target) if target else None
    ticket = work.ticket
    if target is None or target.id == ticket.id:
        return "unknown_ticket"
    if not _same_customer(ticket, target):
        return "other_customer"
    told = relay.customer_side(work.tx, ticket)
    tickets.merge(work.tx, ticket.id, target.id)
    work.found = target
    work.change(
        opened_at=min(ticket.opened_at, target.opened_at),
        assignee_id=target.assignee_id or ticket.assignee_id,
    )
    if target.is_closed and not ticket.is_closed:
        _reopen(work, tag)
    changes.refresh(work.turn, work.ticket)
    work.record("merged", number=ticket.number)
    work.did("merged", number=target.number)
    news.merged(work, ticket, told)
    return None


def _same_customer(ticket: Ticket, target: Ticket) -> bool:
    """D7; two tickets without customer are of one only where one person asked both."""
    if ticket.customer_id is None:
        return target.customer_id is None and ticket.requester == target.requester != ""
    return ticket.customer_id == target.customer_id


def _nothing_new(work: Work, tag: Tag) -> None:
    """It was so already: nobody is told again but the writer."""
    work.did("unchanged", tag=tag.raw.strip("[]"))


def _close(work: Work, tag: Tag) -> str | None:
    if work.ticket.status == Status.CLOSED:
        _nothing_new(work, tag)
        return None
    work.change(status=Status.CLOSED, closed_at=work.turn.mail.received_at)
    work.happened(EventKind.SOLVED)
    work.did("closed")
    if not work.relayed_to and work.not_relayed != "direct":
        news.to_customer(work, "closed", work.ticket)
    return None


def _spam(work: Work, _tag: Tag) -> str | None:
    """D2: closed without a word to its sender."""
    work.change(status=Status.CLOSED, closed_at=work.turn.mail.received_at, spam=True)
    work.happened(EventKind.CLOSED)
    work.did("spam")
    return None


def _reopen(work: Work, tag: Tag) -> str | None:
    if work.ticket.status != Status.CLOSED:
        _nothing_new(work, tag)
        return None
    placed = work.ticket.customer_id is not None
    status = Status.OPEN if placed else Status.UNPLACED
    work.change(status=status, closed_at=None, spam=False)
    work.reopened = True
    work.happened(EventKind.REOPENED)
    work.did("reopened")
    return None


def _wait(work: Work, tag: Tag) -> str | None:
    if work.ticket.status != Status.OPEN:
        _nothing_new(work, tag)
        return None
    work.change(status=Status.WAITING)
    work.happened(EventKind.WAITING)
    work.did("waiting")
    return None


def _meeting(work: Work, tag: Tag) -> str | None:
    """J4: move or cancel the customer's review meeting; without a time it is a note."""
    customer_id = work.ticket.customer_id
    if customer_id is None or meetings.wish(tag.value, work.turn.desk.zone) is None:
        return _note(work, tag)
    refusal = meetings.tagged(work.turn, work.person, customer_id, tag.value)
    if refusal is None:
        work.did("meeting")
    return refusal


def _note(work: Work, tag: Tag) -> str | None:
    """J3, J4: a reason of a breach, a promise, a word about a meeting: kept for the reports."""
    work.record(tag.name, text=tag.value)
    work.did("noted")
    return None


def undo(work: Work, _tag: Tag) -> str | None:
    """C14: take back what the answered receipt's message booked."""
    source = work.source
    if source.receipt_of is None:
        return "nothing_to_undo"
    waiting = holds.of_message(work.tx, source.receipt_of)
    for row in waiting:
        holds.settle(work.tx, row.id, at=source.received_at, by=source.inbox_id, outcome="refused")
    minutes, work.given_back = worklog.undo(source, work.ticket, source.receipt_of)
    if waiting:
        work.did("undone_held")
    if minutes:
        work.record("time-undone", minutes=minutes, receipt_of=source.receipt_of)
        work.did("undone", time=wording.hours(minutes))
    return None if waiting or minutes else "nothing_to_undo"


def _help(work: Work, _tag: Tag) -> str | None:
    """C9: every tag on one page."""
    news.tag_card(work)
    return None


def _for(work: Work, tag: Tag) -> str | None:
    """D6 opens a ticket with it; on a ticket it lets somebody take part, a stranger too (D3)."""
    wanted = mailbox(tag.value)
    if wanted is None or relay.is_own(work.turn, wanted[1]):
        return "bad_value"
    if work.opened and wanted[1] == work.ticket.requester:
        return None
    found = register.customer_of_address(work.tx, wanted[1])
    if found is not None and found[0].id != work.ticket.customer_id:
        # Meant for another customer, text and all: nothing of it may go to this one.
        work.misdirected = True
        return "other_customer"
    relay.join(work.turn, work.ticket, [wanted])
    tickets.let_hear(work.tx, work.ticket.id, wanted[1])
    work.did("takes_part", address=wanted[1])
    return None


_ACTIONS: dict[str, Callable[[Work, Tag], str | None]] = {
    "customer": _place,
    "merge": _merge,
    "for": _for,
    "priority": _priority,
    "assign": _assign,
    "start": _start,
    "reopen": _reopen,
    "waiting": _wait,
    "done": _close,
    "spam": _spam,
    "reason": _note,
    "meeting": _meeting,
    "promise": _note,
    "undo": undo,
    "help": _help,
}
