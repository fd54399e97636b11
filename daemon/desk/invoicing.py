"""Pushing invoices: intent before request, look up before repeat (I1–I5)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from daemon.desk import alarms, closing, finance_mail
from daemon.desk.context import Desk
from daemon.desk.letters import Alarm
from daemon.desk.ports import Accounting
from daemon.desk.sentences import sentence
from daemon.domain.billing import invoice_rows
from daemon.domain.invoice import AccountingError, AccountingInvoice, Fault, InvoiceDraft, Problem
from daemon.domain.periods import Period
from daemon.store import events, register, statements
from daemon.store.session import Tx
from daemon.store.statements import Waiting

log = structlog.get_logger("avtald.invoicing")

# I1: an unclear answer is looked up so long after the request, and after each look-up before.
LOOKUPS = (dt.timedelta(seconds=15), dt.timedelta(seconds=60), dt.timedelta(minutes=5))
AGAIN = dt.timedelta(minutes=5)  # after a fault that passes by itself
ACCESS_AGAIN = dt.timedelta(minutes=30)  # after a fault of access: I5


def draft_of(tx: Tx, desk: Desk, statement_id: int) -> InvoiceDraft:
    """The invoice of a frozen statement: its fee and overage rows (H2, I1)."""
    frozen = statements.by_id(tx, statement_id)
    customer = register.customer(tx, frozen.customer_id)
    month = Period.parse(frozen.month)
    language = closing.invoice_language(desk, customer)
    rows = statements.printed_rows(tx, statement_id)
    return InvoiceDraft(
        reference=frozen.reference,
        customer_key=customer.key,
        customer_name=customer.name,
        accounting_number=customer.accounting_number,
        date=month.last_day,
        language=language,
        our_reference=desk.settings.desk.name,
        your_reference=customer.your_reference or "",
        order_number=customer.order_number or "",
        remarks=finance_mail.remarks(
            [text for row, text in rows if row.kind == "text"], month, language
        ),
        rows=tuple(
            replace(made, description=text)
            for row, text in rows
            for made in invoice_rows([row], language)
        ),
    )


def step(desk: Desk, accounting: Accounting, now: dt.datetime) -> bool:
    """Push, or look up, what is due; one preflight for all of it. True where anything was due."""
    with desk.store.reading() as tx:
        due = statements.waiting_invoices(tx, now)
        drafts = [draft_of(tx, desk, statement_id) for statement_id in due]
    if not due:
        return False
    try:
        problems = accounting.preflight(drafts)
    except AccountingError as error:
        _stop(desk, error, now)
        return True
    if not _access_is_well(desk, problems, now):
        return True
    broken = {p.customer_key: p for p in problems if p.customer_key and not p.warning}
    for _ in due:
        if not _push_one(desk, accounting, broken, now):
            break
    _report_late(desk, now)
    return True


def _access_is_well(desk: Desk, problems: Sequence[Problem], now: dt.datetime) -> bool:
    """I5: a fault that concerns everybody stops the run, and is told once."""
    for problem in problems:
        if problem.customer_key is None and not problem.warning:
            error = AccountingError(Fault.ACCESS, problem.message, remedy=problem.remedy)
            _stop(desk, error, now)
            return False
    with desk.store.writing() as tx:
        alarms.clear(tx, "accounting", now)
        for problem in problems:
            if problem.warning:
                finance_mail.warn(tx, desk, problem, now)
    return True


def _stop(desk: Desk, error: AccountingError, now: dt.datetime) -> None:
    """I5: nothing is tried for a while; finance and operators hear of it once."""
    log.warning("accounting out of reach", fault=error.fault.value)
    with desk.store.writing() as tx:
        statements.postpone_all(tx, now + (ACCESS_AGAIN if error.fault is Fault.ACCESS else AGAIN))
        if error.fault is Fault.ACCESS:
            everybody = (*finance_mail.finance(tx, desk), *desk.settings.desk.operators)
            letter = Alarm(str(error), error.remedy)
            alarms.raise_alarm(
                tx, desk, "accounting", letter, now, to=tuple(dict.fromkeys(everybody))
            )


def _push_one(
    desk: Desk, accounting: Accounting, broken: Mapping[str, Problem], now: dt.datetime
) -> bool:
    """Bring one invoice a step on; False where the run has to stop, or nothing is left."""
    with desk.store.writing() as tx:
        waiting = statements.claim_invoice(tx, now)
        if waiting is None:
            return False
        draft = draft_of(tx, desk, waiting.statement_id)
        problem = broken.get(draft.customer_key)
        if problem is not None and waiting.state == "waiting":
            _fault(tx, desk, waiting, now, text=problem.message, remedy=problem.remedy)
            return True
        if waiting.state == "intent":
            # The program stopped between intent and outcome: nobody knows, so it is looked up.
            _unclear(tx, waiting, waiting.intent_at or now, now)
            return True
    try:
        return _find_or_create(desk, accounting, waiting, draft, now)
    except AccountingError as error:
        return _failed(desk, waiting, error, now)


def _find_or_create(
    desk: Desk, accounting: Accounting, waiting: Waiting, draft: InvoiceDraft, now: dt.datetime
) -> bool:
    """Look up by the key first, always; create only where that found nothing (I1)."""
    found = accounting.find(draft.reference)
    if len(found) > 1:
        numbers = ", ".join(each.number for each in found)
        text = sentence(
            "several", desk.settings.desk.language, reference=draft.reference, numbers=numbers
        )
        with desk.store.writing() as tx:
            _fault(tx, desk, waiting, now, text=text, alarm=True)
        return True
    if found:
        _pushed(desk, waiting, draft, found[0], now)
        return True
    if waiting.state == "unclear" and waiting.lookups + 1 < len(LOOKUPS):
        with desk.store.writing() as tx:
            statements.set_invoice(
                tx, waiting.id, lookups=waiting.lookups + 1,
                next_at=now + LOOKUPS[waiting.lookups + 1],
            )  # fmt: skip
        return True
    if not _intend(desk, waiting, now):
        return True
    _pushed(desk, waiting, draft, accounting.create(draft), now)
    return True


def _intend(desk: Desk, waiting: Waiting, now: dt.datetime) -> bool:
    """Make the intent durable before the request leaves (I1)."""
    with desk.store.writing() as tx:
        return statements.set_invoice(
            tx, waiting.id, keep_lease=True, state="intent", intent_at=now, lookups=0,
            attempts=waiting.attempts + 1,
        )  # fmt: skip


def _pushed(
    desk: Desk, waiting: Waiting, draft: InvoiceDraft, echo: AccountingInvoice, now: dt.datetime
) -> None:
    """Note the number; a difference between echo and statement is an alarm (I3)."""
    wrong = difference(draft, echo)
    with desk.store.writing() as tx:
        statements.set_invoice(
            tx, waiting.id, state="pushed", number=echo.number, link=echo.link, pushed_at=now,
            next_at=None, fault=wrong, remedy=None,
        )  # fmt: skip
        events.record(
            tx, at=now, kind="invoice-pushed", actor="avtald", cause=draft.reference,
            customer_id=waiting.customer_id, data={"number": echo.number},
        )  # fmt: skip
        if wrong is not None:
            text = sentence("differs", desk.settings.desk.language, number=echo.number, what=wrong)
            _alarm(tx, desk, f"differs:{draft.reference}", Alarm(text, ""), now)


def difference(draft: InvoiceDraft, echo: AccountingInvoice) -> str | None:
    """I3: what of the fee and overage rows or the net is not as the statement has it."""
    if echo.reference != draft.reference:
        return f"{echo.reference or '–'} ≠ {draft.reference}"
    if echo.net is not None and echo.net != draft.net:
        return f"{echo.net} ≠ {draft.net}"
    # Descriptions are cleaned to the system's own characters: they are not compared.
    ours = [f"{row.kind} {row.quantity:.2f} {row.unit} à {row.price}" for row in draft.rows]
    theirs = [f"{row.kind} {row.quantity:.2f} {row.unit} à {row.price}" for row in echo.rows]
    return None if ours == theirs else f"{'; '.join(theirs)} ≠ {'; '.join(ours)}"


def _failed(desk: Desk, waiting: Waiting, error: AccountingError, now: dt.datetime) -> bool:
    """What a failed call means for this invoice, and for the run (I1, I5)."""
    log.warning("push failed", reference=waiting.reference, fault=error.fault.value)
    intended = _is_intended(desk, waiting)
    with desk.store.writing() as tx:
        if error.fault is Fault.UNCLEAR and intended:
            _unclear(tx, waiting, now, now)
        elif error.fault in (Fault.REFUSED, Fault.BUG):
            bug = error.fault is Fault.BUG
            _fault(tx, desk, waiting, now, text=str(error), remedy=error.remedy, alarm=bug)
        else:
            # The look-up failed, or the request certainly did nothing: later, from the same place.
            state = "waiting" if intended else waiting.state
            statements.set_invoice(tx, waiting.id, state=state, next_at=now + AGAIN)
    if error.fault is Fault.ACCESS:
        _stop(desk, error, now)
        return False
    return error.fault is not Fault.TEMPORARY


def _is_intended(desk: Desk, waiting: Waiting) -> bool:
    with desk.store.reading() as tx:
        return statements.state_of(tx, waiting.id) == "intent"


def _unclear(tx: Tx, waiting: Waiting, since: dt.datetime, now: dt.datetime) -> None:
    """I1: look up 15 s after the request first; a look-up proves something only by then."""
    statements.set_invoice(
        tx, waiting.id, state="unclear", lookups=0, next_at=max(now, since + LOOKUPS[0])
    )


def _fault(
    tx: Tx, desk: Desk, waiting: Waiting, now: dt.datetime, *, text: str, remedy: str = "",
    alarm: bool = False,
) -> None:  # fmt: skip
    """I5: this customer's invoice waits for somebody to mend it; the others go on."""
    statements.set_invoice(tx, waiting.id, state="fault", fault=text, remedy=remedy, next_at=None)
    if alarm:
        _alarm(tx, desk, f"invoice:{waiting.reference}", Alarm(text, remedy), now)


def _alarm(tx: Tx, desk: Desk, key: str, letter: Alarm, now: dt.datetime) -> None:
    to = tuple(dict.fromkeys((*finance_mail.finance(tx, desk), *desk.settings.desk.operators)))
    alarms.raise_alarm(tx, desk, key, letter, now, to=to)


def _report_late(desk: Desk, now: dt.datetime) -> None:
    """H7: what was pushed, or failed, after finance had its mail is told in one more."""
    with desk.store.writing() as tx:
        for row in statements.closing_rows(tx):
            if row.mailed_at is not None:
                finance_mail.pushed_late(tx, desk, Period.parse(row.month), row.mailed_at, now)
