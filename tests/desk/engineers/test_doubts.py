"""Doubtful answers: near misses of [intern], and an OK that must not send too much (C9, D1, D6)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.desk.engineers.leaks import says_internal
from daemon.store.mail import inbox
from daemon.store.money import ledger, register
from daemon.store.tickets import tickets
from tests.builders import REGISTER, a_desk, a_mail, an_engineers_mail, text_of

SECRET = "Kunden har glömt betala i somras så ge dem inget"
ERIK = "Erik Lind <erik@example.se>"
BO, CIA = "bo@acme.se", "cia@beta.se"


@pytest.fixture
def asked(desk):
    """Bo's ticket 1001 of Acme and Cia's 1002 of Beta."""
    desk.get(a_mail(), "2026-11-20 09:00")
    desk.get(a_mail(f"Cia <{CIA}>", "Rapporten", "Den saknas."), "2026-11-20 09:01")
    desk.notice = desk.mailer.to("anna@example.se")[0]
    return desk


def write(desk, text, at="2026-11-20 10:00", **more):
    """An engineer's mail; gives her receipt."""
    sender = more.get("sender", "anna@example.se")
    desk.get(an_engineers_mail(text, **more), at)
    return next(raw for to, raw in reversed(desk.mailer.sent) if to in sender)


def heard(desk, address=BO):
    """The mails of a customer after the confirmation, as text."""
    return [text_of(raw) for raw in desk.mailer.to(address)[1:]]


def booked(desk):
    with desk.desk.store.reading() as tx:
        found = [ledger.on_ticket(tx, each.id) for each in tickets.listing(tx)]
    return sorted(each.entry.actual for bookings in found for each in bookings)


# --- near misses of [intern] (C9) -------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "[intern\n{}",
        "intern]\n{}",
        "(intern]\n{}",
        "［intern］ {}",
        "[klar, intern] {}",
        "[OBS: intern] {}",
        "intern\n{}",
        "Hej\nIntern: {}",
        "Internt meddelande:\n{}",
        "*intern* {}",
        "#intern {}",
        "-- intern --\n{}",
        "[tid: 1h, intern] {}",
        "[tid: 1h; intern] {}",
        "[tid 1h intern] {}",
        "[prio: 2 intern] {}",
        "[kund: acme intern] {}",
    ],
)
def test_intern_in_a_broken_form_or_inside_of_another_tag_stops_the_text_C9(asked, text):
    write(asked, text.format(SECRET), reply_to=asked.notice)
    assert not any(SECRET in " ".join(each.split()) for each in heard(asked))


_WORDS = st.sampled_from(["intern", "Internt", "INTERN", "internal"])
_LOST = st.sampled_from(
    ["[{}", "{}]", "({}]", "[{})", "{}:", "{}", "*{}*", "# {}", "»{}«", "[bara {}]", "[ {} !]"]
)


@given(_WORDS, _LOST, st.sampled_from(["", "Hej!\n", "Ord.\n\n"]), st.sampled_from(["", " "]))
def test_a_line_that_is_a_marked_intern_says_so_wherever_it_stands_C9(word, form, before, space):
    assert says_internal(f"{before}{space}{form.format(word)}\n{SECRET}")


@pytest.mark.parametrize(
    "text",
    [
        "Vår interna server är nere.",
        "Det är ett internt fel (intern server 2) hos er.",
        "- Intern server 2\n- Extern server 3",
        "Se [Intern sida](https://example.se/x).",
        "Felet är internt, vi rättar det.",
        "[internet] Nu går den.",
    ],
)
def test_the_word_in_a_sentence_says_nothing_C9(text):
    assert not says_internal(text)


# --- an OK to a doubt (C9, C11) ---------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["[itern] [för: cia@beta.se] Hej Cia, er rapport är klar.", "[itern]"]
)
def test_an_ok_to_one_doubt_never_sends_against_another_obstacle_C9(asked, text):
    receipt = write(asked, text, reply_to=asked.notice)
    write(asked, "OK", "2026-11-20 10:05", reply_to=receipt)
    assert heard(asked) == heard(asked, CIA) == []


def test_of_two_doubts_the_leak_is_told_C9(asked):
    write(asked, f"[intern] {SECRET}", reply_to=asked.notice)
    again = write(asked, f"[itern] {SECRET}.", "2026-11-20 10:05", reply_to=asked.notice)
    assert "ur en intern anteckning" in " ".join(text_of(again).split())


def test_a_stopped_text_is_not_sent_to_the_customer_that_the_ticket_moved_to_D7(asked):
    receipt = write(asked, "[itern] Om Acme.", reply_to=asked.notice)
    moved = f"[intern] [kund: beta] [för: {CIA}]"
    write(asked, moved, "2026-11-20 10:05", reply_to=asked.notice, sender=ERIK)
    told = write(asked, "OK", "2026-11-20 10:10", reply_to=receipt)
    assert not any("Om Acme." in each for each in heard(asked, CIA) + heard(asked))
    assert "pekar på en annan kund" in " ".join(text_of(told).split())


def test_a_stopped_text_goes_out_after_its_ticket_got_a_customer_D2(desk):
    desk.get(a_mail("Kim <kim@example.org>"), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    receipt = write(desk, "[itern] Nu går den.", reply_to=notice)
    write(desk, "[intern] [kund: acme]", "2026-11-20 10:05", reply_to=notice, sender=ERIK)
    write(desk, "OK", "2026-11-20 10:10", reply_to=receipt)
    assert any("Nu går den." in each for each in heard(desk, "kim@example.org"))


# --- the reply that names the customer (D6) ---------------------------------------------------


def test_a_mail_about_several_tickets_is_never_carried_out_again_D6(asked):
    receipt = write(asked, "#1001 [tid: 1h]\n#1002 [tid: 2h] [klar]\n", subject="Tid")
    told = write(asked, f"[för: {BO}]", "2026-11-20 10:05", reply_to=receipt, subject="SV: Tid")
    assert "Skriv ett nytt mejl" in " ".join(text_of(told).split())
    assert booked(asked) == [60, 120]
    with asked.desk.store.reading() as tx:
        assert {row.state for row in inbox.listing(tx)} == {"done"}
        assert len(tickets.listing(tx)) == 2


@pytest.mark.parametrize(("subject", "text"), [("SV: x [intern]", ""), ("SV: x", "(intern) ")])
def test_intern_in_the_reply_that_names_the_customer_counts_for_both_D6(asked, subject, text):
    receipt = write(asked, SECRET, subject="Samtal")
    write(asked, f"{text}[för: {BO}]", "2026-11-20 10:05", reply_to=receipt, subject=subject)
    assert not any(SECRET in " ".join(each.split()) for each in heard(asked))


# --- whose word (D1, D8) ----------------------------------------------------------------------


def test_a_forged_automatic_answer_to_a_customers_own_mail_sends_nobody_away_D1(asked):
    (confirmation,) = asked.mailer.to(BO)
    away = [("Auto-Submitted", "auto-replied")]
    asked.get(
        a_mail("anna@example.se", "Autosvar", "Ledig.", reply_to=confirmation, headers=away),
        "2026-11-20 10:00",
    )
    with asked.desk.store.reading() as tx:
        assert [each.absent_until for each in register.people(tx)] == [None, None]


EVA = """
[[engineers]]
name = "Eva Ek"
email = "eva@example.se"
roles = ["finance"]
"""


def test_a_ticket_is_given_to_engineers_only_D8(store, tmp_path):
    desk = a_desk(store, tmp_path, register=REGISTER + EVA)
    desk.get(a_mail(), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    for wanted in ("eva@example.se", "Eva"):
        write(desk, f"[intern] [tilldela: {wanted}]", reply_to=notice)
    with store.reading() as tx:
        assert tickets.by_number(tx, 1001).assignee_id is None


def test_an_ok_counts_only_while_its_writer_is_an_engineer_D1(store, tmp_path):
    desk = a_desk(store, tmp_path)
    desk.get(a_mail(), "2026-11-20 09:00")
    receipt = write(desk, "[itern] Ord.", reply_to=desk.mailer.to("anna@example.se")[0])
    with store.writing() as tx:
        anna = register.person_by_address(tx, "anna@example.se")
        register.keep_person(tx, replace(anna, roles=frozenset({"finance"})))
    desk.get(an_engineers_mail("OK", reply_to=receipt), "2026-11-20 10:05")
    assert heard(desk) == []
