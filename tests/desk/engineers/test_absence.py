"""Engineers who are away: their own out-of-office hands new mail to all others (D8)."""

import pytest

from daemon.desk.reminders import morning_digest
from daemon.store.money import register
from tests.builders import REGISTER, a_desk, a_mail, an_engineers_mail, instant, text_of

AWAY = [("Auto-Submitted", "auto-replied")]


@pytest.fixture
def hers(desk):
    """Anna's ticket, with Bo's last mail to her."""
    desk.get(a_mail(), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("Nu går den.", reply_to=notice), "2026-11-20 10:00")
    return ask(desk, "Nej.", "2026-11-20 11:00")


def ask(desk, text, at):
    """Bo writes; gives what Anna got last."""
    answer = desk.mailer.to("bo@acme.se")[-1]
    desk.get(a_mail(subject=f"SV: {text}", text=text, reply_to=answer), at)
    return desk.mailer.to("anna@example.se")[-1]


def away(desk, answered, at="2026-11-20 11:01", headers=AWAY):
    desk.get(
        a_mail("anna@example.se", "Autosvar", "Ledig.", reply_to=answered, headers=headers), at
    )


def readers(desk, text, at):
    """Which engineers hear of what Bo writes."""
    before = len(desk.mailer.sent)
    ask(desk, text, at)
    return {to.partition("@")[0] for to, _ in desk.mailer.sent[before:]}


def test_the_mail_that_reached_nobody_and_what_comes_next_go_to_the_others(desk, hers):
    away(desk, hers)
    handed = text_of(desk.mailer.to("erik@example.se")[-1])
    assert "Anna Svensson är frånvarande" in handed
    assert "Nej." in handed
    assert readers(desk, "Hallå?", "2026-11-20 12:00") == {"erik"}


def test_one_answer_lasts_for_days_as_programs_answer_once(desk, hers):
    away(desk, hers)
    assert readers(desk, "Hallå?", "2026-11-26 12:00") == {"erik"}


def test_her_own_next_mail_ends_it(desk, hers):
    away(desk, hers)
    desk.get(an_engineers_mail("Åter. [intern]", reply_to=hers), "2026-11-23 09:00")
    assert readers(desk, "Hallå?", "2026-11-23 10:00") == {"anna"}


def test_somebody_in_her_name_does_not_end_it_D1(desk, hers):
    away(desk, hers)
    desk.get(a_mail("anna@example.se", "SV", "Åter.", reply_to=hers), "2026-11-23 09:00")
    assert readers(desk, "Hallå?", "2026-11-23 10:00") == {"erik"}


def test_an_answer_to_the_digest_tells_it_as_well(desk, hers):
    assert morning_digest.send_digest(desk.desk, instant("2026-11-23 08:00"))
    desk.work("2026-11-23 08:00")
    away(desk, desk.mailer.to("anna@example.se")[-1], "2026-11-23 08:01")
    assert readers(desk, "Hallå?", "2026-11-23 10:00") == {"erik"}


def test_a_note_that_she_has_read_it_is_no_absence(desk, hers):
    kind = "multipart/report; report-type=disposition-notification; boundary=b"
    read = (
        b"From: anna@example.se\r\nTo: support@example.se\r\nSubject: Read\r\n"
        b"Date: Fri, 20 Nov 2026 11:01:00 +0100\r\nMIME-Version: 1.0\r\nIn-Reply-To: "
        + hers.partition(b"Message-ID: ")[2].partition(b"\r\n")[0]
        + f"\r\nContent-Type: {kind}\r\n\r\n--b\r\n\r\nRead.\r\n--b\r\n".encode()
        + b"Content-Type: message/disposition-notification\r\n\r\n"
        b"Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--b--\r\n"
    )
    desk.get(read, "2026-11-20 11:01")
    assert readers(desk, "Hallå?", "2026-11-20 12:00") == {"anna"}


def test_what_the_register_says_stays_as_it_is(store, tmp_path):
    dated = REGISTER.replace(
        'email = "anna@example.se"', 'email = "anna@example.se"\nabsent_until = 2026-12-01', 1
    )
    desk = a_desk(store, tmp_path, register=dated)
    desk.get(a_mail(), "2026-11-20 09:00")
    assert desk.mailer.to("anna@example.se") == []
    mail = an_engineers_mail("Jag tar den. [intern]", subject="[#1001] x")
    desk.get(mail, "2026-11-20 10:00")
    with store.reading() as tx:
        anna = register.person_by_address(tx, "anna@example.se")
    assert anna.absent_until.isoformat() == "2026-12-01"


def test_where_all_are_away_no_automatic_answer_is_answered_J2(store, tmp_path):
    alone = "\n".join(
        part for part in REGISTER.split("[[engineers]]\n") if "erik@example.se" not in part
    ).replace('name = "Anna', '[[engineers]]\nname = "Anna')
    alone += REGISTER[REGISTER.index("[[customers]]") :]
    desk = a_desk(store, tmp_path, register=alone)
    desk.get(a_mail(), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("Nu går den.", reply_to=notice), "2026-11-20 10:00")
    answered = ask(desk, "Nej.", "2026-11-20 11:00")
    before = len(desk.mailer.sent)
    away(desk, answered)
    assert len(desk.mailer.sent) == before
    assert readers(desk, "Hallå?", "2026-11-20 12:00") == {"anna"}  # nobody else is there to read
