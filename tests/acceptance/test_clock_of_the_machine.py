"""The machine's clock jumps: every warning is told once, and none early (E7, libfaketime)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.test_run import place, sink  # noqa: F401  fixtures
from tests.builders import a_mail, text_of

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


def at(folder, moment, *words, stdin=None):
    """Run a command in a process whose whole idea of the time is that moment (in UTC)."""
    if not LIBRARIES:
        pytest.fail("libfaketime is missing: apt-get install libfaketime")
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME": f"@{moment}",
        "DONT_FAKE_MONOTONIC": "1",
        "TZ": "UTC",
    }
    done = subprocess.run(
        [sys.executable, "-m", "daemon", *words],
        cwd=folder,
        env=env,
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_jumps_of_the_clock_tell_each_warning_once_and_none_early_E7(place, sink):  # noqa: F811
    def warned(moment):
        before = len(sink.to("erik@example.se"))
        at(place, moment, "tick")
        said = "\n".join(text_of(raw) for raw in sink.to("erik@example.se")[before:])
        marks = {"50": "50 %", "80": "80 %", "breach": "Tiden är ute."}
        return [name for name, mark in marks.items() if mark in said]

    at(place, "2026-11-20 08:00:00", "receive", stdin=a_mail("cia@beta.se", "Rapport"))
    at(place, "2026-11-20 08:00:05", "tick")  # 09:00 in Stockholm: 50 % at 13:00
    assert warned("2026-11-20 11:59:00") == []
    assert warned("2026-11-20 12:01:00") == ["50"]
    assert warned("2026-11-20 10:01:00") == []  # two hours back
    assert warned("2026-11-20 12:02:00") == []  # and forth again
    assert warned("2026-11-21 12:02:00") == ["breach"]  # a day on: closed, but a breach is told
    assert warned("2026-11-24 12:02:00") == []  # off for three days
