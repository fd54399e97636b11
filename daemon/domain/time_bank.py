"""The time bank in minutes: grants, use split at the boundary, corrections, balance (G1–G6)."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Final

from daemon.domain.agreement import Coverage, Terms, Version, span_on, timeline
from daemon.domain.money import Money, half_up
from daemon.domain.periods import Period, month_of, period_of
from daemon.domain.wording import speaker


@dataclass(frozen=True, slots=True)
class Entry:
    """An engineer's time on a ticket, with the minutes left after its corrections."""

    id: int
    ticket: int
    engineer: int
    worked_on: dt.date
    received_at: dt.datetime
    ordinal: int  # among the tags of its message
    actual: int  # minutes left
    billable: int  # minutes left, rounded up to the increment when it was booked (G5)
    counts: bool = True  # False: `ej deb`, shown but drawn from nothing and billed nothing (C10)
    outside: bool = False  # its tag says evening (G4)
    increment: int = 1  # of the terms it was booked under


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Minutes from finance for the bank period around a date; below 0 it takes them."""

    id: int
    date: dt.date
    minutes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Grant:
    """The minutes of one version for one bank period, in proportion to its days there (G3)."""

    bank: Period
    version: int
    plan_name: str
    date: dt.date  # the first day covered
    days: int  # covered, of `bank.days`
    minutes: int


@dataclass(frozen=True, slots=True)
class Draw:
    """The use of one entry: minutes from the bank, and minutes of overage at a rate (G4)."""

    entry: Entry
    from_bank: int
    overage: int
    version: int | None  # None: no agreement that day (F3)
    bank: Period | None  # None: no agreement, or one without a bank
    rate: Money

    @property
    def period(self) -> Period:
        """The period under which overage is billed: the bank's; without a bank the month (H2)."""
        return self.bank or month_of(self.entry.worked_on)


@dataclass(frozen=True, slots=True)
class Reckoning:
    """One customer's whole history, reckoned; `stray` adjustments have no bank at their date."""

    spans: tuple[Coverage, ...]
    draws: tuple[Draw, ...]  # in order of worked date, receipt, ordinal (G4)
    adjustments: Mapping[Period, tuple[Adjustment, ...]]
    stray: tuple[Adjustment, ...] = ()

    def granted(self, bank: Period) -> int:
        """The minutes of a bank before any use: grants and adjustments."""
        given = sum(grant.minutes for grant in grants_of(self.spans, bank))
        return given + sum(each.minutes for each in self.adjustments.get(bank, ()))


@dataclass(frozen=True, slots=True)
class Balance:
    """The state of a bank: remaining = granted − used; overage stands apart."""

    period: Period | None  # None: no bank on that date
    granted: int
    used: int  # drawn from the bank
    remaining: int
    overage: int


@dataclass(frozen=True, slots=True)
class Correction:
    """A booked correction of one entry, as stored (G5)."""

    entry: int
    date: dt.date
    minutes: int  # billable minutes taken off, above 0


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of the bank's ledger (G1); the sum of all `minutes` remains in the bank."""

    kind: str  # "grant", "adjustment", "use", "reversal", "expiry"
    date: dt.date
    minutes: int  # above 0 if the bank gains
    overage: int = 0  # of a use: the minutes beyond the bank
    grant: Grant | None = None
    entry: Entry | None = None
    adjustment: Adjustment | None = None


@dataclass(frozen=True, slots=True)
class Reduction:
    """The differences of one entry after a correction, to be stored (G4, G5)."""

    entry: int
    actual: int  # difference in minutes, below 0
    billable: int  # difference, 0 or below


@dataclass(frozen=True, slots=True)
class Refused:
    """A correction of more minutes than the named entries hold: none of it is booked (G4)."""

    asked: int
    held: int


def billable(actual: int, increment: int) -> int:
    """Actual minutes rounded up to the increment (G5)."""
    return -(-actual // increment) * increment


def grants_of(spans: Iterable[Coverage], bank: Period) -> tuple[Grant, ...]:
    """The grants of one bank period: one per version with banks of that length (G3)."""
    return tuple(
        _grant(span, bank, days)
        for span in spans
        if span.version.terms.bank_period == bank.length
        if (days := bank.covered(span.start, span.end))
    )


def _grant(span: Coverage, bank: Period, days: int) -> Grant:
    version = span.version
    minutes = _share(version.terms.bank_minutes, days, bank.days)
    start = max(span.start, bank.start)
    return Grant(bank, version.id, version.terms.plan_name, start, days, minutes)


@lru_cache(maxsize=4096)
def _share(minutes: int, days: int, whole: int) -> int:
    return int(half_up(Fraction(minutes * days, whole)))


def bank_on(spans: tuple[Coverage, ...], day: dt.date) -> Period | None:
    """The bank period for work of a date, by the version in force; None without a bank."""
    span = span_on(spans, day)
    length = span.version.terms.bank_period if span else None
    return period_of(length, day) if length else None


def bank_to_adjust(spans: tuple[Coverage, ...], day: dt.date) -> Period | None:
    """The bank period for an adjustment; None if the date has no bank.

    A date without agreement belongs to any granted bank around it, the shortest first.
    """
    if bank := bank_on(spans, day):
        return bank
    lengths = {span.version.terms.bank_period for span in spans} - {None}
    around = sorted((period_of(str(length), day) for length in lengths), key=lambda p: p.months)
    return next((bank for bank in around if grants_of(spans, bank)), None)


def reckon(
    versions: Iterable[Version],
    entries: Iterable[Entry],
    adjustments: Iterable[Adjustment],
    none_terms: Callable[[dt.date], Terms],
) -> Reckoning:
    """Draw every entry from its bank in order, and the rest as overage at its rate (G2–G4, F3).

    The facts are one customer's, as known at the caller's instant; `none_terms` gives the terms of
    the plan `none` on a worked date. A bank below zero (adjustments) gives nothing.
    """
    spans = timeline(versions)
    adjusted: dict[Period, tuple[Adjustment, ...]] = {}
    stray: list[Adjustment] = []
    for adjustment in adjustments:
        bank = bank_to_adjust(spans, adjustment.date)
        if bank is None:
            stray.append(adjustment)
        else:
            adjusted[bank] = (*adjusted.get(bank, ()), adjustment)
    reckoning = Reckoning(spans, (), adjusted, tuple(stray))
    left: dict[Period, int] = {}
    ordered = sorted(entries, key=ledger_order)
    return replace(reckoning, draws=tuple(_draw(e, reckoning, left, none_terms) for e in ordered))


def ledger_order(entry: Entry) -> tuple[dt.date, dt.datetime, int, int]:
    """The sort key of entries: worked date, receipt, ordinal (G4), and the id in the end."""
    return entry.worked_on, entry.received_at, entry.ordinal, entry.id


def _draw(
    entry: Entry,
    reckoning: Reckoning,
    left: dict[Period, int],
    none_terms: Callable[[dt.date], Terms],
) -> Draw:
    span = span_on(reckoning.spans, entry.worked_on)
    terms = span.version.terms if span else none_terms(entry.worked_on)
    length = terms.bank_period if span else None
    bank = period_of(length, entry.worked_on) if length else None
    minutes = entry.billable if entry.counts else 0
    drawn = 0
    if bank:
        available = left[bank] if bank in left else max(0, reckoning.granted(bank))
        drawn = min(minutes, available)
        left[bank] = available - drawn
    version = span.version.id if span else None
    return Draw(entry, drawn, minutes - drawn, version, bank, terms.rate(outside=entry.outside))


def balance(reckoning: Reckoning, on: dt.date) -> Balance:
    """The bank on a date; without a bank that day, all use outside of banks."""
    return balance_of(reckoning, bank_on(reckoning.spans, on))


def balance_of(reckoning: Reckoning, bank: Period | None) -> Balance:
    """The balance of a bank period; None: all use outside of banks."""
    draws = [draw for draw in reckoning.draws if draw.bank == bank]
    granted = reckoning.granted(bank) if bank else 0
    used = sum(draw.from_bank for draw in draws)
    return Balance(bank, granted, used, granted - used, sum(draw.overage for draw in draws))


def banks(reckoning: Reckoning, before: dt.date) -> tuple[Period, ...]:
    """Every bank period begun before a date with any grant, adjustment or use, in order."""
    periods = {draw.bank for draw in reckoning.draws if draw.bank} | set(reckoning.adjustments)
    for span in reckoning.spans:
        if length := span.version.terms.bank_period:
            bank = period_of(length, span.start)
            while bank.start < min(before, span.end or before):
                periods.add(bank)
                bank = bank.following()
    return tuple(sorted(bank for bank in periods if bank.start < before))


def movements(
    reckoning: Reckoning,
    bank: Period | None,
    today: dt.date,
    corrections: Iterable[Correction] = (),
) -> tuple[Movement, ...]:
    """The ledger of one bank period by date, with its expiry once it has ended (G1, G2).

    A corrected entry stands with its use before the correction, and the reversal beside it.
    Without a bank (None) come the uses outside of banks, all their minutes as overage.
    """
    listed: list[Movement] = []
    if bank is not None:
        grants, adjusted = grants_of(reckoning.spans, bank), reckoning.adjustments.get(bank, ())
        listed += [Movement("grant", g.date, g.minutes, grant=g) for g in grants]
        listed += [Movement("adjustment", a.date, a.minutes, adjustment=a) for a in adjusted]
    listed += _uses((draw for draw in reckoning.draws if draw.bank == bank), tuple(corrections))
    listed.sort(key=lambda line: (line.date, _KINDS.index(line.kind)))
    remaining = sum(each.minutes for each in listed)
    if bank is not None and today >= bank.end and remaining > 0:
        listed.append(Movement("expiry", bank.end, -remaining))
    return tuple(listed)


_KINDS: Final = ("grant", "adjustment", "use", "reversal", "expiry")


def movement_cause(movement: Movement, language: str) -> str:
    """The cause of a movement, in Swedish or English; finance's own words for an adjustment."""
    say = speaker(language)
    if movement.adjustment:
        return movement.adjustment.reason
    if movement.grant:
        name, days, whole = movement.grant.plan_name, movement.grant.days, movement.grant.bank.days
        return say(f"{name}, {days} av {whole} dagar", f"{name}, {days} of {whole} days")
    if movement.entry is None:
        return say("outnyttjad tid förfaller", "unused time expires")
    entry = movement.entry
    text = f"#{entry.ticket}, {say('tekniker', 'engineer')} {entry.engineer}"
    if movement.kind == "reversal":
        return f"{text}, {say('rättelse', 'correction')}"
    return text if entry.counts else f"{text}, {say('debiteras ej', 'not billable')}"


def _uses(draws: Iterable[Draw], corrections: Sequence[Correction]) -> list[Movement]:
    listed = []
    for draw in draws:
        entry = draw.entry
        mine = [(c.date, c.minutes) for c in corrections if c.entry == entry.id]
        gone = sum(minutes for _, minutes in mine) if draw.bank and entry.counts else 0
        used = -(draw.from_bank + gone)
        listed.append(Movement("use", entry.worked_on, used, draw.overage, entry=entry))
        listed += [Movement("reversal", day, m if gone else 0, entry=entry) for day, m in mine]
    return listed


def correct(
    entries: Iterable[Entry], minutes: int, *, counts: bool = True
) -> tuple[Reduction, ...] | Refused:
    """Take actual minutes off the named entries, the last booked first, or refuse it whole (G4).

    A correction with `counts` touches no `ej deb` entry, and one without it only those. The
    actual minutes left, rounded up to the entry's own increment, stay billable (G5).
    """
    if minutes < 0:
        raise ValueError(f"a correction takes minutes off: {minutes} is below 0")
    named = [entry for entry in entries if entry.counts == counts and entry.actual > 0]
    held = sum(entry.actual for entry in named)
    if minutes > held:
        return Refused(minutes, held)
    reductions = []
    for entry in sorted(named, key=lambda e: (e.received_at, e.ordinal, e.id), reverse=True):
        taken = min(minutes, entry.actual)
        minutes -= taken
        if taken:
            reductions.append(_reduction(entry, taken))
    return tuple(reductions)


def _reduction(entry: Entry, taken: int) -> Reduction:
    left = min(entry.billable, billable(entry.actual - taken, entry.increment))
    return Reduction(entry.id, -taken, left - entry.billable)


def runs_out_on(reckoning: Reckoning, on: dt.date) -> dt.date | None:
    """The date of an empty bank if use goes on as in the period so far (G6).

    Use is counted from the first day granted to `on`, included. An empty bank gives `on` itself;
    None means no bank, no use, or a bank enough for its whole period.
    """
    state = balance(reckoning, on)
    if state.period is None or state.used == 0:
        return None
    if state.remaining <= 0:
        return on
    first = min(grant.date for grant in grants_of(reckoning.spans, state.period))
    days = max(1, (on - first).days + 1)
    empty_on = on + dt.timedelta(days=-(-state.remaining * days // state.used))
    return empty_on if empty_on < state.period.end else None


def thresholds_crossed(
    before: int, after: int, granted: int, percents: Iterable[int]
) -> tuple[int, ...]:
    """The percentages of the bank passed by a use from `before` to `after` minutes (G6), rising."""
    if granted <= 0:
        return ()
    return tuple(p for p in sorted(percents) if before * 100 < p * granted <= after * 100)
