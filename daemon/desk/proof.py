"""Authority needs proof: without it a message waits for the registered address's word (D1)."""

import re

from daemon.desk.letters import ProofRequest
from daemon.desk.mailing import Post
from daemon.desk.turn import Turn
from daemon.domain.register import Person
from daemon.store import holds, inbox
from daemon.store.outbox import Sent
from parsers.authentication import Proof, authenticate

_EXCERPT = 400
_OK = re.compile(r"\W*ok\b", re.IGNORECASE)


def proof_of(turn: Turn, raw: bytes) -> Proof:
    """Whether the message proves that it comes from the address it names (D1)."""
    identity = turn.desk.settings.identity
    if identity.require == "none":
        return Proof(passed=True, method="none", reason="")
    return authenticate(
        turn.mail.message,
        raw,
        trusted_authserv_ids=identity.trusted_authserv_ids,
        microsoft365=identity.microsoft365,
        dkim=identity.dkim,
    )


def says_ok(text: str) -> bool:
    """Whether the first word is OK (C11, H7)."""
    return _OK.match(text) is not None


def ask(turn: Turn, person: Person, reason: str) -> None:
    """Hold a message, and ask the registered address whether it is its own.

    The request's Message-ID is the one-time token: it is keyed, and goes to that address alone.
    """
    mail = turn.mail
    token = turn.desk.digest("proof", str(mail.inbox_id), mail.received_at.isoformat())
    hold_id = holds.hold(
        turn.tx, kind="proof", token=token, inbox_id=mail.inbox_id, person_id=person.id,
        created_at=mail.received_at, reason=reason,
    )  # fmt: skip
    excerpt = mail.body.new.strip()[:_EXCERPT]
    turn.post(
        ProofRequest(person.name, mail.received_at, mail.message.subject, excerpt, reason),
        Post(
            key=f"proof:{hold_id}:{token}", kind="proof", to=((person.name, person.email),),
            language=turn.language, about=f"hold:{hold_id}",
        ),
    )  # fmt: skip


def release(turn: Turn, person: Person, answered: Sent | None) -> bool:
    """Let a held message through when its confirmation request is answered; once (D1)."""
    if answered is None or answered.kind != "proof" or not answered.about:
        return False
    hold = holds.open_by_id(turn.tx, int(answered.about.partition(":")[2]))
    if hold is None or hold.person_id != person.id:
        return False
    at, by = turn.mail.received_at, turn.mail.inbox_id
    settled = holds.settle(turn.tx, hold.id, at=at, by=by, outcome="released")
    return settled and inbox.reopen(turn.tx, hold.inbox_id, released_by=by)
