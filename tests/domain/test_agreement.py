"""Plans, versions and terms: which terms hold on a date (F1-F3), and the seller's own page."""

import datetime as dt
import json
import re
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.domain.agreement import (
    BUILT_IN,
    Plan,
    Prices,
    Targets,
    Terms,
    Version,
    check_terms,
    check_versions,
    in_force,
    raised_terms,
    span_on,
    term_end,
    term_reminders,
    timeline,
)
from daemon.domain.money import Money
from tests.domain.naive_billing import version_on

D = dt.date
A_DAY = dt.timedelta(days=1)
NEW_YEAR = D(2026, 1, 1)
EARLY, LATE = D(2020, 1, 1), D(2029, 1, 1)


def a_version(number=1, starts=NEW_YEAR, *, until=None, renews=True, plan="attend", **terms):
    copied = replace(BUILT_IN[plan].terms, **terms)
    return Version(number, "acme", starts, until, renews, copied)


def spans_of(*versions):
    return [(s.version.id, str(s.start), s.end and str(s.end)) for s in timeline(versions)]


# The page of the seller


def rows_of_the_page(shared):
    text = (shared / "supportavtal.md").read_text(encoding="utf-8")
    table = text.split("| Supportavtal nivå")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()]
    return {
        row[0]: dict(zip(("alert", "attend", "access", "none"), row[1:], strict=True))
        for row in rows[2:]
    }


def number(cell):
    digits = re.match(r"[\d ]+", cell)
    return int(digits[0].replace(" ", "")) if digits else 0


def test_the_built_in_plans_are_every_row_of_the_published_page(shared):
    page = rows_of_the_page(shared)
    words = {
        "Kvartal": "quarter",
        "kvartal": "quarter",
        "Halvår": "half-year",
        "År": "year",
        "år": "year",
        "Månadsvis": "month",
        "-": None,
    }
    for key, plan in BUILT_IN.items():
        terms = plan.terms
        hours = number(page["Inställelsetid (8-17)*"][key])
        assert terms.response == (dict.fromkeys((1, 2, 3, 4), hours * 60) if hours else None)
        bank = page["Timbank"][key]
        assert terms.bank_minutes == number(bank) * 60
        assert terms.bank_period == words[bank.rsplit(maxsplit=1)[-1]]
        assert terms.monthly_fee == Money(number(page["Fast månadsavgift"][key]) * 100)
        assert terms.hourly_rate == Money(number(page["Löpande timpris (8-17)"][key]) * 100)
        assert terms.term_months == number(page["Avtalstid"][key])
        assert terms.review_meetings == words[page["Avstämningsmöten"][key]]
        assert terms.reports == words[page["Rapportering"][key]]
        assert terms.increment == 1
        assert (plan.key, check_terms(terms)) == (key, ())


def test_the_plans_bear_their_published_names():
    assert [plan.terms.plan_name for plan in BUILT_IN.values()] == [
        "Alert!",
        "Attend!",
        "Access!",
        "Avtalslös",
    ]


# Terms and price lists


MONEY = st.integers(0, 10**7).map(Money)
TARGETS = st.none() | st.dictionaries(st.integers(1, 4), st.integers(0, 6000))
TERMS = st.builds(
    Terms,
    plan=st.text(max_size=8),
    plan_name=st.text(max_size=8),
    response=TARGETS,
    resolution=TARGETS,
    bank_minutes=st.integers(0, 9000),
    bank_period=st.sampled_from([None, "quarter", "half-year", "year"]),
    monthly_fee=MONEY,
    hourly_rate=MONEY,
    outside_rate=st.none() | MONEY,
    increment=st.sampled_from([1, 15, 30, 60]),
    term_months=st.integers(0, 60),
    review_meetings=st.sampled_from([None, "quarter", "half-year"]),
    reports=st.sampled_from([None, "month", "quarter", "year"]),
)


@given(terms=TERMS)
def test_terms_come_back_from_json_as_they_were_f1(terms):
    again = Terms.from_json(json.loads(json.dumps(terms.to_json())))
    assert again == terms
    assert hash(again) == hash(terms)


def test_targets_compare_as_the_mapping_they_are_and_never_change():
    targets = Targets({2: 120, 1: 60})
    assert targets == {1: 60, 2: 120}
    assert list(targets) == [1, 2]
    assert repr(targets) == "Targets({1: 60, 2: 120})"
    with pytest.raises(KeyError):
        targets[3]
    with pytest.raises(TypeError):
        targets[1] = 5


def test_an_agreement_copies_the_price_list_of_its_start_date_f1():
    lists = (
        Prices(D(2028, 1, 1), {"hourly_rate": Money(900_00)}),
        Prices(D(2027, 1, 1), {"monthly_fee": Money(8400_00)}),
        Prices(None, {"outside_rate": Money(1200_00)}),
    )
    plan = Plan("alert", BUILT_IN["alert"].terms, lists)

    def prices(day):
        terms = plan.terms_on(day)
        return str(terms.monthly_fee), str(terms.hourly_rate), str(terms.outside_rate)

    assert prices(D(2026, 12, 31)) == ("8000.00", "850.00", "1200.00")
    assert prices(D(2027, 1, 1)) == ("8400.00", "850.00", "1200.00")
    assert prices(D(2028, 1, 1)) == ("8400.00", "900.00", "1200.00")
    assert plan.terms_on(D(2028, 1, 1)).bank_minutes == 900


def test_the_evening_rate_holds_only_where_the_plan_sets_one_g4():
    terms = BUILT_IN["alert"].terms
    assert terms.rate(outside=True) == Money(850_00)
    evening = replace(terms, outside_rate=Money(1275_00))
    assert evening.rate(outside=True) == Money(1275_00)
    assert evening.rate(outside=False) == Money(850_00)


def test_an_index_of_3_per_cent_raises_fee_and_rates_half_up_to_ore():
    terms = replace(BUILT_IN["attend"].terms, hourly_rate=Money(890_50), outside_rate=Money(1_50))
    after = raised_terms(terms, Decimal(3))
    assert [str(p) for p in (after.monthly_fee, after.hourly_rate, after.outside_rate)] == [
        "3090.00",
        "917.22",
        "1.55",
    ]
    assert (
        replace(
            after,
            monthly_fee=terms.monthly_fee,
            hourly_rate=terms.hourly_rate,
            outside_rate=terms.outside_rate,
        )
        == terms
    )
    assert raised_terms(BUILT_IN["alert"].terms, Decimal("-2.5")).monthly_fee == Money(7800_00)


# Which version is in force


def test_a_later_start_ends_the_earlier_version_f1():
    first, second = a_version(1), a_version(2, D(2026, 7, 15), plan="alert")
    assert spans_of(second, first) == [(1, "2026-01-01", "2026-07-15"), (2, "2026-07-15", None)]
    assert in_force([first, second], D(2026, 7, 14)) == first
    assert in_force([first, second], D(2026, 7, 15)) == second


def test_the_last_day_that_people_write_is_covered_a1():
    version = a_version(until=D(2026, 3, 31))
    assert in_force([version], D(2026, 3, 31)) == version
    assert in_force([version], D(2026, 4, 1)) is None


def test_a_version_that_ends_before_it_starts_covers_nothing_a1():
    assert spans_of(a_version(until=D(2025, 12, 31))) == []
    assert spans_of(a_version(until=D(2026, 1, 1))) == [(1, "2026-01-01", "2026-01-02")]


def test_until_states_the_end_also_past_the_term_and_of_one_that_does_not_renew_f2():
    assert spans_of(a_version(until=D(2027, 6, 30), renews=False)) == [
        (1, "2026-01-01", "2027-07-01")
    ]


def test_an_agreement_that_does_not_renew_ends_with_its_term_f2():
    assert spans_of(a_version(renews=False)) == [(1, "2026-01-01", "2027-01-01")]
    assert spans_of(a_version(renews=False, term_months=3)) == [(1, "2026-01-01", "2026-04-01")]
    assert spans_of(a_version(renews=False, term_months=0)) == [(1, "2026-01-01", None)]


def test_a_new_version_does_not_begin_a_new_term_of_the_same_plan_f1():
    old, new = a_version(1), a_version(2, D(2026, 7, 1), renews=False)
    assert spans_of(old, new)[-1] == (2, "2026-07-01", "2027-01-01")


def test_another_plan_is_another_agreement_with_a_term_of_its_own_f1():
    old, new = a_version(1), a_version(2, D(2026, 7, 1), renews=False, plan="alert")
    assert spans_of(old, new)[-1] == (2, "2026-07-01", "2027-07-01")


def test_an_agreement_made_anew_after_the_old_one_ended_begins_a_new_term_f1():
    old = a_version(1, until=D(2026, 6, 30))
    new = a_version(2, D(2026, 7, 1), renews=False)
    assert spans_of(old, new)[-1] == (2, "2026-07-01", "2027-07-01")


def test_after_its_end_and_in_a_gap_the_customer_has_no_agreement_f2():
    old, new = a_version(1, until=D(2026, 3, 31)), a_version(2, D(2026, 6, 1))
    assert in_force([old, new], D(2026, 4, 15)) is None
    assert in_force([old, new], D(2025, 12, 31)) is None
    assert in_force([], D(2026, 1, 1)) is None


def test_an_ended_later_version_does_not_bring_the_earlier_back_f1():
    old, new = a_version(1), a_version(2, D(2026, 3, 1), until=D(2026, 3, 31))
    assert spans_of(old, new) == [(1, "2026-01-01", "2026-03-01"), (2, "2026-03-01", "2026-04-01")]


def test_a_withdrawn_version_never_was_h3():
    old, new = a_version(1), a_version(2, D(2026, 3, 1))
    assert spans_of(old, replace(new, withdrawn=True)) == [(1, "2026-01-01", None)]


VERSIONS = st.lists(
    st.builds(
        Version,
        id=st.integers(1, 99),
        customer=st.just("acme"),
        starts=st.dates(D(2026, 1, 1), D(2028, 12, 31)),
        until=st.none() | st.dates(D(2026, 1, 1), D(2029, 6, 30)),
        renews=st.booleans(),
        terms=st.builds(
            replace,
            st.sampled_from([BUILT_IN["attend"].terms, BUILT_IN["alert"].terms]),
            term_months=st.sampled_from([0, 1, 5, 12]),
        ),
        withdrawn=st.integers(0, 4).map(lambda n: n == 0),
    ),
    max_size=5,
    unique_by=lambda version: version.id,
)


@given(versions=VERSIONS, day=st.dates(D(2025, 12, 1), D(2030, 6, 30)))
def test_at_most_one_version_is_in_force_and_the_one_a_naive_look_finds_f1(versions, day):
    assert in_force(versions, day) == version_on(versions, day)


@given(versions=VERSIONS)
def test_a_timeline_runs_forward_without_overlap_and_covers_what_it_says_f1(versions):
    spans = timeline(versions)
    for span in spans:
        assert span.end is None or span.start < span.end
        assert span_on(spans, span.start) is span
        assert span_on(spans, span.start - A_DAY) is not span
    for span, following in pairwise(spans):
        assert span.end is not None
        assert span.end <= following.start


@given(versions=VERSIONS)
def test_the_order_in_which_versions_are_read_changes_nothing_f1(versions):
    assert timeline(versions) == timeline(reversed(versions))


# Terms, renewal and notice


@pytest.mark.parametrize(
    ("on", "end"),
    [
        ("2026-01-01", "2027-01-01"),
        ("2026-12-31", "2027-01-01"),
        ("2027-01-01", "2028-01-01"),
        ("2030-05-05", "2031-01-01"),
    ],
)
def test_it_renews_by_a_further_term_f2(on, end):
    assert term_end(a_version(), D.fromisoformat(on)) == D.fromisoformat(end)


def test_a_term_from_leap_day_comes_back_to_leap_day_f2():
    version = a_version(starts=D(2028, 2, 29))
    ends = [term_end(version, D(year, 6, 1)) for year in (2028, 2029, 2030, 2031)]
    assert ends == [D(2029, 2, 28), D(2030, 2, 28), D(2031, 2, 28), D(2032, 2, 29)]


def test_terms_without_a_length_never_end_f2():
    assert term_end(a_version(plan="none"), D(2026, 5, 5)) is None


@given(
    starts=st.dates(D(2024, 1, 1), D(2028, 12, 31)),
    months=st.integers(1, 24),
    later=st.integers(0, 3000),
)
def test_the_running_term_ends_after_the_day_and_no_other_ends_between_f2(starts, months, later):
    version = a_version(starts=starts, term_months=months)
    day = starts + later * A_DAY
    end = term_end(version, day)
    assert end > day
    assert term_end(version, end - A_DAY) == end
    assert term_end(version, end) > end


def told(versions, start=EARLY, end=LATE):
    return [
        (str(r.due), r.days_before, str(r.term_ends), r.renews)
        for r in term_reminders(versions, start, end)
    ]


def test_finance_is_told_60_and_30_days_before_every_term_ends_f2():
    assert told([a_version()], end=D(2027, 12, 31)) == [
        ("2026-11-02", 60, "2027-01-01", True),
        ("2026-12-02", 30, "2027-01-01", True),
        ("2027-11-02", 60, "2028-01-01", True),
        ("2027-12-02", 30, "2028-01-01", True),
    ]


def test_an_agreement_with_a_last_day_is_reminded_of_that_day_only_f2():
    assert told([a_version(until=D(2027, 6, 30))]) == [
        ("2027-05-02", 60, "2027-07-01", False),
        ("2027-06-01", 30, "2027-07-01", False),
    ]


def test_a_new_version_of_the_agreement_keeps_the_day_to_remind_of_f2():
    versions = [a_version(1), a_version(2, D(2026, 11, 15))]
    assert told(versions, end=D(2027, 1, 1)) == [
        ("2026-11-02", 60, "2027-01-01", True),
        ("2026-12-02", 30, "2027-01-01", True),
    ]


def test_another_plan_in_time_leaves_nothing_to_remind_of_f2():
    versions = [a_version(1), a_version(2, D(2026, 10, 1), plan="alert")]
    assert told(versions, end=D(2027, 6, 1)) == []


def test_nobody_is_reminded_before_the_agreement_was_made_f2():
    assert told([a_version(until=D(2026, 2, 10))]) == [("2026-01-12", 30, "2026-02-11", False)]


@given(versions=VERSIONS, cut=st.dates(D(2026, 1, 1), D(2029, 1, 1)))
def test_each_reminder_falls_due_once_however_the_days_are_cut_f2(versions, cut):
    start, end = D(2025, 12, 1), D(2029, 6, 1)
    whole = term_reminders(versions, start, end)
    assert whole == (*term_reminders(versions, start, cut), *term_reminders(versions, cut, end))
    assert len(set(whole)) == len(whole)


# Mistakes


def test_good_versions_have_no_mistakes():
    for increment in (1, 15, 30, 60):
        assert check_versions([a_version(increment=increment)]) == ()
    assert check_versions([a_version(1), a_version(2, D(2027, 1, 1), plan="access")]) == ()


@pytest.mark.parametrize(
    ("versions", "mistake"),
    [
        ([a_version(until=D(2025, 12, 31))], "until is the last day covered"),
        ([a_version(1), a_version(2)], "two versions start 2026-01-01"),
        ([a_version(1), a_version(1, D(2026, 2, 1))], "the same id"),
        (
            [a_version(1), replace(a_version(2, D(2026, 2, 1)), customer="beta")],
            "several customers",
        ),
        ([a_version(increment=7)], "increment 7: write 1, 15, 30 or 60"),
        ([a_version(bank_period="month")], "bank_period month: write quarter"),
        ([a_version(bank_period=None)], "bank of 360 minutes"),
        ([a_version(bank_minutes=-1)], "bank of -1 minutes"),
        ([a_version(monthly_fee=Money(-1))], "below 0.00"),
        ([a_version(outside_rate=Money(-1))], "below 0.00"),
        ([a_version(term_months=-1)], "term_months -1"),
        ([a_version(reports="week")], "reports week: write month"),
        ([a_version(response={5: 60})], "response: priorities 1 to 4"),
        ([a_version(resolution={1: -60, 2: 60})], "resolution: priorities 1 to 4"),
    ],
)
def test_a_mistake_in_versions_is_told_with_what_would_be_right(versions, mistake):
    (told_,) = check_versions(versions)
    assert mistake in told_


def test_mistakes_are_told_all_at_once_and_withdrawn_versions_apart():
    bad = a_version(until=D(2025, 1, 1), increment=7, reports="week")
    assert len(check_versions([bad])) == 3
    assert check_versions([replace(bad, withdrawn=True)]) == ()
