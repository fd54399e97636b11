"""At most 24 requests in any 5 s per company, evenly spread (facts.md 3.1: the limit is 25)."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from daemon.domain.invoice import AccountingError, Fault

SPACING = 0.209  # seconds: 24 × 0.209 > 5, and even a closed window of 5 s holds 24 starts
HOLD_OFF = 5.0  # seconds to be silent after a 429; it promises no Retry-After
AGAIN = "Inget att göra: nytt försök görs automatiskt."
LONGEST = 120.0  # seconds: a place further away than this is the work of a clock set back


class Line(Protocol):
    """A place for the next free instant, in seconds of the clock that all in the line share."""

    def take(self, now: float, spacing: float) -> float:
        """Take the next free place, in one step and before all others; gives its instant."""

    def push(self, until: float, now: float) -> None:
        """Let no free place lie before that instant."""


def free_place(kept: float, now: float) -> float:
    """The next free place, if the line last kept `kept`."""
    return kept if now <= kept <= now + LONGEST else now


class EvenPacer:
    """Waits for its place in a line of this process, or of several processes."""

    def __init__(
        self,
        line: Line | None = None,
        *,
        spacing: float = SPACING,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take seconds from `clock`; a shared line needs a clock that its users share."""
        self._line = line or MemoryLine()
        self._spacing = spacing
        self._clock = clock
        self._sleep = sleep

    def wait_turn(self) -> None:
        """Take the next free place in the line and wait for it."""
        now = self._clock()
        place = self._line.take(now, self._spacing)
        while 0 < (wait := place - self._clock()) <= LONGEST:
            self._sleep(wait)

    def hold_off(self, seconds: float) -> None:
        """Let everybody without a place yet wait until after the silence."""
        now = self._clock()
        self._line.push(now + seconds, now)


class Waits:
    """Sleeps that end at once when the program is to stop: nobody waits for a paced client."""

    def __init__(self) -> None:
        """Begin without a wish to stop."""
        self._stopping = threading.Event()

    def sleep(self, seconds: float) -> None:
        """Wait; TEMPORARY if the program stops, for nothing is sent after a wait cut short."""
        if self._stopping.wait(seconds):
            raise AccountingError(Fault.TEMPORARY, "Fortnox: avtald stannar", remedy=AGAIN)

    def stop(self) -> None:
        """End every wait, also those to come."""
        self._stopping.set()


class MemoryLine:
    """The line of one process, for all its threads."""

    def __init__(self) -> None:
        """Begin with a free place."""
        self._next = 0.0
        self._lock = threading.Lock()

    def take(self, now: float, spacing: float) -> float:
        """Take the next free place."""
        with self._lock:
            place = free_place(self._next, now)
            self._next = place + spacing
            return place

    def push(self, until: float, now: float) -> None:
        """Let no free place lie before that instant."""
        with self._lock:
            self._next = max(free_place(self._next, now), until)
