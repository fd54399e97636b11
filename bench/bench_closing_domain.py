"""Time of the pure part of a close: 10,000 customers x 20 entries (issue 7), and growth."""

import datetime as dt
import resource
import sys
import time
from collections.abc import Iterator

from daemon.domain.agreement import BUILT_IN, Version
from daemon.domain.billing import draw_statement, statement_hash
from daemon.domain.periods import Period
from daemon.domain.time_bank import Entry, reckon

MONTH = Period.parse("2026-11")
NONE = BUILT_IN["none"].terms_on


def customers(count: int) -> Iterator[tuple[list[Version], list[Entry]]]:
    """Customers of all four plans, each with twenty entries in the month."""
    starts = dt.date(2026, 1, 1)
    for number in range(count):
        terms = list(BUILT_IN.values())[number % 4].terms
        versions = [Version(number, f"c{number}", starts, None, True, terms)]
        yield (versions if terms.plan != "none" else []), list(entries(number))


def entries(customer: int) -> Iterator[Entry]:
    for n in range(20):
        day = 1 + (n * 7 + customer) % 30
        at = dt.datetime(2026, 11, day, 12, n, tzinfo=dt.UTC)
        minutes = 15 + (n * 37 + customer) % 120
        number = customer * 20 + n
        yield Entry(number, customer, n % 3, at.date(), at, 0, minutes, minutes)


def close(count: int) -> tuple[float, int]:
    """Processor seconds to reckon, draw and hash every statement; and all nets in öre."""
    net = 0
    spent = 0.0
    for versions, worked in customers(count):
        began = time.process_time()
        reckoning = reckon(versions, worked, (), NONE)
        draft = draw_statement(MONTH, versions, reckoning, (), first=MONTH)
        statement_hash(draft.rows, "AVT-customer-2026-11")
        spent += time.process_time() - began
        net += draft.net.ore
    return spent, net


def main() -> int:
    small, _ = close(1_000)
    large, net = close(10_000)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"closing, pure part:  1,000 customers x 20 entries {small:6.2f} s")
    print(f"closing, pure part: 10,000 customers x 20 entries {large:6.2f} s, net {net / 100:.2f}")
    print(f"growth from 1,000 to 10,000: {large / small:.1f} times; peak memory {memory:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
