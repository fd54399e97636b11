"""The tables of `avtald.toml` about mail: the doors for incoming mail, and the server for ours."""

import datetime as dt
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final, Literal

from daemon.settings.checked import TableError
from daemon.settings.values import (
    Count,
    CountOrNone,
    Host,
    Key,
    Line,
    LineOrNothing,
    Listen,
    ListenAt,
    OneOrSeveral,
    Port,
    SecretFile,
    Size,
    SomeTime,
    Url,
    is_loopback,
    text_of,
)

if TYPE_CHECKING:
    import parsers.message

Tls = Literal["implicit", "starttls", "none"]
_BEHIND_A_BORDER: Final = (
    'for this machine only, behind its mail server: write "127.0.0.1:2424" or a unix socket'
)
_LOOPBACK_ONLY: Final = 'mail and password would travel in clear: write "implicit" or "starttls"'


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """Login with an access token in place of a password, for Microsoft 365 and Google."""

    token_url: Annotated[
        Url, Key("", '"https://login.microsoftonline.com/TENANT/oauth2/v2.0/token"')
    ]
    client_id: Annotated[Line, Key("", '"…"')]
    client_secret_file: Annotated[SecretFile | None, Key("", '"oauth2-client-secret"')] = None
    refresh_token_file: Annotated[
        SecretFile | None,
        Key(
            "the first refresh token; the database keeps later ones. Without: client credentials",
            '"oauth2-refresh-token"',
        ),
    ] = None
    scope: Annotated[LineOrNothing, Key("")] = "https://outlook.office365.com/.default"

    def __post_init__(self) -> None:
        if self.client_secret_file is None and self.refresh_token_file is None:
            raise TableError(("client_secret_file", "is missing: or write a refresh_token_file"))

    @property
    def client_secret(self) -> str | None:
        """The client's secret, where one is set."""
        return text_of(self.client_secret_file)

    @property
    def refresh_token(self) -> str | None:
        """The refresh token, where that flow is used."""
        return text_of(self.refresh_token_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Address of a mail server, and our login there."""

    host: Annotated[Host, Key("name or IP address of the server", '"mail.example.se"')]
    port: Annotated[Port | None, Key("default: the usual port for tls", "993")] = None
    tls: Annotated[Tls, Key("implicit, starttls, or none (only on this machine)")] = "implicit"
    username: Annotated[LineOrNothing, Key("", '"support@example.se"')] = ""
    password_file: Annotated[SecretFile | None, Key("", '"mail-password"')] = None
    auth: Annotated[Literal["password", "oauth2"], Key("password or oauth2")] = "password"
    oauth2: OAuth2 | None = None

    @property
    def password(self) -> str | None:
        """The password, where one is set."""
        return text_of(self.password_file)

    def wrong(self) -> list[tuple[str, str]]:
        """Mistakes of the login as a whole."""
        wrong = []
        if self.tls == "none" and not is_loopback(self.host):
            wrong.append(("tls", _LOOPBACK_ONLY))
        if self.auth == "oauth2" and self.oauth2 is None:
            wrong.append(("oauth2", "is missing: write its table, with token_url and client_id"))
        if (self.auth == "oauth2" or self.password_file) and not self.username:
            wrong.append(("username", "is missing: whose password or token is it?"))
        return wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Imap(Login):
    """A mailbox to fetch mail from; write [[intake.imap]] for several."""

    folder: Annotated[Line, Key("new mail is fetched from this folder")] = "INBOX"
    done_folder: Annotated[
        LineOrNothing,
        Key(
            'handled mail is moved here; "": it stays, with a keyword if the server keeps keywords'
        ),
    ] = "Avtald"
    poll: Annotated[SomeTime, Key("time between two looks; with IDLE mail comes at once")] = (
        dt.timedelta(seconds=60)
    )
    max_size: Annotated[Size, Key("larger mail is shelved, with its headers only")] = 25 * 1024**2

    def __post_init__(self) -> None:
        wrong = self.wrong()
        if self.auth == "password" and not (self.username and self.password_file):
            wrong.append(("password_file", "is missing: write username and password_file"))
        if self.tls == "starttls" and self.port == 993:
            wrong.append(("tls", 'write "implicit": port 993 begins with TLS, 143 with STARTTLS'))
        if _as_one(self.done_folder) == _as_one(self.folder):
            wrong.append(("done_folder", "write another folder than the one that mail comes to"))
        if wrong:
            raise TableError(*wrong)

    @property
    def name(self) -> str:
        """The mailbox's name in the database: it stays when password or port change."""
        return f"{self.username}@{self.host}/{self.folder}"

    @property
    def port_used(self) -> int:
        """The port, or the usual one."""
        return self.port or (993 if self.tls == "implicit" else 143)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A listening door, to which an MTA hands mail over."""

    listen: Annotated[ListenAt, Key('host and port, or "unix:/path/to/socket"', '"127.0.0.1:2424"')]
    max_size: Annotated[Size, Key("larger mail is refused with 552")] = 25 * 1024**2
    connections: Annotated[Count, Key("most connections at once")] = 50

    def __post_init__(self) -> None:
        """Refuse a door to the network: its clients could forge the border's own findings."""
        if self.listen.path is None and not is_loopback(self.listen.host):
            raise TableError(("listen", _BEHIND_A_BORDER))


@dataclass(frozen=True, slots=True, kw_only=True)
class LmtpDoor(Door):
    """The LMTP door for Postfix and other MTAs: each recipient gets a reply of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpDoor(Door):
    """The SMTP door."""

    listen: Annotated[ListenAt, Key('host and port, or "unix:/path/to/socket"', '"127.0.0.1:2525"')]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest message that is read: a message beyond one of these limits is shelved, unread."""

    message: Annotated[Size, Key("the whole message")] = 25 * 1024**2
    header_block: Annotated[Size, Key("all headers together")] = 64 * 1024
    header: Annotated[Size, Key("one header")] = 8 * 1024
    headers: Annotated[Count, Key("number of headers")] = 200
    parts: Annotated[Count, Key("number of parts")] = 200
    depth: Annotated[Count, Key("parts inside parts")] = 20
    addresses: Annotated[Count, Key("addresses in one header")] = 100
    parameters: Annotated[Count, Key("parameters of one header")] = 20
    text: Annotated[Size, Key("plain text")] = 2 * 1024**2
    text_lines: Annotated[Count, Key("lines of text")] = 50_000
    html: Annotated[
        Size, Key("larger HTML is not read: the plain text is, or the mail is shelved")
    ] = 512 * 1024
    html_tags: Annotated[Count, Key("tags in the HTML")] = 50_000

    def for_parsers(self) -> "parsers.message.Limits":
        """The same limits in the parsers' own record."""
        import parsers.message

        return parsers.message.Limits(
            raw_bytes=self.message,
            header_block_bytes=self.header_block,
            header_bytes=self.header,
            headers=self.headers,
            depth=self.depth,
            parts=self.parts,
            addresses=self.addresses,
            parameters=self.parameters,
            text_bytes=self.text,
            text_lines=self.text_lines,
            html_bytes=self.html,
            html_tags=self.html_tags,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The doors for incoming mail: one of them, or several."""

    imap: Annotated[tuple[Imap, ...], OneOrSeveral()] = ()
    lmtp: LmtpDoor | None = None
    smtp: SmtpDoor | None = None
    limits: Limits = field(default_factory=Limits)
    disk_reserve: Annotated[
        Size, Key("with less free disk the doors answer 452, and mail stays in its mailbox")
    ] = 500 * 1024**2

    def __post_init__(self) -> None:
        names = [mailbox.name for mailbox in self.imap]
        if len(set(names)) < len(names):
            raise TableError(("imap", "two mailboxes are the same: keep one of them"))
        lists = {_place(mailbox, mailbox.folder) for mailbox in self.imap}
        if any(_place(mailbox, mailbox.done_folder) in lists for mailbox in self.imap):
            raise TableError(("imap", "a done_folder is another's folder: its mail never rests"))
        if self.lmtp and self.smtp and _same_door(self.lmtp.listen, self.smtp.listen):
            raise TableError(("smtp.listen", f"the LMTP door listens at {self.lmtp.listen} too"))


def _place(mailbox: Imap, folder: str) -> tuple[str, str, str]:
    return mailbox.username, mailbox.host, _as_one(folder)


def _as_one(folder: str) -> str:
    """RFC 9051 section 5.1: INBOX is one folder in whatever case it is written."""
    return "INBOX" if folder.upper() == "INBOX" else folder


def _same_door(one: Listen, other: Listen) -> bool:
    return one == other and (one.port != 0 or one.path is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing(Login):
    """The server for outgoing mail; without one, mail waits in the outbox."""

    port: Annotated[Port | None, Key("default: the usual port for tls", "465")] = None

    max_size: Annotated[Size, Key("the largest message that the server accepts")] = 25 * 1024**2
    names: Annotated[
        tuple[Line, ...],
        Key("the server's names in its bounces (E1); default: host, or this machine's name"),
    ] = ()
    per_minute: Annotated[
        CountOrNone, Key("most mails a minute; Microsoft 365 allows 30. 0: no limit")
    ] = 0
    connections: Annotated[
        Count, Key("most at once; a mail that the server is slow with keeps one. Microsoft 365: 3")
    ] = 10
    give_up_after: Annotated[SomeTime, Key("temporary refusals are tried again for this long")] = (
        dt.timedelta(days=5)
    )

    def __post_init__(self) -> None:
        wrong = self.wrong()
        if self.auth == "password" and self.username and not self.password_file:
            wrong.append(("password_file", "is missing: whose username logs in with what?"))
        if wrong:
            raise TableError(*wrong)

    @property
    def server_names(self) -> frozenset[str]:
        """The server's names for itself, in lower case."""
        own = socket.gethostname() if is_loopback(self.host) else self.host
        return frozenset(name.lower().rstrip(".") for name in self.names or (own,))

    @property
    def port_used(self) -> int:
        """The port, or the usual one."""
        return self.port or {"implicit": 465, "starttls": 587, "none": 25}[self.tls]
