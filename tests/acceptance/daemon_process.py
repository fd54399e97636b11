"""The real `avtald run` as a child, with a fake systemd that hears what it says."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
AVTALD = [sys.executable, "-m", "daemon"]
PATIENCE = 60


@dataclass
class Systemd:
    """Listens at $NOTIFY_SOCKET; `heard` has what was said, and when."""

    path: str
    heard: list[tuple[float, str]] = field(default_factory=list)

    def said(self, what: str) -> list[float]:
        return [at for at, text in self.heard if text == what]

    def wait_for(self, what: str, count: int = 1) -> None:
        until = time.monotonic() + PATIENCE
        while len(self.said(what)) < count:
            assert time.monotonic() < until, f"{what} was not said: {self.heard}"
            time.sleep(0.02)


@contextmanager
def systemd(folder: Path, *, abstract: bool = False) -> Iterator[Systemd]:
    """A fake systemd; its socket is a file, or a name in the abstract space."""
    name = f"@avtald-test-{os.getpid()}-{time.monotonic_ns()}" if abstract else f"{folder}/notify"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind("\0" + name[1:] if abstract else name)
    listening.settimeout(0.1)
    heard = Systemd(name)
    stop = threading.Event()

    def listen():
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                heard.heard.append((time.monotonic(), listening.recv(4096).decode()))

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield heard
    finally:
        stop.set()
        thread.join()
        listening.close()


@dataclass
class Running:
    """The daemon, its doors, and how it is stopped."""

    process: subprocess.Popen
    port: int
    systemd: Systemd
    log: Path

    def terminate(self) -> float:
        """SIGTERM; gives how many seconds it took to end, which must be in good order."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log.read_text()
        return time.monotonic() - started


@dataclass
class Place:
    """A folder with a desk in it."""

    folder: Path
    port: int

    def avtald(self, *words: str, check: bool = True) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [*AVTALD, *words],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    @contextmanager
    def running(self, **more: str) -> Iterator[Running]:
        """Start the daemon, and go on when it says that it is ready."""
        log = self.folder / "log"
        with systemd(self.folder) as heard, log.open("ab") as output:
            process = subprocess.Popen(
                [*AVTALD, "run"],
                cwd=self.folder,
                stderr=output,
                env=environment() | {"NOTIFY_SOCKET": heard.path} | more,
            )
            try:
                heard.wait_for("READY=1")
                yield Running(process, self.port, heard, log)
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AVTALD")}
    return kept | {"PYTHONPATH": str(ROOT)}


SETTINGS = """
[desk]
name = "Exempel Support"
address = "support@example.se"
operators = ["drift@example.se"]
gather_from = 1000
[intake]
disk_reserve = "1MB"
[intake.smtp]
listen = "127.0.0.1:{port}"
[identity]
require = "none"
[accounting]
finance = ["ekonomi@example.se"]
first_month = "2026-10"
"""


def a_place(folder: Path, register: str, more: str = "") -> Place:
    """A desk with an SMTP door and a register."""
    port = free_port()
    (folder / "avtald.toml").write_text(SETTINGS.format(port=port) + more, encoding="utf-8")
    (folder / "register.toml").write_text(register, encoding="utf-8")
    place = Place(folder, port)
    place.avtald("import", "register.toml")
    return place


@pytest.fixture
def place(tmp_path) -> Place:
    from tests.builders import REGISTER

    return a_place(tmp_path, REGISTER)
