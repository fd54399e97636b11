"""A copy of a message that the desk knows: noted, or acted on in place of the first (B3, D1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from daemon.desk.context import Desk
from daemon.desk.incoming import proof
from daemon.desk.outgoing import alarms
from daemon.desk.ports import Questions
from daemon.desk.tickets.confirm import confirm
from daemon.desk.tickets.turn import Incoming, Outcome, Turn
from daemon.domain.copies import Earlier, Fate, Later, fate
from daemon.domain.ticket import Ticket
from daemon.store.mail import copies, inbox
from daemon.store.mail.copies import Kept
from daemon.store.mail.inbox import COPY, Claimed
from daemon.store.session import Tx
from daemon.store.tickets import tickets
from parsers.automatic import Verdict
from parsers.identity import is_within
from parsers.message import read
from parsers.priority import read_priority

# Such a message changed nothing for its sender.
_QUIET = frozenset({"noted", "loop", "canary"})


@dataclass(frozen=True, slots=True)
class Beside:
    """An earlier copy, read before any transaction and compared with the later one."""

    same_text: bool
    proven: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """The fate of a copy, and the earlier one that it was compared with, if one is left."""

    fate: Fate
    earlier: Kept | None = None


# --- before any transaction -------------------------------------------------------------------


def others(tx: Tx, claimed: Claimed) -> Sequence[tuple[Kept, bytes | None]]:
    """Give the earlier copies with an end; each with its raw text, unless its identity is the same.

    An erased one has an empty text (K2).
    """
    ended = _ended(tx, claimed)
    unlike = [each.id for each in ended if each.identity != claimed.identity]
    raws = dict.fromkeys(unlike, b"") | inbox.raws(tx, unlike)
    return [(each, raws.get(each.id)) for each in ended]


def compare(
    desk: Desk, later: Incoming, earlier: Sequence[tuple[Kept, bytes | None]], questions: Questions
) -> dict[int, Beside]:
    """Compare a copy with earlier ones; the DNS may have to be asked for their proof."""
    limits = desk.settings.intake.limits.for_parsers()
    out: dict[int, Beside] = {}
    for kept, raw in earlier:
        proven = kept.released_by is not None
        if raw is None:
            out[kept.id] = Beside(same_text=True, proven=proven)
            continue
        message = read(raw, limits)
        shown = proof.proof_of(desk, message, raw, kept.received_at, questions=questions)
        out[kept.id] = Beside(is_within(later.message, message), proven or shown.passed)
    return out


# --- in the transaction -----------------------------------------------------------------------


def decide(
    turn: Turn, claimed: Claimed, beside: Mapping[int, Beside], later: Later
) -> Decision | None:
    """Decide on a copy; None while an earlier one has no end, or has got one only now."""
    itself = copies.itself(turn.tx, claimed.id)
    first = copies.itself(turn.tx, claimed.copy_of or claimed.id)
    if first.state == "new":
        return None
    ended = _ended(turn.tx, claimed)
    if not ended:
        return Decision(Fate.ACT)
    kept = min(ended, key=lambda each: _unlikeness(each, itself))
    copy = beside.get(kept.id)
    if copy is None:
        return None
    earlier = Earlier(
        state=kept.state,
        kind=kept.kind or "",
        acted=kept.outcome not in _QUIET,
        is_loop=kept.outcome in {"loop", "canary"},
        refused=kept.refused,
        same_text=copy.same_text,
        same_id=kept.hint is not None and kept.hint == itself.hint,
        proven=copy.proven,
    )
    return Decision(fate(earlier, later), kept)


def _ended(tx: Tx, claimed: Claimed) -> list[Kept]:
    family = copies.family(tx, claimed.copy_of or claimed.id)
    return [each for each in family if each.id != claimed.id and each.state != "new"]


def _unlikeness(earlier: Kept, later: Kept) -> tuple[bool, bool, int]:
    """Order earlier copies: the same text first, then the same Message-ID, then by arrival."""
    return earlier.identity != later.identity, earlier.hint != later.hint, earlier.id


def in_place_of(turn: Turn, earlier: Kept) -> Turn:
    """Act with the receipt time of the earlier copy (D1)."""
    copies.receive_as(turn.tx, turn.mail.inbox_id, earlier)
    return replace(turn, mail=replace(turn.mail, received_at=earlier.received_at))


def note(turn: Turn, earlier: Kept, verdict: Verdict) -> Outcome:
    """Note on the ticket that the message came again."""
    ticket = _ticket(turn, earlier)
    if ticket is not None:
        turn.by().record(ticket, COPY, of=earlier.id)
        _confirm_late(turn, ticket, earlier, verdict)
    return Outcome(COPY, ticket.id if ticket else None)


def set_aside(turn: Turn, earlier: Kept, outcome: Outcome) -> None:
    """End an earlier copy that waited for somebody, once a later one has acted."""
    if earlier.state not in {"held", "shelved"} or outcome.state != "done":
        return
    by, at = turn.mail.inbox_id, turn.now
    copies.set_aside(turn.tx, earlier, by=by, at=at, ticket_id=outcome.ticket_id)
    alarms.unshelved(turn.tx, earlier.id, turn.now)
    if outcome.ticket_id is not None:
        turn.by().record(tickets.by_id(turn.tx, outcome.ticket_id), COPY, of=earlier.id)


def _ticket(turn: Turn, earlier: Kept) -> Ticket | None:
    if earlier.ticket_id is None:
        return None
    return tickets.living(turn.tx, tickets.by_id(turn.tx, earlier.ticket_id))


def _confirm_late(turn: Turn, ticket: Ticket, earlier: Kept, verdict: Verdict) -> None:
    """J1: confirm a ticket opened by a copy without an answer: a list's, or a machine's by a field.

    The copies come in any order, and their effects are the same.
    """
    opened = earlier.outcome == "opened" and not (ticket.is_closed or ticket.spam)
    mine = verdict.may_answer and turn.mail.sender == ticket.requester
    if not (opened and mine) or tickets.was_confirmed(turn.tx, ticket.id):
        return
    words = turn.desk.settings.priority.words
    said = read_priority(turn.mail.message.subject, turn.mail.body.new, words)
    confirm(turn, ticket, said if said.level == ticket.priority else None)
