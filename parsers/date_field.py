"""The Date field of a mail as an instant."""

import datetime as dt
from email.utils import mktime_tz, parsedate_tz

_LONGEST = 200


def instant(value: str) -> dt.datetime | None:
    """Give the instant of a Date field in UTC, to the second; None where nobody can read it.

    A date without an offset counts as UTC. Never raises.
    """
    if len(value) > _LONGEST:
        return None
    try:
        read = parsedate_tz(value)
        if read is None:
            return None
        return dt.datetime.fromtimestamp(mktime_tz(read), dt.UTC)
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return None
