"""What the tags other than time do to a ticket (C9, D5–D8, E1, E5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from daemon.desk import clocks, inquiry, worklog
from daemon.desk.letters import Refused
from daemon.desk.sentences import sentence
from daemon.domain.clock import EventKind
from daemon.domain.ticket import Status, Ticket
from daemon.store import events, holds, register, tickets
from parsers.addresses import one_mailbox
from parsers.tags import Tag

if TYPE_CHECKING:
    from daemon.desk.answer import Work

# A customer or a priority decides where the answer goes and what it promises: before it leaves.
# What ends or pauses the work comes after it. Time is booked in between.
_BEFORE = ("customer", "merge", "for", "priority", "assign", "start", "reopen")
_AFTER = ("waiting", "done", "spam", "reason", "meeting", "promise", "undo", "help")


def carry_out(work: Work, *, before_answer: bool) -> None:
    """Carry out the tags of one side of the answer, in the order they stand."""
    wanted = _BEFORE if before_answer else _AFTER
    for _, tag in work.tags:
        if tag.kind == "tag" and tag.name in wanted:
            refusal = _ACTIONS[tag.name](work, tag)
            if refusal is not None:
                work.refused.append(Refused(tag.raw, refusal))


def mailbox(value: str) -> tuple[str, str] | None:
    """A name and address as written in a tag."""
    found = one_mailbox(value)
    return None if found is None else (found.name, found.address)


def _did(work: Work, code: str, **facts: object) -> None:
    work.done.append(sentence(code, work.desk.settings.desk.language, **facts))


def _ticket(work: Work) -> Ticket:
    assert work.ticket is not None  # noqa: S101  actions run on a ticket
    return work.ticket


def _happened(work: Work, kind: EventKind, priority: int | None = None) -> None:
    clocks.happened(
        work.tx, work.desk, _ticket(work), kind, at=work.mail.received_at,
        actor=work.person.email, cause=work.mail.cause, priority=priority,
    )  # fmt: skip


def _record(work: Work, kind: str, **data: object) -> None:
    ticket = _ticket(work)
    events.record(
        work.tx, at=work.mail.received_at, kind=kind, actor=work.person.email,
        cause=work.mail.cause, ticket_id=ticket.id, customer_id=ticket.customer_id, data=data,
    )  # fmt: skip


def _start(work: Work, _tag: Tag) -> str | None:
    """E1: remedial work starts, with or without a word to the customer."""
    _happened(work, EventKind.STARTED)
    ticket = _ticket(work)
    if ticket.assignee_id is None and "engineer" in work.person.roles:
        work.ticket = tickets.change(work.tx, ticket.id, assignee_id=work.person.id)
        _record(work, "assigned", to=work.person.email)
    _did(work, "started")
    return None


def _priority(work: Work, tag: Tag) -> str | None:
    ticket = _ticket(work)
    if tag.level is None or work.opened or tag.level == ticket.priority:
        return None if tag.level is not None else "bad_value"
    work.ticket = inquiry.set_priority(
        work.tx, work.desk, ticket, tag.level, work.mail, actor=work.person.email
    )
    inquiry.tell_priority(work.tx, work.desk, ticket, work.ticket, work.mail, work.now)
    _did(work, "priority", old=ticket.priority, new=tag.level)
    return None


def _assign(work: Work, tag: Tag) -> str | None:
    person = register.person_by_address(work.tx, tag.value.casefold())
    if person is None:
        wanted = tag.value.casefold()
        engineers = register.people_with_role(work.tx, "engineer")
        named_so = [
            p for p in engineers if wanted in (p.name.casefold(), p.name.casefold().split(" ")[0])
        ]
        person = named_so[0] if len(named_so) == 1 else None
    if person is None or not person.active:
        return "unknown_person"
    work.ticket = tickets.change(work.tx, _ticket(work).id, assignee_id=person.id)
    _record(work, "assigned", to=person.email)
    _did(work, "assigned", name=person.name)
    return None


def _place(work: Work, tag: Tag) -> str | None:
    """D2, D7: `[kund: key]` or an address; time on the ticket follows it."""
    customer = register.customer_by_key(work.tx, tag.value.casefold())
    if customer is None:
        found = register.customer_of_address(work.tx, tag.value.casefold())
        customer = found[0] if found else None
    if customer is None:
        return "unknown_customer"
    ticket = _ticket(work)
    if ticket.customer_id == customer.id:
        return None
    status = Status.OPEN if ticket.status == Status.UNPLACED else ticket.status
    work.ticket = tickets.change(
        work.tx, ticket.id, customer_id=customer.id, status=status,
        language=customer.language or ticket.language,
    )  # fmt: skip
    worklog.rebook(work.tx, work.desk, work.source, work.ticket, customer.id)
    holds.move_entries(work.tx, ticket.id, customer.id)
    clocks.refresh(work.tx, work.desk, work.ticket, work.mail.received_at)
    _record(work, "placed", customer=customer.key)
    _did(work, "placed", customer=customer.name)
    return None


def _merge(work: Work, tag: Tag) -> str | None:
    """D7: messages, participants and time move to the named ticket; the earlier start counts."""
    digits = tag.value.strip().lstrip("#")
    target = (
        tickets.by_number(work.tx, int(digits)) if digits.isascii() and digits.isdecimal() else None
    )
    if target is None:
        return "unknown_ticket"
    ticket, target = _ticket(work), tickets.living(work.tx, target)
    if target.id == ticket.id:
        return "unknown_ticket"
    if target.customer_id != ticket.customer_id:
        return "other_customer"
    earlier = min(ticket.opened_at, target.opened_at)
    tickets.merge(work.tx, ticket.id, target.id)
    _record(work, "merged", into=target.number)
    work.ticket = tickets.change(work.tx, target.id, opened_at=earlier)
    clocks.refresh(work.tx, work.desk, work.ticket, work.mail.received_at)
    _record(work, "merged-here", number=ticket.number)
    _did(work, "merged", number=target.number)
    return None


def _close(work: Work, _tag: Tag) -> str | None:
    if _ticket(work).status == Status.CLOSED:
        return None
    work.ticket = tickets.change(
        work.tx, _ticket(work).id, status=Status.CLOSED, closed_at=work.mail.received_at
    )
    _happened(work, EventKind.SOLVED)
    _did(work, "closed")
    return None


def _spam(work: Work, _tag: Tag) -> str | None:
    """D2: closed without a word to its sender."""
    work.ticket = tickets.change(
        work.tx, _ticket(work).id, status=Status.CLOSED, closed_at=work.mail.received_at, spam=True
    )
    _happened(work, EventKind.CLOSED)
    _did(work, "spam")
    return None


def _reopen(work: Work, _tag: Tag) -> str | None:
    if _ticket(work).status == Status.CLOSED:
        work.ticket = tickets.change(work.tx, _ticket(work).id, status=Status.OPEN, closed_at=None)
        _happened(work, EventKind.REOPENED)
    _did(work, "reopened")
    return None


def _wait(work: Work, _tag: Tag) -> str | None:
    if _ticket(work).status == Status.OPEN:
        work.ticket = tickets.change(work.tx, _ticket(work).id, status=Status.WAITING)
        _happened(work, EventKind.WAITING)
    _did(work, "waiting")
    return None


def _note(work: Work, tag: Tag) -> str | None:
    """J3, J4: a reason of a breach, a promise, a wish about a meeting: kept for the reports."""
    _record(work, tag.name, text=tag.value)
    _did(work, "noted")
    return None


def _undo(work: Work, _tag: Tag) -> str | None:
    """C14: take back what the answered receipt's message booked."""
    if work.source.receipt_of is None:
        return "nothing_to_undo"
    waiting = holds.of_message(work.tx, work.source.receipt_of)
    for row in waiting:
        holds.settle(
            work.tx, row.id, at=work.mail.received_at, by=work.mail.inbox_id, outcome="refused"
        )
    minutes = worklog.undo(work.tx, work.source, work.source.receipt_of)
    if not minutes and not waiting:
        return "nothing_to_undo"
    if waiting:
        _did(work, "undone_held")
    if minutes:
        _record(work, "time-undone", minutes=minutes, receipt_of=work.source.receipt_of)
        _did(work, "undone", minutes=minutes)
    return None


def _help(work: Work, _tag: Tag) -> str | None:
    _did(
        work,
        "help",
        tags="tid, prio, start, klar, öppna, vänta, intern, kund, för, tilldela, slå ihop, skräp, orsak, möte, löfte, ångra",
    )
    return None


def _for(work: Work, tag: Tag) -> str | None:
    """D6 works on a new mail only; on a ticket the requester stands already."""
    del tag
    return None if work.opened else "not_allowed"


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
    "meeting": _note,
    "promise": _note,
    "undo": _undo,
    "help": _help,
}
