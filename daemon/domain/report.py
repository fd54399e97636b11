"""A customer's report: the figures of a period's tickets, clocks, hours and statements (J3)."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median

from daemon.domain.forecast import Forecast, forecast
from daemon.domain.money import Money, half_up, total
from daemon.domain.periods import Period
from daemon.domain.report_facts import BilledMonth, ClockFact, Facts, TicketFact, Window
from daemon.domain.time_bank import Draw, Reckoning, banks

LEVELS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class LevelFigures:
    """The tickets of one level: those opened, and the response promises settled."""

    level: int
    opened: int
    met: int
    missed: int
    unanswered: int  # closed without a word in time: neither met nor missed (E1)
    target: int | None  # minutes; None: no promise, or several
    typical: int | None  # the median of the minutes until work started
    longest: int | None


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise broken in the period, with the reason."""

    number: int
    subject: str
    level: int
    clock: str
    target: int | None
    broken_at: dt.datetime  # the deadline
    ended_at: dt.datetime | None  # None: work had not started when the period ended
    used: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class TicketHours:
    """The minutes worked on one ticket in the period."""

    number: int
    subject: str
    actual: int
    from_bank: int
    overage: int
    free: int  # `ej deb`


@dataclass(frozen=True, slots=True)
class BankFigures:
    """A bank period as it stood at the end of the report's period (G1–G4)."""

    period: Period
    granted: int
    used: int
    used_here: int  # of it, worked in the report's period
    overage: int
    ended: bool

    @property
    def left(self) -> int:
        """The minutes still to use; none once the bank period has ended (G2)."""
        return 0 if self.ended else self.granted - self.used

    @property
    def expired(self) -> int:
        """The minutes lost at its end."""
        return max(0, self.granted - self.used) if self.ended else 0

    @property
    def percent(self) -> int:
        """The part used, in whole per cent."""
        return percent_of(self.used, self.granted)


@dataclass(frozen=True, slots=True)
class Trend:
    """One period of the trend, beside others of its length."""

    period: Period
    opened: int
    minutes: int
    met: int
    missed: int

    @property
    def settled(self) -> int:
        """The number of response promises kept or broken."""
        return self.met + self.missed


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """A ticket open at the end of the period."""

    number: int
    subject: str
    level: int
    opened_on: dt.date
    days: int
    waiting: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a report."""

    window: Window
    levels: tuple[LevelFigures, ...]
    follow_ups: tuple[int, int]  # met and missed (E5: reported apart)
    resolutions: tuple[int, int]  # met and missed (E6)
    breaches: tuple[Breach, ...]
    closed: int
    hours: tuple[TicketHours, ...]  # most first
    late: int  # minutes of earlier periods, noted or corrected in this one
    banks: tuple[BankFigures, ...]
    billed: tuple[BilledMonth, ...]
    trend: tuple[Trend, ...]  # oldest first, the report's own last
    forecast: Forecast | None
    open: tuple[OpenTicket, ...]  # the longest first
    tickets: tuple[TicketFact, ...] = field(default=(), repr=False)  # opened here, by number

    @property
    def period(self) -> Period:
        """The report's period."""
        return self.window.period

    @property
    def opened(self) -> int:
        """The number of tickets opened."""
        return sum(each.opened for each in self.levels)

    @property
    def met(self) -> int:
        """The number of response promises kept."""
        return sum(each.met for each in self.levels)

    @property
    def missed(self) -> int:
        """The number of response promises broken."""
        return sum(each.missed for each in self.levels)

    @property
    def minutes(self) -> int:
        """Minutes worked in the period."""
        return sum(each.actual for each in self.hours)

    @property
    def overage(self) -> int:
        """Minutes worked in the period beyond any bank."""
        return sum(each.overage for each in self.hours)

    @property
    def from_bank(self) -> int:
        """Minutes worked in the period and drawn from a bank."""
        return sum(each.from_bank for each in self.hours)

    @property
    def free(self) -> int:
        """Minutes worked in the period and marked `ej deb`."""
        return sum(each.free for each in self.hours)

    @property
    def net(self) -> Money:
        """The net of the period's statements."""
        return total(each.net for each in self.billed)

    @property
    def unsettled(self) -> int:
        """The number of the period's months still without a statement."""
        return sum(not each.settled for each in self.billed)

    @property
    def in_time(self) -> int | None:
        """Kept promises in whole per cent, never 100 if one was broken; None without any."""
        settled = self.met + self.missed
        return percent_of(self.met, settled) if settled else None

    @property
    def is_empty(self) -> bool:
        """True for a period without tickets, hours and breaches."""
        return not (self.opened or self.hours or self.breaches or self.open or self.late)


def percent_of(part: int, whole: int) -> int:
    """A part in whole per cent, half up; only the whole is 100, and only nothing is 0."""
    if whole <= 0 or part <= 0:
        return 0
    rounded = int(half_up(Fraction(100 * part, whole)))
    return max(1, min(rounded, 99)) if part < whole else rounded


def figures(facts: Facts) -> Figures:
    """The figures of a report, from its facts alone: the same facts give the same report."""
    window = facts.windows[-1]
    return Figures(
        window=window,
        levels=tuple(_level(level, facts.tickets, window) for level in LEVELS),
        follow_ups=_kept(facts.tickets, "follow-up", window),
        resolutions=_kept(facts.tickets, "resolution", window),
        breaches=_breaches(facts.tickets, window),
        closed=sum(ticket.closed_at in window for ticket in facts.tickets),
        hours=_hours(facts, window),
        late=_late(facts, window),
        banks=_banks(facts.after, window),
        billed=facts.billed,
        trend=_trends(facts),
        forecast=forecast(facts),
        open=_open(facts.tickets, window),
        tickets=tuple(ticket for ticket in facts.tickets if ticket.opened_at in window),
    )


def _settled(
    tickets: Iterable[TicketFact], kind: str, window: Window
) -> list[tuple[TicketFact, ClockFact]]:
    return [
        (ticket, clock)
        for ticket in tickets
        for clock in ticket.clocks
        if clock.kind == kind and clock.settled_at in window
    ]


def _result(clock: ClockFact) -> str:
    """The result of a promise: broken once past its deadline, even before work starts (E4)."""
    return "missed" if clock.breached_at is not None else clock.result


def _kept(tickets: Iterable[TicketFact], kind: str, window: Window) -> tuple[int, int]:
    results = [_result(clock) for _, clock in _settled(tickets, kind, window)]
    return results.count("met"), results.count("missed")


def _level(level: int, tickets: Sequence[TicketFact], window: Window) -> LevelFigures:
    mine = [ticket for ticket in tickets if ticket.level == level]
    settled = [clock for _, clock in _settled(mine, "response", window)]
    results = [_result(clock) for clock in settled]
    targets = {clock.target for clock in settled}
    used = sorted(
        clock.used
        for clock in settled
        if clock.used is not None and clock.result in {"met", "missed"} and clock.ended_at in window
    )
    return LevelFigures(
        level=level,
        opened=sum(ticket.opened_at in window for ticket in mine),
        met=results.count("met"),
        missed=results.count("missed"),
        unanswered=results.count("unanswered"),
        target=next(iter(targets)) if len(targets) == 1 else None,
        typical=int(half_up(Fraction(median(used)))) if used else None,
        longest=used[-1] if used else None,
    )


def _breaches(tickets: Sequence[TicketFact], window: Window) -> tuple[Breach, ...]:
    breaches = [
        Breach(
            number=ticket.number,
            subject=ticket.subject,
            level=ticket.level,
            clock=kind,
            target=clock.target,
            broken_at=clock.breached_at,
            ended_at=clock.ended_at if clock.ended_at in window else None,
            used=clock.used if clock.ended_at in window else None,
            reason=ticket.reason,
        )
        for kind in ("response", "follow-up", "resolution")
        for ticket, clock in _settled(tickets, kind, window)
        if clock.breached_at is not None
    ]
    return tuple(sorted(breaches, key=lambda breach: (breach.broken_at, breach.number)))


def _hours(facts: Facts, window: Window) -> tuple[TicketHours, ...]:
    draws: dict[tuple[int, str], list[Draw]] = {}
    for draw in facts.after.draws:
        if draw.entry.worked_on in window.period and draw.entry.actual:
            draws.setdefault(facts.titles[draw.entry.ticket], []).append(draw)
    tickets = [_ticket_hours(title, mine) for title, mine in draws.items()]
    return tuple(sorted(tickets, key=lambda ticket: (-ticket.actual, ticket.number)))


def _ticket_hours(title: tuple[int, str], draws: Sequence[Draw]) -> TicketHours:
    return TicketHours(
        number=title[0],
        subject=title[1],
        actual=sum(draw.entry.actual for draw in draws),
        from_bank=sum(draw.from_bank for draw in draws),
        overage=sum(draw.overage for draw in draws),
        free=sum(draw.entry.actual for draw in draws if not draw.entry.counts),
    )


def _late(facts: Facts, window: Window) -> int:
    """The minutes noted or corrected in this period for work before it (H3)."""

    def worked_before(reckoning: Reckoning) -> int:
        start = window.period.start
        return sum(d.entry.actual for d in reckoning.draws if d.entry.worked_on < start)

    return worked_before(facts.after) - worked_before(facts.before)


def _banks(reckoning: Reckoning, window: Window) -> tuple[BankFigures, ...]:
    touched = (b for b in banks(reckoning, window.period.end) if b.end > window.period.start)
    return tuple(_bank(reckoning, bank, window) for bank in touched)


def _bank(reckoning: Reckoning, bank: Period, window: Window) -> BankFigures:
    period = window.period
    draws = [d for d in reckoning.draws if d.bank == bank and d.entry.worked_on < period.end]
    return BankFigures(
        period=bank,
        granted=reckoning.granted(bank),
        used=sum(draw.from_bank for draw in draws),
        used_here=sum(draw.from_bank for draw in draws if draw.entry.worked_on in period),
        overage=sum(draw.overage for draw in draws),
        ended=bank.end <= period.end and not _runs(window),
    )


def _runs(window: Window) -> bool:
    """True for a period not yet over at the time of the report."""
    return window.end.date() < window.period.end


def _trends(facts: Facts) -> tuple[Trend, ...]:
    """The report's period and those before it, from the first with an agreement or any work."""
    trends = [_trend(facts, window) for window in facts.windows]
    while len(trends) > 1 and not _known(facts, trends[0]):
        del trends[0]
    return tuple(trends)


def _known(facts: Facts, trend: Trend) -> bool:
    covered = any(trend.period.covered(span.start, span.end) for span in facts.after.spans)
    return bool(covered or trend.opened or trend.minutes)


def _trend(facts: Facts, window: Window) -> Trend:
    entries = (draw.entry for draw in facts.after.draws)
    minutes = sum(entry.actual for entry in entries if entry.worked_on in window.period)
    opened = sum(ticket.opened_at in window for ticket in facts.tickets)
    return Trend(window.period, opened, minutes, *_kept(facts.tickets, "response", window))


def _open(tickets: Iterable[TicketFact], window: Window) -> tuple[OpenTicket, ...]:
    still_open = [
        OpenTicket(
            number=ticket.number,
            subject=ticket.subject,
            level=ticket.level,
            opened_on=ticket.opened_at.astimezone(window.end.tzinfo).date(),
            days=(window.end - ticket.opened_at).days,
            waiting=ticket.waiting,
        )
        for ticket in tickets
        if ticket.opened_at < window.end
        and (ticket.closed_at is None or ticket.closed_at >= window.end)
    ]
    return tuple(sorted(still_open, key=lambda ticket: (-ticket.days, ticket.number)))
