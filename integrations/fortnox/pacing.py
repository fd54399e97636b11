"""At most 24 requests in any 5 s per tenant, evenly spread (facts.md 3.1: the limit is 25)."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

SPACING = 0.209  # seconds: 24 × 0.209 > 5, so that even a closed window of 5 s holds only 24 starts
HOLD_OFF = 5.0  # seconds to be silent after a 429, which promises no Retry-After


class Pacer(Protocol):
    """One line for everybody who talks to the tenant; the store's form is shared by processes."""

    def wait_turn(self) -> None:
        """Return when the next request may start."""

    def hold_off(self, seconds: float) -> None:
        """Let nobody start for that long: the tenant said 429."""


class EvenPacer:
    """The line of one process, for all its threads."""

    def __init__(
        self,
        *,
        spacing: float = SPACING,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take seconds from `clock`, which never goes back."""
        self._spacing = spacing
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._lock = threading.Lock()

    def wait_turn(self) -> None:
        """Take the next free place in the line and wait for it."""
        with self._lock:
            place = max(self._next, self._clock())
            self._next = place + self._spacing
        while (wait := place - self._clock()) > 0:
            self._sleep(wait)

    def hold_off(self, seconds: float) -> None:
        """Push everybody who has no place yet behind the silence."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)
