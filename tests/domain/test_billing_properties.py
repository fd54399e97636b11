"""For every history what is billed is what a naive model says, and nothing twice (G, H)."""

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings

from daemon.domain.billing import (
    draw_statement,
    row_from_json,
    row_to_json,
    statement_hash,
)
from daemon.domain.money import ZERO, total
from daemon.domain.periods import Period
from daemon.domain.time_bank import balance, banks, movements
from tests.domain.billing_histories import (
    A_DAY,
    LAST,
    close,
    histories,
    naive_sums,
    none_rate,
    sums,
)

UNHURRIED = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
SHORT = settings(max_examples=40, **UNHURRIED)
LONG = settings(max_examples=1500, **UNHURRIED)


def rows_and_what_stays_due(drafts):
    return [row for draft in drafts for row in draft.rows] + list(drafts[-1].left_out)


def ended(hours):
    """Of hours by period and rate, those of periods that have ended with the last month."""
    return {key: value for key, value in hours.items() if Period.parse(key[0]).end <= LAST.end}


def check_the_sum_billed(history):
    drafts, _ = close(history)
    fees, hours = sums(rows_and_what_stays_due(drafts))
    assert (fees, hours) == naive_sums(history)


def check_both_settings(history):
    drafts, _ = close(history, "bank-period")
    fees, hours = sums(rows_and_what_stays_due(drafts))
    naive_fees, naive_hours = naive_sums(history)
    assert fees == naive_fees
    assert hours == ended(naive_hours)


def check_closing_late(history):
    known = history.known(LAST.end)
    late = draw_statement(LAST, known.versions, known.reckoning(), [], first=history.first)
    assert late.left_out == ()
    assert sums(late.rows) == naive_sums(history)


def check_each_statement(history):
    for overage in ("monthly", "bank-period"):
        drafts, _ = close(history, overage)
        for draft in drafts:
            check_statement(draft)


def check_statement(draft):
    money = [row for row in draft.rows if row.kind != "text"]
    assert draft.net == total(row.price.times(row.quantity) for row in money)
    assert draft.net >= ZERO
    assert all(row.price > ZERO and row.quantity for row in (*money, *draft.left_out))
    assert all(row.quantity < 0 for row in draft.left_out)
    assert not draft.left_out or all(row.quantity > 0 for row in money)
    assert all(abs(row.quantity) == 1 for row in money if row.kind == "fee")
    keys = [(row.kind, row.period, row.version, row.rate) for row in (*money, *draft.left_out)]
    assert len(set(keys)) == len(keys)
    assert all(Period.parse(row.period).start < draft.month.end for row in draft.rows)
    stored = [row_to_json(row) for row in draft.rows]
    assert tuple(row_from_json(row) for row in stored) == draft.rows
    assert statement_hash(map(row_from_json, stored)) == statement_hash(draft.rows)


def check_nothing_twice(history):
    _, billed = close(history)
    known = history.known(LAST.end)
    again = draw_statement(LAST, known.versions, known.reckoning(), billed, first=history.first)
    assert again.rows == ()


def check_the_listed_hours(history):
    drafts, _ = close(history)
    listed = {}
    for draft in drafts:
        for row in draft.rows:
            if row.work:
                assert row.work != listed.get(row.work.entry)
                listed[row.work.entry] = row.work
    model, known = history.naive(LAST.end), history.known(LAST.end)
    drawn = model.draws(history.naive_entries(LAST.end), known.adjustments, none_rate)
    for entry in history.naive_entries(LAST.end):
        if entry.worked_on < history.first.start:
            assert entry.id not in listed
        elif entry.actual or entry.id in listed:
            work = listed[entry.id]
            assert (work.from_bank, work.overage) == drawn[entry.id][:2]
            assert work.actual == entry.actual


def check_every_entry_and_bank(history):
    known = history.known(LAST.end)
    reckoning = known.reckoning()
    drawn = history.naive(LAST.end).draws(
        history.naive_entries(LAST.end), known.adjustments, none_rate
    )
    assert {
        d.entry.id: (d.from_bank, d.overage, str(d.period), d.rate.ore) for d in reckoning.draws
    } == drawn
    used = defaultdict(int)
    for draw in reckoning.draws:
        assert min(draw.entry.actual, draw.from_bank, draw.overage) >= 0
        assert draw.from_bank + draw.overage == (draw.entry.billable if draw.entry.counts else 0)
        used[draw.bank] += draw.from_bank
    for bank in banks(reckoning, LAST.end):
        granted = reckoning.granted(bank)
        assert used[bank] <= max(0, granted)
        shown = movements(reckoning, bank, bank.last_day, known.corrections)
        assert sum(each.minutes for each in shown) == granted - used[bank]
        after = movements(reckoning, bank, bank.end, known.corrections)
        assert sum(each.minutes for each in after) == min(0, granted - used[bank])


def check_the_grants(history):
    reckoning = history.known(LAST.end).reckoning()
    expected = defaultdict(int)
    for (key, _), minutes in history.naive(LAST.end).granted().items():
        expected[key] += minutes
    for bank in banks(reckoning, LAST.end):
        adjusted = sum(each.minutes for each in reckoning.adjustments.get(bank, ()))
        assert reckoning.granted(bank) - adjusted == expected[str(bank)]


def check_the_balance(history):
    reckoning = history.known(LAST.end).reckoning()
    for days in range(0, (LAST.end - history.first.start).days, 17):
        day = history.first.start + days * A_DAY
        state = balance(reckoning, day)
        shown = movements(reckoning, state.period, day)
        assert state.remaining == state.granted - state.used == sum(m.minutes for m in shown)
        assert state.overage == sum(m.overage for m in shown)


def check_the_first_month(history):
    drafts, _ = close(history)
    for row in rows_and_what_stays_due(drafts):
        assert Period.parse(row.period).end > history.first.start
    early = [e for e in history.naive_entries(LAST.end) if e.worked_on < history.first.start]
    drawn = history.naive(LAST.end).draws(
        history.naive_entries(LAST.end), history.known(LAST.end).adjustments, none_rate
    )
    assert drafts[-1].before_first == sum(drawn[entry.id][1] for entry in early)


CHECKS = {
    "the_sum_billed_over_all_months_is_what_the_naive_model_says_h3": check_the_sum_billed,
    "both_settings_bill_the_same_for_every_ended_bank_period_h3": check_both_settings,
    "closing_month_by_month_is_closing_late_h3": check_closing_late,
    "net_is_the_sum_of_the_printed_rows_and_never_negative_h4_h5": check_each_statement,
    "nothing_is_billed_or_listed_twice_h3": check_nothing_twice,
    "the_hours_listed_last_are_what_the_naive_model_drew_h2": check_the_listed_hours,
    "every_entry_and_bank_is_what_the_naive_model_drew_g4": check_every_entry_and_bank,
    "every_grant_is_what_the_naive_model_counts_g3": check_the_grants,
    "a_balance_is_the_sum_of_its_movements_g1": check_the_balance,
    "nothing_before_the_first_month_is_ever_billed_h1": check_the_first_month,
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@SHORT
@given(history=histories())
def test_for_every_history(check, history):
    check(history)


@pytest.mark.long
@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@LONG
@given(history=histories())
def test_for_very_many_histories(check, history):
    check(history)


def test_the_histories_are_worth_their_name():
    """Of many histories some must reach credits, left out rows, late rows and split entries."""
    seen = defaultdict(int)

    @settings(max_examples=150, database=None, derandomize=True, **UNHURRIED)
    @given(history=histories())
    def look(history):
        drafts, _ = close(history)
        for draft in drafts:
            seen["left out"] += len(draft.left_out)
            for row in draft.rows:
                seen[row.kind, row.mark] += 1
        for draw in history.known(LAST.end).reckoning().draws:
            seen["split"] += bool(draw.from_bank and draw.overage)
            seen["evening"] += draw.rate.ore == 1335_55
        seen["stray"] += len(history.known(LAST.end).reckoning().stray)

    look()
    kinds = [("fee", ""), ("fee", "late"), ("fee", "credit")]
    kinds += [("overage", ""), ("overage", "late"), ("overage", "credit")]
    kinds += [("text", ""), ("text", "late"), ("text", "correction")]
    for kind in [*kinds, "left out", "split", "evening", "stray"]:
        assert seen[kind] > 0, kind
