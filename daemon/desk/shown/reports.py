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
from daemon.desk.shown.shapes import shape
from daemon.domain.money import Money
from daemon.domain.periods import Period, months_from
from daemon.domain.refusal import RefusedError

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
    reckoned = plan_costs.simulate(desk, past, plan, wanted)
    return Simulation(
        customer=key,
        plan=reckoned.plan,
        months=[SimulatedMonth(*month) for month in reckoned.months],
        current=reckoned.current,
        simulated=reckoned.other,
        difference=reckoned.difference,
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
        "response": [shape(each, _LEVEL) for each in figures.levels],
        "follow_up": {"met": figures.follow_ups[0], "missed": figures.follow_ups[1]},
        "resolution": {"met": figures.resolutions[0], "missed": figures.resolutions[1]},
        "breaches": [shape(each, _BREACH) for each in figures.breaches],
        "minutes": shape(figures, _MINUTES),
        "hours": [shape(each, _HOURS) for each in figures.hours],
        "banks": [shape(each, _BANK) for each in figures.banks],
        "billed": [shape(each, _BILLED) for each in figures.billed],
        "trend": [shape(each, _TREND) for each in figures.trend],
        "forecast": figures.forecast and shape(figures.forecast, _FORECAST),
        "open": [shape(each, _OPEN) for each in figures.open],
    }


_LEVEL = (
    "priority=level opened met missed unanswered"
    " target_minutes=target median_minutes=typical longest_minutes=longest"
)
_BREACH = (
    "number subject priority=level clock target_minutes=target"
    " broken_at ended_at used_minutes=used reason"
)
_MINUTES = "actual=minutes from_bank overage not_billable=free late"
_HOURS = "number subject actual from_bank overage not_billable=free"
_BANK = (
    "period granted_minutes=granted used_minutes=used used_in_period_minutes=used_here"
    " remaining_minutes=left expired_minutes=expired overage_minutes=overage"
)
_BILLED = "month settled fee overage net"
_TREND = "period opened minutes met missed"
_FORECAST = "bank expected_minutes=expected granted_minutes=granted runs_out"
_OPEN = "number subject priority=level opened_on days waiting"


def _internal(pack: ManagerPack) -> dict[str, Any]:
    return {
        "margin": shape(pack.margin, "revenue minutes per_hour rate surplus"),
        "plans": [shape(each, "plan=name cost difference current") for each in pack.plans],
        "months": pack.months,
        "stood_still": [shape(each, "number days waiting") for each in pack.stood_still],
        "promises": [shape(each, "number day by text") for each in pack.promises],
    }
