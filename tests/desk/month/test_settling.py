"""What is known late settles itself in the next open month, to the öre (F1, F3, H1, H3, H6)."""

import pytest

from daemon.desk.register import file as register_file
from daemon.desk.register import importing as registering
from daemon.store.money import statements
from tests.builders import REGISTER, SETTINGS, a_desk, instant, text_of
from tests.desk.month.billing_stories import Books, answer, book, frozen


@pytest.fixture
def books():
    return Books()


def bring_in(desk, folder, text, at, settings=None):
    """Import a register at an instant."""
    file = folder / "later.toml"
    file.write_text(text, encoding="utf-8")
    with desk.desk.store.writing() as tx:
        read = register_file.read(file)
        asked = registering.plan(tx, str(file), read, settings or desk.desk.settings)
        registering.apply(tx, asked, instant(at))


def rows(desk, month, key="beta"):
    """(quantity, price) of the money rows of a statement."""
    with desk.desk.store.reading() as tx:
        found = statements.rows_of(tx, frozen(desk, month, key).id)
    return [(str(r.quantity), str(r.price), r.period) for r in found if r.kind != "text"]


def test_a_version_imported_too_late_settles_fees_and_overage_H3(desk, books, tmp_path):
    book(desk, "a\n[tid: 10h]\n", "2026-11-20 09:00")  # 239 of the bank, 361 over: 6.02 h
    desk.close("2026-12-01 06:00", books)
    assert rows(desk, "2026-11") == [
        ("1.00", "3000.00", "2026-11"),
        ("6.02", "890.00", "2026-Q4"),
    ]
    later = REGISTER.replace(
        'plan = "attend"\nfrom = 2026-11-01',
        'plan = "attend"\nfrom = 2026-11-01\n[[customers.agreements]]\n'
        'plan = "alert"\nfrom = 2026-11-16',
    )
    bring_in(desk, tmp_path, later, "2026-12-10 09:00")
    desk.close("2027-01-01 06:00", books)
    # Attend! had 15 of 30 days: 1500.00 back; Alert! has 15 of 30: 4000.00, and December whole.
    # The bank of Q4: 360 x 15/92 = 59 and 900 x 46/92 = 450: 91 minutes over at 850.00.
    assert rows(desk, "2026-12") == [
        ("-1.00", "1500.00", "2026-11"),
        ("1.00", "4000.00", "2026-11"),
        ("1.00", "8000.00", "2026-12"),
        ("1.52", "850.00", "2026-Q4"),
        ("-6.02", "890.00", "2026-Q4"),
    ]
    assert str(frozen(desk, "2026-12").net) == "6434.20"


def test_changed_terms_are_a_correction_F1_H3(desk, books, tmp_path):
    desk.close("2026-12-01 06:00", books)
    bring_in(
        desk,
        tmp_path,
        REGISTER.replace("from = 2026-11-01", 'from = 2026-11-01\nmonthly_fee = "2750.50"'),
        "2026-12-10 09:00",
    )
    desk.close("2027-01-01 06:00", books)
    assert rows(desk, "2026-12") == [
        ("-1.00", "249.50", "2026-11"),
        ("1.00", "2750.50", "2026-12"),
    ]


def test_a_new_price_list_for_no_agreement_settles_by_worked_date_F3_H3(store, tmp_path, books):
    desk = a_desk(store, tmp_path)
    book(desk, "a\n[tid: 2h]\n", "2026-11-20 09:00", sender="eve@delta.se")
    desk.close("2026-12-01 06:00", books)
    assert rows(desk, "2026-11", "delta") == [("2.00", "980.00", "2026-11")]
    raised = SETTINGS + '\n[[plans.none.prices]]\nfrom = 2026-11-15\nhourly_rate = "1010.55"\n'
    later = a_desk(store, tmp_path, settings=raised)
    later.close("2027-01-01 06:00", books)
    assert rows(later, "2026-12", "delta") == [
        ("-2.00", "980.00", "2026-11"),
        ("2.00", "1010.55", "2026-11"),
    ]
    assert str(frozen(later, "2026-12", "delta").net) == "61.10"


def test_a_customer_that_comes_late_is_billed_from_the_start_in_the_next_open_month_H3(
    desk, books, tmp_path
):
    desk.close("2026-12-01 06:00", books)
    bring_in(
        desk,
        tmp_path,
        '[[customers]]\nkey = "late"\nname = "Late AB"\naccounting_number = "9"\n'
        "[[customers.agreements]]\nplan = 'access'\nfrom = 2026-11-16\n",
        "2026-12-10 09:00",
    )
    desk.close("2027-01-01 06:00", books)
    assert frozen(desk, "2026-11", "late") is None
    assert rows(desk, "2026-12", "late") == [
        ("1.00", "250.00", "2026-11"),
        ("1.00", "500.00", "2026-12"),
    ]


def test_a_customer_that_ended_gets_its_last_statement_and_no_more_fees(desk, books, tmp_path):
    book(desk, "a\n[tid: 10h]\n", "2026-11-20 09:00")
    ended = REGISTER.replace('name = "Beta AB"', 'name = "Beta AB"\nactive = false')
    bring_in(desk, tmp_path, ended, "2026-11-21 09:00")
    desk.close("2027-02-01 06:00", books)
    # 21 of 30 days; the bank of Q4 has 21 of 92: 82 minutes, and 518 are over it.
    assert rows(desk, "2026-11") == [
        ("1.00", "2100.00", "2026-11"),
        ("8.63", "890.00", "2026-Q4"),
    ]
    assert [str(frozen(desk, month).net) for month in ("2026-12", "2027-01")] == ["0.00", "0.00"]


def test_months_held_for_one_customer_are_released_in_order_H1_H6(desk, books):
    notice = book(desk, "a\n[tid: 13h]\n", "2026-11-20 09:00")
    receipt = desk.mailer.to("anna@example.se")[-1]
    desk.close("2027-02-01 06:00", books)
    assert [frozen(desk, month) for month in ("2026-11", "2026-12", "2027-01")] == [None] * 3
    assert frozen(desk, "2027-01", "acme") is not None
    answer(desk, "OK\n", "2027-02-02 09:00", receipt, subject="SV: kvitto")
    desk.close("2027-02-02 09:05", books)
    assert rows(desk, "2026-11") == [
        ("1.00", "3000.00", "2026-11"),
        ("9.02", "890.00", "2026-Q4"),
    ]
    assert [str(frozen(desk, m).net) for m in ("2026-12", "2027-01")] == ["3000.00", "3000.00"]
    assert notice


def test_time_held_after_the_months_end_stops_only_the_month_it_belongs_to_H1_H6(desk, books):
    desk.close("2026-11-30 23:00", books)
    book(desk, "a\n[tid: 13h 2026-11-20]\n", "2026-12-01 05:00")
    desk.close("2026-12-01 06:00", books)
    assert frozen(desk) is not None
    desk.close("2027-01-01 06:00", books)
    assert frozen(desk, "2026-12") is None


def test_work_before_the_first_month_is_told_once_and_billed_to_nobody_H1(desk, books):
    book(desk, "a\n[tid: 2h 2026-10-20]\n", "2026-11-02 09:00", sender="eve@delta.se")
    desk.close("2027-01-01 06:00", books)
    november, december = (text_of(raw) for raw in desk.mailer.to("ekonomi@example.se"))
    assert "2 h utöver timbanken är arbetade före den första månad" in " ".join(november.split())
    assert "arbetade före" not in " ".join(december.split())


def test_credits_that_do_not_fit_stay_due_and_finance_is_told_H5(desk, books, tmp_path):
    desk.close("2026-12-01 06:00", books)
    ended = REGISTER.replace("from = 2026-11-01", "from = 2026-11-01\nuntil = 2026-11-10")
    bring_in(desk, tmp_path, ended, "2026-12-10 09:00")
    desk.close("2027-01-01 06:00", books)
    assert rows(desk, "2026-12") == []
    assert str(frozen(desk, "2026-12").left_out) == "-2000.00"
    told = " ".join(text_of(desk.mailer.to("ekonomi@example.se")[-1]).split())
    assert "Beta AB" in told
    assert "utelämnad" in told
