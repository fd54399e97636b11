"""Delivery reports: an answer that did not arrive is told, and may open a clock again (E1)."""

import datetime as dt

from daemon.desk import clocks, relay
from daemon.desk.context import Desk
from daemon.desk.inquiry import Outcome
from daemon.desk.relay import Incoming
from daemon.desk.sentences import sentence
from daemon.domain.clock import EventKind
from daemon.domain.ticket import Ticket
from daemon.store import outbox, tickets
from daemon.store.outbox import Delivery
from daemon.store.session import Tx
from parsers.bounce import read_bounce


def take(tx: Tx, desk: Desk, mail: Incoming, now: dt.datetime) -> Outcome:
    """Note a bounce on the ticket whose mail it tells of."""
    bounce = read_bounce(mail.message)
    original = bounce.original_message_id if bounce else None
    sent = outbox.by_message_ids(tx, [original]).get(original) if original else None
    if bounce is None or sent is None or sent.ticket_id is None:
        return Outcome("noted")
    ticket = tickets.living(tx, tickets.by_id(tx, sent.ticket_id))
    failed = [each for each in bounce.recipients if each.permanent]
    for each in failed:
        outbox.bounced(tx, sent.id, each.address, each.status or "")
    addresses = ", ".join(each.address for each in bounce.recipients)
    status = ", ".join(dict.fromkeys(each.status or "?" for each in bounce.recipients))
    _note(
        tx,
        desk,
        ticket,
        mail,
        sentence("bounce", desk.settings.desk.language, addresses=addresses, status=status),
    )
    if failed and outbox.all_failed(tx, sent.id):
        withdraw(tx, desk, ticket, sent.id, mail.received_at, mail.cause)
    remark = sentence("bounce", desk.settings.desk.language, addresses=addresses, status=status)
    relay.tell_engineers(tx, desk, ticket, mail, now, new=False, remarks=(remark,))
    return Outcome("noted", ticket.id)


def _note(tx: Tx, desk: Desk, ticket: Ticket, mail: Incoming, text: str) -> None:
    tickets.say(
        tx, ticket.id, inbox_id=mail.inbox_id, at=mail.received_at, author="machine",
        address=mail.sender, name=desk.settings.desk.name, internal=True, text=text,
    )  # fmt: skip


def withdraw(
    tx: Tx, desk: Desk, ticket: Ticket, outgoing_id: int, at: dt.datetime, cause: str
) -> None:
    """E1: an answer that failed for good at all of the customer's side stops no clock."""
    clocks.happened(
        tx, desk, ticket, EventKind.ANSWER_BOUNCED, at=at, actor="avtald", cause=cause,
        answer=outgoing_id,
    )  # fmt: skip


def accepted(tx: Tx, desk: Desk, delivery: Delivery, _now: dt.datetime) -> None:
    """E1: the server took an answer for one of the customer's side: the clock stopped at its receipt."""
    if not delivery.customer_side or delivery.ticket_id is None or delivery.inbox_id is None:
        return
    if not outbox.first_accepted(tx, delivery.outgoing_id, delivery.id):
        return
    ticket = tickets.living(tx, tickets.by_id(tx, delivery.ticket_id))
    clocks.happened(
        tx, desk, ticket, EventKind.ANSWER, at=tickets.received_at(tx, delivery.inbox_id),
        actor="avtald", cause=f"outbox:{delivery.id}", answer=delivery.outgoing_id,
    )  # fmt: skip


def failed(tx: Tx, desk: Desk, delivery: Delivery, now: dt.datetime, reply: str) -> None:
    """A delivery ended without success: a note on the ticket, for the engineers to see."""
    if delivery.ticket_id is None:
        return
    ticket = tickets.living(tx, tickets.by_id(tx, delivery.ticket_id))
    text = sentence(
        "failed", desk.settings.desk.language, address=delivery.recipient, reply=reply[:200]
    )
    tickets.say(
        tx, ticket.id, at=now, author="machine", address=desk.settings.desk.address,
        name=desk.settings.desk.name, internal=True, text=text,
    )  # fmt: skip
