"""The time bank by example: grants, splits, corrections, the ledger and its forecast (G1-G6)."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.domain.agreement import BUILT_IN, Version, timeline
from daemon.domain.money import Money
from daemon.domain.periods import Period
from daemon.domain.time_bank import (
    Adjustment,
    Balance,
    Correction,
    Entry,
    Reduction,
    Refused,
    balance,
    bank_on,
    banks,
    billable,
    correct,
    grants_of,
    movement_cause,
    movements,
    reckon,
    runs_out_on,
    thresholds_crossed,
)

D = dt.date
Q4 = Period.parse("2026-Q4")
NONE = BUILT_IN["none"].terms_on


def a_version(number=1, starts="2026-11-01", *, until=None, plan="attend", **terms):
    last = until and D.fromisoformat(until)
    copied = replace(BUILT_IN[plan].terms, **terms)
    return Version(number, "acme", D.fromisoformat(starts), last, True, copied)


def an_entry(number, worked_on, minutes, **rest):
    day = D.fromisoformat(worked_on)
    noon = dt.datetime(day.year, day.month, day.day, 12, tzinfo=dt.UTC)
    values = {"ticket": 1042, "engineer": 7, "received_at": noon, "ordinal": 0, "billable": minutes}
    return Entry(id=number, worked_on=day, actual=minutes, **{**values, **rest})


def split(reckoning):
    return {d.entry.id: (d.from_bank, d.overage) for d in reckoning.draws}


# Grants


def granted(versions, start="2026-10-01", end="2027-01-01"):
    reckoning = reckon(versions, [], [], NONE)
    there = [b for b in banks(reckoning, D.fromisoformat(end)) if b.end > D.fromisoformat(start)]
    found = [grant for bank in there for grant in grants_of(reckoning.spans, bank)]
    return [(str(g.bank), g.version, g.minutes) for g in found]


def test_attend_from_november_is_granted_239_minutes_for_the_quarter_g3():
    assert granted([a_version()]) == [("2026-Q4", 1, 239)]


def test_a_whole_period_is_the_whole_bank_g2():
    assert granted([a_version(starts="2026-01-01")]) == [("2026-Q4", 1, 360)]
    assert granted([a_version(starts="2026-01-01", plan="access")]) == [("2026", 1, 240)]
    half = a_version(starts="2026-01-01", bank_period="half-year", bank_minutes=600)
    assert granted([half]) == [("2026-H2", 1, 600)]


def test_versions_with_the_same_length_share_one_bank_each_rounded_by_itself_g3():
    versions = [a_version(1, "2026-01-01"), a_version(2, "2026-11-15", plan="alert")]
    # 360 x 45/92 = 176.09 and 900 x 47/92 = 459.78
    assert granted(versions) == [("2026-Q4", 1, 176), ("2026-Q4", 2, 460)]
    assert balance(reckon(versions, [], [], NONE), D(2026, 12, 1)).granted == 636


def test_versions_with_different_lengths_have_a_bank_each_g3():
    versions = [a_version(1, "2026-01-01"), a_version(2, "2026-11-15", plan="access")]
    # 360 x 45/92 = 176.09 and 240 x 47/365 = 30.90
    assert granted(versions) == [("2026", 2, 31), ("2026-Q4", 1, 176)]
    reckoning = reckon(
        versions, [an_entry(1, "2026-11-14", 200), an_entry(2, "2026-11-15", 40)], [], NONE
    )
    assert split(reckoning) == {1: (176, 24), 2: (31, 9)}
    assert balance(reckoning, D(2026, 11, 14)) == Balance(Q4, 176, 176, 0, 24)
    assert balance(reckoning, D(2026, 11, 15)) == Balance(Period.parse("2026"), 31, 31, 0, 9)


def test_a_leap_year_is_366_days_g3():
    assert granted([a_version(starts="2028-02-29", plan="access")], "2028-01-01", "2029-01-01") == [
        ("2028", 1, 201)  # 240 x 307/366 = 201.31
    ]


def test_a_grant_names_its_first_day_and_how_many_it_covers_g1():
    (grant,) = grants_of(timeline([a_version()]), Q4)
    assert (grant.date, grant.days, grant.bank.days) == (D(2026, 11, 1), 61, 92)


# Use


def test_use_is_split_where_the_bank_ends_g4():
    reckoning = reckon(
        [a_version()], [an_entry(1, "2026-11-05", 200), an_entry(2, "2026-11-06", 90)], [], NONE
    )
    assert split(reckoning) == {1: (200, 0), 2: (39, 51)}
    assert balance(reckoning, D(2026, 11, 30)) == Balance(Q4, 239, 239, 0, 51)
    assert [str(d.rate) for d in reckoning.draws] == ["890.00", "890.00"]
    assert {str(d.period) for d in reckoning.draws} == {"2026-Q4"}


def test_the_order_is_worked_date_then_receipt_then_ordinal_g4():
    noon = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    entries = [
        an_entry(1, "2026-11-06", 100, received_at=noon),
        an_entry(2, "2026-11-05", 100, received_at=noon + dt.timedelta(hours=1)),
        an_entry(3, "2026-11-05", 100, received_at=noon, ordinal=1),
        an_entry(4, "2026-11-05", 100, received_at=noon, ordinal=0),
    ]
    reckoning = reckon([a_version()], entries, [], NONE)
    assert [d.entry.id for d in reckoning.draws] == [4, 3, 2, 1]
    assert split(reckoning) == {4: (100, 0), 3: (100, 0), 2: (39, 61), 1: (0, 100)}


def test_not_billable_time_is_drawn_from_nothing_c10():
    reckoning = reckon([a_version()], [an_entry(1, "2026-11-05", 500, counts=False)], [], NONE)
    assert split(reckoning) == {1: (0, 0)}


def test_the_evening_rate_is_the_plans_own_g4():
    evening = {"outside": True}
    entries = [an_entry(1, "2026-11-05", 300), an_entry(2, "2026-11-06", 30, **evening)]
    plain = reckon([a_version()], entries, [], NONE)
    priced = reckon([a_version(outside_rate=Money(1335_00))], entries, [], NONE)
    assert [str(d.rate) for d in plain.draws] == ["890.00", "890.00"]
    assert [str(d.rate) for d in priced.draws] == ["890.00", "1335.00"]


def test_without_agreement_every_hour_has_the_rate_of_its_worked_date_f3():
    def none_rate(day):
        return replace(BUILT_IN["none"].terms, hourly_rate=Money(day.month * 100_00))

    entries = [an_entry(1, "2026-09-30", 60), an_entry(2, "2026-10-01", 60)]
    reckoning = reckon([a_version()], entries, [], none_rate)
    assert [(d.version, d.bank, str(d.period), str(d.rate)) for d in reckoning.draws] == [
        (None, None, "2026-09", "900.00"),
        (None, None, "2026-10", "1000.00"),
    ]
    assert split(reckoning) == {1: (0, 60), 2: (0, 60)}
    assert balance(reckoning, D(2026, 10, 15)) == Balance(None, 0, 0, 0, 120)


def test_an_agreement_without_a_bank_has_no_period_and_all_use_as_overage_g4():
    version = a_version(bank_period=None, bank_minutes=0)
    reckoning = reckon([version], [an_entry(1, "2026-11-05", 60)], [], NONE)
    (draw,) = reckoning.draws
    assert (draw.version, draw.bank, str(draw.period), str(draw.rate)) == (
        1,
        None,
        "2026-11",
        "890.00",
    )
    assert balance(reckoning, D(2026, 11, 5)) == Balance(None, 0, 0, 0, 60)


# Adjustments


def test_an_adjustment_fills_the_bank_of_its_date_g1():
    adjustments = [Adjustment(1, D(2026, 12, 31), 60, "Goodwill")]
    entries = [an_entry(1, "2026-11-05", 300)]
    reckoning = reckon([a_version()], entries, adjustments, NONE)
    assert split(reckoning) == {1: (299, 1)}
    assert balance(reckoning, D(2026, 11, 5)) == Balance(Q4, 299, 299, 0, 1)
    assert balance(reckoning, D(2027, 1, 1)).granted == 360


def test_a_bank_that_finance_emptied_below_zero_draws_nothing_g1():
    adjustments = [Adjustment(1, D(2026, 11, 2), -300, "Fel bokat")]
    reckoning = reckon([a_version()], [an_entry(1, "2026-11-05", 10)], adjustments, NONE)
    assert split(reckoning) == {1: (0, 10)}
    assert balance(reckoning, D(2026, 11, 5)) == Balance(Q4, -61, 0, -61, 10)


def test_an_adjustment_before_the_agreement_falls_on_the_bank_of_that_period_g1():
    adjustments = [Adjustment(1, D(2026, 10, 5), 30, "Övergång")]
    reckoning = reckon([a_version()], [], adjustments, NONE)
    assert balance(reckoning, D(2026, 11, 5)).granted == 269
    assert reckoning.stray == ()


def test_an_adjustment_without_any_bank_is_told_apart_g1():
    lost = Adjustment(1, D(2025, 1, 1), 30, "?")
    assert reckon([a_version()], [], [lost], NONE).stray == (lost,)
    assert reckon([], [], [lost], NONE).stray == (lost,)


# The ledger


def lines(reckoning, bank, today, corrections=()):
    found = movements(reckoning, bank, today, corrections)
    return [(m.kind, str(m.date), m.minutes, m.overage, movement_cause(m, "sv")) for m in found]


def test_the_ledger_of_a_period_says_what_moved_the_bank_and_why_g1():
    entries = [
        an_entry(1, "2026-11-05", 100),
        an_entry(2, "2026-11-06", 200),
        an_entry(3, "2026-11-07", 15, counts=False),
    ]
    reckoning = reckon(
        [a_version()], entries, [Adjustment(1, D(2026, 11, 6), -20, "Fel bokat")], NONE
    )
    corrections = [Correction(1, D(2026, 11, 9), 50)]
    assert lines(reckoning, Q4, D(2026, 12, 1), corrections) == [
        ("grant", "2026-11-01", 239, 0, "Attend!, 61 av 92 dagar"),
        ("use", "2026-11-05", -150, 0, "#1042, tekniker 7"),
        ("adjustment", "2026-11-06", -20, 0, "Fel bokat"),
        ("use", "2026-11-06", -119, 81, "#1042, tekniker 7"),
        ("use", "2026-11-07", 0, 0, "#1042, tekniker 7, debiteras ej"),
        ("reversal", "2026-11-09", 50, 0, "#1042, tekniker 7, rättelse"),
    ]


def test_unused_time_expires_visibly_when_its_period_ends_g2():
    reckoning = reckon([a_version()], [an_entry(1, "2026-11-05", 200)], [], NONE)
    assert lines(reckoning, Q4, D(2026, 12, 31))[-1][0] == "use"
    assert lines(reckoning, Q4, D(2027, 1, 1))[-1] == (
        "expiry",
        "2027-01-01",
        -39,
        0,
        "outnyttjad tid förfaller",
    )


def test_the_causes_are_told_in_english_too():
    entries = [an_entry(1, "2026-11-05", 10), an_entry(2, "2026-11-06", 10, counts=False)]
    adjustments = [Adjustment(1, D(2026, 11, 5), -5, "Goodwill")]
    found = movements(
        reckon([a_version()], entries, adjustments, NONE),
        Q4,
        D(2027, 1, 1),
        [Correction(1, D(2026, 11, 9), 5)],
    )
    assert [movement_cause(m, "en") for m in found] == [
        "Attend!, 61 of 92 days",
        "Goodwill",
        "#1042, engineer 7",
        "#1042, engineer 7, not billable",
        "#1042, engineer 7, correction",
        "unused time expires",
    ]


def test_use_without_a_bank_is_listed_with_all_its_minutes_as_overage_f3():
    reckoning = reckon([], [an_entry(1, "2026-11-05", 60)], [], NONE)
    corrections = [Correction(1, D(2026, 11, 9), 5)]
    assert lines(reckoning, None, D(2026, 12, 1), corrections) == [
        ("use", "2026-11-05", 0, 60, "#1042, tekniker 7"),
        ("reversal", "2026-11-09", 0, 0, "#1042, tekniker 7, rättelse"),
    ]


def test_every_bank_period_that_began_is_known_g2():
    versions = [
        a_version(1, "2026-05-15", until="2026-09-30"),
        a_version(2, "2027-03-01", plan="access"),
    ]
    reckoning = reckon(versions, [], [], NONE)
    found = [str(bank) for bank in banks(reckoning, D(2028, 1, 1))]
    assert found == ["2026-Q2", "2026-Q3", "2027"]
    assert banks(reckoning, D(2026, 4, 1)) == ()
    gift = [Adjustment(1, D(2026, 7, 1), 30, "Goodwill")]
    given = reckon(versions, [], gift, NONE)
    assert [str(bank) for bank in banks(given, D(2026, 7, 1))] == ["2026-Q2"]
    assert bank_on(reckoning.spans, D(2026, 10, 1)) is None


# Increments and corrections


@pytest.mark.parametrize(
    ("actual", "increment", "minutes"),
    [(1, 1, 1), (1, 15, 15), (15, 15, 15), (16, 15, 30), (31, 30, 60), (61, 60, 120), (0, 60, 0)],
)
def test_billable_minutes_are_rounded_up_to_the_increment_g5(actual, increment, minutes):
    assert billable(actual, increment) == minutes


@given(actual=st.integers(0, 5000), increment=st.sampled_from([1, 15, 30, 60]))
def test_billable_is_the_least_multiple_that_holds_the_time_g5(actual, increment):
    minutes = billable(actual, increment)
    assert minutes % increment == 0
    assert actual <= minutes < actual + increment


def test_a_correction_takes_from_the_last_booked_first_g4():
    entries = [an_entry(1, "2026-11-05", 60), an_entry(2, "2026-11-06", 30)]
    assert correct(entries, 40) == (Reduction(2, -30, -30), Reduction(1, -10, -10))
    late = replace(entries[0], received_at=entries[1].received_at + dt.timedelta(days=1))
    assert correct([late, entries[1]], 40) == (Reduction(1, -40, -40),)


def test_of_one_message_the_last_tag_is_the_latest_g4():
    noon = dt.datetime(2026, 11, 5, 12, tzinfo=dt.UTC)
    entries = [an_entry(n, "2026-11-05", 30, ordinal=n, received_at=noon) for n in (1, 2)]
    assert correct(entries, 31) == (Reduction(2, -30, -30), Reduction(1, -1, -1))


def test_more_than_the_entries_hold_is_refused_whole_g4():
    assert correct([an_entry(1, "2026-11-05", 60)], 61) == Refused(asked=61, held=60)
    assert correct([], 1) == Refused(1, 0)


def test_not_billable_entries_are_corrected_apart_g4():
    entries = [an_entry(1, "2026-11-05", 60), an_entry(2, "2026-11-06", 30, counts=False)]
    assert correct(entries, 60) == (Reduction(1, -60, -60),)
    assert correct(entries, 61) == Refused(61, 60)
    assert correct(entries, 30, counts=False) == (Reduction(2, -30, -30),)
    unpriced = [an_entry(2, "2026-11-06", 30, counts=False, billable=0)]
    assert correct(unpriced, 10, counts=False) == (Reduction(2, -10, 0),)


def test_billable_left_is_actual_left_rounded_up_g5():
    entry = an_entry(1, "2026-11-05", 40, billable=60, increment=30)
    assert correct([entry], 5) == (Reduction(1, -5, 0),)
    assert correct([entry], 10) == (Reduction(1, -10, -30),)
    assert correct([entry], 40) == (Reduction(1, -40, -60),)


def test_a_correction_of_nothing_does_nothing_and_below_nothing_is_an_error():
    entry = an_entry(1, "2026-11-05", 40)
    assert correct([entry], 0) == ()
    with pytest.raises(ValueError, match="takes minutes off"):
        correct([entry], -1)


# Thresholds and forecast


@pytest.mark.parametrize(
    ("before", "after", "crossed"),
    [
        (0, 287, ()),
        (0, 288, (80,)),
        (288, 359, ()),
        (288, 360, (100,)),
        (0, 360, (80, 100)),
        (360, 360, ()),
        (300, 200, ()),
        (287, 288, (80,)),
        (359, 360, (100,)),
    ],
)
def test_80_and_100_per_cent_are_told_when_they_are_reached_g6(before, after, crossed):
    assert thresholds_crossed(before, after, 360, [100, 80]) == crossed


def test_an_empty_or_overdrawn_bank_has_no_thresholds_g6():
    assert thresholds_crossed(0, 10, 0, [80, 100]) == ()
    assert thresholds_crossed(0, 10, -60, [80, 100]) == ()


def test_the_forecast_goes_on_as_in_the_period_so_far_g6():
    # 239 granted from 1 November; 100 used in 10 days leave 139, enough for 13.9 days more
    reckoning = reckon([a_version()], [an_entry(1, "2026-11-05", 100)], [], NONE)
    assert runs_out_on(reckoning, D(2026, 11, 10)) == D(2026, 11, 24)


def test_a_bank_that_lasts_the_period_or_is_not_used_has_no_forecast_g6():
    reckoning = reckon([a_version()], [an_entry(1, "2026-11-05", 10)], [], NONE)
    assert runs_out_on(reckoning, D(2026, 11, 10)) is None
    assert runs_out_on(reckon([a_version()], [], [], NONE), D(2026, 11, 10)) is None
    assert runs_out_on(reckon([], [], [], NONE), D(2026, 11, 10)) is None


def test_an_empty_bank_has_run_out_today_g6():
    reckoning = reckon([a_version()], [an_entry(1, "2026-11-05", 300)], [], NONE)
    assert runs_out_on(reckoning, D(2026, 11, 10)) == D(2026, 11, 10)
