"""An SMTP sink that answers as told: refusals by command, and connections cut at a chosen point."""

import base64
import contextlib
import socketserver
import threading
from collections import deque
from dataclasses import dataclass

DROP = "DROP"  # close the connection instead of answering


@dataclass(frozen=True)
class Late:
    """A reply that takes its time."""

    seconds: float
    reply: str


class Sink:
    """What the sink took, and what it is to say next.

    `say(verb, reply, …)` queues replies for a verb: MAIL, RCPT, DATA, DOT (after the final dot),
    RSET, EHLO, AUTH, CONNECT. Without any, everything is accepted. In `slow` stand the seconds that
    the word on a mail takes, by recipient.
    """

    def __init__(self):
        self.mails = []  # (envelope_from with options, recipient, data as received, unstuffed)
        self.commands = []
        self.connections = 0
        self.features = ["SIZE 30000000", "8BITMIME", "SMTPUTF8"]
        self.tls = None  # an SSLContext: offer STARTTLS
        self.slow = {}
        self.refused = {}  # replies to RCPT, by recipient
        self.stopping = threading.Event()
        self._replies = {}
        self.port = 0

    def say(self, verb, *replies):
        self._replies.setdefault(verb, deque()).extend(replies)

    def next(self, verb, otherwise):
        waiting = self._replies.get(verb)
        return waiting.popleft() if waiting else otherwise


class _DroppedError(Exception):
    pass


class _Session(socketserver.StreamRequestHandler):
    def setup(self):
        if self.server.implicit is not None:
            self.request = self.server.implicit.wrap_socket(self.request, server_side=True)
        super().setup()
        self.sink = self.server.sink
        self.sink.connections += 1
        self.sender = self.recipient = ""

    def finish(self):
        with contextlib.suppress(ConnectionError):
            super().finish()
        self.request.close()

    def handle(self):
        try:
            self.answer("CONNECT", "220 sink")
            while line := self.rfile.readline():
                self.sink.commands.append(line.decode().rstrip())
                verb, _, argument = line.decode().rstrip().partition(" ")
                if verb.upper() == "QUIT":
                    self.answer("QUIT", "221 bye")
                    return
                getattr(self, f"do_{verb.lower()}", self.do_other)(argument)
        except (_DroppedError, ConnectionError):
            pass

    def answer(self, verb, otherwise):
        reply = self.sink.next(verb, otherwise)
        if isinstance(reply, Late):
            self.sink.stopping.wait(reply.seconds)
            reply = reply.reply
        if reply == DROP:
            raise _DroppedError
        self.wfile.write(reply.encode() + b"\r\n")
        return reply

    def do_other(self, argument):
        self.answer("OTHER", "250 ok")

    def do_ehlo(self, argument):
        features = [*self.sink.features, *(["STARTTLS"] if self.sink.tls else [])]
        lines = ["sink", *features]
        self.answer(
            "EHLO", "\r\n".join(f"250-{line}" for line in lines[:-1]) + f"\r\n250 {lines[-1]}"
        )

    def do_starttls(self, argument):
        self.answer("STARTTLS", "220 go")
        self.request = self.sink.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)

    def do_auth(self, argument):
        mechanism, _, initial = argument.partition(" ")
        self.sink.commands[-1] = f"AUTH {mechanism} {base64.b64decode(initial).decode()!r}"
        if self.answer("AUTH", "235 welcome").startswith("334"):
            self.rfile.readline()
            self.answer("AUTH", "535 no")

    def do_mail(self, argument):
        self.sender = argument
        self.answer("MAIL", "250 ok")

    def do_rcpt(self, argument):
        self.recipient = argument
        address = argument.partition("<")[2].partition(">")[0]
        self.answer("RCPT", self.sink.refused.get(address, "250 ok"))

    def do_rset(self, argument):
        self.answer("RSET", "250 ok")

    def do_data(self, argument):
        if not self.answer("DATA", "354 go on").startswith("354"):
            return
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return
            lines.append(line.removeprefix(b"."))
        self.sink.mails.append((self.sender, self.recipient, b"".join(lines)))
        address = self.recipient.partition("<")[2].partition(">")[0]
        self.sink.stopping.wait(self.sink.slow.get(address, 0))
        self.answer("DOT", "250 2.0.0 taken")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing of a client that hangs up in the middle of TLS: the test sees what it did."""


@contextlib.contextmanager
def sink(implicit=None):
    """Run a sink on loopback; `implicit` is the SSLContext of a port that speaks TLS at once."""
    told = Sink()
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.sink, server.implicit = told, implicit
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield told
        finally:
            told.stopping.set()
            server.shutdown()
            thread.join()
