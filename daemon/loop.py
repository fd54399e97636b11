"""Steps, waiting, stopping: every loop is `while step(): pass`, then a wait."""

import datetime as dt
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

log = structlog.get_logger("avtald.loop")

Clock = Callable[[], dt.datetime]
_PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0)  # seconds after one fault after another


class OutOfReachError(Exception):
    """A server needed by a step cannot be reached now (exit code 75)."""


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of work; `run` is True if it found something to do."""

    name: str
    run: Callable[[dt.datetime], bool]


def until_nothing(steps: Sequence[Step], now: dt.datetime) -> dict[str, int]:
    """Run the steps due at an instant, in order, until a whole round finds nothing (`avtald tick`).

    Gives how often each step found something. A step that fails stops none of the others; the first
    fault is raised when they are done.
    """
    counts = dict.fromkeys((step.name for step in steps), 0)
    faults: list[Exception] = []
    well, again = list(steps), True
    while again:
        again = False
        for step in tuple(well):
            before = counts[step.name]
            fault = _all_of(step, now, counts)
            if fault is not None:
                faults.append(fault)
                well.remove(step)
            again |= counts[step.name] > before
    if faults:
        raise faults[0]
    return counts


def _all_of(step: Step, now: dt.datetime, counts: dict[str, int]) -> Exception | None:
    try:
        while step.run(now):
            counts[step.name] += 1
    except Exception as fault:  # raised by the caller once the others are done
        log.warning("fault", step=step.name, exc_info=fault)
        return fault
    return None


@dataclass(frozen=True, slots=True)
class Failing:
    """A step that has failed for a while, and its last fault."""

    step: str
    since: float  # of the monotonic clock
    fault: Exception


@dataclass(slots=True)
class Worker:
    """A thread that runs some steps, then waits for a wake-up or for its time."""

    name: str
    steps: Sequence[Step]
    every: float  # seconds
    clock: Clock
    beat: Callable[[], None] = lambda: None  # called after each successful piece of work
    others: list["Worker"] = field(default_factory=list)  # woken when something was found
    wait: Callable[[threading.Event], None] | None = None  # instead of `every`: a server's hint
    end: Callable[[], None] = lambda: None  # closes its resources in its own thread, when it stops
    failing: dict[str, Failing] = field(default_factory=dict)  # by step
    _wake: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    def stop(self) -> None:
        """End after the piece of work in hand."""
        self._stop.set()
        self._wake.set()

    def run(self) -> None:
        """Work until told to stop; a fault is logged, and the loop goes on a little later."""
        try:
            self._run()
        finally:
            self.end()

    def _run(self) -> None:
        faulty = 0  # rounds in a row
        while not self._stop.is_set():
            self._wake.clear()
            well = [self._goes_well(step.name, partial(self._all_of, step)) for step in self.steps]
            if all(well) and self._goes_well("wait", self._rest):
                faulty = 0
                continue
            self._stop.wait(_PAUSES[min(faulty, len(_PAUSES) - 1)])
            faulty += 1

    def _goes_well(self, name: str, work: Callable[[], None]) -> bool:
        """True if `work` raised nothing: no fault ends a loop, or takes another step's turn."""
        try:
            work()
        except Exception as error:  # logged, and tried again after a pause
            log.warning("fault", loop=self.name, step=name, exc_info=error)
            first = self.failing.get(name)
            since = time.monotonic() if first is None else first.since
            self.failing[name] = Failing(name, since, error)
            return False
        self.failing.pop(name, None)
        return True

    def _all_of(self, step: Step) -> None:
        while not self._stop.is_set() and step.run(self.clock()):
            self.beat()  # a long queue is no sign of death
            for other in self.others:
                other.wake()

    def _rest(self) -> None:
        self.beat()
        if self.wait is None:
            self._wake.wait(self.every)
        else:
            self.wait(self._stop)


def asked_to_stop() -> threading.Event:
    """An event, set from now on by SIGTERM, SIGINT and SIGHUP in place of the process's end.

    It is asked for before a door opens: a client that finds a door open can count on a clean stop.
    A closing terminal sends SIGHUP; under nohup the signal is ignored, and stays ignored.
    """
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: asked.set())
    return asked


@dataclass(slots=True)
class Supervisor:
    """Runs workers side by side until it is asked to stop, and stops them cleanly."""

    workers: Sequence[Worker]
    stopping: threading.Event
    doors: Sequence[
        Callable[[], None]
    ] = ()  # their closing functions: called at once, before the work ends
    patience: float = 25.0  # seconds for the work in hand, and for mail being received

    def run(self) -> None:
        """Work until asked to stop; returns when everything has stopped."""
        threads = [
            threading.Thread(target=worker.run, name=worker.name, daemon=True)
            for worker in self.workers
        ]
        notify("READY=1")  # the doors are open; nothing is fed to the watchdog before it
        for thread in threads:
            thread.start()
        log.info("ready", workers=len(threads))
        self.stopping.wait()
        notify("STOPPING=1")
        self._end(threads)
        log.info("stopped")

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        """End doors and workers side by side: the slowest alone sets the time."""
        for worker in self.workers:
            worker.stop()
        closing = [threading.Thread(target=close, daemon=True) for close in self.doors]
        for thread in closing:
            thread.start()
        until = time.monotonic() + self.patience
        for thread in (*closing, *threads):
            thread.join(max(0.0, until - time.monotonic()))


class Watchdog:
    """Tells systemd of progress, a few times within `$WATCHDOG_USEC`."""

    def __init__(self) -> None:
        """Read the interval from the environment; without one nothing is told."""
        self._every = int(os.environ.get("WATCHDOG_USEC") or 0) / 1_000_000 / 4
        self._told = float("-inf")

    def beat(self) -> None:
        """Call after work with the database has gone well; systemd is told no more often than
        needed.
        """
        now = time.monotonic()
        if self._every and now - self._told >= self._every:
            self._told = now
            notify("WATCHDOG=1")


def notify(state: str) -> None:
    """Tell systemd (sd_notify): a datagram to `$NOTIFY_SOCKET`, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.sendto(state.encode(), address)
        except OSError as error:
            log.warning("systemd could not be told", state=state, error=str(error))
