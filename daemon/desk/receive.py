"""One stored message becomes a ticket, a reply, a held message or the shelf (B3, B4, C1, D1)."""

import datetime as dt
import traceback

import structlog

from daemon.desk import alarms, answer, bounces, closing, inquiry, proof
from daemon.desk.context import Desk
from daemon.desk.inquiry import Outcome
from daemon.desk.relay import Incoming
from daemon.domain.register import Person
from daemon.store import inbox, register
from daemon.store.inbox import Claimed, LeaseLostError
from daemon.store.outbox import Sent
from daemon.store.session import StoreError, Tx
from parsers.automatic import Verdict, judge
from parsers.body import read_body
from parsers.message import read

log = structlog.get_logger("avtald.receive")


def step(desk: Desk, now: dt.datetime) -> bool:
    """Claim waiting messages and act on each, in a transaction of its own; False where none waits."""
    with desk.store.writing() as tx:
        for inbox_id in inbox.given_up(tx, now):
            alarms.shelved(tx, desk, inbox_id, "the program stopped three times on it", now)
        claimed = inbox.claim(tx)
    for message in claimed:
        _attempt(desk, message, now)
    return bool(claimed)


def _attempt(desk: Desk, claimed: Claimed, now: dt.datetime) -> None:
    try:
        with desk.store.writing() as tx:
            process(tx, desk, claimed, now)
    except LeaseLostError:
        log.warning("taken over", inbox=claimed.id)
    except StoreError:
        with desk.store.writing() as tx:
            inbox.give_back(tx, claimed.id)  # the database's fault is not the message's (B4)
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, the loop goes on and nothing is lost
        reason = f"{type(error).__name__}: {error}"
        log.error("failed", inbox=claimed.id, error=reason, trace=traceback.format_exc())
        with desk.store.writing() as tx:
            if inbox.fail(tx, claimed.id, reason[:500], now):
                alarms.shelved(tx, desk, claimed.id, reason[:500], now)


def process(tx: Tx, desk: Desk, claimed: Claimed, now: dt.datetime) -> None:
    """Act on one message; all of its effects and its end are one transaction (B3)."""
    raw = inbox.raw(tx, claimed.id)
    message = read(raw)
    verdict = judge(message, own_addresses=desk.own_addresses, own_instance=desk.instance)
    mail = Incoming(
        claimed.id, claimed.received_at, message, read_body(message, own_markers=desk.markers)
    )
    if message.refusal is not None:
        outcome = Outcome("refused", state="shelved", reason=message.refusal)
        alarms.shelved(tx, desk, claimed.id, message.refusal, now)
    elif verdict.is_ours:
        outcome = Outcome("loop")
    elif verdict.kind == "bounce":
        outcome = bounces.take(tx, desk, mail, now)
    else:
        outcome = _from_somebody(tx, desk, mail, raw, claimed, verdict, now)
    inbox.finish(
        tx, claimed.id, at=now, outcome=outcome.outcome, kind=verdict.kind, sender=mail.sender,
        ticket_id=outcome.ticket_id, state=outcome.state, reason=outcome.reason,
    )  # fmt: skip
    log.info("processed", inbox=claimed.id, kind=verdict.kind, outcome=outcome.outcome)


def _from_somebody(
    tx: Tx, desk: Desk, mail: Incoming, raw: bytes, claimed: Claimed, verdict: Verdict,
    now: dt.datetime,
) -> Outcome:  # fmt: skip
    person = register.person_by_address(tx, mail.sender) if mail.sender else None
    if person is None or not person.active:
        return _approval(tx, desk, mail, raw, now) or inquiry.take(tx, desk, mail, verdict, now)
    if verdict.kind != "person":
        return Outcome("noted")  # an engineer's own out-of-office: no word of hers
    answered = proof.answered_mail(tx, mail)
    if proof.release(tx, person, mail, answered):
        return Outcome("released")
    if claimed.released_by is None:
        shown = proof.proof_of(desk, mail, raw)
        if not shown.passed:
            proof.ask(tx, desk, person, mail, shown.reason, now)
            return Outcome("held", state="held", reason=shown.reason)
    return _from_registered(tx, desk, person, mail, answered, now)


def _from_registered(
    tx: Tx, desk: Desk, person: Person, mail: Incoming, answered: Sent | None, now: dt.datetime
) -> Outcome:
    """A message with proof from a registered address."""
    if answered is not None and proof.says_ok(mail.body.new):
        if answered.kind == "close" and closing.approve(
            tx, desk, person.email, mail, answered, now
        ):
            return Outcome("approved")
        if answered.kind == "receipt" and answer.confirmed(tx, desk, person, mail, answered, now):
            return Outcome("confirmed", answered.ticket_id)
    return answer.take(tx, desk, person, mail, answered, now)


def _approval(tx: Tx, desk: Desk, mail: Incoming, raw: bytes, now: dt.datetime) -> Outcome | None:
    """H7: finance's OK, from an address of finance that is no registered person, with proof."""
    if mail.sender not in desk.settings.accounting.finance:
        return None
    answered = proof.answered_mail(tx, mail)
    if answered is None or answered.kind != "close" or not proof.says_ok(mail.body.new):
        return None
    if not proof.proof_of(desk, mail, raw).passed:
        return None
    approved = closing.approve(tx, desk, mail.sender, mail, answered, now)
    return Outcome("approved") if approved else None
