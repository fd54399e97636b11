"""Invoice drafts: made of frozen statements, and compared with their echo (H2, I1–I3)."""

from collections.abc import Iterable
from dataclasses import replace

from daemon.desk.context import Desk
from daemon.desk.month.statement_facts import invoice_language
from daemon.domain.billing import invoice_rows
from daemon.domain.invoice import CURRENCY, AccountingInvoice, InvoiceDraft, Problem
from daemon.domain.periods import Period
from daemon.store.money import register, statements
from daemon.store.session import Tx

_REMARKS = 1000  # characters that accounting systems take


def draft_of(tx: Tx, desk: Desk, statement_id: int) -> InvoiceDraft:
    """The invoice of a frozen statement: its fee and overage rows (H2, I1)."""
    frozen = statements.by_id(tx, statement_id)
    customer = register.customer(tx, frozen.customer_id)
    month = Period.parse(frozen.month)
    language = invoice_language(desk, customer)
    printed = statements.printed_rows(tx, statement_id)
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
        remarks=_remarks([text for row, text in printed if row.kind == "text"], month, language),
        rows=tuple(
            replace(made, description=text)
            for row, text in printed
            for made in invoice_rows([row], language)
        ),
    )


def _remarks(lines: Iterable[str], month: Period, language: str) -> str:
    """H2: the month and the tickets behind an invoice, as far as there is room on it."""
    text = month.name(language)
    for line in lines:
        if len(text) + len(line) + 2 > _REMARKS:
            return text + "\n…"
        text += "\n" + line
    return text


def stops(problem: Problem, draft: InvoiceDraft) -> bool:
    """True where a preflight's problem stops this draft."""
    if problem.warning or problem.customer_key != draft.customer_key:
        return False
    return problem.reference in (None, draft.reference)


def difference(draft: InvoiceDraft, echo: AccountingInvoice) -> str | None:
    """I3: the first difference in key, net, fees, currency, date or rows, for people to read."""
    if echo.reference != draft.reference:
        return f"{echo.reference or '–'} ≠ {draft.reference}"
    if echo.net is not None and echo.net != draft.net:
        return f"{echo.net} ≠ {draft.net}"
    if echo.fees:
        return f"{draft.net} + {echo.fees} ≠ {draft.net}"
    for told, meant in ((echo.currency, CURRENCY), (echo.date, draft.date)):
        if told not in (None, meant):
            return f"{told} ≠ {meant}"
    # Descriptions are cleaned to the system's own characters: they are not compared.
    theirs, ours = (
        "; ".join(f"{row.kind} {row.quantity:.2f} {row.unit} à {row.price}" for row in rows)
        for rows in (echo.rows, draft.rows)
    )
    return None if ours == theirs else f"{theirs} ≠ {ours}"


def wrong_customer(draft: InvoiceDraft, echo: AccountingInvoice) -> str | None:
    """I3: the customer numbers of echo and draft, where they differ."""
    if echo.customer_number in (None, draft.accounting_number):
        return None
    return f"{echo.customer_number} ≠ {draft.accounting_number}"
