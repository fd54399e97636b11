"""Undoing a message's time: once, whole, and to the minute (C14, G1, G4, G5, D7)."""

import pytest

from daemon.store.money import ledger, register
from tests.builders import REGISTER, a_desk, a_mail, an_engineers_mail

MORNING = "2026-11-20 09:00"


@pytest.fixture
def notice(desk):
    desk.get(a_mail(), MORNING)
    return desk.mailer.to("anna@example.se")[0]


def engineer(desk, text, at, reply_to, subject="SV: ärende"):
    desk.get(an_engineers_mail(text, reply_to=reply_to, subject=subject), at)
    return desk.mailer.to("anna@example.se")[-1]


def left(desk, key="acme"):
    with desk.desk.store.reading() as tx:
        found = ledger.of_customer(tx, register.customer_by_key(tx, key).id)
    return sorted((entry.actual, entry.billable) for entry in found if entry.actual)


def test_undoing_a_message_that_corrects_itself_takes_all_of_it_back_C14(desk, notice):
    receipt = engineer(desk, "a\n[tid: 1h]\n[tid: -10m]\n", "2026-11-20 10:00", notice)
    assert left(desk) == [(50, 50)]
    engineer(desk, "[ångra]\n", "2026-11-20 10:05", receipt)
    assert left(desk) == []


def test_two_corrections_of_one_entry_are_undone_together_C14(desk, notice):
    engineer(desk, "a\n[tid: 1h]\n", "2026-11-20 10:00", notice)
    receipt = engineer(desk, "b\n[tid: -10m]\n[tid: -5m]\n", "2026-11-20 10:05", notice)
    assert left(desk) == [(45, 45)]
    engineer(desk, "[ångra]\n", "2026-11-20 10:10", receipt)
    assert left(desk) == [(60, 60)]


def test_a_correction_is_undone_only_once_C14(desk, notice):
    engineer(desk, "a\n[tid: 1h]\n", "2026-11-20 10:00", notice)
    receipt = engineer(desk, "b\n[tid: -10m]\n", "2026-11-20 10:05", notice)
    for at in ("10:10", "10:11"):  # two mails: the same one again would have no effect (B3)
        engineer(desk, f"[ångra]\n{at}\n", f"2026-11-20 {at}", receipt)
    assert left(desk) == [(60, 60)]


def test_what_is_left_billable_is_rounded_up_after_an_undo_too_G5(store, tmp_path):
    register_ = REGISTER.replace('plan = "alert"', 'plan = "alert"\nincrement = "30m"')
    desk = a_desk(store, tmp_path, register=register_)
    desk.get(a_mail(), MORNING)
    notice = desk.mailer.to("anna@example.se")[0]
    engineer(desk, "a\n[tid: 1h]\n", "2026-11-20 10:00", notice)
    first = engineer(desk, "b\n[tid: -10m]\n", "2026-11-20 10:05", notice)
    engineer(desk, "c\n[tid: -25m]\n", "2026-11-20 10:06", notice)
    assert left(desk) == [(25, 30)]
    engineer(desk, "[ångra]\n", "2026-11-20 10:10", first)
    assert left(desk) == [(35, 60)]


def test_undoing_a_correction_of_undone_time_brings_nothing_back_C14(desk, notice):
    booked = engineer(desk, "a\n[tid: 1h]\n", "2026-11-20 10:00", notice)
    corrected = engineer(desk, "b\n[tid: -10m]\n", "2026-11-20 10:05", notice)
    engineer(desk, "[ångra]\n", "2026-11-20 10:10", booked)
    engineer(desk, "[ångra]\n", "2026-11-20 10:11", corrected)
    assert left(desk) == []


def test_undoing_a_move_to_another_customer_books_nothing_twice_D7(desk, notice):
    engineer(desk, "a\n[tid: 1h]\n", "2026-11-20 10:00", notice)
    moved = engineer(desk, "[kund: beta]\n", "2026-11-20 10:05", notice)
    engineer(desk, "[ångra]\n", "2026-11-20 10:10", moved)
    assert (left(desk), left(desk, "beta")) == ([], [(60, 60)])


def test_a_correction_made_before_a_move_is_undone_where_the_time_is_now_D7(desk, notice):
    engineer(desk, "a\n[tid: 1h]\n", "2026-11-20 10:00", notice)
    corrected = engineer(desk, "b\n[tid: -10m]\n", "2026-11-20 10:05", notice)
    engineer(desk, "[kund: beta]\n", "2026-11-20 10:10", notice)
    assert (left(desk), left(desk, "beta")) == ([], [(50, 50)])
    engineer(desk, "[ångra]\n", "2026-11-20 10:15", corrected)
    assert (left(desk), left(desk, "beta")) == ([], [(60, 60)])


def test_what_a_correction_emptied_is_undone_all_the_same_C14(desk, notice):
    """Undoing the booking, then the correction, brings nothing back: the time was never worked."""
    first = engineer(desk, "a\n[tid: 10m]\n", "2026-11-20 10:00", notice)
    second = engineer(desk, "b\n[tid: -10m]\n", "2026-11-20 10:05", notice)
    engineer(desk, "[ångra]\n", "2026-11-20 10:10", first)
    engineer(desk, "[ångra]\n", "2026-11-20 10:11", second)
    assert left(desk) == []


def test_what_comes_back_after_the_ticket_has_moved_is_the_new_customers_D7(desk, notice):
    """Nothing was left to move when it moved; what the undo gives back is not acme's any more."""
    engineer(desk, "a\n[tid: 1h]\n", "2026-11-20 10:00", notice)
    second = engineer(desk, "b\n[tid: -60m]\n", "2026-11-20 10:05", notice)
    engineer(desk, "[kund: delta]\n", "2026-11-20 10:10", notice)
    for at in ("10:11", "10:12"):  # and once only
        engineer(desk, f"[ångra]\n{at}\n", f"2026-11-20 {at}", second)
        assert (left(desk), left(desk, "delta")) == ([], [(60, 60)])
