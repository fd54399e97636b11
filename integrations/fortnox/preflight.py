"""Problems that would make drafts fail, looked up once per run (facts.md 4.9, I5)."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from daemon.domain.invoice import AccountingError, Fault, InvoiceDraft, Problem
from integrations.fortnox import mapping
from integrations.fortnox.access.token import NoAccessError
from integrations.fortnox.errors import reading
from integrations.fortnox.lists import Send, items
from integrations.fortnox.settings import FortnoxSettings
from integrations.fortnox.transport import Call

_REGISTER = "i registret (accounting_number)"


def look(
    drafts: Sequence[InvoiceDraft], settings: FortnoxSettings, send: Send
) -> Sequence[Problem]:
    """Every problem; a missing right for customers or articles raises AccountingError.

    Without drafts: the needs of every draft, for `avtald check`.
    """
    kinds = {row.kind for draft in drafts for row in draft.rows} or {"fee", "overage"}
    units = {row.unit for draft in drafts for row in draft.rows} or {"st", "h"}
    return [
        *_customers(drafts, send),
        *_articles(kinds, settings, send),
        *_optional("enheterna", lambda: _units(units, send)),
        *_optional("låst period", lambda: _locked(drafts, send)),
        *_optional("Fortnox avtalsfakturering", lambda: _contracts(drafts, send)),
    ]


def _customers(drafts: Sequence[InvoiceDraft], send: Send) -> Iterator[Problem]:
    active = {
        str(item.get("CustomerNumber"))
        for item in items(send, "/3/customers", "Customers", filter="active")
    }
    for draft in _one_each(drafts):
        number = draft.accounting_number
        if not number:
            yield Problem(
                f"{draft.customer_name} saknar kundnummer",
                f"Ange kundens nummer i Fortnox {_REGISTER}.",
                draft.customer_key,
            )
        elif number not in active:
            yield _customer_problem(draft, number, send)


def _customer_problem(draft: InvoiceDraft, number: str, send: Send) -> Problem:
    customer = _entry(send, f"/3/customers/{quote(number, safe='')}", "Customer")
    if customer is None:
        return Problem(
            f"Kund {number} ({draft.customer_name}) finns inte i Fortnox",
            f"Lägg upp kunden i Fortnox eller rätta numret {_REGISTER}.",
            draft.customer_key,
        )
    return Problem(
        f"Kund {number} ({draft.customer_name}) är inaktiv i Fortnox",
        f"Aktivera kunden i Fortnox eller rätta numret {_REGISTER}.",
        draft.customer_key,
    )


def _articles(used: set[str], settings: FortnoxSettings, send: Send) -> Iterator[Problem]:
    wanted = {"fee": settings.fee_article, "overage": settings.hour_article}
    for kind, number in wanted.items():
        if kind not in used:
            continue
        key = "fee_article" if kind == "fee" else "hour_article"
        article = _entry(send, f"/3/articles/{quote(number, safe='')}", "Article")
        if article is None:
            yield Problem(
                f"Artikel {number} finns inte i Fortnox",
                f"Lägg upp artikeln i Fortnox eller rätta {key} i avtald.toml.",
            )
        elif article.get("Active") is False:
            yield Problem(f"Artikel {number} är inaktiv i Fortnox", "Aktivera artikeln i Fortnox.")


def _units(used: set[str], send: Send) -> Iterator[Problem]:
    known = {str(item.get("Code")) for item in items(send, "/3/units", "Units")}
    for unit in sorted(used - known):
        yield Problem(
            f"Enheten {unit} finns inte i Fortnox",
            f"Lägg upp enheten {unit} i Fortnox under Inställningar, Register, Enheter.",
        )


def _locked(drafts: Sequence[InvoiceDraft], send: Send) -> Iterator[Problem]:
    what = "läsa låst period"
    answer = send(Call("GET", "/3/settings/lockedperiod", what))
    end = reading(what, _end_of, answer)
    for draft in drafts:
        if end is not None and draft.date <= end:
            yield Problem(
                f"Perioden är låst till och med {end}: {draft.reference} är daterad {draft.date}",
                "Lås upp perioden i Fortnox, eller fakturera månaden för hand.",
                draft.customer_key,
                reference=draft.reference,
            )


def _end_of(answer: Any) -> dt.date | None:
    end = mapping.member(answer, "LockedPeriod").get("EndDate")
    return dt.date.fromisoformat(end) if end else None


def _contracts(drafts: Sequence[InvoiceDraft], send: Send) -> Iterator[Problem]:
    running: dict[str, list[str]] = {}
    for item in items(send, "/3/contracts", "Contracts", filter="active"):
        number = str(item.get("CustomerNumber"))
        running.setdefault(number, []).append(str(item.get("DocumentNumber")))
    for draft in _one_each(draft for draft in drafts if _has_fee(draft)):
        contracts = running.get(draft.accounting_number or "")
        if contracts:
            yield Problem(
                f"{draft.customer_name} har löpande avtal i Fortnox ({', '.join(contracts)})",
                "Kontrollera att avgiften inte faktureras två gånger; avsluta annars avtalet där.",
                draft.customer_key,
                warning=True,
            )


def _one_each(drafts: Iterable[InvoiceDraft]) -> Iterable[InvoiceDraft]:
    """One draft of each customer, for problems told once a run and customer."""
    return {draft.customer_key: draft for draft in drafts}.values()


def _has_fee(draft: InvoiceDraft) -> bool:
    return any(row.kind == "fee" for row in draft.rows)


def _optional(what: str, check: Callable[[], Iterable[Problem]]) -> Sequence[Problem]:
    """A check that may lack the company's right or licence: then its problem is only a warning."""
    try:
        return list(check())
    except AccountingError as error:
        if error.fault is not Fault.ACCESS or isinstance(error, NoAccessError):
            raise
        return [Problem(f"Kunde inte kontrollera {what}: {error}", error.remedy, warning=True)]


def _entry(send: Send, path: str, name: str) -> dict[str, Any] | None:
    """One entry of a register; None if it is not there: Fortnox has a code of its own for this."""
    what = f"läsa {path}"
    try:
        answer = send(Call("GET", path, what))
    except AccountingError as error:
        if error.fault is Fault.REFUSED:
            return None
        raise
    return reading(what, mapping.member, answer, name)
