"""How fast mail leaves: no more in any minute than the server takes, from all processes."""

import datetime as dt
import json
import time
from dataclasses import dataclass

from daemon.store import leases, rows
from daemon.store.mail import outbox
from daemon.store.session import Store, Tx

_FACT = "outgoing-minute"  # [[seconds, mails, process], …] of the last minute
_MINUTE = 60.0

_Group = tuple[float, int, str]


@dataclass(frozen=True, slots=True)
class Pace:
    """How many mails may go out now; with `per_minute` 0 there is no limit, and nothing is kept.

    A group counts from its claim, so that no other process goes out in its place, and once it has
    ended from then: however long the server took, no minute has more.
    """

    per_minute: int = 0
    patient: bool = False  # wait until there is room, instead of saying that there is none

    def wait(self, store: Store, now: dt.datetime) -> None:
        """Where we are patient and something is due: return when there is room for it."""
        while self.per_minute and self.patient:
            with store.reading() as tx:
                due = outbox.waits_until(tx)
                if due is None or due > now or self._room(_groups(rows.fact(tx, _FACT))):
                    return
            time.sleep(0.2)

    def room(self, tx: Tx) -> int:
        """How many may go out now; nobody else takes of it before this transaction ends."""
        if not self.per_minute:
            return outbox.TOGETHER
        return self._room(_groups(rows.fact_to_change(tx, _FACT)))

    def claimed(self, tx: Tx, count: int) -> None:
        """That many are about to go out."""
        if self.per_minute and count:
            _keep(tx, [*_groups(rows.fact(tx, _FACT)), (_now(), count, leases.owner())])

    def ended(self, store: Store, count: int) -> None:
        """That many of those that were claimed have gone out, or tried to."""
        if not self.per_minute:
            return
        with store.writing() as tx:
            groups = _groups(rows.fact_to_change(tx, _FACT))
            mine = max((each for each in groups if each[2] == leases.owner()), default=None)
            others = [each for each in groups if each is not mine]
            _keep(tx, [*others, (_now(), count, leases.owner())])

    def _room(self, groups: list[_Group]) -> int:
        left = self.per_minute - sum(count for _, count, _ in groups)
        return max(0, min(left, outbox.TOGETHER))


def _now() -> float:
    return leases.wall().timestamp()


def _groups(kept: str | None) -> list[_Group]:
    """What went out in the last minute; what lies further ahead was noted by a clock set back."""
    now = _now()
    return [(at, n, who) for at, n, who in json.loads(kept or "[]") if abs(now - at) < _MINUTE]


def _keep(tx: Tx, groups: list[_Group]) -> None:
    rows.keep_fact(tx, _FACT, json.dumps(groups))
