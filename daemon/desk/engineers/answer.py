"""A message from an engineer: read, decided, carried out, told (C9–C14, D6, D8)."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from daemon.desk.context import By, Refusal
from daemon.desk.engineers import by_line, deciding, leaks, news, opening, receipts
from daemon.desk.engineers.acting import Acted, Carried, carry_out, left_behind
from daemon.desk.engineers.deciding import ENGINEERS, STOPS
from daemon.desk.engineers.reading import Written, read_answer
from daemon.desk.tickets import acts, clocks, relay
from daemon.desk.tickets.turn import Outcome, Turn
from daemon.domain.clock import EventKind
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store.mail import inbox
from daemon.store.mail.outbox import Sent
from daemon.store.tickets import holds


def take(turn: Turn, person: Person, answered: Sent | None) -> Outcome:
    """Act on a proven message of one of our people, and send its receipt."""
    written = read_answer(turn, person, answered)
    turn = replace(turn, mail=written.mail)
    parts: tuple[Acted, ...] = ()
    if not ENGINEERS & person.roles:
        acted = _of_office(turn, person, written)
    elif by_line.is_one(turn.by(person), written):
        acted, parts = by_line.act(turn, person, written)
    else:
        acted = _act(turn, person, written)
    if written.has("help"):
        news.tag_card(turn, person)
    receipts.send(turn, person, written, acted, parts)
    if acted.ticket is None:
        did = any(part.did_anything for part in (acted, *parts))
        return Outcome("answered" if did else "no-ticket")
    if written.receipt_for is not None:
        inbox.note_ticket(turn.tx, turn.mail.inbox_id, acted.ticket.id)
    return Outcome("opened" if acted.opened else "answered", acted.ticket.id)


def _of_office(turn: Turn, person: Person, written: Written) -> Acted:
    """Finance without an engineer's part: their words on a ticket stay inside (D8)."""
    ticket = written.ticket
    tags = [tag for _, tag in written.tags if tag.kind == "tag" and tag.name != "help"]
    refused = tuple(Carried(Refusal("not_allowed"), tag) for tag in tags)
    if ticket is None:
        return Acted(carried=refused, why="no_ticket")
    acted = Acted(ticket, refused, why="not_engineer")
    if written.text:
        turn.say(ticket, "engineer", written.text, internal=True)
        news.to_colleagues(turn, person, acted, written.text)
    return acted


def _act(turn: Turn, person: Person, written: Written) -> Acted:
    """Act on the ticket of a message, or on a new one for its customer (D6)."""
    begun = Acted(written.ticket) if written.ticket else opening.open_for_customer(turn, written)
    if begun.ticket is None:
        return begun
    by = turn.by(person)
    opened = begun.ticket if begun.opened else None
    before, after = deciding.plan(person, written.tags, written.receipt_of, opened)
    ticket, carried = carry_out(by, begun.ticket, before)
    why = _obstacle(by, written, ticket, carried)
    if written.text:
        turn.say(ticket, "engineer", written.text, internal=why not in {None, "direct"})
    begun = begun.then(ticket, *carried, why=why)
    acted = _send(turn, person, written, ticket, begun)
    ticket, carried = carry_out(by, acted.ticket or ticket, after)
    acted = acted.then(ticket, *carried)
    news.of_answer(turn, person, acted, written.text)
    return acted


def _obstacle(by: By, written: Written, ticket: Ticket, carried: Sequence[Carried]) -> str | None:
    """The reason why a text must not go to the customer; None if it may.

    Of two doubts the leak is told: an OK sends the text with all that is in it.
    """
    elsewhere = any(_is_misdirected(each) for each in carried)
    why = deciding.obstacle(written, ticket, misdirected=elsewhere)
    if why is not None and why not in STOPS:
        return why
    inside = leaks.inside(by, ticket, written.answered, written.text)
    side = frozenset(each.address for each in relay.customer_side(by.tx, ticket))
    around = deciding.obstacle_around(written, ticket, inside, side)
    return around if why is None or around in STOPS else why


def _is_misdirected(carried: Carried) -> bool:
    """Tell if a tag names somebody of another customer: the text was meant for her."""
    tag = carried.tag
    return tag is not None and tag.name == "for" and carried.result == Refusal("other_customer")


def _send(turn: Turn, person: Person, written: Written, ticket: Ticket, acted: Acted) -> Acted:
    """D8: send the answer on, unless there is an obstacle."""
    by = turn.by(person)
    if acted.why in STOPS:
        _stop(by, person, ticket, acted.why or "")
    elif acted.opened:
        acted = opening.confirm_opened(turn, person, acted, written.text)
    elif acted.why == "direct":
        # D8: written to the customer with the desk in Cc: known, and not sent twice. The id is
        # kept apart from those of our own mails.
        clocks.happened(by, ticket, EventKind.ANSWER, answer=-turn.mail.inbox_id)
        acted = acted.then(acts.take_over(by, ticket))
    elif acted.why is None:
        to = relay.answer_customer(turn, ticket, person, written.text)
        _, left_out = relay.carried(turn.desk, relay.own_files(turn.mail))
        acted = acted.then(acts.take_over(by, ticket), *left_behind(ticket, left_out), to=to)
    relay.join_copied(turn, ticket)
    return acted


def _stop(by: By, person: Person, ticket: Ticket, why: str) -> None:
    """C9: hold a doubtful text until the engineer says OK."""
    holds.hold(
        by.tx,
        kind="internal",
        token=secrets.token_hex(16),
        inbox_id=by.inbox_id,
        person_id=person.id,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        created_at=by.at,
        reason=why,
    )
    by.record(ticket, "answer-stopped", why=why)
