"""One stored message becomes a ticket, a reply, a held message or the shelf (B3, B4, C1, D1)."""

import datetime as dt

import structlog

from daemon.desk import alarms, answer, bounces, closing, inquiry, meetings, proof, relay
from daemon.desk.context import Desk
from daemon.desk.conversation import answered_mail
from daemon.desk.turn import Incoming, Outcome, Turn
from daemon.domain.register import Person
from daemon.store import inbox, register, tickets
from daemon.store.inbox import Claimed, LeaseLostError
from daemon.store.session import StoreError, Tx
from parsers.automatic import Verdict, judge
from parsers.body import read_body
from parsers.message import read

log = structlog.get_logger("avtald.receive")


def step(desk: Desk, now: dt.datetime) -> bool:
    """Claim waiting messages and act on each, one transaction each; False where none waits."""
    with desk.store.writing() as tx:
        for inbox_id in inbox.given_up(tx, now):
            alarms.shelved(tx, desk, inbox_id, "the program stopped three times on it", now)
        claimed = inbox.claim(tx)
    for message in claimed:
        with structlog.contextvars.bound_contextvars(inbox=message.id):
            _attempt(desk, message, now)
    return bool(claimed)


def _attempt(desk: Desk, claimed: Claimed, now: dt.datetime) -> None:
    try:
        with desk.store.writing() as tx:
            process(tx, desk, claimed, now)
    except LeaseLostError:
        log.warning("taken over")
    except StoreError:
        with desk.store.writing() as tx:
            inbox.give_back(tx, claimed.id)  # the database's fault is not the message's (B4)
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:500]
        log.exception("failed")
        with desk.store.writing() as tx:
            if inbox.fail(tx, claimed.id, reason, now):
                alarms.shelved(tx, desk, claimed.id, reason, now)


def process(tx: Tx, desk: Desk, claimed: Claimed, now: dt.datetime) -> None:
    """Act on one message; all of its effects and its end are one transaction (B3)."""
    raw = inbox.raw(tx, claimed.id)
    message = read(raw, desk.settings.intake.limits.for_parsers())
    verdict = judge(message, own_addresses=desk.own_addresses, own_instance=desk.instance)
    body = read_body(message, own_markers=desk.markers)
    turn = Turn(tx, desk, Incoming(claimed.id, claimed.received_at, message, body), now)
    outcome = _outcome(turn, verdict, raw, released=claimed.released_by is not None)
    inbox.finish(
        tx, claimed.id, at=now, outcome=outcome.outcome, kind=verdict.kind,
        sender=turn.mail.sender, ticket_id=outcome.ticket_id, state=outcome.state,
        reason=outcome.reason,
    )  # fmt: skip
    log.info("processed", kind=verdict.kind, outcome=outcome.outcome, ticket=outcome.ticket_id)


def _outcome(turn: Turn, verdict: Verdict, raw: bytes, *, released: bool) -> Outcome:
    refusal = turn.mail.message.refusal
    if refusal is not None:
        alarms.shelved(turn.tx, turn.desk, turn.mail.inbox_id, refusal, turn.now)
        return Outcome("refused", state="shelved", reason=refusal)
    if verdict.is_ours:
        return Outcome("loop")
    if verdict.kind == "bounce":
        return bounces.take(turn)
    replied = meetings.reply(turn)
    if replied is not None:
        return replied
    sender = turn.mail.sender
    person = register.person_by_address(turn.tx, sender) if sender else None
    if person is None or not person.active:
        return _approval(turn, raw) or inquiry.take(turn, verdict)
    if verdict.kind != "person":
        return _away(turn, person)
    return _from_registered(turn, person, raw, released=released)


def _away(turn: Turn, person: Person) -> Outcome:
    """An engineer's own out-of-office: no word of hers, but her tickets go to everybody."""
    answered = answered_mail(turn)
    if answered is None or answered.kind != "notice" or answered.ticket_id is None:
        return Outcome("noted")
    ticket = tickets.living(turn.tx, tickets.by_id(turn.tx, answered.ticket_id))
    if ticket.assignee_id == person.id:
        relay.hand_over(turn, ticket, person)
    return Outcome("noted", ticket.id)


def _from_registered(turn: Turn, person: Person, raw: bytes, *, released: bool) -> Outcome:
    """D1: with proof, or released by a one-time token, a registered address has authority."""
    answered = answered_mail(turn)
    if proof.release(turn, person, answered):
        return Outcome("released")
    if not released:
        shown = proof.proof_of(turn, raw)
        if not shown.passed:
            proof.ask(turn, person, shown.reason)
            return Outcome("held", state="held", reason=shown.reason)
    if answered is not None and proof.says_ok(turn.mail.body.new):
        if answered.kind == "close" and closing.approve(turn, answered):
            return Outcome("approved")
        if answered.kind == "receipt" and answer.confirmed(turn, person, answered):
            return Outcome("confirmed", answered.ticket_id)
    about = meetings.answered(turn, person, answered) if answered is not None else None
    return about or answer.take(turn, person, answered)


def _approval(turn: Turn, raw: bytes) -> Outcome | None:
    """H7: finance's OK, from an address of finance that is no registered person, with proof."""
    if turn.mail.sender not in turn.desk.settings.accounting.finance:
        return None
    answered = answered_mail(turn)
    if answered is None or answered.kind != "close" or not proof.says_ok(turn.mail.body.new):
        return None
    if not proof.proof_of(turn, raw).passed:
        return None
    return Outcome("approved") if closing.approve(turn, answered) else None
