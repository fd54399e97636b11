"""Settling: the end of each delivery is noted, with its consequences (E1)."""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from daemon.desk.context import Desk
from daemon.desk.outgoing import alarms
from daemon.desk.outgoing.breaker import Breaker
from daemon.desk.outgoing.lanes import Outcome
from daemon.desk.ports import SendError
from daemon.domain import delivery as rules
from daemon.store.fault import fault_point
from daemon.store.mail import outbox
from daemon.store.mail.outbox import Delivery
from daemon.store.schema.types import storable
from daemon.store.session import StoreError, Tx

_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # in all the time that a database takes to come back


class Ends(Protocol):
    """The consequences of a delivery's end on its ticket."""

    def accepted(self, tx: Tx, desk: Desk, delivery: Delivery, now: dt.datetime) -> None:
        """A server took the mail."""

    def failed(
        self, tx: Tx, desk: Desk, delivery: Delivery, now: dt.datetime, *, reply: str
    ) -> None:
        """The mail failed for good, or nobody can know how it ended."""


@dataclass(frozen=True, slots=True)
class Settling:
    """Notes ends; with a `fault` it leaves the consequences out, and tells the operators of it."""

    desk: Desk
    ends: Ends
    fault: Exception | None = None

    def note(
        self, outcomes: Sequence[Outcome], untried: Sequence[Delivery], now: dt.datetime
    ) -> None:
        """Note every end in one commit; if a consequence fails, each end in its own.

        Raises the fault of that consequence once all ends are noted; raises StoreError.
        """
        try:
            self.commit(outcomes, untried, now)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001  raised again where it comes again
            faults = [fault for outcome in outcomes if (fault := self._alone(outcome, now))]
            self.commit((), untried, now)
            if faults:
                raise faults[0] from None

    def commit(
        self, outcomes: Sequence[Outcome], untried: Sequence[Delivery], now: dt.datetime
    ) -> None:
        """Note ends in one transaction; tries hard, for a mail without a noted end goes twice."""
        on_tickets = any(one.error is not None or one.delivery.customer_side for one in outcomes)
        store = self.desk.store
        for pause in (*_PAUSES, None):
            try:
                with store.acting() if on_tickets else store.writing() as tx:
                    self._write(tx, outcomes, untried, now)
            except StoreError:
                if pause is None:
                    raise
                time.sleep(pause)
            else:
                fault_point("outbox.settled")
                return

    def in_doubt(
        self, tx: Tx, outcome: Outcome, now: dt.datetime, pause: dt.timedelta = dt.timedelta()
    ) -> None:
        """Repeat a mail once, with the same Message-ID; leave a second doubt to the operators."""
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
            self._failed(tx, replace(delivery, in_doubt=True), outcome.reply, now)

    def _alone(self, outcome: Outcome, now: dt.datetime) -> Exception | None:
        """Note one end; without its consequences if they fail, or the mail would go again."""
        try:
            self.commit([outcome], (), now)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  raised once the others are noted
            replace(self, fault=error).commit([outcome], (), now)
            return error
        return None

    def _write(
        self, tx: Tx, outcomes: Sequence[Outcome], untried: Sequence[Delivery], now: dt.datetime
    ) -> None:
        if self.fault is None:
            self._uncount(tx, outcomes, untried, now)
        outbox.give_back(tx, [delivery.id for delivery in untried])
        sent = {one.delivery.id: one.reply for one in outcomes if one.error is None}
        settled = outbox.settle_sent(tx, sent, now)
        for outcome in outcomes:
            if outcome.error is not None:
                self._not_sent(tx, outcome, outcome.error, now)
            elif outcome.delivery.id in settled:
                self._accepted(tx, outcome.delivery, now)
        fault_point("outbox.settling")

    def _uncount(
        self, tx: Tx, outcomes: Sequence[Outcome], untried: Sequence[Delivery], now: dt.datetime
    ) -> None:
        """Take answers that did not go out from the count of the hour of their claim (J2).

        Only once: a commit may have been noted, and its word lost.
        """
        refused = (one for one in outcomes if one.error is not None and not one.error.unclear)
        nowhere = [*((now, each) for each in untried)]
        nowhere += [(one.claimed_at, one.delivery) for one in refused]
        for hour in dict.fromkeys(at for at, _ in nowhere):
            answers = [each.id for at, each in nowhere if at == hour and each.answer]
            Breaker(self.desk).went_nowhere(tx, hour, len(outbox.held(tx, answers)))

    def _not_sent(self, tx: Tx, outcome: Outcome, error: SendError, now: dt.datetime) -> None:
        delivery, outgoing = outcome.delivery, self.desk.settings.outgoing
        again = rules.next_attempt(
            delivery.attempts,
            now,
            delivery.created_at,
            spread=delivery.id,
            unreachable=error.unreachable,
            give_up=outgoing.give_up_after if outgoing else rules.GIVE_UP,
        )
        if error.unclear:
            self.in_doubt(tx, outcome, now, pause=rules.PAUSES[0])
        elif again is not None and not error.permanent:
            counted = rules.counted_attempts(delivery.attempts, unreachable=error.unreachable)
            outbox.settle(
                tx, delivery.id, "pending", reply=outcome.reply, next_at=again, attempts=counted
            )
        elif outbox.settle(tx, delivery.id, "failed", reply=outcome.reply):
            self._failed(tx, delivery, outcome.reply, now)

    def _accepted(self, tx: Tx, delivery: Delivery, now: dt.datetime) -> None:
        if self.fault is None:
            self.ends.accepted(tx, self.desk, delivery, now)
        else:
            self._loose_end(tx, delivery, self.fault, now)

    def _failed(self, tx: Tx, delivery: Delivery, reply: str, now: dt.datetime) -> None:
        if self.fault is None:
            self.ends.failed(tx, self.desk, delivery, now, reply=reply)
        else:
            self._loose_end(tx, delivery, self.fault, now)

    def _loose_end(self, tx: Tx, delivery: Delivery, fault: Exception, now: dt.datetime) -> None:
        said = storable(f"{type(fault).__name__}: {fault}")[:500]
        alarms.loose_end(tx, self.desk, delivery, said, now)
