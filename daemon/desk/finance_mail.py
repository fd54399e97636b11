"""What finance reads: one mail a close, and what became of its drafts later (H7)."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from typing import Any

from daemon.desk import alarms
from daemon.desk.context import Desk
from daemon.desk.letters import Alarm, Close, HeldCustomer, InvoiceReport, StatementSummary
from daemon.desk.mailing import Post, post
from daemon.domain.billing import Row
from daemon.domain.document import Document
from daemon.domain.invoice import Problem
from daemon.domain.money import total
from daemon.domain.periods import Period
from daemon.domain.register import Customer
from daemon.store import ledger, register, statements, tickets
from daemon.store.session import Tx
from daemon.store.statements import Frozen

_REMARKS = 1000  # characters that accounting systems take


def finance(tx: Tx, desk: Desk) -> tuple[str, ...]:
    """Who is told: the addresses of the settings and the people with that role."""
    people = (person.email for person in register.people_with_role(tx, "finance"))
    return tuple(dict.fromkeys((*desk.settings.accounting.finance, *people)))


def _readers(tx: Tx, desk: Desk) -> tuple[tuple[str, str], ...]:
    """Finance; the operators where nobody is named."""
    return tuple(("", each) for each in finance(tx, desk) or desk.settings.desk.operators)


def closed(
    tx: Tx, desk: Desk, month: Period, held: Sequence[tuple[Customer, Sequence[Any]]],
    now: dt.datetime,
) -> None:  # fmt: skip
    """H7: the mail of a close."""
    found = statements.listing(tx, month=str(month))
    _mail(tx, desk, month, found, now, held=held)


def released(
    tx: Tx, desk: Desk, month: Period, customer_ids: Sequence[int], now: dt.datetime
) -> None:
    """Statements of customers that were held when finance got its mail."""
    found = [f for f in statements.listing(tx, month=str(month)) if f.customer_id in customer_ids]
    _mail(tx, desk, month, found, now, late="-".join(map(str, sorted(customer_ids))))


def _mail(
    tx: Tx, desk: Desk, month: Period, found: Sequence[Frozen], now: dt.datetime, *,
    held: Sequence[tuple[Customer, Sequence[Any]]] = (), late: str = "",
) -> None:  # fmt: skip
    billed = [each for each in found if each.net or statements.has_rows(tx, each.id)]
    letter = Close(
        month=str(month),
        statements=tuple(summary(tx, each) for each in billed),
        held=tuple(
            HeldCustomer(customer.name, customer.key, tuple(each.text for each in why))
            for customer, why in held
        ),
        unplaced=() if late else _unplaced(tx),
        total=total(each.net for each in found),
        approval=any(each.state == "approval" for each in found),
        released_late=bool(late),
    )
    post(
        tx, desk, letter,
        Post(
            key=f"close:{month!s}:{late}", kind="close", about=f"close:{month!s}",
            to=_readers(tx, desk),
            language=desk.settings.desk.language, attachments=specification(tx, desk, month, found),
        ),
        now,
    )  # fmt: skip


def summary(tx: Tx, frozen: Frozen) -> StatementSummary:
    """One statement as finance reads it."""
    customer = register.customer(tx, frozen.customer_id)
    rows = [each for each in statements.printed_rows(tx, frozen.id) if each[0].kind != "text"]
    return StatementSummary(
        customer=customer.name,
        customer_key=customer.key,
        reference=frozen.reference,
        net=frozen.net,
        rows=tuple(
            (
                text, str(row.quantity), row.unit,
                str(row.price), str(row.amount),
            )
            for row, text in rows
        ),
        left_out=frozen.left_out or None,
        state=frozen.state,
        number=frozen.number,
        link=frozen.link,
    )  # fmt: skip


def _unplaced(tx: Tx) -> tuple[tuple[int, str, int], ...]:
    """H6: time on tickets without customer: billed once they are placed."""
    minutes: dict[int, int] = {}
    for booking in ledger.unplaced(tx):
        ticket_id = booking.entry.ticket
        minutes[ticket_id] = minutes.get(ticket_id, 0) + booking.entry.actual
    found = [(tickets.by_id(tx, ticket_id), each) for ticket_id, each in sorted(minutes.items())]
    return tuple((ticket.number, ticket.subject, each) for ticket, each in found)


# --- the specification ------------------------------------------------------------------------

_HEADER = (
    "reference",
    "ticket",
    "subject",
    "date",
    "engineer",
    "minutes",
    "from_bank",
    "overage",
    "billable",
)


def specification(
    tx: Tx, desk: Desk, month: Period, found: Iterable[Frozen]
) -> tuple[Document, ...]:
    """H2, H7: tickets, dates, engineers and minutes behind the rows, as CSV for a spreadsheet."""
    del desk
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(_HEADER)
    for frozen in found:
        for row in statements.rows_of(tx, frozen.id):
            if row.work is not None:
                writer.writerow([harmless(cell) for cell in _cells(tx, frozen, row)])
    content = out.getvalue().encode("utf-8-sig")
    return (Document(f"specifikation-{month!s}.csv", "text/csv", content),)


def _cells(tx: Tx, frozen: Frozen, row: Row) -> tuple[object, ...]:
    work = row.work
    assert work is not None  # noqa: S101  the caller has looked
    ticket = tickets.by_number(tx, work.ticket)
    person = register.person(tx, work.engineer)
    return (
        frozen.reference, work.ticket, ticket.subject if ticket else "", work.worked_on,
        person.name if person else work.engineer, work.actual, work.from_bank, work.overage,
        "ja" if work.counts else "nej",
    )  # fmt: skip


def harmless(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(cell, str) and cell.lstrip()[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{cell}"
    return cell


def remarks(lines: Iterable[str], month: Period, language: str) -> str:
    """H2: the tickets behind an invoice, as far as they fit in what is printed on it."""
    text = month.name(language)
    for line in lines:
        if len(text) + len(line) + 2 > _REMARKS:
            return text + "\n…"
        text += "\n" + line
    return text


# --- after the mail ---------------------------------------------------------------------------


def pushed_late(
    tx: Tx, desk: Desk, month: Period, mailed_at: dt.datetime, now: dt.datetime
) -> None:
    """Tell what was pushed or has failed since finance's mail about a month."""
    news = statements.news_since(tx, str(month), mailed_at)
    if not news:
        return
    pushed = [each for each in news if each.state == "pushed"]
    faults = [each for each in news if each.state == "fault"]
    letter = InvoiceReport(
        str(month),
        tuple(summary(tx, each) for each in pushed),
        tuple((each.reference, each.fault or "", each.remedy or "") for each in faults),
    )
    key = ",".join(f"{each.reference}:{each.state}:{each.number}" for each in news)
    post(
        tx, desk, letter,
        Post(
            key=f"invoices:{month!s}:{desk.digest(key, length=16)}", kind="invoices",
            to=_readers(tx, desk),
            language=desk.settings.desk.language,
        ),
        now,
    )  # fmt: skip


def warn(tx: Tx, desk: Desk, problem: Problem, now: dt.datetime) -> None:
    """A preflight's warning: told once."""
    to = finance(tx, desk) or desk.settings.desk.operators
    key = f"preflight:{desk.digest(problem.message, length=16)}"
    alarms.raise_alarm(tx, desk, key, Alarm(problem.message, problem.remedy), now, to=to)
