"""The pace of outgoing mail: a limit for every minute, over all processes."""

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
    """A limit of mails in a minute; `per_minute` 0 is none.

    A group counts from its claim, so that no other process takes its place, and once it has ended
    from its end. A mail without an answer counts until a minute after the answer. So no minute has
    more mails than the limit, however long the server takes.
    """

    per_minute: int = 0

    def wait(self, store: Store, now: dt.datetime) -> None:
        """Return when there is room for the mail that is due."""
        while self.per_minute:
            with store.reading() as tx:
                due = outbox.waits_until(tx)
                if due is None or due > now or self._room(_groups(rows.fact(tx, _FACT))):
                    return
            time.sleep(0.2)

    def room(self, tx: Tx) -> int:
        """Give the number of mails allowed now; this transaction keeps other processes waiting."""
        if not self.per_minute:
            return outbox.TOGETHER
        return self._room(_groups(rows.fact_to_change(tx, _FACT)))

    def claimed(self, tx: Tx, count: int) -> None:
        """Count mails on their way."""
        if self.per_minute and count:
            _keep(tx, [*_groups(rows.fact(tx, _FACT)), (_now(), count, leases.owner())])

    def flying(self, tx: Tx, count: int) -> None:
        """Count the mails in the air, in place of the last count of them."""
        if self.per_minute:
            _keep(tx, _with_flights(_groups(rows.fact_to_change(tx, _FACT)), count))

    def ended(self, store: Store, count: int, flying: int, *, claimed: bool) -> None:
        """Count the ends of deliveries; in place of the last claim if they were `claimed` by it."""
        if not self.per_minute:
            return
        with store.writing() as tx:
            groups = _groups(rows.fact_to_change(tx, _FACT))
            mine = max((each for each in groups if each[2] == leases.owner()), default=None)
            others = [each for each in groups if each is not mine or not claimed]
            _keep(tx, _with_flights([*others, (_now(), count, leases.owner())], flying))

    def _room(self, groups: list[_Group]) -> int:
        left = self.per_minute - sum(count for _, count, _ in groups)
        return max(0, min(left, outbox.TOGETHER))


def _with_flights(groups: list[_Group], count: int) -> list[_Group]:
    name = f"{leases.owner()} in the air"
    others = [each for each in groups if each[2] != name]
    return [*others, (_now(), count, name)] if count else others


def _now() -> float:
    return leases.wall().timestamp()


def _groups(kept: str | None) -> list[_Group]:
    """Give the groups of the last minute; one further ahead comes from before a clock set back."""
    now = _now()
    return [(at, n, who) for at, n, who in json.loads(kept or "[]") if abs(now - at) < _MINUTE]


def _keep(tx: Tx, groups: list[_Group]) -> None:
    rows.keep_fact(tx, _FACT, json.dumps(groups))
