"""The ticket of a message, by its reply id or its number (D3)."""

from collections.abc import Iterable
from dataclasses import dataclass

from daemon.desk.outgoing import reply_ids
from daemon.desk.tickets.turn import Turn
from daemon.domain.conversation import Candidate, may_join_by_number, reply_references
from daemon.domain.ticket import Ticket
from daemon.store.mail import outbox
from daemon.store.mail.outbox import Sent
from daemon.store.session import Tx
from daemon.store.tickets import tickets
from parsers.subject import ticket_number

_DELIVERED_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")


def answered_mail(turn: Turn) -> Sent | None:
    """The answered mail of ours, by its Message-ID or the reply address."""
    wanted = _ids(turn)
    sent = outbox.by_message_ids(turn.tx, wanted)
    return next((sent[each] for each in wanted if each in sent), None)


def directly_answered(turn: Turn) -> Sent | None:
    """The one mail of ours named in a message's In-Reply-To and reply addresses (H7).

    References do not count: they name the whole thread.
    """
    first = turn.mail.message.in_reply_to
    sent = outbox.by_message_ids(turn.tx, _both_cases([first] if first else [], turn))
    named = {mail.id: mail for mail in sent.values()}
    return next(iter(named.values())) if len(named) == 1 else None


@dataclass(frozen=True, slots=True)
class Returned:
    """A mail of ours and the recipient whose keyed return path a message came to (E1)."""

    message_id: str
    sent: Sent
    recipient: str


def returned(turn: Turn) -> Returned | None:
    """The mail of ours that a message came back from, proven by the key in its address."""
    for address in dict.fromkeys(_reached(turn)):
        named = reply_ids.returned(turn.desk.key, address, turn.desk.domain)
        sent = outbox.by_message_ids(turn.tx, [named]).get(named) if named else None
        if named is None or sent is None:
            continue
        to = outbox.recipients(turn.tx, sent.id)
        recipient = reply_ids.proven_recipient(turn.desk.key, address, to)
        if recipient is not None:
            return Returned(named, sent, recipient)
    return None


def joined_ticket(turn: Turn, *, customer_id: int | None) -> Ticket | None:
    """The ticket of a customer's message, by keyed reply id or by number; None for a new one."""
    keyed = _named(turn, _keyed_number(turn))
    if keyed is not None:
        return keyed
    ticket = _named(turn, ticket_number(turn.mail.message.subject))
    if ticket is None:
        return None
    candidate = Candidate(ticket.number, ticket.customer_id, taking_part(turn.tx, ticket))
    joins = may_join_by_number(candidate, turn.mail.sender, customer_id, engineer=False)
    return ticket if joins else None


def taking_part(tx: Tx, ticket: Ticket) -> frozenset[str]:
    """The addresses of a ticket's participants, less the silent ones (D3)."""
    side = tickets.participants_of(tx, ticket.id)
    return frozenset(each.address for each in side if not each.silent)


def engineers_ticket(turn: Turn, answered: Sent | None) -> Ticket | None:
    """The ticket of an engineer's message: by reply id, by number, or by the answered mail.

    The answered mail may be the customer's own, if the engineer had a copy.
    """
    message = turn.mail.message
    on = _named(turn, _keyed_number(turn)) or _named(turn, ticket_number(message.subject))
    if on is None and answered is not None and answered.ticket_id is not None:
        on = tickets.living(turn.tx, tickets.by_id(turn.tx, answered.ticket_id))
    if on is None:
        known = tickets.of_message_ids(turn.tx, _references(turn))
        on = tickets.living(turn.tx, known) if known else None
    return on


def _reached(turn: Turn) -> list[str]:
    """The addresses that a message was delivered or written to."""
    message = turn.mail.message
    noted = (value.strip(" <>") for name in _DELIVERED_TO for value in message.all(name))
    return [*turn.mail.envelope_to, *noted, *(each for _, each in turn.mail.written_to)]


def _named(turn: Turn, number: int | None) -> Ticket | None:
    """The ticket of a number, or after a merge the living one (D7)."""
    ticket = None if number is None else tickets.by_number(turn.tx, number)
    return None if ticket is None else tickets.living(turn.tx, ticket)


def _references(turn: Turn) -> tuple[str, ...]:
    message = turn.mail.message
    return reply_references(message.in_reply_to, message.references)


def _ids(turn: Turn) -> list[str]:
    """The ids of the answered mails, best first: of the references, then of the addresses.

    Automatic answers go to the return path (RFC 3834, section 4).
    """
    back = returned(turn)
    return [*_both_cases(_references(turn), turn), *([back.message_id] if back else ())]


def _both_cases(references: Iterable[str], turn: Turn) -> list[str]:
    """Ids, and those of the reply addresses, as they stand and in lower case."""
    desk = turn.desk
    ids = [*references]
    local = desk.settings.desk.address.rpartition("@")[0]
    for address in (*(each for _, each in turn.mail.written_to), *turn.mail.envelope_to):
        account, _, domain = address.lower().rpartition("@")
        if domain == desk.domain and account.startswith(f"{local}+"):
            ids.append(f"<{account[len(local) + 1 :]}@{domain}>")
    # Ours are lower case, and some mail systems change the case of an id.
    return list(dict.fromkeys([*ids, *(each.lower() for each in ids)]))


def _keyed_number(turn: Turn) -> int | None:
    """The ticket number of our keyed id."""
    numbers = (reply_ids.read(turn.desk.key, each) for each in _ids(turn))
    return next((number for number in numbers if number is not None), None)
