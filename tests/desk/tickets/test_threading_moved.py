"""Tickets that are merged, placed, opened for others; and who hears of it (D5–D8)."""

import dataclasses
import datetime as dt

import pytest

from daemon.store.money import ledger, register
from daemon.store.tickets import tickets
from tests.builders import a_mail, an_engineers_mail, instant, text_of
from tests.desk.whole.replies import a_mail_of

MORNING = "2026-11-20 09:00"


@pytest.fixture
def notice(desk):
    desk.get(a_mail(), MORNING)
    return desk.mailer.to("anna@example.se")[0]


def ticket(desk, number=1001):
    with desk.desk.store.reading() as tx:
        return tickets.by_number(tx, number)


def said(desk, number=1001):
    with desk.desk.store.reading() as tx:
        return tickets.said(tx, tickets.by_number(tx, number).id)


def side(desk, number=1001):
    with desk.desk.store.reading() as tx:
        found = tickets.participants_of(tx, tickets.by_number(tx, number).id)
    return {each.address: each.silent for each in found}


def entries(desk):
    with desk.desk.store.reading() as tx:
        return ledger.of_customer(tx, register.customer_by_key(tx, "acme").id)


# --- merging and placing (D7) -----------------------------------------------------------------


def test_a_reply_to_a_merged_ticket_joins_the_one_that_goes_on_D7(desk, notice):
    desk.get(a_mail("eva@acme.se", "Samma sak", "Skrivaren igen"), "2026-11-20 09:10")
    hers = desk.mailer.to("eva@acme.se")[0]
    second = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail("[slå ihop: 1001] [intern]", reply_to=second), "2026-11-20 09:20")
    assert "1001" in text_of(desk.mailer.to("eva@acme.se")[-1])  # she is told, once
    assert len(desk.mailer.to("eva@acme.se")) == 2
    assert len(desk.mailer.to("bo@acme.se")) == 1
    desk.get(a_mail("eva@acme.se", "SV", "Hur går det?", reply_to=hers), "2026-11-20 09:30")
    assert said(desk)[-1].text == "Hur går det?"
    desk.get(an_engineers_mail("Nu går den.", reply_to=second), "2026-11-20 09:40")
    assert "Nu går den." in text_of(desk.mailer.to("eva@acme.se")[-1])
    assert "Nu går den." in text_of(desk.mailer.to("bo@acme.se")[-1])


@pytest.mark.parametrize(("second", "merged"), [("siv@gmail.com", True), ("per@gmail.com", False)])
def test_two_tickets_without_customer_are_merged_only_for_one_person_D7(desk, second, merged):
    desk.get(a_mail("siv@gmail.com", "Hjälp", "Hjälp"), MORNING)
    desk.get(a_mail(second, "Mera", "Mera"), "2026-11-20 09:10")
    notice = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail("[slå ihop: 1001] [intern]", reply_to=notice), "2026-11-20 09:20")
    assert (ticket(desk, 1002).status == "merged") == merged


def test_a_requester_of_the_merged_ticket_is_heard_who_was_a_stranger_in_the_other_D7(desk):
    desk.get(a_mail("siv@gmail.com", "Ett", "Ett"), MORNING)
    first = desk.mailer.to("siv@gmail.com")[0]
    desk.get(a_mail("per@gmail.com", "SV: Ett", "Jag med", reply_to=first), "2026-11-20 09:05")
    assert side(desk)["per@gmail.com"] is True
    desk.get(a_mail("per@gmail.com", "Två", "Två"), "2026-11-20 09:10")
    for minute, notice in enumerate(desk.mailer.to("anna@example.se")[::2], start=15):
        placed = an_engineers_mail("[kund: acme] [intern]", reply_to=notice)
        desk.get(placed, f"2026-11-20 09:{minute}")
    second = desk.mailer.to("anna@example.se")[2]
    desk.get(an_engineers_mail("[slå ihop: 1001] [intern]", reply_to=second), "2026-11-20 09:20")
    assert side(desk) == {"siv@gmail.com": False, "per@gmail.com": False}


def test_merging_into_a_closed_ticket_opens_it_D7(desk, notice):
    desk.get(an_engineers_mail("[klar] [intern]", reply_to=notice), "2026-11-20 09:10")
    desk.get(a_mail(subject="Igen", text="Igen"), "2026-11-20 09:20")
    second = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail("[slå ihop: 1001] [intern]", reply_to=second), "2026-11-20 09:30")
    assert ticket(desk).status == "open"


def test_a_stranger_who_is_reopened_still_waits_to_be_placed_D2(desk):
    desk.get(a_mail("siv@gmail.com", "Hjälp", "Hjälp"), MORNING)
    notice = desk.mailer.to("anna@example.se")[0]
    confirmation = desk.mailer.to("siv@gmail.com")[0]
    desk.get(an_engineers_mail("[klar] [intern]", reply_to=notice), "2026-11-20 09:10")
    desk.get(a_mail("siv@gmail.com", "SV", "Hallå?", reply_to=confirmation), "2026-11-20 09:20")
    assert ticket(desk).status == "unplaced"


def test_what_was_closed_as_spam_stays_silent_D2(desk):
    desk.get(a_mail("siv@gmail.com", "Köp nu", "Köp"), MORNING)
    notice = desk.mailer.to("anna@example.se")[0]
    confirmation = desk.mailer.to("siv@gmail.com")[0]
    desk.get(an_engineers_mail("[skräp]", reply_to=notice), "2026-11-20 09:10")
    sent = len(desk.mailer.sent)
    desk.get(a_mail("siv@gmail.com", "SV", "Köp mera!", reply_to=confirmation), "2026-11-20 09:20")
    assert ticket(desk).status == "closed"
    assert len(desk.mailer.sent) == sent
    assert said(desk)[-1].text == "Köp mera!"


# --- opening for a customer (D6) --------------------------------------------------------------


def test_the_customer_hears_of_a_ticket_that_holds_only_tags_D6(desk):
    mail = an_engineers_mail("[för: bo@acme.se] [tid: 15m]", subject="Samtal om skrivaren")
    desk.get(mail, MORNING)
    (confirmation,) = desk.mailer.to("bo@acme.se")
    assert "Samtal om skrivaren" in text_of(confirmation)


def test_a_confirmation_that_was_stopped_goes_out_on_ok_D6(desk):
    mail = an_engineers_mail("[för: bo@acme.se] [intrn]\nVi pratade.", subject="Samtal")
    desk.get(mail, MORNING)
    assert desk.mailer.to("bo@acme.se") == []
    receipt = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail("OK", reply_to=receipt), "2026-11-20 09:10")
    (confirmation,) = desk.mailer.to("bo@acme.se")
    assert "Vi pratade." in text_of(confirmation)
    assert "senast fredag 20 november kl. 10:00" in text_of(confirmation)


def test_naming_the_customer_twice_opens_one_ticket_D6(desk):
    desk.get(an_engineers_mail("Vi pratade. [tid: 15m] [för: bo@acme]", subject="Samtal"), MORNING)
    asked = desk.mailer.to("anna@example.se")[-1]
    for minute in (10, 11):
        mail = an_engineers_mail("[för: bo@acme.se]", reply_to=asked, subject=f"SV {minute}")
        desk.get(mail, f"2026-11-20 09:{minute}")
    assert ticket(desk, 1002) is None
    assert [each.actual for each in entries(desk)] == [15]
    assert len(desk.mailer.to("bo@acme.se")) == 1


def test_only_the_writer_names_the_customer_of_her_message_D6(desk):
    desk.get(an_engineers_mail("Vi pratade. [tid: 15m]", subject="Samtal"), MORNING)
    asked = desk.mailer.to("anna@example.se")[-1]
    other = an_engineers_mail(
        "[för: bo@acme.se]", sender="erik@example.se", reply_to=asked, subject="SV"
    )
    desk.get(other, "2026-11-20 09:10")
    assert entries(desk) == []


def test_the_tags_of_the_naming_reply_count_as_well_C14(desk):
    desk.get(an_engineers_mail("Vi pratade. [tid: 15m]", subject="Samtal"), MORNING)
    asked = desk.mailer.to("anna@example.se")[-1]
    reply = an_engineers_mail(
        "[för: bo@acme.se] [tid: 30m] [prio: 1]", reply_to=asked, subject="SV"
    )
    desk.get(reply, "2026-11-20 09:10")
    assert sorted(each.actual for each in entries(desk)) == [15, 30]
    assert ticket(desk).priority == 1


def test_a_stranger_is_opened_for_where_the_customer_is_named_D6(desk):
    mail = an_engineers_mail("[för: siv@gmail.com] [kund: acme] Vi pratade.", subject="Samtal")
    desk.get(mail, MORNING)
    assert ticket(desk).requester == "siv@gmail.com"
    assert ticket(desk).customer_id is not None


# --- those concerned hear of it, once ---------------------------------------------------------


def test_the_assignee_hears_what_a_colleague_did_on_her_ticket_D8(desk, notice):
    desk.get(an_engineers_mail("Jag tittar.", reply_to=notice), "2026-11-20 09:10")
    before = len(desk.mailer.to("anna@example.se"))
    erik = "Erik Lind <erik@example.se>"
    mail = an_engineers_mail("[intern] [prio: 2] [vänta]\nFel kabel.", sender=erik, reply_to=notice)
    desk.get(mail, "2026-11-20 09:20")
    (told,) = desk.mailer.to("anna@example.se")[before:]
    assert "Fel kabel." in text_of(told)
    assert "Prioriteten är ändrad" in " ".join(text_of(told).split())
    desk.get(an_engineers_mail("[intern] Egen not.", reply_to=told), "2026-11-20 09:30")
    kicker = [text_of(raw) for raw in desk.mailer.to("anna@example.se")[before + 1 :]]
    assert all("Egen not." not in text for text in kicker)  # a receipt at most


def test_a_register_that_knows_of_a_longer_absence_keeps_it(desk, notice):
    desk.get(an_engineers_mail("Jag tittar.", reply_to=notice), "2026-11-20 09:10")
    confirmation = desk.mailer.to("bo@acme.se")[0]
    desk.get(a_mail(subject="SV", text="Hej", reply_to=confirmation), "2026-11-20 09:20")
    mine = desk.mailer.to("anna@example.se")[-1]
    with desk.desk.store.writing() as tx:
        anna = register.person_by_address(tx, "anna@example.se")
        until = dt.date(2026, 12, 1)
        register.keep_person(tx, dataclasses.replace(anna, absent_until=until))
    away = a_mail(
        "anna@example.se",
        "Autosvar",
        "Borta",
        reply_to=mine,
        headers=[("Auto-Submitted", "auto-replied")],
    )
    desk.get(away, "2026-11-20 09:21")
    with desk.desk.store.reading() as tx:
        assert register.person_by_address(tx, "anna@example.se").absent_until == until


def test_a_thank_you_with_a_logo_in_its_signature_is_a_thank_you_D5(desk, notice):
    desk.get(an_engineers_mail("Nu går den. [klar]", reply_to=notice), "2026-11-20 10:00")
    answer = desk.mailer.to("bo@acme.se")[-1]
    thanks = a_mail_of(
        "Tack för hjälpen!",
        "<p>Tack för hjälpen!</p><img src='cid:logga@acme'>",
        answers=answer,
        sender="bo@acme.se",
        pictures=[("logga@acme", b"PNG")],
    )
    desk.get(thanks, "2026-11-20 10:10")
    assert ticket(desk).status == "closed"
    assert ticket(desk).closed_at == instant("2026-11-20 10:00")


def test_people_of_two_customers_on_one_ticket_get_mails_of_their_own_D7(desk):
    desk.get(a_mail("Cia By <cia@beta.se>", "Rapporten", "För Acme."), MORNING)
    notice = desk.mailer.to("anna@example.se")[0]
    mail = an_engineers_mail("[kund: acme] [för: bo@acme.se]\nVi tittar. [klar]", reply_to=notice)
    desk.get(mail, "2026-11-20 09:10")
    cias, bos = desk.mailer.to("cia@beta.se")[-1], desk.mailer.to("bo@acme.se")[-1]
    for raw, other in ((cias, b"acme.se"), (bos, b"beta.se")):
        assert "Vi tittar." in text_of(raw)
        assert other not in raw
    assert "För Acme." in text_of(cias)
    assert "För Acme." not in text_of(bos)
