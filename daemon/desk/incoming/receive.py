"""One stored message becomes a ticket, a reply, a held message or the shelf (B3, B4, C1, D1)."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import structlog

from daemon.desk.context import Desk
from daemon.desk.engineers import absence, answer, confirming, receipts
from daemon.desk.incoming import approval, bounces, copies, inquiry, proof, requests
from daemon.desk.incoming.copies import Beside
from daemon.desk.month import finance
from daemon.desk.outgoing import alarms, answers
from daemon.desk.ports import NO_DNS, Questions
from daemon.desk.reviews import invitation, review_meetings
from daemon.desk.tickets.conversation import answered_mail
from daemon.desk.tickets.turn import Incoming, Outcome, Turn
from daemon.desk.upkeep import canary
from daemon.domain.copies import Fate, Later
from daemon.domain.register import Person
from daemon.store.fault import fault_point
from daemon.store.mail import copies as kept_copies
from daemon.store.mail import inbox
from daemon.store.mail.inbox import Claimed, LeaseLostError
from daemon.store.money import register
from daemon.store.schema.types import storable
from daemon.store.session import StoreError, Tx, act
from daemon.store.tickets import floods, tickets
from parsers.assent import says_ok
from parsers.authentication import Proof, seal
from parsers.automatic import Verdict, judge
from parsers.body import read_body
from parsers.message import read
from parsers.subject import ticket_number
from parsers.tags import read_tags

log = structlog.get_logger("avtald.receive")


@dataclass(frozen=True, slots=True)
class _Read:
    """A claimed message, read before any transaction, for reading takes its time."""

    claimed: Claimed
    raw: bytes
    verdict: Verdict
    incoming: Incoming
    proof: Proof | None = None  # where the DNS may have to be asked: it was, before (D1)
    beside: Mapping[int, Beside] = field(default_factory=dict)  # earlier copies, by number (B3)

    @property
    def released(self) -> bool:
        """Tell if a one-time token stands for its proof (D1)."""
        return self.claimed.released_by is not None

    def shown(self, desk: Desk, questions: Questions = NO_DNS) -> Proof:
        """The proof of its sender (D1); inside of a transaction nobody asks the DNS (D1a)."""
        if self.proof is not None:
            return self.proof
        mail = self.incoming
        return proof.proof_of(desk, mail.message, self.raw, mail.received_at, questions=questions)


def step(
    desk: Desk,
    now: dt.datetime,
    left: list[Claimed] | None = None,
    beat: Callable[[], None] = lambda: None,
) -> bool:
    """Claim some waiting messages and act on them; False if none waits, and nothing is due.

    With none left, held messages are asked about: together, whatever the groups they came in.

    They share one commit. If one of them fails, nothing of it is kept, and each gets a transaction
    of its own, to fail alone (B4). `left` keeps, from one step to the next, the messages to be
    given back after a fault of the database: else they would wait for our own lease to run out.
    `beat` is called between messages: a group may take its time (D1a).
    """
    left = [] if left is None else left
    with desk.store.writing() as tx:
        _give_back(tx, left)
        claimed = inbox.claim(tx)
        for inbox_id in () if claimed else inbox.given_up(tx, now):
            alarms.shelved(tx, desk, inbox_id, "stopped", now)
        raws = inbox.raws(tx, [each.id for each in claimed])
    left.clear()
    if not claimed:
        return requests.step(desk, now)
    fault_point("inbox.claimed")
    with _giving_back(desk, claimed, left):
        try:
            _together(desk, claimed, raws, now, beat)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  told on the shelf, and in the log
            _apart(desk, claimed, raws, now, error, beat=beat)
    return True


@contextmanager
def _giving_back(desk: Desk, claimed: Sequence[Claimed], left: list[Claimed]) -> Iterator[None]:
    """Give messages back after a fault of the database; it is not theirs (B4)."""
    try:
        yield
    except StoreError:
        left.extend(claimed)
        with desk.store.writing() as tx:
            _give_back(tx, left)
        left.clear()
        raise


def _give_back(tx: Tx, claimed: Sequence[Claimed]) -> None:
    for message in claimed:
        inbox.give_back(tx, message.id)


def _apart(
    desk: Desk,
    claimed: Sequence[Claimed],
    raws: Mapping[int, bytes],
    now: dt.datetime,
    error: Exception,
    *,
    beat: Callable[[], None],
) -> None:
    """Act on each message alone after one of them has failed."""
    if len(claimed) == 1:
        _failed(desk, claimed[0], error, now)
        return
    log.warning("apart", messages=len(claimed), fault=f"{type(error).__name__}: {error}")
    for claim in claimed:
        try:
            _together(desk, [claim], raws, now, beat)
        except StoreError:
            raise
        except Exception as own:  # noqa: BLE001  as above
            _failed(desk, claim, own, now)


def _together(
    desk: Desk,
    claimed: Sequence[Claimed],
    raws: Mapping[int, bytes],
    now: dt.datetime,
    beat: Callable[[], None],
) -> None:
    """Act on messages; all of their effects, and their ends, are one transaction (B3)."""
    unasked = []
    for claim in claimed:
        unasked.append(_read(desk, claim, raws[claim.id]))
        beat()
    read, done = _asked(desk, _compared(desk, unasked)), []
    beat()
    with desk.store.writing() as tx:
        _prepare(tx, desk, read, now)
        for arrival in read:
            with structlog.contextvars.bound_contextvars(inbox=arrival.claimed.id):
                outcome = _decided(Turn(tx, desk, arrival.incoming, now), arrival)
                _finish(tx, arrival, outcome, now)
                done.append((arrival, outcome))
            beat()
    fault_point("messages.committed")
    for arrival, outcome in done:
        if outcome is None:
            continue
        log.info(
            "processed",
            inbox=arrival.claimed.id,
            kind=arrival.verdict.kind,
            outcome=outcome.outcome,
            ticket=outcome.ticket_id,
        )


def _finish(tx: Tx, arrival: _Read, outcome: Outcome | None, now: dt.datetime) -> None:
    fault_point("message.acted")
    if outcome is None:  # B3: a copy has to wait for the first message's end
        inbox.give_back(tx, arrival.claimed.id)
        return
    inbox.finish(
        tx,
        arrival.claimed.id,
        at=now,
        outcome=outcome.outcome,
        kind=arrival.verdict.kind,
        sender=arrival.incoming.sender,
        ticket_id=outcome.ticket_id,
        state=outcome.state,
        reason=outcome.reason,
    )
    fault_point("message.finished")


def _prepare(tx: Tx, desk: Desk, read: Sequence[_Read], now: dt.datetime) -> None:
    """Take the locks for these messages, and load for all of them at once.

    New tickets touch no old row: several daemons may open them side by side.
    """
    strangers = _strangers(tx, read)
    new = sum(map(_asks_anew, strangers))
    senders = {each.incoming.sender for each in strangers}
    act(tx, answering=senders if new == len(read) else None)
    if new == len(read) > len(_strangers(tx, read)):
        act(tx)  # whom we waited for has made a stranger one of our own
    register.foresee_contacts(tx, senders)
    if new:
        tickets.foresee(tx, new)
        answers.foresee_answers(tx, desk, senders, now)
        earliest = min(each.claimed.received_at for each in read)
        floods.foresee(tx, senders, earliest - desk.settings.desk.tickets_within)


def _strangers(tx: Tx, read: Sequence[_Read]) -> list[_Read]:
    """The messages of senders outside of our own people."""
    return [
        arrival
        for arrival in read
        if arrival.incoming.sender
        and register.person_by_address(tx, arrival.incoming.sender) is None
    ]


def _asks_anew(arrival: _Read) -> bool:
    """Tell if a stranger's mail opens a ticket, and does nothing else, by all its signs."""
    mail = arrival.incoming
    message = mail.message
    answers = message.in_reply_to or message.references or ticket_number(message.subject)
    addressed = (*mail.envelope_to, *(address for _, address in mail.written_to))
    to_an_id = any("+" in address for address in addressed)
    invited = any(invitation.is_calendar(part.content_type) for part in message.attachments)
    refused = arrival.verdict.kind != "person" or message.refusal
    again = arrival.claimed.copy_of is not None
    return not (refused or again or answers or to_an_id or invited)


def _failed(desk: Desk, claimed: Claimed, error: Exception, now: dt.datetime) -> None:
    if isinstance(error, LeaseLostError):
        log.warning("taken over", inbox=claimed.id)
        return
    reason = storable(f"{type(error).__name__}: {error}")[:500]
    log.error("failed", inbox=claimed.id, exc_info=error)
    with desk.store.writing() as tx:
        if inbox.fail(tx, claimed.id, reason, now):
            alarms.shelved(tx, desk, claimed.id, reason, now)


def _read(desk: Desk, claimed: Claimed, raw: bytes) -> _Read:
    message = read(raw, desk.settings.intake.limits.for_parsers())
    verdict = judge(message, own_addresses=desk.own_addresses, own_instance=desk.instance)
    body = read_body(message, own_markers=desk.markers)
    fault_point("message.read")
    mail = Incoming(claimed.id, claimed.received_at, message, body, claimed.envelope_to)
    return _Read(claimed, raw, verdict, mail)


def _compared(desk: Desk, read: Sequence[_Read]) -> Sequence[_Read]:
    """Compare copies with the earlier ones, while nothing is locked (B3)."""
    again = [each for each in read if each.claimed.copy_of is not None]
    if not again:
        return read
    with desk.store.reading() as tx:
        others = {each.claimed.id: copies.others(tx, each.claimed) for each in again}
    questions = desk.dns.questions()
    beside = {
        each.claimed.id: copies.compare(
            desk, each.incoming, others[each.claimed.id], questions=questions
        )
        for each in again
    }
    return [replace(each, beside=beside.get(each.claimed.id, {})) for each in read]


def _asked(desk: Desk, read: Sequence[_Read]) -> Sequence[_Read]:
    """Ask the DNS, while nothing is locked, about the messages of our own people (D1)."""
    signed = [each for each in read if proof.asks_the_dns(desk, each.incoming.message)]
    if not signed:
        return read
    with desk.store.reading() as tx:
        ids = {each.claimed.id for each in signed if not each.released and _counts(tx, desk, each)}
    questions = desk.dns.questions()
    return [
        replace(each, proof=each.shown(desk, questions)) if each.claimed.id in ids else each
        for each in read
    ]


def _counts(tx: Tx, desk: Desk, arrival: _Read) -> bool:
    if not all(earlier.same_text for earlier in arrival.beside.values()):
        return True  # B3: the one that proves its sender counts
    sender = arrival.incoming.sender
    finance = desk.settings.accounting.finance
    return sender in finance or register.person_by_address(tx, sender) is not None


def _decided(turn: Turn, arrival: _Read) -> Outcome | None:
    """B3: act on a message, and on a copy by its fate; None for a copy that has to wait."""
    if arrival.claimed.copy_of is None:
        return _outcome(turn, arrival)
    readable, ours = not turn.mail.message.refusal, arrival.verdict.is_ours
    proven = arrival.released or arrival.shown(turn.desk).passed
    later = Later(arrival.verdict.kind, ours, readable, proven)
    decision = copies.decide(turn, arrival.claimed, arrival.beside, later)
    if decision is None or decision.earlier is None:
        return None if decision is None else _outcome(turn, arrival)
    if decision.fate is Fate.NOTE:
        return copies.note(turn, decision.earlier, arrival.verdict)
    if decision.fate is Fate.REPLACE:
        turn = copies.in_place_of(turn, decision.earlier)
    outcome = _outcome(turn, arrival)
    copies.set_aside(turn, decision.earlier, outcome)
    return outcome


def _outcome(turn: Turn, arrival: _Read) -> Outcome:
    """D1: act on a message; only one with proof, or released by a token, has authority."""
    sender = turn.mail.sender
    person = register.person_by_address(turn.tx, sender) if sender else None
    outcome = _without_authority(turn, arrival, person)
    if outcome is not None or person is None:
        return outcome or inquiry.take(turn, arrival.verdict)
    person, answered = absence.ends(turn, person), answered_mail(turn)
    if answered is not None and approval.is_about(turn, answered):
        approved = approval.take(turn, person, answered)
        if approved is not None:
            return approved
    if answered is not None and answered.kind == "receipt" and says_ok(turn.mail.body.new):
        confirmed = confirming.take(turn, person, answered)
        if confirmed is not None:
            return confirmed
    about = review_meetings.take_our_reply(turn, person, answered) if answered is not None else None
    return about or answer.take(turn, person, answered)


def _without_authority(turn: Turn, arrival: _Read, person: Person | None) -> Outcome | None:
    """Act on a message of no person of ours, or one without proof; None for one to be acted on."""
    verdict, refusal = arrival.verdict, turn.mail.message.refusal
    if refusal is not None:
        alarms.shelved(turn.tx, turn.desk, turn.mail.inbox_id, refusal, turn.now)
        return Outcome("refused", state="shelved", reason=refusal)
    if verdict.is_ours:
        tokens = turn.mail.message.all(canary.HEADER)
        came_back = canary.came_back(turn.tx, turn.desk, tokens, turn.now)
        return Outcome("canary" if came_back else "loop")
    if verdict.kind == "bounce":
        return bounces.take(turn)
    replied = review_meetings.take_calendar_answer(turn)
    if replied is not None:
        return replied
    if person is None:
        claimed = None if arrival.released else proof.claimed_person(turn)
        if claimed is not None:
            return _held(turn, claimed, "no_single_sender")
        return _approval(turn, arrival)
    if verdict.kind != "person" and not _is_work(turn, verdict):
        return _of_machine(turn, person, verdict)
    return _unproven(turn, arrival, person)


def _is_work(turn: Turn, verdict: Verdict) -> bool:
    """C1: tell if a mail by way of a list is work for the desk: it answers us, or has tags.

    A group address marks all its mail as a list's. The sender is proven apart from it (D1).
    """
    if verdict.kind != "list":
        return False
    return answered_mail(turn) is not None or bool(read_tags(turn.mail.body.new))


def _of_machine(turn: Turn, person: Person, verdict: Verdict) -> Outcome:
    """An engineer's own out-of-office: no word of hers, but her tickets go to everybody."""
    if read_tags(turn.mail.body.new):
        receipts.of_automatic(turn, person)
    answered = answered_mail(turn)
    if answered is None or verdict.kind != "auto_reply":
        return Outcome("noted")
    ticket = absence.tells(turn, person, answered)
    return Outcome("noted", ticket.id if ticket else None)


def _unproven(turn: Turn, arrival: _Read, person: Person) -> Outcome | None:
    """D1: hold a message without proof, and ask about it; None for one with proof."""
    answered = answered_mail(turn)
    if answered is not None and answered.kind == "proof":
        return requests.take(turn, person, answered)
    shown = None if arrival.released else arrival.shown(turn.desk)
    return _acted_before(turn, arrival) or (
        None if shown is None or shown.passed else _held(turn, person, shown.reason)
    )


def _acted_before(turn: Turn, arrival: _Read) -> Outcome | None:
    """D1: note a proven text that comes again with other fields around it; once it may act."""
    if turn.desk.settings.identity.require == "none":
        return None
    mark = seal(turn.mail.message, arrival.raw)
    earlier = kept_copies.acted_on(turn.tx, mark, apart=turn.mail.inbox_id)
    if earlier is not None:
        return copies.note(turn, earlier, arrival.verdict)
    if arrival.released or arrival.shown(turn.desk).passed:
        kept_copies.seal(turn.tx, turn.mail.inbox_id, mark)
    return None


def _held(turn: Turn, person: Person, reason: str) -> Outcome:
    requests.hold(turn, person, reason)
    return Outcome("held", state="held", reason=reason)


def _approval(turn: Turn, arrival: _Read) -> Outcome | None:
    """H7: take the reply to a close of an address outside of the register; None for other mail.

    Of finance it needs proof; of somebody else it is mail like any other, and told to finance.
    """
    answered = answered_mail(turn) if arrival.verdict.kind in {"person", "list"} else None
    if answered is None or not approval.is_about(turn, answered):
        return None
    if not finance.is_finance(turn.tx, turn.desk, turn.mail.sender):
        approval.tried(turn, answered, own=False)
        return None
    shown = arrival.shown(turn.desk)
    if not shown.passed:
        return approval.unproven(turn, answered, shown.reason)
    return _acted_before(turn, arrival) or approval.take(turn, None, answered)
