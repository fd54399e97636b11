"""Group commit: deliveries that arrive at the same time become durable together."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from queue import SimpleQueue

import structlog

from daemon.intake.accept import Arrival
from daemon.store.session import StoreError

log = structlog.get_logger("avtald.keeper")

TOGETHER = 50
TOGETHER_BYTES = 8 * 1024**2  # a larger mail is committed alone


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: Arrival
    # Of the fault, or of None once the arrival is durable.
    kept: Future[Exception | None] = field(default_factory=Future)


class Keeper:
    """One thread that commits; deliveries arriving before its turn share one commit."""

    def __init__(
        self,
        keep: Callable[[Sequence[Arrival]], object],
        turn: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """`keep` makes all the given arrivals durable, or raises and keeps none of them.

        `turn` waits for the writer before us; only then is the group of a commit settled.
        """
        self._keep = keep
        self._turn = turn
        self._waiting: deque[_Waiting] = deque()
        self._calls: SimpleQueue[bool] = SimpleQueue()  # False: the last
        # Not of an executor: Python waits for those at its end, and a database may be frozen.
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    async def keep(self, arrival: Arrival) -> None:
        """Return once the arrival is durable; raise any fault on the way.

        A cancelled caller leaves the commit to finish: nobody has been told anything.
        """
        mine = _Waiting(arrival)
        self._waiting.append(mine)
        self._calls.put(True)
        fault = await asyncio.shield(asyncio.wrap_future(mine.kept))
        if fault is not None:
            raise fault

    def close(self) -> None:
        """Wait for the commit under way, and end the thread."""
        self._calls.put(False)
        self._thread.join()

    def _run(self) -> None:
        while self._calls.get():
            try:
                self._commit()
            except Exception as fault:  # noqa: BLE001  on this thread all mail of the door depends
                log.error("keeper", fault=repr(fault))  # noqa: TRY400  its frames hold the mail

    def _commit(self) -> None:
        if not self._waiting:
            return  # a commit before this one took them along
        with self._turn():
            self._try(self._together())

    def _together(self) -> list[_Waiting]:
        """The first waiting delivery, and those that may share its commit."""
        group = [self._waiting.popleft()]
        size = len(group[0].arrival.raw)
        while self._waiting and len(group) < TOGETHER:
            size += len(self._waiting[0].arrival.raw)
            if size > TOGETHER_BYTES:
                break
            group.append(self._waiting.popleft())
        return group

    def _try(self, together: Sequence[_Waiting]) -> None:
        try:
            self._keep([waiting.arrival for waiting in together])
        except StoreError as fault:
            for waiting in together:
                waiting.kept.set_result(fault)
        except Exception as fault:  # noqa: BLE001  told to whoever delivered it
            self._apart(together, fault)
        else:
            for waiting in together:
                waiting.kept.set_result(None)

    def _apart(self, together: Sequence[_Waiting], fault: Exception) -> None:
        """Try each mail alone: a mail beyond our power to keep blocks only itself."""
        if len(together) == 1:
            together[0].kept.set_result(fault)
        else:
            for waiting in together:
                self._try([waiting])
