"""What finance reads: one mail a close, and what became of its drafts later (H7)."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.letters.records import Alarm, Close, HeldCustomer, InvoiceReport, StatementSummary
from daemon.desk.letters.sentences import sentence
from daemon.desk.month import specified
from daemon.desk.month.specification import Enclosed
from daemon.desk.month.specified import Specification
from daemon.desk.outgoing import alarms
from daemon.desk.outgoing.mailing import Post, post
from daemon.desk.ports import PdfError
from daemon.domain.invoice import Problem
from daemon.domain.money import total
from daemon.domain.periods import Period
from daemon.domain.register import Customer
from daemon.domain.wording import hours
from daemon.store import rows
from daemon.store.money import invoices, ledger, register, statements
from daemon.store.money.statements import Frozen
from daemon.store.session import Tx
from daemon.store.tickets import tickets

_REMARKS = 1000  # characters that accounting systems take


def finance(tx: Tx, desk: Desk) -> tuple[str, ...]:
    """Who is told: the addresses of the settings and the people with that role."""
    people = (person.email for person in register.people_with_role(tx, "finance"))
    return tuple(dict.fromkeys((*desk.settings.accounting.finance, *people)))


def readers(tx: Tx, desk: Desk) -> tuple[tuple[str, str], ...]:
    """Finance; the operators where nobody is named."""
    return tuple(("", each) for each in finance(tx, desk) or desk.settings.desk.operators)


@dataclass(frozen=True, slots=True)
class Papers:
    """The statements that a mail tells of, and what is attached to it."""

    month: Period
    found: tuple[Frozen, ...]
    enclosed: Enclosed


def papers(
    tx: Tx, desk: Desk, month: Period, customer_ids: Collection[int] | None = None
) -> list[Specification]:
    """H7: the specifications of a month, of some customers or of all."""
    return specified.gather(tx, desk, found(tx, month, customer_ids))


def found(tx: Tx, month: Period, customer_ids: Collection[int] | None = None) -> list[Frozen]:
    """The frozen statements of a month, of some customers or of all."""
    listed = statements.listing(tx, month=str(month))
    return [each for each in listed if customer_ids is None or each.customer_id in customer_ids]


def closed(
    tx: Tx,
    desk: Desk,
    made: Papers,
    held: Sequence[tuple[Customer, Sequence[Any]]],
    now: dt.datetime,
) -> None:
    """H7: the mail of a close."""
    _mail(tx, desk, made, now, held=held)
    _tell_of_printer(tx, desk, made.enclosed.fault, now)


def released(tx: Tx, desk: Desk, made: Papers, now: dt.datetime) -> None:
    """Statements of customers that were held when finance got its mail."""
    ids = sorted(each.customer_id for each in made.found)
    _mail(tx, desk, made, now, late="-".join(map(str, ids)))
    _tell_of_printer(tx, desk, made.enclosed.fault, now)
    _, told = invoices.news(tx).get(str(made.month), (now, []))
    said = {f"{each.reference}:pushed:{each.number}" for each in made.found}
    others = [each for each in told if each not in said]
    if not others or not _differs(tx, desk, str(made.month), others):
        note_news(tx, desk, str(made.month), told)  # the mail has said it


def note_news(tx: Tx, desk: Desk, month: str, told: Iterable[str]) -> None:
    """Remember what finance was told of a month's invoices after the mail about its close."""
    rows.keep_fact(tx, f"told:{month}", desk.digest(*told, length=16))


def is_news(tx: Tx, desk: Desk, month: str, told: Iterable[str]) -> bool:
    """Whether finance has not been told that; what was released is told in a mail of its own."""
    return not statements.released(tx).get(month) and _differs(tx, desk, month, told)


def _differs(tx: Tx, desk: Desk, month: str, told: Iterable[str]) -> bool:
    return rows.fact(tx, f"told:{month}") != desk.digest(*told, length=16)


def _tell_of_printer(tx: Tx, desk: Desk, fault: PdfError | None, now: dt.datetime) -> None:
    if fault is None:
        alarms.clear(tx, "pdf", now)
        return
    says = sentence("pdf_fault", desk.language)
    alarms.raise_alarm(tx, desk, "pdf", Alarm(f"{says}: {fault}", fault.remedy), now)


def _mail(
    tx: Tx,
    desk: Desk,
    made: Papers,
    now: dt.datetime,
    *,
    held: Sequence[tuple[Customer, Sequence[Any]]] = (),
    late: str = "",
) -> None:
    told = [each for each in summaries(tx, desk, made.found) if _says_anything(each)]
    letter = Close(
        month=str(made.month),
        statements=tuple(told),
        held=tuple(
            HeldCustomer(customer.name, customer.key, tuple(each.text for each in why))
            for customer, why in held
        ),
        unplaced=() if late else _unplaced(tx),
        total=total(each.net for each in made.found),
        approval=any(each.state == "approval" for each in made.found),
        released_late=bool(late),
        unprinted=made.enclosed.unprinted,
    )
    post(
        tx,
        desk,
        letter,
        Post(
            key=f"close:{made.month!s}:{late}",
            kind="close",
            about=f"close:{made.month!s}:{late}",
            to=readers(tx, desk),
            language=desk.language,
            attachments=made.enclosed.files,
        ),
        now,
    )


def _says_anything(each: StatementSummary) -> bool:
    return bool(each.rows or each.left_out or each.remarks or each.net)


def summaries(tx: Tx, desk: Desk, found: Sequence[Frozen]) -> list[StatementSummary]:
    """Statements as finance reads them, in their order."""
    customers = {each.id: each for each in register.customers(tx, ended=True)}
    printed = statements.printed(tx, [each.id for each in found], ("fee", "overage"))
    months = {each.month for each in found}
    before = statements.told_before(tx, min(months)) if months else {}
    return [
        StatementSummary(
            customer=customers[each.customer_id].name,
            customer_key=each.customer_key,
            reference=each.reference,
            net=each.net,
            rows=tuple(
                (text, str(row.quantity), row.unit, str(row.price), str(row.amount))
                for row, text in printed.get(each.id, ())
            ),
            left_out=each.left_out or None,
            state=each.state,
            number=each.number,
            link=each.link,
            remarks=_remarks(desk, each, before.get(each.customer_id, (0, 0))),
        )
        for each in found
    ]


def _remarks(desk: Desk, frozen: Frozen, before: tuple[int, int]) -> tuple[str, ...]:
    """What nobody is billed, once: where the last statement did not tell the same."""
    found = zip(("before_first", "stray"), (frozen.before_first, frozen.stray), before, strict=True)
    language = desk.language
    return tuple(
        sentence(code, language, time=hours(minutes))
        for code, minutes, told in found
        if minutes and minutes != told
    )


def _unplaced(tx: Tx) -> tuple[tuple[int, str, int], ...]:
    """H6: time on tickets without customer: billed once they are placed."""
    minutes: dict[int, int] = {}
    for booking in ledger.unplaced(tx):
        ticket_id = booking.entry.ticket
        minutes[ticket_id] = minutes.get(ticket_id, 0) + booking.entry.actual
    found = [(tickets.by_id(tx, ticket_id), each) for ticket_id, each in sorted(minutes.items())]
    return tuple((ticket.number, ticket.subject, each) for ticket, each in found)


# --- on the invoice -----------------------------------------------------------------------------


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
        tuple(summaries(tx, desk, pushed)),
        tuple((each.reference, each.fault or "", each.remedy or "") for each in faults),
    )
    key = ",".join(f"{each.reference}:{each.state}:{each.number}" for each in news)
    post(
        tx,
        desk,
        letter,
        Post(
            key=f"invoices:{month!s}:{desk.digest(key, length=16)}",
            kind="invoices",
            to=readers(tx, desk),
            language=desk.language,
        ),
        now,
    )


def warn(tx: Tx, desk: Desk, problem: Problem, now: dt.datetime) -> None:
    """A preflight's warning: told once."""
    to = finance(tx, desk) or desk.settings.desk.operators
    key = f"preflight:{desk.digest(problem.message, length=16)}"
    alarms.raise_alarm(tx, desk, key, Alarm(problem.message, problem.remedy), now, to=to)
