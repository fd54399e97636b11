"""Closing a month from the database: 10,000 customers x 20 entries, time, memory, growth (issue 7).

Each size runs in a process of its own on a fresh SQLite file; what is timed is `close_due_month`
alone: load, reckon, freeze, seal, commit. A yardstick loop tells how fast the machine was.
"""

import datetime as dt
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CUSTOMERS = (1_000, 10_000)
ENTRIES = 20
SETTINGS = """
[desk]
name = "Exempel Support"
address = "support@example.se"
operators = ["drift@example.se"]
[accounting]
kind = "files"
finance = ["ekonomi@example.se"]
first_month = "2026-11"
"""


def a_desk(folder: Path):
    from daemon.desk.context import Desk
    from daemon.domain.opening_hours import Calendar
    from daemon.settings import load
    from daemon.store import migrations
    from daemon.store.session import open_store

    file = folder / "avtald.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    settings = load.load(file, {})
    store = open_store(f"sqlite:///{folder}/avtald.db")
    migrations.upgrade(store)
    return Desk(store, settings, Calendar(settings.calendar), b"key of the bench")


def fill(desk, count: int) -> None:
    """Customers of the four plans in turn, with twenty entries each in the month."""
    from daemon.domain.agreement import BUILT_IN
    from daemon.store.money.chain import Sealed, seal
    from daemon.store.money.ledger import SEALED
    from daemon.store.schema import tables as s

    plans = list(BUILT_IN.values())
    opened = dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC)
    with desk.store.writing() as tx:
        tx.execute(
            s.people.insert(),
            [
                {"id": n, "name": f"E {n}", "email": f"e{n}@example.se", "roles": ["engineer"]}
                for n in (1, 2, 3)
            ],
        )
        for first in range(1, count + 1, 500):
            numbers = range(first, min(first + 500, count + 1))
            tx.execute(
                s.customers.insert(),
                [
                    {
                        "id": n,
                        "key": f"c{n}",
                        "name": f"Kund {n}",
                        "reports_to": [],
                        "accounting_number": str(n),
                    }
                    for n in numbers
                ],
            )
            tx.execute(
                s.agreement_versions.insert(),
                [
                    {
                        "customer_id": n,
                        "plan": plan.key,
                        "starts": dt.date(2026, 1, 1),
                        "renews": True,
                        "terms": plan.terms.to_json(),
                        "overrides": {},
                        "withdrawn": False,
                    }
                    for n in numbers
                    if (plan := plans[n % 4]).key != "none"
                ],
            )
            tx.execute(
                s.tickets.insert(),
                [
                    {
                        "id": n,
                        "number": 1000 + n,
                        "customer_id": n,
                        "subject": f"Fråga {n}",
                        "requester": f"a@c{n}.se",
                        "requester_name": "",
                        "language": "sv",
                        "priority": 3,
                        "status": "open",
                        "opened_at": opened,
                    }
                    for n in numbers
                ],
            )
            entries = [entry(n, k) for n in numbers for k in range(ENTRIES)]
            tx.execute(s.ledger.insert(), entries)
            names = [column.name for column in SEALED]
            seal(
                tx,
                [Sealed("ledger", e["id"], {k: e.get(k) for k in names}) for e in entries],
            )


def entry(customer: int, number: int) -> dict[str, object]:
    day = 1 + (number * 7 + customer) % 30
    at = dt.datetime(2026, 11, day, 12, number, tzinfo=dt.UTC)
    minutes = 15 + (number * 37 + customer) % 120
    return {
        "id": customer * ENTRIES + number,
        "kind": "use",
        "customer_id": customer,
        "ticket_id": customer,
        "person_id": 1 + number % 3,
        "inbox_id": None,
        "ordinal": number,
        "booking": 0,
        "reverses_id": None,
        "worked_on": at.date(),
        "received_at": at,
        "visible_at": at,
        "actual": minutes,
        "billable": minutes,
        "increment": 1,
        "counts": True,
        "outside": False,
        "cause": "bench",
    }


def yardstick() -> float:
    """Processor seconds for a fixed piece of work: 0.3 on the quiet machine of the aim."""
    began = time.process_time()
    for number in range(150_000):
        hashlib.sha256(json.dumps({"number": number}).encode()).hexdigest()
    return time.process_time() - began


def close(count: int) -> dict[str, float]:
    """Close one month of so many customers; in this process."""
    from daemon.desk.month import closing
    from daemon.store.schema import tables as s

    with tempfile.TemporaryDirectory() as name:
        desk = a_desk(Path(name))
        fill(desk, count)
        filled = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        now = dt.datetime(2026, 12, 1, 5, tzinfo=dt.UTC)
        before = yardstick()
        began, worked = time.perf_counter(), time.process_time()
        closing.close_due_month(desk, now, needs_number=False)
        spent, processor = time.perf_counter() - began, time.process_time() - worked
        after = yardstick()
        with desk.store.reading() as tx:
            frozen = len(tx.execute(s.statements.select()).all())
        desk.store.close()
        assert frozen == count, frozen
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": spent,
        "processor": processor,
        "memory": memory,
        "filled": filled,
        "yardstick": (before + after) / 2,
    }


def main() -> int:
    if len(sys.argv) > 1:
        print(json.dumps(close(int(sys.argv[1]))))
        return 0
    found = {}
    root = str(Path(__file__).resolve().parents[1])
    for count in CUSTOMERS:
        ended = subprocess.run(
            [sys.executable, __file__, str(count)],
            check=True,
            capture_output=True,
            text=True,
            cwd=root,
            env=os.environ | {"PYTHONPATH": root},
        )
        found[count] = json.loads(ended.stdout.splitlines()[-1])
        each = found[count]
        print(
            f"closing {count:6} customers x {ENTRIES} entries: {each['seconds']:6.2f} s "
            f"({each['processor']:.2f} s of processor), {each['memory']:.0f} MB "
            f"(aim for 10,000: 20 s, 400 MB); yardstick {each['yardstick']:.2f} s"
        )
    small, large = (found[count] for count in CUSTOMERS)
    growth = large["processor"] / small["processor"]
    fair = growth / (large["yardstick"] / small["yardstick"])
    print(f"growth from 1,000 to 10,000: {growth:.1f} times, {fair:.1f} by the yardstick")
    return 0


if __name__ == "__main__":
    sys.exit(main())
