"""The manager's pack: with each report, the figures for our eyes only (J3)."""

from collections.abc import Sequence

from daemon.desk.context import Desk
from daemon.desk.letters.to_office import ManagerPack, PlanCost, PromiseLine
from daemon.desk.outgoing.mailing import People, people
from daemon.desk.reviews import plan_costs
from daemon.desk.reviews.report_making import Made
from daemon.domain.money import ZERO
from daemon.domain.register import Customer
from daemon.domain.report_facts import Window, standstills
from daemon.domain.simulation import Simulated
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import reports


def managers(tx: Tx, customer: Customer) -> People:
    """The account manager, else everybody with the role."""
    return people(customer.managers or register.people_with_role(tx, "manager"))


def pack_of(tx: Tx, desk: Desk, made: Made, sent_to: tuple[str, ...]) -> ManagerPack:
    """The pack of a report: margin, plans compared, standstills, promises."""
    mine = made.facts.windows[-1]
    past = plan_costs.history(tx, desk, made.customer, mine.end)
    plans = plan_costs.every_plan(desk, past, made.period)
    current = plan_costs.last_in_force(past.versions, made.period)
    return ManagerPack(
        customer=made.customer.name,
        plan_name=made.plan_name,
        period_key=str(made.period),
        figures=made.figures,
        margin=plan_costs.margin(desk, past, mine, made.figures.minutes),
        months=len(plans[0].months) if plans else 0,
        plans=_compared(desk, plans, current.terms.plan if current else "none"),
        stood_still=standstills(made.facts.tickets, mine),
        promises=_promises(tx, desk, made.customer, mine),
        sent_to=sent_to,
    )


def _compared(desk: Desk, plans: Sequence[Simulated], own: str) -> tuple[PlanCost, ...]:
    """The cost of each plan, cheapest first; the customer's own as agreed."""
    lines = [
        PlanCost(
            name=desk.settings.plans[each.plan].terms.plan_name,
            cost=each.current if each.plan == own else each.other,
            difference=ZERO if each.plan == own else each.difference,
            current=each.plan == own,
        )
        for each in plans
    ]
    return tuple(sorted(lines, key=lambda line: (line.cost, not line.current, line.name)))


def _promises(tx: Tx, desk: Desk, customer: Customer, mine: Window) -> tuple[PromiseLine, ...]:
    """The promises of the period, and earlier ones on tickets still open."""
    lived = {
        row.id: row
        for row in reports.tickets_since(tx, customer.id, mine.start)
        if row.opened_at < mine.end
    }
    return tuple(
        PromiseLine(
            number=lived[row.ticket_id].number,
            subject=lived[row.ticket_id].subject,
            day=desk.calendar.day_of(row.at),
            by=row.actor,
            text=str((row.data or {}).get("text", "")),
        )
        for row in reports.noted(tx, customer.id, "promise", mine.start)
        if row.ticket_id in lived and row.at < mine.end
    )
