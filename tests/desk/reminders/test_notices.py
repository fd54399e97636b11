"""What is told without being asked: terms that end (F2), banks that run out (G6)."""

import datetime as dt

import pytest

from daemon.desk.register import file as register_file
from daemon.desk.register import importing as registering
from daemon.desk.reminders import bank_notices, ending_terms
from tests.builders import REGISTER, SETTINGS, a_desk, instant, text_of
from tests.desk.month.billing_stories import answer, book

MANAGED = REGISTER.replace(
    'domains = ["acme.se"]', 'domains = ["acme.se"]\nmanager = "erik@example.se"'
)


@pytest.fixture
def desk(store, tmp_path):
    return a_desk(store, tmp_path, register=MANAGED)


def remind(desk, day):
    """A day's look; what finance and the account manager have got so far."""
    now = instant(f"{day} 06:00")
    ending_terms.tell_of_ending_terms(desk.desk, now)
    desk.work(now)
    return [
        [text_of(raw) for raw in desk.mailer.to(to)]
        for to in ("ekonomi@example.se", "erik@example.se")
    ]


def every_day(desk, first, last):
    day, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    while day <= end:
        found = remind(desk, day.isoformat())
        day += dt.timedelta(days=1)
    return found


def test_finance_and_the_manager_are_told_60_and_30_days_before_once_each_F2(desk):
    finance, manager = every_day(desk, "2026-10-25", "2027-01-05")
    acme = [text for text in finance if "Acme" in text]
    assert len(acme) == 2
    assert manager == acme
    assert all("31 december" in text for text in acme)


def test_the_days_on_which_they_are_told_F2(desk):
    found = {
        day: len(remind(desk, day)[0])
        for day in (
            "2026-11-01",
            "2026-11-02",
            "2026-12-01",
            "2026-12-02",
        )
    }
    assert found == {"2026-11-01": 0, "2026-11-02": 1, "2026-12-01": 1, "2026-12-02": 2}


def test_a_desk_that_stood_still_tells_what_fell_due_meanwhile_F2(desk):
    remind(desk, "2026-10-30")
    assert len(remind(desk, "2026-11-05")[0]) == 1


@pytest.mark.parametrize(
    ("day", "says"),
    [("2026-11-20", "om 42 dagar"), ("2026-12-20", "om 12 dagar"), ("2027-01-02", None)],
)
def test_a_desk_that_stood_still_for_long_tells_the_days_that_are_left_F2(desk, day, says):
    """Due on the 2nd of November and of December; told once, and not after the term's end."""
    remind(desk, "2026-10-30")
    finance = remind(desk, day)[0]
    told = [subject(raw) for raw in desk.mailer.to("ekonomi@example.se")]
    assert len(finance) == (1 if says else 0)
    assert not says or says in told[0]


def test_an_agreement_that_ends_says_so_F2(store, tmp_path):
    desk = a_desk(
        store,
        tmp_path,
        register=MANAGED.replace("from = 2026-01-01", "from = 2026-01-01\nuntil = 2026-12-31"),
    )
    remind(desk, "2026-11-01")
    (text,) = remind(desk, "2026-11-02")[0]
    assert "avtalslös" in text


def notice(desk, at):
    now = instant(at)
    while bank_notices.tell_of_low_banks(desk.desk, now):
        pass
    desk.work(now)
    return [text_of(raw) for raw in desk.mailer.to("bo@acme.se") if "imbank" in subject(raw)]


def subject(raw):
    import email
    from email import policy

    return str(email.message_from_bytes(raw, policy=policy.default)["Subject"])


def test_contacts_and_manager_are_told_at_80_and_100_per_cent_once_G6(desk):
    first = book(desk, "a\n[tid: 10h]\n", "2026-10-20 09:00", sender="bo@acme.se")
    assert notice(desk, "2026-10-20 10:00") == []
    answer(desk, "b\n[tid: 2h]\n", "2026-11-10 09:00", first)  # 12 of 15 hours: 80 per cent
    (at_80,) = notice(desk, "2026-11-10 10:00")
    assert "3 h" in at_80
    answer(desk, "c\n[tid: 1h]\n", "2026-11-11 09:00", first)
    assert notice(desk, "2026-11-11 10:00") == [at_80]
    answer(desk, "d\n[tid: 4h]\n", "2026-11-12 09:00", first)
    assert len(notice(desk, "2026-11-12 10:00")) == 2
    told = [raw for raw in desk.mailer.to("erik@example.se") if "imbank" in subject(raw)]
    assert len(told) == 2
    answer(desk, "e\n[tid: -10h]\n", "2026-11-13 09:00", first)
    answer(desk, "f\n[tid: 10h]\n", "2026-11-14 09:00", first)
    assert len(notice(desk, "2026-11-14 10:00")) == 2  # once per period and threshold


def test_the_notice_says_when_the_bank_runs_out_G6(desk):
    book(desk, "a\n[tid: 12h]\n", "2026-10-31 09:00", sender="bo@acme.se")
    (told,) = notice(desk, "2026-10-31 10:00")  # 12 h in 31 days: 3 h are 8 days
    assert "8 november" in " ".join(told.split())


def test_of_two_thresholds_passed_together_only_the_higher_is_told_G6(desk):
    book(desk, "a\n[tid: 11h]\n[tid: 10h]\n", "2026-10-20 09:00", sender="bo@acme.se")
    (told,) = notice(desk, "2026-10-20 10:00")
    assert "slut" in told


def test_a_new_period_is_told_anew_G6(desk):
    book(desk, "a\n[tid: 11h]\n[tid: 4h]\n", "2026-11-20 09:00", sender="bo@acme.se")
    notice(desk, "2026-11-20 10:00")
    book(desk, "a\n[tid: 11h]\n[tid: 4h]\n", "2027-01-20 09:00", sender="bo@acme.se")
    assert len(notice(desk, "2027-01-20 10:00")) == 2


def test_the_thresholds_are_a_setting_G6(store, tmp_path):
    desk = a_desk(store, tmp_path, settings=SETTINGS + "\n[bank]\nwarn_at = [10]\n")
    book(desk, "a\n[tid: 2h]\n", "2026-11-20 09:00", sender="bo@acme.se")
    assert len(notice(desk, "2026-11-20 10:00")) == 1


def test_an_agreement_renewed_by_a_new_version_is_told_for_its_own_term_F2(desk, tmp_path):
    """A version of the same agreement does not begin a new term: the reminder stays."""
    file = tmp_path / "later.toml"
    file.write_text(
        MANAGED.replace(
            'plan = "alert"\nfrom = 2026-01-01',
            'plan = "alert"\nfrom = 2026-01-01\n[[customers.agreements]]\n'
            'plan = "alert"\nfrom = 2026-07-01\nmonthly_fee = "8100.00"',
        )
    )
    with desk.desk.store.writing() as tx:
        read = register_file.read(file)
        asked = registering.plan(tx, str(file), read, desk.desk.settings)
        registering.apply(tx, asked, instant("2026-06-01 09:00"))
    finance, _ = every_day(desk, "2026-10-30", "2026-12-31")
    assert len([text for text in finance if "Acme" in text]) == 2
