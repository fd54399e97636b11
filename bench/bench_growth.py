"""The same desk with nothing behind it, and with years of tickets: what grows with them.

On SQLite and on PostgreSQL; set BENCH_TICKETS to another number than 1,000,000.
"""

import datetime as dt
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import structlog  # noqa: E402
from bench_intake import REGISTER, a_mail, load  # noqa: E402

from daemon.desk.incoming import receive  # noqa: E402
from daemon.desk.reminders import morning_digest, warnings  # noqa: E402
from daemon.desk.shown import tickets as tickets_shown  # noqa: E402
from daemon.intake.accept import Arrival, accept  # noqa: E402
from daemon.store import migrations  # noqa: E402
from daemon.store.mail import depths, inbox, outbox  # noqa: E402
from daemon.store.session import open_store  # noqa: E402
from daemon.store.tickets import mornings, tickets  # noqa: E402
from tests import years  # noqa: E402
from tests.builders import ADesk, a_desk  # noqa: E402
from tests.servers import postgres  # noqa: E402

TICKETS = int(os.environ.get("BENCH_TICKETS", "1000000"))
MAILS, GROUP = 300, 20
NOW = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def intake(desk: ADesk, name: str) -> tuple[float, float]:
    """Intake to the hand-over of the confirmation: mails a second, and ms of the processor each."""
    groups = [
        [Arrival(a_mail(name, n + k), NOW, "lmtp", f"{name}{n + k}") for k in range(GROUP)]
        for n in range(0, MAILS, GROUP)
    ]
    spent, started = time.process_time(), time.monotonic()
    for group in groups:
        accept(desk.desk.store, group, go_live=None)
        while receive.step(desk.desk, NOW):
            pass
        while desk.sending.step(NOW):
            pass
    rate = MAILS / (time.monotonic() - started)
    return rate, (time.process_time() - spent) / MAILS * 1000


def looks(desk: ADesk) -> dict[str, Callable[[], object]]:
    """What is asked all the time, each on a database that holds everything."""
    store, last = desk.desk.store, 1000 + TICKETS

    def reading(ask: Callable[..., object]) -> Callable[[], object]:
        def run() -> None:
            with store.reading() as tx:
                ask(tx)

        return run

    def thread(tx: object) -> None:
        outbox.by_message_ids(tx, [f"<{TICKETS}@example.se>", "<x@y.se>"])
        found = tickets.by_number(tx, last - 7)
        tickets.participants_of(tx, found.id)

    def morning(tx: object) -> None:
        mornings.time_noted(tx, NOW - DAY)
        mornings.answers(tx, NOW - DAY, NOW)
        mornings.thanked(tx, NOW - DAY, NOW)

    return {
        f"list of the {years.LIVING} open tickets": reading(
            lambda tx: tickets_shown.listing(tx, only_open=True)
        ),
        "one ticket whole": reading(
            lambda tx: tickets_shown.whole(tx, tickets.by_number(tx, last - 5))
        ),
        "thread look-up": reading(thread),
        "due scan (nothing due)": lambda: warnings.warn_engineers(desk.desk, NOW),
        "receive, nothing new": lambda: receive.step(desk.desk, NOW),
        "send, nothing due": lambda: desk.sending.step(NOW),
        "digest, not due": lambda: morning_digest.send_digest(desk.desk, NOW),
        "digest, its questions": reading(morning),
        "list of the newest mails": reading(inbox.listing),
        "one mail's way": reading(lambda tx: inbox.way(tx, TICKETS - 5)),
        "depths (/health, /metrics)": reading(lambda tx: depths.look(tx, NOW)),
    }


def told(what: str, ask: Callable[[], object]) -> None:
    ask()
    times = []
    for _ in range(15):
        started = time.perf_counter()
        ask()
        times.append((time.perf_counter() - started) * 1000)
    print(f"{what}: median {statistics.median(times):.1f} ms, best {min(times):.1f} ms, {load()}")


def a_place(folder: Path, url: str, *, filled: bool = False) -> ADesk:
    """A desk with its register; perhaps with all the tickets."""
    folder.mkdir(parents=True)
    store = open_store(url)
    migrations.upgrade(store)
    desk = a_desk(store, folder, register=REGISTER)
    if filled:
        started = time.monotonic()
        years.fill(store, TICKETS, NOW)
        print(f"{TICKETS} tickets filled in {time.monotonic() - started:.0f} s")
        store.close()  # what a connection keeps was another database's
    return desk


def measure(folder: Path, what: str, empty_url: str, full_url: str) -> None:
    """What is asked all the time, and the intake of both in pairs."""
    empty = a_place(folder / "empty", empty_url)
    full = a_place(folder / "full", full_url, filled=True)
    for asked, ask in looks(full).items():
        told(f"{what} with {TICKETS} tickets, {asked}", ask)
    intake(empty, "first"), intake(full, "first")  # what is made once is made
    pairs = [(intake(empty, f"e{n}"), intake(full, f"f{n}")) for n in range(5)]
    rate = statistics.median(f[0] / e[0] for e, f in pairs)
    work = statistics.median(e[1] / f[1] for e, f in pairs)
    few, many = (statistics.median(pair[which][1] for pair in pairs) for which in (0, 1))
    print(
        f"{what}, intake with {TICKETS} tickets to intake with none: {rate:.2f} of the mails/s, "
        f"{work:.2f} by our processor time ({many:.1f} ms to {few:.1f} ms), {load()}"
    )
    empty.desk.store.close(), full.desk.store.close()


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory(prefix="avtald-bench-") as folder:
        home = Path(folder)
        urls = (f"sqlite:///{home}/{name}.db" for name in ("empty", "full"))
        measure(home / "sqlite", "SQLite", *urls)
        with postgres(durable=True) as cluster:
            for name in ("empty", "years"):
                cluster.run(f"CREATE DATABASE {name}")
            measure(home / "postgresql", "PostgreSQL", cluster.url("empty"), cluster.url("years"))


if __name__ == "__main__":
    main()
