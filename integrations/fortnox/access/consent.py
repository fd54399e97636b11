"""Consent, once: a system administrator says yes in the browser, and a code comes back."""

import datetime as dt
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from daemon.domain.invoice import AccountingError, Fault
from integrations.fortnox.access.renewal import ask_for_token
from integrations.fortnox.access.token import Token
from integrations.fortnox.settings import FortnoxSettings

PORT = 8712  # of the call-back; the developer portal must know the same address
SCOPES = ("invoice", "customer", "article", "companyinformation", "settings")
ATTACHMENT_SCOPES = ("archive", "connectfile")  # to be asked for besides, for `attach`


class LoginError(AccountingError):
    """The consent failed; nothing in the store has changed."""

    def __init__(self, message: str, remedy: str) -> None:
        """Keep the failure and its remedy."""
        super().__init__(Fault.ACCESS, message, remedy=remedy)


def redirect_uri(port: int = PORT) -> str:
    """The address to which the browser returns: this machine."""
    return f"http://127.0.0.1:{port}/callback"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the administrator; `state` proves that an answer belongs to it."""

    settings: FortnoxSettings
    redirect_uri: str
    attachments: bool = False
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        scopes = (*SCOPES, *ATTACHMENT_SCOPES) if self.attachments else SCOPES
        return consent_url(self.settings, self.redirect_uri, self.state, " ".join(scopes))

    def code_of(self, pasted: str) -> str:
        """The code in the browser's last address, or a code pasted alone."""
        query = parse_qs(urlsplit(pasted.strip()).query)
        if "error" in query:
            said = ": ".join((*query["error"], *query.get("error_description", [])))
            raise LoginError(f"Fortnox: samtycke gavs inte ({said})", _AS_ADMINISTRATOR)
        if "code" not in query:
            if "?" in pasted or "/" in pasted or not pasted.strip():
                raise LoginError("Fortnox: svaret har ingen kod", _AS_ADMINISTRATOR)
            return pasted.strip()
        if not secrets.compare_digest(query.get("state", [""])[0].encode(), self.state.encode()):
            raise LoginError("Fortnox: svaret hör till en annan inloggning", "Börja om.")
        return query["code"][0]


_AS_ADMINISTRATOR = (
    "Godkänn som systemadministratör. Ett Fortnox-konto med obetald räkning svarar utan kod."
)


def consent_url(settings: FortnoxSettings, redirect_uri: str, state: str, scopes: str = "") -> str:
    """The address for a system administrator's consent, once, with a service account (facts.md
    2.1).
    """
    query = {
        "client_id": settings.client_id,
        "redirect_uri": redirect_uri,
        "scope": scopes or " ".join(SCOPES),
        "state": state,
        "access_type": "offline",
        "response_type": "code",
        "account_type": "service",
    }
    return f"{settings.auth_url}?{urlencode(query)}"


def exchange_code(
    http: httpx.Client, settings: FortnoxSettings, code: str, redirect_uri: str, now: dt.datetime
) -> Token:
    """Turn the code of the call-back (10 minutes, single use) into a token with a refresh token."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return ask_for_token(http, settings, form, {}, now=now)


class Callback:
    """Waits on loopback for the browser's return, and keeps its address."""

    def __init__(self, port: int = PORT) -> None:
        """Listen; OSError if the port is taken."""
        self._came = threading.Event()
        handler = type("CallbackHandler", (_Handler,), {"callback": self})
        self._server = HTTPServer(("127.0.0.1", port), handler)
        self.address = ""

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self._server.server_address[1])

    def wait(self, seconds: float) -> str:
        """The address of the browser's return; LoginError if it does not return."""
        if not self._came.wait(seconds):
            raise LoginError("Fortnox: ingen kom tillbaka från webbläsaren", "Försök igen.")
        return self.address

    def came(self, address: str) -> None:
        """Note the first answer."""
        if not self._came.is_set():
            self.address = address
            self._came.set()


class _Handler(BaseHTTPRequestHandler):
    """Takes one GET, and logs nothing: the address holds the code."""

    callback: ClassVar[Callback]

    def do_GET(self) -> None:
        """Thank the administrator; other paths, such as a browser's icon, are no answer."""
        is_answer = urlsplit(self.path).path == "/callback"
        body = "Klart. Du kan stänga fliken och gå tillbaka till avtald.".encode()
        self.send_response(200 if is_answer else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body) if is_answer else 0))
        self.end_headers()
        if is_answer:
            self.wfile.write(body)
            self.callback.came(self.path)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write no log."""
