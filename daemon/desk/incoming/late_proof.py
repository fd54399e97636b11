"""Late proof: a message held because the DNS was silent is tried again (D1a)."""

import datetime as dt
import random

import structlog

from daemon.desk.context import Desk
from daemon.desk.incoming.proof import proof_of
from daemon.store.mail import inbox
from daemon.store.tickets import holds
from daemon.store.tickets.holds import Hold
from parsers.authentication import UNANSWERED, Proof
from parsers.message import read

log = structlog.get_logger("avtald.late_proof")

_TOGETHER = 20


def step(desk: Desk, now: dt.datetime) -> bool:
    """Ask the DNS again about held messages; True if it answered about any of them.

    It holds up no other mail: it runs in a thread of its own, and asks outside of any transaction.
    Of many messages it takes some by chance, so that none stands in another's way for ever.
    """
    with desk.store.reading() as tx:
        waiting = holds.unproven(tx, UNANSWERED)
    random.shuffle(waiting)
    questions = desk.dns.questions(patient=True)
    did_any = False
    for hold in waiting[:_TOGETHER]:
        with desk.store.reading() as tx:
            raws, received_at = inbox.raws(tx, [hold.inbox_id]), inbox.received(tx, hold.inbox_id)
        if hold.inbox_id in raws:
            raw = raws[hold.inbox_id]
            message = read(raw, desk.settings.intake.limits.for_parsers())
            proof = proof_of(desk, message, raw, received_at, questions=questions)
            did_any |= _answered(desk, hold, proof, now)
    return did_any


def _answered(desk: Desk, hold: Hold, proof: Proof, now: dt.datetime) -> bool:
    """Put a proven message back in line, with its time of receipt; False without an answer."""
    if proof.reason == UNANSWERED:
        return False
    with desk.store.acting() as tx:
        if not proof.passed:
            holds.correct(tx, hold.id, proof.reason)
            inbox.explain(tx, hold.inbox_id, proof.reason)
        elif holds.settle(tx, hold.id, at=now, by=None, outcome="released"):
            inbox.reopen(tx, hold.inbox_id)
    log.info("asked again", inbox=hold.inbox_id, passed=proof.passed, reason=proof.reason)
    return True
