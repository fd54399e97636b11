"""A lane hands mails over one after another, in a thread of its own.

A server may take ten minutes for its word on a mail (RFC 5321, section 4.5.3.2). The lane waits for
it, and other mail goes on in another lane, over another connection.
"""

import datetime as dt
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from daemon.desk.ports import Mailer, SendError
from daemon.store.fault import fault_point
from daemon.store.mail.outbox import Delivery
from daemon.store.schema.types import storable

# A longer group is cut short. So its lease never runs out, and a stop, which waits 25 s, finds it
# noted. A mail that was sent and not noted goes twice.
GROUP_SECONDS = 10.0

Parcel = tuple[Delivery, bytes | None]  # without its text where it has been erased (K2)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt, with the instant of its claim."""

    delivery: Delivery
    claimed_at: dt.datetime
    reply: str
    error: SendError | None = None


@dataclass(slots=True)
class Lane:
    """A connection and the group of deliveries on it."""

    mailer: Mailer
    outcomes: list[Outcome] = field(default_factory=list)
    _todo: deque[Parcel] = field(default_factory=deque)
    _through: threading.Event = field(default_factory=threading.Event)

    def start(self, group: Iterable[Parcel], now: dt.datetime, started: float) -> None:
        """Begin a group that was claimed at `now`, and at `started` of the monotonic clock."""
        self.outcomes, self._todo, self._through = [], deque(group), threading.Event()
        threading.Thread(target=self._run, args=(now, started), name="lane", daemon=True).start()

    def watch(self, slow: float) -> list[Delivery]:
        """Wait while the group gets on; then stop it, and give the deliveries not begun.

        After `slow` seconds without an outcome the delivery in hand goes on by itself.
        """
        seen = 0
        while not self._through.wait(slow) and len(self.outcomes) > seen:
            seen = len(self.outcomes)
        untried = []
        while (parcel := self._next()) is not None:
            untried.append(parcel[0])
        return untried

    def is_through(self, seconds: float = 0.0) -> bool:
        """Tell if the last delivery has ended, or ends within the seconds."""
        return self._through.wait(max(0.0, seconds))

    def _run(self, now: dt.datetime, started: float) -> None:
        """Try each until a server is down or the group is old.

        The age is looked at before each: a process or a database that was frozen since the claim
        may have lost its lease, and another process has sent these.
        """
        try:
            while time.monotonic() - started <= GROUP_SECONDS:
                parcel = self._next()
                if parcel is None:
                    return
                outcome = _try(self.mailer, parcel, now)
                self.outcomes.append(outcome)
                if outcome.error is not None and outcome.error.unreachable:
                    return
        finally:
            self._through.set()

    def _next(self) -> Parcel | None:
        """Take the next delivery, for whoever asks first: this thread, or the one that stops it."""
        try:
            return self._todo.popleft()
        except IndexError:
            return None


def _try(mailer: Mailer, parcel: Parcel, now: dt.datetime) -> Outcome:
    delivery, raw = parcel
    if raw is None:
        erased = SendError("the mail was erased before it was sent (K2)", permanent=True)
        return Outcome(delivery, now, str(erased), erased)
    fault_point("mail.offered")
    try:
        reply = mailer.send(delivery.envelope_from, delivery.recipient, raw)
        fault_point("mail.taken")
        return Outcome(delivery, now, storable(reply))
    except SendError as error:
        return Outcome(delivery, now, storable(str(error)), error)
    except Exception as error:  # noqa: BLE001  a fault of ours: it may have gone out, or not
        fault = SendError(f"a fault of this program: {error!r}", unclear=True)
        return Outcome(delivery, now, storable(str(fault)), fault)
