"""SMTP out: hands one mail for one recipient to the outgoing server, over a reused connection."""

import base64
import contextlib
import ipaddress
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from daemon.domain.delivery import SendError

TLS = ("implicit", "starttls", "none")

_NO_ADDRESS = re.compile(r"[\x00-\x20<>\x7f]")
_HEADERS = re.compile(rb"\r?\n\r?\n")
_PIECE = 64 * 1024
_TEXT_SECONDS = 1800.0  # 25 MB at 14 kB/s
_IDLE_SECONDS = 60.0  # an older connection may be dead without a word, and MAIL would wait for it
_QUIT_SECONDS = 5.0
_LINE_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Patience:
    """The seconds that each step of a server may take (RFC 5321, section 4.5.3.2)."""

    connection: float = 60.0  # TCP, and TLS where it comes first
    reply: float = 300.0  # the greeting, EHLO, AUTH, MAIL, RCPT
    data: float = 120.0  # the 354
    block: float = 180.0  # each piece of the text
    dot: float = 600.0  # the reply to the whole mail

    def scaled(self, factor: float) -> "Patience":
        """The same proportions, with every step so many times as long."""
        return Patience(
            self.connection * factor,
            self.reply * factor,
            self.data * factor,
            self.block * factor,
            self.dot * factor,
        )


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The outgoing server and our access to it; raises ValueError for plain text over a network.

    `token` gives an OAuth 2 access token, and takes the place of `password`; `refused` is called
    when the server does not take it.
    """

    host: str
    port: int
    tls: str = "implicit"
    username: str | None = None
    password: str | None = None
    token: Callable[[], str] | None = None
    refused: Callable[[], None] = lambda: None
    patience: Patience = Patience()
    local_hostname: str = "localhost"
    context: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        """Refuse a login that would show mail and password to everybody on the way."""
        if self.tls not in TLS:
            raise ValueError(f"tls must be one of {', '.join(TLS)}, not {self.tls!r}")
        if self.tls == "none" and not _is_loopback(self.host):
            raise ValueError(f'tls = "none" is for this machine only, not for {self.host}')


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


class _Connection(smtplib.SMTP):
    """A connection to the server, with a time-out of its own for the way there."""

    def __init__(self, server: SmtpServer) -> None:
        super().__init__(local_hostname=server.local_hostname, timeout=server.patience.connection)
        self._server = server
        self._host = server.host  # the name that STARTTLS asks for

    def open(self) -> None:
        """Connect, and read the greeting."""
        code, text = self.connect(self._server.host, self._server.port)
        if code != 220:
            self.close()
            raise smtplib.SMTPConnectError(code, text)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = socket.create_connection((host, port), timeout)
        # The final dot goes alone: it must not wait for company.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._server.tls == "implicit":
            sock = _context(self._server).wrap_socket(sock, server_hostname=host)
        sock.settimeout(self._server.patience.reply)
        return sock

    def allow(self, seconds: float) -> None:
        """Set the seconds that the next step may take."""
        if self.sock is not None:
            self.sock.settimeout(seconds)

    def cut(self) -> None:
        """End the connection from another thread: whatever waits for the server fails at once."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def _context(server: SmtpServer) -> ssl.SSLContext:
    return server.context or ssl.create_default_context()


class SmtpMailer:
    """The desk's Mailer over SMTP (RFC 5321); one thread at a time sends with it."""

    def __init__(self, server: SmtpServer) -> None:
        """Connect to nothing yet: the first mail does."""
        self._server = server
        self._smtp: _Connection | None = None
        self._opening: _Connection | None = None
        self._used = 0.0

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> str:
        """Give the server's reply to the mail; raises SendError and nothing else.

        The server may have closed a connection that stood idle: a failure there before the mail's
        text is answered by one more try on a new connection.
        """
        transaction = _Transaction.of(envelope_from, recipient, raw)
        if time.monotonic() - self._used > _IDLE_SECONDS:
            self.close()
        reused = self._smtp is not None
        try:
            return self._hand_over(transaction)
        except _StaleError as stale:
            if not reused:
                raise stale.meaning from stale
        try:
            return self._hand_over(transaction)
        except _StaleError as fault:
            raise fault.meaning from fault

    def close(self) -> None:
        """End the connection politely; a later send opens a new one."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.allow(_QUIT_SECONDS)
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()

    def abort(self) -> None:
        """Cut the connection, from any thread: a send in hand ends with a SendError."""
        for smtp in (self._smtp, self._opening):
            if smtp is not None:
                smtp.cut()

    def _hand_over(self, transaction: "_Transaction") -> str:
        smtp = self._smtp or self.connect()
        self._smtp = smtp
        try:
            return transaction.run(smtp, self._server.patience)
        except SendError as error:
            self._reset(smtp, lost=error.unclear)
            raise
        except _StaleError:
            self._drop()
            raise
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self._drop()
            raise SendError(f"the connection failed: {error}") from error
        finally:
            self._used = time.monotonic()

    def _reset(self, smtp: _Connection, *, lost: bool) -> None:
        """Make the connection fit for the next mail, or end it."""
        if lost:
            self._drop()
            return
        try:
            smtp.allow(self._server.patience.reply)
            code, _ = smtp.docmd("RSET")
        except (OSError, smtplib.SMTPException):
            code = 0
        if code != 250:
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def connect(self) -> _Connection:
        """Give a new connection, logged in and ready for the first mail; raises SendError."""
        smtp = self._opening = _Connection(self._server)
        try:
            smtp.open()
            self._log_in(smtp)
        except Exception as error:
            smtp.close()
            if isinstance(error, smtplib.SMTPAuthenticationError):
                self._server.refused()
            raise SendError(self._unreachable(error), unreachable=True) from error
        finally:
            self._opening = None
        return smtp

    def _unreachable(self, error: Exception) -> str:
        said = str(error)
        if isinstance(error, smtplib.SMTPResponseException):
            text = error.smtp_error
            said = _said(error.smtp_code, text if isinstance(text, bytes) else text.encode())
        return f"{self._server.host}:{self._server.port} does not let us in: {said}"

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        server = self._server
        smtp.command_encoding = "utf-8"
        if server.tls == "starttls":
            smtp.starttls(context=_context(server))
        smtp.ehlo_or_helo_if_needed()
        if server.username is None:
            return
        if server.token is not None:
            said = f"user={server.username}\1auth=Bearer {server.token()}\1\1"
            # A second call carries the server's reason for its refusal; the answer to it is empty.
            smtp.auth("XOAUTH2", lambda challenge=None: "" if challenge else said)
        else:
            _log_in_by_password(smtp, server.username, server.password or "")


def _log_in_by_password(smtp: smtplib.SMTP, username: str, password: str) -> None:
    """Log in; beyond ASCII by AUTH PLAIN (RFC 4616), for smtplib knows ASCII only."""
    if (username + password).isascii():
        smtp.login(username, password)
        return
    said = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
    code, text = smtp.docmd("AUTH", f"PLAIN {said}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, text)


class _StaleError(Exception):
    """A failure before the mail's text; after a reused connection, a new one may do better."""

    def __init__(self, meaning: SendError) -> None:
        super().__init__(str(meaning))
        self.meaning = meaning


@dataclass(frozen=True, slots=True)
class _Transaction:
    """One mail for one recipient, as SMTP carries it."""

    envelope_from: str
    recipient: str
    raw: bytes

    @classmethod
    def of(cls, envelope_from: str, recipient: str, raw: bytes) -> "_Transaction":
        """Put addresses into the form of SMTP; raises SendError if one is no address."""
        for address in (envelope_from, recipient):
            if _NO_ADDRESS.search(address) or (not recipient):
                raise SendError(f"{address!r} is no mail address", permanent=True)
        return cls(_in_ascii_domain(envelope_from), _in_ascii_domain(recipient), raw)

    def run(self, smtp: _Connection, patience: Patience) -> str:
        """Speak the transaction; raises SendError by the server's words, or the moment it left."""
        smtp.allow(patience.reply)
        self._mail(smtp)
        code, text = smtp.docmd("RCPT", f"TO:<{self.recipient}>")
        if code not in {250, 251}:
            raise _refused(code, text)
        smtp.allow(patience.data)
        code, text = smtp.docmd("DATA")
        if code != 354:
            raise _refused(code, text)
        smtp.allow(patience.block)
        _send_text(smtp, _stuffed(self.raw))
        return _final_dot(smtp, patience.dot)

    def _mail(self, smtp: smtplib.SMTP) -> None:
        options = self._options(smtp)
        try:
            code, text = smtp.docmd("MAIL", f"FROM:<{self.envelope_from}>{options}")
            if _dislikes_sender(code) and (bare := _without_extension(self.envelope_from)):
                # A server that knows no address extensions; bounces then come without their key.
                code, text = smtp.docmd("MAIL", f"FROM:<{bare}>{options}")
        except smtplib.SMTPServerDisconnected as error:
            raise _StaleError(SendError(f"the connection failed: {error}")) from error
        if code == 250:
            return
        said = _said(code, text)
        if code == 552 or text.startswith(b"5.3.4"):
            raise SendError(said, permanent=True)
        # Every other refusal at this point speaks of us (our address, our access), not of the
        # mail: ours to mend, and no reason to give up what waits.
        raise _StaleError(SendError(said, unreachable=500 <= code <= 599))

    def _options(self, smtp: smtplib.SMTP) -> str:
        headers = self.raw[: end.start()] if (end := _HEADERS.search(self.raw)) else self.raw
        foreign = not (self.envelope_from + self.recipient).isascii()
        options = ""
        if smtp.has_extn("size"):
            options += f" SIZE={len(self.raw)}"
        if smtp.has_extn("8bitmime") and not self.raw.isascii():
            options += " BODY=8BITMIME"
        if smtp.has_extn("smtputf8") and (foreign or not headers.isascii()):
            options += " SMTPUTF8"
        elif foreign:
            raise SendError(
                f"the server takes no international address ({self.recipient})", permanent=True
            )
        return options


def _dislikes_sender(code: int) -> bool:
    return code in {501, 550, 551, 553, 554}


def _without_extension(address: str) -> str | None:
    local, _, domain = address.rpartition("@")
    account, plus, _ = local.partition("+")
    return f"{account}@{domain}" if plus else None


def takes_sender(smtp: smtplib.SMTP, address: str) -> bool:
    """Tell if a server takes an address as envelope sender; nothing is sent."""
    try:
        code, _ = smtp.docmd("MAIL", f"FROM:<{_in_ascii_domain(address)}>")
        smtp.docmd("RSET")
    except (OSError, smtplib.SMTPException):
        return False
    return not _dislikes_sender(code)


def _in_ascii_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise SendError(f"{address!r} is no mail address", permanent=True) from error


def _stuffed(raw: bytes) -> bytes:
    """The text as DATA carries it, without the final dot (RFC 5321 section 4.5.2)."""
    text = _LINE_DOT.sub(b"..", raw)
    return text if text.endswith(b"\r\n") else text + b"\r\n"


def _send_text(smtp: smtplib.SMTP, text: bytes) -> None:
    """Send it in pieces: a large mail on a slow line has a time-out for each of them."""
    until = time.monotonic() + _TEXT_SECONDS
    for start in range(0, len(text), _PIECE):
        if time.monotonic() > until:
            raise TimeoutError(f"the text took longer than {_TEXT_SECONDS:.0f} s")
        smtp.send(text[start : start + _PIECE])


def _final_dot(smtp: _Connection, seconds: float) -> str:
    """End the mail; nobody knows if it went when the connection is lost after this (RFC 1047).

    A mail whose dot does not leave this machine did not go.
    """
    smtp.send(b".\r\n")
    smtp.allow(seconds)
    try:
        code, text = smtp.getreply()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise SendError(f"lost after the final dot: {error}", unclear=True) from error
    if 200 <= code <= 299:
        return _said(code, text)
    if code < 400:
        raise SendError(f"not understood after the final dot: {_said(code, text)}", unclear=True)
    raise _refused(code, text)


def _refused(code: int, text: bytes) -> SendError:
    """Give the meaning of a refusal: 5xx is for good, except 530, which speaks of our login."""
    return SendError(_said(code, text), permanent=500 <= code <= 599 and code != 530)


def _said(code: int, text: bytes) -> str:
    return f"{code} {text.decode('utf-8', 'backslashreplace')}".replace("\n", " ")
