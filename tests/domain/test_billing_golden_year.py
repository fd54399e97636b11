"""A year of each plan, worked out by hand: twelve statements to the öre (G3-G5, H2-H5).

2028 is a leap year: its first quarter has 91 days, the year 366. Each comment is the sum done by
hand. Hours are written as (worked, received, minutes).
"""

import datetime as dt
from dataclasses import replace

import pytest

from daemon.domain.agreement import BUILT_IN, Plan, Prices, Version
from daemon.domain.billing import as_billed, describe_row, draw_statement
from daemon.domain.money import Money
from daemon.domain.periods import Period, months_from
from daemon.domain.time_bank import Adjustment, Entry, correct, reckon

D = dt.date
NONE = Plan(
    "none",
    BUILT_IN["none"].terms,
    (Prices(D(2028, 7, 1), {"hourly_rate": Money(1020_00)}),),
)


def a_version(number, plan, starts, until=None):
    return Version(number, "acme", starts, until, True, BUILT_IN[plan].terms_on(starts))


def an_entry(number, worked, received, minutes, **rest):
    at = dt.datetime(received.year, received.month, received.day, 12, tzinfo=dt.UTC)
    return Entry(number, 1000 + number, 7, worked, at, 0, minutes, minutes, **rest)


def at_the_end_of(month, entries, corrections):
    """Entries received before the month's end, with what corrections made before it have left."""
    known = {e.id: e for e in entries if e.received_at.date() < month.end}
    for made, number, minutes in corrections:
        if made < month.end:
            (taken,) = correct([known[number]], minutes)
            left = known[number]
            known[number] = replace(
                left, actual=left.actual + taken.actual, billable=left.billable + taken.billable
            )
    return list(known.values())


def a_year(first, versions, entries, corrections=(), adjustments=(), overage="monthly"):
    """Close twelve months; `versions` gives what was known at the end of a month."""
    start = Period.parse(first)
    last = list(months_from(start, Period(D(start.start.year + 1, 12, 1), 1)))[11]
    drafts, billed = {}, []
    for month in months_from(start, last):
        known = versions(month)
        left = at_the_end_of(month, entries, corrections)
        made = [a for a in adjustments if a.date < month.end]
        reckoning = reckon(known, left, made, NONE.terms_on)
        draft = draw_statement(month, known, reckoning, billed, overage=overage, first=start)
        billed += [as_billed(row) for row in draft.rows]
        drafts[str(month)] = draft
    return drafts


def printed(draft):
    return [
        f"{describe_row(row, 'sv')} | {row.quantity} {row.unit} x {row.price} = {row.amount}"
        for row in draft.rows
        if row.kind != "text"
    ]


def nets(drafts):
    return {month: str(draft.net) for month, draft in drafts.items()}


# Alert! from 11 January, Attend! from 15 June

ALERT_NETS = {
    "2028-01": "5419.35",  # 8000 x 21/31
    "2028-02": "9402.50",  # bank 900 x 81/91 = 801; 900 used, 99 min = 1.65 h x 850 = 1402.50
    "2028-03": "7150.00",  # 60 min less: 39 min = 0.65 h, so -1.00 h x 850
    "2028-04": "8000.00",  # 900 used of 900
    "2028-05": "9700.00",  # 2.00 h x 850
    # 8000 x 14/30 + 3000 x 16/30 = 3733.33 + 1600.00; the bank of the quarter is now
    # 900 x 75/91 + 360 x 16/91 = 742 + 63 = 805: 1020 used at 850 leave 215 min = 3.58 h,
    # billed 2.00: 1.58 x 850 = 1343.00; 30 min at 890 = 445.00
    "2028-06": "7121.33",
    "2028-07": "3000.00",  # 200 used of 360
    "2028-08": "3445.00",  # 100 late for July and 90: 30 min = 0.50 h x 890
    "2028-09": "3000.00",
    "2028-10": "3000.00",  # 600 not billable
    "2028-11": "3000.00",  # 290 used of 360
    "2028-12": "3017.80",  # 361 used: 1 min = 0.02 h x 890
}


def alert_year(overage="monthly"):
    alert, attend = a_version(1, "alert", D(2028, 1, 11)), a_version(2, "attend", D(2028, 6, 15))
    entries = [
        an_entry(1, D(2028, 1, 20), D(2028, 1, 20), 600),
        an_entry(2, D(2028, 2, 29), D(2028, 2, 29), 300),
        an_entry(3, D(2028, 4, 3), D(2028, 4, 3), 900),
        an_entry(4, D(2028, 5, 2), D(2028, 5, 2), 120),
        an_entry(5, D(2028, 6, 20), D(2028, 6, 20), 30),
        an_entry(6, D(2028, 7, 5), D(2028, 7, 5), 200),
        an_entry(7, D(2028, 7, 31), D(2028, 8, 2), 100),
        an_entry(8, D(2028, 8, 10), D(2028, 8, 10), 90),
        an_entry(9, D(2028, 10, 4), D(2028, 10, 4), 600, counts=False),
        an_entry(10, D(2028, 11, 5), D(2028, 11, 5), 200),
        an_entry(11, D(2028, 11, 6), D(2028, 11, 6), 90),
        an_entry(12, D(2028, 12, 29), D(2028, 12, 29), 71),
    ]
    known_from = Period.parse("2028-06")
    return a_year(
        "2028-01",
        lambda month: [alert, attend] if month >= known_from else [alert],
        entries,
        [(D(2028, 3, 9), 2, 60)],
        overage=overage,
    )


def test_a_golden_year_of_alert_h2_h3():
    drafts = alert_year()
    assert nets(drafts) == ALERT_NETS
    assert printed(drafts["2028-01"]) == [
        "Supportavtal Alert! januari 2028, 21 av 31 dagar | 1.00 st x 5419.35 = 5419.35"
    ]
    assert printed(drafts["2028-03"]) == [
        "Supportavtal Alert! mars 2028 | 1.00 st x 8000.00 = 8000.00",
        "Supporttid utöver timbanken, 2028 kvartal 1 (kreditering) | -1.00 h x 850.00 = -850.00",
    ]
    assert printed(drafts["2028-06"]) == [
        "Supportavtal Alert! juni 2028, 14 av 30 dagar | 1.00 st x 3733.33 = 3733.33",
        "Supportavtal Attend! juni 2028, 16 av 30 dagar | 1.00 st x 1600.00 = 1600.00",
        "Supporttid utöver timbanken, 2028 kvartal 2 | 1.58 h x 850.00 = 1343.00",
        "Supporttid utöver timbanken, 2028 kvartal 2 | 0.50 h x 890.00 = 445.00",
    ]
    assert [describe_row(row, "sv") for row in drafts["2028-08"].rows if row.work] == [
        "Ärende #1007, 2028-07-31, tekniker 7: 1 h 40 min ur timbanken (efterdebitering)",
        "Ärende #1008, 2028-08-10, tekniker 7: 1 h ur timbanken, 30 min utöver timbanken",
    ]


def test_a_golden_year_of_alert_where_overage_waits_for_the_bank_to_end_h3():
    expected = {
        **ALERT_NETS,
        "2028-02": "8000.00",
        "2028-03": "8552.50",  # 39 min = 0.65 h x 850 = 552.50
        "2028-05": "8000.00",
        # 5333.33 + 215 min = 3.58 h x 850 = 3043.00 + 445.00
        "2028-06": "8821.33",
        "2028-08": "3000.00",
        "2028-09": "3445.00",
    }
    assert nets(alert_year("bank-period")) == expected


# Attend! from leap day, Alert! from 15 July, with a gift of finance in December

ATTEND_NETS = {
    "2028-02": "103.45",  # 3000 x 1/29
    "2028-03": "3017.80",  # bank 360 x 32/91 = 127, 128 used: 1 min = 0.02 h x 890
    "2028-04": "3000.00",  # 360 used of 360
    "2028-05": "3445.00",  # 120 less for April and 150 more: 30 min = 0.50 h x 890
    "2028-06": "2555.00",  # 30 less for May: -0.50 h x 890
    "2028-07": "5741.94",  # 3000 x 14/31 + 8000 x 17/31 = 1354.84 + 4387.10
    "2028-08": "8595.00",  # bank 55 + 763 = 818, 860 used: 42 min = 0.70 h x 850
    "2028-09": "8000.00",
    "2028-10": "9419.50",  # 1000 used of 900: 100 min = 1.67 h x 850
    "2028-11": "8280.50",  # 120 min = 2.00 h: 0.33 h more x 850
    "2028-12": "6300.00",  # 120 min given: -2.00 h x 850
    "2029-01": "8000.00",
}


def test_a_golden_year_of_attend_h2_h3():
    attend, alert = a_version(1, "attend", D(2028, 2, 29)), a_version(2, "alert", D(2028, 7, 15))
    entries = [
        an_entry(1, D(2028, 3, 1), D(2028, 3, 1), 127),
        an_entry(2, D(2028, 3, 31), D(2028, 3, 31), 1),
        an_entry(3, D(2028, 4, 30), D(2028, 4, 30), 360),
        an_entry(4, D(2028, 5, 4), D(2028, 5, 4), 150),
        an_entry(5, D(2028, 7, 3), D(2028, 7, 3), 60),
        an_entry(6, D(2028, 7, 20), D(2028, 7, 20), 700),
        an_entry(7, D(2028, 8, 7), D(2028, 8, 7), 100),
        an_entry(8, D(2028, 10, 2), D(2028, 10, 2), 1000),
        an_entry(9, D(2028, 11, 1), D(2028, 11, 1), 20),
    ]
    drafts = a_year(
        "2028-02",
        lambda month: [attend, alert],
        entries,
        [(D(2028, 5, 3), 3, 120), (D(2028, 6, 1), 4, 30)],
        [Adjustment(1, D(2028, 12, 10), 120, "Goodwill")],
    )
    assert nets(drafts) == ATTEND_NETS
    assert printed(drafts["2028-02"]) == [
        "Supportavtal Attend! februari 2028, 1 av 29 dagar | 1.00 st x 103.45 = 103.45"
    ]
    assert [describe_row(row, "sv") for row in drafts["2028-05"].rows if row.work] == [
        "Ärende #1003, 2028-04-30, tekniker 7: 4 h ur timbanken (rättelse)",
        "Ärende #1004, 2028-05-04, tekniker 7: 2 h ur timbanken, 30 min utöver timbanken",
    ]


# Access! (a bank of a year) from 31 January, Attend! from 15 June

ACCESS_NETS = {
    "2028-01": "16.13",  # 500 x 1/31
    "2028-02": "500.00",  # bank 240 x 336/366 = 220, 130 used
    "2028-03": "659.80",  # 230 used: 10 min = 0.17 h x 940
    "2028-04": "650.40",  # 20 min = 0.33 h: 0.16 h more
    "2028-05": "659.80",  # 30 min = 0.50 h: 0.17 h more
    # 500 x 14/30 + 3000 x 16/30 = 233.33 + 1600.00; the year's bank is now 240 x 136/366 = 89:
    # 265 used leave 176 min = 2.93 h, billed 0.50: 2.43 h x 940 = 2284.20;
    # the quarter's bank 360 x 16/91 = 63, 64 used: 0.02 h x 890 = 17.80
    "2028-06": "4135.33",
    "2028-07": "3000.00",
    "2028-08": "1439.60",  # 100 less for February: 76 min = 1.27 h, -1.66 h x 940 = -1560.40
    "2028-09": "3596.30",  # 400 used of 360: 0.67 h x 890
    "2028-10": "3293.70",  # 20 late for September: 1.00 h, 0.33 h more x 890
    "2028-11": "3000.00",
    "2028-12": "3000.00",
}


def test_a_golden_year_of_access_h2_h3():
    access, attend = a_version(1, "access", D(2028, 1, 31)), a_version(2, "attend", D(2028, 6, 15))
    entries = [
        an_entry(1, D(2028, 1, 31), D(2028, 1, 31), 30),
        an_entry(2, D(2028, 2, 29), D(2028, 2, 29), 100),
        an_entry(3, D(2028, 3, 10), D(2028, 3, 10), 100),
        an_entry(4, D(2028, 4, 10), D(2028, 4, 10), 10),
        an_entry(5, D(2028, 5, 10), D(2028, 5, 10), 10),
        an_entry(6, D(2028, 6, 14), D(2028, 6, 14), 15),
        an_entry(7, D(2028, 6, 15), D(2028, 6, 15), 64),
        an_entry(8, D(2028, 9, 4), D(2028, 9, 4), 400),
        an_entry(9, D(2028, 9, 30), D(2028, 10, 1), 20),
    ]
    known_from = Period.parse("2028-06")
    drafts = a_year(
        "2028-01",
        lambda month: [access, attend] if month >= known_from else [access],
        entries,
        [(D(2028, 8, 20), 2, 100)],
    )
    assert nets(drafts) == ACCESS_NETS
    assert printed(drafts["2028-06"])[2:] == [
        "Supporttid utöver timbanken, 2028 | 2.43 h x 940.00 = 2284.20",
        "Supporttid utöver timbanken, 2028 kvartal 2 | 0.02 h x 890.00 = 17.80",
    ]
    assert printed(drafts["2028-10"])[1:] == [
        "Supporttid utöver timbanken, 2028 kvartal 3 (efterdebitering) | 0.33 h x 890.00 = 293.70"
    ]


# No agreement, with a new price list in July; Access! from 15 September to 30 November

NONE_NETS = {
    "2028-01": "980.00",  # 1.00 h x 980
    "2028-02": "323.40",  # 20 min = 0.33 h x 980
    "2028-03": "0.00",
    "2028-04": "735.00",  # 45 min late for March
    "2028-05": "490.00",  # 30 min in the evening: no rate of its own
    "2028-06": "0.00",  # 15 min less for January: -0.25 h x 980 stays due
    "2028-07": "173.40",  # 10 min = 0.17 h x 1020; -245.00 would make it negative, and stays due
    "2028-08": "775.00",  # 1.00 h x 1020 - 245.00
    # 500 x 16/30 = 266.67; 1.00 h x 1020; bank 240 x 108/366 = 71, 80 used: 0.15 h x 940 = 141.00
    "2028-09": "1427.67",
    "2028-10": "500.00",
    "2028-11": "500.00",
    # the agreement ended in November: bank 240 x 77/366 = 50, 30 min = 0.50 h: 0.35 h x 940 =
    # 329.00; 1.00 h x 1020
    "2028-12": "1349.00",
}


def test_a_golden_year_without_agreement_f3_h5():
    access = a_version(1, "access", D(2028, 9, 15))
    entries = [
        an_entry(1, D(2028, 1, 10), D(2028, 1, 10), 60),
        an_entry(2, D(2028, 2, 29), D(2028, 2, 29), 20),
        an_entry(3, D(2028, 3, 31), D(2028, 4, 3), 45),
        an_entry(4, D(2028, 5, 5), D(2028, 5, 5), 30, outside=True),
        an_entry(5, D(2028, 7, 1), D(2028, 7, 1), 10),
        an_entry(6, D(2028, 8, 1), D(2028, 8, 1), 60),
        an_entry(7, D(2028, 9, 14), D(2028, 9, 14), 60),
        an_entry(8, D(2028, 9, 15), D(2028, 9, 15), 80),
        an_entry(9, D(2028, 12, 5), D(2028, 12, 5), 60),
    ]

    def versions(month):
        if month == Period.parse("2028-12"):
            return [replace(access, until=D(2028, 11, 30))]
        return [access] if month >= Period.parse("2028-09") else []

    drafts = a_year("2028-01", versions, entries, [(D(2028, 6, 6), 1, 15)])
    assert nets(drafts) == NONE_NETS
    assert printed(drafts["2028-04"]) == [
        "Supporttid på löpande räkning, mars 2028 (efterdebitering) | 0.75 h x 980.00 = 735.00"
    ]
    left_out = {m: [str(r.amount) for r in d.left_out] for m, d in drafts.items() if d.left_out}
    assert left_out == {"2028-06": ["-245.00"], "2028-07": ["-245.00"]}
    assert printed(drafts["2028-08"]) == [
        "Supporttid på löpande räkning, januari 2028 (kreditering) | -0.25 h x 980.00 = -245.00",
        "Supporttid på löpande räkning, augusti 2028 | 1.00 h x 1020.00 = 1020.00",
    ]


@pytest.mark.parametrize("year", [ALERT_NETS, ATTEND_NETS, ACCESS_NETS, NONE_NETS])
def test_a_golden_year_has_twelve_statements(year):
    assert len(year) == 12
