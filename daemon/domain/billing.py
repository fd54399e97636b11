"""The statement of a month: what is due to its end, minus what was billed before (H)."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from daemon.domain.agreement import Covered, Version
from daemon.domain.invoice import InvoiceRow
from daemon.domain.money import ZERO, Money, half_up, total
from daemon.domain.periods import Period, month_of, months_from
from daemon.domain.time_bank import Draw, Reckoning
from daemon.domain.wording import Say, hours, speaker

ONE: Final = Decimal("1.00")


@dataclass(frozen=True, slots=True)
class Work:
    """The hours of one entry as a statement lists them: numbers only, no text of anybody (H5)."""

    entry: int
    ticket: int
    engineer: int
    worked_on: dt.date
    actual: int
    from_bank: int
    overage: int
    counts: bool  # False: `ej deb`
    banked: bool  # a bank stood behind it


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a statement; `describe` prints it. Text rows list hours and bear no money (H2)."""

    kind: str  # "fee", "overage", "text"
    description_key: str  # "fee", "bank-overage", "hours", "work"
    period: str  # the period it concerns: a month, or the bank period
    mark: str = ""  # "late", "credit", or of text "correction": it settles a closed period (H3)
    version: int | None = None  # of a fee
    plan_name: str = ""  # of a fee
    days: int = 0  # of a fee: how many of the month's days the version covers
    quantity: Decimal | None = None
    price: Money | None = None
    work: Work | None = None  # of a text row

    @property
    def unit(self) -> str:
        """`st` for a fee, `h` for overage."""
        return {"fee": "st", "overage": "h"}.get(self.kind, "")

    @property
    def rate(self) -> Money | None:
        """The price of an hour, which overage is told apart by."""
        return self.price if self.kind == "overage" else None

    @property
    def amount(self) -> Money | None:
        """Quantity × price, rounded half up to öre (H4); None for text."""
        if self.price is None or self.quantity is None:
            return None
        return self.price.times(self.quantity)

    @property
    def is_credit(self) -> bool:
        """A row with a negative quantity."""
        return self.quantity is not None and self.quantity < 0


@dataclass(frozen=True, slots=True)
class Billed:
    """What later statements must know of an earlier one's row; `as_billed` makes it."""

    kind: str
    period: str
    version: int | None = None
    rate: Money | None = None
    quantity: Decimal = Decimal(0)
    amount: Money = ZERO
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class StatementDraft:
    """A customer's month, computed (H2–H5)."""

    month: Period
    rows: tuple[Row, ...]
    left_out: tuple[Row, ...] = ()  # credits that stay due because the net would be negative (H5)
    before_first: int = 0  # minutes of overage worked before the first month: never billed (H1)

    @property
    def net(self) -> Money:
        """The sum of the printed rows (H4)."""
        return _net(self.rows)


def _net(rows: Iterable[Row]) -> Money:
    return total(row.amount or ZERO for row in rows if row.work is None)


def as_billed(row: Row) -> Billed:
    """What to remember of a printed row."""
    return Billed(
        row.kind,
        row.period,
        row.version,
        row.rate,
        row.quantity or Decimal(0),
        row.amount or ZERO,
        row.work,
    )


def first_month(
    setting: Period | None,
    go_live: dt.date | None,
    versions: Iterable[Version],
    worked_or_billed: Iterable[dt.date] = (),
) -> Period | None:
    """H1: the first month billed for a customer; None without any agreement, work or bill.

    `go_live` is a date in the desk's zone. A date in a month already billed counts like work: a
    later change of the agreement still credits that month (H3).
    """
    dates = [version.starts for version in versions if not version.withdrawn]
    dates += worked_or_billed
    return (setting or month_of(go_live or min(dates))) if dates else None


def draw_statement(
    month: Period,
    versions: Iterable[Version],
    reckoning: Reckoning,
    billed: Iterable[Billed],
    *,
    first: Period,
    overage: str = "monthly",
) -> StatementDraft:
    """Draw the statement of a month, or its preview while it is open (H2–H5).

    The caller passes what was received before the month's end: versions, a reckoning of entries
    with what corrections left, and every row of the earlier statements. Work of later months is
    not seen. `overage` is `monthly` or `bank-period`. Before the `first` month nothing is ever
    billed, neither fees nor hours; such hours still draw on their bank.
    """
    told = _Told.of(billed)
    names = {version.id: version.terms.plan_name for version in versions}
    draws = [d for d in reckoning.draws if first.start <= d.entry.worked_on < month.end]
    rows = [
        *_fee_rows(month, _fees_due(reckoning.spans, first, month), told.fees, names),
        *_overage_rows(month, draws, told.hours, at_bank_end=overage == "bank-period"),
    ]
    negative = _net(rows) < ZERO
    left_out = tuple(row for row in rows if row.is_credit and negative)
    printed = [row for row in rows if not (row.is_credit and negative)]
    lost = sum(d.overage for d in reckoning.draws if d.entry.worked_on < first.start)
    return StatementDraft(month, (*printed, *_work_rows(month, draws, told.work)), left_out, lost)


@dataclass(frozen=True, slots=True)
class _Told:
    """What earlier statements billed, summed by what they billed it for."""

    fees: dict[tuple[Period, int], Money]
    hours: dict[tuple[Period, Money], Decimal]
    work: dict[int, Work]  # by entry, as listed last

    @classmethod
    def of(cls, billed: Iterable[Billed]) -> "_Told":
        told = cls({}, {}, {})
        for each in billed:
            period = Period.parse(each.period)
            if each.kind == "fee" and each.version is not None:
                fee = period, each.version
                told.fees[fee] = told.fees.get(fee, ZERO) + each.amount
            elif each.kind == "overage" and each.rate is not None:
                hours = period, each.rate
                told.hours[hours] = told.hours.get(hours, Decimal(0)) + each.quantity
            elif each.work is not None:
                told.work[each.work.entry] = each.work
        return told


def _fees_due(
    spans: Sequence[Covered], first: Period, last: Period
) -> dict[tuple[Period, int], tuple[Money, int]]:
    """Fee and days covered, by month and version, for all months up to the last (H2)."""
    due = {}
    for span in spans:
        terms = span.version.terms
        begin = max(first, month_of(span.start))
        for month in months_from(begin, last) if terms.monthly_fee else ():
            if not (days := month.covered(span.start, span.end)):
                break
            due[month, span.version.id] = (terms.monthly_fee.share(days, month.days), days)
    return due


def _fee_rows(
    month: Period,
    due: Mapping[tuple[Period, int], tuple[Money, int]],
    billed: Mapping[tuple[Period, int], Money],
    names: Mapping[int, str],
) -> list[Row]:
    rows = []
    for key in sorted({*due, *billed}):
        period, version = key
        fee, days = due.get(key, (ZERO, 0))
        before = billed.get(key, ZERO)
        change = fee - before
        if change:
            quantity = ONE if change > ZERO else -ONE
            mark = _mark(month, period, credit=change < ZERO)
            name = names.get(version, "")
            price = abs(change)
            rows.append(Row("fee", "fee", str(period), mark, version, name, days, quantity, price))
    return rows


def _mark(month: Period, period: Period, *, credit: bool) -> str:
    """Say of a charge or credit what it is, where it is not of the running period (H3)."""
    if credit:
        return "credit"
    return "late" if period.end <= month.start else ""


def _overage_rows(
    month: Period,
    draws: Iterable[Draw],
    billed: Mapping[tuple[Period, Money], Decimal],
    *,
    at_bank_end: bool,
) -> list[Row]:
    due: dict[tuple[Period, Money], int] = {}
    for draw in draws:
        if draw.overage:
            key = draw.period, draw.rate
            due[key] = due.get(key, 0) + draw.overage
    rows = []
    for period, rate in sorted({*due, *billed}):
        if at_bank_end and period.end > month.end:
            continue
        before = billed.get((period, rate), Decimal(0))
        quantity = hours_of(due.get((period, rate), 0)) - before
        if quantity:
            mark = _mark(month, period, credit=quantity < 0)
            topic = "hours" if period.months == 1 else "bank-overage"
            rows.append(Row("overage", topic, str(period), mark, quantity=quantity, price=rate))
    return rows


def hours_of(minutes: int) -> Decimal:
    """Minutes as hours with two decimals, rounded half up (H4)."""
    return half_up(Fraction(minutes, 60), 2)


def _work_rows(month: Period, draws: Iterable[Draw], listed: Mapping[int, Work]) -> list[Row]:
    """The hours that no earlier statement listed as they are now, in the ledger's order."""
    rows = []
    for draw in draws:
        work = _work(draw)
        before = listed.get(work.entry)
        if work == before or (before is None and not work.actual):
            continue
        period = month_of(work.worked_on)
        mark = "correction" if before else _mark(month, period, credit=False)
        rows.append(Row("text", "work", str(period), mark, work=work))
    return rows


def _work(draw: Draw) -> Work:
    entry = draw.entry
    return Work(
        entry.id,
        entry.ticket,
        entry.engineer,
        entry.worked_on,
        entry.actual,
        draw.from_bank,
        draw.overage,
        entry.counts,
        draw.bank is not None,
    )


def run_months(
    months: Iterable[Period],
    versions: Sequence[Version],
    reckoning: Reckoning,
    *,
    overage: str = "monthly",
) -> tuple[StatementDraft, ...]:
    """Draw the statements of months in a row, the first being the first that is ever billed (H3).

    For `avtald simulate`: what the months would have cost under these versions.
    """
    drafts: list[StatementDraft] = []
    billed: list[Billed] = []
    for month in months:
        first = drafts[0].month if drafts else month
        draft = draw_statement(month, versions, reckoning, billed, overage=overage, first=first)
        drafts.append(draft)
        billed += [as_billed(row) for row in draft.rows]
    return tuple(drafts)


def invoice_rows(rows: Iterable[Row], language: str) -> tuple[InvoiceRow, ...]:
    """Fee and overage rows as accounting takes them; text rows never go there (H2)."""
    return tuple(
        InvoiceRow(row.kind, describe(row, language), row.quantity, row.unit, row.price)
        for row in rows
        if row.quantity is not None and row.price is not None
    )


_MARKS: Final = {
    "late": ("efterdebitering", "late charge"),
    "correction": ("rättelse", "correction"),
    "credit": ("kreditering", "credit"),
}


def describe(row: Row, language: str) -> str:
    """The printed text of a row, in Swedish or English."""
    say = speaker(language)
    text = _work_text(row.work, say) if row.work else _row_text(row, language)
    return f"{text} ({say(*_MARKS[row.mark])})" if row.mark else text


def _row_text(row: Row, language: str) -> str:
    say, period = speaker(language), Period.parse(row.period)
    name = period.name(language)
    if row.kind == "fee":
        head = say("Supportavtal", "Support agreement")
        text = " ".join(part for part in (head, row.plan_name, name) if part)
        if 0 < row.days < period.days:
            text += say(
                f", {row.days} av {period.days} dagar", f", {row.days} of {period.days} days"
            )
        return text
    if row.description_key == "bank-overage":
        head = say("Supporttid utöver timbanken", "Support time beyond the time bank")
    else:
        head = say("Supporttid på löpande räkning", "Support time at hourly rate")
    return f"{head}, {name}"


def _work_text(work: Work, say: Say) -> str:
    beyond = (
        say("utöver timbanken", "beyond the time bank")
        if work.banked
        else say("på löpande räkning", "at hourly rate")
    )
    parts = (
        (not work.counts, work.actual, say("debiteras ej", "not billable")),
        (work.from_bank, work.from_bank, say("ur timbanken", "from the time bank")),
        (work.overage, work.overage, beyond),
    )
    told = [f"{hours(minutes)} {words}" for is_told, minutes, words in parts if is_told]
    time = ", ".join(told) or hours(0)
    ticket, engineer = say("Ärende", "Ticket"), say("tekniker", "engineer")
    return f"{ticket} #{work.ticket}, {work.worked_on}, {engineer} {work.engineer}: {time}"


def row_to_json(row: Row) -> dict[str, Any]:
    """Everything a row holds and its amount, as JSON has it; without loss."""
    amount = row.amount
    return {
        "kind": row.kind,
        "description_key": row.description_key,
        "period": row.period,
        "mark": row.mark,
        "version": row.version,
        "plan_name": row.plan_name,
        "days": row.days,
        "quantity": None if row.quantity is None else str(row.quantity),
        "price": None if row.price is None else str(row.price),
        "amount": None if amount is None else str(amount),
        "work": None if row.work is None else _work_to_json(row.work),
    }


def _work_to_json(work: Work) -> dict[str, Any]:
    return {
        "entry": work.entry,
        "ticket": work.ticket,
        "engineer": work.engineer,
        "worked_on": work.worked_on.isoformat(),
        "actual": work.actual,
        "from_bank": work.from_bank,
        "overage": work.overage,
        "counts": work.counts,
        "banked": work.banked,
    }


def row_from_json(stored: Mapping[str, Any]) -> Row:
    """Read what `row_to_json` wrote."""
    read = {key: value for key, value in stored.items() if key != "amount"}
    if read["quantity"] is not None:
        read["quantity"] = Decimal(read["quantity"])
    if read["price"] is not None:
        read["price"] = Money.parse(read["price"])
    if work := read["work"]:
        read["work"] = Work(**{**work, "worked_on": dt.date.fromisoformat(work["worked_on"])})
    return Row(**read)


def statement_hash(rows: Iterable[Row], reference: str = "") -> str:
    """SHA-256 over the rows and whose they are, in a form that has one way to be written (H5)."""
    return stored_hash([row_to_json(row) for row in rows], reference)


def stored_hash(rows: Sequence[Mapping[str, Any]], reference: str) -> str:
    """The same of rows as `row_to_json` wrote them."""
    content = {"reference": reference, "rows": rows}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
