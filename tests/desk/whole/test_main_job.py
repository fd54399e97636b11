"""The whole job once, from a mail in to a draft in accounting."""

import json

import pytest

from daemon.desk.month import closing
from daemon.store.money import ledger, register, statements
from daemon.store.tickets import tickets
from integrations.files.drafts import FileDrafts
from tests.builders import a_desk, a_mail, an_engineers_mail, header_of, instant, text_of


@pytest.fixture
def desk(store, tmp_path):
    return a_desk(store, tmp_path)


def test_a_customers_mail_opens_a_ticket_and_is_confirmed_with_a_clock_time_J1(desk):
    mail = a_mail(subject="Prio 2: Skrivaren står still")
    desk.get(mail, "2026-11-20 16:30")
    (confirmation,) = desk.mailer.to("bo@acme.se")
    assert "måndag 23 november kl. 08:30" in text_of(confirmation)
    assert header_of(confirmation, "Subject").startswith("[#1001]")


def test_the_engineers_answer_reaches_the_customer_without_its_tag_C13_D8(desk):
    desk.get(a_mail(), "2026-11-20 09:00")
    (notice,) = desk.mailer.to("anna@example.se")
    desk.get(
        an_engineers_mail("Hej Bo!\n\nNu går den.\n\n[tid: 1,5h]\n", reply_to=notice),
        "2026-11-20 09:30",
    )
    answer = desk.mailer.to("bo@acme.se")[-1]
    assert "Nu går den." in text_of(answer)
    assert b"[tid" not in answer
    with desk.desk.store.reading() as tx:
        customer = register.customer_by_key(tx, "acme")
        (entry,) = ledger.of_customer(tx, customer.id)
        ticket = tickets.by_number(tx, 1001)
        (clock,) = tickets.clock_rows(tx, [ticket.id])
    assert entry.actual == 90
    assert (clock.result, clock.used_minutes) == ("met", 30)


def test_the_month_closes_to_the_oere_G3_H4(desk, tmp_path):
    desk.get(a_mail("cia@beta.se", "Rapporten är tom"), "2026-11-05 09:00")
    (notice,) = desk.mailer.to("anna@example.se")
    desk.get(
        an_engineers_mail("Klart.\n[tid: 3h20m 2026-11-05]\n", reply_to=notice), "2026-11-05 15:00"
    )
    desk.get(an_engineers_mail("Mer.\n[tid: 1,5h]\n", reply_to=notice), "2026-11-06 15:00")
    receipt = desk.mailer.to("anna@example.se")[-1]
    assert "51 min" in text_of(receipt)
    drafts = FileDrafts(tmp_path / "drafts")
    desk.close("2026-12-01 06:00", drafts)
    with desk.desk.store.reading() as tx:
        found = {f.customer_key: f for f in statements.listing(tx, month="2026-11")}
    assert str(found["beta"].net) == "3756.50"
    assert found["beta"].state == "pushed"
    (mail,) = desk.mailer.to("ekonomi@example.se")
    assert "3 756,50 kr" in text_of(mail)
    assert json.loads(next((tmp_path / "drafts").glob("*AVT-beta-2026-11.json")).read_text())
    again = closing.close_due_month(desk.desk, instant("2026-12-01 06:00"))
    assert not again
