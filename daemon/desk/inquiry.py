"""A message from the customer's side: it opens a ticket, or goes on with one (C, D2–D5, E1, J1)."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from daemon.desk import clocks, relay, worklog
from daemon.desk.context import Desk
from daemon.desk.conversation import joined_ticket
from daemon.desk.letters import Confirmation, PriorityChanged, Said
from daemon.desk.mailing import Post, post, thread_of
from daemon.desk.relay import Incoming
from daemon.desk.sentences import sentence
from daemon.domain.clock import Clocks, EventKind
from daemon.domain.conversation import colleagues
from daemon.domain.priority import DEFAULT
from daemon.domain.register import Customer
from daemon.domain.ticket import Status, Ticket, is_thanks, reopens
from daemon.store import register, tickets
from daemon.store.session import Tx
from parsers.automatic import Verdict
from parsers.priority import Statement, read_priority
from parsers.subject import base_subject


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message, for the inbox."""

    outcome: str
    ticket_id: int | None = None
    state: str = "done"
    reason: str | None = None


def take(tx: Tx, desk: Desk, mail: Incoming, verdict: Verdict, now: dt.datetime) -> Outcome:
    """Act on a message of the customer's side, or of a stranger."""
    found = register.customer_of_address(tx, mail.sender) if mail.sender else None
    customer = found[0] if found else None
    joined = joined_ticket(tx, desk, mail, customer_id=customer.id if customer else None)
    if joined is not None:
        ticket, by_key = joined
        return _reply(tx, desk, mail, verdict, now, ticket, customer, by_key=by_key)
    if verdict.kind == "auto_reply" and mail.message.in_reply_to:
        return Outcome("noted")
    return _new(tx, desk, mail, verdict, now, customer)


def _statement(desk: Desk, mail: Incoming) -> Statement:
    return read_priority(mail.message.subject, mail.body.new, desk.settings.priority.words)


# --- a new ticket ---------------------------------------------------------------------------------


def _new(
    tx: Tx, desk: Desk, mail: Incoming, verdict: Verdict, now: dt.datetime,
    customer: Customer | None, follows: Ticket | None = None,
) -> Outcome:  # fmt: skip
    spam = _marked_as_spam(desk, mail)
    statement = _statement(desk, mail)
    ticket = open_for(
        tx, desk, mail, customer, level=statement.level or DEFAULT, spam=spam, follows=follows,
        requester=(mail.sender_name, mail.sender),
    )  # fmt: skip
    tickets.join(tx, ticket.id, _others(tx, desk, mail, customer), mail.received_at)
    author = "customer" if customer or verdict.kind == "person" else "machine"
    _say(tx, ticket, mail, author)
    story = clocks.refresh(tx, desk, ticket, mail.received_at)
    if verdict.kind == "person" and verdict.may_answer and not spam and mail.sender:
        confirm(tx, desk, ticket, story, mail, statement, now)
    if not spam:
        remarks = () if customer else (sentence("unplaced", desk.settings.desk.language),)
        relay.tell_engineers(tx, desk, ticket, mail, now, new=True, remarks=remarks)
    return Outcome("opened", ticket.id)


def open_for(
    tx: Tx, desk: Desk, mail: Incoming, customer: Customer | None, *, level: int, spam: bool,
    requester: tuple[str, str], follows: Ticket | None = None,
) -> Ticket:  # fmt: skip
    """Open a ticket; its clock starts at the message's receipt (B2, E1)."""
    language = (customer and customer.language) or desk.settings.desk.language
    ticket = tickets.open_ticket(
        tx,
        subject=base_subject(mail.message.subject)[:400],
        customer_id=customer.id if customer else None,
        requester=requester[1],
        requester_name=requester[0],
        language=language,
        priority=level,
        status=Status.OPEN if customer else Status.UNPLACED,
        opened_at=mail.received_at,
        spam=spam,
        follows_id=follows.id if follows else None,
    )
    if requester[1]:
        tickets.join(tx, ticket.id, [requester], mail.received_at)
    clocks.happened(
        tx, desk, ticket, EventKind.OPENED, at=mail.received_at, actor=mail.sender or "?",
        cause=mail.cause, priority=level,
    )  # fmt: skip
    return ticket


def _marked_as_spam(desk: Desk, mail: Incoming) -> bool:
    """D2: what the border marked as spam waits in silence."""
    name, _, value = (desk.settings.identity.spam_header or "").partition(":")
    if not name:
        return False
    marks = [each.strip().casefold() for each in mail.message.all(name.strip())]
    return any(mark.startswith(value.strip().casefold()) for mark in marks)


def _others(
    tx: Tx, desk: Desk, mail: Incoming, customer: Customer | None
) -> tuple[tuple[str, str], ...]:
    """D4: colleagues of the customer's domains in To and Cc."""
    if customer is None:
        return ()
    named = [(each.name, each.address) for each in (*mail.message.to, *mail.message.cc)]
    domains = register.domains_of(tx, customer.id)
    return colleagues(named, domains, desk.own_addresses | {mail.sender})


def _say(tx: Tx, ticket: Ticket, mail: Incoming, author: str) -> None:
    tickets.say(
        tx, ticket.id, inbox_id=mail.inbox_id, at=mail.received_at, author=author,
        address=mail.sender, name=mail.sender_name, text=mail.body.shown or mail.body.new,
    )  # fmt: skip


def confirm(
    tx: Tx, desk: Desk, ticket: Ticket, story: Clocks, mail: Incoming, statement: Statement | None,
    now: dt.datetime, *, engineer: Said | None = None,
) -> None:  # fmt: skip
    """J1: tell the requester what was understood, and by when work starts."""
    post(
        tx, desk, _confirmation(tx, desk, ticket, story, mail, statement, engineer),
        Post(
            key=f"confirmation:{ticket.id}", kind="confirmation",
            to=((ticket.requester_name, ticket.requester),), language=ticket.language,
            ticket=ticket, inbox_id=mail.inbox_id, answer=engineer is None,
            in_reply_to=None if engineer else mail.message.message_id,
            references=() if engineer else thread_of(mail.message.message_id, mail.message.references),
        ),
        now,
    )  # fmt: skip


def _confirmation(
    tx: Tx, desk: Desk, ticket: Ticket, story: Clocks, mail: Incoming,
    statement: Statement | None, engineer: Said | None,
) -> Confirmation:  # fmt: skip
    version = clocks.agreement_at_opening(tx, desk, ticket)
    day = desk.calendar.day_of(mail.received_at)
    bank = worklog.bank(tx, desk, ticket.customer_id, day)
    response = story.response
    started = response is None or response.due_at is None or not response.running
    has_none = ticket.customer_id is not None and version is None
    return Confirmation(
        desk_name=desk.settings.desk.name,
        number=ticket.number,
        subject=ticket.subject,
        name=ticket.requester_name,
        placed=ticket.customer_id is not None,
        level=ticket.priority,
        stated=statement is not None and statement.level is not None,
        conflict=statement is not None and statement.conflict,
        plan_name=version.terms.plan_name if version else None,
        work_starts_by=None if started else desk.calendar.promise(response.due_at),  # type: ignore[union-attr, arg-type]
        response_minutes=_target_minutes(response),
        bank_left=bank.left if bank.period else None,
        rate=desk.none_terms(day).hourly_rate if has_none else None,
        engineer=engineer,
    )


def _target_minutes(clock: Any) -> int | None:
    return (
        None if clock is None or clock.target is None else int(clock.target.total_seconds() // 60)
    )


# --- a reply ----------------------------------------------------------------------------------------


def _reply(
    tx: Tx, desk: Desk, mail: Incoming, verdict: Verdict, now: dt.datetime, ticket: Ticket,
    customer: Customer | None, *, by_key: bool,
) -> Outcome:  # fmt: skip
    language = desk.settings.desk.language
    if verdict.kind != "person":
        return _machine_reply(tx, desk, mail, now, ticket)
    if ticket.is_closed:
        thanks = is_thanks(mail.body.shown, attachments=len(mail.message.attachments))
        if thanks:
            _say(tx, ticket, mail, "customer")
            return Outcome("thanks", ticket.id)
        if not reopens(ticket, mail.received_at, desk.settings.desk.reopen_within):
            return _new(tx, desk, mail, verdict, now, customer, follows=ticket)
    remarks = _join_in(tx, desk, mail, ticket, customer, by_key=by_key)
    if ticket.is_closed:
        ticket = tickets.change(tx, ticket.id, status=Status.OPEN, closed_at=None)
        _happened(tx, desk, ticket, EventKind.REOPENED, mail)
        remarks.append(sentence("reopened_by_customer", language))
    _say(tx, ticket, mail, "customer")
    _happened(tx, desk, ticket, EventKind.CUSTOMER_MESSAGE, mail)
    if ticket.status == Status.WAITING:
        ticket = tickets.change(tx, ticket.id, status=Status.OPEN)
    changed = change_by_customer(tx, desk, mail, ticket, verdict, now)
    if changed is not None:
        old, ticket = ticket.priority, changed
        remarks.append(sentence("priority_by_customer", language, old=old, new=ticket.priority))
    relay.tell_engineers(tx, desk, ticket, mail, now, new=False, remarks=tuple(remarks))
    return Outcome("joined", ticket.id)


def _join_in(
    tx: Tx, desk: Desk, mail: Incoming, ticket: Ticket, customer: Customer | None, *, by_key: bool
) -> list[str]:
    """D3, D4: who takes part from now on; an unknown sender gets nothing yet."""
    known = {each.address for each in tickets.participants_of(tx, ticket.id)}
    if mail.sender in known:
        pass
    elif customer is not None and customer.id == ticket.customer_id:
        tickets.join(tx, ticket.id, [(mail.sender_name, mail.sender)], mail.received_at)
    elif by_key:
        tickets.join(
            tx, ticket.id, [(mail.sender_name, mail.sender)], mail.received_at, silent=True
        )
        return [sentence("stranger", desk.settings.desk.language)]
    if customer is not None and customer.id == ticket.customer_id:
        tickets.join(tx, ticket.id, _others(tx, desk, mail, customer), mail.received_at)
    return []


def _machine_reply(tx: Tx, desk: Desk, mail: Incoming, now: dt.datetime, ticket: Ticket) -> Outcome:
    """An out-of-office in a ticket: kept and shown, without effect on clock or status (E5)."""
    _say(tx, ticket, mail, "machine")
    _happened(tx, desk, ticket, EventKind.AUTO_REPLY, mail)
    remarks = (sentence("auto_reply", desk.settings.desk.language),)
    relay.tell_engineers(tx, desk, ticket, mail, now, new=False, remarks=remarks)
    return Outcome("noted", ticket.id)


def _happened(tx: Tx, desk: Desk, ticket: Ticket, kind: EventKind, mail: Incoming) -> Clocks:
    return clocks.happened(
        tx, desk, ticket, kind, at=mail.received_at, actor=mail.sender or "?", cause=mail.cause
    )


def change_by_customer(
    tx: Tx, desk: Desk, mail: Incoming, ticket: Ticket, verdict: Verdict, now: dt.datetime
) -> Ticket | None:
    """C5, C8: a new label in a customer's reply changes the level while the ticket is open."""
    statement = _statement(desk, mail)
    level = statement.subject_level
    if level is None or level == ticket.priority:
        level = statement.text_level
    if level is None or level == ticket.priority:
        return None
    changed = set_priority(tx, desk, ticket, level, mail, actor=mail.sender)
    if verdict.may_answer:
        tell_priority(tx, desk, ticket, changed, mail, now, conflict=statement.conflict)
    return changed


def set_priority(
    tx: Tx, desk: Desk, ticket: Ticket, level: int, mail: Incoming, *, actor: str
) -> Ticket:
    """E4: set a ticket's level; its deadline is computed anew from the original start."""
    changed = tickets.change(tx, ticket.id, priority=level)
    clocks.happened(
        tx, desk, changed, EventKind.PRIORITY, at=mail.received_at, actor=actor,
        cause=mail.cause, priority=level,
    )  # fmt: skip
    return changed


def tell_priority(
    tx: Tx, desk: Desk, before: Ticket, after: Ticket, mail: Incoming, now: dt.datetime, *,
    conflict: bool = False,
) -> None:  # fmt: skip
    """C8: tell the requester the new level, and what it means for the promise."""
    response = clocks.read(tx, desk, after, mail.received_at).response
    promised = response and response.running and response.due_at
    post(
        tx, desk,
        PriorityChanged(
            desk.settings.desk.name, after.number, after.subject, before.priority, after.priority,
            conflict, desk.calendar.promise(promised) if promised else None,
        ),
        Post(
            key=f"priority:{mail.inbox_id}:{after.id}", kind="priority",
            to=((after.requester_name, after.requester),), language=after.language, ticket=after,
            inbox_id=mail.inbox_id, answer=True,
        ),
        now,
    )  # fmt: skip
