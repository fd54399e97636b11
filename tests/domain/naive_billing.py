"""A naive model of agreements, bank and billing: plain loops over days and minutes, for comparison.

Written apart from the product and differently on purpose: no intervals, no timeline, no minimum
of two numbers; a day is asked for its version, and a bank gives one minute at a time.
"""

import datetime as dt
from collections import defaultdict

A_DAY = dt.timedelta(days=1)


def plus_months(day, months):
    year, month = day.year, day.month
    for _ in range(months):
        month += 1
        if month == 13:
            year, month = year + 1, 1
    number = day.day
    while True:
        try:
            return dt.date(year, month, number)
        except ValueError:
            number -= 1


def candidate(versions, day):
    """The version that started last, on that day or before: only it can be in force."""
    best = None
    for version in versions:
        if version.withdrawn or version.starts > day:
            continue
        if best is None or (version.starts, version.id) >= (best.starts, best.id):
            best = version
    return best


def agreement_start(versions, version):
    """Where the version took over from a running one of the same plan, that one's; else its own."""
    earlier = [each for each in versions if each.starts < version.starts]
    running = version_on(earlier, version.starts)
    if running is not None and running.terms.plan == version.terms.plan:
        return agreement_start(earlier, running)
    return version.starts


def version_on(versions, day):
    version = candidate(versions, day)
    if version is None:
        return None
    if version.until is not None:
        return version if day <= version.until else None
    if version.renews or version.terms.term_months == 0:
        return version
    start, terms = agreement_start(versions, version), 1
    while plus_months(start, terms * version.terms.term_months) <= version.starts:
        terms += 1
    return version if day < plus_months(start, terms * version.terms.term_months) else None


def month_key(day):
    return f"{day.year}-{day.month:02}"


def period_key(length, day):
    if length == "quarter":
        return f"{day.year}-Q{(day.month + 2) // 3}"
    if length == "half-year":
        return f"{day.year}-H{1 if day.month <= 6 else 2}"
    return str(day.year)


def round_half_up(numerator, denominator):
    """Of a number that is not negative."""
    whole, rest = divmod(numerator, denominator)
    return whole + 1 if rest * 2 >= denominator else whole


class NaiveYears:
    """Everything one customer owes for whole calendar years, worked out day by day."""

    def __init__(self, versions, first_year, last_year):
        self.days = []
        day = dt.date(first_year, 1, 1)
        while day.year <= last_year:
            self.days.append((day, version_on(versions, day)))
            day += A_DAY
        self.by_day = dict(self.days)

    def granted(self):
        """Minutes by bank period and by version."""
        length_of = defaultdict(int)
        covered = defaultdict(int)
        terms = {}
        for day, version in self.days:
            for length in ("quarter", "half-year", "year"):
                length_of[period_key(length, day)] += 1
            if version is not None and version.terms.bank_period is not None:
                covered[period_key(version.terms.bank_period, day), version.id] += 1
                terms[version.id] = version.terms
        return {
            (key, version): round_half_up(terms[version].bank_minutes * days, length_of[key])
            for (key, version), days in covered.items()
        }

    def bank_of_adjustment(self, day):
        version = self.by_day[day]
        if version is not None and version.terms.bank_period is not None:
            return period_key(version.terms.bank_period, day)
        for length in ("quarter", "half-year", "year"):
            for key, _ in self.granted():
                if key == period_key(length, day):
                    return key
        return None

    def draws(self, entries, adjustments, none_rate):
        """By entry: minutes from the bank, overage, billing period, rate in öre."""
        left = defaultdict(int)
        for (key, _), minutes in self.granted().items():
            left[key] += minutes
        for adjustment in adjustments:
            left[self.bank_of_adjustment(adjustment.date)] += adjustment.minutes
        waiting, drawn = list(entries), {}
        while waiting:
            entry = waiting[0]
            for other in waiting[1:]:
                if (other.worked_on, other.received_at, other.ordinal, other.id) < (
                    entry.worked_on,
                    entry.received_at,
                    entry.ordinal,
                    entry.id,
                ):
                    entry = other
            waiting.remove(entry)
            drawn[entry.id] = self.draw(entry, left, none_rate)
        return drawn

    def draw(self, entry, left, none_rate):
        version = self.by_day[entry.worked_on]
        terms = none_rate(entry.worked_on) if version is None else version.terms
        rate = terms.hourly_rate
        if entry.outside and terms.outside_rate is not None:
            rate = terms.outside_rate
        key, bank = month_key(entry.worked_on), False
        if version is not None and terms.bank_period is not None:
            key, bank = period_key(terms.bank_period, entry.worked_on), True
        covered = beyond = 0
        for _ in range(entry.billable if entry.counts else 0):
            if bank and left[key] > 0:
                left[key] -= 1
                covered += 1
            else:
                beyond += 1
        return covered, beyond, key, rate.ore

    def overage(self, entries, adjustments, none_rate, first, end):
        """Minutes by billing period and rate, of work in `[first, end)`."""
        due = defaultdict(int)
        drawn = self.draws(entries, adjustments, none_rate)
        for entry in entries:
            _, beyond, key, rate = drawn[entry.id]
            if first <= entry.worked_on < end and beyond:
                due[key, rate] += beyond
        return dict(due)

    def fees(self, first, end):
        """Öre by month and version, of months in `[first, end)`."""
        covered, length_of, fee = defaultdict(int), defaultdict(int), {}
        for day, version in self.days:
            length_of[month_key(day)] += 1
            if first <= day < end and version is not None:
                covered[month_key(day), version.id] += 1
                fee[version.id] = version.terms.monthly_fee.ore
        due = {
            (month, version): round_half_up(fee[version] * days, length_of[month])
            for (month, version), days in covered.items()
        }
        return {key: ore for key, ore in due.items() if ore}


def first_month(facts):
    """H1, day by day: the key of the first month billed for a customer; None for never."""
    agreed = {starts for starts, withdrawn in facts.agreed if not withdrawn}
    reasons = agreed | set(facts.worked) | {month.start for month in facts.billed}
    if not reasons:
        return None
    if facts.setting is not None:
        return str(facts.setting)
    day = dt.date(2026, 1, 1)
    while day != facts.go_live_day and (facts.go_live_day is not None or day not in reasons):
        day += A_DAY
    return month_key(day)


def hundredths(minutes):
    """Hours in hundredths, half up."""
    return round_half_up(minutes * 100, 60)


def minutes_left(entries, corrections):
    """(actual, billable) by entry, after corrections that each take one minute after another.

    An entry is a record as first booked; a correction is (ids named, minutes, of `ej deb` or not).
    """
    left = {entry.id: entry.actual for entry in entries}
    for named, minutes, counts in corrections:
        mine = [e for e in entries if e.id in named and e.counts == counts]
        if sum(left[e.id] for e in mine) < minutes:
            continue
        for _ in range(minutes):
            holding = [e for e in mine if left[e.id] > 0]
            latest = max(holding, key=lambda e: (e.received_at, e.ordinal, e.id))
            left[latest.id] -= 1
    by_id = {}
    for entry in entries:
        rounded = left[entry.id]
        while rounded % entry.increment:
            rounded += 1
        by_id[entry.id] = (left[entry.id], rounded)
    return by_id
