"""The breaker: automatic answers beyond the setting wait for the next hour (J2).

Mail is still taken and acted on, and the words of people go out. The database keeps the count, by
the hour of the clock: a restart forgets nothing.
"""

import datetime as dt
from dataclasses import dataclass

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import Alarm
from daemon.desk.outgoing import alarms
from daemon.store import rows
from daemon.store.mail import outbox
from daemon.store.session import Tx

_COUNTED = "answers-of-the-hour"
_OPEN = "breaker-open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """The count of automatic answers in this hour, of the whole desk."""

    desk: Desk

    def room(self, tx: Tx, now: dt.datetime) -> int:
        """Give the number of answers left in the hour."""
        return max(0, self.desk.settings.desk.all_answers - _sent(tx, now))

    def passed(self, tx: Tx, now: dt.datetime, *, room: int, answers: int) -> None:
        """Count answers on their way, of the room there was; tell once if others wait."""
        if answers:
            sent = self.desk.settings.desk.all_answers - room + answers
            _count(tx, now, sent)
        if answers >= room:
            if outbox.answers_wait(tx, now):
                self._open(tx, now)
        elif not answers and is_open(tx) and not outbox.answers_wait(tx, now):
            rows.keep_fact(tx, _OPEN, "")
            alarms.clear(tx, "breaker", now)

    def went_nowhere(self, tx: Tx, now: dt.datetime, answers: int) -> None:
        """Take answers without success from the count.

        If another process already counts the next hour, its count stays.
        """
        sent = _sent(tx, now) if answers else 0
        if sent:
            _count(tx, now, max(0, sent - answers))

    def _open(self, tx: Tx, now: dt.datetime) -> None:
        rows.keep_fact(tx, _OPEN, now.isoformat())
        language = self.desk.language
        what = sentence("breaker", language, limit=self.desk.settings.desk.all_answers)
        alarms.raise_alarm(
            tx, self.desk, "breaker", Alarm(what, sentence("breaker_remedy", language)), now
        )


def is_open(tx: Tx) -> bool:
    """Tell if answers wait because the desk has sent its share."""
    return bool(rows.fact(tx, _OPEN))


def _count(tx: Tx, now: dt.datetime, sent: int) -> None:
    rows.keep_fact(tx, _COUNTED, f"{now:%Y-%m-%dT%H} {sent}")


def _sent(tx: Tx, now: dt.datetime) -> int:
    """Give the hour's count, and hold it against other processes until the transaction ends."""
    hour, _, count = rows.fact_to_change(tx, _COUNTED).partition(" ")
    return int(count) if hour == f"{now:%Y-%m-%dT%H}" else 0
