"""A Fortnox on loopback: its behaviour by facts.md 9, with faults on demand.

Used by tests and by `avtald demo`. By hand: `python -m integrations.fortnox.double.server --port
8700`.
"""

import argparse
import collections
import contextlib
import datetime as dt
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from integrations.fortnox.double.answers import Answer, RefusedError, refused, unauthorized
from integrations.fortnox.double.books import Books
from integrations.fortnox.double.faults import BEFORE, FaultPlan, PlannedFault, Trouble
from integrations.fortnox.double.invoicing import Invoice
from integrations.fortnox.double.registers import Registers, seeded
from integrations.fortnox.double.routes import Request, Routes
from integrations.fortnox.double.token_address import Tokens
from integrations.fortnox.settings import FortnoxSettings

LIMIT, WINDOW = 25, 5.0  # requests in any so many seconds (facts.md 3.1)
_TOKEN_PATH, _AUTH_PATH = "/oauth-v1/token", "/oauth-v1/auth"
_DROPPED = Answer(0, dropped=True)


class FortnoxDouble:
    """The server and its state.

    `requests` logs the requests, `violations` the calls forbidden to a drafting daemon; `faults` is
    the plan of faults. Tests do a person's work in Fortnox through `books`: book, send, pay,
    cancel, credit, update. `clock` gives the instant; `ticks` gives the seconds for the limit of
    requests.
    """

    def __init__(
        self,
        *,
        registers: Registers | None = None,
        file: Path | None = None,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        ticks: Callable[[], float] = time.monotonic,
        limit: int | None = LIMIT,
        first_number: int = 1,
    ) -> None:
        """Listen nowhere yet; `limit` None switches the limit of requests off."""
        self.registers = registers or seeded()
        self.books = Books(self.registers, clock, file, first_number=first_number)
        self.books.load()
        self.tokens = Tokens(clock)
        self.faults = FaultPlan()
        self.requests: list[Request] = []
        self.times: list[float] = []
        self.statuses: list[int] = []  # 0: the connection was dropped
        self.violations: list[str] = []
        self.limit = limit
        self._ticks = ticks
        self._window: collections.deque[float] = collections.deque()
        self._lock = threading.Lock()
        self._routes = Routes(self.books, self.tokens, "Exempel Support AB", self.violations)
        self._server: _Server | None = None

    def start(self, port: int = 0) -> Self:
        """Listen on loopback, on any free port unless one is named."""
        handler = type("DoubleHandler", (_Handler,), {"double": self})
        self._server = _Server(("127.0.0.1", port), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening and end the connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The server's address."""
        if self._server is None:
            raise RuntimeError("the double has not been started")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def invoices(self) -> list[Invoice]:
        """All invoices, in the order of their numbers, with cancelled ones and credit notes."""
        return [self.books.invoices[number] for number in sorted(self.books.invoices, key=int)]

    def settings(self, **more: Any) -> FortnoxSettings:
        """The settings of a client with access; `more` changes any."""
        given = {
            "client_id": self.tokens.client_id,
            "client_secret": self.tokens.client_secret,
            "tenant_id": self.tokens.tenant_id,
            "api_url": self.url,
            "auth_url": self.url + _AUTH_PATH,
            "token_url": self.url + _TOKEN_PATH,
            "timeout": 10.0,
        }
        return FortnoxSettings(**{**given, **more})

    def add_customer(self, customer_number: str, name: str, **more: Any) -> None:
        """Another customer in the register."""
        self.registers.add_customer(customer_number, name, **more)

    def add_invoice(self, customer_number: str, **fields: Any) -> Invoice:
        """An invoice made by somebody else."""
        return self.books.create({"CustomerNumber": customer_number, **fields})

    def answer(self, request: Request) -> Answer:
        """The answer to the request: that of a planned fault, or the ordinary one."""
        self._note(request)
        fault = self.faults.strike(request.method, request.path)
        if fault is not None and fault.trouble in BEFORE:
            return _struck(fault)
        if fault is not None and fault.trouble is Trouble.SLOW:
            time.sleep(fault.seconds)
        answer = self._carried_out(request)
        return answer if fault is None else _spoilt(fault, answer)

    def _carried_out(self, request: Request) -> Answer:
        try:
            if request.path == _TOKEN_PATH:
                form = dict(parse_qsl(request.body.decode()))
                return self.tokens.answer(request.headers, form)
            if request.path == _AUTH_PATH:
                return self.tokens.consent(request.query)
            if self._is_too_many():
                return Answer(429, b"Too Many Requests", "text/plain")
            if not self.tokens.is_valid(request.headers.get("Authorization", "")):
                return unauthorized()
            return self._routes.answer(request)
        except RefusedError as refusal:
            return refusal.answer

    def _note(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            self.times.append(self._ticks())

    def _is_too_many(self) -> bool:
        """Count the request in the company's sliding window, even if it is turned away."""
        with self._lock:
            now = self._ticks()
            while self._window and self._window[0] <= now - WINDOW:
                self._window.popleft()
            self._window.append(now)
            return self.limit is not None and len(self._window) > self.limit


def _struck(fault: PlannedFault) -> Answer:
    """The answer of a fault that strikes before anything is done."""
    if fault.trouble is Trouble.TOO_MANY:
        return Answer(429, b"Too Many Requests", "text/plain")
    if fault.trouble is Trouble.ERROR_BEFORE:
        return refused(1000003, "Systemfel.", 500).answer
    if fault.trouble is Trouble.GATEWAY:
        return Answer(502, b"<html><h1>Bad Gateway</h1></html>", "text/html")
    if fault.trouble is Trouble.INVALID_TOKEN:
        return unauthorized()
    if fault.trouble is Trouble.MISSING_SCOPE:
        return refused(2000663, "Har inte behörighet för scope.").answer
    if fault.trouble is Trouble.MISSING_LICENCE:
        return refused(2001101, "Det finns ingen aktiv licens för önskat scope.").answer
    if fault.trouble is Trouble.REFUSED:
        return refused(fault.code, "Begäran nekades.").answer
    return _DROPPED


def _spoilt(fault: PlannedFault, answer: Answer) -> Answer:
    """The answer after a fault, for a request that was carried out."""
    if fault.trouble is Trouble.ERROR_AFTER:
        return refused(1000003, "Systemfel.", 500).answer
    if fault.trouble is Trouble.SYSTEM_EXCEPTION:
        return refused(1000003, "Systemfel.", 400).answer
    if fault.trouble is Trouble.DROP_AFTER:
        return _DROPPED
    if fault.trouble is Trouble.GARBLED_AFTER:
        return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.content_type)
    if fault.trouble is Trouble.SLOW_AFTER:
        time.sleep(fault.seconds)
    if fault.trouble is Trouble.RENAMED_FIELD:
        old, new = (f'"{name}"'.encode() for name in fault.renamed)
        return Answer(answer.status, answer.body.replace(old, new), answer.content_type)
    return answer


class _Server(ThreadingHTTPServer):
    """Knows its connections: a stop ends them, as a crash would."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.connections: set[Any] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection and serve it in a thread of its own."""
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self.connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Hang up on everybody."""
        super().server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no event."""


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for the double; the rules are elsewhere."""

    double: ClassVar[FortnoxDouble]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        address = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            unquote(address.path),
            dict(parse_qsl(address.query, keep_blank_values=True)),
            self.headers,  # type: ignore[arg-type] # a Message finds names in any case
            self.rfile.read(length),
        )
        answer = self.double.answer(request)
        self.double.statuses.append(answer.status)
        self._write(answer)

    def _write(self, answer: Answer) -> None:
        if answer.dropped:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        with contextlib.suppress(ConnectionError):
            self.send_response(answer.status)
            headers: Mapping[str, str] = {
                "Content-Type": answer.content_type,
                "Content-Length": str(len(answer.body)),
                "X-Uid": f"double-{len(self.double.requests)}",
                **answer.headers,
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Write no log: `requests` has everything."""


def main() -> None:
    """Run until interrupted, and print a client's settings."""
    parser = argparse.ArgumentParser(description="A Fortnox on loopback, for trying avtald.")
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--file", type=Path, help="keeps the invoices between runs")
    options = parser.parse_args()
    double = FortnoxDouble(file=options.file).start(options.port)
    told = double.settings()
    print(  # noqa: T201 - this is a command
        f'[accounting.fortnox]\napi_url = "{told.api_url}"\nauth_url = "{told.auth_url}"\n'
        f'token_url = "{told.token_url}"\nclient_id = "{told.client_id}"\n'
        f"tenant_id = {told.tenant_id}\n# the secret is: {told.client_secret}",
        flush=True,
    )
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    double.stop()


if __name__ == "__main__":
    main()
