"""A message from the customer's side: it opens a ticket, or goes on with one (D2–D5, E1, J1)."""

from daemon.desk import balance, clocks, relay
from daemon.desk.confirm import confirm, tell_priority
from daemon.desk.conversation import joined_ticket
from daemon.desk.turn import Outcome, Turn
from daemon.domain.clock import EventKind
from daemon.domain.conversation import colleagues
from daemon.domain.priority import DEFAULT
from daemon.domain.register import Customer
from daemon.domain.ticket import Status, Ticket, is_thanks, reopens
from daemon.store import register, tickets
from parsers.automatic import Verdict
from parsers.priority import Statement, read_priority
from parsers.subject import base_subject


def take(turn: Turn, verdict: Verdict) -> Outcome:
    """Act on a message of the customer's side, or of a stranger."""
    sender = turn.mail.sender
    found = register.customer_of_address(turn.tx, sender) if sender else None
    customer, contact = found or (None, None)
    if customer and contact and verdict.kind == "person" and balance.asks(turn):
        return balance.answer(turn, customer, contact)
    joined = joined_ticket(turn, customer_id=customer.id if customer else None)
    if joined is None:
        if verdict.kind == "auto_reply" and turn.mail.message.in_reply_to:
            return Outcome("noted")
        return _new(turn, verdict, customer)
    ticket, by_key = joined
    if verdict.kind != "person":
        return _machine_reply(turn, ticket)
    if ticket.is_closed:
        return _to_closed(turn, verdict, ticket, customer)
    return _reply(turn, verdict, ticket, _join_in(turn, ticket, customer, by_key=by_key))


def _statement(turn: Turn) -> Statement:
    words = turn.desk.settings.priority.words
    return read_priority(turn.mail.message.subject, turn.mail.body.new, words)


# --- a new ticket -----------------------------------------------------------------------------


def _new(
    turn: Turn, verdict: Verdict, customer: Customer | None, follows: Ticket | None = None
) -> Outcome:
    spam = _marked_as_spam(turn)
    statement = _statement(turn)
    ticket = open_for(
        turn, customer, level=statement.level or DEFAULT, spam=spam, follows=follows,
        requester=(turn.mail.sender_name, turn.mail.sender),
    )  # fmt: skip
    tickets.join(turn.tx, ticket.id, _others(turn, customer), turn.mail.received_at)
    person = verdict.kind == "person"
    turn.say(ticket, "customer" if customer or person else "machine", _shown(turn))
    if not spam:
        if person and verdict.may_answer and turn.mail.sender:
            confirm(turn, ticket, statement)
        remarks = relay.cautions(turn)
        if customer is None:
            remarks += (turn.sentence("unplaced"),)
        relay.tell_engineers(turn, ticket, new=True, remarks=remarks)
    return Outcome("opened", ticket.id)


def open_for(
    turn: Turn, customer: Customer | None, *, level: int, spam: bool,
    requester: tuple[str, str], follows: Ticket | None = None,
) -> Ticket:  # fmt: skip
    """Open a ticket; its clock starts at the message's receipt (B2, E1)."""
    at = turn.mail.received_at
    ticket = tickets.open_ticket(
        turn.tx,
        subject=base_subject(turn.mail.message.subject)[:400],
        customer_id=customer.id if customer else None,
        requester=requester[1],
        requester_name=requester[0],
        language=(customer and customer.language) or turn.language,
        priority=level,
        status=Status.OPEN if customer else Status.UNPLACED,
        opened_at=at,
        spam=spam,
        follows_id=follows.id if follows else None,
    )
    if requester[1]:
        tickets.join(turn.tx, ticket.id, [requester], at)
    turn.happened(ticket, EventKind.OPENED, priority=level)
    return ticket


def _marked_as_spam(turn: Turn) -> bool:
    """D2: what the border marked as spam waits in silence."""
    name, _, value = (turn.desk.settings.identity.spam_header or "").partition(":")
    if not name:
        return False
    marks = [each.strip().casefold() for each in turn.mail.message.all(name.strip())]
    return any(mark.startswith(value.strip().casefold()) for mark in marks)


def _others(turn: Turn, customer: Customer | None) -> tuple[tuple[str, str], ...]:
    """D4: colleagues of the customer's domains in To and Cc."""
    if customer is None:
        return ()
    ours = turn.desk.own_addresses | {turn.mail.sender}
    return colleagues(turn.mail.written_to, register.domains_of(turn.tx, customer.id), ours)


def _shown(turn: Turn) -> str:
    return turn.mail.body.shown or turn.mail.body.new


# --- a reply ----------------------------------------------------------------------------------


def _to_closed(turn: Turn, verdict: Verdict, ticket: Ticket, customer: Customer | None) -> Outcome:
    """D5: a thank-you changes nothing, a reply in time reopens, a later one opens a new ticket."""
    if is_thanks(turn.mail.body.shown, attachments=len(turn.mail.message.attachments)):
        turn.say(ticket, "customer", _shown(turn))
        return Outcome("thanks", ticket.id)
    if not reopens(ticket, turn.mail.received_at, turn.desk.settings.desk.reopen_within):
        return _new(turn, verdict, customer, follows=ticket)
    ticket = tickets.change(turn.tx, ticket.id, status=Status.OPEN, closed_at=None)
    turn.happened(ticket, EventKind.REOPENED)
    remarks = _join_in(turn, ticket, customer, by_key=True)
    return _reply(turn, verdict, ticket, [*remarks, turn.sentence("reopened_by_customer")])


def _reply(turn: Turn, verdict: Verdict, ticket: Ticket, remarks: list[str]) -> Outcome:
    turn.say(ticket, "customer", _shown(turn))
    turn.happened(ticket, EventKind.CUSTOMER_MESSAGE)
    if ticket.status == Status.WAITING:
        ticket = tickets.change(turn.tx, ticket.id, status=Status.OPEN)
    changed = _change_level(turn, verdict, ticket)
    if changed is not None:
        remarks.append(
            turn.sentence("priority_by_customer", old=ticket.priority, new=changed.priority)
        )
    remarks += relay.cautions(turn)
    relay.tell_engineers(turn, changed or ticket, new=False, remarks=tuple(remarks))
    return Outcome("joined", ticket.id)


def _join_in(turn: Turn, ticket: Ticket, customer: Customer | None, *, by_key: bool) -> list[str]:
    """D3, D4: who takes part from now on; an unknown sender gets nothing yet."""
    sender = (turn.mail.sender_name, turn.mail.sender)
    known = {each.address for each in tickets.participants_of(turn.tx, ticket.id)}
    if customer is not None and customer.id == ticket.customer_id:
        joining = (sender, *_others(turn, customer))
        tickets.join(turn.tx, ticket.id, joining, turn.mail.received_at)
    elif by_key and sender[1] and sender[1] not in known:
        tickets.join(turn.tx, ticket.id, [sender], turn.mail.received_at, silent=True)
        return [turn.sentence("stranger")]
    return []


def _machine_reply(turn: Turn, ticket: Ticket) -> Outcome:
    """An out-of-office in a ticket: kept and shown, without effect on clock or status (E5)."""
    turn.say(ticket, "machine", _shown(turn))
    turn.happened(ticket, EventKind.AUTO_REPLY)
    relay.tell_engineers(turn, ticket, new=False, remarks=(turn.sentence("auto_reply"),))
    return Outcome("noted", ticket.id)


# --- levels -----------------------------------------------------------------------------------


def _change_level(turn: Turn, verdict: Verdict, ticket: Ticket) -> Ticket | None:
    """C5, C8: a new label in a reply changes the level; the subject only where it differs."""
    statement = _statement(turn)
    level = statement.subject_level
    if level is None or level == ticket.priority:
        level = statement.text_level
    if level is None or level == ticket.priority:
        return None
    changed = set_priority(turn, ticket, level, actor=turn.mail.sender)
    if verdict.may_answer:
        tell_priority(turn, ticket, changed, conflict=statement.conflict)
    return changed


def set_priority(turn: Turn, ticket: Ticket, level: int, *, actor: str) -> Ticket:
    """E4: set a ticket's level; its deadline is computed anew from the original start."""
    changed = tickets.change(turn.tx, ticket.id, priority=level)
    turn.happened(changed, EventKind.PRIORITY, actor=actor, priority=level)
    return changed


def refresh(turn: Turn, ticket: Ticket) -> None:
    """Bring a ticket's clocks up to what changed around its events: its customer, its start."""
    clocks.refresh(turn.tx, turn.desk, ticket, turn.mail.received_at)
