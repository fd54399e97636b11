"""Finding the ticket that a message goes on with (D3)."""

from daemon.desk import reply_ids
from daemon.desk.turn import Turn
from daemon.domain.conversation import Candidate, may_join_by_number, reply_references
from daemon.domain.ticket import Ticket
from daemon.store import outbox, tickets
from daemon.store.outbox import Sent
from parsers.subject import ticket_number


def answered_mail(turn: Turn) -> Sent | None:
    """The mail of ours that the message answers, by its Message-ID."""
    message = turn.mail.message
    wanted = reply_references(message.in_reply_to, message.references)
    found = outbox.by_message_ids(turn.tx, wanted)
    return next((found[each] for each in wanted if each in found), None)


def joined_ticket(
    turn: Turn, *, customer_id: int | None, engineer: bool = False
) -> tuple[Ticket, bool] | None:
    """The ticket a message belongs to, and whether a keyed reply id says so; None: a new one."""
    keyed = _named(turn, _keyed_number(turn))
    if keyed is not None:
        return keyed, True
    ticket = _named(turn, ticket_number(turn.mail.message.subject))
    if ticket is None:
        return None
    taking_part = frozenset(
        each.address for each in tickets.participants_of(turn.tx, ticket.id) if not each.silent
    )
    candidate = Candidate(ticket.number, ticket.customer_id, taking_part)
    if may_join_by_number(candidate, turn.mail.sender, customer_id, engineer=engineer):
        return ticket, False
    return None


def _named(turn: Turn, number: int | None) -> Ticket | None:
    """The ticket of that number, or the one it was merged into (D7)."""
    ticket = None if number is None else tickets.by_number(turn.tx, number)
    return None if ticket is None else tickets.living(turn.tx, ticket)


def _keyed_number(turn: Turn) -> int | None:
    """The ticket number of our keyed id: in a reference, or in the address it was sent to."""
    desk, message = turn.desk, turn.mail.message
    ids = list(reply_references(message.in_reply_to, message.references))
    local = desk.settings.desk.address.rpartition("@")[0]
    for _, address in turn.mail.written_to:
        account, _, domain = address.rpartition("@")
        if domain == desk.domain and account.startswith(f"{local}+"):
            ids.append(f"<{account[len(local) + 1 :]}@{domain}>")
    found = (reply_ids.read(desk.key, each) for each in ids)
    return next((number for number in found if number is not None), None)
