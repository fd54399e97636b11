"""An OK in reply to a receipt: held time is booked, and a stopped answer goes out (C9, C11)."""

from collections.abc import Sequence
from dataclasses import replace

from daemon.desk.engineers import news, opening, receipts
from daemon.desk.engineers.acting import Acted, Carried, noted
from daemon.desk.engineers.deciding import ENGINEERS
from daemon.desk.engineers.reading import text_of
from daemon.desk.hours import worklog
from daemon.desk.tickets import acts, relay
from daemon.desk.tickets.turn import Outcome, Turn, stored
from daemon.domain.register import Person
from daemon.store.mail.outbox import Sent
from daemon.store.tickets import holds, tickets
from parsers.tags import read_tags


def take(turn: Turn, person: Person, answered: Sent) -> Outcome | None:
    """Act on the OK of a held message's writer; note anybody else's, and a second one.

    None for a reply with tags: it is then read as any other.
    """
    holding = holds.of_message(turn.tx, answered.inbox_id) if answered.inbox_id is not None else ()
    own = [row for row in holding if row.person_id == person.id and row.ticket_id]
    waiting = own if ENGINEERS & person.roles else []
    if waiting:
        acted = _released(turn, person, waiting)
        if answered.ticket_id is None:  # a receipt of several tickets: so is the one to come
            acted = replace(acted, ticket=None)
        receipts.send_for_ok(turn, person, acted, answered.inbox_id or 0)
    if read_tags(turn.mail.body.new):
        return None
    return Outcome("confirmed" if waiting else "noted", answered.ticket_id)


def _released(turn: Turn, person: Person, waiting: Sequence[holds.Hold]) -> Acted:
    acted = Acted()
    for row in waiting:
        ticket = tickets.living(turn.tx, tickets.by_id(turn.tx, row.ticket_id))
        if row.kind == "internal":
            acted = _send_stopped(turn, person, acted.then(ticket), row)
        else:
            booked = worklog.release(turn.by(person), ticket, row, person)
            acted = acted.then(ticket, *([Carried(booked)] if booked else []))
    return acted.then(ticket, noted(ticket, "confirmed"))


def _send_stopped(turn: Turn, person: Person, acted: Acted, row: holds.Hold) -> Acted:
    """C9: send a stopped answer to the customer after all.

    It goes out with its own files and HTML, and its own receipt counts for the clock (E1). Another
    customer, to whom the ticket has moved since, does not get it (D7).
    """
    by, ticket = turn.by(person), acted.ticket
    if ticket is not None and row.customer_id not in {None, ticket.customer_id}:
        return replace(acted, why="other_customer")
    settled = holds.settle(by.tx, row.id, at=by.at, by=by.inbox_id, outcome="released")
    if ticket is None or not settled:
        return acted
    then = replace(turn, mail=stored(by, row.inbox_id))
    text = text_of(then.mail)
    tickets.make_public(by.tx, row.inbox_id)
    if tickets.opened_by(by.tx, ticket.id) == row.inbox_id:
        sent = opening.confirm_opened(then, person, Acted(ticket), text)
    else:
        sent = Acted(ticket, to=relay.answer_customer(then, ticket, person, text))
    sent = sent.then(acts.take_over(then.by(person), ticket))
    news.to_colleagues(then, person, sent, text)
    return acted.then(sent.ticket, noted(ticket, "relayed_on_ok"), to=sent.to)
