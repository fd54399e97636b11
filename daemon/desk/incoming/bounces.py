"""Delivery reports: engineers hear of a lost answer; a proven report opens the clock again (E1).

Every recipient of a mail knows its Message-ID, so anybody could write a report about it.
"""

from dataclasses import dataclass, replace

from daemon.desk.outgoing import alarms
from daemon.desk.tickets import clocks, relay
from daemon.desk.tickets.conversation import returned
from daemon.desk.tickets.turn import Outcome, Turn
from daemon.domain.clock import EventKind
from daemon.store.mail import outbox
from daemon.store.mail.outbox import Sent
from daemon.store.tickets import tickets
from parsers.bounce import Bounce, Failed, read_bounce
from parsers.origin import is_from

# Mail to the customer's side; the rest goes to our own people, whose mailboxes can fail too.
_OUTWARD = frozenset(
    {"relay", "confirmation", "priority", "news", "balance", "explanation", "report", "meeting"}
)


@dataclass(frozen=True, slots=True)
class _Lost:
    """A bounce with the lost mail; `proven` are the recipients for whom it proves itself."""

    sent: Sent
    proven: frozenset[str]
    failed: tuple[Failed, ...]  # for good
    reported: tuple[Failed, ...]


def take(turn: Turn) -> Outcome:
    """Note a bounce on the ticket of the lost mail; only a proven one changes anything (E1)."""
    bounce = read_bounce(turn.mail.message)
    lost = _lost_mail(turn, bounce) if bounce else None
    if lost is None:
        return Outcome("noted")
    for recipient in lost.failed:
        if recipient.address in lost.proven:
            outbox.bounced(turn.tx, lost.sent.id, recipient.address, recipient.status or "")
    if lost.sent.ticket_id is None:
        _of_no_ticket(turn, lost)
        return Outcome("noted")
    ticket = tickets.living(turn.tx, tickets.by_id(turn.tx, lost.sent.ticket_id))
    remark = _remark(turn, lost)
    turn.say(ticket, "machine", remark, internal=True)
    if lost.failed and lost.proven and outbox.all_failed(turn.tx, lost.sent.id):
        # E1: an answer that failed for good at all of the customer's side stops no clock.
        by = replace(turn.by(), actor="avtald")
        clocks.happened(by, ticket, EventKind.ANSWER_BOUNCED, answer=lost.sent.id)
    if lost.sent.kind in _OUTWARD:
        relay.tell_engineers(turn, ticket, new=False, remarks=(remark,))
    elif lost.failed or not lost.reported:
        # A notice of it would come back itself, for ever.
        alarms.own_mail_bounced(turn.tx, turn.desk, remark, turn.now)
    return Outcome("noted", ticket.id)


def _lost_mail(turn: Turn, bounce: Bounce) -> _Lost | None:
    """Find the lost mail, and the recipients for whom the bounce proves itself.

    Its proof is the return path of this very mail and recipient, or our own outgoing server as its
    author. A bounce to the path of one mail about another mail proves nothing.
    """
    original = bounce.original_message_id
    named = outbox.by_message_ids(turn.tx, [original]).get(original) if original else None
    keyed, proven = returned(turn), set[str]()
    if keyed is not None and named in {None, keyed.sent}:
        proven.add(keyed.recipient)
    elif named is not None and _is_our_servers(turn, bounce):
        proven.update(outbox.recipients(turn.tx, named.id))
    sent = named or (keyed.sent if keyed else None)
    if sent is None:
        return None
    failed = tuple(recipient for recipient in bounce.recipients if recipient.permanent)
    return _Lost(sent, frozenset(map(str.casefold, proven)), failed, bounce.recipients)


def _is_our_servers(turn: Turn, bounce: Bounce) -> bool:
    """Tell if our own outgoing server wrote the bounce."""
    settings = turn.desk.settings
    names = settings.outgoing.server_names if settings.outgoing else frozenset()
    if bounce.reporting_mta and bounce.reporting_mta not in names:
        return False
    trusted = {name.lower().rstrip(".") for name in settings.identity.trusted_authserv_ids}
    return is_from(turn.mail.message, names, trusted)


def _remark(turn: Turn, lost: _Lost) -> str:
    """The sentence about the addresses not reached, or only delayed."""
    told = lost.failed or lost.reported
    code = "bounce" if lost.failed or not told else "delayed"
    return turn.sentence(
        code if lost.proven or code == "delayed" else "bounce_unproven",
        addresses=", ".join(each.address for each in told) or "?",
        status=", ".join(dict.fromkeys(each.status or "?" for each in told)) or "?",
    )


def _of_no_ticket(turn: Turn, lost: _Lost) -> None:
    """Tell of a mail of no ticket as undelivered for good; of its own recipients alone."""
    own = outbox.recipients(turn.tx, lost.sent.id)
    for report in lost.failed:
        if report.address in own:
            alarms.undelivered(
                turn.tx,
                turn.desk,
                (lost.sent.id, lost.sent.kind),
                turn.now,
                recipient=report.address,
                reply=report.status or "",
            )
