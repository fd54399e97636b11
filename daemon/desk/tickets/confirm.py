"""The customer's confirmation of a ticket and of its level (C8, J1)."""

import datetime as dt
from dataclasses import replace

from daemon.desk.context import By
from daemon.desk.hours import balances
from daemon.desk.letters.records import Said
from daemon.desk.letters.to_customers import Confirmation, PriorityChanged
from daemon.desk.outgoing import answers
from daemon.desk.outgoing.mailing import Post, thread_of
from daemon.desk.tickets import clocks
from daemon.desk.tickets.turn import Turn, stored
from daemon.domain.clock import Clock
from daemon.domain.ticket import Ticket
from daemon.store.money import register
from daemon.store.tickets import tickets
from parsers.automatic import judge
from parsers.message import Attachment, Message
from parsers.priority import Statement, read_priority


def confirm(
    turn: Turn,
    ticket: Ticket,
    statement: Statement | None,
    *,
    engineer: Said | None = None,
    files: tuple[Attachment, ...] = (),
) -> None:
    """J1: confirm a ticket to its requester, with its level and the time of the first answer.

    If an engineer opened the ticket (D6), her text goes along, and the mail answers none.
    """
    letter = _confirmation(turn.by(), ticket, statement, engineer)
    post = _post(turn.by(), ticket, f"confirmation:{ticket.id}", turn.mail.message)
    if engineer is not None:
        post = replace(post, answer=False, in_reply_to=None, references=(), attachments=files)
    turn.post(letter, post)


def _post(by: By, ticket: Ticket, key: str, answers: Message) -> Post:
    return Post(
        key=key,
        kind="confirmation",
        to=((ticket.requester_name, ticket.requester),),
        language=ticket.language,
        ticket=ticket,
        inbox_id=by.inbox_id,
        answer=True,
        in_reply_to=answers.message_id,
        references=thread_of(answers.message_id, answers.references),
    )


def confirm_placed(by: By, ticket: Ticket) -> None:
    """D2, J1: give the promise to a stranger, once her customer is known.

    The confirmation answers the first message of the ticket, also after silence.
    """
    opened_by = tickets.opened_by(by.tx, ticket.id)
    if opened_by is None or ticket.customer_id is None:
        return
    opening = stored(by, opened_by)
    message = opening.message
    desk = by.desk
    verdict = judge(message, own_addresses=desk.own_addresses, own_instance=desk.instance)
    if not verdict.may_answer or opening.sender != ticket.requester:
        return
    words = desk.settings.priority.words
    said = read_priority(message.subject, opening.body.new, words)
    letter = _confirmation(by, ticket, said if said.level == ticket.priority else None, None)
    letter = replace(letter, found=register.customer(by.tx, ticket.customer_id).name)
    key = f"confirmation:{ticket.id}:{ticket.customer_id}"
    answers.post(by, letter, _post(by, ticket, key, message))


def _confirmation(
    by: By, ticket: Ticket, statement: Statement | None, engineer: Said | None
) -> Confirmation:
    version = clocks.agreement_at_opening(by.tx, by.desk, ticket)
    bank = balances.bank(by.tx, by.desk, ticket.customer_id, by.day)
    response = clocks.read(by.tx, by.desk, ticket, by.at).response
    without = ticket.customer_id is not None and version is None
    return Confirmation(
        desk_name=by.desk.settings.desk.name,
        number=ticket.number,
        subject=ticket.subject,
        name=ticket.requester_name,
        placed=ticket.customer_id is not None,
        level=ticket.priority,
        stated=statement is not None and statement.level is not None,
        conflict=statement is not None and statement.conflict,
        plan_name=version.terms.plan_name if version else None,
        work_starts_by=_promised(by, response),
        response_minutes=_target_minutes(response),
        bank_left=bank.left if bank.period else None,
        rate=by.desk.none_terms(by.day).hourly_rate if without else None,
        engineer=engineer,
    )


def _promised(by: By, response: Clock | None) -> dt.datetime | None:
    """J1: the latest start of work; None for one in the past."""
    due = response.due_at if response is not None and response.running else None
    if due is None or due <= by.at:
        return None
    return by.desk.calendar.promise(due)


def _target_minutes(clock: Clock | None) -> int | None:
    if clock is None or clock.target is None:
        return None
    return int(clock.target.total_seconds() // 60)


def tell_priority(by: By, before: Ticket, after: Ticket, *, conflict: bool = False) -> None:
    """C8: tell the requester the new level, and the new promise."""
    if not tickets.was_confirmed(by.tx, after.id):
        return  # J2: opened by a machine, or by whom we may not answer
    response = clocks.read(by.tx, by.desk, after, by.at).response
    answers.post(
        by,
        PriorityChanged(
            by.desk.settings.desk.name,
            after.number,
            after.subject,
            before.priority,
            after.priority,
            conflict,
            _promised(by, response),
        ),
        Post(
            key=f"priority:{by.key}:{after.id}",
            kind="priority",
            to=((after.requester_name, after.requester),),
            language=after.language,
            ticket=after,
            inbox_id=by.inbox_id,
            answer=True,
        ),
    )
