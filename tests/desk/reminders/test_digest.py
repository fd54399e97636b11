"""The morning's digest, and what a reply to it does (C9, C11, C12, C14, D8)."""

import datetime as dt

import pytest

from daemon.desk.reminders import morning_digest
from daemon.store import rows
from daemon.store.money import ledger, register
from daemon.store.tickets import tickets
from tests.builders import a_desk, a_mail, an_engineers_mail, header_of, instant, text_of
from tests.desk.whole.replies import STYLES, a_reply

ERIK = "Erik Lind <erik@example.se>"
MONDAY = "2026-11-23 08:00"


def morning(desk, at=MONDAY):
    """The digest as Anna and Erik get it."""
    assert morning_digest.send_digest(desk.desk, instant(at))
    desk.work(at)
    return desk.mailer.to("anna@example.se")[-1]


def asked(desk, customer="bo@acme.se", subject="Skrivaren", **answer):
    """A ticket that has been answered without time."""
    desk.get(a_mail(customer, subject, f"{subject} krånglar."), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[-1]
    text = answer.pop("text", f"{subject}: nu går den.")
    desk.get(an_engineers_mail(text, reply_to=notice, **answer), "2026-11-20 10:00")


@pytest.fixture
def two(desk):
    """Two answers of Anna without time, of two customers: #1001 and #1002."""
    asked(desk)
    asked(desk, "cia@beta.se", "Rapporten")
    return morning(desk)


def reply(desk, text, to, at="2026-11-23 08:30", **more):
    """Anna's reply; gives the text of what she gets."""
    desk.get(an_engineers_mail(text, reply_to=to, subject="SV: Läget", **more), at)
    return text_of(desk.mailer.to("anna@example.se")[-1])


def booked(desk):
    """(ticket, minutes) of all entries with anything left."""
    found = []
    with desk.desk.store.reading() as tx:
        for customer in register.customers(tx):
            for entry in ledger.of_customer(tx, customer.id):
                number = tickets.by_id(tx, entry.ticket).number
                found += [(number, entry.actual)] if entry.actual else []
    return sorted(found)


def to_customers(desk):
    return [to for to, _ in desk.mailer.sent if not to.endswith("@example.se")]


# --- the mail itself --------------------------------------------------------------------------


def test_it_comes_once_each_working_morning(desk):
    asked(desk)
    assert not morning_digest.send_digest(desk.desk, instant("2026-11-21 09:00"))  # a Saturday
    assert not morning_digest.send_digest(desk.desk, instant("2026-11-23 07:59"))
    assert "1001" in text_of(morning(desk))
    assert not morning_digest.send_digest(desk.desk, instant("2026-11-23 10:00"))
    assert desk.mailer.to("erik@example.se")[-1] == desk.mailer.to("anna@example.se")[-1]
    with desk.desk.store.reading() as tx:
        assert rows.fact(tx, "digest") == dt.date(2026, 11, 23).isoformat()


def test_an_empty_morning_sends_nothing(desk):
    assert morning_digest.send_digest(desk.desk, instant(MONDAY))
    desk.work(MONDAY)
    assert desk.mailer.sent == []


def untimed(raw):
    """What stands under its heading of answers without time."""
    text = text_of(raw)
    start = text.find("SVAR UTAN BOKAD TID")
    return text[start : text.find("TACK SOM")] if start >= 0 else ""


def test_it_says_who_answered_without_time_and_when(desk):
    asked(desk)
    says = " ".join(untimed(morning(desk)).split())
    assert "1001: Skrivaren Acme AB · Anna Svensson svarade 20 november" in says


def test_it_says_since_when_a_ticket_waits_and_which_has_no_customer_yet(desk):
    asked(desk, text="Vilken modell? [vänta]")
    desk.get(a_mail("siv@gmail.com", "Fråga", "Hej"), "2026-11-20 12:00")
    says = " ".join(text_of(morning(desk)).split())
    assert "Acme AB · 3 - Normal · Anna Svensson · väntar sedan 20 november" in says
    assert "1002: Fråga 3 - Normal · ännu utan kund" in says


@pytest.mark.parametrize("text", ["Nu går den. [tid: 1h]", "Nu går den. [tid: 13h]"])
def test_time_in_the_answer_itself_is_noted_held_or_not(desk, text):
    asked(desk, text=text)
    assert untimed(morning(desk)) == ""


def test_time_noted_later_on_the_ticket_is_noted_by_its_writer_only(desk):
    asked(desk)
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("[tid: 1h]", reply_to=notice, sender=ERIK), "2026-11-20 11:00")
    desk.get(an_engineers_mail("Och så.", reply_to=notice, sender=ERIK), "2026-11-20 11:30")
    desk.get(an_engineers_mail("[tid: 2h]", reply_to=notice, sender=ERIK), "2026-11-20 12:00")
    says = untimed(morning(desk))
    assert "Anna Svensson svarade" in says
    assert "Erik" not in says


# --- a reply to it ----------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_a_plain_tag_books_on_the_only_answer_there_is(desk, style):
    asked(desk)
    desk.get(a_reply(style, "[tid: 1,5h]", morning(desk), subject="SV: Läget"), "2026-11-23 08:30")
    assert booked(desk) == [(1001, 90)]
    receipt = desk.mailer.to("anna@example.se")[-1]
    assert "1 h 30 min bokat" in text_of(receipt)
    assert header_of(receipt, "Subject").startswith("[#1001]")
    assert len(to_customers(desk)) == 2  # confirmation and answer


def test_a_plain_tag_books_on_the_writers_only_answer(desk):
    asked(desk)
    asked(desk, "cia@beta.se", "Rapporten", sender=ERIK)
    says = reply(desk, "[tid: 1h]", morning(desk))
    assert booked(desk) == [(1001, 60)]
    assert "1001, Acme AB" in says


@pytest.mark.parametrize("style", STYLES)
def test_each_line_books_on_the_ticket_that_it_names(desk, two, style):
    new = "#1001 [tid: 1h]\n1002: Rapporten [tid: 30m igår; felsökning]"
    desk.get(a_reply(style, new, two, subject="SV: Läget"), "2026-11-23 08:30")
    assert booked(desk) == [(1001, 60), (1002, 30)]
    says = text_of(desk.mailer.to("anna@example.se")[-1])
    assert "Timbank kvartal 4 2026:  Acme AB: 15 h före, 14 h efter" in says
    assert "Beta AB: 3 h 59 min före" in says


@pytest.mark.parametrize(
    "text",
    [
        "[#1001] [tid: 1h]\n[#1002] [tid: 30m]",
        "[tid: 1h] #1001\n[tid: 30m] #1002",
        "#1001 [tid: 1h] #1002 [tid: 30m]",
        "#1001, #1002 och lite till:\n#1002\n[tid: 30m]\n\n- 1001 – [tid: 1h; #1002 hänger ihop]",
        "Ärende 1001 [tid:\n1h]\n* 1002: [tid: 30m]",
        "> 1001:  Skrivaren\n[tid: 1h]\n> 1002:  Rapporten\n[tid: 30m]",
    ],
)
def test_people_write_the_number_in_many_ways(desk, two, text):
    reply(desk, text, two)
    assert booked(desk) == [(1001, 60), (1002, 30)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[tid: 1h]", "Vilket ärende gäller det?"),
        ("[tid: 1h] #1001 #1002", "Vilket ärende gäller det?"),
        ("2026 rader lästa [tid: 1h]", "Vilket ärende gäller det?"),
        ("[för: bo@acme.se] Bo ringde.", "Skriv ett nytt mejl till oss"),
        ("#9999 [tid: 1h]", "Det ärendet finns inte."),
        ("#1001 [tid: 15]", "Enheten saknas"),
    ],
)
def test_what_cannot_be_placed_is_told_back_and_books_nothing_C14(desk, two, text, why):
    says = reply(desk, text, two)
    assert booked(desk) == []
    assert why in says


def test_the_rest_is_booked_where_one_line_is_wrong(desk, two):
    says = reply(desk, "#1001 [tid: 1h]\n#1002 [tid: 15]\n#77 [tid: 2h]", two)
    assert booked(desk) == [(1001, 60)]
    assert "Enheten saknas" in says
    assert "Det ärendet finns inte." in says


def test_a_tag_in_the_quoted_list_counts_nothing_and_is_told_of_C9(desk, two):
    quoted = "".join(
        f"> {line}" + (" [tid: 3h]\n" if "1001:" in line else "\n")
        for line in text_of(two).splitlines()
    )
    says = reply(desk, f"#1002 [tid: 1h]\n\nDen 2026-11-23 kl. 08:00, skrev vi:\n{quoted}", two)
    assert booked(desk) == [(1002, 60)]
    assert "Stod i citerad eller dold text: ”tid: 3h”" in says


def test_other_tags_work_line_by_line_and_each_customer_is_told_D8(desk, two):
    says = reply(desk, "#1001 [klar] [tid: 1h]\n#1002 [klar]\n", two)
    assert "#1001: Ärendet är stängt." in says
    assert "#1002: Ärendet är stängt." in says
    assert to_customers(desk)[-2:] == ["bo@acme.se", "cia@beta.se"]
    with desk.desk.store.reading() as tx:
        assert {tickets.by_number(tx, number).status for number in (1001, 1002)} == {"closed"}


def test_words_on_a_line_are_an_internal_note_and_go_to_no_customer_D8(desk, two):
    before = to_customers(desk)
    reply(desk, "#1001 [tid: 1h] glömde mötet med Bo\n\nMvh Anna", two)
    assert to_customers(desk) == before
    with desk.desk.store.reading() as tx:
        note = tickets.said(tx, tickets.by_number(tx, 1001).id)[-1]
    assert (note.internal, note.text) == (True, "glömde mötet med Bo")
    assert "intern anteckning" in text_of(desk.mailer.to("anna@example.se")[-1])


@pytest.mark.parametrize("text", ["1. #1001 [tid: 1h]", "1001: skrivaren [tid: 1h]"])
def test_a_list_number_or_the_subject_again_is_no_note(desk, two, text):
    reply(desk, text, two)
    assert booked(desk) == [(1001, 60)]
    with desk.desk.store.reading() as tx:
        assert not tickets.said(tx, tickets.by_number(tx, 1001).id)[-1].internal


def test_words_without_a_tag_go_nowhere_and_their_writer_is_told(desk, two):
    before = to_customers(desk)
    says = reply(desk, "Vem tar den här?", two)
    assert to_customers(desk) == before
    assert "Du svarade på ett mejl mellan oss" in says


def test_a_ticket_in_the_subject_gets_the_tags_and_no_customer_the_words(desk, two):
    before = to_customers(desk)
    mail = an_engineers_mail("Klart nu. [tid: 1h]", reply_to=two, subject="SV: [#1002] Läget")
    desk.get(mail, "2026-11-23 08:30")
    assert booked(desk) == [(1002, 60)]
    assert to_customers(desk) == before


def test_a_client_that_strips_headers_books_by_the_numbers(desk, two):
    mail = an_engineers_mail("#1001 [tid: 1h]\n#1002 [tid: 2h]", subject="SV: Läget 23 november")
    desk.get(mail, "2026-11-23 08:30")
    assert booked(desk) == [(1001, 60), (1002, 120)]


def test_words_beside_tags_in_a_mail_of_its_own_went_to_nobody_and_say_so(desk, two):
    before = to_customers(desk)
    text = "Hej Bo,\n\nnu är #1001 klart.\n\n[tid: 1h]\n\nMvh Anna"
    desk.get(an_engineers_mail(text, subject="Skrivaren"), "2026-11-23 08:30")
    assert booked(desk) == [(1001, 60)]
    assert to_customers(desk) == before
    assert "Bara taggarna räknades" in text_of(desk.mailer.to("anna@example.se")[-1])


def test_a_number_without_a_tag_in_a_mail_of_its_own_asks_for_the_customer_D6(desk, two):
    mail = an_engineers_mail("Kan någon ta #1001? [tid: 1h", subject="Skrivaren")
    desk.get(mail, "2026-11-23 08:30")
    assert booked(desk) == []
    assert "Vem gäller det?" in text_of(desk.mailer.to("anna@example.se")[-1])


def test_without_proof_it_waits_and_books_once_confirmed_D1(desk, two):
    desk.get(
        a_mail("anna@example.se", "SV: Läget", "#1001 [tid: 1h]", reply_to=two), "2026-11-23 08:30"
    )
    assert booked(desk) == []
    request = desk.mailer.to("anna@example.se")[-1]
    desk.get(a_mail("anna@example.se", "SV", "ja", reply_to=request), "2026-11-23 08:40")
    assert booked(desk) == [(1001, 60)]


def test_a_stranger_who_answers_it_books_nothing_D1(desk, two):
    desk.get(a_mail("siv@gmail.com", "SV", "#1001 [tid: 9h]", reply_to=two), "2026-11-23 08:30")
    assert booked(desk) == []


# --- a reply to its receipt -------------------------------------------------------------------


@pytest.fixture
def receipt(desk, two):
    """The receipt of time on both tickets."""
    reply(desk, "#1001 [tid: 1h]\n#1002 [tid: 2h]", two)
    return desk.mailer.to("anna@example.se")[-1]


def test_undo_takes_back_all_of_it_and_shows_the_banks_C14(desk, receipt):
    says = reply(desk, "[ångra]", receipt, at="2026-11-23 08:45")
    assert booked(desk) == []
    assert "Ångrat: 3 h är återfört." in says
    assert "Acme AB: 14 h före, 15 h efter" in says
    assert "Beta AB: 1 h 59 min före, 3 h 59 min efter" in says
    again = reply(desk, "[ångra] igen", receipt, at="2026-11-23 08:50")
    assert "Det finns inget att ångra." in again


def test_a_correction_names_its_ticket_G4(desk, receipt):
    assert "Vilket ärende" in reply(desk, "[tid: -30m]", receipt, at="2026-11-23 08:45")
    reply(desk, "#1002 [tid: -30m]", receipt, at="2026-11-23 08:50")
    assert booked(desk) == [(1001, 60), (1002, 90)]


def test_an_ok_books_what_waits_on_each_ticket_C11(desk, two):
    says = reply(desk, "#1001 [tid: 13h]\n#1002 [tid: 14h 2026-11-20]", two)
    assert booked(desk) == []
    assert "Svara OK" in says
    told = desk.mailer.to("anna@example.se")[-1]
    says = reply(desk, "OK", told, at="2026-11-23 08:45")
    assert booked(desk) == [(1001, 780), (1002, 840)]
    assert "14 h bokat" in says


def test_the_same_on_both_engines(any_store, tmp_path):
    desk = a_desk(any_store, tmp_path)
    asked(desk, text="Vilken modell? [vänta]")
    asked(desk, "cia@beta.se", "Rapporten", text="Klart. [tid: 1h]")
    mail = morning(desk)
    says = " ".join(text_of(mail).split())
    assert "väntar sedan 20 november" in says
    assert "1002" not in untimed(mail)
    reply(desk, "[tid: 30m]\n#1002 [tid: 15m] [klar]", mail)
    assert booked(desk) == [(1001, 30), (1002, 15), (1002, 60)]
    with any_store.reading() as tx:
        assert tickets.linked(tx, tickets.by_number(tx, 1002).id) == (None, [])
