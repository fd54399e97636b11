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
    """Time that an engineer worked on a ticket, with what its corrections have left of it."""

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
    """Minutes that finance adds to (or takes from) the bank period its date lies in."""

    id: int
    date: dt.date
    minutes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What one version gives to one bank period, in proportion to the days it covers (G3)."""

    bank: Period
    version: int
    plan_name: str
    date: dt.date  # the first day covered
    days: int  # covered, of `bank.days`
    minutes: int


@dataclass(frozen=True, slots=True)
class Draw:
    """What became of one entry: so much from the bank, so much overage at a rate (G4)."""

    entry: Entry
    from_bank: int
    overage: int
    version: int | None  # None: no agreement that day (F3)
    bank: Period | None  # None: no agreement, or one without a bank
    rate: Money

    @property
    def period(self) -> Period:
        """Under which overage is billed: the bank period, without a bank the month worked (H2)."""
        return self.bank or month_of(self.entry.worked_on)


@dataclass(frozen=True, slots=True)
class Reckoning:
    """One customer's whole history, reckoned; `stray` adjustments found no bank at their date."""

    spans: tuple[Coverage, ...]
    draws: tuple[Draw, ...]  # in order of worked date, receipt, ordinal (G4)
    adjustments: Mapping[Period, tuple[Adjustment, ...]]
    stray: tuple[Adjustment, ...] = ()

    def granted(self, bank: Period) -> int:
        """What the bank of a period holds before any use: grants and adjustments."""
        given = sum(grant.minutes for grant in grants_of(self.spans, bank))
        return given + sum(each.minutes for each in self.adjustments.get(bank, ()))


@dataclass(frozen=True, slots=True)
class Balance:
    """What `avtald bank` shows: remaining = granted − used, overage stands apart."""

    period: Period | None  # None: no bank on that date
    granted: int
    used: int  # drawn from the bank
    remaining: int
    overage: int


@dataclass(frozen=True, slots=True)
class Correction:
    """A booked lowering of one entry, as the differences that were stored (G5)."""

    entry: int
    date: dt.date
    minutes: int  # billable minutes taken off, above 0


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of the bank's ledger (G1); the sum of `minutes` is what remains."""

    kind: str  # "grant", "adjustment", "use", "reversal", "expiry"
    date: dt.date
    minutes: int  # above 0 where the bank gains
    overage: int = 0  # of a use: what the bank did not cover
    grant: Grant | None = None
    entry: Entry | None = None
    adjustment: Adjustment | None = None


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a correction takes from one entry, to be stored as it stands (G4, G5)."""

    entry: int
    actual: int  # difference in minutes, below 0
    billable: int  # difference, 0 or below


@dataclass(frozen=True, slots=True)
class Refused:
    """A correction of more than the named entries hold; nothing of it is booked (G4)."""

    asked: int
    held: int


def billable(actual: int, increment: int) -> int:
    """Actual minutes rounded up to the increment (G5)."""
    return -(-actual // increment) * increment


def grants_of(spans: Iterable[Coverage], bank: Period) -> tuple[Grant, ...]:
    """The grants of one bank period, one per version whose plan has banks of that length (G3)."""
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


def grants(versions: Iterable[Version], start: dt.date, end: dt.date) -> tuple[Grant, ...]:
    """Every grant of the bank periods that lie in `[start, end)` or overlap it, in order."""
    spans = timeline(versions)
    lengths = {span.version.terms.bank_period for span in spans} - {None}
    banks: list[Period] = []
    for length in lengths:
        bank = period_of(str(length), start)
        while bank.start < end:
            banks.append(bank)
            bank = bank.following()
    return tuple(grant for bank in sorted(banks) for grant in grants_of(spans, bank))


def bank_on(spans: tuple[Coverage, ...], day: dt.date) -> Period | None:
    """The bank period that a date draws on: that of the version in force; None without a bank."""
    span = span_on(spans, day)
    length = span.version.terms.bank_period if span else None
    return period_of(length, day) if length else None


def bank_to_adjust(spans: tuple[Coverage, ...], day: dt.date) -> Period | None:
    """Like `bank_on`; on a date without agreement the bank whose period still covers the date.

    None where an adjustment of that date would find no bank.
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
    none_rate: Callable[[dt.date], Terms],
) -> Reckoning:
    """Settle what each entry drew from which bank, and what is overage at which rate (G2–G4, F3).

    One customer's facts, as known at the instant that the caller looks from; `none_rate` gives
    the terms of the plan `none` for a worked date. A bank below zero (adjustments) draws nothing.
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
    return replace(reckoning, draws=tuple(_draw(e, reckoning, left, none_rate) for e in ordered))


def ledger_order(entry: Entry) -> tuple[dt.date, dt.datetime, int, int]:
    """Worked date, then receipt, then ordinal (G4); the id makes it total."""
    return entry.worked_on, entry.received_at, entry.ordinal, entry.id


def _draw(
    entry: Entry,
    reckoning: Reckoning,
    left: dict[Period, int],
    none_rate: Callable[[dt.date], Terms],
) -> Draw:
    span = span_on(reckoning.spans, entry.worked_on)
    terms = span.version.terms if span else none_rate(entry.worked_on)
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
    """The bank of the period a date lies in; without a bank that day, the use no bank covers."""
    return balance_of(reckoning, bank_on(reckoning.spans, on))


def balance_of(reckoning: Reckoning, bank: Period | None) -> Balance:
    """The same of a bank period by itself; None: the use that no bank covers."""
    draws = [draw for draw in reckoning.draws if draw.bank == bank]
    granted = reckoning.granted(bank) if bank else 0
    used = sum(draw.from_bank for draw in draws)
    return Balance(bank, granted, used, granted - used, sum(draw.overage for draw in draws))


def banks(reckoning: Reckoning, before: dt.date) -> tuple[Period, ...]:
    """Every bank period that began before a date and was granted anything or drawn on, in order."""
    found = {draw.bank for draw in reckoning.draws if draw.bank} | set(reckoning.adjustments)
    for span in reckoning.spans:
        if length := span.version.terms.bank_period:
            bank = period_of(length, span.start)
            while bank.start < min(before, span.end or before):
                found.add(bank)
                bank = bank.following()
    return tuple(sorted(bank for bank in found if bank.start < before))


def movements(
    reckoning: Reckoning,
    bank: Period | None,
    today: dt.date,
    corrections: Iterable[Correction] = (),
) -> tuple[Movement, ...]:
    """The ledger of one bank period in order of date, with its expiry once it has ended (G1, G2).

    A corrected entry stands with what it would have used, and the reversal beside it. Without a
    bank (None) the uses are those that no bank covers, each with all its minutes as overage.
    """
    listed: list[Movement] = []
    if bank is not None:
        listed += [
            Movement("grant", each.date, each.minutes, grant=each)
            for each in grants_of(reckoning.spans, bank)
        ]
        listed += [
            Movement("adjustment", each.date, each.minutes, adjustment=each)
            for each in reckoning.adjustments.get(bank, ())
        ]
    listed += _uses((draw for draw in reckoning.draws if draw.bank == bank), tuple(corrections))
    listed.sort(key=lambda each: (each.date, _KINDS.index(each.kind)))
    remaining = sum(each.minutes for each in listed)
    if bank is not None and today >= bank.end and remaining > 0:
        listed.append(Movement("expiry", bank.end, -remaining))
    return tuple(listed)


_KINDS: Final = ("grant", "adjustment", "use", "reversal", "expiry")


def cause(movement: Movement, language: str) -> str:
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
        mine = [each for each in corrections if each.entry == entry.id]
        gone = sum(each.minutes for each in mine) if draw.bank and entry.counts else 0
        used = -(draw.from_bank + gone)
        listed.append(Movement("use", entry.worked_on, used, draw.overage, entry=entry))
        listed += [
            Movement("reversal", each.date, each.minutes if gone else 0, entry=entry)
            for each in mine
        ]
    return listed


def correct(
    entries: Iterable[Entry], minutes: int, *, counts: bool = True
) -> tuple[Reduction, ...] | Refused:
    """Take actual minutes off the named entries, the last booked first (G4), or refuse it whole.

    A correction of billable time leaves `ej deb` apart, and one of `ej deb` the rest. What is left
    billable is what is left of the actual minutes, rounded up to the entry's own increment (G5).
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


def forecast(reckoning: Reckoning, on: dt.date) -> dt.date | None:
    """The date on which the bank runs out if use goes on as in the period so far (G6).

    Counted from the first day granted up to and with `on`; that day itself where nothing is left;
    None where there is no bank or use, or the bank lasts to the end of its period.
    """
    state = balance(reckoning, on)
    if state.period is None or state.used == 0:
        return None
    if state.remaining <= 0:
        return on
    first = min(grant.date for grant in grants_of(reckoning.spans, state.period))
    days = max(1, (on - first).days + 1)
    runs_out = on + dt.timedelta(days=-(-state.remaining * days // state.used))
    return runs_out if runs_out < state.period.end else None


def thresholds_crossed(
    before: int, after: int, granted: int, percents: Iterable[int]
) -> tuple[int, ...]:
    """Which per cents of the bank a use from `before` to `after` minutes reached (G6), rising."""
    if granted <= 0:
        return ()
    return tuple(p for p in sorted(percents) if before * 100 < p * granted <= after * 100)
