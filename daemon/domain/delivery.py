"""When a mail that did not go out is tried again, and when it is given up."""

import datetime as dt
import zlib

# How long to wait after the first, second, … attempt; after these, the last one for ever.
PAUSES = tuple(dt.timedelta(minutes=m) for m in (1, 5, 15, 60, 120, 240))
SERVER_AWAY = dt.timedelta(minutes=5)  # the longest wait for an outgoing server that is down
GIVE_UP = dt.timedelta(days=5)
LEAST_ATTEMPTS = 5  # a mail that lay while we were down for a week still gets these
REPEATS = 1  # of a delivery that nobody knows the end of
NEVER_REPEATED = frozenset({"report", "invitation"})


class SendError(Exception):
    """A delivery that did not succeed.

    `permanent`: the server refused this mail for good (5xx). `unclear`: the connection was lost
    after the final dot, so the mail may be on its way. `unreachable`: the fault is the outgoing
    server's or our access to it, not this mail's. With none of them it is worth trying again.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        unclear: bool = False,
        unreachable: bool = False,
    ) -> None:
        """Keep what the server said, and what it means."""
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
    """When to try again after that many attempts; None after five days (RFC 5321 section 4.5.4.1).

    Waits 1, 5, 15, 60, 120 and then 240 minutes, less up to a tenth that depends on `spread` (the
    delivery's number) alone, so that mails which failed together do not come back together. A
    server that is down is looked for every five minutes and for ever: its absence says nothing of
    the mail, and is ours to mend.
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


def counted(attempts: int, *, unreachable: bool) -> int:
    """How many of them count against the mail, the last included.

    One on a server that was away does not, once it has made the pauses as long as they are for
    such a server: else the first 4xx after a long absence would be the mail's last.
    """
    lengthening = sum(pause <= SERVER_AWAY for pause in PAUSES)
    return attempts - 1 if unreachable and attempts > lengthening else attempts


def longest_wait(attempts: int) -> dt.timedelta:
    """The longest that a mail waits after that many attempts; one that was never tried does not."""
    return PAUSES[min(attempts, len(PAUSES)) - 1] if attempts else dt.timedelta()


def may_repeat(kind: str, repeats: int) -> bool:
    """Whether a mail that may already be on its way is sent once more with the same Message-ID.

    At most once; a customer report or an invitation never: a person decides (RFC 1047 has the
    window that no protocol closes).
    """
    return kind not in NEVER_REPEATED and repeats < REPEATS
