"""The IMAP of one open mailbox, without the libraries' traps (RFC 9051)."""

import contextlib
import datetime as dt
import imaplib
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import imap_tools
from imap_tools.utils import encode_folder

from daemon.settings.mail import Imap

KEYWORD = "$AvtaldHandled"
TIMEOUT_SECONDS = 30.0  # without one, a frozen server holds a thread for ever
ANSWER_SECONDS = 600.0  # for one answer as a whole, however often the server asks for patience
IDLE_SECONDS = 60.0  # at most: mail just before IDLE is not announced (search again)
HEADER_BYTES = 64 * 1024
_CHUNK = 200
_POLL_SECONDS = 1.0
_SETTLE_SECONDS = 0.5  # news seldom comes alone, and some servers always have some

_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)", re.IGNORECASE)
_DATE = re.compile(
    rb'\bINTERNALDATE " ?(\d\d?)-([a-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"',
    re.IGNORECASE,
)
_SHORT_BODY = re.compile(rb'\bBODY\[[^\]]*\](?:<\d+>)? (?:"((?:[^"\\]|\\.)*)"|NIL)', re.IGNORECASE)
_PREFIX = re.compile(r'\(\("([^"\\]+)" ')  # of the first personal namespace
# RFC 5530, and words of Exchange Online, Gmail and Yahoo: no message is at fault, all of them wait.
_BUSY = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|THROTTLED)\]|throttled|server unavailable|bandwidth limits",
    re.IGNORECASE,
)
_MONTHS = b"jan feb mar apr may jun jul aug sep oct nov dec".split()

# Raised by the libraries and the network; everything else is a fault of ours.
FAULTS = (OSError, imaplib.IMAP4.error, imap_tools.ImapToolsError)


class AccessError(Exception):
    """The server refuses the login: a person must mend it; `reply` is the server's answer."""

    def __init__(self, username: str, reply: str) -> None:
        """Keep the server's answer."""
        super().__init__(f"the mailbox does not let {username} in: {reply}")
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Listed:
    """The server's facts about a message before it is fetched; sizes are in bytes."""

    uid: int
    size: int
    received_at: dt.datetime | None


class Mailbox:
    """A logged-in connection; its methods raise one of FAULTS, and then it is of no more use."""

    def __init__(self, box: imap_tools.BaseMailBox) -> None:
        """Take over a logged-in connection."""
        self._box = box
        self._client = box.client
        # imaplib asks before the login, and many servers tell of MOVE only after it.
        _, told = self._client.capability()
        self._capabilities = set(_text(told[-1:]).upper().split())
        self.opened = time.monotonic()
        self.uidvalidity = 0
        self._keeps_keywords = False
        self._done_folder = ""  # as the server takes it
        self._news_at = float("-inf")  # when an IDLE last ended with news

    @property
    def can_idle(self) -> bool:
        """True if the server reports new mail by itself (RFC 2177)."""
        return "IDLE" in self._capabilities

    @property
    def can_move(self) -> bool:
        """True if the server has a real MOVE (RFC 6851); COPY with EXPUNGE is never used."""
        return "MOVE" in self._capabilities

    def select(self, folder: str) -> None:
        """Open the folder; read its UIDVALIDITY, and if it keeps our keyword."""
        self._box.folder.set(folder)
        self.uidvalidity = self._told_uidvalidity()
        _, flags = self._client.response("PERMANENTFLAGS")
        kept = _text(flags).lower()
        self._keeps_keywords = r"\*" in kept or KEYWORD.lower() in kept

    def search(self, criteria: str = "ALL") -> list[int]:
        """The UIDs of the folder's messages, ascending; a fault where UIDVALIDITY has changed."""
        self._is_told_of_mail()  # takes the earlier announcements: this search finds their mail
        told = self._ok(self._client.uid("SEARCH", criteria))
        if self._told_uidvalidity() not in (0, self.uidvalidity):
            raise self._client.abort("UIDVALIDITY has changed: every UID is another mail's")
        return sorted(int(uid) for line in told if line for uid in line.split())

    def sizes(self, uids: Sequence[int]) -> list[Listed]:
        """Size and receipt time of messages.

        A message without a size counts as one octet, even if it may be gone: so it blocks no other,
        and is not left in the folder for ever.
        """
        listed = {uid: Listed(uid, 1, None) for uid in uids}
        for some in _chunks(uids):
            for message in self._sizes(some):
                if message.uid in listed:
                    listed[message.uid] = message
        return list(listed.values())

    def _sizes(self, uids: Sequence[int]) -> list[Listed]:
        try:
            told = self._fetch(uids, "(UID RFC822.SIZE INTERNALDATE)")
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            if len(uids) == 1:
                return []
            return [message for uid in uids for message in self._sizes([uid])]
        lines = (_listed(line) for line in told if isinstance(line, bytes))
        return [message for message in lines if message is not None]

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The raw bytes of messages, as the server has them; reading marks none as seen."""
        return dict(_bodies(self._fetch(uids, "(UID BODY.PEEK[])")))

    def headers(self, uid: int) -> bytes:
        """The header block of a message, or the beginning of a long one."""
        part = f"(UID BODY.PEEK[HEADER]<0.{HEADER_BYTES}>)"
        return dict(_bodies(self._fetch([uid], part))).get(uid, b"")

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move messages in one step; a missing folder is created.

        On a server with a prefix for personal folders ("INBOX."; RFC 2342) it is created below it.
        """
        for some in _chunks(uids):
            typ, told = self._move(some, self._done_folder or folder)
            if typ == "NO":
                typ, told = self._move_anew(some, folder)
            self._ok((typ, told))

    def _move_anew(self, uids: Sequence[int], folder: str) -> tuple[str, list[Any]]:
        """Create the folder and move to it; if that is refused, the same below the prefix."""
        names = [folder]
        if (prefix := self._prefix()) and not folder.startswith(prefix):
            names.append(prefix + folder)
        for name in names:
            with contextlib.suppress(imap_tools.ImapToolsError):
                self._box.folder.create(name)
                self._box.folder.subscribe(name, value=True)
            answer = self._move(uids, name)
            if answer[0] == "OK":
                self._done_folder = name
                break
        return answer

    def _prefix(self) -> str:
        if "NAMESPACE" not in self._capabilities:
            return ""
        prefix = _PREFIX.match(_text(self._client.namespace()[1]))
        return prefix[1] if prefix else ""

    def mark(self, uids: Sequence[int]) -> bool:
        """Put our keyword on messages; False if the server keeps no keywords."""
        if not self._keeps_keywords:
            return False
        for some in _chunks(uids):
            self._ok(self._client.uid("STORE", _set(some), "+FLAGS.SILENT", f"({KEYWORD})"))
        return True

    def idle(self, stop: threading.Event, seconds: float) -> None:
        """Wait for a hint of news from the server, for the time to run out, or for `stop`.

        Search again afterwards in any case: mail that came just before IDLE is never announced, and
        a dead connection looks like a quiet one.
        """
        if not self.can_idle:
            stop.wait(seconds)
            return
        if self._is_told_of_mail() or time.monotonic() - self._news_at < _SETTLE_SECONDS:
            stop.wait(_SETTLE_SECONDS)
            return
        until = time.monotonic() + min(seconds, IDLE_SECONDS)
        tag = self._begin_idle()
        if tag is None:  # offered, and refused: it is not asked for again
            self._capabilities.discard("IDLE")
            stop.wait(seconds)
            return
        news = self._is_told_of_mail()
        while not (news or stop.is_set()) and (left := until - time.monotonic()) > 0:
            news = _has_news(self._client.sock, min(left, _POLL_SECONDS))
        if news:
            self._news_at = time.monotonic()
        self._client.send(b"DONE\r\n")
        self._box.consume_until_tagged_response(tag)

    def _is_told_of_mail(self) -> bool:
        """True if the server has announced mail since the last call, beside another answer."""
        _, told = self._client.response("EXISTS")
        return bool(told and told[-1])

    def _begin_idle(self) -> bytes | None:
        """Begin IDLE and give its tag, None if it is refused; other news may come before the
        answer.
        """
        client: Any = self._client
        tag: bytes = client._command("IDLE")  # noqa: SLF001  imaplib of Python 3.11 has no idle()
        while client._get_response() is not None:  # noqa: SLF001  as above
            if client.tagged_commands[tag]:
                return None
        return tag

    def close(self) -> None:
        """Log out if the server answers soon, else hang up."""
        with contextlib.suppress(*FAULTS):
            self._client.sock.settimeout(2)
            self._client.logout()
        self.hang_up()

    def hang_up(self) -> None:
        """End the connection without a word: it may be dead."""
        with contextlib.suppress(*FAULTS):
            self._client.shutdown()

    def _told_uidvalidity(self) -> int:
        """The UIDVALIDITY announced since the last call; 0 for none."""
        _, told = self._client.response("UIDVALIDITY")
        return int(told[-1]) if told and told[-1] else 0

    def _fetch(self, uids: Sequence[int], parts: str) -> list[Any]:
        """The server's answer about these messages; a server too busy for us ends the session."""
        try:
            return self._ok(self._client.uid("FETCH", _set(uids), parts))
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as refusal:
            if _BUSY.search(str(refusal)):
                raise self._client.abort(str(refusal)) from refusal
            raise

    def _move(self, uids: Sequence[int], folder: str) -> tuple[str, list[Any]]:
        return self._client.uid("MOVE", _set(uids), encode_folder(folder).decode())

    def _ok(self, answer: tuple[str, list[Any]]) -> list[Any]:
        typ, told = answer
        if typ != "OK":
            raise self._client.error(f"{typ} {_text(told)}")
        return [item for item in told if item is not None]


def open_mailbox(
    login: Imap,
    *,
    token: Callable[[], str] | None = None,
    context: ssl.SSLContext | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Mailbox:
    """Connect and log in, with the token if one is given; raises AccessError or one of FAULTS."""
    secret = token() if token is not None else login.password or ""
    box = _connect(login, context, timeout)
    _bound_answers(box.client)
    try:
        _log_in(box, login.username, secret, by_token=token is not None)
        return Mailbox(box)
    except BaseException:
        with contextlib.suppress(*FAULTS):
            box.client.shutdown()
        raise


def _connect(login: Imap, context: ssl.SSLContext | None, timeout: float) -> imap_tools.BaseMailBox:
    where = (login.host, login.port_used)
    trusted = context or ssl.create_default_context()
    if login.tls == "implicit":
        return imap_tools.MailBox(*where, timeout=timeout, ssl_context=trusted)
    box = imap_tools.MailBoxUnencrypted(*where, timeout=timeout)
    if login.tls == "starttls":
        try:
            box.client.starttls(trusted)
        except BaseException:  # the library would leave the connection open
            with contextlib.suppress(*FAULTS):
                box.client.shutdown()
            raise
    return box


def _bound_answers(client: Any) -> None:
    """Let no answer go on for ever: each "* OK Still here" would begin the time-out anew."""
    send, readline, read_literal = client.send, client.readline, client.read
    asked = time.monotonic()

    def ask(data: bytes) -> None:
        nonlocal asked
        asked = time.monotonic()
        send(data)

    def read() -> bytes:
        if time.monotonic() - asked > ANSWER_SECONDS:
            raise client.abort(f"no end of an answer in {ANSWER_SECONDS:.0f} s")
        line: bytes = readline()
        return line

    def read_text(size: int) -> bytes:
        nonlocal asked
        text: bytes = read_literal(size)
        asked = time.monotonic()  # a slow line, but mail comes
        return text

    client.send, client.readline, client.read = ask, read, read_text


def _log_in(box: imap_tools.BaseMailBox, username: str, secret: str, *, by_token: bool) -> None:
    try:
        if by_token:
            box.xoauth2(username, secret, initial_folder=None)
        elif (username + secret).isascii():
            box.login(username, secret, initial_folder=None)
        else:
            box.login_utf8(username, secret, initial_folder=None)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, imap_tools.ImapToolsError) as error:
        if "[UNAVAILABLE]" in str(error):  # RFC 5530: the server's own trouble, and temporary
            raise
        raise AccessError(username, reply(error)) from error


def reply(error: Exception) -> str:
    """The server's words in an error, without the library's additions."""
    result = getattr(error, "command_result", None)
    return _text(result[1]) if result else str(error)


def _has_news(sock: socket.socket, seconds: float) -> bool:
    waiting = select.poll()
    waiting.register(sock, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def _chunks(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(uids), _CHUNK):
        yield uids[start : start + _CHUNK]


def _set(uids: Iterable[int]) -> str:
    return ",".join(map(str, uids))


def _text(told: Sequence[Any]) -> str:
    return " ".join(line.decode("utf-8", "replace") for line in told if isinstance(line, bytes))


def _listed(line: bytes) -> Listed | None:
    uid, size = _UID.search(line), _SIZE.search(line)
    if uid is None or size is None:  # news of flags, unasked
        return None
    return Listed(int(uid[1]), int(size[1]), internal_date(line))


def internal_date(line: bytes) -> dt.datetime | None:
    """The receipt time in a FETCH answer, in UTC (B2); None if it is missing or impossible."""
    date = _DATE.search(line)
    if date is None or date[2].lower() not in _MONTHS:
        return None
    day, year, hour, minute, second, ahead, behind = map(int, date.group(1, 3, 4, 5, 6, 8, 9))
    month = _MONTHS.index(date[2].lower()) + 1
    offset = dt.timedelta(hours=ahead, minutes=behind) * (-1 if date[7] == b"-" else 1)
    try:
        return dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC) - offset
    except (ValueError, OverflowError):
        return None


def _bodies(told: Sequence[Any]) -> Iterator[tuple[int, bytes]]:
    """UID and text of each message; the server chooses their order, and a form for short ones."""
    for at, item in enumerate(told):
        if isinstance(item, tuple):
            rest = told[at + 1] if at + 1 < len(told) else b""
            rest = rest if isinstance(rest, bytes) else rest[0]
            uid = _UID.search(item[0]) or _UID.search(rest)
            if uid is not None and rest.startswith((b")", b" ")):  # else the length is wrong
                yield int(uid[1]), bytes(item[1])
        elif (short := _SHORT_BODY.search(item)) and (
            uid := _UID.search(_SHORT_BODY.sub(b"", item))
        ):
            yield int(uid[1]), re.sub(rb"\\(.)", rb"\1", short[1] or b"")
