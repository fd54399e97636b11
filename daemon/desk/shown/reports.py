"""A report as `avtald report --json` shows it (contract 4)."""

from typing import Any

from daemon.desk.letters.to_office import ManagerPack
from daemon.desk.reviews.report_making import Made
from daemon.domain.report import BankFigures, Breach, Figures, OpenTicket, TicketHours, Trend
from daemon.domain.report_facts import BilledMonth


def shown(made: Made, pack: ManagerPack | None) -> dict[str, Any]:
    """Everything a report says; what is for our eyes only where it is asked for."""
    figures = made.figures
    shape: dict[str, Any] = {
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
    return shape if pack is None else shape | {"internal": _internal(pack)}


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
