"""An index adjustment raises what is in force on a date, once, and nothing else (F1)."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from daemon.desk.register import price_rise
from daemon.domain.agreement import BUILT_IN, Version, in_force
from daemon.domain.money import Money
from daemon.domain.register import Account, Agreement, Customer, Register

NEW_YEAR = dt.date(2027, 1, 1)


def an_agreement(starts: dt.date, row: int = 1, **values) -> Agreement:
    version = Version(row, "acme", starts, None, renews=True, terms=BUILT_IN["alert"].terms)
    return Agreement(replace(version, **values), {"response": {"1": 30}})


def a_register(*agreements: Agreement, active: bool = True, key: str = "acme") -> Register:
    return Register(
        (), (Account(Customer(1, key, key.title(), active=active), agreements=agreements),)
    )


def raised(register: Register, percent: str = "3", day: dt.date = NEW_YEAR, only=()) -> Account:
    return price_rise.plan(register, Decimal(percent), day, only).after.accounts[0]


def test_the_new_version_has_raised_prices_and_every_other_term():
    before = an_agreement(dt.date(2026, 3, 1), until=dt.date(2027, 12, 31), renews=False)
    old, new = raised(a_register(before)).agreements
    assert old == before
    assert new.version == replace(
        before.version,
        id=0,
        starts=NEW_YEAR,
        terms=replace(before.version.terms, monthly_fee=Money(8240_00), hourly_rate=Money(875_50)),
    )
    assert new.overrides == {
        "response": {"1": 30},
        "monthly_fee": "8240.00",
        "hourly_rate": "875.50",
    }


def test_an_outside_rate_is_raised_where_there_is_one():
    """G4"""
    terms = replace(BUILT_IN["alert"].terms, outside_rate=Money(1700_01))
    account = raised(a_register(an_agreement(dt.date(2026, 1, 1), terms=terms)), "0.5")
    assert account.agreements[1].version.terms.outside_rate == Money(1708_51)
    assert account.agreements[1].overrides["outside_rate"] == "1708.51"


def test_the_term_runs_on_over_the_rise():
    """F2: a new version of the same agreement does not begin a new term."""
    account = raised(a_register(an_agreement(dt.date(2026, 3, 1), renews=False)))
    versions = [each.version for each in account.agreements]
    assert in_force(versions, dt.date(2027, 2, 28)).starts == NEW_YEAR
    assert in_force(versions, dt.date(2027, 3, 1)) is None


def test_nobody_is_raised_twice_for_one_day():
    once = a_register(*raised(a_register(an_agreement(dt.date(2026, 1, 1)))).agreements)
    assert raised(once) == once.accounts[0]


def test_who_has_no_agreement_that_day_is_left_alone():
    ended = a_register(an_agreement(dt.date(2026, 1, 1), until=dt.date(2026, 12, 31)))
    assert raised(ended) == ended.accounts[0]
    later = a_register(an_agreement(dt.date(2027, 1, 2)))
    assert raised(later) == later.accounts[0]
    gone = a_register(an_agreement(dt.date(2026, 1, 1)), active=False)
    assert raised(gone) == gone.accounts[0]
    withdrawn = a_register(an_agreement(dt.date(2026, 1, 1), withdrawn=True))
    assert raised(withdrawn) == withdrawn.accounts[0]


def test_only_the_customers_that_are_named():
    register = a_register(an_agreement(dt.date(2026, 1, 1)))
    assert raised(register, only=["beta"]) == register.accounts[0]
    assert len(raised(register, only=["acme", "beta"]).agreements) == 2


def test_a_version_that_was_taken_back_on_that_day_is_used_again():
    back = an_agreement(NEW_YEAR, row=7, withdrawn=True)
    account = raised(a_register(an_agreement(dt.date(2026, 1, 1)), back))
    version = account.agreements[1].version
    assert (version.id, version.withdrawn, version.starts) == (7, False, NEW_YEAR)
