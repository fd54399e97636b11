"""Authority needs proof: without it a message waits for the registered address's word (D1)."""

import datetime as dt
import re

from daemon.desk.context import Desk
from daemon.desk.letters.to_engineers import ProofRequest, Receipt
from daemon.desk.outgoing.mailing import Post
from daemon.desk.ports import Questions
from daemon.desk.tickets.turn import Outcome, Turn
from daemon.domain.register import Person
from daemon.store.mail import inbox
from daemon.store.mail.outbox import Sent
from daemon.store.money import register
from daemon.store.tickets import holds
from parsers.addresses import mailboxes
from parsers.authentication import Proof, as_written, authenticate
from parsers.message import Message

_EXCERPT = 400
_NO = re.compile(r"(?<!\w)(?:nej|nä|inte|icke|ej|aldrig|no|not|never)(?!\w)", re.IGNORECASE)
_YES = re.compile(r"\W*(?:ja|japp|jo|yes|ok)\b", re.IGNORECASE)
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


def ask(turn: Turn, person: Person, reason: str) -> None:
    """Hold a message, and ask its registered address for a confirmation.

    The request's Message-ID is the one-time token: it is keyed, and goes to that address alone.
    """
    mail = turn.mail
    hold_id, token = hold_unproven(turn, person, reason)
    excerpt = mail.body.new.strip()[:_EXCERPT]
    turn.post(
        ProofRequest(person.name, mail.received_at, mail.message.subject, excerpt, reason),
        Post(
            key=f"proof:{hold_id}:{token}",
            kind="proof",
            to=((person.name, person.email),),
            language=turn.language,
            about=f"hold:{hold_id}",
        ),
    )


def hold_unproven(turn: Turn, person: Person | None, reason: str) -> tuple[int, str]:
    """Hold a message without proof; gives the hold's number, and its one-time token."""
    mail = turn.mail
    token = turn.desk.digest("proof", str(mail.inbox_id), mail.received_at.isoformat())
    hold_id = holds.hold(
        turn.tx,
        kind="proof",
        token=token,
        inbox_id=mail.inbox_id,
        person_id=person.id if person else None,
        created_at=mail.received_at,
        reason=reason,
    )
    return hold_id, token


def answered_request(turn: Turn, person: Person, request: Sent) -> Outcome:
    """D1: let the held message through after a reply to its request; once, and in time.

    A reply of "no" refuses the message.
    """
    hold = holds.open_by_id(turn.tx, int((request.about or ":0").partition(":")[2]))
    if hold is None or hold.person_id != person.id:
        return Outcome("noted")
    at, by, text = turn.mail.received_at, turn.mail.inbox_id, turn.mail.body.new
    if at >= hold.created_at + turn.desk.settings.identity.confirm_within:
        holds.settle(turn.tx, hold.id, at=at, by=by, outcome="expired")
        _tell(turn, person, "confirmed_late")
        return Outcome("expired")
    if _NO.search(text) and not _YES.match(text):
        holds.settle(turn.tx, hold.id, at=at, by=by, outcome="refused")
        _tell(turn, person, "confirmed_not")
        return Outcome("refused")
    settled = holds.settle(turn.tx, hold.id, at=at, by=by, outcome="released")
    released = settled and inbox.reopen(turn.tx, hold.inbox_id, released_by=by)
    return Outcome("released" if released else "noted")


def _tell(turn: Turn, person: Person, code: str) -> None:
    """Tell the registered address of a held message: it is not let through."""
    letter = Receipt(
        number=None,
        subject=turn.mail.message.subject,
        customer=None,
        booked=(),
        refused=(),
        done=(turn.sentence(code),),
        banks=(),
        relayed_to=(),
    )
    turn.post(
        letter,
        Post(
            key=f"receipt:{turn.mail.inbox_id}",
            kind="receipt",
            to=((person.name, person.email),),
            language=turn.language,
            about=f"receipt:{turn.mail.inbox_id}",
        ),
    )


def claimed_person(turn: Turn) -> Person | None:
    """The registered person whom a message without one single sender names in a From (D1)."""
    if turn.mail.sender:
        return None
    named = (box for value in turn.mail.message.raw("From") for box in mailboxes(value, 20))
    people = (register.person_by_address(turn.tx, box.address) for box in named)
    return next((person for person in people if person is not None), None)
