"""A delivery has ended: an accepted answer stops the clock, a failure is told (E1)."""

import datetime as dt

from daemon.desk.context import By, Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.outgoing import alarms
from daemon.desk.tickets import clocks
from daemon.domain.clock import EventKind
from daemon.store.mail import inbox, outbox
from daemon.store.mail.outbox import Delivery
from daemon.store.session import Tx
from daemon.store.tickets import tickets


def accepted(tx: Tx, desk: Desk, delivery: Delivery, now: dt.datetime) -> None:
    """E1: a server took an answer for the customer's side: the clock stopped at its receipt."""
    if not delivery.customer_side or delivery.ticket_id is None or delivery.inbox_id is None:
        return
    if not outbox.first_accepted(tx, delivery.outgoing_id, delivery.id):
        return
    ticket = tickets.living(tx, tickets.by_id(tx, delivery.ticket_id))
    at = inbox.received(tx, delivery.inbox_id)
    by = By(tx, desk, "avtald", at, f"outbox:{delivery.id}", now)
    clocks.happened(by, ticket, EventKind.ANSWER, answer=delivery.outgoing_id)


def failed(tx: Tx, desk: Desk, delivery: Delivery, now: dt.datetime, *, reply: str) -> None:
    """A delivery ended without success: a note on the ticket; of no ticket, to the operators."""
    if delivery.ticket_id is None:
        mail = (delivery.outgoing_id, delivery.kind)
        alarms.undelivered(tx, desk, mail, now, recipient=delivery.recipient, reply=reply)
        return
    ticket = tickets.living(tx, tickets.by_id(tx, delivery.ticket_id))
    text = sentence(
        "in_doubt" if delivery.in_doubt else "failed",
        desk.settings.desk.language,
        address=delivery.recipient,
        reply=reply[:200],
    )
    tickets.say(
        tx,
        ticket.id,
        at=now,
        author="machine",
        address=desk.settings.desk.address,
        name=desk.settings.desk.name,
        internal=True,
        text=text,
    )
