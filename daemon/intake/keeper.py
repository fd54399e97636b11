"""Group commit: deliveries that come in at the same time become durable together."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from daemon.desk.accept import Arrival
from daemon.store.session import StoreError

TOGETHER = 50


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    kept: bool = False
    fault: Exception | None = None


class Keeper:
    """One thread that commits; what arrives during a commit shares the next one."""

    def __init__(self, keep: Callable[[Sequence[Arrival]], object]) -> None:
        """`keep` makes all given arrivals durable, or raises and keeps none."""
        self._keep = keep
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keeper")

    async def keep(self, arrival: Arrival) -> None:
        """Return when it is durable; raise what kept it from becoming so.

        A caller that is cancelled leaves the commit to finish: nobody has been told anything.
        """
        mine = _Waiting(arrival)
        self._waiting.append(mine)
        loop = asyncio.get_running_loop()
        while not mine.kept and mine.fault is None:
            await loop.run_in_executor(self._thread, self._commit)
        if mine.fault is not None:
            raise mine.fault

    def close(self) -> None:
        """Wait for the commit under way, and end the thread."""
        self._thread.shutdown(wait=True)

    def _commit(self) -> None:
        together = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER))]
        if together:
            self._try(together)

    def _try(self, together: Sequence[_Waiting]) -> None:
        try:
            self._keep([waiting.arrival for waiting in together])
        except StoreError as fault:
            for waiting in together:
                waiting.fault = fault
        except Exception as fault:  # noqa: BLE001  told to whoever delivered it
            self._apart(together, fault)
        else:
            for waiting in together:
                waiting.kept = True

    def _apart(self, together: Sequence[_Waiting], fault: Exception) -> None:
        """Let a mail that we cannot keep stand in nobody's way but its own."""
        if len(together) == 1:
            together[0].fault = fault
        else:
            for waiting in together:
                self._try([waiting])
