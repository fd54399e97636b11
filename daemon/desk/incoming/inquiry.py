"""A message from the customer's side: it opens a ticket, or goes on with one (D2–D5, E1, J1)."""

from daemon.desk.incoming import balance
from daemon.desk.tickets import changes, relay
from daemon.desk.tickets.confirm import confirm, tell_priority
from daemon.desk.tickets.conversation import joined_ticket
from daemon.desk.tickets.turn import Outcome, Turn
from daemon.domain.clock import EventKind
from daemon.domain.priority import DEFAULT
from daemon.domain.register import Customer
from daemon.domain.ticket import Status, Ticket, is_thanks, reopens
from daemon.store.money import register
from daemon.store.tickets import tickets
from parsers.automatic import Verdict
from parsers.priority import Statement, read_priority


def take(turn: Turn, verdict: Verdict) -> Outcome:
    """Act on a message of the customer's side, or of a stranger."""
    sender = turn.mail.sender
    found = register.customer_of_address(turn.tx, sender) if sender else None
    customer, contact = found or (None, None)
    joined = joined_ticket(turn, customer_id=customer.id if customer else None)
    if joined is None:
        if customer and contact and verdict.kind == "person" and balance.asks(turn):
            answered = balance.answer(turn, customer, contact)
            if not balance.says_more(turn):
                return answered
        answers = verdict.kind == "auto_reply" and turn.mail.message.in_reply_to
        if answers or verdict.kind == "receipt":
            return Outcome("noted")
        return _new(turn, verdict, customer)
    ticket, _ = joined
    if verdict.kind != "person":
        return _machine_reply(turn, verdict, ticket)
    if _is_outsider(turn, ticket, customer):
        return _outsiders_reply(turn, ticket, known=customer is not None)
    if ticket.is_closed:
        return _to_closed(turn, verdict, ticket, customer)
    return _reply(turn, verdict, ticket, _join_in(turn, ticket, customer))


def _statement(turn: Turn) -> Statement:
    words = turn.desk.settings.priority.words
    return read_priority(turn.mail.message.subject, turn.mail.body.new, words)


# --- a new ticket -----------------------------------------------------------------------------


def _new(
    turn: Turn, verdict: Verdict, customer: Customer | None, follows: Ticket | None = None
) -> Outcome:
    spam = _marked_as_spam(turn)
    statement = _statement(turn)
    ticket = changes.open_for(
        turn,
        customer,
        level=statement.level or DEFAULT,
        spam=spam,
        follows=follows,
        requester=(turn.mail.sender_name, turn.mail.sender),
    )
    relay.join(turn, ticket, relay.others_of(turn, customer))
    person = verdict.kind == "person"
    turn.say(ticket, "customer" if customer or person else "machine", _shown(turn))
    if not spam:
        if person and verdict.may_answer and turn.mail.sender:
            confirm(turn, ticket, statement)
        remarks = relay.cautions(turn)
        if follows is not None:
            remarks += (turn.sentence("follows", number=follows.number),)
        relay.tell_engineers(turn, ticket, new=True, remarks=remarks)
    return Outcome("opened", ticket.id)


def _marked_as_spam(turn: Turn) -> bool:
    """D2: what the border marked as spam waits in silence."""
    name, _, value = (turn.desk.settings.identity.spam_header or "").partition(":")
    if not name:
        return False
    marks = [each.strip().casefold() for each in turn.mail.message.all(name.strip())]
    return any(mark.startswith(value.strip().casefold()) for mark in marks)


def _shown(turn: Turn) -> str:
    return turn.mail.body.shown or turn.mail.body.new


# --- a reply ----------------------------------------------------------------------------------


def _to_closed(turn: Turn, verdict: Verdict, ticket: Ticket, customer: Customer | None) -> Outcome:
    """D5: a thank-you changes nothing, a reply in time reopens, a later one opens a new ticket."""
    files = [each for each in turn.mail.message.attachments if not each.inline]
    if is_thanks(turn.mail.body.shown, attachments=len(files)):
        turn.say(ticket, "customer", _shown(turn))
        return Outcome("thanks", ticket.id)
    if not reopens(ticket, turn.mail.received_at, turn.desk.settings.desk.reopen_within):
        return _new(turn, verdict, customer, follows=ticket)
    if ticket.spam and ticket.customer_id is None:
        turn.say(ticket, "customer", _shown(turn))  # [skräp]: silence, until an engineer opens it
        return Outcome("spam", ticket.id)
    status = Status.OPEN if ticket.customer_id is not None else Status.UNPLACED
    ticket = tickets.change(turn.tx, ticket.id, status=status, closed_at=None, spam=False)
    turn.happened(ticket, EventKind.REOPENED)
    remarks = _join_in(turn, ticket, customer)
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


def _join_in(turn: Turn, ticket: Ticket, customer: Customer | None) -> list[str]:
    """D4: who takes part from now on."""
    if customer is not None and customer.id == ticket.customer_id:
        sender = (turn.mail.sender_name, turn.mail.sender)
        relay.join(turn, ticket, (sender, *relay.others_of(turn, customer)))
    return []


# --- outsiders and machines -------------------------------------------------------------------


def _is_outsider(turn: Turn, ticket: Ticket, customer: Customer | None) -> bool:
    """D3: neither of the ticket's customer nor somebody who takes part in it."""
    if customer is not None and customer.id == ticket.customer_id:
        return False
    side = tickets.participants_of(turn.tx, ticket.id)
    return turn.mail.sender not in {each.address for each in side if not each.silent}


def _outsiders_reply(turn: Turn, ticket: Ticket, *, known: bool) -> Outcome:
    """D3: it is kept and shown; it moves no clock and no level, and reopens nothing."""
    sender = (turn.mail.sender_name, turn.mail.sender)
    turn.say(ticket, "stranger", _shown(turn))
    if not turn.is_desk(sender[1]):
        relay.join(turn, ticket, [sender], silent=True)
    remarks = (turn.sentence("other_customers" if known else "stranger"), *relay.cautions(turn))
    relay.tell_engineers(turn, ticket, new=False, remarks=remarks)
    return Outcome("joined", ticket.id)


def _machine_reply(turn: Turn, verdict: Verdict, ticket: Ticket) -> Outcome:
    """An out-of-office in a ticket: kept and shown, without effect on clock or status (E5)."""
    turn.say(ticket, "machine", _shown(turn))
    turn.happened(ticket, EventKind.AUTO_REPLY)
    if verdict.kind != "receipt":  # that it was read is no news
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
    changed = changes.set_priority(turn, ticket, level, actor=turn.mail.sender)
    if verdict.may_answer:
        tell_priority(turn, ticket, changed, conflict=statement.conflict)
    return changed
