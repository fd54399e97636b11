"""Plans, agreements and their dated versions: the terms of a customer on a date (F1–F3)."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, zip_longest
from types import MappingProxyType
from typing import Any, Final

from daemon.domain.money import ZERO, Money
from daemon.domain.periods import LENGTHS, add_months

INCREMENTS: Final = (1, 15, 30, 60)
BANK_PERIODS: Final = ("quarter", "half-year", "year")
REMIND_DAYS: Final = (60, 30)
_DAY: Final = dt.timedelta(days=1)


class Targets(Mapping[int, int]):
    """Minutes by priority, in an immutable mapping with a hash."""

    __slots__ = ("_pairs",)

    def __init__(self, minutes: Mapping[int, int]) -> None:
        """Keep a sorted copy."""
        self._pairs = tuple(sorted(minutes.items()))

    def __getitem__(self, priority: int) -> int:
        return dict(self._pairs)[priority]

    def __iter__(self) -> Iterator[int]:
        return (priority for priority, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __repr__(self) -> str:
        return f"Targets({dict(self._pairs)})"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms agreed with a customer: a whole copy of a plan, made at signing (F1)."""

    plan: str  # key of the plan it was copied from
    plan_name: str
    response: Mapping[int, int] | None = None  # opening minutes by priority (E2); None: no promise
    resolution: Mapping[int, int] | None = None  # E6
    bank_minutes: int = 0  # for one whole bank period
    bank_period: str | None = None  # "quarter", "half-year", "year"; None: no bank
    monthly_fee: Money = ZERO
    hourly_rate: Money = ZERO
    outside_rate: Money | None = None  # for work with the tag evening (G4)
    increment: int = 1  # minutes: entries are rounded up to a multiple (G5)
    term_months: int = 0  # 0: no term
    review_meetings: str | None = None  # "quarter", "half-year"
    reports: str | None = None  # "month", "quarter", "year"

    def __post_init__(self) -> None:
        for name in ("response", "resolution"):
            targets = getattr(self, name)
            if targets is not None and not isinstance(targets, Targets):
                object.__setattr__(self, name, Targets(targets))

    def rate(self, *, outside: bool) -> Money:
        """The price of an hour; outside opening hours the plan's own rate, if it sets one (G4)."""
        if outside and self.outside_rate is not None:
            return self.outside_rate
        return self.hourly_rate

    def to_json(self) -> dict[str, Any]:
        """Every term as JSON has it: money as text, priorities as text keys."""
        return {each.name: _as_json(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Terms":
        """The terms that `to_json` wrote, without loss."""
        read: dict[str, Any] = dict(stored)
        for name in ("monthly_fee", "hourly_rate", "outside_rate"):
            read[name] = None if read[name] is None else Money.parse(read[name])
        for name in ("response", "resolution"):
            minutes = read[name] and {int(level): time for level, time in read[name].items()}
            read[name] = minutes and Targets(minutes)
        return cls(**read)


def _as_json(value: object) -> object:
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, Mapping):
        return {str(priority): minutes for priority, minutes in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class Prices:
    """The terms of a plan, by field name, from a date on; None: always."""

    from_: dt.date | None
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """A kind of agreement with its price lists."""

    key: str
    terms: Terms
    prices: tuple[Prices, ...] = ()

    def terms_on(self, day: dt.date) -> Terms:
        """The terms of an agreement made that day; each price list changes the earlier (F1)."""
        terms = self.terms
        for price in sorted(self.prices, key=lambda each: each.from_ or dt.date.min):
            if price.from_ is None or price.from_ <= day:
                terms = replace(terms, **price.overrides)
        return terms


@dataclass(frozen=True, slots=True)
class Version:
    """The terms of a customer's agreement from a date on."""

    id: int
    customer: str
    starts: dt.date
    until: dt.date | None  # the last day covered, as people write it (A1)
    renews: bool  # without `until`: by a further term when one ends (F2)
    terms: Terms
    withdrawn: bool = False  # taken back: as if it had never been (H3 settles its fees)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The dates `[start, end)` of a version in force."""

    version: Version
    start: dt.date
    end: dt.date | None  # None: for ever
    agreed_from: dt.date  # the start of the whole agreement: its terms count from there

    def __contains__(self, day: dt.date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class TermReminder:
    """A reminder to finance and the account manager before a term ends (F2)."""

    customer: str
    version: int
    due: dt.date
    days_before: int
    term_ends: dt.date  # the first day after the term
    renews: bool


def term_end(version: Version, on: dt.date, agreed_from: dt.date | None = None) -> dt.date | None:
    """The first day after the term running on a date; None for an agreement without terms.

    `until` ends its term, whatever the length. Every term is counted from the start of the
    agreement: a new version begins no new term, and an agreement of 29 February comes back to
    the 29th.
    """
    if version.until is not None:
        return version.until + _DAY
    if version.terms.term_months <= 0:
        return None
    anchor = agreed_from or version.starts
    if not version.renews:
        on = version.starts
    gone = (on.year - anchor.year) * 12 + on.month - anchor.month
    term = max(1, gone // version.terms.term_months) * version.terms.term_months
    while (end := add_months(anchor, term)) <= on:
        term += version.terms.term_months
    return end


def _own_end(version: Version, agreed_from: dt.date) -> dt.date | None:
    if version.until is None and version.renews:
        return None
    return term_end(version, version.starts, agreed_from)


def timeline(versions: Iterable[Version]) -> tuple[Coverage, ...]:
    """The dates of each version, in order and without overlap (F1).

    A later start ends the earlier version; of two with the same start the later id holds. A
    version belongs to the agreement before it if that has the same plan and still runs.
    """
    by_start = {v.starts: v for v in sorted(versions, key=lambda v: v.id) if not v.withdrawn}
    current = [by_start[start] for start in sorted(by_start)]
    spans: list[Coverage] = []
    for version, following in zip_longest(current, current[1:]):
        agreed_from = _agreed_from(spans[-1] if spans else None, version)
        ends = _own_end(version, agreed_from), following.starts if following else None
        end = min((day for day in ends if day is not None), default=None)
        if end is None or end > version.starts:
            spans.append(Coverage(version, version.starts, end, agreed_from))
    return tuple(spans)


def _agreed_from(before: Coverage | None, version: Version) -> dt.date:
    if before is None or before.version.terms.plan != version.terms.plan:
        return version.starts
    own_end = _own_end(before.version, before.agreed_from)
    cut_short = before.end == version.starts and (own_end is None or own_end > version.starts)
    return before.agreed_from if cut_short else version.starts


def span_on(spans: tuple[Coverage, ...], day: dt.date) -> Coverage | None:
    """The span of a timeline with that date; None for a date outside all of them."""
    for span in reversed(spans):
        if span.start <= day:
            return span if day in span else None
    return None


def in_force(versions: Iterable[Version], day: dt.date) -> Version | None:
    """The version in force on a date; None: no agreement that day (F3)."""
    span = span_on(timeline(versions), day)
    return span.version if span else None


def term_reminders(
    versions: Iterable[Version], start: dt.date, end: dt.date
) -> tuple[TermReminder, ...]:
    """The reminders due in `[start, end)`: 60 and 30 days before every end of a term (F2)."""
    due = [
        TermReminder(
            span.version.customer,
            span.version.id,
            ends - days * _DAY,
            days,
            ends,
            renews=span.version.renews and span.version.until is None,
        )
        for span in timeline(versions)
        for ends in _term_ends(span, start, end + max(REMIND_DAYS) * _DAY)
        for days in REMIND_DAYS
        if max(start, span.agreed_from) <= ends - days * _DAY < end
    ]
    return tuple(sorted(due, key=lambda each: (each.due, each.term_ends, each.version)))


def _term_ends(span: Coverage, after: dt.date, before: dt.date) -> Iterator[dt.date]:
    ends = term_end(span.version, max(span.start, after), span.agreed_from)
    while ends is not None and ends < before and (span.end is None or ends <= span.end):
        yield ends
        following = term_end(span.version, ends, span.agreed_from)
        ends = following if following and following > ends else None


def raised_terms(terms: Terms, percent: Decimal) -> Terms:
    """The same terms, fee and rates raised (or lowered) by a percentage, half up to öre."""
    factor = 1 + Fraction(percent) / 100

    def by(price: Money) -> Money:
        return Money.of(Fraction(price.kronor) * factor)

    outside = None if terms.outside_rate is None else by(terms.outside_rate)
    return replace(
        terms,
        monthly_fee=by(terms.monthly_fee),
        hourly_rate=by(terms.hourly_rate),
        outside_rate=outside,
    )


def check_terms(terms: Terms) -> tuple[str, ...]:
    """The mistakes in terms, each with its remedy; none where all is well."""
    wrong = []
    if terms.increment not in INCREMENTS:
        wrong.append(f"increment {terms.increment}: write 1, 15, 30 or 60 minutes")
    if terms.bank_period is not None and terms.bank_period not in BANK_PERIODS:
        wrong.append(f"bank_period {terms.bank_period}: write {', '.join(BANK_PERIODS)}")
    if terms.bank_minutes < 0 or (terms.bank_minutes and terms.bank_period is None):
        wrong.append(f"bank of {terms.bank_minutes} minutes: not below 0, and with a bank_period")
    prices = (terms.monthly_fee, terms.hourly_rate, terms.outside_rate or ZERO)
    if min(prices) < ZERO:
        wrong.append("a fee or rate is below 0.00: write what the customer pays")
    if terms.term_months < 0:
        wrong.append(f"term_months {terms.term_months}: write 0 (no term) or more")
    wrong += [
        f"{name} {value}: write {', '.join(LENGTHS)}"
        for name in ("review_meetings", "reports")
        if (value := getattr(terms, name)) is not None and value not in LENGTHS
    ]
    wrong += [
        f"{name}: priorities 1 to 4, minutes not below 0"
        for name in ("response", "resolution")
        if (targets := getattr(terms, name))
        and (set(targets) - {1, 2, 3, 4} or min(targets.values()) < 0)
    ]
    return tuple(wrong)


def check_versions(versions: Iterable[Version]) -> tuple[str, ...]:
    """The mistakes in one customer's versions, each with its remedy."""
    current = sorted((v for v in versions if not v.withdrawn), key=lambda v: (v.starts, v.id))
    wrong = [
        f"version from {v.starts} ends {v.until}: until is the last day covered, not before that"
        for v in current
        if v.until is not None and v.until < v.starts
    ]
    wrong += [
        f"two versions start {earlier.starts}: keep one of them"
        for earlier, later in pairwise(current)
        if earlier.starts == later.starts
    ]
    if len({v.customer for v in current}) > 1:
        wrong.append("versions of several customers: ask for one at a time")
    if len({v.id for v in current}) < len(current):
        wrong.append("two versions have the same id")
    wrong += [f"version from {v.starts}: {each}" for v in current for each in check_terms(v.terms)]
    return tuple(wrong)


# The rows of supportavtal.md: plan, name, response (h), bank (h), bank period, fee and rate (öre),
# review meetings, reports.
_WITH_AGREEMENT: Final = (
    ("alert", "Alert!", 1, 15, "quarter", 8000_00, 850_00, "quarter", "month"),
    ("attend", "Attend!", 8, 6, "quarter", 3000_00, 890_00, "half-year", "quarter"),
    ("access", "Access!", 16, 4, "year", 500_00, 940_00, None, "year"),
)


def _built_in() -> Iterator[Terms]:
    for plan, name, response, bank, period, fee, rate, meetings, reports in _WITH_AGREEMENT:
        yield Terms(
            plan,
            name,
            response=Targets(dict.fromkeys((1, 2, 3, 4), response * 60)),
            bank_minutes=bank * 60,
            bank_period=period,
            monthly_fee=Money(fee),
            hourly_rate=Money(rate),
            term_months=12,
            review_meetings=meetings,
            reports=reports,
        )
    yield Terms("none", "Avtalslös", hourly_rate=Money(980_00))


BUILT_IN: Final[Mapping[str, Plan]] = MappingProxyType(
    {terms.plan: Plan(terms.plan, terms) for terms in _built_in()}
)
