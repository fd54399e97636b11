"""The statement of a month: all that is due by its end, minus all billed before (H)."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from daemon.domain.agreement import Coverage, Version
from daemon.domain.invoice import InvoiceRow
from daemon.domain.money import ZERO, Money, half_up, total
from daemon.domain.periods import Period, month_of, months_from
from daemon.domain.time_bank import Draw, Reckoning
from daemon.domain.wording import Say, hours, speaker

ONE: Final = Decimal("1.00")


@dataclass(frozen=True, slots=True)
class Work:
    """The hours of one entry as a statement lists them: numbers only, nobody's words (H5)."""

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
    """A row of a statement, for `describe_row` to print. A text row has hours, no money (H2)."""

    kind: str  # "fee", "overage", "text"
    description_key: str  # "fee", "bank-overage", "hours", "work"
    period: str  # the period it concerns: a month, or the bank period
    mark: str = ""  # "late", "credit", or of text "correction": it settles a closed period (H3)
    version: int | None = None  # of a fee
    plan_name: str = ""  # of a fee
    days: int = 0  # of a fee: the days of the month that the version covers
    quantity: Decimal | None = None
    price: Money | None = None
    work: Work | None = None  # of a text row

    @property
    def unit(self) -> str:
        """`st` for a fee, `h` for overage."""
        return {"fee": "st", "overage": "h"}.get(self.kind, "")

    @property
    def rate(self) -> Money | None:
        """The price of an hour of overage; rows of different rates stay apart (H3)."""
        return self.price if self.kind == "overage" else None

    @property
    def amount(self) -> Money | None:
        """Quantity × price, rounded half up to öre (H4); None for text."""
        if self.price is None or self.quantity is None:
            return None
        return self.price.times(self.quantity)

    @property
    def is_credit(self) -> bool:
        """True for a negative quantity."""
        return self.quantity is not None and self.quantity < 0


@dataclass(frozen=True, slots=True)
class Billed:
    """A row as later statements see it; `as_billed` makes it."""

    kind: str
    period: str
    version: int | None = None
    rate: Money | None = None
    quantity: Decimal = Decimal(0)
    amount: Money = ZERO
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class StatementDraft:
    """The computed statement of a customer and month (H2–H5)."""

    month: Period
    rows: tuple[Row, ...]
    left_out: tuple[Row, ...] = ()  # credits still due, for the net would be negative (H5)
    before_first: int = 0  # minutes of overage worked before the first month: never billed (H1)

    @property
    def net(self) -> Money:
        """The sum of the printed rows (H4)."""
        return _net(self.rows)


def _net(rows: Iterable[Row]) -> Money:
    return total(row.amount or ZERO for row in rows if row.work is None)


def as_billed(row: Row) -> Billed:
    """Reduce a printed row to the facts that later statements subtract (H3)."""
    quantity, amount = row.quantity or Decimal(0), row.amount or ZERO
    return Billed(row.kind, row.period, row.version, row.rate, quantity, amount, row.work)


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
    """Draw the statement of a month, or its preview while the month is open (H2–H5).

    The caller passes the facts received before the month's end: the versions, the reckoning of
    the corrected entries, and every row of the earlier statements. Work of later months is not
    seen. `overage` is `monthly` or `bank-period`. Months before `first` are never billed, neither
    their fees nor their hours; the hours still draw on their bank (H1).
    """
    earlier = _Earlier.of(billed)
    names = {version.id: version.terms.plan_name for version in versions}
    draws = [d for d in reckoning.draws if first.start <= d.entry.worked_on < month.end]
    rows = [
        *_fee_rows(month, _fees_due(reckoning.spans, first, month), earlier.fees, names),
        *_overage_rows(month, draws, earlier.hours, at_bank_end=overage == "bank-period"),
    ]
    negative = _net(rows) < ZERO
    left_out = tuple(row for row in rows if row.is_credit and negative)
    printed = [row for row in rows if not (row.is_credit and negative)]
    lost = sum(d.overage for d in reckoning.draws if d.entry.worked_on < first.start)
    return StatementDraft(
        month, (*printed, *_work_rows(month, draws, earlier.work)), left_out, lost
    )


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The sums of earlier statements: fees by month and version, hours by period and rate."""

    fees: dict[tuple[Period, int], Money]
    hours: dict[tuple[Period, Money], Decimal]
    work: dict[int, Work]  # by entry, as last listed

    @classmethod
    def of(cls, billed: Iterable[Billed]) -> "_Earlier":
        earlier = cls({}, {}, {})
        for row in billed:
            period = Period.parse(row.period)
            if row.kind == "fee" and row.version is not None:
                fee = period, row.version
                earlier.fees[fee] = earlier.fees.get(fee, ZERO) + row.amount
            elif row.kind == "overage" and row.rate is not None:
                hours = period, row.rate
                earlier.hours[hours] = earlier.hours.get(hours, Decimal(0)) + row.quantity
            elif row.work is not None:
                earlier.work[row.work.entry] = row.work
        return earlier


def _fees_due(
    spans: Sequence[Coverage], first: Period, last: Period
) -> dict[tuple[Period, int], tuple[Money, int]]:
    """The fee and the days covered, by month and version, of all months up to `last` (H2)."""
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
        if change := fee - billed.get(key, ZERO):
            quantity = ONE if change > ZERO else -ONE
            mark = _mark(month, period, credit=change < ZERO)
            name, price = names.get(version, ""), abs(change)
            rows.append(Row("fee", "fee", str(period), mark, version, name, days, quantity, price))
    return rows


def _mark(month: Period, period: Period, *, credit: bool) -> str:
    """The mark of a credit, or of a charge for a closed period (H3)."""
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
        if quantity := hours_of(due.get((period, rate), 0)) - before:
            mark = _mark(month, period, credit=quantity < 0)
            topic = "hours" if period.months == 1 else "bank-overage"
            rows.append(Row("overage", topic, str(period), mark, quantity=quantity, price=rate))
    return rows


def hours_of(minutes: int) -> Decimal:
    """Minutes as hours with two decimals, rounded half up (H4)."""
    return half_up(Fraction(minutes, 60), 2)


def _work_rows(month: Period, draws: Iterable[Draw], listed: Mapping[int, Work]) -> list[Row]:
    """The hours not yet listed as they are now, in the ledger's order."""
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
    entry, banked = draw.entry, draw.bank is not None
    drawn = entry.actual, draw.from_bank, draw.overage
    return Work(
        entry.id, entry.ticket, entry.engineer, entry.worked_on, *drawn, entry.counts, banked
    )


def run_months(
    months: Iterable[Period],
    versions: Sequence[Version],
    reckoning: Reckoning,
    *,
    overage: str = "monthly",
) -> tuple[StatementDraft, ...]:
    """Draw the statements of months in a row, of which the first is the first billed (H1, H3).

    `avtald simulate` counts with it the cost of the months under these versions.
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
    """The fee and overage rows for the accounting system, without the text rows (H2)."""
    return tuple(
        InvoiceRow(row.kind, describe_row(row, language), row.quantity, row.unit, row.price)
        for row in rows
        if row.quantity is not None and row.price is not None
    )


_MARKS: Final = {
    "late": ("efterdebitering", "late charge"),
    "correction": ("rättelse", "correction"),
    "credit": ("kreditering", "credit"),
}


def describe_row(row: Row, language: str) -> str:
    """The printed text of a row, in Swedish or English."""
    say = speaker(language)
    text = _work_text(row.work, say) if row.work else _money_text(row, language)
    return f"{text} ({say(*_MARKS[row.mark])})" if row.mark else text


def _money_text(row: Row, language: str) -> str:
    say, period = speaker(language), Period.parse(row.period)
    name = period.name(language)
    if row.kind == "fee":
        parts = say("Supportavtal", "Support agreement"), row.plan_name, name
        text = " ".join(part for part in parts if part)
        if 0 < row.days < period.days:
            of, days = say("av", "of"), say("dagar", "days")
            text += f", {row.days} {of} {period.days} {days}"
        return text
    if row.description_key == "bank-overage":
        head = say("Supporttid utöver timbanken", "Support time beyond the time bank")
    else:
        head = say("Supporttid på löpande räkning", "Support time at hourly rate")
    return f"{head}, {name}"


def _work_text(work: Work, say: Say) -> str:
    beyond = say("utöver timbanken", "beyond the time bank")
    at_rate = say("på löpande räkning", "at hourly rate")
    parts = (
        (not work.counts, work.actual, say("debiteras ej", "not billable")),
        (work.from_bank, work.from_bank, say("ur timbanken", "from the time bank")),
        (work.overage, work.overage, beyond if work.banked else at_rate),
    )
    told = [f"{hours(minutes)} {words}" for is_told, minutes, words in parts if is_told]
    time = ", ".join(told) or hours(0)
    ticket, engineer = say("Ärende", "Ticket"), say("tekniker", "engineer")
    return f"{ticket} #{work.ticket}, {work.worked_on}, {engineer} {work.engineer}: {time}"


# The keys in the hash of a statement: a change of them breaks the proof of every frozen month.
_ROW_KEYS: Final = (
    *("kind", "description_key", "period", "mark", "version", "plan_name", "days"),
    *("quantity", "price", "amount", "work"),
)
_WORK_KEYS: Final = (
    *("entry", "ticket", "engineer", "worked_on", "actual", "from_bank", "overage"),
    *("counts", "banked"),
)


def row_to_json(row: Row) -> dict[str, Any]:
    """The fields of a row and its amount as JSON has them, without loss (H5)."""
    return {key: _as_json(getattr(row, key)) for key in _ROW_KEYS}


def _as_json(value: object) -> object:
    if isinstance(value, Work):
        return {key: _as_json(getattr(value, key)) for key in _WORK_KEYS}
    return str(value) if isinstance(value, Decimal | Money | dt.date) else value


def row_from_json(stored: Mapping[str, Any]) -> Row:
    """The row that `row_to_json` wrote."""
    read = {key: value for key, value in stored.items() if key != "amount"}
    if read["quantity"] is not None:
        read["quantity"] = Decimal(read["quantity"])
    if read["price"] is not None:
        read["price"] = Money.parse(read["price"])
    if work := read["work"]:
        read["work"] = Work(**{**work, "worked_on": dt.date.fromisoformat(work["worked_on"])})
    return Row(**read)


def statement_hash(rows: Iterable[Row], reference: str = "") -> str:
    """The SHA-256 of a statement's rows and reference, in one canonical JSON form (H5)."""
    return stored_hash([row_to_json(row) for row in rows], reference)


def stored_hash(rows: Sequence[Mapping[str, Any]], reference: str) -> str:
    """The same hash of rows already in the form of `row_to_json`."""
    content = {"reference": reference, "rows": rows}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
