"""A daily look at our invoices: changes by people are told, and never mended (I4)."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import Alarm
from daemon.desk.month import finance
from daemon.desk.month.invoice_drafts import difference, draft_of
from daemon.desk.month.pushing import tell_of_access
from daemon.desk.outgoing.mailing import Post, post
from daemon.desk.ports import Accounting
from daemon.domain.invoice import AccountingError, AccountingInvoice, Fault
from daemon.store import leases, rows
from daemon.store.money import invoices
from daemon.store.money.invoices import Pushed
from daemon.store.session import Tx

log = structlog.get_logger("avtald.drift")

_AT = dt.time(5)  # in the desk's zone: after the night's closing, before people come
_AGAIN = dt.timedelta(hours=1)  # after a fault
_READ_WHOLE = dt.timedelta(days=30)  # an unpaid one at least so often, whatever the list says
_LEASE = dt.timedelta(hours=1)
_NEXT, _LAST = "drift-next", "drift-last"


@dataclass(frozen=True, slots=True)
class Finding:
    """A change by somebody to an invoice of ours, for finance to know."""

    reference: str
    number: str
    kind: str  # gone, cancelled, credited, changed, copied
    detail: str = ""

    @property
    def key(self) -> str:
        """The same for the same change, so finance hears of it once."""
        return f"{self.kind}:{self.detail}"


def look_for_drift(desk: Desk, accounting: Accounting, now: dt.datetime) -> bool:
    """Look once a day; True where it was time for it."""
    with desk.store.writing() as tx:
        if not _is_time(tx, desk, now) or not leases.take(tx, "drift", _LEASE):
            return False
        ours = invoices.pushed(tx, now)
        rows.keep_fact(tx, _NEXT, (now + _AGAIN).isoformat())  # whatever becomes of this look
    try:
        if ours:
            _look(desk, accounting, ours, now)
    except AccountingError as error:
        with desk.store.writing() as tx:
            tell_of_access(tx, desk, error, now)
    else:
        with desk.store.writing() as tx:
            rows.keep_fact(tx, _NEXT, _next_look(desk, now).isoformat())
    with desk.store.writing() as tx:
        leases.give_back(tx, "drift")
    return True


def _is_time(tx: Tx, desk: Desk, now: dt.datetime) -> bool:
    """True where the next look is due; the first one waits for its hour."""
    kept = rows.fact(tx, _NEXT)
    if kept is None:
        rows.keep_fact(tx, _NEXT, _next_look(desk, now).isoformat())
    return kept is not None and dt.datetime.fromisoformat(kept) <= now


def _next_look(desk: Desk, now: dt.datetime) -> dt.datetime:
    local = now.astimezone(desk.zone)
    day = local.date() + dt.timedelta(days=local.time() >= _AT)
    return dt.datetime.combine(day, _AT, tzinfo=desk.zone).astimezone(dt.UTC)


def _look(desk: Desk, accounting: Accounting, ours: Sequence[Pushed], now: dt.datetime) -> None:
    """Read two lists, then each invoice with news in them; note everything in one go."""
    with desk.store.reading() as tx:
        kept = rows.fact(tx, _LAST)
    last = dt.datetime.fromisoformat(kept) if kept else min(each.pushed_at for each in ours)
    listed = list(accounting.changed_since(None))
    changed = {each.number for each in accounting.changed_since(last)}
    by_number = {each.number: each for each in listed}
    copies = _copies(listed, {each.number for each in ours})
    seen: list[tuple[Pushed, dict[str, Any], list[Finding]]] = []
    for pushed in ours:
        item, others = by_number.get(pushed.number), copies.get(pushed.reference, ())
        if pushed.number in changed or _is_news(pushed, item, others, now):
            seen.append((pushed, *_seen(desk, accounting, pushed, others, now)))
    with desk.store.writing() as tx:
        for pushed, condition, _ in seen:
            invoices.note_condition(tx, pushed.id, condition)
        _tell(tx, desk, [finding for *_, findings in seen for finding in findings], now)
        rows.keep_fact(tx, _LAST, now.isoformat())


def _copies(listed: Iterable[AccountingInvoice], numbers: set[str]) -> Mapping[str, Sequence[str]]:
    """Live invoices of others with a reference of ours: copies, and credit notes."""
    copies: dict[str, list[str]] = {}
    for invoice in listed:
        if invoice.number not in numbers and not invoice.cancelled:
            copies.setdefault(invoice.reference, []).append(invoice.number)
    return copies


def _flags(invoice: AccountingInvoice) -> dict[str, Any]:
    return {
        "booked": invoice.booked,
        "sent": invoice.sent,
        "cancelled": invoice.cancelled,
        "paid_on": invoice.paid_on and invoice.paid_on.isoformat(),
    }


_UNTOUCHED = {"booked": False, "sent": False, "cancelled": False, "paid_on": None}


def _is_news(
    pushed: Pushed, item: AccountingInvoice | None, others: Sequence[str], now: dt.datetime
) -> bool:
    """True where the list says something new, or has been believed for long."""
    condition = pushed.condition or {}
    if item is None:
        return not condition.get("gone")
    before = {name: condition.get(name, value) for name, value in _UNTOUCHED.items()}
    if _flags(item) != before or sorted(others) != condition.get("others", []):
        return True
    read_at = dt.datetime.fromisoformat(condition.get("read_at", pushed.pushed_at.isoformat()))
    settled = item.cancelled or item.paid_on is not None
    return not settled and now - read_at >= _READ_WHOLE


def _seen(
    desk: Desk, accounting: Accounting, pushed: Pushed, others: Sequence[str], now: dt.datetime
) -> tuple[dict[str, Any], list[Finding]]:
    """The condition of an invoice now, and its changes since finance heard of it."""
    condition = dict(pushed.condition or {})
    try:
        invoice = accounting.read(pushed.number)
        findings = _findings(desk, pushed, invoice)
        findings += [
            Finding(pushed.reference, pushed.number, "copied", number)
            for number in set(others) - set(condition.get("others", []))
            if _is_copy(accounting.read(number))
        ]
    except AccountingError as error:
        if error.fault not in (Fault.REFUSED, Fault.BUG):
            raise
        log.warning("an invoice cannot be read", number=pushed.number, fault=error.fault.value)
        return condition, []
    condition |= _UNTOUCHED if invoice is None else _flags(invoice)
    condition["gone"] = invoice is None
    condition["credited_by"] = invoice and invoice.credited_by
    condition["others"] = sorted(others)
    condition["read_at"] = now.isoformat()
    told = condition.get("told", [])
    news = [each for each in findings if each.key not in told]
    condition["told"] = told + [each.key for each in news]
    return condition, news


def _is_copy(invoice: AccountingInvoice | None) -> bool:
    return invoice is not None and not invoice.credit and not invoice.cancelled


def _findings(desk: Desk, pushed: Pushed, invoice: AccountingInvoice | None) -> list[Finding]:
    """The differences to the invoice as we made it; it may be booked, sent and paid."""
    kinds: list[tuple[str, str]] = []
    if invoice is None or invoice.cancelled:
        kinds.append(("gone" if invoice is None else "cancelled", ""))
    else:
        if invoice.credited_by:
            kinds.append(("credited", invoice.credited_by))
        with desk.store.reading() as tx:
            wrong = difference(draft_of(tx, desk, pushed.statement_id), invoice)
        if wrong is not None and wrong != pushed.fault:  # an early difference is told already (I3)
            kinds.append(("changed", wrong))
        made_for = (pushed.condition or {}).get("customer_number")  # the register may have changed
        if made_for and invoice.customer_number not in (None, made_for):
            kinds.append(("changed", f"{invoice.customer_number} ≠ {made_for}"))
    return [Finding(pushed.reference, pushed.number, *each) for each in kinds]


def _tell(tx: Tx, desk: Desk, findings: Sequence[Finding], now: dt.datetime) -> None:
    """Send one mail for all findings of a look."""
    if not findings:
        return
    letter = Alarm(
        sentence("drift", desk.language, count=len(findings)),
        sentence("drift_remedy", desk.language),
        tuple((each.reference, _said(each, desk.language)) for each in findings),
    )
    digest = desk.digest(*(f"{each.reference} {each.key}" for each in findings), length=16)
    post(tx, desk, letter, Post(f"drift:{digest}", "alarm", finance.readers(tx, desk)), now)


def _said(finding: Finding, language: str) -> str:
    number, detail = finding.number, finding.detail
    return sentence(f"drift_{finding.kind}", language, number=number, detail=detail)
