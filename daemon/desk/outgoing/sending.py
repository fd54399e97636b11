"""The sending step: hands over what waits in the outbox, and notes how each delivery ended."""

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from daemon.desk.outgoing.pace import Pace
from daemon.desk.ports import Mailer, SendError
from daemon.domain import delivery as rules
from daemon.store.fault import fault_point
from daemon.store.mail import outbox
from daemon.store.mail.outbox import Delivery
from daemon.store.schema.types import storable
from daemon.store.session import Store, StoreError, Tx

log = structlog.get_logger("avtald.sending")

# A group that takes longer is cut short: its lease never runs out, and a stop, which waits 25 s,
# finds it noted. What was sent and not noted goes twice.
GROUP_SECONDS = 10.0
TOGETHER_BYTES = 2 * 1024**2  # of mail text in memory at once; a larger mail comes alone
_SETTLE_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # in all what a server takes to come back
_NO_LIMIT = Pace()

OnSent = Callable[[Tx, Delivery, dt.datetime], None]
OnFailed = Callable[[Tx, Delivery, dt.datetime, str], None]


class Gate(Protocol):
    """What holds automatic answers back (`breaker.Breaker`)."""

    def room(self, tx: Tx, now: dt.datetime) -> int:
        """How many may go out now."""

    def passed(self, tx: Tx, now: dt.datetime, *, room: int, answers: int) -> None:
        """That many go out, of the room there was."""

    def went_nowhere(self, tx: Tx, now: dt.datetime, answers: int) -> None:
        """That many did not, after all."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """What the desk does, in the settling transaction, when a delivery has ended."""

    on_sent: OnSent
    on_failed: OnFailed
    on_fault: OnFailed
    give_up: dt.timedelta
    breaker: Gate | None

    def bare(self, fault: Exception) -> "_Ends":
        """The ends by themselves, where what one of them sets off has failed like that."""

        def told(tx: Tx, delivery: Delivery, now: dt.datetime, _reply: str = "") -> None:
            self.on_fault(tx, delivery, now, storable(f"{type(fault).__name__}: {fault}")[:500])

        return replace(self, on_sent=told, on_failed=told, breaker=None)


@dataclass(frozen=True, slots=True)
class _Outcome:
    delivery: Delivery
    reply: str
    error: SendError | None = None


def step(
    store: Store,
    mailer: Mailer,
    now: dt.datetime,
    *,
    on_sent: OnSent,
    on_failed: OnFailed,
    on_fault: OnFailed = lambda *_: None,
    give_up: dt.timedelta = rules.GIVE_UP,
    breaker: Gate | None = None,
    pace: Pace = _NO_LIMIT,
    on_away: Callable[[str], None] = lambda _reply: None,
) -> bool:
    """Send a few mails that are due; True where more may be, so that the loop goes on.

    False as well where the outgoing server is out of reach: what is due stays due, and `on_away`
    is told why once that is noted.

    The attempt is durable before it is made, and its end right after the few: a process that dies
    between leaves deliveries in doubt, which the next step settles as unclear (`domain.delivery`).
    `on_sent` and `on_failed` are called inside the transaction that ends a delivery: it was
    accepted, or it failed for good (5xx, `give_up` of 4xx, or nobody can know how it ended). Where
    one of them raises, the end alone is noted, `on_fault` is told why, and the fault is raised.
    `breaker` holds automatic answers back (J2); `pace` tells how many mails may go out now.
    Raises StoreError.
    """
    ends = _Ends(on_sent, on_failed, on_fault, give_up, breaker)
    pace.wait(store, now)
    started = time.monotonic()
    with store.writing() as tx:
        most = pace.room(tx)
        group = _claim(tx, now, breaker, most)
        if not group and (_left_by_the_dead(tx, now, ends) or outbox.bring_forward(tx, now)):
            group = _claim(tx, now, breaker, most)
        pace.claimed(tx, len(group))
        texts = _texts(tx, group)
    if not group:
        return False
    fault_point("outbox.claimed")
    outcomes = list(_hand_over(store, mailer, group, texts, started))
    _settle_all(store, outcomes, group[len(outcomes) :], now, ends)
    pace.ended(store, len(outcomes))
    for outcome in outcomes:
        _tell(outcome)
    away = outcomes[-1].error if outcomes else None
    if away is None or not away.unreachable:
        return True
    log.warning("outgoing server out of reach", reply=str(away))
    on_away(str(away))
    return False


def _tell(outcome: _Outcome) -> None:
    """Log how a delivery ended, under the number of the message that caused it."""
    delivery, error = outcome.delivery, outcome.error
    about = {"inbox": delivery.inbox_id, "outbox": delivery.id, "kind": delivery.kind}
    if error is None:
        log.info("sent", **about)
    else:
        log.warning("not sent", **about, permanent=error.permanent, reply=outcome.reply)


def _left_by_the_dead(tx: Tx, now: dt.datetime, ends: _Ends) -> bool:
    """Settle what a process was sending when it died, once nothing else waits."""
    left = outbox.take_over(tx)
    for doubtful in left:
        _in_doubt(tx, _Outcome(doubtful, "the program stopped while it sent this"), now, ends)
    return bool(left)


def _claim(tx: Tx, now: dt.datetime, breaker: Gate | None, most: int) -> list[Delivery]:
    if not most:
        return []
    if breaker is None:
        return outbox.claim(tx, now, most)
    room = breaker.room(tx, now)
    group = outbox.claim(tx, now, most, answers=room)
    breaker.passed(tx, now, room=room, answers=sum(each.answer for each in group))
    return group


def _hand_over(
    store: Store,
    mailer: Mailer,
    group: Sequence[Delivery],
    texts: dict[int, bytes | None],
    started: float,
) -> Iterator[_Outcome]:
    """Try each, outside any transaction; stop where a server is down or everything takes long.

    That is looked at before each: a process or a database that was frozen since the claim may have
    lost its lease, and another has sent these.
    """
    for at, delivery in enumerate(group):
        if delivery.outgoing_id not in texts:
            with contextlib.suppress(StoreError), store.reading() as tx:
                texts = _texts(tx, group[at:])
        if delivery.outgoing_id not in texts:
            return  # how the others ended is noted first: else they go out twice
        if time.monotonic() - started > GROUP_SECONDS:
            return
        outcome = _try(mailer, delivery, texts[delivery.outgoing_id])
        yield outcome
        if outcome.error is not None and outcome.error.unreachable:
            return


def _texts(tx: Tx, group: Sequence[Delivery]) -> dict[int, bytes | None]:
    """The texts of the first of these mails, as many as may be in memory together."""
    total = 0
    wanted: dict[int, bytes | None] = {}
    for delivery in group:
        total += 0 if delivery.outgoing_id in wanted else delivery.size
        if wanted and total > TOGETHER_BYTES:
            break
        wanted[delivery.outgoing_id] = None
    return {**wanted, **outbox.raws(tx, wanted)} if wanted else {}


def _try(mailer: Mailer, delivery: Delivery, raw: bytes | None) -> _Outcome:
    if raw is None:
        erased = SendError("the mail was erased before it was sent (K2)", permanent=True)
        return _Outcome(delivery, str(erased), erased)
    fault_point("mail.offered")
    try:
        reply = mailer.send(delivery.envelope_from, delivery.recipient, raw)
        fault_point("mail.taken")
        return _Outcome(delivery, storable(reply))
    except SendError as error:
        return _Outcome(delivery, storable(str(error)), error)
    except Exception as error:  # noqa: BLE001  a fault of ours: it may have gone out, or not
        fault = SendError(f"a fault of this program: {error!r}", unclear=True)
        return _Outcome(delivery, storable(str(fault)), fault)


def _settle_all(
    store: Store,
    outcomes: Sequence[_Outcome],
    untried: Sequence[Delivery],
    now: dt.datetime,
    ends: _Ends,
) -> None:
    """Note every end in one commit; where what one of them sets off fails, each in its own."""
    try:
        _commit(store, outcomes, untried, now, ends)
    except StoreError:
        raise
    except Exception:  # noqa: BLE001  raised again where it comes again
        faults = [fault for outcome in outcomes if (fault := _alone(store, outcome, now, ends))]
        _commit(store, (), untried, now, ends)
        if faults:
            raise faults[0] from None


def _alone(store: Store, outcome: _Outcome, now: dt.datetime, ends: _Ends) -> Exception | None:
    """Note one end; by itself where what it sets off fails, for else that mail would go again."""
    try:
        _commit(store, [outcome], (), now, ends)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001  raised once the others are noted
        _commit(store, [outcome], (), now, ends.bare(error))
        return error
    return None


def _commit(
    store: Store,
    outcomes: Sequence[_Outcome],
    untried: Sequence[Delivery],
    now: dt.datetime,
    ends: _Ends,
) -> None:
    """Try hard while the database is away: an end that is not noted means that mail goes twice."""
    on_tickets = any(one.error is not None or one.delivery.customer_side for one in outcomes)
    for pause in (*_SETTLE_PAUSES, None):
        try:
            with store.acting() if on_tickets else store.writing() as tx:
                _note_ends(tx, outcomes, untried, now, ends)
        except StoreError:
            if pause is None:
                raise
            time.sleep(pause)
        else:
            fault_point("outbox.settled")
            return


def _note_ends(
    tx: Tx,
    outcomes: Sequence[_Outcome],
    untried: Sequence[Delivery],
    now: dt.datetime,
    ends: _Ends,
) -> None:
    if ends.breaker is not None:
        failed = [one.delivery for one in outcomes if one.error and not one.error.unclear]
        answers = [each.id for each in (*untried, *failed) if each.answer]
        # Not once more where this was noted already, and only the word of the commit was lost.
        ends.breaker.went_nowhere(tx, now, len(outbox.held(tx, answers)))
    outbox.give_back(tx, [delivery.id for delivery in untried])
    _settle_sent(tx, outcomes, now, ends)
    for outcome in outcomes:
        if outcome.error is not None:
            _settle(tx, outcome, outcome.error, now, ends)
    fault_point("outbox.settling")


def _settle_sent(tx: Tx, outcomes: Sequence[_Outcome], now: dt.datetime, ends: _Ends) -> None:
    sent = [outcome for outcome in outcomes if outcome.error is None]
    settled = outbox.settle_sent(tx, {one.delivery.id: one.reply for one in sent}, now)
    for outcome in sent:
        if outcome.delivery.id in settled:
            ends.on_sent(tx, outcome.delivery, now)


def _settle(tx: Tx, outcome: _Outcome, error: SendError, now: dt.datetime, ends: _Ends) -> None:
    delivery = outcome.delivery
    again = rules.next_attempt(
        delivery.attempts,
        now,
        delivery.created_at,
        spread=delivery.id,
        unreachable=error.unreachable,
        give_up=ends.give_up,
    )
    if error.unclear:
        _in_doubt(tx, outcome, now, ends, pause=rules.PAUSES[0])
    elif again is not None and not error.permanent:
        counted = rules.counted(delivery.attempts, unreachable=error.unreachable)
        outbox.settle(
            tx, delivery.id, "pending", reply=outcome.reply, next_at=again, attempts=counted
        )
    elif outbox.settle(tx, delivery.id, "failed", reply=outcome.reply):
        ends.on_failed(tx, delivery, now, outcome.reply)


def _in_doubt(
    tx: Tx,
    outcome: _Outcome,
    now: dt.datetime,
    ends: _Ends,
    pause: dt.timedelta = dt.timedelta(),
) -> None:
    """Repeat with the same Message-ID where that is allowed; else leave it to the operators."""
    delivery = outcome.delivery
    if rules.may_repeat(delivery.kind, delivery.repeats):
        outbox.settle(
            tx,
            delivery.id,
            "pending",
            reply=outcome.reply,
            next_at=now + pause,
            repeats=delivery.repeats + 1,
        )
    elif outbox.settle(tx, delivery.id, "unclear", reply=outcome.reply):
        ends.on_failed(tx, replace(delivery, in_doubt=True), now, outcome.reply)
