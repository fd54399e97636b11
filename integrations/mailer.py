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
_TEXT_SECONDS = 300.0  # 30 MB at 100 kB/s; the lease of what is being sent is longer
_LINE_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The outgoing server and our access to it; raises ValueError for plain text over a network.

    `token` gives an OAuth 2 access token, and takes the place of `password`; `refused` is called
    where the server does not take it. `timeout` is in seconds, for each answer of the server.
    """

    host: str
    port: int
    tls: str = "implicit"
    username: str | None = None
    password: str | None = None
    token: Callable[[], str] | None = None
    refused: Callable[[], None] = lambda: None
    timeout: float = 60.0
    local_hostname: str = "localhost"
    context: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        """Refuse what would show mail and password to everybody on the way."""
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


class SmtpMailer:
    """The desk's Mailer over SMTP (RFC 5321); one thread uses it at a time."""

    def __init__(self, server: SmtpServer) -> None:
        """Connects at the first mail."""
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> str:
        """Give the server's reply to the mail; raises SendError and nothing else.

        A connection that has stood idle may be dead: what fails on it before the mail's text is
        tried once more on a new one.
        """
        transaction = _Transaction.of(envelope_from, recipient, raw)
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
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()

    def _hand_over(self, transaction: "_Transaction") -> str:
        smtp = self._smtp or self.connect()
        self._smtp = smtp
        try:
            return transaction.run(smtp)
        except SendError as error:
            self._reset(smtp, lost=error.unclear)
            raise
        except _StaleError:
            self._drop()
            raise
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self._drop()
            raise SendError(f"the connection failed: {error}") from error

    def _reset(self, smtp: smtplib.SMTP, *, lost: bool) -> None:
        """Make the connection fit for the next mail, or end it."""
        if lost:
            self._drop()
            return
        try:
            code, _ = smtp.docmd("RSET")
        except (OSError, smtplib.SMTPException):
            code = 0
        if code != 250:
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def connect(self) -> smtplib.SMTP:
        """Give a new connection, logged in: what comes before the first mail; raises SendError."""
        try:
            smtp = self._open()
        except (OSError, smtplib.SMTPException, UnicodeError) as error:  # no host has such a name
            raise SendError(self._unreachable(error), unreachable=True) from error
        try:
            self._log_in(smtp)
        except Exception as error:
            smtp.close()
            if isinstance(error, smtplib.SMTPAuthenticationError):
                self._server.refused()
            raise SendError(self._unreachable(error), unreachable=True) from error
        return smtp

    def _unreachable(self, error: Exception) -> str:
        said = str(error)
        if isinstance(error, smtplib.SMTPResponseException):
            text = error.smtp_error
            said = _said(error.smtp_code, text if isinstance(text, bytes) else text.encode())
        return f"{self._server.host}:{self._server.port} does not let us in: {said}"

    def _open(self) -> smtplib.SMTP:
        server = self._server
        if server.tls == "implicit":
            return smtplib.SMTP_SSL(
                server.host,
                server.port,
                server.local_hostname,
                timeout=server.timeout,
                context=server.context or ssl.create_default_context(),
            )
        return smtplib.SMTP(server.host, server.port, server.local_hostname, server.timeout)

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        server = self._server
        if smtp.sock is not None:  # the final dot goes alone: it must not wait for company
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        smtp.command_encoding = "utf-8"
        if server.tls == "starttls":
            smtp.starttls(context=server.context or ssl.create_default_context())
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
    """Log in; what is no ASCII, of which smtplib knows nothing, by AUTH PLAIN (RFC 4616)."""
    if (username + password).isascii():
        smtp.login(username, password)
        return
    said = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
    code, text = smtp.docmd("AUTH", f"PLAIN {said}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, text)


class _StaleError(Exception):
    """What failed before the mail's text; on a reused connection a new one may do better."""

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
        """Take addresses in the form that SMTP takes; raises SendError where one is none."""
        for address in (envelope_from, recipient):
            if _NO_ADDRESS.search(address) or (not recipient):
                raise SendError(f"{address!r} is no mail address", permanent=True)
        return cls(_in_ascii_domain(envelope_from), _in_ascii_domain(recipient), raw)

    def run(self, smtp: smtplib.SMTP) -> str:
        """Speak the transaction; raises SendError by what the server said, and by when it left."""
        self._mail(smtp)
        code, text = smtp.docmd("RCPT", f"TO:<{self.recipient}>")
        if code not in {250, 251}:
            raise _refused(code, text)
        code, text = smtp.docmd("DATA")
        if code != 354:
            raise _refused(code, text)
        _send_text(smtp, _stuffed(self.raw))
        return _final_dot(smtp)

    def _mail(self, smtp: smtplib.SMTP) -> None:
        command = f"FROM:<{self.envelope_from}>{self._options(smtp)}"
        try:
            code, text = smtp.docmd("MAIL", command)
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
    """Send it in pieces: the time-out is for each, not for a large mail on a slow line."""
    until = time.monotonic() + _TEXT_SECONDS
    for start in range(0, len(text), _PIECE):
        if time.monotonic() > until:
            raise TimeoutError(f"the text took longer than {_TEXT_SECONDS:.0f} s")
        smtp.send(text[start : start + _PIECE])


def _final_dot(smtp: smtplib.SMTP) -> str:
    """End the mail; a connection lost from here on leaves open whether it went (RFC 1047).

    Where the dot itself does not leave this machine, the mail did not go.
    """
    smtp.send(b".\r\n")
    try:
        code, text = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise SendError(f"lost after the final dot: {error}", unclear=True) from error
    if 200 <= code <= 299:
        return _said(code, text)
    if code < 400:
        raise SendError(f"not understood after the final dot: {_said(code, text)}", unclear=True)
    raise _refused(code, text)


def _refused(code: int, text: bytes) -> SendError:
    """What a refusal means: 5xx is for good, but for 530: that is our login."""
    return SendError(_said(code, text), permanent=500 <= code <= 599 and code != 530)


def _said(code: int, text: bytes) -> str:
    return f"{code} {text.decode('utf-8', 'backslashreplace')}".replace("\n", " ")
