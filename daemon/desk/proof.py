"""Authority needs proof: without it a message waits for the registered address's word (D1)."""

import datetime as dt
import re

from daemon.desk.context import Desk
from daemon.desk.letters import ProofRequest
from daemon.desk.mailing import Post, post
from daemon.desk.relay import Incoming
from daemon.domain.conversation import reply_references
from daemon.domain.register import Person
from daemon.store import holds, inbox, outbox
from daemon.store.outbox import Sent
from daemon.store.session import Tx
from parsers.authentication import Proof, authenticate

_EXCERPT = 400
_OK = re.compile(r"\W*ok\b", re.IGNORECASE)


def proof_of(desk: Desk, mail: Incoming, raw: bytes) -> Proof:
    """Whether the message proves that it comes from the address it names (D1)."""
    identity = desk.settings.identity
    if identity.require == "none":
        return Proof(passed=True, method="none", reason="")
    return authenticate(
        mail.message,
        raw,
        trusted_authserv_ids=identity.trusted_authserv_ids,
        microsoft365=identity.microsoft365,
        dkim=identity.dkim,
    )


def says_ok(text: str) -> bool:
    """Whether the first word is OK (C11, H7)."""
    return _OK.match(text) is not None


def answered_mail(tx: Tx, mail: Incoming) -> Sent | None:
    """The mail of ours that this one answers, by its Message-ID (D3)."""
    wanted = reply_references(mail.message.in_reply_to, mail.message.references)
    found = outbox.by_message_ids(tx, wanted)
    return next((found[each] for each in wanted if each in found), None)


def ask(tx: Tx, desk: Desk, person: Person, mail: Incoming, reason: str, now: dt.datetime) -> None:
    """Hold a message, and ask the registered address whether it is its own.

    The request's Message-ID is the one-time token: it is keyed, and goes to that address alone.
    """
    token = desk.digest("proof", str(mail.inbox_id), mail.received_at.isoformat())
    hold_id = holds.hold(
        tx, kind="proof", token=token, inbox_id=mail.inbox_id, person_id=person.id,
        created_at=mail.received_at, reason=reason,
    )  # fmt: skip
    post(
        tx, desk,
        ProofRequest(
            person.name, mail.received_at, mail.message.subject, mail.body.new.strip()[:_EXCERPT], reason
        ),
        Post(
            key=f"proof:{hold_id}:{token}", kind="proof", to=((person.name, person.email),),
            language=desk.settings.desk.language, about=f"hold:{hold_id}",
        ),
        now,
    )  # fmt: skip


def release(tx: Tx, person: Person, mail: Incoming, answered: Sent | None) -> bool:
    """Let a held message through when its confirmation request is answered; once (D1)."""
    if answered is None or answered.kind != "proof" or not answered.about:
        return False
    hold = holds.open_by_id(tx, int(answered.about.partition(":")[2]))
    if hold is None or hold.person_id != person.id:
        return False
    settled = holds.settle(tx, hold.id, at=mail.received_at, by=mail.inbox_id, outcome="released")
    return settled and inbox.reopen(tx, hold.inbox_id, released_by=mail.inbox_id)
