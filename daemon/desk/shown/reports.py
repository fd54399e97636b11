"""Customer reports and simulations of other plans (contract 4)."""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.letters.rendering import render
from daemon.desk.letters.to_office import ManagerPack
from daemon.desk.reviews import plan_costs
from daemon.desk.reviews.manager_pack import pack_of
from daemon.desk.reviews.report_making import Made, has_begun, make_report
from daemon.desk.shown import asked
from daemon.domain.money import Money
from daemon.domain.periods import Period, months_from
from daemon.domain.refusal import RefusedError
from daemon.domain.report import BankFigures, Breach, Figures, OpenTicket, TicketHours, Trend
from daemon.domain.report_facts import BilledMonth

_MOST_MONTHS = 120  # of a simulation: ten years


@dataclass(frozen=True, slots=True)
class Shown:
    """A report, and the manager's pages if they were asked for."""

    made: Made
    pack: ManagerPack | None

    def to_json(self) -> dict[str, Any]:
        """The whole report as JSON."""
        shape = _shape(self.made)
        return shape if self.pack is None else shape | {"internal": _internal(self.pack)}

    def texts(self, desk: Desk) -> Iterator[str]:
        """The letters to the customer and to the manager, as plain text."""
        yield _text(desk, self.made.letter(desk), self.made.language)
        if self.pack is not None:
            yield _text(desk, self.pack, desk.language)


def report_of(desk: Desk, key: str, period: str, now: dt.datetime, *, internal: bool) -> Shown:
    """The report of a customer for a period; nothing is sent."""
    wanted = asked.period(period)
    with desk.store.reading() as tx:
        customer = asked.customer(tx, desk, key)
        if not has_begun(desk, wanted, now):
            says = desk.say(f"{wanted} har inte börjat", f"{wanted} has not begun")
            raise RefusedError(says)
        made = make_report(tx, desk, customer, wanted, now)
        pack = pack_of(tx, desk, made, customer.reports_to) if internal else None
    return Shown(made, pack)


def _text(desk: Desk, letter: Any, language: str) -> str:
    """A letter as plain text, without the desk's marks for quotations."""
    text = render(letter, language, desk.zone).text
    kept = [line for line in text.split("\n") if line not in desk.markers]
    return "\n".join(kept).strip("\n")


# --- simulations --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SimulatedMonth:
    """The cost of a month as agreed, and under the other plan."""

    month: Period
    current: Money
    simulated: Money


@dataclass(frozen=True, slots=True)
class Simulation:
    """Months under another plan, with the same work."""

    customer: str
    plan: str
    months: Sequence[SimulatedMonth]
    current: Money
    simulated: Money
    difference: Money


def simulate(
    desk: Desk, key: str, plan: str, months: tuple[str, str], now: dt.datetime
) -> Simulation:
    """Reckon the months from a first one to a last one under another plan."""
    if plan not in desk.settings.plans:
        names = ", ".join(desk.settings.plans)
        raise RefusedError(desk.say(f"skriv en av {names}", f"write one of {names}"))
    wanted = _months(desk, *months)
    with desk.store.reading() as tx:
        past = plan_costs.history(tx, desk, asked.customer(tx, desk, key), now)
    found = plan_costs.simulate(desk, past, plan, wanted)
    return Simulation(
        customer=key,
        plan=found.plan,
        months=[SimulatedMonth(*month) for month in found.months],
        current=found.current,
        simulated=found.other,
        difference=found.difference,
    )


def _months(desk: Desk, first: str, last: str) -> list[Period]:
    begin, end = asked.period(first), asked.period(last)
    if begin.months != 1 or end.months != 1:
        raise RefusedError(desk.say("skriv månader: 2026-11", "write months: 2026-11"))
    if end < begin:
        raise RefusedError(desk.say("--to ligger före --from", "--to lies before --from"))
    months = list(itertools.islice(months_from(begin, end), _MOST_MONTHS + 1))
    if len(months) > _MOST_MONTHS:
        says = (f"skriv högst {_MOST_MONTHS} månader", f"write {_MOST_MONTHS} months at most")
        raise RefusedError(desk.say(*says))
    return months


# --- the shape of a report ----------------------------------------------------------------------


def _shape(made: Made) -> dict[str, Any]:
    figures = made.figures
    return {
        "customer": made.customer.key,
        "period": made.period,
        "start": made.period.start,
        "end": made.period.end,
        "until": figures.window.end,
        "plan": made.plan_name,
        "tickets": {"opened": figures.opened, "closed": figures.closed},
        "response": _response(figures),
        "follow_up": {"met": figures.follow_ups[0], "missed": figures.follow_ups[1]},
        "resolution": {"met": figures.resolutions[0], "missed": figures.resolutions[1]},
        "breaches": [_breach(each) for each in figures.breaches],
        "minutes": _minutes(figures),
        "hours": [_hours(each) for each in figures.hours],
        "banks": [_bank(each) for each in figures.banks],
        "billed": [_billed(each) for each in figures.billed],
        "trend": [_trend(each) for each in figures.trend],
        "forecast": _forecast(figures),
        "open": [_open(each) for each in figures.open],
    }


def _response(figures: Figures) -> list[dict[str, Any]]:
    return [
        {
            "priority": each.level,
            "opened": each.opened,
            "met": each.met,
            "missed": each.missed,
            "unanswered": each.unanswered,
            "target_minutes": each.target,
            "median_minutes": each.typical,
            "longest_minutes": each.longest,
        }
        for each in figures.levels
    ]


def _breach(breach: Breach) -> dict[str, Any]:
    return {
        "number": breach.number,
        "subject": breach.subject,
        "priority": breach.level,
        "clock": breach.clock,
        "target_minutes": breach.target,
        "broken_at": breach.broken_at,
        "ended_at": breach.ended_at,
        "used_minutes": breach.used,
        "reason": breach.reason,
    }


def _minutes(figures: Figures) -> dict[str, int]:
    return {
        "actual": figures.minutes,
        "from_bank": figures.from_bank,
        "overage": figures.overage,
        "not_billable": figures.free,
        "late": figures.late,
    }


def _hours(each: TicketHours) -> dict[str, Any]:
    return {
        "number": each.number,
        "subject": each.subject,
        "actual": each.actual,
        "from_bank": each.from_bank,
        "overage": each.overage,
        "not_billable": each.free,
    }


def _billed(each: BilledMonth) -> dict[str, Any]:
    return {
        "month": each.month,
        "settled": each.settled,
        "fee": each.fee,
        "overage": each.overage,
        "net": each.net,
    }


def _trend(each: Trend) -> dict[str, Any]:
    return {
        "period": each.period,
        "opened": each.opened,
        "minutes": each.minutes,
        "met": each.met,
        "missed": each.missed,
    }


def _open(each: OpenTicket) -> dict[str, Any]:
    return {
        "number": each.number,
        "subject": each.subject,
        "priority": each.level,
        "opened_on": each.opened_on,
        "days": each.days,
        "waiting": each.waiting,
    }


def _bank(bank: BankFigures) -> dict[str, Any]:
    return {
        "period": bank.period,
        "granted_minutes": bank.granted,
        "used_minutes": bank.used,
        "used_in_period_minutes": bank.used_here,
        "remaining_minutes": bank.left,
        "expired_minutes": bank.expired,
        "overage_minutes": bank.overage,
    }


def _forecast(figures: Figures) -> dict[str, Any] | None:
    found = figures.forecast
    if found is None:
        return None
    return {
        "bank": found.bank,
        "expected_minutes": found.expected,
        "granted_minutes": found.granted,
        "runs_out": found.runs_out,
    }


def _internal(pack: ManagerPack) -> dict[str, Any]:
    margin = pack.margin
    return {
        "margin": {
            "revenue": margin.revenue,
            "minutes": margin.minutes,
            "per_hour": margin.per_hour,
            "rate": margin.rate,
            "surplus": margin.surplus,
        },
        "plans": [
            {
                "plan": each.name,
                "cost": each.cost,
                "difference": each.difference,
                "current": each.current,
            }
            for each in pack.plans
        ],
        "months": pack.months,
        "stood_still": [
            {"number": each.number, "days": each.days, "waiting": each.waiting}
            for each in pack.stood_still
        ],
        "promises": [
            {"number": each.number, "day": each.day, "by": each.by, "text": each.text}
            for each in pack.promises
        ],
    }
