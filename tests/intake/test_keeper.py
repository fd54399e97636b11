"""The keeper's thread: a database that says nothing keeps no process from its end."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20
FROZEN = """
import asyncio, threading
from daemon.intake.keeper import Keeper

async def deliver():
    reached = threading.Event()
    def keep(_arrivals):
        reached.set()
        threading.Event().wait()
    delivery = asyncio.create_task(Keeper(keep).keep(None))
    await asyncio.to_thread(reached.wait)
    delivery.cancel()

asyncio.run(deliver())
print("stopped")
"""


def test_R29_a_commit_that_never_returns_keeps_no_process_from_its_end():
    ended = subprocess.run(
        [sys.executable, "-c", FROZEN], cwd=ROOT, timeout=PATIENCE, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert ended.stdout == "stopped\n"
