"""Finding the ticket that a message goes on with (D3)."""

from daemon.desk import reply_ids
from daemon.desk.context import Desk
from daemon.desk.relay import Incoming
from daemon.domain.conversation import Candidate, may_join_by_number, reply_references
from daemon.domain.ticket import Ticket
from daemon.store import tickets
from daemon.store.session import Tx
from parsers.subject import ticket_number


def joined_ticket(
    tx: Tx, desk: Desk, mail: Incoming, *, customer_id: int | None, engineer: bool = False
) -> tuple[Ticket, bool] | None:
    """The ticket a message belongs to, and whether a keyed reply id says so; None: a new one."""
    number = _keyed_number(desk, mail)
    ticket = tickets.by_number(tx, number) if number is not None else None
    if ticket is not None:
        return tickets.living(tx, ticket), True
    number = ticket_number(mail.message.subject)
    ticket = tickets.by_number(tx, number) if number is not None else None
    if ticket is None:
        return None
    ticket = tickets.living(tx, ticket)
    taking_part = frozenset(
        each.address for each in tickets.participants_of(tx, ticket.id) if not each.silent
    )
    candidate = Candidate(ticket.number, ticket.customer_id, taking_part)
    if may_join_by_number(candidate, mail.sender, customer_id, engineer=engineer):
        return ticket, False
    return None


def _keyed_number(desk: Desk, mail: Incoming) -> int | None:
    """The ticket number of our keyed id: in a reference, or in the address it was sent to."""
    ids = [*reply_references(mail.message.in_reply_to, mail.message.references)]
    local = desk.settings.desk.address.rpartition("@")[0]
    for mailbox in (*mail.message.to, *mail.message.cc):
        account, _, domain = mailbox.address.rpartition("@")
        if domain == desk.domain and account.startswith(f"{local}+"):
            ids.append(f"<{account[len(local) + 1 :]}@{domain}>")
    found = (reply_ids.read(desk.key, each) for each in ids)
    return next((number for number in found if number is not None), None)
