"""The desk's health over HTTP on this machine: `/health` for an answer, `/metrics` for figures."""

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from typing import Any

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from daemon.desk.context import Desk
from daemon.desk.outgoing import breaker, reach
from daemon.desk.upkeep import canary
from daemon.loop import Failing, Worker
from daemon.settings.watch import Watch
from daemon.store import migrations
from daemon.store.mail import depths
from daemon.store.mail.depths import Depth, Depths
from daemon.store.session import StoreError

log = structlog.get_logger("avtald.watch")

Clock = Callable[[], dt.datetime]
_FAILING_SECONDS = 45.0  # a database that is started anew is no fault; all is told in a minute
_CLOCKS_APART = 30.0  # seconds; with two minutes the processes take each other's work
_PATIENCE = 8.0  # seconds with the database; whoever asks us has hardly more than ten

_Found = tuple[Depths, bool, canary.Flight | None, reach.Away | None]


class Watcher:
    """Looks at the database for each question: the figures hold for every process."""

    def __init__(
        self,
        desk: Desk,
        table: Watch,
        clock: Clock,
        *,
        workers: Sequence[Worker] = (),
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        """Look at nothing yet; `workers` are this process's, `has_room` is its doors' question."""
        self._desk = desk
        self._workers = workers
        self._has_room = has_room
        self._table = table
        self._clock = clock
        self._looking: Future[_Found] | None = None
        self._line = threading.Lock()

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Tell if all is well, and name the faults; a database out of reach is one of them."""
        now = self._clock()
        faults = list(self._own_faults(now))
        try:
            seen, is_open, flight, away = self._look(now)
        except StoreError as fault:
            return False, {"ok": False, "faults": [*faults, str(fault)]}
        faults += self._faults(seen, now)
        if flight is not None and flight.missing is not None:
            faults.append(f"the canary of {flight.missing.isoformat()} has not come back")
        if away is not None and _age(away.since, now) > _of(self._table.sent_within):
            since = away.since.isoformat()
            faults.append(f"the outgoing server is out of reach since {since}: {away.reply}")
        told = {
            "ok": not faults,
            "faults": faults,
            "inbox": seen.inbox.count,
            "outbox": seen.waiting,
            "shelved": seen.shelved,
            "breaker_open": is_open,
        }
        return not faults, told

    def _look(self, now: dt.datetime) -> _Found:
        """One look at a time, in a thread of its own: a frozen server stops that thread alone."""
        with self._line:
            if self._looking is None or self._looking.done():
                self._looking = Future()
                threading.Thread(
                    target=self._find, args=(self._looking, now), name="look", daemon=True
                ).start()
            looking = self._looking
        try:
            return looking.result(_PATIENCE)
        except TimeoutError as late:
            raise StoreError(f"the database has not answered in {_PATIENCE:g} s") from late

    def _find(self, looking: "Future[_Found]", now: dt.datetime) -> None:
        try:
            with self._desk.store.reading() as tx:
                migrations.refuse_newer(tx)
                seen = depths.look(tx, now), breaker.is_open(tx), canary.last(tx), reach.away(tx)
        except Exception as fault:  # noqa: BLE001  raised by whoever asked
            looking.set_exception(fault)
        else:
            looking.set_result(seen)

    def _own_faults(self, now: dt.datetime) -> Iterator[str]:
        """The faults of this process, which needs no database to see them."""
        if not self._has_room():
            where, reserve = self._desk.settings.desk.state_dir, self._desk.settings.intake
            yield (
                f"no mail is taken, for less than {reserve.disk_reserve >> 20} MB"
                f" (intake.disk_reserve) are free at {where}: make room"
            )
        for failing in self._failing():
            since = now - dt.timedelta(seconds=int(time.monotonic() - failing.since))
            yield (
                f"the step {failing.step} has failed since {since.isoformat()}"
                f" ({type(failing.fault).__name__}): see the log"
            )

    def _failing(self) -> list[Failing]:
        """The steps with faults for some time now."""
        before = time.monotonic() - _FAILING_SECONDS
        failing_steps = [
            failing for each in self._workers for failing in tuple(each.failing.values())
        ]
        return [failing for failing in failing_steps if failing.since <= before]

    def _faults(self, seen: Depths, now: dt.datetime) -> Iterator[str]:
        for mailbox in seen.mailboxes:
            if mailbox.name not in self._polled:
                continue
            if mailbox.polled_at is None and mailbox.error:
                yield f"mailbox {mailbox.name}: no good poll ever ({mailbox.error})"
            elif _apart(mailbox.polled_at, now) > _of(self._table.polled_within):
                yield f"mailbox {mailbox.name}: no good poll in {self._table.polled_within}" + (
                    f" ({mailbox.error})" if mailbox.error else ""
                )
        if _age(seen.inbox.oldest, now) > _of(self._table.processed_within):
            yield f"{seen.inbox.count} mails wait to be acted on"
        if _age(seen.outbox.oldest, now) > _of(self._table.sent_within):
            yield f"{seen.outbox.count} mails wait to go out"
        if abs(seen.clock_off) > _CLOCKS_APART:
            which = "ahead of" if seen.clock_off > 0 else "behind"
            yield (
                f"this machine's clock is {abs(seen.clock_off):.0f} s {which} the database's,"
                " and leases follow it: set it (timedatectl set-ntp true)"
            )

    @cached_property
    def _polled(self) -> frozenset[str]:
        return frozenset(each.name for each in self._desk.settings.intake.imap)

    def collect(self) -> Iterator[Metric]:
        """The figures, as prometheus-client asks for them."""
        now = self._clock()
        yield _gauge("disk_full", "Whether mail is refused for want of room.", not self._has_room())
        yield _gauge(
            "steps_failing", "Steps that keep failing in this process.", len(self._failing())
        )
        try:
            seen, is_open, flight, away = self._look(now)
        except StoreError:
            yield _gauge("up", "Whether the database answers.", 0)
            return
        yield _gauge("up", "Whether the database answers.", 1)
        yield from _depth("inbox", "Mail that waits to be acted on.", seen.inbox, now)
        yield from _depth("outbox_due", "Mail that is due to go out.", seen.outbox, now)
        yield _gauge("outbox", "Mail that has not gone out.", seen.waiting)
        yield _gauge("outbox_unclear", "Mail of which nobody knows.", seen.unclear)
        yield _gauge("shelved", "Mail that could not be processed.", seen.shelved)
        yield _gauge("held", "Mail and time held until somebody confirms.", seen.held)
        yield _gauge("alarms", "Faults that were told and stand.", seen.alarms)
        yield _gauge("breaker_open", "Whether automatic answers wait.", is_open)
        says = "How far this machine's clock is ahead of the database's."
        yield _gauge("clock_off_seconds", says, seen.clock_off)
        lost = None if away is None else away.since
        yield _gauge("outgoing_away_seconds", "Since the server was lost.", _age(lost, now))
        if flight is not None:
            out = flight.missing is not None
            yield _gauge("canary_missing", "Whether the last canary is missing.", out)
        polled = GaugeMetricFamily(
            "avtald_mailbox_poll_age_seconds", "Since the last good poll.", labels=["mailbox"]
        )
        for mailbox in seen.mailboxes:
            if mailbox.polled_at is not None:
                polled.add_metric([mailbox.name], _apart(mailbox.polled_at, now))
        yield polled
        states = GaugeMetricFamily("avtald_invoices", "Invoices by state.", labels=["state"])
        for state, count in seen.invoices.items():
            states.add_metric([state], count)
        yield states


def _of(length: dt.timedelta) -> float:
    return length.total_seconds()


def _age(at: dt.datetime | None, now: dt.datetime) -> float:
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())


def _apart(at: dt.datetime | None, now: dt.datetime) -> float:
    """Also of an instant ahead: the clock was set back, and since then there was none."""
    return 0.0 if at is None else abs((now - at).total_seconds())


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"avtald_{name}", says, value=float(value))


def _depth(name: str, says: str, depth: Depth, now: dt.datetime) -> Iterator[Metric]:
    yield _gauge(name, says, depth.count)
    yield _gauge(f"{name}_age_seconds", f"{says} Age of the oldest.", _age(depth.oldest, now))


class Window:
    """The HTTP server, in a thread of its own."""

    def __init__(self, watcher: Watcher, host: str, port: int) -> None:
        """Bind; raises OSError for a taken place."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(watcher)

        class Handler(_Handler):
            """Answers for this watcher."""

            tells = watcher
            figures = registry

        family = AF_INET6 if ":" in host else ThreadingHTTPServer.address_family
        kind = type("_Server", (ThreadingHTTPServer,), {"address_family": family})
        self._server: ThreadingHTTPServer = kind((host, port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True
        )

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    tells: Watcher
    figures: CollectorRegistry
    timeout = 10.0  # of a client that says nothing
    server_version = "avtald"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer at two places, and nowhere else."""
        if self.path == "/health":
            well, told = self.tells.health()
            body = json.dumps(told, ensure_ascii=False).encode() + b"\n"
            self._send(200 if well else 503, "application/json; charset=utf-8", body)
        elif self.path == "/metrics":
            self._send(200, CONTENT_TYPE_LATEST, generate_latest(self.figures))
        else:
            self._send(404, "text/plain; charset=utf-8", b"/health or /metrics\n")

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of every scrape."""
