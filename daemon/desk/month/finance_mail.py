"""Finance's mails: one a close, one for statements released later, one for late invoices (H7)."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.letters.to_office import (
    Close,
    HeldCustomer,
    InvoiceReport,
    StatementSummary,
)
from daemon.desk.month import approving, finance, specifications
from daemon.desk.month.enclosures import Enclosed, enclose
from daemon.desk.month.hindrances import why_held
from daemon.desk.outgoing import alarms
from daemon.desk.outgoing.mailing import Post, post
from daemon.desk.ports import PdfPrinter
from daemon.domain.money import total
from daemon.domain.periods import Period
from daemon.store import rows
from daemon.store.money import invoices, ledger, register, statements
from daemon.store.money.invoices import OPEN
from daemon.store.money.statements import Frozen
from daemon.store.session import Tx
from daemon.store.tickets import tickets

_PATIENCE = dt.timedelta(minutes=30)  # for pushes, before finance is mailed without their outcome


def mail_finance(desk: Desk, now: dt.datetime, printer: PdfPrinter | None = None) -> bool:
    """H7: mail finance once a close, when its drafts are in accounting (or cannot be, yet).

    Statements held then and released later get a mail of their own. Without a printer the
    specification is CSV alone. Nothing is locked while it prints.
    """
    with desk.store.reading() as tx:
        closings = statements.closing_rows(tx)
        due = (row for row in closings if row.mailed_at is None and _may_tell(tx, row, now))
        closed = next(due, None)
        released = None if closed else _released(tx, closings, now)
    if closed is not None:
        _tell_of_close(desk, closed, now, printer)
    elif released is not None:
        _tell_of_released(desk, *released, now, printer)
    return closed is not None or released is not None


def _may_tell(tx: Tx, row: Any, now: dt.datetime) -> bool:
    return now >= row.closed_at + _PATIENCE or not statements.unsettled(tx, row.month)


def _released(
    tx: Tx, closings: Iterable[Any], now: dt.datetime
) -> tuple[Period, Sequence[int]] | None:
    """A month with released statements to tell of now, and their customers."""
    waiting = statements.released(tx)
    for row in closings:
        ids = waiting.get(row.month)
        if ids and row.mailed_at is not None:
            month = Period.parse(row.month)
            frozen = _frozen(tx, month, ids)
            latest = max((each.frozen_at for each in frozen), default=now)
            if now >= latest + _PATIENCE or not any(each.state in OPEN for each in frozen):
                return month, ids
    return None


def _frozen(tx: Tx, month: Period, customer_ids: Collection[int] | None = None) -> list[Frozen]:
    """The frozen statements of a month, of some customers or of all."""
    listed = statements.listing(tx, month=str(month))
    return [each for each in listed if customer_ids is None or each.customer_id in customer_ids]


# --- the mail of a close, and of released statements ------------------------------------------


@dataclass(frozen=True, slots=True)
class _Papers:
    """The statements of a mail, and its attachments."""

    month: Period
    frozen: Sequence[Frozen]
    enclosed: Enclosed


def _enclosed(
    desk: Desk, month: Period, printer: PdfPrinter | None, customer_ids: Sequence[int] | None = None
) -> Enclosed:
    with desk.store.reading() as tx:
        made = specifications.gather(tx, desk, _frozen(tx, month, customer_ids))
    return enclose(month, made, printer)


def _tell_of_close(desk: Desk, row: Any, now: dt.datetime, printer: PdfPrinter | None) -> None:
    month = Period.parse(row.month)
    enclosed = _enclosed(desk, month, printer)
    with desk.store.writing() as tx:
        held = [_held(tx, desk, each, month) for each in row.held]
        if statements.note_mailed(tx, row.month, now):
            _mail(tx, desk, _Papers(month, _frozen(tx, month), enclosed), now, held=held)
            statements.note_told(tx, row.month, statements.released(tx).get(row.month, ()))


def _held(tx: Tx, desk: Desk, customer_id: int, month: Period) -> HeldCustomer:
    customer = register.customer(tx, customer_id)
    why = why_held(tx, desk, customer, month)
    return HeldCustomer(customer.name, customer.key, tuple(why))


def _tell_of_released(
    desk: Desk,
    month: Period,
    customer_ids: Sequence[int],
    now: dt.datetime,
    printer: PdfPrinter | None,
) -> None:
    enclosed = _enclosed(desk, month, printer, customer_ids)
    with desk.store.writing() as tx:
        frozen = _frozen(tx, month, customer_ids)
        if not statements.note_told(tx, str(month), customer_ids) or not frozen:
            return
        late = "-".join(str(each) for each in sorted(each.customer_id for each in frozen))
        _mail(tx, desk, _Papers(month, frozen, enclosed), now, late=late)
        _, news = invoices.news(tx).get(str(month), (now, []))
        said = {f"{each.reference}:pushed:{each.number}" for each in frozen}
        others = [each for each in news if each not in said]
        if not others or not _differs(tx, desk, str(month), others):
            _note_news(tx, desk, str(month), news)  # the mail has said it


def _mail(
    tx: Tx,
    desk: Desk,
    papers: _Papers,
    now: dt.datetime,
    *,
    held: Sequence[HeldCustomer] = (),
    late: str = "",
) -> None:
    letter = Close(
        month=str(papers.month),
        statements=tuple(filter(_says_anything, finance.summaries(tx, desk, papers.frozen))),
        held=tuple(held),
        unplaced=() if late else _unplaced(tx),
        total=total(each.net for each in papers.frozen),
        approval=any(each.state == "approval" for each in papers.frozen),
        released_late=bool(late),
        unprinted=papers.enclosed.unprinted,
    )
    key, to = approving.about(str(papers.month), late), finance.readers(tx, desk)
    mail = Post(key, "close", to, about=key, attachments=papers.enclosed.files)
    post(tx, desk, letter, mail, now)
    alarms.note_printing(tx, desk, papers.enclosed.fault, now)


def _says_anything(summary: StatementSummary) -> bool:
    return bool(summary.rows or summary.left_out or summary.remarks or summary.net)


def _unplaced(tx: Tx) -> tuple[tuple[int, str, int], ...]:
    """H6: time on tickets without customer: billed once they are placed."""
    minutes: dict[int, int] = {}
    for booking in ledger.unplaced(tx):
        ticket_id = booking.entry.ticket
        minutes[ticket_id] = minutes.get(ticket_id, 0) + booking.entry.actual
    placed = [(tickets.by_id(tx, ticket_id), each) for ticket_id, each in sorted(minutes.items())]
    return tuple((ticket.number, ticket.subject, each) for ticket, each in placed)


# --- after the mail of a close ----------------------------------------------------------------


def report_late(desk: Desk, now: dt.datetime) -> None:
    """H7: tell once of invoices pushed or failed since the mail about their close."""
    with desk.store.reading() as tx:
        fresh = [
            (month, mailed_at, news)
            for month, (mailed_at, news) in invoices.news(tx).items()
            # Released statements get a mail of their own.
            if not statements.released(tx).get(month) and _differs(tx, desk, month, news)
        ]
    for month, mailed_at, news in fresh:
        with desk.store.writing() as tx:
            _mail_news(tx, desk, month, mailed_at, now)
            _note_news(tx, desk, month, news)


def _mail_news(tx: Tx, desk: Desk, month: str, mailed_at: dt.datetime, now: dt.datetime) -> None:
    news = statements.news_since(tx, month, mailed_at)
    if not news:
        return
    pushed = [each for each in news if each.state == "pushed"]
    faults = [each for each in news if each.state == "fault"]
    letter = InvoiceReport(
        month,
        finance.summaries(tx, desk, pushed),
        tuple((each.reference, each.fault or "", each.remedy or "") for each in faults),
    )
    told = ",".join(f"{each.reference}:{each.state}:{each.number}" for each in news)
    key = f"invoices:{month}:{desk.digest(told, length=16)}"
    post(tx, desk, letter, Post(key, "invoices", finance.readers(tx, desk)), now)


def _note_news(tx: Tx, desk: Desk, month: str, news: Iterable[str]) -> None:
    """Remember the news of a month's invoices that finance has read."""
    rows.keep_fact(tx, f"told:{month}", desk.digest(*news, length=16))


def _differs(tx: Tx, desk: Desk, month: str, news: Iterable[str]) -> bool:
    return rows.fact(tx, f"told:{month}") != desk.digest(*news, length=16)
