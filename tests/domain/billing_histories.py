"""Random histories of one customer: what was agreed, worked, corrected, and known when."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from daemon.domain.agreement import BUILT_IN, Terms, Version
from daemon.domain.billing import as_billed, draw_statement
from daemon.domain.money import Money
from daemon.domain.periods import Period, month_of, months_from
from daemon.domain.time_bank import Adjustment, Correction, Entry, Refused, correct, reckon
from tests.domain.naive_billing import NaiveYears, hundredths, minutes_left

D = dt.date
A_DAY = dt.timedelta(days=1)
FIRST_DAY, LAST_WORKED, LAST_KNOWN = D(2027, 1, 1), D(2028, 7, 31), D(2028, 11, 30)
LAST = Period.parse("2028-12")  # every month up to here is closed; by then all is known

PLANS = [
    BUILT_IN["alert"].terms,
    BUILT_IN["attend"].terms,
    BUILT_IN["access"].terms,
    replace(
        BUILT_IN["attend"].terms,
        plan="half",
        bank_period="half-year",
        hourly_rate=Money(890_37),
        outside_rate=Money(1335_55),
        monthly_fee=Money(2999_99),
        term_months=5,
    ),
    replace(BUILT_IN["access"].terms, plan="bare", bank_period=None, bank_minutes=0),
    replace(BUILT_IN["alert"].terms, plan="free", monthly_fee=Money(0), bank_minutes=61),
]


def none_rate(day: dt.date) -> Terms:
    """Two price lists of the plan `none`."""
    rate = Money(980_00) if day < D(2027, 9, 15) else Money(1019_95)
    return replace(BUILT_IN["none"].terms, hourly_rate=rate)


@dataclass(frozen=True)
class VersionFact:
    """A version, the day it became known, and what was later found wrong with it."""

    version: Version
    known_on: dt.date
    changed_on: dt.date | None
    changed_to: Terms
    withdrawn_on: dt.date | None

    def as_of(self, day: dt.date) -> Version | None:
        """The version as it stood at the beginning of a day."""
        if self.known_on >= day:
            return None
        terms = self.version.terms
        if self.changed_on is not None and self.changed_on < day:
            terms = self.changed_to
        withdrawn = self.withdrawn_on is not None and self.withdrawn_on < day
        return replace(self.version, terms=terms, withdrawn=withdrawn)


@dataclass(frozen=True)
class Known:
    """What the desk knows at the beginning of a day."""

    versions: tuple[Version, ...]
    entries: tuple[Entry, ...]
    adjustments: tuple[Adjustment, ...]
    corrections: tuple[Correction, ...]

    def reckoning(self):
        return reckon(self.versions, self.entries, self.adjustments, none_rate)


@dataclass(frozen=True)
class History:
    """All of it, with the days on which each thing happened."""

    versions: tuple[VersionFact, ...]
    entries: tuple[Entry, ...]
    corrections: tuple[tuple[dt.date, frozenset[int], int, bool], ...]
    adjustments: tuple[tuple[dt.date, Adjustment], ...]
    first: Period

    def booked(self, day):
        """Entries as they were first booked, of those received before a day."""
        return [entry for entry in self.entries if entry.received_at.date() < day]

    def corrected(self, day):
        """Corrections made before a day, each naming what had been received by then."""
        return [
            (made, named & {entry.id for entry in self.booked(made)}, minutes, counts)
            for made, named, minutes, counts in sorted(self.corrections, key=lambda c: c[0])
            if made < day
        ]

    def known(self, day):
        """Everything as the product would hold it at the beginning of a day."""
        entries = {entry.id: entry for entry in self.booked(day)}
        stored = []
        for made, named, minutes, counts in self.corrected(day):
            taken = correct([entries[each] for each in named], minutes, counts=counts)
            if isinstance(taken, Refused):
                continue
            for each in taken:
                entry = entries[each.entry]
                entries[each.entry] = replace(
                    entry,
                    actual=entry.actual + each.actual,
                    billable=entry.billable + each.billable,
                )
                stored.append(Correction(each.entry, made, -each.billable))
        versions = (fact.as_of(day) for fact in self.versions)
        return Known(
            tuple(version for version in versions if version is not None),
            tuple(entries.values()),
            tuple(each for known_on, each in self.adjustments if known_on < day),
            tuple(stored),
        )

    def naive_entries(self, day):
        """The same entries by the naive model's own corrections."""
        booked = self.booked(day)
        left = minutes_left(booked, [each[1:] for each in self.corrected(day)])
        return [replace(e, actual=left[e.id][0], billable=left[e.id][1]) for e in booked]

    def naive(self, day):
        """The naive model of what is known at the beginning of a day."""
        return NaiveYears(self.known(day).versions, 2026, 2029)


def close(history, overage="monthly", months=None):
    """Close month by month, each with what was known at its end; the statements and all rows."""
    drafts, billed = [], []
    for month in months or months_from(history.first, LAST):
        known = history.known(month.end)
        draft = draw_statement(
            month,
            known.versions,
            known.reckoning(),
            tuple(billed),
            overage=overage,
            first=history.first,
        )
        drafts.append(draft)
        billed += [as_billed(row) for row in draft.rows]
    return drafts, billed


def sums(rows):
    """Fees in öre by month and version, and hours by period and rate, without what is nothing."""
    fees, hours = defaultdict(int), defaultdict(Decimal)
    for row in rows:
        if row.kind == "fee":
            fees[row.period, row.version] += row.amount.ore
        elif row.kind == "overage":
            hours[row.period, row.rate.ore] += row.quantity
    return {k: v for k, v in fees.items() if v}, {k: v for k, v in hours.items() if v}


def naive_sums(history):
    """The same sums as the naive model finds them for all time."""
    model, known = history.naive(LAST.end), history.known(LAST.end)
    entries = history.naive_entries(LAST.end)
    due = model.overage(entries, known.adjustments, none_rate, history.first.start, LAST.end)
    hours = {key: Decimal(hundredths(minutes)).scaleb(-2) for key, minutes in due.items()}
    return model.fees(history.first.start, LAST.end), hours


@st.composite
def version_facts(draw, number):
    starts = draw(st.dates(D(2026, 7, 1), LAST_WORKED))
    until = draw(st.none() | st.none() | st.integers(0, 400))
    terms = draw(st.sampled_from(PLANS))
    version = Version(
        number,
        "acme",
        starts,
        None if until is None else starts + until * A_DAY,
        draw(st.integers(0, 3)) > 0,
        terms,
    )
    late = draw(st.sampled_from([-30, 0, 20, 75, 200]))
    known_on = min(starts + late * A_DAY, LAST_KNOWN)
    later = st.none() | st.none() | st.integers(0, 200)
    changed, withdrawn = draw(later), draw(later)
    changed_to = replace(
        draw(st.sampled_from(PLANS)), plan=terms.plan, bank_period=terms.bank_period
    )
    return VersionFact(
        version,
        known_on,
        None if changed is None else min(known_on + changed * A_DAY, LAST_KNOWN),
        changed_to,
        None if withdrawn is None else min(known_on + withdrawn * A_DAY, LAST_KNOWN),
    )


@st.composite
def entries(draw, number):
    worked = draw(st.dates(FIRST_DAY - 40 * A_DAY, LAST_WORKED))
    delay = draw(st.sampled_from([0, 0, 0, 1, 5, 30, 62]))
    actual = draw(st.integers(1, 400))
    increment = draw(st.sampled_from([1, 1, 15, 30, 60]))
    day = worked + delay * A_DAY
    return Entry(
        id=number,
        ticket=1000 + draw(st.integers(1, 3)),
        engineer=draw(st.integers(1, 2)),
        worked_on=worked,
        received_at=dt.datetime(
            day.year, day.month, day.day, draw(st.integers(8, 9)), tzinfo=dt.UTC
        ),
        ordinal=draw(st.integers(0, 2)),
        actual=actual,
        billable=-(-actual // increment) * increment,
        counts=draw(st.integers(0, 5)) > 0,
        outside=draw(st.booleans()),
        increment=increment,
    )


@st.composite
def histories(draw):
    """Some versions, entries, corrections and adjustments, known in any order."""
    count = draw(st.integers(0, 12))
    booked = tuple(draw(entries(number)) for number in range(1, count + 1))
    days = st.dates(FIRST_DAY, LAST_KNOWN)
    named = st.frozensets(st.integers(1, max(1, count)), min_size=1, max_size=3)
    made = st.tuples(days, named, st.integers(1, 300), st.integers(0, 4).map(bool))
    adjusted = st.tuples(
        days, st.dates(FIRST_DAY, LAST_WORKED), st.integers(-400, 400).filter(bool)
    )
    return History(
        tuple(draw(version_facts(number)) for number in range(1, draw(st.integers(0, 4)) + 1)),
        booked,
        tuple(draw(st.lists(made, max_size=4))),
        tuple(
            (known, Adjustment(number, day, minutes, "a reason"))
            for number, (known, day, minutes) in enumerate(draw(st.lists(adjusted, max_size=2)))
        ),
        Period(draw(st.sampled_from([D(2027, 1, 1), D(2027, 2, 1), D(2027, 5, 1)])), 1),
    )


@dataclass(frozen=True)
class Beginning:
    """The facts that decide the first month of a customer (H1)."""

    setting: Period | None
    go_live: dt.datetime | None
    agreed: tuple[tuple[dt.date, bool], ...]  # the first day, and whether it was withdrawn
    worked: tuple[dt.date, ...]
    billed: tuple[Period, ...]

    @property
    def go_live_day(self):
        """The date of the go-live instant in Stockholm."""
        return self.go_live and self.go_live.astimezone(ZoneInfo("Europe/Stockholm")).date()


@st.composite
def beginnings(draw):
    """Settings, agreements, work and frozen months in any order; each may be missing."""
    days = st.dates(D(2026, 2, 1), D(2027, 3, 31))
    months = days.map(month_of)
    hours = st.integers(0, 24 * 420).map(lambda passed: dt.timedelta(hours=passed))
    agreed = st.lists(st.tuples(days, st.booleans()), max_size=3, unique_by=lambda each: each[0])
    return Beginning(
        draw(st.none() | months),
        draw(st.none() | hours.map(dt.datetime(2026, 2, 1, tzinfo=dt.UTC).__add__)),
        tuple(draw(agreed)),
        tuple(draw(st.lists(days, max_size=2))),
        tuple(draw(st.lists(months, max_size=2, unique=True))),
    )
