"""The next attempt at a mail that did not go out, and the end of trying."""

import datetime as dt
import zlib

# The wait after the first, second, … attempt; the last one repeats.
PAUSES = tuple(dt.timedelta(minutes=m) for m in (1, 5, 15, 60, 120, 240))
SERVER_AWAY = dt.timedelta(minutes=5)  # the longest wait for an outgoing server out of reach
GIVE_UP = dt.timedelta(days=5)
LEAST_ATTEMPTS = 5  # also for a mail older than GIVE_UP, after a week without us
REPEATS = 1  # of a delivery with an unclear end
NEVER_REPEATED = frozenset({"report", "invitation"})


class SendError(Exception):
    """A failed delivery.

    `permanent`: the server refused this mail for good (5xx). `unclear`: the connection was lost
    after the final dot, and the mail may be on its way. `unreachable`: the outgoing server, or our
    access to it, is at fault, not this mail. With none of them a new attempt is worth it.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        unclear: bool = False,
        unreachable: bool = False,
    ) -> None:
        """Keep the server's answer and its meaning."""
        super().__init__(message)
        self.permanent = permanent
        self.unclear = unclear
        self.unreachable = unreachable


def next_attempt(
    attempts: int,
    now: dt.datetime,
    created_at: dt.datetime,
    *,
    spread: int = 0,
    unreachable: bool = False,
    give_up: dt.timedelta = GIVE_UP,
) -> dt.datetime | None:
    """The time of the next attempt; None after five days (RFC 5321 section 4.5.4.1).

    The waits are 1, 5, 15, 60, 120 and then 240 minutes, less up to a tenth. That tenth depends
    only on `spread` (the delivery's number): mails failed together come back one by one. An
    unreachable server is tried every five minutes for ever: its absence is no fault of the mail,
    and ours to mend.
    """
    last = created_at + give_up
    if now >= last and attempts >= LEAST_ATTEMPTS and not unreachable:
        return None
    pause = PAUSES[min(max(attempts, 1), len(PAUSES)) - 1]
    if unreachable:
        pause = min(pause, SERVER_AWAY)
    earlier = zlib.crc32(f"{spread}:{attempts}".encode()) % 100 / 1000
    again = now + dt.timedelta(seconds=round(pause.total_seconds() * (1 - earlier)))
    return min(again, last) if now < last else again


def counted_attempts(attempts: int, *, unreachable: bool) -> int:
    """The number of attempts counted against the mail, the last included.

    Attempts at an unreachable server count only until its longest pause is reached: else the
    first 4xx after a long absence would end the mail.
    """
    lengthening = sum(pause <= SERVER_AWAY for pause in PAUSES)
    return attempts - 1 if unreachable and attempts > lengthening else attempts


def longest_wait(attempts: int) -> dt.timedelta:
    """The longest wait of a mail after that many attempts; none before the first."""
    return PAUSES[min(attempts, len(PAUSES)) - 1] if attempts else dt.timedelta()


def may_repeat(kind: str, repeats: int) -> bool:
    """Tell if a mail with an unclear delivery is sent again, with the same Message-ID.

    It is, at most once. For a customer report or an invitation a person decides (RFC 1047: no
    protocol closes this window).
    """
    return kind not in NEVER_REPEATED and repeats < REPEATS
