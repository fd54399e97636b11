"""Refusals of Fortnox, and their meaning for the invoice (facts.md 3.4 and 5; rules.md I1, I5)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

import httpx

from daemon.domain.invoice import AccountingError, Fault

SYSTEM_EXCEPTION = 1000003
NOT_FOUND_INVOICE = 2000434
ACCESS_CODES = frozenset({2000310, 2000311, 2000663, 2001101, 2001103})
BUG_CODES = frozenset(
    {
        1000029,  # "Internal error" under 400: a client's fault dressed up
        1000030,
        1000031,
        2000106,
        2000108,
        2000134,
        2000359,
        2000587,
        2000588,
        2001392,
        2001399,
        2001740,
        2001795,
        2002115,
        2002649,
    }
)
LOGIN = "Kör `avtald fortnox login` och godkänn åtkomsten igen som systemadministratör i Fortnox."

_CUSTOMER = "Rätta kundnumret i registret (accounting_number) eller lägg upp kunden i Fortnox."
_REMEDIES = {
    2000663: f"Integrationen saknar behörighet. {LOGIN}",
    2001101: "Fortnox-kontot saknar licens: köp den i Fortnox under Administrera användare.",
    2001103: "Fortnox-kontot saknar API-licens: köp integrationslicensen i Fortnox.",
    2000310: LOGIN,
    2000311: LOGIN,
    2000204: _CUSTOMER,
    2000433: _CUSTOMER,
    2000428: "Lägg upp artikeln i Fortnox eller rätta fee_article och hour_article i avtald.toml.",
    2001302: "Lägg upp artikeln i Fortnox eller rätta fee_article och hour_article i avtald.toml.",
    2001304: "Ange ett försäljningskonto på artikeln i Fortnox.",
    2000423: "Kontot finns inte i Fortnox: rätta artikelns konto eller lägg upp kontot.",
    2000432: "Lägg upp enheterna st och h i Fortnox register.",
    2000429: "Rätta betalningsvillkoret på kunden i Fortnox.",
    2000919: "Rätta landet på kunden i Fortnox.",
    2001265: "Ange de förvalda kontona i Fortnox inställningar.",
    2002462: "Ange de förvalda kontona i Fortnox inställningar.",
    2004052: "Ange de förvalda kontona i Fortnox inställningar.",
}
_ADDRESS = "Kontrollera api_url i avtald.toml och nätets brandvägg."
_OURS = "Felet ligger i avtald: rapportera det med felmeddelandet."


Result = TypeVar("Result")
Shape = ParamSpec("Shape")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The facts of an answer without success."""

    status: int
    code: int | None
    message: str
    told: bool  # True: by Fortnox itself, False: by a gateway before it


def parse_json(content: bytes) -> Any:
    """Read an answer of any Content-Type, with exact decimals; ValueError if it is no JSON."""
    return json.loads(content.decode("utf-8-sig"), parse_float=Decimal)


def read_refusal(response: httpx.Response) -> Refusal:
    """Parse every known shape: ErrorInformation in either case, message, OAuth, HTML."""
    status = response.status_code
    try:
        body = _lower(parse_json(response.content))
    except ValueError:
        return Refusal(status, None, f"HTTP {status} {response.reason_phrase}".strip(), told=False)
    told = body.get("errorinformation")
    if isinstance(told, dict):
        told = _lower(told)
        return Refusal(status, _whole(told.get("code")), str(told.get("message") or ""), told=True)
    words = [body.get(key) for key in ("error", "error_description", "message")]
    message = ": ".join(str(word) for word in words if word)
    return Refusal(status, None, message or f"HTTP {status}", told=False)


def fault_of(refusal: Refusal, *, harmless: bool) -> Fault:
    """Classify; `harmless` says that repeating the request could not create anything twice."""
    unknown = Fault.TEMPORARY if harmless else Fault.UNCLEAR
    if refusal.code == SYSTEM_EXCEPTION or refusal.status >= 500 or refusal.status == 408:
        return unknown
    if refusal.status == 429:
        return Fault.TEMPORARY
    if refusal.status == 401 or refusal.code in ACCESS_CODES:
        return Fault.ACCESS
    if refusal.code in BUG_CODES:
        return Fault.BUG
    if refusal.told:
        return Fault.REFUSED
    if refusal.status in {403, 404}:
        return Fault.ACCESS
    return Fault.BUG if refusal.status in {400, 405, 406, 411, 413, 414, 415, 422} else unknown


def error_of(refusal: Refusal, what: str, *, harmless: bool) -> AccountingError:
    """The error to raise: Fortnox's own words and code, and the remedy."""
    fault = fault_of(refusal, harmless=harmless)
    code = f" (kod {refusal.code})" if refusal.code else f" (HTTP {refusal.status})"
    return AccountingError(
        fault,
        f"Fortnox: {what}: {refusal.message}{code}",
        code=refusal.code,
        remedy=_REMEDIES.get(refusal.code or 0) or _remedy(fault, refusal),
    )


def other_shape(what: str, detail: object) -> AccountingError:
    """An answer of an unknown shape: stop and tell, for a guess could bill twice."""
    return AccountingError(
        Fault.BUG, f"Fortnox: {what}: svaret har en annan form ({detail})", remedy=_OURS
    )


def reading(
    what: str, read: Callable[Shape, Result], *given: Shape.args, **named: Shape.kwargs
) -> Result:
    """Read an answer with `read`; its ValueError means an unknown shape."""
    try:
        return read(*given, **named)
    except (ValueError, TypeError) as error:
        raise other_shape(what, error) from error


def _remedy(fault: Fault, refusal: Refusal) -> str:
    if fault is Fault.BUG:
        return _OURS
    if fault is Fault.REFUSED:
        return "Rätta det som Fortnox anmärker på; utkastet skapas vid nästa körning."
    if fault is Fault.ACCESS:
        return (
            LOGIN
            if refusal.status == 401
            else "Kontrollera api_url i avtald.toml och nätets brandvägg."
        )
    return "Inget att göra: nytt försök görs automatiskt."


def _lower(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        return {}
    return {str(key).lower(): value for key, value in body.items()}


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
