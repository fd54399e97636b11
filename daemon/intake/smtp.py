"""The SMTP and LMTP doors: a thin async shell that answers 250 once a mail is durable (B1)."""

import asyncio
import contextlib
import datetime as dt
import errno
import logging
import re
import socket
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from daemon.intake.accept import Arrival, accept
from daemon.intake.keeper import Keeper
from daemon.intake.listening import bind
from daemon.settings import mail
from daemon.store.fault import fault_point
from daemon.store.schema.types import storable
from daemon.store.session import Store
from parsers import addresses

log = structlog.get_logger("avtald.smtp")
logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's own tells every command

UNKNOWN = "550 5.1.1 no such address here"
OUR_FAULT = "451 4.3.0 a temporary fault of ours, try again later"
NO_ROOM = "452 4.3.1 not enough disk now, try again later"
TOO_MUCH = "452 4.3.1 too much large mail at once, try again later"
TOO_MANY = "452 4.5.3 too many recipients"
TOO_LARGE = "552 5.3.4 the message is larger than we take"
CROWDED = "421 4.3.2 too many connections, try again later"
CLOSING = "421 4.3.2 closing, try again later"

MAX_RECIPIENTS = 100
# For all large mails of a door at once. Fifty mails of 25 MB are more than the unit's MemoryMax,
# and a daemon killed for them gets them all again.
MEMORY = 100 * 1024**2
SMALL = 1024**2  # so much of every mail has room at any time
# On one connection. Postfix keeps one open for many mails; nobody needs a hundred HELPs.
_COMMANDS = {"*": 100, "MAIL": 10_000, "RCPT": 100_000, "DATA": 10_000, "RSET": 10_000}
_IDLE_SECONDS = 300.0  # RFC 5321 section 4.5.3.2.7
_NO_MORE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_TELL_SECONDS = 60.0
_ANGLE = re.compile(r'\s*<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>(.*)', re.DOTALL)
_ROUTE = re.compile(r"(?:@[^:@]*,?)+:")


@dataclass(frozen=True, slots=True)
class Recipients:
    """The desk's own addresses; any other address is known to be wrong, and gets the only 550."""

    desk: str
    others: frozenset[str] = frozenset()
    extended: frozenset[str] = frozenset()  # support+…@: reply ids (D3), keys of bounces (E1)

    @classmethod
    def of(
        cls,
        address: str,
        aliases: Sequence[str],
        reply_address: str,
        return_address: str | None = None,
    ) -> "Recipients":
        """The addresses named in `[desk]`."""
        back = {_plain(return_address)} if return_address else set()
        plus = {_plain(address)} if reply_address == "plus" else set()
        others = frozenset({*map(_plain, aliases), *back})
        return cls(_plain(address), others, frozenset(plus | back))

    def take(self, recipient: str) -> bool:
        """True for an address of the desk; postmaster always is one (RFC 5321 4.5.1)."""
        local, _, domain = recipient.rpartition("@")
        if recipient.lower() == "postmaster" or local.lower() == "postmaster":
            return True
        if _plain(recipient) in {self.desk, *self.others}:
            return True
        return _plain(f"{local.partition('+')[0]}@{domain}") in self.extended


def _plain(address: str) -> str:
    return addresses.normalise(address) or address.lower()


def _always() -> bool:
    return True


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Policy:
    """The questions that a door asks before it takes a mail.

    `has_room` tells if the disk has its reserve: the reply is 452 while it has not. `clock` gives
    the receipt time (B2); mail from before `go_live` is archived (B5).
    """

    recipients: Recipients
    go_live: dt.datetime | None = None
    has_room: Callable[[], bool] = _always
    clock: Callable[[], dt.datetime] = _now
    kept: Callable[[], object] = _always  # called when mail has become durable: there is work to do


class Door:
    """Listens in a thread of its own; accepts a mail only once the mail is durable."""

    def __init__(
        self, settings: mail.Door, store: Store, policy: Policy, *, lmtp: bool = False
    ) -> None:
        """Open nothing yet: `start` does."""
        self.settings = settings
        self.policy = policy
        self.lmtp = lmtp
        self.keeper = Keeper(partial(_keep, store, policy), store.turn)
        self.sessions: set[_Dialogue] = set()
        self.memory = _Memory(max(MEMORY, 2 * settings.max_size))
        self.closing = False
        self._told_full = float("-inf")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name=f"door-{self.source}", daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def source(self) -> str:
        """The door's name in the inbox."""
        return "lmtp" if self.lmtp else "smtp"

    @property
    def port(self) -> int:
        """The port in use, also where the settings say 0; 0 for a unix socket."""
        sockets = self._server.sockets if self._server else ()
        name = sockets[0].getsockname() if sockets else ""
        return int(name[1]) if isinstance(name, tuple) else 0

    def start(self) -> None:
        """Bind and listen; raises OSError where the place is taken or forbidden."""
        listening = bind(self.settings.listen)
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._listen(listening), self.loop)
        self._server = started.result()

    def stop(self, grace: float = 25.0) -> None:
        """Take no new mail, finish the mail being received, and end; after `grace` s anyway."""
        if self._server is None:
            return
        if self.settings.listen.path is not None:
            with contextlib.suppress(OSError):  # now: later it may be our successor's
                self.settings.listen.path.unlink()
        asyncio.run_coroutine_threadsafe(self._close(grace), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self.keeper.close()
        self._server = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the door's own thread, once it has started."""
        if self._loop is None:
            raise RuntimeError("the door has not been opened")
        return self._loop

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(self._fault)
        self.loop.run_forever()

    def _fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log once a minute that no connection can be taken: asyncio does so 100 times a second."""
        fault = context.get("exception")
        if not isinstance(fault, OSError) or fault.errno not in _NO_MORE:
            loop.default_exception_handler(context)
        elif loop.time() - self._told_full >= _TELL_SECONDS:
            self._told_full = loop.time()
            log.error("no connection taken", door=self.source, error=str(fault))

    async def _listen(self, listening: socket.socket) -> asyncio.Server:
        if listening.family == socket.AF_UNIX:
            return await self.loop.create_unix_server(self._dialogue, sock=listening)
        return await self.loop.create_server(self._dialogue, sock=listening)

    def _dialogue(self) -> asyncio.BaseProtocol:
        if self.closing:
            return _Refusal(CLOSING)
        if len(self.sessions) >= self.settings.connections:
            return _Refusal(CROWDED)
        let_in = (_LmtpDialogue if self.lmtp else _Dialogue)(self)
        # Counted here: many clients at once are all let in before one of them speaks.
        self.sessions.add(let_in)
        return let_in

    async def _close(self, grace: float) -> None:
        self.closing = True
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(0.02)  # connections half let in are in by then
        until = self.loop.time() + grace
        while self.sessions and self.loop.time() < until:
            for session in [session for session in self.sessions if not session.receiving]:
                session.turn_away()
            await asyncio.sleep(0.02)
        for session in list(self.sessions):
            session.cut_off()
        await asyncio.sleep(0.02)


def _keep(store: Store, policy: Policy, arrivals: Sequence[Arrival]) -> None:
    accept(store, arrivals, go_live=policy.go_live)
    policy.kept()


class _Refusal(asyncio.Protocol):
    """A connection beyond the limit: it is told so, and closed."""

    def __init__(self, reply: str) -> None:
        self._reply = reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101  a socket's always is
        transport.write(f"{self._reply}\r\n".encode())
        transport.close()


class _Hooks:
    """The door's decisions at each command; aiosmtpd finds the methods by name."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, replies: list[str]
    ) -> list[str]:
        session.host_name = name
        return [*replies[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", replies[-1]]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        if self._door.closing:
            return CLOSING
        if not self._door.policy.has_room():
            return NO_ROOM
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 2.1.0 ok"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, to: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return TOO_MANY
        if not self._door.policy.recipients.take(to):
            return UNKNOWN
        envelope.rcpt_tos.append(to)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_exception(self, error: Exception) -> str:
        log.error("smtp fault", door=self._door.source, error=repr(error))
        return OUR_FAULT


class _Dialogue(SMTP):
    """One connection; DATA is ours: aiosmtpd's refuses long lines and answers LMTP only once."""

    line_length_limit = 2**16  # of a command, and of the pieces of a mail's text

    def __init__(self, door: Door) -> None:
        super().__init__(
            _Hooks(door),
            data_size_limit=door.settings.max_size,
            enable_SMTPUTF8=True,
            hostname=door.policy.recipients.desk.rpartition("@")[2] or "localhost",
            ident=f"avtald {door.source.upper()}",
            timeout=_IDLE_SECONDS,
            command_call_limit=dict(_COMMANDS),
            loop=door.loop,
        )
        self._door = door
        self.receiving = False

    def connection_lost(self, error: Exception | None) -> None:
        self._door.sessions.discard(self)
        super().connection_lost(error)

    def eof_received(self) -> bool:
        """End the connection: the client has sent its last word, and aiosmtpd listens no more."""
        super().eof_received()
        return False

    def turn_away(self) -> None:
        """Close with a reply; a client in the middle of a mail tries again later."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(f"{CLOSING}\r\n".encode())
            self.transport.close()

    def cut_off(self) -> None:
        """Close at once, without a reply."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def answers(self, _envelope: Envelope) -> int:
        """The number of replies to the end of a mail's text."""
        return 1

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """The address and the words after it; also bare `<postmaster>` and old source routes."""
        angle = _ANGLE.fullmatch(arg)
        if angle is None:
            address, _, rest = arg.strip().partition(" ")
            return (None, None) if "<" in address or ">" in address else (address, rest)
        return _ROUTE.sub("", angle[1], count=1) or "<>", angle[2]

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Receive a mail's text, keep it, and answer: once, in LMTP once for each recipient."""
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        if envelope is None or not envelope.rcpt_tos:
            await self.push("503 5.5.1 send RCPT first")
            return
        if arg:
            await self.push("501 5.5.4 DATA takes no argument")
            return
        self.receiving = True
        try:
            await self.push("354 go on, and end with a dot on a line of its own")
            reply = await self._receive(envelope)
            self.envelope = self._create_envelope()
            await self.push("\r\n".join([reply] * self.answers(envelope)))
            fault_point("door.answered")
        finally:
            self.receiving = False

    async def _receive(self, envelope: Envelope) -> str:
        text = _Text(self._door.settings.max_size, self._door.memory)
        try:
            await self._read(text)
            return text.refusal or await self._keep(envelope, text)
        finally:
            text.forget()

    async def _keep(self, envelope: Envelope, text: "_Text") -> str:
        fault_point("door.received")
        try:
            await self._door.keeper.keep(self._arrival(envelope, text.plain()))
        except Exception as error:  # noqa: BLE001  whatever it is, it is our fault, and temporary
            # Without a traceback: its frames hold the mail, and mail belongs in no log.
            log.error("mail not kept", door=self._door.source, error=repr(error))  # noqa: TRY400
            return OUR_FAULT
        return "250 2.0.0 kept"

    def _arrival(self, envelope: Envelope, raw: bytes) -> Arrival:
        sender = envelope.mail_from or ""
        return Arrival(
            raw=raw,
            received_at=self._door.policy.clock(),
            source=self._door.source,
            delivery=uuid.uuid4().hex,
            envelope_from="" if sender == "<>" else storable(sender),
            envelope_to=tuple(map(storable, envelope.rcpt_tos)),
        )

    async def _read(self, text: "_Text") -> None:
        """Read up to the final dot: a dot on a line of its own, between CRLFs and nothing else.

        Only the start of a line can be this dot. Three bytes there tell if the rest may be read in
        one sweep; a shorter line is read to its end, and the next line is looked at anew.
        """
        while True:
            start = await self._reader.readexactly(3)
            if start == b".\r\n":
                return
            text.add(start)
            if b"\r" not in start:
                await self._sweep(text, b"\r\n.\r\n")
                text.cut(b".\r\n")
                return
            await self._sweep(text, b"\r\n")
            if text.cut(b".\r\n", after=b"\r\n"):
                return

    async def _sweep(self, text: "_Text", end: bytes) -> None:
        while True:
            self._reset_timeout()
            try:
                text.add(await self._reader.readuntil(end))
            except asyncio.LimitOverrunError as more:
                text.add(await self._reader.read(more.consumed))
            else:
                return


class _LmtpDialogue(_Dialogue, LMTP):
    """The same dialogue in LMTP (RFC 2033)."""

    def answers(self, envelope: Envelope) -> int:
        """One reply for each accepted recipient (section 4.2)."""
        return len(envelope.rcpt_tos)


@dataclass(slots=True)
class _Memory:
    """The bytes of large mails that a door's dialogues hold, and the most they may hold."""

    most: int
    held: int = 0


class _Text:
    """A mail's text as it comes, kept up to a limit; of a text beyond the limit, only the end."""

    def __init__(self, limit: int, memory: _Memory) -> None:
        self._limit = limit
        self._memory = memory
        self._held = 0
        self._kept = bytearray()
        self._doubled = 0  # dots added by SMTP: they are not the mail's (RFC 1870 section 3)
        self._beyond: str | None = None

    @property
    def refusal(self) -> str | None:
        """The reply to a text beyond the limit (dots added by SMTP apart) or the memory."""
        too_large = len(self._kept) - self._doubled > self._limit
        return self._beyond or (TOO_LARGE if too_large else None)

    def add(self, piece: bytes) -> None:
        self._doubled += not self._kept and piece.startswith(b".")
        seen = max(0, len(self._kept) - 2)
        self._kept += piece
        self._doubled += self._kept.count(b"\r\n.", seen)
        if len(self._kept) - self._doubled > self._limit + 2:  # 2: of the last dot
            self._beyond = TOO_LARGE
        elif self._beyond is None and not self._hold():
            self._beyond = TOO_MUCH
        if self._beyond is not None:
            del self._kept[:-8]
            self.forget()

    def _hold(self) -> bool:
        """Count the memory of the text so far; False if the door has none left."""
        large = max(0, len(self._kept) - SMALL)
        self._memory.held += large - self._held
        self._held = large
        return not large or self._memory.held <= self._memory.most

    def forget(self) -> None:
        """Free the text's place in memory for others."""
        self._memory.held -= self._held
        self._held = 0

    def cut(self, end: bytes, *, after: bytes = b"") -> bool:
        """Take off the final dot, if it is there."""
        there = self._kept.endswith(after + end)
        if there:
            del self._kept[-len(end) :]
            self._doubled -= 1
        return there

    def plain(self) -> bytes:
        """The text without the dots added by SMTP (RFC 5321 section 4.5.2)."""
        text = bytes(self._kept)
        self._kept.clear()  # it may be large, and waits for its commit
        return text.removeprefix(b".").replace(b"\r\n.", b"\r\n")
