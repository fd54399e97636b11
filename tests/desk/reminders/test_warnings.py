"""Warnings: each once, in opening hours, the gravest, one mail instead of a storm (E7, E8)."""

from dataclasses import replace

import pytest

from daemon.desk.reminders import warnings
from daemon.desk.shown import tickets as tickets_shown
from daemon.domain.opening_hours import Calendar
from daemon.store.memo import register_changed
from daemon.store.schema import tables
from daemon.store.tickets import tickets
from tests.builders import a_mail, an_engineers_mail, header_of, instant, text_of


@pytest.fixture
def notice(desk):
    """An Attend! customer's ticket of Friday 09:00: 8 h, so 13:00, 15:24 and 17:00."""
    desk.get(a_mail("cia@beta.se", "Rapport"), "2026-11-20 09:00")
    return desk.mailer.to("anna@example.se")[0]


def warn(desk, at):
    """Run what is due at an instant; gives the subjects of the warnings that Erik got by it."""
    before = len(desk.mailer.to("erik@example.se"))
    while warnings.warn_engineers(desk.desk, instant(at)):
        pass
    desk.work(at)
    return [text_of(raw) for raw in desk.mailer.to("erik@example.se")[before:]]


def test_a_clock_warns_at_half_at_eighty_and_at_the_breach_each_once_E7(desk, notice):
    assert warn(desk, "2026-11-20 12:59") == []
    assert "50 %" in warn(desk, "2026-11-20 13:00")[0]
    assert warn(desk, "2026-11-20 13:00") == []
    assert "80 %" in warn(desk, "2026-11-20 15:24")[0]
    assert "Tiden är ute" in warn(desk, "2026-11-23 08:00")[0]
    assert warn(desk, "2026-11-24 08:00") == []


def test_of_several_due_together_only_the_gravest_is_told_E7(desk, notice):
    told = warn(desk, "2026-11-25 10:00")
    assert len(told) == 1
    assert "Tiden är ute" in told[0]


def test_a_percentage_waits_for_the_next_opening_E7(desk):
    desk.get(a_mail(subject="[P1] still"), "2026-11-20 16:30")  # half of an hour: 17:00 exactly
    assert warn(desk, "2026-11-20 17:00") == []
    assert warn(desk, "2026-11-22 12:00") == []
    assert "50 %" in warn(desk, "2026-11-23 08:00")[0]


def test_an_answer_in_time_ends_the_warnings_E7(desk, notice):
    warn(desk, "2026-11-20 13:00")
    desk.get(an_engineers_mail("Klart.\n", reply_to=notice), "2026-11-20 14:00")
    assert warn(desk, "2026-11-23 10:00") == []


def test_a_clock_of_the_machine_that_went_back_repeats_none_E7(desk, notice):
    assert len(warn(desk, "2026-11-20 13:10")) == 1
    assert warn(desk, "2026-11-20 11:00") == []
    assert warn(desk, "2026-11-20 13:20") == []


def test_many_due_together_are_one_mail_after_a_holiday_E7(desk):
    for number in range(6):
        sender = f"p{number}@beta.se"
        desk.get(a_mail(sender, f"Fel {number}", f"Hej {number}"), "2026-12-23 13:00")
    told = warn(desk, "2026-12-28 08:01")
    assert len(told) == 1
    assert all(f"Fel {number}" in told[0] for number in range(6))
    assert warn(desk, "2026-12-28 08:02") == []


def test_the_assignee_is_warned_alone_E7(desk):
    desk.get(a_mail("cia@beta.se", "Rapport"), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("[tilldela: Anna] [intern]\n", reply_to=notice), "2026-11-20 09:10")
    assert warn(desk, "2026-11-20 13:00") == []
    assert "50 %" in text_of(desk.mailer.to("anna@example.se")[-1])


def test_a_follow_up_clock_warns_too_E5(desk, notice):
    desk.get(an_engineers_mail("Vad säger den?\n", reply_to=notice), "2026-11-20 09:30")
    answer = desk.mailer.to("cia@beta.se")[-1]
    desk.get(a_mail("cia@beta.se", "SV: Rapport", "Tomt.", reply_to=answer), "2026-11-20 10:00")
    warn(desk, "2026-11-20 14:00")
    assert "svar" in text_of(desk.mailer.to("anna@example.se")[-1])


def test_running_clocks_follow_a_changed_calendar_and_frozen_ones_do_not_E8(desk, notice):
    desk.get(a_mail(subject="Två"), "2026-11-20 09:00")
    second = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail("Klart.\n", reply_to=second), "2026-11-20 09:30")
    warn(desk, "2026-11-20 10:00")
    early = replace(
        desk.desk.settings.calendar, close=desk.desk.settings.calendar.close.replace(hour=12)
    )
    desk.desk = replace(desk.desk, calendar=Calendar(early))
    warn(desk, "2026-11-20 10:01")
    with desk.desk.store.reading() as tx:
        running, frozen = (
            next(row for row in tickets.clock_rows(tx, [tickets.by_number(tx, n).id]))
            for n in (1001, 1002)
        )
    assert running.due_at == instant("2026-11-24 09:00")
    assert (frozen.due_at, frozen.used_minutes) == (instant("2026-11-20 10:00"), 30)


def explained(desk, number, at):
    return tickets_shown.explained(desk.desk, number, instant(at))


def test_an_ended_clock_is_explained_as_it_was_frozen_E8(desk, notice):
    """A later calendar, or an agreement without the promise, says nothing of what is over."""
    desk.get(an_engineers_mail("Klart.\n", reply_to=notice), "2026-11-20 10:30")
    (before,) = explained(desk, 1001, "2026-11-20 11:00")
    assert [each.minutes for each in before.segments] == [90]
    early = replace(
        desk.desk.settings.calendar, close=desk.desk.settings.calendar.close.replace(hour=10)
    )
    desk.desk = replace(desk.desk, calendar=Calendar(early))
    warn(desk, "2026-11-20 11:00")
    (after,) = explained(desk, 1001, "2026-11-20 11:00")
    assert replace(after, segments=[]) == replace(before, segments=[])
    (only,) = after.segments
    assert (only.minutes, only.rule, only.why) == (90, "E8", "frozen")


def test_a_result_stays_where_the_agreement_is_taken_back_E8(desk, notice):
    desk.get(an_engineers_mail("Klart.\n", reply_to=notice), "2026-11-20 10:30")
    before = explained(desk, 1001, "2026-11-20 11:00")
    with desk.desk.store.writing() as tx:
        register_changed(tx)
        tx.execute(tables.agreement_versions.update().values(withdrawn=True))
    answer = desk.mailer.to("cia@beta.se")[-1]
    desk.get(a_mail("cia@beta.se", "SV: Rapport", "Nja.", reply_to=answer), "2026-11-20 11:00")
    (response,) = explained(desk, 1001, "2026-11-20 11:00")
    assert replace(response, segments=[]) == replace(before[0], segments=[])


def test_the_explanation_can_be_mailed_to_the_customer_E9(desk, notice):
    desk.get(an_engineers_mail("Klart.\n", reply_to=notice), "2026-11-20 16:00")
    tickets_shown.send_explanation(desk.desk, 1001, instant("2026-11-21 09:00"))
    desk.work("2026-11-21 09:00")
    mail = desk.mailer.to("cia@beta.se")[-1]
    says = " ".join(text_of(mail).split())
    assert "7 h" in says
    assert "inom tiden" in says
    assert header_of(mail, "Subject").startswith("[#1001]")
