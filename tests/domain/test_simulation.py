"""What another plan would have cost: the same work, billed anew."""

import datetime as dt
from dataclasses import replace

from daemon.domain.agreement import BUILT_IN
from daemon.domain.money import Money
from daemon.domain.periods import Period, months_from
from daemon.domain.simulation import History, Margin, revenue, simulate
from daemon.domain.time_bank import Adjustment
from tests.desk.reviews.report_samples import a_version, an_entry

Q4 = list(months_from(Period.parse("2026-10"), Period.parse("2026-12")))


def history(*entries, plan="alert", adjustments=()):
    versions = (a_version(plan),) if plan else ()
    return History(versions, entries, adjustments, lambda day: BUILT_IN["none"].terms)


def cost(past, plan, months=Q4):
    return simulate(past, BUILT_IN[plan].terms, months)


def test_without_work_the_plans_differ_by_their_fees_h2():
    found = cost(history(), "attend")
    assert (found.current, found.other, found.difference) == (
        Money(2400000),
        Money(900000),
        Money(-1500000),
    )
    assert [str(month) for month, _, _ in found.months] == ["2026-10", "2026-11", "2026-12"]


def test_work_beyond_the_other_plans_bank_is_overage_at_its_rate_g4():
    found = cost(history(an_entry(1, dt.date(2026, 11, 3), 600)), "attend")
    assert found.current == Money(2400000)
    assert found.other == Money(900000 + 4 * 89000)


def test_without_agreement_every_billable_hour_is_billed_f3():
    entries = (
        an_entry(1, dt.date(2026, 11, 3), 90),
        an_entry(2, dt.date(2026, 11, 4), 60, counts=False),
    )
    assert cost(history(*entries), "none").other == Money(147000)
    assert cost(history(*entries, plan=None), "access").current == Money(147000)


def test_the_other_plans_increment_rounds_the_same_work_g5():
    terms = replace(BUILT_IN["none"].terms, increment=60)
    found = simulate(history(an_entry(1, dt.date(2026, 11, 3), 5)), terms, Q4)
    assert found.other == Money(98000)


def test_work_of_other_months_costs_nothing_but_the_bank_it_drew_h1():
    past = history(an_entry(1, dt.date(2026, 10, 3), 900), an_entry(2, dt.date(2026, 11, 3), 60))
    november = [Period.parse("2026-11")]
    assert cost(past, "alert", november).current == Money(800000 + 85000)


def test_what_finance_gave_stays_with_the_agreement_it_was_given_to_g1():
    gift = Adjustment(1, dt.date(2026, 11, 1), 120, "gåva")
    past = history(an_entry(1, dt.date(2026, 11, 3), 1020), adjustments=(gift,))
    found = cost(past, "alert")
    assert (found.current, found.other) == (Money(2400000), Money(2400000 + 2 * 85000))


def test_revenue_is_what_the_months_come_to_and_none_is_nothing():
    past = history(an_entry(1, dt.date(2026, 11, 3), 960))
    assert revenue(past, Q4) == Money(2400000 + 85000)
    assert revenue(past, []) == Money(0)


def test_the_margin_sets_hours_against_what_they_bring():
    margin = Margin(Money(800000), 480, Money(85000))
    assert (margin.per_hour, margin.worth, margin.surplus) == (
        Money(100000),
        Money(680000),
        Money(120000),
    )
    assert Margin(Money(800000), 0, Money(85000)).per_hour is None
