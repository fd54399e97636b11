"""What a customer's mail does: tickets, levels, confirmations, replies."""

import pytest

from daemon.store.mail import inbox
from daemon.store.tickets import tickets
from tests.builders import a_mail, an_engineers_mail, header_of, text_of

MORNING = "2026-11-20 09:00"


def ticket(desk, number=1001):
    with desk.desk.store.reading() as tx:
        return tickets.by_number(tx, number)


def response(desk, number=1001):
    with desk.desk.store.reading() as tx:
        rows = tickets.clock_rows(tx, [tickets.by_number(tx, number).id])
    return next(row for row in rows if row.kind == "response")


def test_the_same_mail_three_times_is_one_ticket_and_one_confirmation_B3(desk):
    for _ in range(3):
        desk.get(a_mail(), MORNING)
    assert len(desk.mailer.to("bo@acme.se")) == 1
    assert ticket(desk, 1002) is None


@pytest.mark.parametrize(
    ("received", "promise"),
    [
        ("2026-11-20 16:30", "måndag 23 november kl. 08:30"),
        ("2026-11-20 03:00", "fredag 20 november kl. 09:00"),
        ("2026-11-20 16:00", "fredag 20 november kl. 17:00"),
        ("2026-12-23 16:45", "måndag 28 december kl. 08:45"),
    ],
)
def test_the_confirmation_names_the_clock_time_by_which_work_starts_J1(desk, received, promise):
    desk.get(a_mail(subject="Prio 2: still"), received)
    assert f"senast {promise}" in text_of(desk.mailer.to("bo@acme.se")[0])


def test_the_confirmation_states_the_level_its_meaning_and_the_bank_C8(desk):
    desk.get(a_mail(subject="[P1] allt står"), MORNING)
    says = " ".join(text_of(desk.mailer.to("bo@acme.se")[0]).split())
    assert "Kritisk" in says
    assert "hela systemet/tjänsten är otillgänglig" in says
    assert "15 h" in says


def test_a_customer_is_answered_in_its_own_language_J1(desk):
    desk.get(a_mail("Eve Low <eve@delta.se>", "Report is empty", "Hello, it is empty."), MORNING)
    confirmation = desk.mailer.to("eve@delta.se")[0]
    assert "Thank" in text_of(confirmation)
    assert "2026" not in header_of(confirmation, "Subject")


def test_without_agreement_no_time_is_promised_F3(desk):
    desk.get(a_mail("eve@delta.se"), MORNING)
    assert "980" in text_of(desk.mailer.to("eve@delta.se")[0])
    assert ticket(desk).priority == 3
    with desk.desk.store.reading() as tx:
        assert tickets.clock_rows(tx, [ticket(desk).id]) == []


def test_an_unknown_sender_gets_no_promise_and_waits_to_be_placed_D2(desk):
    desk.get(a_mail("Siv <siv@gmail.com>", "Hjälp"), MORNING)
    assert ticket(desk).status == "unplaced"
    assert "senast" not in text_of(desk.mailer.to("siv@gmail.com")[0])
    (notice,) = desk.mailer.to("anna@example.se")
    desk.get(an_engineers_mail("[kund: acme]\n", reply_to=notice), "2026-11-20 10:00")
    assert ticket(desk).status == "open"
    assert response(desk).target_minutes == 60


def test_a_public_mail_domain_never_identifies_a_customer_D2(desk):
    desk.get(a_mail("eva@gmail.com"), MORNING)
    assert ticket(desk).customer_id is None


def test_a_reply_joins_by_our_keyed_id_and_reaches_the_engineers_D3(desk):
    desk.get(a_mail(), MORNING)
    (confirmation,) = desk.mailer.to("bo@acme.se")
    desk.get(a_mail(subject="SV: x", text="Mer info", reply_to=confirmation), "2026-11-20 09:30")
    assert ticket(desk, 1002) is None
    assert "Mer info" in text_of(desk.mailer.to("anna@example.se")[-1])


def test_a_stranger_with_the_number_in_the_subject_does_not_join_D3(desk):
    desk.get(a_mail(), MORNING)
    desk.get(a_mail("siv@gmail.com", "SV: [#1001] Skrivaren", "Vad säger ni?"), "2026-11-20 09:30")
    assert ticket(desk, 1002).requester == "siv@gmail.com"


def test_a_colleague_with_the_number_in_the_subject_joins_D3(desk):
    desk.get(a_mail(), MORNING)
    desk.get(a_mail("eva@acme.se", "SV: [#1001] Skrivaren", "Här också"), "2026-11-20 09:30")
    assert ticket(desk, 1002) is None
    assert ticket(desk).requester == "bo@acme.se"


def test_a_label_in_a_reply_changes_the_level_and_the_deadline_E4(desk):
    desk.get(a_mail("cia@beta.se", "Rapport"), "2026-11-20 09:00")
    before = response(desk).due_at
    (confirmation,) = desk.mailer.to("cia@beta.se")
    desk.get(
        a_mail("cia@beta.se", "SV: Rapport", "Prio 1\n\nNu är det akut.", reply_to=confirmation),
        "2026-11-20 10:00",
    )
    assert ticket(desk).priority == 1
    assert response(desk).due_at == before  # Attend! promises 8 h at every level
    assert "Kritisk" in text_of(desk.mailer.to("cia@beta.se")[-1])


def test_the_quoted_subject_does_not_change_the_level_back_C5(desk):
    desk.get(a_mail(subject="Prio 2: Skrivaren"), MORNING)
    (confirmation,) = desk.mailer.to("bo@acme.se")
    desk.get(
        a_mail(subject="SV: Prio 2: Skrivaren", text="Prio 3\n\nOk.", reply_to=confirmation),
        "2026-11-20 10:00",
    )
    assert ticket(desk).priority == 3


def test_an_auto_reply_in_a_ticket_is_kept_and_not_answered_C1(desk):
    desk.get(a_mail(), MORNING)
    (confirmation,) = desk.mailer.to("bo@acme.se")
    away = a_mail(
        subject="Autosvar: SV",
        text="Jag är på semester.",
        reply_to=confirmation,
        headers=[("Auto-Submitted", "auto-replied")],
    )
    desk.get(away, "2026-11-20 09:01")
    assert len(desk.mailer.to("bo@acme.se")) == 1
    assert response(desk).result == "running"


def test_our_own_mail_that_comes_back_does_nothing_J2(desk):
    desk.get(a_mail(), MORNING)
    (confirmation,) = desk.mailer.to("bo@acme.se")
    desk.get(confirmation, "2026-11-20 09:01")
    with desk.desk.store.reading() as tx:
        assert inbox.listing(tx)[0].outcome == "loop"


def test_at_most_ten_automatic_answers_in_three_hours_with_one_alarm_J2(desk):
    for minute in range(12):
        desk.get(
            a_mail(subject=f"Fel {minute}", text=f"Fel {minute}"), f"2026-11-20 09:{minute:02}"
        )
    assert len(desk.mailer.to("bo@acme.se")) == 10
    assert len(desk.mailer.to("drift@example.se")) == 1
    assert ticket(desk, 1012) is not None
    desk.get(a_mail(subject="Senare", text="Senare"), "2026-11-20 12:30")
    assert len(desk.mailer.to("bo@acme.se")) == 11


def test_automatic_mail_says_so_J2(desk):
    desk.get(a_mail(), MORNING)
    (confirmation,) = desk.mailer.to("bo@acme.se")
    assert header_of(confirmation, "Auto-Submitted").startswith("auto-")
    assert header_of(confirmation, "X-Auto-Response-Suppress") == "All"


def test_mail_before_go_live_is_kept_neither_answered_nor_clocked_B5(store, tmp_path):
    from tests.builders import SETTINGS, a_desk

    early = a_desk(
        store,
        tmp_path,
        settings=SETTINGS.replace("operators", "go_live = 2026-11-25T00:00:00+01:00\noperators"),
    )
    early.get(a_mail(), MORNING)
    assert early.mailer.sent == []
    with store.reading() as tx:
        assert inbox.listing(tx)[0].state == "archived"


def test_a_reply_soon_after_closing_reopens_a_thank_you_does_not_D5(desk):
    desk.get(a_mail(), MORNING)
    (notice,) = desk.mailer.to("anna@example.se")
    desk.get(an_engineers_mail("Nu går den.\n\n[klar]\n", reply_to=notice), "2026-11-20 10:00")
    answer = desk.mailer.to("bo@acme.se")[-1]
    assert ticket(desk).status == "closed"
    desk.get(
        a_mail(subject="SV: ok", text="Tack för hjälpen!", reply_to=answer), "2026-11-20 11:00"
    )
    assert ticket(desk).status == "closed"
    desk.get(
        a_mail(subject="SV: nej", text="Den stannade igen?", reply_to=answer), "2026-11-21 11:00"
    )
    assert ticket(desk).status == "open"


def test_a_reply_long_after_closing_opens_a_linked_ticket_D5(desk):
    desk.get(a_mail(), MORNING)
    (notice,) = desk.mailer.to("anna@example.se")
    desk.get(an_engineers_mail("Klart.\n\n[klar]\n", reply_to=notice), "2026-11-20 10:00")
    answer = desk.mailer.to("bo@acme.se")[-1]
    desk.get(a_mail(subject="SV: igen", text="Nu igen.", reply_to=answer), "2026-12-10 11:00")
    assert ticket(desk).status == "closed"
    assert ticket(desk, 1002).status == "open"
    assert "Svar på ärende #1001" in text_of(desk.mailer.to("erik@example.se")[-1])


def test_what_the_border_marked_as_spam_waits_in_silence_D2(store, tmp_path):
    from tests.builders import SETTINGS, a_desk

    guarded = a_desk(
        store,
        tmp_path,
        settings=SETTINGS.replace("[identity]", '[identity]\nspam_header = "X-Spam-Flag: YES"'),
    )
    guarded.get(a_mail("x@spam.example", headers=[("X-Spam-Flag", "YES")]), MORNING)
    assert guarded.mailer.sent == []
    with store.reading() as tx:
        assert tickets.by_number(tx, 1001).status == "unplaced"
