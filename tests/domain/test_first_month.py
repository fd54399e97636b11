"""The first month of a customer is the one that a naive model finds, day by day (H1)."""

import datetime as dt
from dataclasses import replace

from hypothesis import given

from daemon.domain.agreement import BUILT_IN, Version
from daemon.domain.billing import first_month
from daemon.domain.periods import Period
from tests.domain import naive_billing
from tests.domain.billing_histories import beginnings

D = dt.date
NOVEMBER, DECEMBER = Period.parse("2026-11"), Period.parse("2026-12")


def a_version(starts, *, withdrawn=False):
    return Version(1, "acme", starts, None, True, BUILT_IN["attend"].terms, withdrawn)


@given(facts=beginnings())
def test_the_first_month_is_the_naive_models_H1(facts):
    versions = [a_version(starts, withdrawn=withdrawn) for starts, withdrawn in facts.agreed]
    found = first_month(
        facts.setting,
        facts.go_live_day,
        versions,
        [*facts.worked, *(month.start for month in facts.billed)],
    )
    assert (found and str(found)) == naive_billing.first_month(facts)


def test_it_is_the_setting_else_go_live_else_the_earliest_agreement_or_work_H1():
    agreed = [a_version(D(2026, 5, 20)), replace(a_version(D(2026, 1, 1)), withdrawn=True)]
    worked = [D(2026, 4, 30)]
    assert str(first_month(DECEMBER, D(2026, 3, 1), agreed, worked)) == "2026-12"
    assert str(first_month(None, D(2026, 3, 1), agreed, worked)) == "2026-03"
    assert str(first_month(None, None, agreed, worked)) == "2026-04"
    assert str(first_month(None, None, agreed)) == "2026-05"


def test_a_customer_with_nothing_to_bill_has_no_first_month_H1():
    gone = [a_version(D(2026, 1, 1), withdrawn=True)]
    for setting, go_live in ((None, None), (DECEMBER, None), (None, D(2026, 3, 1))):
        assert first_month(setting, go_live, []) is None
        assert first_month(setting, go_live, gone) is None
    assert first_month(NOVEMBER, None, gone, [D(2026, 1, 1)]) == NOVEMBER
