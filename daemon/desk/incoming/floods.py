"""Floods: very many new tickets of one address or domain are kept as one ticket (J2)."""

from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import Alarm
from daemon.desk.outgoing import alarms
from daemon.desk.tickets import acts, clocks, relay
from daemon.desk.tickets.turn import Outcome, Turn
from daemon.domain.clock import EventKind
from daemon.domain.priority import DEFAULT
from daemon.domain.register import Customer
from daemon.domain.ticket import Ticket
from daemon.store import rows
from daemon.store.tickets import floods, tickets


def keep(turn: Turn, customer: Customer | None, author: str) -> Outcome | None:
    """Keep a new message of a flood on the flood's ticket; None for one that opens its own.

    Its whole text stays readable there. The engineers and the operators are told once.
    """
    source = _source(turn, customer)
    if source is None:
        stranger = customer is None
        floods.opened(turn.tx, turn.mail.sender, turn.mail.received_at, stranger=stranger)
        return None
    ticket = _kept_on(turn, source) or _begin(turn, source, customer)
    subject, text = turn.mail.message.subject, turn.mail.body.shown or turn.mail.body.new
    turn.say(ticket, author, f"{subject}\n\n{text}".strip())
    if customer is not None:
        clocks.happened(turn.by(), ticket, EventKind.CUSTOMER_MESSAGE)
    return Outcome("gathered", ticket.id)


def _source(turn: Turn, customer: Customer | None) -> str | None:
    """The address or domain that has opened its share of tickets."""
    limits, address = turn.desk.settings.desk, turn.mail.sender
    since = turn.mail.received_at - limits.tickets_within
    if not address:
        return None
    if floods.by_address(turn.tx, address, since) >= limits.tickets_of_address:
        return address
    domain = address.rpartition("@")[2]
    if customer is None and floods.by_domain(turn.tx, domain, since) >= limits.tickets_of_domain:
        return domain
    return None


def _kept_on(turn: Turn, source: str) -> Ticket | None:
    """The ticket of a flood that goes on, unless it has been closed as anything but spam."""
    kept = rows.fact_to_change(turn.tx, _name(turn, source))
    if not kept:
        return None
    ticket = tickets.living(turn.tx, tickets.by_id(turn.tx, int(kept)))
    since = turn.mail.received_at - turn.desk.settings.desk.tickets_within
    said = tickets.said(turn.tx, ticket.id, last=1)
    goes_on = bool(said) and said[-1].at > since
    return ticket if goes_on and (ticket.spam or not ticket.is_closed) else None


def _begin(turn: Turn, source: str, customer: Customer | None) -> Ticket:
    ticket = acts.open_ticket(
        turn.by(),
        customer,
        subject=turn.sentence("flood_subject", source=source),
        level=DEFAULT,
        requester=(turn.mail.sender_name, turn.mail.sender),
        language=turn.language,
    )
    rows.keep_fact(turn.tx, _name(turn, source), str(ticket.id))
    relay.tell_engineers(turn, ticket, new=True, remarks=(turn.sentence("flood"),))
    _alarm(turn, source, ticket)
    return ticket


def _alarm(turn: Turn, source: str, ticket: Ticket) -> None:
    language = turn.desk.language
    letter = Alarm(
        sentence("flood_alarm", language, source=source),
        sentence("flood_remedy", language, number=ticket.number),
    )
    key = f"{_name(turn, source)}:{turn.now:%Y-%m-%d}"
    alarms.raise_alarm(turn.tx, turn.desk, key, letter, turn.now)


def _name(turn: Turn, source: str) -> str:
    """The name of a source in facts and alarms: a digest, for an address is personal data."""
    return f"flood:{turn.desk.digest('flood', source, length=16)}"
