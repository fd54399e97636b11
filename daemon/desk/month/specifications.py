"""Specifications: the rows of a statement, and the work that they charge (H2).

A statement's rows stay as they were frozen; subjects and names are joined here (H5).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from daemon.desk.context import Desk
from daemon.desk.month.statement_facts import invoice_language
from daemon.domain.billing import Row, Work
from daemon.domain.money import Money, total
from daemon.domain.periods import Period
from daemon.domain.wording import speaker
from daemon.store.money import register, statements
from daemon.store.money.statements import Frozen
from daemon.store.session import Tx

_ROUNDED: Final = 2  # minutes by which quantities of two decimals may differ from their time
Printed = tuple[tuple[Row, str], ...]  # a statement's rows, with their texts as frozen


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a statement, with its ticket's subject and its engineer's name.

    Minutes are the difference to earlier statements, so the sum of all specifications is the time
    worked.
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
    """One customer's month, for print."""

    reference: str
    customer: str
    customer_key: str
    month: Period
    language: str
    rows: Printed
    lines: tuple[Line, ...]
    left_out: Money
    earlier: tuple[Line, ...] = ()  # listed before, and charged only now

    @property
    def has_hours(self) -> bool:
        """True where there is more to explain than a fee."""
        return bool(self.lines) or self.is_beyond

    @property
    def is_beyond(self) -> bool:
        """True where hours are billed or credited."""
        return any(row.kind == "overage" for row, _ in self.rows)

    @property
    def net(self) -> Money:
        """The sum of the printed rows (H4)."""
        return total(row.amount for row, _ in self.rows if row.amount is not None)

    @property
    def name(self) -> str:
        """The name of its files, without their ending."""
        word = speaker(self.language)("specifikation", "specification")
        return f"{word}-{self.month!s}-{self.customer_key}"


def gather(tx: Tx, desk: Desk, frozen: Sequence[Frozen]) -> list[Specification]:
    """The specifications of frozen statements, in their order."""
    rows = statements.printed(tx, [each.id for each in frozen])
    names = _Names({}, {each.id: each.name for each in register.people(tx, ended=True)})
    names.learn(tx, (row.work for printed in rows.values() for row, _ in printed))
    customers = {each.id: each for each in register.customers(tx, ended=True)}
    made = []
    for statement in frozen:
        customer, printed = customers[statement.customer_id], tuple(rows.get(statement.id, ()))
        lines, late = _lines(tx, statement, printed, names)
        made.append(
            Specification(
                statement.reference,
                customer.name,
                customer.key,
                Period.parse(statement.month),
                invoice_language(desk, customer),
                printed,
                lines,
                statement.left_out,
                late,
            )
        )
    return made


@dataclass(frozen=True, slots=True)
class _Names:
    """Subjects by ticket number, and engineers' names."""

    subjects: dict[int, str]
    engineers: Mapping[int, str]

    def learn(self, tx: Tx, works: Iterable[Work | None]) -> None:
        tickets = {work.ticket for work in works if work is not None}
        self.subjects.update(statements.subjects(tx, tickets - self.subjects.keys()))

    def line(self, work: Work, before: Work | None = None) -> Line:
        name = self.engineers.get(work.engineer, str(work.engineer))
        return Line(work, self.subjects.get(work.ticket, ""), name, before)


def _lines(
    tx: Tx, frozen: Frozen, rows: Printed, names: _Names
) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """A statement's entries; and entries listed by earlier statements and charged by this one."""
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


def _charged_beyond(rows: Printed, lines: Sequence[Line]) -> list[Period]:
    """The periods with more hours charged than listed: overage charged later than its month (H3).

    It has waited for the end of its bank period, or has got another price.
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
    """The minutes beyond any bank that the lines of a period add."""
    return sum(max(0, line.minutes[2]) for line in lines if line.work.worked_on in period)
