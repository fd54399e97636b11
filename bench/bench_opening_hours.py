"""Deadlines a second, beside the fastest library, and a span of ten years beside a week.

python bench/bench_opening_hours.py. The library (officehours) is fetched into a folder that is
thrown away afterwards; where it cannot be had, the bench says so and goes on without it. The
two take turns round by round, since a machine's speed may change within seconds.
"""

import importlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from daemon.domain.opening_hours import Calendar, OpeningHours

COUNT = 20_000
ROUNDS = 15
HOURS = 8
STARTS = [
    datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=(n * 7919) % 525_600) for n in range(COUNT)
]
NAIVE_STARTS = [t.replace(tzinfo=None) for t in STARTS]


@contextmanager
def officehours() -> Iterator[Any]:
    """The library as a module, or None where no package index answers."""
    with tempfile.TemporaryDirectory() as folder:
        asked = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder]
        got = subprocess.run([*asked, "officehours==0.1.9"], capture_output=True, check=False)
        if got.returncode:
            yield None
            return
        sys.path.insert(0, folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = importlib.import_module("officehours")
        sys.path.remove(folder)
        yield module


def rate(work: Callable[[], object], count: int) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def adding(calendar: Calendar) -> Callable[[], object]:
    d = timedelta(hours=HOURS)
    return lambda: [calendar.add(t, d) for t in STARTS]


def adding_by(library: Any, calendar: Calendar) -> Callable[[], object]:
    """The library's own way: naive times, its holidays handed over; wrong outside hours and DST."""
    days = [datetime(d.year, d.month, d.day) for d in calendar.closed_days(2026)]  # noqa: DTZ001  # it knows no zones
    desk = library.Calculator("8:00", "17:00", days)
    return lambda: [desk.due_date(HOURS, t) for t in NAIVE_STARTS]


def measuring(calendar: Calendar, span: timedelta) -> Callable[[], object]:
    return lambda: [calendar.between(t, t + span) for t in STARTS]


def reaching(calendar: Calendar, d: timedelta) -> Callable[[], object]:
    return lambda: [calendar.add(t, d) for t in STARTS]


def in_turn(*works: Callable[[], object]) -> list[tuple[float, ...]]:
    """Rates of the works, measured in turn, after a round that warms them up."""
    for work in works:
        work()
    return [tuple(rate(work, COUNT) for work in works) for _ in range(ROUNDS)]


def compare(name: str, other: str, rounds: list[tuple[float, ...]]) -> None:
    ours, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
    ratio = statistics.median(a / b for a, b in rounds)
    print(f"{name}: {ours:,.0f}/s; {other}: {theirs:,.0f}/s; ratio {ratio:.2f}")


def main() -> None:
    calendar = Calendar(OpeningHours())
    add = adding(calendar)
    with officehours() as library:
        if library is None:
            add()
            print(f"add {HOURS} h: {rate(add, COUNT):,.0f}/s; officehours could not be had")
        else:
            rounds = in_turn(add, adding_by(library, calendar))
            compare(f"add {HOURS} h, aware", "officehours, naive (aim > 1)", rounds)
    week, years = timedelta(days=7), timedelta(days=3653)
    rounds = in_turn(measuring(calendar, years), measuring(calendar, week))
    compare("between, ten years", "a week (aim ~ 1)", rounds)
    rounds = in_turn(reaching(calendar, timedelta(hours=22_500)), reaching(calendar, week))
    compare("add, ten years of hours", "168 h (aim ~ 1)", rounds)


if __name__ == "__main__":
    main()
