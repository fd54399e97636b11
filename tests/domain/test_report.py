"""What a report says, from its facts alone (J3)."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.domain.agreement import timeline
from daemon.domain.money import Money
from daemon.domain.periods import Period
from daemon.domain.report import figures, percent_of
from daemon.domain.report_facts import BilledMonth, Facts, TicketFact, promised_periods, standstills
from tests.desk.reviews.report_samples import (
    a_clock,
    a_ticket,
    a_version,
    a_window,
    an_entry,
    at,
    busy_facts,
    quiet_facts,
    reckoned,
    windows,
    year_facts,
)

NOVEMBER = Period.parse("2026-11")
HOUR = dt.timedelta(hours=1)


def facts(*tickets, entries=(), before=(), versions=None, period="2026-11", **more):
    entries = list(entries)
    titles = {each.ticket: (1000 + each.ticket, "Något") for each in entries}
    return Facts(
        windows=windows(Period.parse(period)),
        tickets=tickets,
        before=reckoned(before, versions),
        after=reckoned(entries, versions),
        titles=titles,
        **more,
    )


def level(found, number):
    return next(each for each in found.levels if each.level == number)


def only_clock(ticket, clock):
    return replace(ticket, clocks=(clock,))


# --- tickets and promises ---------------------------------------------------------------------


def test_tickets_are_counted_by_level_in_the_period_they_came_in_j3():
    found = figures(
        facts(
            a_ticket(1, "Ett", at(11, 2), level=1),
            a_ticket(2, "Två", at(11, 30, 16), level=1),
            a_ticket(3, "Tre", at(10, 30), level=3),
            a_ticket(4, "Fyra", dt.datetime(2026, 12, 1, tzinfo=at(11, 1).tzinfo), level=3),
        )
    )
    assert (level(found, 1).opened, level(found, 3).opened, found.opened) == (2, 0, 2)


def test_a_promise_counts_in_the_period_in_which_it_was_settled_and_in_no_other_j3():
    opened = at(10, 30, 16)
    ticket = only_clock(a_ticket(1, "Ett", opened), a_clock(opened, at(11, 2, 9), at(11, 2, 8, 40)))
    october, november = (figures(facts(ticket, period=period)) for period in ("2026-10", "2026-11"))
    assert (october.opened, october.met) == (1, 0)
    assert (november.opened, november.met) == (0, 1)


def test_a_broken_promise_counts_when_it_broke_though_the_answer_came_in_the_next_period_e4():
    opened = at(10, 30, 15)
    ticket = only_clock(a_ticket(1, "Ett", opened), a_clock(opened, at(10, 30, 16), at(11, 2, 9)))
    october, november = (figures(facts(ticket, period=period)) for period in ("2026-10", "2026-11"))
    assert [each.used for each in october.breaches] == [None]  # work had not started then
    assert (october.missed, november.missed, november.breaches) == (1, 0, ())


def test_a_running_clock_past_its_deadline_is_a_breach_without_an_end_e4():
    ticket = only_clock(a_ticket(1, "Ett", at(11, 2)), a_clock(at(11, 2), at(11, 2, 10), None))
    (breach,) = figures(facts(ticket)).breaches
    assert (breach.ended_at, breach.used, breach.broken_at) == (None, None, at(11, 2, 10))


def test_unanswered_is_neither_met_nor_missed_e1():
    clock = a_clock(at(11, 2), at(11, 2, 10), at(11, 2, 9, 30), result="unanswered")
    found = figures(facts(only_clock(a_ticket(1, "Ett", at(11, 2)), clock)))
    assert (found.met, found.missed, level(found, 3).unanswered) == (0, 0, 1)
    assert found.in_time is None
    assert level(found, 3).typical is None


def test_the_usual_time_is_the_median_and_the_longest_is_told_j3():
    tickets = [a_ticket(n, "x", at(11, 2 + n), minutes) for n, minutes in enumerate((5, 30, 45))]
    found = level(figures(facts(*tickets)), 3)
    assert (found.typical, found.longest, found.target) == (30, 45, 60)


def test_follow_ups_and_resolutions_are_reported_apart_e5_e6():
    ticket = replace(
        a_ticket(1, "Ett", at(11, 2)),
        clocks=(
            a_clock(at(11, 3), at(11, 3, 10), at(11, 3, 9, 20), kind="follow-up"),
            a_clock(at(11, 4), at(11, 4, 10), at(11, 4, 12), kind="follow-up"),
            a_clock(at(11, 2), at(11, 5), at(11, 6), kind="resolution"),
        ),
    )
    found = figures(facts(ticket))
    assert (found.follow_ups, found.resolutions) == ((1, 1), (0, 1))
    assert (found.met, found.missed) == (0, 0)
    assert {each.clock for each in found.breaches} == {"follow-up", "resolution"}


def test_a_breach_carries_the_reason_that_an_engineer_noted_c9():
    (breach,) = figures(busy_facts()).breaches
    assert breach.number == 1046
    assert breach.reason.startswith("Jourhavande satt i ett tåg")


def test_a_share_is_whole_only_when_it_is():
    assert [percent_of(*each) for each in ((0, 5), (1, 1000), (999, 1000), (5, 5), (1, 0))] == [
        0,
        1,
        99,
        100,
        0,
    ]


# --- hours and banks --------------------------------------------------------------------------


def test_hours_by_ticket_add_up_to_what_bank_and_overage_took_g4():
    found = figures(busy_facts())
    assert found.minutes == found.from_bank + found.overage + found.free
    assert [each.actual for each in found.hours] == sorted(
        (each.actual for each in found.hours), reverse=True
    )
    assert found.free == 60  # ej deb


def test_a_bank_that_ends_with_the_period_expires_and_one_that_runs_has_something_left_g2():
    entries = [an_entry(1, dt.date(2026, 11, 3), 600)]
    running = figures(facts(entries=entries)).banks[0]
    ended = figures(facts(entries=entries, period="2026-Q4")).banks[0]
    assert (running.left, running.expired, running.used_here) == (300, 0, 600)
    assert (ended.left, ended.expired, ended.percent) == (0, 300, 67)


def test_time_of_earlier_periods_noted_in_this_one_stands_apart_h3():
    october = an_entry(1, dt.date(2026, 10, 29), 60)
    corrected = replace(october, actual=45, billable=45)
    added = an_entry(2, dt.date(2026, 10, 30), 30, received=at(11, 2))
    found = figures(facts(entries=[corrected, added], before=[october]))
    assert (found.late, found.minutes) == (15, 0)
    assert not found.is_empty


def test_a_quiet_period_is_empty_and_still_tells_its_bank_and_fee_j3():
    found = figures(quiet_facts())
    assert found.is_empty
    assert found.banks[0].left == 900
    assert found.net == Money(800000)


def test_the_trend_begins_with_the_agreement():
    found = figures(year_facts())
    assert [str(each.period) for each in found.trend] == ["2026"]
    assert [str(each.period) for each in figures(busy_facts()).trend] == [
        "2026-08",
        "2026-09",
        "2026-10",
        "2026-11",
    ]


def test_what_was_billed_is_summed_and_what_is_not_settled_is_counted():
    billed = (BilledMonth(NOVEMBER, True, Money(100), Money(50)), BilledMonth(NOVEMBER, False))
    found = figures(facts(billed=billed))
    assert (found.net, found.unsettled) == (Money(150), 1)


# --- forecast ---------------------------------------------------------------------------------


def test_a_bank_that_runs_is_forecast_at_its_own_pace_g6():
    entries = [an_entry(1, dt.date(2026, 10, 5), 300), an_entry(2, dt.date(2026, 11, 3), 310)]
    found = figures(facts(entries=entries)).forecast
    assert str(found.bank) == "2026-Q4"
    assert found.expected == round(610 * 92 / 61 / 60) * 60
    assert found.overage == found.expected - 900
    assert found.runs_out == dt.date(2026, 12, 29)


def test_no_forecast_is_less_than_what_is_used_already_j3():
    """Rounded to whole hours, 2 h 10 min of a nearly past year would have come to 2 h."""
    for minutes in (61, 89, 130, 149, 899):
        entries = [an_entry(1, dt.date(2026, 2, 5), minutes)]
        found = figures(facts(entries=entries, versions=[a_version("access")])).forecast
        assert (str(found.bank), found.expected >= minutes) == ("2026", True)


def test_a_bank_that_is_used_up_has_no_day_to_run_out_on():
    assert figures(busy_facts()).forecast.runs_out is None


def test_after_the_banks_end_the_next_one_is_forecast_from_the_trend():
    found = figures(year_facts()).forecast
    assert (str(found.bank), found.granted, found.expected) == ("2027", 240, 360)


def test_without_a_bank_there_is_no_forecast_f3():
    assert figures(facts(versions=())).forecast is None


# --- open tickets and standstills -------------------------------------------------------------


def test_open_is_what_had_not_been_closed_when_the_period_ended():
    december = dt.datetime(2026, 12, 2, tzinfo=at(11, 1).tzinfo)
    found = figures(
        facts(
            a_ticket(1, "Ett", at(10, 1), closed=december),
            a_ticket(2, "Två", at(11, 1), closed=at(11, 2)),
            a_ticket(3, "Tre", at(11, 20)),
            a_ticket(4, "Fyra", december),
        )
    )
    assert [each.number for each in found.open] == [1, 3]
    assert found.closed == 1


def test_a_ticket_stood_still_when_nobody_wrote_for_a_week():
    def talked(number, *said, **more):
        return TicketFact(number, "x", 3, at(11, 2), None, said_at=said, **more)

    busy = talked(1, *(at(11, day) for day in range(2, 30, 5)))
    silent = talked(2, at(11, 2), at(11, 14), waiting=True)
    closed = replace(talked(3, at(11, 2)), closed_at=at(11, 4))
    found = standstills([busy, silent, closed], a_window(NOVEMBER))
    assert [(each.number, each.days, each.waiting) for each in found] == [(2, 16, True)]


# --- which are promised -----------------------------------------------------------------------


def periods(versions, since, until, term="reports"):
    found = promised_periods(timeline(versions), term, since, until)
    return [str(period) for period in found]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ("alert", ["2026-10", "2026-11", "2026-12"]),
        ("attend", ["2026-Q4"]),
        ("access", ["2026"]),
    ],
)
def test_month_quarter_or_year_as_the_plan_says_j3(plan, expected):
    since, until = dt.date(2026, 10, 1), dt.date(2027, 1, 1)
    assert periods([a_version(plan)], since, until) == expected


@pytest.mark.parametrize(
    ("plan", "expected"),
    [("alert", ["2026-Q3", "2026-Q4"]), ("attend", ["2026-H2"]), ("access", [])],
)
def test_meetings_each_quarter_or_half_year_j4(plan, expected):
    since, until = dt.date(2026, 7, 1), dt.date(2027, 1, 1)
    assert periods([a_version(plan)], since, until, "review_meetings") == expected


def test_nothing_is_promised_before_its_end_or_again_j3():
    versions = [a_version()]
    assert periods(versions, dt.date(2026, 10, 31), dt.date(2026, 11, 30)) == ["2026-10"]
    assert periods(versions, dt.date(2026, 11, 1), dt.date(2026, 11, 30)) == []


def test_where_the_plan_changes_inside_a_quarter_both_promises_are_kept_j3():
    attend = a_version("attend")
    alert = replace(a_version("alert", dt.date(2026, 11, 1)), id=2)
    found = periods([attend, alert], dt.date(2026, 10, 1), dt.date(2027, 1, 1))
    assert found == ["2026-11", "2026-12", "2026-Q4"]


def test_without_an_agreement_no_report_is_promised_f3():
    ended = replace(a_version(), until=dt.date(2026, 11, 15))
    found = periods([ended], dt.date(2026, 10, 1), dt.date(2027, 3, 1))
    assert found == ["2026-10", "2026-11"]


# --- against a model --------------------------------------------------------------------------

_moments = st.integers(0, 120 * 24).map(lambda hours: at(8, 1) + hours * HOUR)


@st.composite
def _stories(draw):
    count = draw(st.integers(0, 12))
    found = []
    for number in range(count):
        opened = draw(_moments)
        ended = opened + draw(st.integers(0, 2000)) * HOUR if draw(st.booleans()) else None
        clock = a_clock(opened, opened + draw(st.integers(1, 1500)) * HOUR, ended)
        ticket = a_ticket(number, "x", opened, level=draw(st.integers(1, 4)))
        found.append(only_clock(ticket, clock))
    return found


@settings(max_examples=50)
@given(_stories())
def test_every_promise_is_told_once_over_all_months_as_a_plain_count_says_j3(tickets):
    months = [Period.parse(f"2026-{month:02}") for month in range(8, 13)]
    months += [Period.parse(f"2027-{month:02}") for month in range(1, 13)]
    told = [figures(facts(*tickets, period=str(month))) for month in months]
    clocks = [ticket.clocks[0] for ticket in tickets]
    limit = a_window(months[-1]).end
    broken = sum(1 for c in clocks if (c.ended_at or limit) > c.due_at and c.due_at < limit)
    kept = sum(1 for c in clocks if c.ended_at and c.ended_at <= c.due_at and c.ended_at < limit)
    assert sum(each.opened for each in told) == len(tickets)
    assert sum(each.missed for each in told) == broken == sum(len(t.breaches) for t in told)
    assert sum(each.met for each in told) == kept
