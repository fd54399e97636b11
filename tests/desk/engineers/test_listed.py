"""An engineer's mail that a list or a machine has marked: still hers, or not (C1, D1, J2)."""

import pytest

from daemon.store.mail import inbox
from daemon.store.money import ledger, register
from daemon.store.tickets import tickets
from tests.builders import a_mail, an_engineers_mail, text_of

LIST = [("List-Id", "<support.example.se>"), ("Precedence", "list")]
MACHINE = [("Auto-Submitted", "auto-generated")]


@pytest.fixture
def notice(desk):
    desk.get(a_mail(), "2026-11-20 09:00")
    return desk.mailer.to("anna@example.se")[0]


def minutes(desk):
    with desk.desk.store.reading() as tx:
        found = ledger.of_customer(tx, register.customer_by_key(tx, "acme").id)
    return [entry.actual for entry in found]


def test_an_answer_through_a_group_address_is_an_answer_D8(desk, notice):
    mail = an_engineers_mail("Nu går den. [tid: 1h]", reply_to=notice, headers=LIST)
    desk.get(mail, "2026-11-20 10:00")
    assert minutes(desk) == [60]
    assert "Nu går den." in text_of(desk.mailer.to("bo@acme.se")[-1])


def test_a_phone_call_through_a_group_address_opens_a_ticket_D6(desk):
    mail = an_engineers_mail("[för: bo@acme.se] Bo ringde.", subject="Samtal", headers=LIST)
    desk.get(mail, "2026-11-20 10:00")
    assert "Bo ringde." in text_of(desk.mailer.to("bo@acme.se")[-1])


def test_without_proof_it_waits_as_any_other_D1(desk, notice):
    mail = a_mail("anna@example.se", "SV", "[tid: 1h]", reply_to=notice, headers=LIST)
    desk.get(mail, "2026-11-20 10:00")
    assert minutes(desk) == []
    request = desk.mailer.to("anna@example.se")[-1]
    desk.get(a_mail("anna@example.se", "SV", "ja", reply_to=request), "2026-11-20 10:05")
    assert minutes(desk) == [60]


def test_what_she_writes_to_a_list_about_other_things_is_only_noted_C1(desk):
    desk.get(an_engineers_mail("Lunch?", subject="Fredag", headers=LIST), "2026-11-20 10:00")
    assert desk.mailer.sent == []
    with desk.desk.store.reading() as tx:
        assert inbox.listing(tx)[0].outcome == "noted"
        assert tickets.by_number(tx, 1001) is None


def test_tags_that_a_machine_sent_count_nothing_and_its_owner_is_told_once_a_day_J2(desk, notice):
    before = len(desk.mailer.to("bo@acme.se"))
    for number in range(3):
        mail = an_engineers_mail(f"Auto {number} [tid: 9h]", reply_to=notice, headers=MACHINE)
        desk.get(mail, f"2026-11-20 10:0{number}")
    assert minutes(desk) == []
    assert len(desk.mailer.to("bo@acme.se")) == before
    told = [text_of(raw) for raw in desk.mailer.to("anna@example.se")[1:]]
    assert len(told) == 1
    assert "märkt som automatiskt" in told[0]
