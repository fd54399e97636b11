"""Statements by example: the main job to the öre, late facts, the settings, the print (H1-H5)."""

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from daemon.desk.shown.shapes import as_json
from daemon.desk.shown.statements import row_shown
from daemon.domain.agreement import BUILT_IN, Version, raised_terms
from daemon.domain.billing import (
    Row,
    Work,
    as_billed,
    describe_row,
    draw_statement,
    first_month,
    hours_of,
    invoice_rows,
    row_from_json,
    row_to_json,
    run_months,
    statement_hash,
)
from daemon.domain.invoice import InvoiceRow
from daemon.domain.money import Money
from daemon.domain.periods import Period, months_from
from daemon.domain.time_bank import Entry, reckon

D = dt.date
NONE = BUILT_IN["none"].terms_on
NOVEMBER, DECEMBER = Period.parse("2026-11"), Period.parse("2026-12")


def a_version(number=1, starts="2026-11-01", *, until=None, plan="attend", **terms):
    last = until and D.fromisoformat(until)
    copied = replace(BUILT_IN[plan].terms, **terms)
    return Version(number, "acme", D.fromisoformat(starts), last, True, copied)


def an_entry(number, worked_on, minutes, **rest):
    day = D.fromisoformat(worked_on)
    noon = dt.datetime(day.year, day.month, day.day, 12, tzinfo=dt.UTC)
    values = {"ticket": 1042, "engineer": 7, "received_at": noon, "ordinal": 0, "billable": minutes}
    return Entry(id=number, worked_on=day, actual=minutes, **{**values, **rest})


def drawn(month, versions, entries, earlier=(), **settings):
    """The statement of a month after those of `earlier`; the first month is the earliest."""
    settings.setdefault("first", first_month(None, None, versions, [e.worked_on for e in entries]))
    billed = [as_billed(row) for draft in earlier for row in draft.rows]
    reckoning = reckon(versions, entries, [], NONE)
    return draw_statement(month, versions, reckoning, billed, **settings)


def money(rows):
    return [
        (row.kind, row.period, row.mark, str(row.quantity), str(row.price), str(row.amount))
        for row in rows
        if row.kind != "text"
    ]


THE_WORK = [an_entry(1, "2026-11-05", 200), an_entry(2, "2026-11-06", 90)]


def test_the_main_job_to_the_ore_h2_g3():
    draft = drawn(NOVEMBER, [a_version()], THE_WORK)
    assert money(draft.rows) == [
        ("fee", "2026-11", "", "1.00", "3000.00", "3000.00"),
        ("overage", "2026-Q4", "", "0.85", "890.00", "756.50"),
    ]
    assert str(draft.net) == "3756.50"
    assert [describe_row(row, "sv") for row in draft.rows] == [
        "Supportavtal Attend! november 2026",
        "Supporttid utöver timbanken, 2026 kvartal 4",
        "Ärende #1042, 2026-11-05, tekniker 7: 3 h 20 min ur timbanken",
        "Ärende #1042, 2026-11-06, tekniker 7: 39 min ur timbanken, 51 min utöver timbanken",
    ]


def test_a_second_statement_of_the_same_facts_bills_nothing_h3():
    draft = drawn(NOVEMBER, [a_version()], THE_WORK)
    assert drawn(NOVEMBER, [a_version()], THE_WORK, [draft]).rows == ()


def test_a_month_nobody_worked_bears_its_fee_alone_h2():
    first = drawn(NOVEMBER, [a_version()], THE_WORK)
    assert money(drawn(DECEMBER, [a_version()], THE_WORK, [first]).rows) == [
        ("fee", "2026-12", "", "1.00", "3000.00", "3000.00")
    ]


def test_a_customer_without_agreement_or_work_has_an_empty_statement_h5():
    draft = drawn(NOVEMBER, [], [])
    assert (draft.rows, str(draft.net), draft.left_out) == ((), "0.00", ())


def test_a_plan_without_a_fee_has_no_fee_row_f3():
    assert drawn(NOVEMBER, [a_version(plan="none")], []).rows == ()
    assert drawn(NOVEMBER, [a_version(monthly_fee=Money(0))], []).rows == ()


def test_work_of_a_later_month_is_not_seen_h3():
    entries = [*THE_WORK, an_entry(3, "2026-12-01", 60)]
    draft = drawn(NOVEMBER, [a_version()], entries)
    assert str(draft.net) == "3756.50"
    assert [row.work.entry for row in draft.rows if row.work] == [1, 2]


# Late and changed facts (H3)


def test_a_version_imported_too_late_settles_fees_and_overage_in_the_next_open_month_h3():
    october = drawn(Period.parse("2026-10"), [], [])
    first = drawn(NOVEMBER, [], THE_WORK, [october], first=Period.parse("2026-10"))
    assert money(first.rows) == [("overage", "2026-11", "", "4.83", "980.00", "4733.40")]
    after = drawn(
        DECEMBER,
        [a_version(starts="2026-10-16")],
        THE_WORK,
        [october, first],
        first=Period.parse("2026-10"),
    )
    # the bank of 77 days holds 360 x 77/92 = 301: all 290 minutes
    assert money(after.rows) == [
        ("fee", "2026-10", "late", "1.00", "1548.39", "1548.39"),
        ("fee", "2026-11", "late", "1.00", "3000.00", "3000.00"),
        ("fee", "2026-12", "", "1.00", "3000.00", "3000.00"),
        ("overage", "2026-11", "credit", "-4.83", "980.00", "-4733.40"),
    ]
    assert str(after.net) == "2814.99"


def test_changed_terms_settle_the_difference_h3():
    first = drawn(NOVEMBER, [a_version()], THE_WORK)
    dearer = a_version(monthly_fee=Money(3200_00), hourly_rate=Money(900_00))
    after = drawn(DECEMBER, [dearer], THE_WORK, [first])
    assert money(after.rows) == [
        ("fee", "2026-11", "late", "1.00", "200.00", "200.00"),
        ("fee", "2026-12", "", "1.00", "3200.00", "3200.00"),
        ("overage", "2026-Q4", "credit", "-0.85", "890.00", "-756.50"),
        ("overage", "2026-Q4", "", "0.85", "900.00", "765.00"),
    ]


def test_a_lower_fee_is_credited_with_a_negative_quantity_h3():
    first = drawn(NOVEMBER, [a_version()], [])
    after = drawn(DECEMBER, [a_version(monthly_fee=Money(2900_00))], [], [first])
    assert money(after.rows)[0] == ("fee", "2026-11", "credit", "-1.00", "100.00", "-100.00")


def test_a_withdrawn_version_is_credited_by_its_name_and_its_hours_bill_without_it_h3():
    first = drawn(NOVEMBER, [a_version()], THE_WORK)
    wrong, right = replace(a_version(), withdrawn=True), a_version(2, plan="alert")
    after = drawn(DECEMBER, [wrong, right], THE_WORK, [first])
    assert money(after.rows) == [
        ("fee", "2026-11", "credit", "-1.00", "3000.00", "-3000.00"),
        ("fee", "2026-11", "late", "1.00", "8000.00", "8000.00"),
        ("fee", "2026-12", "", "1.00", "8000.00", "8000.00"),
        ("overage", "2026-Q4", "credit", "-0.85", "890.00", "-756.50"),
    ]
    assert describe_row(after.rows[0], "sv") == "Supportavtal Attend! november 2026 (kreditering)"


def test_a_version_that_is_gone_altogether_is_credited_too_h3():
    first = drawn(NOVEMBER, [a_version()], [])
    after = drawn(DECEMBER, [a_version(2)], [], [first])
    assert money(after.rows)[0] == ("fee", "2026-11", "credit", "-1.00", "3000.00", "-3000.00")
    assert describe_row(after.rows[0], "sv") == "Supportavtal november 2026 (kreditering)"


def test_an_index_adjustment_changes_nothing_before_its_date_f1():
    terms = raised_terms(BUILT_IN["attend"].terms, Decimal(3))
    dearer = replace(a_version(2, "2026-12-01"), terms=terms)
    versions = [a_version(), dearer]
    entries = [*THE_WORK, an_entry(3, "2026-12-02", 60)]
    first = drawn(NOVEMBER, versions, entries)
    assert money(drawn(DECEMBER, versions, entries, [first]).rows) == [
        ("fee", "2026-12", "", "1.00", "3090.00", "3090.00"),
        # 360 x 30/92 + 360 x 31/92 = 117 + 121 = 238: one minute more than before is overage
        ("overage", "2026-Q4", "", "1.00", "916.70", "916.70"),
    ]


def test_late_hours_bill_in_the_next_open_month_and_are_listed_as_late_h3():
    first = drawn(NOVEMBER, [a_version()], THE_WORK)
    late = [*THE_WORK, an_entry(3, "2026-11-05", 30, ordinal=1)]
    after = drawn(DECEMBER, [a_version()], late, [first])
    assert money(after.rows)[1:] == [("overage", "2026-Q4", "", "0.50", "890.00", "445.00")]
    assert [describe_row(row, "sv").split("tekniker 7: ")[1] for row in after.rows[2:]] == [
        "30 min ur timbanken (efterdebitering)",
        "9 min ur timbanken, 1 h 21 min utöver timbanken (rättelse)",
    ]


def test_time_booked_and_taken_back_before_the_close_is_not_listed_h2():
    assert drawn(NOVEMBER, [], [an_entry(1, "2026-11-05", 0)]).rows == ()


def test_time_taken_back_after_the_close_is_listed_as_nothing_h3():
    first = drawn(NOVEMBER, [a_version()], THE_WORK)
    gone = [THE_WORK[0], an_entry(2, "2026-11-06", 0)]
    after = drawn(DECEMBER, [a_version()], gone, [first])
    assert describe_row(after.rows[-1], "sv").endswith("tekniker 7: 0 min (rättelse)")


# Settings


def test_overage_that_waits_for_the_bank_bills_when_its_period_ends_h3():
    waiting = {"overage": "bank-period"}
    first = drawn(NOVEMBER, [a_version()], THE_WORK, **waiting)
    assert money(first.rows) == [("fee", "2026-11", "", "1.00", "3000.00", "3000.00")]
    after = drawn(DECEMBER, [a_version()], THE_WORK, [first], **waiting)
    assert money(after.rows)[1] == ("overage", "2026-Q4", "", "0.85", "890.00", "756.50")


def test_hours_without_a_bank_bill_in_their_month_under_both_settings_h3():
    for setting in ("monthly", "bank-period"):
        draft = drawn(NOVEMBER, [], THE_WORK, overage=setting)
        assert str(draft.net) == "4733.40"


def test_changing_the_setting_within_a_bank_period_takes_nothing_back_h3():
    version, entries = a_version(starts="2027-01-01"), [an_entry(1, "2027-01-05", 420)]
    january, february, march = months_from(Period.parse("2027-Q1"), Period.parse("2027-Q1"))
    first = drawn(january, [version], entries)
    assert str(first.net) == "3890.00"
    second = drawn(february, [version], entries, [first], overage="bank-period")
    assert money(second.rows) == [("fee", "2027-02", "", "1.00", "3000.00", "3000.00")]
    third = drawn(march, [version], entries, [first, second], overage="bank-period")
    assert money(third.rows) == [("fee", "2027-03", "", "1.00", "3000.00", "3000.00")]


def test_nothing_before_the_first_month_is_billed_and_its_hours_are_told_h1():
    version = a_version(starts="2026-10-01")
    entries = [an_entry(1, "2026-10-20", 400), an_entry(2, "2026-11-05", 60)]
    draft = drawn(NOVEMBER, [version], entries, first=NOVEMBER)
    assert money(draft.rows) == [
        ("fee", "2026-11", "", "1.00", "3000.00", "3000.00"),
        ("overage", "2026-Q4", "", "1.00", "890.00", "890.00"),
    ]
    assert draft.before_first == 40
    assert [row.work.entry for row in draft.rows if row.work] == [2]


def test_a_first_month_before_this_one_makes_its_months_due_h1():
    draft = drawn(DECEMBER, [a_version(starts="2026-10-01")], [], first=Period.parse("2026-10"))
    assert [row.period for row in draft.rows] == ["2026-10", "2026-11", "2026-12"]


# Credits that would make the net negative (H5)


def test_credits_that_would_make_the_net_negative_are_left_out_and_stay_due_h5():
    first = drawn(NOVEMBER, [a_version(plan="alert")], [])
    ended = a_version(plan="alert", until="2026-11-02")
    entries = [an_entry(1, "2026-12-03", 60)]
    second = drawn(DECEMBER, [ended], entries, [first])
    assert money(second.rows) == [("overage", "2026-12", "", "1.00", "980.00", "980.00")]
    assert money(second.left_out) == [("fee", "2026-11", "credit", "-1.00", "7466.67", "-7466.67")]
    more = [*entries, an_entry(2, "2027-01-04", 600)]
    third = drawn(Period.parse("2027-01"), [ended], more, [first, second])
    assert money(third.rows) == [
        ("fee", "2026-11", "credit", "-1.00", "7466.67", "-7466.67"),
        ("overage", "2027-01", "", "10.00", "980.00", "9800.00"),
    ]
    assert (str(third.net), third.left_out) == ("2333.33", ())


def test_credits_that_bring_the_net_to_nothing_are_printed_h5():
    first = drawn(NOVEMBER, [a_version()], [])
    after = drawn(DECEMBER, [a_version(monthly_fee=Money(1500_00))], [], [first])
    assert (str(after.net), len(after.rows), after.left_out) == ("0.00", 2, ())


# Quantities


@pytest.mark.parametrize(
    ("minutes", "hours"), [(0, "0.00"), (51, "0.85"), (1, "0.02"), (3, "0.05"), (100, "1.67")]
)
def test_minutes_are_hours_with_two_decimals_half_up_h4(minutes, hours):
    assert str(hours_of(minutes)) == hours


def test_quantities_add_up_to_the_rounded_sum_of_the_minutes_h4():
    version = a_version(bank_minutes=0)
    entries = [an_entry(n, f"2026-{10 + n}-05", 10) for n in (1, 2)]
    first = drawn(NOVEMBER, [version], entries)
    after = drawn(DECEMBER, [version], entries, [first])
    quantities = [r.quantity for d in (first, after) for r in d.rows if r.kind == "overage"]
    assert [str(quantity) for quantity in quantities] == ["0.17", "0.16"]


# Print and hash


ENGLISH = {
    Row("fee", "fee", "2026-11", "", 1, "Alert!", 30): "Support agreement Alert! November 2026",
    Row(
        "fee", "fee", "2026-10", "late", 1, "Alert!", 16
    ): "Support agreement Alert! October 2026, 16 of 31 days (late charge)",
    Row("overage", "bank-overage", "2026-H2"): (
        "Support time beyond the time bank, 2026 half-year 2"
    ),
    Row("overage", "hours", "2026-11", "credit"): (
        "Support time at hourly rate, November 2026 (credit)"
    ),
}


@pytest.mark.parametrize(("row", "text"), ENGLISH.items(), ids=ENGLISH.values())
def test_rows_are_printed_in_english_too_h2(row, text):
    assert describe_row(row, "en") == text


def a_work(from_bank=0, overage=0, *, actual=80, counts=True, banked=True):
    work = Work(1, 1042, 7, D(2026, 11, 5), actual, from_bank, overage, counts, banked)
    return Row("text", "work", "2026-11", work=work)


@pytest.mark.parametrize(
    ("row", "swedish", "english"),
    [
        (
            a_work(20, 60),
            "20 min ur timbanken, 1 h utöver timbanken",
            "20 min from the time bank, 1 h beyond the time bank",
        ),
        (a_work(0, 80, banked=False), "1 h 20 min på löpande räkning", "1 h 20 min at hourly rate"),
        (a_work(counts=False), "1 h 20 min debiteras ej", "1 h 20 min not billable"),
    ],
)
def test_hours_are_listed_by_number_date_and_engineer_h5(row, swedish, english):
    assert describe_row(row, "sv") == f"Ärende #1042, 2026-11-05, tekniker 7: {swedish}"
    assert describe_row(row, "en") == f"Ticket #1042, 2026-11-05, engineer 7: {english}"


def test_text_rows_never_reach_the_invoice_h2():
    rows = drawn(NOVEMBER, [a_version()], THE_WORK).rows
    assert invoice_rows(rows, "en") == (
        InvoiceRow(
            "fee", "Support agreement Attend! November 2026", Decimal("1.00"), "st", Money(3000_00)
        ),
        InvoiceRow(
            "overage",
            "Support time beyond the time bank, 2026 quarter 4",
            Decimal("0.85"),
            "h",
            Money(890_00),
        ),
    )
    assert rows[2].unit == ""
    assert rows[2].amount is None


def test_a_row_is_shown_in_json_as_the_contract_says_h2():
    rows = drawn(NOVEMBER, [a_version()], THE_WORK).rows
    shown = [as_json(row_shown(row, describe_row(row, "sv"))) for row in rows]
    assert shown[1] == {
        "kind": "overage",
        "description": "Supporttid utöver timbanken, 2026 kvartal 4",
        "quantity": "0.85",
        "unit": "h",
        "price": Money(890_00),
        "amount": Money(756_50),
    }
    assert set(shown[2]) == {"kind", "description"}


def test_a_row_comes_back_from_json_as_it_was_h5():
    for row in drawn(NOVEMBER, [a_version()], THE_WORK).rows:
        stored = json.loads(json.dumps(row_to_json(row)))
        assert row_from_json(stored) == row
        assert row_to_json(row_from_json(stored)) == stored
    assert row_to_json(row)["amount"] is None


def test_the_hash_is_of_the_rows_and_of_nothing_else_h5():
    rows = drawn(NOVEMBER, [a_version()], THE_WORK).rows
    seal = statement_hash(rows, "AVT-acme-2026-11")
    assert seal == statement_hash(list(rows), "AVT-acme-2026-11")
    assert len(seal) == 64
    others = [
        statement_hash(rows, "AVT-beta-2026-11"),
        statement_hash(rows[:-1], "AVT-acme-2026-11"),
        statement_hash(rows[::-1], "AVT-acme-2026-11"),
        statement_hash([replace(rows[0], price=Money(300001)), *rows[1:]], "AVT-acme-2026-11"),
        statement_hash(
            [*rows[:-1], replace(rows[-1], work=replace(rows[-1].work, ticket=1))],
            "AVT-acme-2026-11",
        ),
    ]
    assert len({seal, *others}) == 6


def test_the_hash_of_a_known_statement_never_changes_h5():
    rows = drawn(NOVEMBER, [a_version()], THE_WORK).rows
    assert (
        statement_hash(rows, "AVT-acme-2026-11")
        == "5a13133ab0f9743fc7798d9ab36e5acaed716e94e12ffdc7b207da1c2c592981"
    )


# Another plan on past months


def test_another_plan_on_past_months_costs_what_its_statements_would_have():
    versions = [a_version(starts="2026-10-01", plan="access")]
    reckoning = reckon(versions, THE_WORK, [], NONE)
    months = months_from(Period.parse("2026-10"), DECEMBER)
    drafts = run_months(months, versions, reckoning)
    # bank 240 x 92/365 = 60: 230 min = 3.83 h x 940 = 3600.20
    assert [str(draft.net) for draft in drafts] == ["500.00", "4100.20", "500.00"]
    waiting = run_months([NOVEMBER, DECEMBER], versions, reckoning, overage="bank-period")
    assert [str(draft.net) for draft in waiting] == ["500.00", "4100.20"]
