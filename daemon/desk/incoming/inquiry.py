"""A message from the customer's side: it opens a ticket, or goes on with one (D2–D5, E1, J1).

Its facts are read, its way is decided by them alone, and the way's acts and letters follow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from daemon.desk.incoming import balance, floods
from daemon.desk.tickets import acts, clocks, relay
from daemon.desk.tickets.acts import Done
from daemon.desk.tickets.confirm import confirm, tell_priority
from daemon.desk.tickets.conversation import joined_ticket, taking_part
from daemon.desk.tickets.turn import Incoming, Outcome, Turn
from daemon.domain.clock import EventKind
from daemon.domain.priority import DEFAULT
from daemon.domain.register import Contact, Customer
from daemon.domain.ticket import Status, Ticket, is_thanks, reopens
from daemon.store.money import register
from daemon.store.tickets import tickets
from parsers.automatic import Verdict
from parsers.priority import Statement, read_priority
from parsers.subject import base_subject


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The facts of a message from the customer's side, or from a stranger."""

    mail: Incoming
    verdict: Verdict
    reopen_within: timedelta
    customer: Customer | None = None
    contact: Contact | None = None
    ticket: Ticket | None = None  # it goes on with this one
    side: frozenset[str] = frozenset()  # its participants, where it is another customer's

    @property
    def on(self) -> Ticket:
        """The ticket of a reply; a LookupError for a new message."""
        if self.ticket is None:
            raise LookupError("the message has no ticket")
        return self.ticket


Way = Callable[[Turn, Inquiry], Outcome]  # a way's acts and letters


def take(turn: Turn, verdict: Verdict) -> Outcome:
    """Act on a message of the customer's side, or of a stranger."""
    inquiry = _read(turn, verdict)
    return decide(inquiry)(turn, inquiry)


def _read(turn: Turn, verdict: Verdict) -> Inquiry:
    owner = register.customer_of_address(turn.tx, turn.mail.sender) if turn.mail.sender else None
    customer, contact = owner or (None, None)
    ticket = joined_ticket(turn, customer_id=customer.id if customer else None)
    own = ticket is None or (customer is not None and customer.id == ticket.customer_id)
    side = frozenset() if ticket is None or own else taking_part(turn.tx, ticket)
    within = turn.desk.settings.desk.reopen_within
    return Inquiry(turn.mail, verdict, within, customer, contact, ticket, side)


def decide(inquiry: Inquiry) -> Way:
    """The way of a message, by its facts alone."""
    if inquiry.ticket is None:
        return _way_without_ticket(inquiry)
    if inquiry.verdict.kind != "person":
        return machine_reply
    if _is_outsider(inquiry, inquiry.ticket):
        return outsiders_reply
    if not inquiry.ticket.is_closed:
        return reply
    return _way_to_closed(inquiry.mail, inquiry.ticket, inquiry.reopen_within)


def _way_without_ticket(inquiry: Inquiry) -> Way:
    mail, kind = inquiry.mail, inquiry.verdict.kind
    if inquiry.customer and inquiry.contact and kind == "person" and balance.asks(mail):
        return balance_and_new_ticket if balance.says_more(mail) else tell_balance
    answers = kind == "auto_reply" and mail.message.in_reply_to
    return keep_silent if answers or kind == "receipt" else new_ticket


def _is_outsider(inquiry: Inquiry, ticket: Ticket) -> bool:
    """D3: tell if the sender is neither of the ticket's customer nor takes part in it."""
    customer = inquiry.customer
    if customer is not None and customer.id == ticket.customer_id:
        return False
    return inquiry.mail.sender not in inquiry.side


def _way_to_closed(mail: Incoming, ticket: Ticket, within: timedelta) -> Way:
    """D5: a thank-you changes nothing, a reply in time reopens, a later one opens a new ticket."""
    files = [each for each in mail.message.attachments if not each.inline]
    if is_thanks(mail.body.shown, attachments=len(files)):
        return thanks
    if not reopens(ticket, mail.received_at, within):
        return follow_up
    # [skräp]: silence, until an engineer opens it.
    return reply_to_spam if ticket.spam and ticket.customer_id is None else reopening_reply


# --- without a ticket -------------------------------------------------------------------------


def keep_silent(_turn: Turn, _inquiry: Inquiry) -> Outcome:
    """Note an automatic answer to no ticket."""
    return Outcome("noted")


def tell_balance(turn: Turn, inquiry: Inquiry) -> Outcome:
    """J5: `saldo`, with no more than a greeting."""
    if inquiry.customer is not None and inquiry.contact is not None:
        balance.answer(turn, inquiry.customer, inquiry.contact)
    return Outcome("balance")


def balance_and_new_ticket(turn: Turn, inquiry: Inquiry) -> Outcome:
    """J5: `saldo`, and a text to be read."""
    tell_balance(turn, inquiry)
    return new_ticket(turn, inquiry)


def new_ticket(turn: Turn, inquiry: Inquiry) -> Outcome:
    """Open a ticket: its sender gets a confirmation, the engineers a notice (J1, D8)."""
    return _open(turn, inquiry, None)


def follow_up(turn: Turn, inquiry: Inquiry) -> Outcome:
    """D5: open a ticket, linked to the one closed long ago."""
    return _open(turn, inquiry, inquiry.ticket)


def _open(turn: Turn, inquiry: Inquiry, follows: Ticket | None) -> Outcome:
    customer, verdict = inquiry.customer, inquiry.verdict
    person = verdict.kind == "person"
    author = "customer" if customer or person else "machine"
    gathered = floods.keep(turn, customer, author)
    if gathered is not None:
        return gathered
    spam, statement = _marked_as_spam(turn), _statement(turn)
    ticket = acts.open_ticket(
        turn.by(),
        customer,
        subject=base_subject(turn.mail.message.subject)[:400],
        level=statement.level or DEFAULT,
        requester=(turn.mail.sender_name, turn.mail.sender),
        language=turn.language,
        spam=spam,
        follows=follows,
    )
    relay.join(turn.by(), ticket, relay.others_of(turn, customer))
    turn.say(ticket, author, _shown(turn))
    if not spam:
        if person and verdict.may_answer and turn.mail.sender:
            confirm(turn, ticket, statement)
        remarks = relay.cautions(turn)
        if follows is not None:
            remarks += (turn.sentence("follows", number=follows.number),)
        relay.tell_engineers(turn, ticket, new=True, remarks=remarks)
    return Outcome("opened", ticket.id)


def _marked_as_spam(turn: Turn) -> bool:
    """D2: tell if the border has marked the mail as spam: it waits in silence."""
    name, _, value = (turn.desk.settings.identity.spam_header or "").partition(":")
    if not name:
        return False
    marks = [each.strip().casefold() for each in turn.mail.message.all(name.strip())]
    return any(mark.startswith(value.strip().casefold()) for mark in marks)


def _shown(turn: Turn) -> str:
    return turn.mail.body.shown or turn.mail.body.new


def _statement(turn: Turn) -> Statement:
    words = turn.desk.settings.priority.words
    return read_priority(turn.mail.message.subject, turn.mail.body.new, words)


# --- on a ticket ------------------------------------------------------------------------------


def thanks(turn: Turn, inquiry: Inquiry) -> Outcome:
    """D5: keep a thank-you for a closed ticket."""
    turn.say(inquiry.on, "customer", _shown(turn))
    return Outcome("thanks", inquiry.on.id)


def reply_to_spam(turn: Turn, inquiry: Inquiry) -> Outcome:
    """D2: keep a reply on a ticket closed as spam."""
    turn.say(inquiry.on, "customer", _shown(turn))
    return Outcome("spam", inquiry.on.id)


def reply(turn: Turn, inquiry: Inquiry) -> Outcome:
    """Take a reply of the customer's side on an open ticket."""
    _join_in(turn, inquiry)
    return _reply(turn, inquiry, inquiry.on)


def reopening_reply(turn: Turn, inquiry: Inquiry) -> Outcome:
    """D5: open the ticket of a reply again."""
    done = acts.reopen(turn.by(), inquiry.on)
    _join_in(turn, inquiry)
    return _reply(turn, inquiry, done.ticket, turn.sentence("reopened_by_customer"))


def _join_in(turn: Turn, inquiry: Inquiry) -> None:
    """D4: let the sender and her colleagues take part from now on."""
    customer, ticket = inquiry.customer, inquiry.on
    if customer is not None and customer.id == ticket.customer_id:
        sender = (turn.mail.sender_name, turn.mail.sender)
        relay.join(turn.by(), ticket, (sender, *relay.others_of(turn, customer)))


def _reply(turn: Turn, inquiry: Inquiry, ticket: Ticket, *remarks: str) -> Outcome:
    turn.say(ticket, "customer", _shown(turn))
    clocks.happened(turn.by(), ticket, EventKind.CUSTOMER_MESSAGE)
    if ticket.status == Status.WAITING:
        ticket = tickets.change(turn.tx, ticket.id, status=Status.OPEN)
    statement = _statement(turn)
    level = wanted_level(statement, ticket)
    changed = None if level is None else acts.set_level(turn.by(), ticket, level)
    if isinstance(changed, Done):
        if inquiry.verdict.may_answer:
            tell_priority(turn.by(), ticket, changed.ticket, conflict=statement.conflict)
        remarks += (turn.sentence("priority_by_customer", old=ticket.priority, new=level),)
        ticket = changed.ticket
    remarks += relay.cautions(turn)
    relay.tell_engineers(turn, ticket, new=False, remarks=remarks)
    return Outcome("joined", ticket.id)


def wanted_level(statement: Statement, ticket: Ticket) -> int | None:
    """C5, C8: the new level in a reply; the subject counts only if it differs."""
    stated = (statement.subject_level, statement.text_level)
    return next((level for level in stated if level not in {None, ticket.priority}), None)


def outsiders_reply(turn: Turn, inquiry: Inquiry) -> Outcome:
    """D3: keep and show it; it moves no clock and no level, and reopens nothing."""
    ticket, sender = inquiry.on, (turn.mail.sender_name, turn.mail.sender)
    turn.say(ticket, "stranger", _shown(turn))
    if not turn.desk.is_own(sender[1]):
        relay.join(turn.by(), ticket, [sender], silent=True)
    remark = turn.sentence("other_customers" if inquiry.customer else "stranger")
    relay.tell_engineers(turn, ticket, new=False, remarks=(remark, *relay.cautions(turn)))
    return Outcome("joined", ticket.id)


def machine_reply(turn: Turn, inquiry: Inquiry) -> Outcome:
    """E5: keep and show an out-of-office, without effect on clock or status."""
    ticket = inquiry.on
    turn.say(ticket, "machine", _shown(turn))
    clocks.happened(turn.by(), ticket, EventKind.AUTO_REPLY)
    if inquiry.verdict.kind != "receipt":  # that it was read is no news
        relay.tell_engineers(turn, ticket, new=False, remarks=(turn.sentence("auto_reply"),))
    return Outcome("noted", ticket.id)
