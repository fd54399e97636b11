"""A daily look at our invoices: what people did to them is told, and never mended (I4)."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from daemon.desk.context import Desk
from daemon.desk.letters.records import Alarm
from daemon.desk.letters.sentences import sentence
from daemon.desk.month import finance_mail, invoicing
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
    """What somebody did to an invoice of ours, for finance to know."""

    reference: str
    number: str
    kind: str  # gone, cancelled, credited, changed, copied
    detail: str = ""

    @property
    def key(self) -> str:
        """The same for the same thing: it is told once."""
        return f"{self.kind}:{self.detail}"


def step(desk: Desk, accounting: Accounting, now: dt.datetime) -> bool:
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
            invoicing.tell_of_access(tx, desk, error, now)
    else:
        with desk.store.writing() as tx:
            rows.keep_fact(tx, _NEXT, _next_look(desk, now).isoformat())
    with desk.store.writing() as tx:
        leases.give_back(tx, "drift")
    return True


def _is_time(tx: Tx, desk: Desk, now: dt.datetime) -> bool:
    """Whether the next look is due; the first waits for its hour, for all was just verified."""
    kept = rows.fact(tx, _NEXT)
    if kept is None:
        rows.keep_fact(tx, _NEXT, _next_look(desk, now).isoformat())
    return kept is not None and dt.datetime.fromisoformat(kept) <= now


def _next_look(desk: Desk, now: dt.datetime) -> dt.datetime:
    local = now.astimezone(desk.zone)
    day = local.date() + dt.timedelta(days=local.time() >= _AT)
    return dt.datetime.combine(day, _AT, tzinfo=desk.zone).astimezone(dt.UTC)


def _look(desk: Desk, accounting: Accounting, ours: Sequence[Pushed], now: dt.datetime) -> None:
    """Two lists, then each invoice that they say anything new of; all is noted in one go."""
    with desk.store.reading() as tx:
        kept = rows.fact(tx, _LAST)
    last = dt.datetime.fromisoformat(kept) if kept else min(each.pushed_at for each in ours)
    listed = list(accounting.changed_since(None))
    changed = {each.number for each in accounting.changed_since(last)}
    by_number = {each.number: each for each in listed}
    copies = _copies(listed, {each.number for each in ours})
    seen: list[tuple[Pushed, dict[str, Any], list[Finding]]] = []
    for each in ours:
        item, others = by_number.get(each.number), copies.get(each.reference, ())
        if each.number in changed or _is_news(each, item, others, now):
            seen.append((each, *_seen(desk, accounting, each, others, now)))
    with desk.store.writing() as tx:
        for each, condition, _ in seen:
            invoices.note_condition(tx, each.id, condition)
        _tell(tx, desk, [finding for *_, findings in seen for finding in findings], now)
        rows.keep_fact(tx, _LAST, now.isoformat())


def _copies(listed: Iterable[AccountingInvoice], numbers: set[str]) -> Mapping[str, Sequence[str]]:
    """Live invoices with a reference of ours that are not ours: copies, and credit notes."""
    found: dict[str, list[str]] = {}
    for each in listed:
        if each.number not in numbers and not each.cancelled:
            found.setdefault(each.reference, []).append(each.number)
    return found


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
    """Whether the list says something that we have not seen, or has been believed for long."""
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
    """What an invoice is like now, and what of it finance has not heard."""
    condition = dict(pushed.condition or {})
    try:
        invoice = accounting.read(pushed.number)
        found = _findings(desk, pushed, invoice)
        found += [
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
    news = [each for each in found if each.key not in told]
    condition["told"] = told + [each.key for each in news]
    return condition, news


def _is_copy(invoice: AccountingInvoice | None) -> bool:
    return invoice is not None and not invoice.credit and not invoice.cancelled


def _findings(desk: Desk, pushed: Pushed, invoice: AccountingInvoice | None) -> list[Finding]:
    """What is not as we made it; booked, sent and paid are what invoices are made for."""

    def finding(kind: str, detail: str = "") -> list[Finding]:
        return [Finding(pushed.reference, pushed.number, kind, detail)]

    if invoice is None:
        return finding("gone")
    if invoice.cancelled:
        return finding("cancelled")
    found = finding("credited", invoice.credited_by) if invoice.credited_by else []
    with desk.store.reading() as tx:
        wrong = invoicing.difference(invoicing.draft_of(tx, desk, pushed.statement_id), invoice)
    if wrong is not None and wrong != pushed.fault:  # what differed at once was told at once (I3)
        found += finding("changed", wrong)
    made_for = (pushed.condition or {}).get("customer_number")  # the register may say another now
    if made_for and invoice.customer_number not in (None, made_for):
        found += finding("changed", f"{invoice.customer_number} ≠ {made_for}")
    return found


def _tell(tx: Tx, desk: Desk, findings: Sequence[Finding], now: dt.datetime) -> None:
    """One mail for all that a look found."""
    if not findings:
        return
    language = desk.language
    letter = Alarm(
        sentence("drift", language, count=len(findings)),
        sentence("drift_remedy", language),
        tuple(
            (each.reference, sentence(f"drift_{each.kind}", language, **_facts(each)))
            for each in findings
        ),
    )
    to = finance_mail.finance(tx, desk) or desk.settings.desk.operators
    digest = desk.digest(*(f"{each.reference} {each.key}" for each in findings), length=16)
    post(
        tx,
        desk,
        letter,
        Post(
            key=f"drift:{digest}",
            kind="alarm",
            to=tuple(("", each) for each in to),
            language=language,
        ),
        now,
    )


def _facts(finding: Finding) -> dict[str, str]:
    return {"number": finding.number, "detail": finding.detail}
