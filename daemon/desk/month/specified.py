"""The facts behind a statement's specification: its rows, and the work that they charge (H2)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from daemon.desk.context import Desk
from daemon.desk.month.facts import invoice_language
from daemon.domain.billing import Row, Work
from daemon.domain.money import Money, total
from daemon.domain.periods import Period
from daemon.store.money import register, statements
from daemon.store.money.statements import Frozen
from daemon.store.session import Tx

_ROUNDED: Final = 2  # minutes that quantities of two decimals may differ from what they stand for


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the statement lists it, with the names that belong to its numbers.

    Minutes are what the statement adds to earlier ones: of a correction the difference, so that
    the sum of all specifications is what was worked.
    """

    work: Work
    subject: str
    engineer: str
    before: Work | None = None  # of a correction: as an earlier statement listed it

    @property
    def minutes(self) -> tuple[int, int, int]:
        """Worked, from the bank, beyond it."""
        now, before = self.work, self.before
        if before is None:
            return now.actual, now.from_bank, now.overage
        return (
            now.actual - before.actual,
            now.from_bank - before.from_bank,
            now.overage - before.overage,
        )


@dataclass(frozen=True, slots=True)
class Specification:
    """What is printed of one customer's month."""

    reference: str
    customer: str
    customer_key: str
    month: Period
    language: str
    rows: tuple[tuple[Row, str], ...]  # with their texts as frozen
    lines: tuple[Line, ...]
    left_out: Money
    earlier: tuple[Line, ...] = ()  # listed before, and charged only now

    @property
    def has_hours(self) -> bool:
        """Whether there is more to explain than a fee."""
        return bool(self.lines) or self.is_beyond

    @property
    def is_beyond(self) -> bool:
        """Whether hours are billed or credited: more than a fee is to be explained."""
        return any(row.kind == "overage" for row, _ in self.rows)

    @property
    def net(self) -> Money:
        """The sum of the printed rows (H4)."""
        return total(row.amount for row, _ in self.rows if row.amount is not None)

    @property
    def name(self) -> str:
        """What its files are called, without their ending."""
        word = "specifikation" if self.language == "sv" else "specification"
        return f"{word}-{self.month!s}-{self.customer_key}"


def gather(tx: Tx, desk: Desk, found: Sequence[Frozen]) -> list[Specification]:
    """The specifications of frozen statements, of those that say anything."""
    rows = statements.printed(tx, [each.id for each in found])
    return of_rows(tx, desk, [(each, tuple(rows[each.id])) for each in found if each.id in rows])


def of_rows(
    tx: Tx, desk: Desk, found: Sequence[tuple[Frozen, tuple[tuple[Row, str], ...]]]
) -> list[Specification]:
    """The same of statements whose rows are at hand: a preview is not frozen."""
    engineers = {each.id: each.name for each in register.people(tx, ended=True)}
    names = _Names({}, engineers)
    names.learn(tx, (row.work for _, rows in found for row, _ in rows))
    customers = {each.id: each for each in register.customers(tx, ended=True)}
    made = []
    for frozen, rows in found:
        customer = customers[frozen.customer_id]
        language = invoice_language(desk, customer)
        lines, late = _lines(tx, frozen, rows, names)
        made.append(
            Specification(
                frozen.reference,
                customer.name,
                customer.key,
                Period.parse(frozen.month),
                "en" if language == "en" else "sv",
                rows,
                lines,
                frozen.left_out,
                late,
            )
        )
    return made


@dataclass(frozen=True, slots=True)
class _Names:
    """What belongs to the numbers of statements: subjects and engineers."""

    subjects: dict[int, str]
    engineers: Mapping[int, str]

    def learn(self, tx: Tx, works: Iterable[Work | None]) -> None:
        tickets = {work.ticket for work in works if work is not None}
        self.subjects.update(statements.subjects(tx, tickets - self.subjects.keys()))

    def line(self, work: Work, before: Work | None = None) -> Line:
        name = self.engineers.get(work.engineer, str(work.engineer))
        return Line(work, self.subjects.get(work.ticket, ""), name, before)


def _lines(
    tx: Tx, frozen: Frozen, rows: Sequence[tuple[Row, str]], names: _Names
) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """A statement's entries; and those that earlier ones listed, and this one charges."""
    earlier: Mapping[int, Work] = {}
    if any(row.work and row.mark == "correction" for row, _ in rows):
        earlier = statements.listed_before(tx, frozen.customer_id, frozen.month)
    lines = tuple(
        names.line(row.work, earlier.get(row.work.entry) if row.mark == "correction" else None)
        for row, _ in rows
        if row.work is not None
    )
    periods = _charged_beyond(rows, lines)
    if not periods:
        return lines, ()
    earlier = earlier or statements.listed_before(tx, frozen.customer_id, frozen.month)
    listed = {line.work.entry for line in lines}
    late = [
        work
        for work in earlier.values()
        if work.overage and work.entry not in listed and any(work.worked_on in p for p in periods)
    ]
    names.learn(tx, late)
    return lines, tuple(names.line(work) for work in late)


def _charged_beyond(rows: Iterable[tuple[Row, str]], lines: Sequence[Line]) -> list[Period]:
    """The periods for which a statement charges more hours than it lists.

    Overage that waits for the end of its bank period, or that has got another price (H3).
    """
    charged: dict[Period, Decimal] = {}
    for row, _ in rows:
        if row.kind == "overage" and row.quantity is not None and not row.is_credit:
            period = Period.parse(row.period)
            charged[period] = charged.get(period, Decimal(0)) + row.quantity * 60
    return [
        period for period, minutes in charged.items() if minutes - _beyond(lines, period) > _ROUNDED
    ]


def _beyond(lines: Iterable[Line], period: Period) -> int:
    """The minutes that entries of a period add to what no bank covers."""
    return sum(max(0, line.minutes[2]) for line in lines if line.work.worked_on in period)
