"""A mail to very many, and the addresses that each outside person sees (J2)."""

import re

import pytest

from daemon.store.tickets import tickets
from tests.builders import a_mail, an_engineers_mail, header_of, text_of


def copied(number, domain="acme.se"):
    return ", ".join(f"p{each}@{domain}" for each in range(number))


def participants(desk, number=1001):
    with desk.desk.store.reading() as tx:
        ticket = tickets.by_number(tx, number)
        return {each.address for each in tickets.participants_of(tx, ticket.id)}


def seen(raw):
    """The addresses that the recipients of a mail see."""
    fields = f"{header_of(raw, 'To')} {header_of(raw, 'Cc')}"
    return set(re.findall(r"[\w.+-]+@[\w.-]+", fields))


@pytest.mark.parametrize(("number", "joined"), [(20, 21), (21, 1), (90, 1)])
def test_more_than_twenty_outside_recipients_make_nobody_take_part_but_the_sender_J2(
    desk, number, joined
):
    desk.get(a_mail(cc=copied(number)), "2026-11-20 09:00")
    assert len(participants(desk)) == joined
    notice = text_of(desk.mailer.to("anna@example.se")[0])
    assert ("många mottagare" in " ".join(notice.split())) == (joined == 1)


def test_our_own_addresses_do_not_count_among_the_twenty_J2(desk):
    cc = f"{copied(20)}, anna@example.se, erik@example.se, helpdesk@example.se"
    desk.get(a_mail(cc=cc), "2026-11-20 09:00")
    assert len(participants(desk)) == 21


def test_an_engineer_may_add_one_of_the_many_J2(desk):
    desk.get(a_mail(cc=copied(30)), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("Hej! [för: p3@acme.se]", reply_to=notice), "2026-11-20 09:10")
    assert participants(desk) == {"bo@acme.se", "p3@acme.se"}


def test_thirty_mails_with_ninety_copies_reach_nobody_but_their_sender_J2(desk):
    for number in range(30):
        desk.receive(a_mail(subject=f"Fråga {number}", cc=copied(90)), "2026-11-20 09:00")
    desk.work("2026-11-20 09:00")
    outside = [address for address, _ in desk.mailer.sent if not address.endswith("example.se")]
    assert set(outside) == {"bo@acme.se"}
    assert len(outside) <= 10


def test_each_outside_person_sees_the_addresses_of_her_own_company_alone_J2(desk):
    desk.get(a_mail(cc="siv@acme.se"), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    for number, address in enumerate(
        ("kim@konsult.se", "ola@konsult.se", "eva@gmail.com", "bea@gmail.com")
    ):
        desk.get(
            an_engineers_mail(f"[intern] [för: {address}]", reply_to=notice),
            f"2026-11-20 09:1{number}",
        )
    before = len(desk.mailer.sent)
    desk.get(an_engineers_mail("Nu går den igen.", reply_to=notice), "2026-11-20 10:00")
    views = {address: seen(raw) for address, raw in desk.mailer.sent[before:]}
    assert views["bo@acme.se"] == views["siv@acme.se"] == {"bo@acme.se", "siv@acme.se"}
    assert views["kim@konsult.se"] == {"kim@konsult.se", "ola@konsult.se"}
    for alone in ("eva@gmail.com", "bea@gmail.com"):
        assert views[alone] == {alone}
