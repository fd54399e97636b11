"""The same desk with nothing behind it, and with years of tickets: what grows with them.

Set BENCH_TICKETS to another number than 100,000 (a million takes minutes to fill), and
BENCH_URL to an empty PostgreSQL database to measure there instead of in a file.
"""

import datetime as dt
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import structlog  # noqa: E402
from bench_intake import REGISTER, a_mail, load  # noqa: E402

from daemon.desk import digest, receive, sending, tickets_shown, warnings  # noqa: E402
from daemon.desk.accept import Arrival, accept  # noqa: E402
from daemon.store import depths, migrations, outbox, schema, tickets  # noqa: E402
from daemon.store.session import Store, open_store  # noqa: E402
from tests.builders import ADesk, a_desk  # noqa: E402

TICKETS = int(os.environ.get("BENCH_TICKETS", "100000"))
MAILS, GROUP, PIECE = 300, 20, 5000
NOW = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
OPEN = 200  # tickets that wait for somebody; a desk of any age has no more


def rows_of(numbers: range) -> Iterator[tuple[object, list[dict[str, object]]]]:
    """What a ticket that was opened, confirmed and closed leaves in each table."""
    at = {n: NOW - dt.timedelta(minutes=5 * (TICKETS - n) + 5) for n in numbers}
    living = range(TICKETS - OPEN + 1, TICKETS + 1)
    yield schema.tickets, [
        {"id": n, "number": 1000 + n, "subject": f"Skrivare {n}", "customer_id": n % 30 + 1,
         "requester": f"k{n % 5000}@kund{n % 30}.se", "language": "sv", "priority": 3,
         "status": "open" if n in living else "closed", "opened_at": at[n], "spam": False,
         "closed_at": None if n in living else at[n]}
        for n in numbers
    ]  # fmt: skip
    yield schema.inbox, [
        {"id": n, "identity": f"{n:064}", "received_at": at[n], "source": "lmtp", "size": 300,
         "raw_sha256": f"{n:064}", "message_id": f"<{n}@kund.se>", "state": "done",
         "attempts": 1, "kind": "person", "outcome": "opened", "ticket_id": n}
        for n in numbers
    ]  # fmt: skip
    yield schema.inbox_raw, [{"inbox_id": n, "raw": b"Subject: x\r\n" * 20} for n in numbers]
    yield (
        schema.inbox_deliveries,
        [{"inbox_id": n, "source": "lmtp", "received_at": at[n]} for n in numbers],
    )
    yield (
        schema.participants,
        [
            {"ticket_id": n, "address": f"k{n % 5000}@kund{n % 30}.se", "added_at": at[n]}
            for n in numbers
        ],
    )
    yield schema.ticket_messages, [
        {"ticket_id": n, "inbox_id": n, "at": at[n], "author": "customer", "address": "k@kund.se",
         "text": "Skrivaren på plan två står still. " * 4}
        for n in numbers
    ]  # fmt: skip
    yield schema.events, [
        {"at": at[n], "kind": kind, "actor": "k@kund.se", "cause": f"inbox:{n}", "ticket_id": n,
         "customer_id": n % 30 + 1, "data": data}
        for n in numbers
        for kind, data in (("participant", {"address": "k"}), ("opened", {"priority": 3}))
    ]  # fmt: skip
    yield schema.clocks, [
        {"ticket_id": n, "kind": "response", "ordinal": 0, "started_at": at[n],
         "target_minutes": 480, "due_at": NOW + dt.timedelta(days=1) if n in living else at[n],
         "result": "running" if n in living else "met",
         "ended_at": None if n in living else at[n],
         "tell_at": NOW + dt.timedelta(days=1) if n in living else None}
        for n in numbers
    ]  # fmt: skip
    mails = [(2 * n + copy - 1, n, kind) for n in numbers for copy, kind in
             enumerate(("confirmation", "notice"))]  # fmt: skip
    yield schema.outgoing, [
        {"id": number, "key": f"{kind}:{n}", "kind": kind, "message_id": f"<{number}@example.se>",
         "ticket_id": n, "inbox_id": n, "created_at": at[n], "answer": kind == "confirmation",
         "raw": b"Subject: y\r\n" * 20}
        for number, n, kind in mails
    ]  # fmt: skip
    yield schema.outbox, [
        {"outgoing_id": number, "recipient": f"k{n % 5000}@kund{n % 30}.se", "state": "sent",
         "envelope_from": "support@example.se", "created_at": at[n], "next_at": at[n],
         "attempts": 1, "sent_at": at[n], "answer": kind == "confirmation"}
        for number, n, kind in mails
    ]  # fmt: skip


def fill(store: Store) -> None:
    """Years of tickets, without asking anybody."""
    started = time.monotonic()
    for start in range(1, TICKETS + 1, PIECE):
        with store.writing() as tx:
            for table, rows in rows_of(range(start, min(start + PIECE, TICKETS + 1))):
                tx.execute(table.insert(), rows)
    with store.writing() as tx:
        if not store.is_sqlite:  # its series know nothing of rows that brought their own numbers
            for table in ("tickets", "inbox", "outgoing"):
                series = f"pg_get_serial_sequence('{table}', 'id')"
                tx.exec_driver_sql(f"SELECT setval({series}, (SELECT max(id) FROM {table}))")
            tx.exec_driver_sql(f"SELECT setval('ticket_numbers', {1000 + TICKETS})")
            tx.exec_driver_sql("ANALYZE")  # as autovacuum does; nothing does so in a SQLite file
    print(f"{TICKETS} tickets filled in {time.monotonic() - started:.0f} s")


def intake(desk: ADesk, name: str) -> tuple[float, float]:
    """Intake to the hand-over of the confirmation: mails a second, and ms of the processor each."""
    groups = [
        [
            Arrival(a_mail(name, n + k), NOW, "lmtp", f"{name}{n + k}")
            for k in range(GROUP)
        ]
        for n in range(0, MAILS, GROUP)
    ]  # fmt: skip
    spent, started = time.process_time(), time.monotonic()
    for group in groups:
        accept(desk.desk.store, group, go_live=None)
        while receive.step(desk.desk, NOW):
            pass
        while sending.step(
            desk.desk.store, desk.mailer, NOW,
            on_sent=lambda *_: None, on_failed=lambda *_: None,
        ):  # fmt: skip
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

    return {
        f"list of the {OPEN} open tickets": reading(
            lambda tx: tickets_shown.listing(tx, only_open=True)
        ),
        "one ticket whole": reading(
            lambda tx: tickets_shown.whole(tx, tickets.by_number(tx, last - 5))
        ),
        "thread look-up": reading(thread),
        "due scan (nothing due)": lambda: warnings.step(desk.desk, NOW),
        "receive, nothing new": lambda: receive.step(desk.desk, NOW),
        "send, nothing due": lambda: sending.step(
            store, desk.mailer, NOW, on_sent=lambda *_: None, on_failed=lambda *_: None
        ),
        "digest, not due": lambda: digest.step(desk.desk, NOW),
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


def a_place(home: Path, name: str, url: str) -> ADesk:
    folder = home / name
    folder.mkdir()
    store = open_store(url)
    migrations.upgrade(store)
    return a_desk(store, folder, register=REGISTER)


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory(prefix="avtald-bench-") as folder:
        home = Path(folder)
        full_url = os.environ.get("BENCH_URL") or f"sqlite:///{home}/full.db"
        store = open_store(full_url)
        migrations.upgrade(store)
        a_desk(store, home, register=REGISTER)
        fill(store)
        store.close()
        full = a_place(home, "full", full_url)
        for what, ask in looks(full).items():
            told(f"with {TICKETS} tickets, {what}", ask)
        if full.desk.store.is_sqlite:
            empty = a_place(home, "empty", f"sqlite:///{home}/empty.db")
            intake(empty, "first"), intake(full, "first")  # what is made once is made
            pairs = [(intake(empty, f"e{n}"), intake(full, f"f{n}")) for n in range(3)]
            rate = statistics.median(f[0] / e[0] for e, f in pairs)
            work = statistics.median(e[1] / f[1] for e, f in pairs)
            (_, few), (_, many) = pairs[-1]
            print(
                f"intake with {TICKETS} tickets to intake with none: {rate:.2f} of the mails/s, "
                f"{work:.2f} by the processor ({many:.1f} ms to {few:.1f} ms), {load()}"
            )
        print("search: the desk has none")


if __name__ == "__main__":
    main()
