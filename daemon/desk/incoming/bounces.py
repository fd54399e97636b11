"""Delivery reports: engineers hear of a lost answer, and it may open a clock again (E1)."""

from collections.abc import Sequence
from dataclasses import replace

from daemon.desk.outgoing import alarms
from daemon.desk.tickets import clocks, relay
from daemon.desk.tickets.turn import Outcome, Turn
from daemon.domain.clock import EventKind
from daemon.store.mail import outbox
from daemon.store.mail.outbox import Sent
from daemon.store.tickets import tickets
from parsers.bounce import Bounce, Failed, read_bounce

# Mail to the customer's side; the rest goes to our own people, whose mailboxes can fail too.
_OUTWARD = frozenset(
    {"relay", "confirmation", "priority", "news", "balance", "explanation", "report", "meeting"}
)


def take(turn: Turn) -> Outcome:
    """Note a bounce on the ticket of the lost mail."""
    bounce = read_bounce(turn.mail.message)
    original = bounce.original_message_id if bounce else None
    sent = outbox.by_message_ids(turn.tx, [original]).get(original) if original else None
    if bounce is None or sent is None:
        return Outcome("noted")
    if sent.ticket_id is None:
        _of_no_ticket(turn, sent, bounce)
        return Outcome("noted")
    ticket = tickets.living(turn.tx, tickets.by_id(turn.tx, sent.ticket_id))
    failed = [recipient for recipient in bounce.recipients if recipient.permanent]
    for recipient in failed:
        outbox.bounced(turn.tx, sent.id, recipient.address, recipient.status or "")
    remark = _remark(turn, failed, bounce.recipients)
    turn.say(ticket, "machine", remark, internal=True)
    if failed and outbox.all_failed(turn.tx, sent.id):
        # E1: an answer that failed for good at all of the customer's side stops no clock.
        by = replace(turn.by(), actor="avtald")
        clocks.happened(by, ticket, EventKind.ANSWER_BOUNCED, answer=sent.id)
    if sent.kind in _OUTWARD:
        relay.tell_engineers(turn, ticket, new=False, remarks=(remark,))
    elif failed or not bounce.recipients:  # a notice of it would come back itself, for ever
        alarms.own_mail_bounced(turn.tx, turn.desk, remark, turn.now)
    return Outcome("noted", ticket.id)


def _remark(turn: Turn, failed: Sequence[Failed], reported: Sequence[Failed]) -> str:
    """The sentence about the addresses not reached, or only delayed."""
    told = failed or reported
    return turn.sentence(
        "delayed" if told and not failed else "bounce",
        addresses=", ".join(each.address for each in told) or "?",
        status=", ".join(dict.fromkeys(each.status or "?" for each in told)) or "?",
    )


def _of_no_ticket(turn: Turn, sent: Sent, bounce: Bounce) -> None:
    """Note a mail of no ticket as undelivered for good."""
    for report in bounce.recipients:
        if report.permanent:
            outbox.bounced(turn.tx, sent.id, report.address, report.status or "")
            alarms.undelivered(
                turn.tx,
                turn.desk,
                (sent.id, sent.kind),
                turn.now,
                recipient=report.address,
                reply=report.status or "",
            )
