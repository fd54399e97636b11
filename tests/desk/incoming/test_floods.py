"""Very many mails of one sender or domain are kept as one ticket, and none is lost (J2)."""

import datetime as dt

from daemon.store.tickets import tickets
from tests.builders import a_mail, an_engineers_mail, instant, text_of

START = instant("2026-11-20 09:00")


def flood(desk, senders, start=START, seconds=10):
    for number, sender in enumerate(senders):
        at = start + dt.timedelta(seconds=seconds * number)
        desk.receive(a_mail(sender, f"Fråga {number}", f"Mejl nummer {number}."), at)
    desk.work(start + dt.timedelta(seconds=seconds * len(senders)))


def opened(desk):
    with desk.desk.store.reading() as tx:
        return tickets.listing(tx)


def said(desk, ticket):
    with desk.desk.store.reading() as tx:
        return [each.text for each in tickets.said(tx, ticket.id)]


def alarms(desk, word="läggs i ett ärende"):
    told = [" ".join(text_of(raw).split()) for raw in desk.mailer.to("drift@example.se")]
    return [each for each in told if word in each]


def test_five_hundred_mails_of_one_stranger_are_twenty_tickets_and_one_J2(desk):
    flood(desk, ["kim@example.org"] * 500)
    *own, last = opened(desk)
    assert len(own) == 20
    assert len(said(desk, last)) == 480
    assert said(desk, last)[-1] == "Fråga 499\n\nMejl nummer 499."
    assert len(desk.mailer.to("kim@example.org")) == 10
    assert len(desk.mailer.to("anna@example.se")) == 21
    assert len(alarms(desk)) == 1


def test_five_hundred_forged_senders_of_one_domain_get_sixty_answers_and_one_alarm_J2(desk):
    flood(desk, [f"p{number}@example.org" for number in range(500)])
    assert len(opened(desk)) == 61
    outside = [each for each, _ in desk.mailer.sent if each.endswith("@example.org")]
    assert len(outside) == 60
    assert len(desk.mailer.to("drift@example.se")) == len(alarms(desk)) == 1
    assert sum(len(said(desk, ticket)) for ticket in opened(desk)) == 500


def test_a_customers_people_open_tickets_beside_a_flood_J2(desk):
    flood(desk, [f"p{number}@example.org" for number in range(70)])
    flood(desk, ["Bo Ek <bo@acme.se>", "Siv <siv@acme.se>"], START + dt.timedelta(minutes=30))
    assert [ticket.requester for ticket in opened(desk)][-2:] == ["bo@acme.se", "siv@acme.se"]


def test_a_customers_own_flood_is_one_ticket_of_the_customer_with_a_clock_J2(desk):
    flood(desk, ["larm@acme.se"] * 30)
    last = opened(desk)[-1]
    assert len(opened(desk)) == 21
    assert last.customer_id is not None
    with desk.desk.store.reading() as tx:
        assert [row.kind for row in tickets.clock_rows(tx, [last.id])] == ["response"]


def test_twenty_in_three_hours_are_no_flood_J2(desk):
    flood(desk, ["kim@example.org"] * 20)
    flood(desk, ["kim@example.org"] * 20, START + dt.timedelta(hours=4))
    assert len(opened(desk)) == 40
    assert alarms(desk) == []


def test_a_reply_on_an_own_ticket_is_never_gathered_away_J2(desk):
    flood(desk, ["kim@example.org"] * 25)
    confirmation = desk.mailer.to("kim@example.org")[0]
    desk.get(a_mail("kim@example.org", "SV", "Mer", reply_to=confirmation), "2026-11-20 09:30")
    assert said(desk, opened(desk)[0])[-1] == "Mer"


def test_a_flood_closed_as_spam_goes_on_in_silence_J2(desk):
    flood(desk, ["kim@example.org"] * 25)
    notice = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail("[skräp]", reply_to=notice), "2026-11-20 09:10")
    sent = len(desk.mailer.to("anna@example.se"))
    flood(desk, ["kim@example.org"] * 5, START + dt.timedelta(minutes=20), seconds=11)
    assert len(opened(desk)) == 21
    assert len(desk.mailer.to("anna@example.se")) == sent
