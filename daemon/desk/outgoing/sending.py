"""Sending: due mail is claimed and handed over, and the end of each delivery is noted."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from daemon.desk.context import Desk
from daemon.desk.outgoing import reach
from daemon.desk.outgoing.breaker import Breaker
from daemon.desk.outgoing.lanes import Lane, Outcome, Parcel
from daemon.desk.outgoing.pace import Pace
from daemon.desk.outgoing.settling import Ends, Settling
from daemon.desk.ports import Mailer, SendError
from daemon.store.fault import fault_point
from daemon.store.mail import outbox
from daemon.store.mail.outbox import Delivery
from daemon.store.session import Tx

log = structlog.get_logger("avtald.sending")

SLOW_SECONDS = 2.0  # without an outcome; then other mail goes on beside the delivery in hand
FLIGHT_SECONDS = 3600.0  # more than all steps of RFC 5321, section 4.5.3.2, together
STOP_SECONDS = 8.0  # for the deliveries in the air, when the desk stops


@dataclass(frozen=True, slots=True)
class _Flight:
    """A delivery in the air: it waits for its server's word while other mail goes on."""

    delivery: Delivery
    claimed_at: dt.datetime
    lane: Lane
    since: float  # of the monotonic clock


@dataclass(slots=True)
class Sending:
    """Hands mail over; `mailers` opens the connection of each lane.

    One thread claims and notes. An attempt is durable before it is made, and its end right after: a
    process that dies between leaves deliveries in doubt, and the next step settles those as unclear
    (`domain.delivery`).
    """

    desk: Desk
    mailers: Callable[[], Mailer]
    ends: Ends
    away: str = ""  # after a step: why the outgoing server is out of reach
    _lane: Lane | None = None
    _flights: list[_Flight] = field(default_factory=list)

    def step(self, now: dt.datetime, *, patient: bool = False) -> bool:
        """Send some due mail; True tells the loop to go on.

        False if nothing is due, or the outgoing server is out of reach: the mail stays due.
        `patient` waits for room in the server's pace, and for the deliveries in the air (`avtald
        tick`). Raises StoreError, and the fault of a consequence (`settling`) once every end is
        noted.
        """
        self.away = ""
        if patient:
            self._pace.wait(self.desk.store, now)
        started = time.monotonic()
        landed = self._land(now)
        group = self._claim(now)
        if group:
            fault_point("outbox.claimed")
            self._note(*self._hand_over(group, now, started), now, claimed=True)
            landed = True
        elif patient and self._flights:
            self._wait()
            landed = self._land(now)
        return landed and not self.away

    def close(self, now: dt.datetime) -> None:
        """End every connection; a delivery whose server stays silent is noted as it stands."""
        until = time.monotonic() + STOP_SECONDS
        for flight in self._flights:
            if not flight.lane.is_through(until - time.monotonic()):
                flight.lane.mailer.abort()
        for flight in self._flights:
            flight.lane.is_through(1.0)
        self._land(now)
        if self._lane is not None:
            self._lane.mailer.close()

    @property
    def _pace(self) -> Pace:
        outgoing = self.desk.settings.outgoing
        return Pace(outgoing.per_minute if outgoing else 0)

    # --- claim ---

    def _claim(self, now: dt.datetime) -> list[Parcel]:
        """Take due mails with their texts, and keep the hold on those in the air."""
        with self.desk.store.writing() as tx:
            self._hold_on(tx)
            most = self._room(tx)
            group = self._taken(tx, now, most)
            if not group and (self._left_by_the_dead(tx, now) or outbox.bring_forward(tx, now)):
                group = self._taken(tx, now, most)
            self._pace.claimed(tx, len(group))
            texts = outbox.raws(tx, [each.outgoing_id for each in group]) if group else {}
        return [(each, texts.get(each.outgoing_id)) for each in group]

    def _hold_on(self, tx: Tx) -> None:
        """Renew the lease of the deliveries in the air: no other process takes them over."""
        if self._flights:
            outbox.renew(tx, [flight.delivery.id for flight in self._flights])
            self._pace.flying(tx, len(self._flights))

    def _room(self, tx: Tx) -> int:
        """Give the number of mails that may go out now."""
        outgoing = self.desk.settings.outgoing
        full = outgoing is not None and len(self._flights) >= outgoing.connections
        return 0 if full else self._pace.room(tx)

    def _taken(self, tx: Tx, now: dt.datetime, most: int) -> list[Delivery]:
        if not most:
            return []
        breaker = Breaker(self.desk)
        room = breaker.room(tx, now)
        group = outbox.claim(tx, now, most, answers=room)
        breaker.passed(tx, now, room=room, answers=sum(each.answer for each in group))
        return group

    def _left_by_the_dead(self, tx: Tx, now: dt.datetime) -> bool:
        """Settle the deliveries of a process that died, once nothing else waits."""
        left = outbox.take_over(tx)
        said = "the program stopped while it sent this"
        for delivery in left:
            Settling(self.desk, self.ends).in_doubt(tx, Outcome(delivery, now, said), now)
        return bool(left)

    # --- hand over ---

    def _hand_over(
        self, group: Sequence[Parcel], now: dt.datetime, started: float
    ) -> tuple[list[Outcome], list[Delivery]]:
        """Try each, outside any transaction; gives the outcomes, and the deliveries not tried."""
        lane = self._lane or Lane(self.mailers())
        lane.start(group, now, started)
        untried = lane.watch(SLOW_SECONDS)
        outcomes = list(lane.outcomes)
        known = {each.id for each in (*untried, *(one.delivery for one in outcomes))}
        flying = [_Flight(each, now, lane, started) for each, _ in group if each.id not in known]
        self._flights += flying
        self._lane = None if flying else lane
        return outcomes, untried

    def _wait(self) -> None:
        """Return when a flight has ended."""
        while not any(flight.lane.is_through() for flight in self._flights):
            with self.desk.store.writing() as tx:
                self._hold_on(tx)
            self._flights[0].lane.is_through(1.0)

    def _land(self, now: dt.datetime) -> bool:
        """Note the ended flights, and end their connections; False if there are none.

        A flight is cut off after longer than any server may take.
        """
        ended = [flight for flight in self._flights if flight.lane.is_through()]
        if ended:
            self._note([_outcome(flight) for flight in ended], (), now, claimed=False)
        self._flights = [flight for flight in self._flights if flight not in ended]
        for flight in ended:  # a farewell may take its time, too
            threading.Thread(target=flight.lane.mailer.close, daemon=True).start()
        for flight in self._flights:
            if time.monotonic() - flight.since > FLIGHT_SECONDS:
                flight.lane.mailer.abort()
        return bool(ended)

    # --- note ---

    def _note(
        self,
        outcomes: Sequence[Outcome],
        untried: Sequence[Delivery],
        now: dt.datetime,
        *,
        claimed: bool,
    ) -> None:
        """Note the ends of deliveries, just claimed or landed."""
        Settling(self.desk, self.ends).note(outcomes, untried, now)
        flying = sum(not flight.lane.is_through() for flight in self._flights)
        self._pace.ended(self.desk.store, len(outcomes), flying, claimed=claimed)
        for outcome in outcomes:
            _tell(outcome)
        last = outcomes[-1].error if outcomes else None
        if last is not None and last.unreachable:
            self.away = str(last)
            log.warning("outgoing server out of reach", reply=self.away)
            reach.lost(self.desk.store, self.away, now)
        elif outcomes:
            reach.held(self.desk.store)


def _outcome(flight: _Flight) -> Outcome:
    """Give a flight's outcome; unclear where its thread ended without a word."""
    for outcome in flight.lane.outcomes:
        if outcome.delivery.id == flight.delivery.id:
            return outcome
    fault = SendError("a fault of this program: the thread that sent this ended", unclear=True)
    return Outcome(flight.delivery, flight.claimed_at, str(fault), fault)


def _tell(outcome: Outcome) -> None:
    """Log how a delivery ended, under the number of the message that caused it."""
    delivery, error = outcome.delivery, outcome.error
    about = {"inbox": delivery.inbox_id, "outbox": delivery.id, "kind": delivery.kind}
    if error is None:
        log.info("sent", **about)
    else:
        log.warning("not sent", **about, permanent=error.permanent, reply=outcome.reply)
