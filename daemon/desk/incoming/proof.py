"""Authority needs proof: without it a message waits for the registered address's word (D1)."""

import datetime as dt

from daemon.desk.context import Desk
from daemon.desk.ports import Questions
from daemon.desk.tickets.turn import Turn
from daemon.domain.register import Person
from daemon.store.money import register
from parsers.addresses import mailboxes
from parsers.authentication import Proof, as_written, authenticate
from parsers.message import Message

_ONCE = ("From", "Subject", "To", "Cc", "Date", "Message-ID", "In-Reply-To", "Content-Type")


def asks_the_dns(desk: Desk, message: Message) -> bool:
    """Tell if `proof_of` may ask the DNS: it takes seconds if no resolver answers."""
    identity = desk.settings.identity
    return identity.require != "none" and identity.dkim and bool(message.all("DKIM-Signature"))


def proof_of(
    desk: Desk, message: Message, raw: bytes, received_at: dt.datetime, *, questions: Questions
) -> Proof:
    """The proof of a message's sender, or the reason of its lack (D1)."""
    identity = desk.settings.identity
    if any(len(message.all(name)) > 1 for name in _ONCE):
        # Whatever was proven, another reader takes the other one (notes/reliability.md 7).
        return Proof(passed=False, method="none", reason="header_repeated")
    if identity.require == "none":
        return Proof(passed=True, method="none", reason="")
    proof = authenticate(
        message,
        raw,
        trusted_authserv_ids=identity.trusted_authserv_ids,
        microsoft365=identity.microsoft365,
        dkim=identity.dkim,
        dns=questions.of_a_mail(),
    )
    return as_written(
        proof,
        message,
        is_desk=desk.is_own,
        received_at=received_at,
        within=identity.date_within,
    )


def claimed_person(turn: Turn) -> Person | None:
    """The registered person whom a message without one single sender names in a From (D1)."""
    if turn.mail.sender:
        return None
    named = (box for value in turn.mail.message.raw("From") for box in mailboxes(value, 20))
    people = (register.person_by_address(turn.tx, box.address) for box in named)
    return next((person for person in people if person is not None), None)
