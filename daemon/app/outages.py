"""The fault of a server in an administrator's words, and the setting to correct."""

import imaplib
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass

import imap_tools

from daemon.domain.wording import Say
from daemon.intake.mailbox import AccessError, reply
from daemon.intake.oauth import CONSENT, OAuthError, SpentError

_NOT_MISSING = re.compile(r"\[(?!NONEXISTENT|TRYCREATE)[A-Z]")  # RFC 5530, by its code


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as a table of the settings names it."""

    table: str  # "[outgoing]"
    host: str
    port: int
    tls: str
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Outage:
    """A fault and its remedy."""

    says: str
    remedy: str


def outage(fault: Exception, server: Server, say: Say) -> Outage:
    """Explain a fault of the network, of TLS, of a folder or of a login."""
    cause = _cause(fault)
    return (
        _of_network(cause, server, say)
        or _of_tls(cause, server, say)
        or _of_folder(cause, server, say)
        or _of_login(cause, server, say)
        or Outage(
            str(fault).removeprefix(f"{server.host}:{server.port} "),
            say(f"se över {server.table}", f"look at {server.table}"),
        )
    )


def _cause(fault: Exception) -> Exception:
    """The cause of a wrapped fault."""
    if isinstance(fault, AccessError | OAuthError):
        return fault
    behind = fault.__cause__
    return behind if isinstance(behind, Exception) else fault


def _of_network(fault: Exception, server: Server, say: Say) -> Outage | None:
    host, port, table = server.host, server.port, server.table
    if isinstance(fault, socket.gaierror):
        return Outage(
            say(f"namnet {host} är okänt", f"the name {host} is not known"),
            say(f"rätta host i {table}, eller maskinens DNS", f"mend host in {table}, or the DNS"),
        )
    if isinstance(fault, ConnectionRefusedError):
        return Outage(
            say(f"ingen lyssnar på {host}:{port}", f"nobody listens at {host}:{port}"),
            say(
                f"starta servern, eller rätta host och port i {table}",
                f"start the server, or mend host and port in {table}",
            ),
        )
    if isinstance(fault, TimeoutError):
        return Outage(
            say(f"{host}:{port} svarar inte", f"{host}:{port} does not answer"),
            say(
                f"öppna brandväggen för port {port}, eller rätta host och port i {table}",
                f"open the firewall for port {port}, or mend host and port in {table}",
            ),
        )
    return None


def _of_tls(fault: Exception, server: Server, say: Say) -> Outage | None:
    where = f"{server.host}:{server.port}"
    mend = say(f"rätta tls och port i {server.table}", f"mend tls and port in {server.table}")
    if isinstance(fault, ssl.SSLCertVerificationError):
        why = fault.verify_message
        return Outage(
            say(f"{where} har inget giltigt certifikat: {why}", f"no valid certificate: {why}"),
            say(
                f"ge servern ett certifikat för {server.host} från en utfärdare som maskinen litar"
                " på, eller rätta host",
                f"give the server a certificate for {server.host} from an authority that this"
                " machine trusts, or mend host",
            ),
        )
    if isinstance(fault, ssl.SSLError):
        return Outage(
            say(f"{where} talar inte TLS", f"{where} does not speak TLS"),
            f'{mend} (tls = "starttls"?)',
        )
    if (isinstance(fault, smtplib.SMTPNotSupportedError) and "STARTTLS" in str(fault)) or (
        isinstance(fault, imaplib.IMAP4.error) and "TLS not supported" in str(fault)
    ):
        return Outage(say(f"{where} har inte STARTTLS", f"{where} has no STARTTLS"), mend)
    return None


def _of_folder(fault: Exception, server: Server, say: Say) -> Outage | None:
    name = server.folder
    if isinstance(fault, imaplib.IMAP4.readonly):
        return Outage(
            say(f"mappen {name!r} kan bara läsas", f"the folder {name!r} can only be read"),
            say(
                "ge kontot rätt att ändra i den och flytta post ur den",
                "give the account the right to change it, and to move mail out of it",
            ),
        )
    if not isinstance(fault, imap_tools.MailboxFolderSelectError):
        return None
    said = reply(fault)
    if _NOT_MISSING.search(said):
        return Outage(
            say(f"mappen {name!r} går inte att öppna: {said}", f"cannot open {name!r}: {said}"),
            say(
                f"försök igen senare, eller se över kontots rätt och folder i {server.table}",
                f"try again later, or look at the account's rights and folder in {server.table}",
            ),
        )
    return Outage(
        say(f"mappen {name!r} finns inte", f"there is no folder {name!r}"),
        say(f"rätta folder i {server.table}", f"mend folder in {server.table}"),
    )


def _of_login(fault: Exception, server: Server, say: Say) -> Outage | None:
    if isinstance(fault, OAuthError):
        table = f"{server.table[:-1]}.oauth2]"
        if isinstance(fault, SpentError):
            return Outage(
                str(fault).removesuffix(f" ({CONSENT})"),
                say(
                    "godkänn åtkomsten på nytt, lägg den nya refresh token i refresh_token_file i"
                    f" {table} och starta om avtald",
                    f"{CONSENT} ({table})",
                ),
            )
        return Outage(str(fault), say(f"rätta {table}", f"mend {table}"))
    if isinstance(fault, smtplib.SMTPNotSupportedError):
        return Outage(
            say("servern tar inte emot inloggning här", "the server takes no login here"),
            say(
                f"ta bort username i {server.table}, eller rätta port och tls",
                f"take username out of {server.table}, or mend port and tls",
            ),
        )
    if isinstance(fault, smtplib.SMTPAuthenticationError | AccessError):
        return Outage(
            _refusal(fault, say),
            say(
                f"rätta username och password_file i {server.table}",
                f"mend username and password_file in {server.table}",
            ),
        )
    return None


def _refusal(fault: Exception, say: Say) -> str:
    """The server's own words."""
    said = str(fault)
    if isinstance(fault, smtplib.SMTPResponseException):
        said = f"{fault.smtp_code} {_text(fault.smtp_error)}"
    elif isinstance(fault, AccessError):
        said = fault.reply
    return say(f"inloggningen nekas: {said}", f"the login is refused: {said}")


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
