"""The keeper's thread: what shares a commit, and that none keeps the process from its end."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

from daemon.intake import keeper
from daemon.intake.accept import Arrival
from daemon.intake.keeper import Keeper
from tests.builders import instant

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20
FROZEN = """
import asyncio, datetime, threading
from daemon.intake.accept import Arrival
from daemon.intake.keeper import Keeper

ARRIVAL = Arrival(b"x", datetime.datetime.now(datetime.UTC), "smtp", delivery="one")

async def deliver():
    reached = threading.Event()
    def keep(_arrivals):
        reached.set()
        threading.Event().wait()
    delivery = asyncio.create_task(Keeper(keep).keep(ARRIVAL))
    await asyncio.to_thread(reached.wait)
    delivery.cancel()

asyncio.run(deliver())
print("stopped")
"""


def test_R29_a_commit_that_never_returns_keeps_no_process_from_its_end():
    ended = subprocess.run(
        [sys.executable, "-c", FROZEN],
        cwd=ROOT,
        timeout=PATIENCE,
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout == "stopped\n"


def test_large_mails_share_no_commit_so_that_few_are_in_memory_twice(monkeypatch):
    monkeypatch.setattr(keeper, "TOGETHER_BYTES", 100)
    groups = []
    line = threading.Lock()
    sizes = [60, 30, 10, 1, 500, 40, 61]

    def keep(arrivals):
        groups.append([len(each.raw) for each in arrivals])

    def arrival(size):
        return Arrival(b"x" * size, instant("2026-11-23 10:00"), "smtp", delivery=str(size))

    async def deliver():
        made = Keeper(keep, lambda: line)
        with line:
            deliveries = [asyncio.create_task(made.keep(arrival(size))) for size in sizes]
            await asyncio.sleep(0)  # all of them are in line
        await asyncio.gather(*deliveries)
        made.close()

    asyncio.run(deliver())
    assert groups == [[60, 30, 10], [1], [500], [40], [61]]


def test_a_fault_of_the_keepers_own_ends_no_door():
    """Its thread keeps all mail of the door: without it, nobody would ever be answered again."""
    turns = iter([threading.Lock(), None, threading.Lock()])

    async def deliver():
        made = Keeper(lambda _arrivals: None, lambda: next(turns))
        for name in ("before", "faulty", "after"):
            mine = Arrival(b"x", instant("2026-11-23 10:00"), "smtp", delivery=name)
            delivery = asyncio.create_task(made.keep(mine))
            done, _ = await asyncio.wait([delivery], timeout=0.5 if name == "faulty" else PATIENCE)
            assert bool(done) == (name != "faulty")
        made.close()

    asyncio.run(deliver())
