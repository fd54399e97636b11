"""What people do by mail beside asking and answering: balance, card, digest, absence, hard mail."""

import pytest

from daemon.store.tickets import tickets
from tests.builders import SETTINGS, a_desk, a_mail, an_engineers_mail, header_of, text_of

MORNING = "2026-11-20 09:00"


@pytest.fixture
def notice(desk):
    desk.get(a_mail(), MORNING)
    return desk.mailer.to("anna@example.se")[0]


def ticket(desk, number=1001):
    with desk.desk.store.reading() as tx:
        return tickets.by_number(tx, number)


def test_a_contact_asks_for_the_balance_by_mail_J5(desk, notice):
    desk.get(an_engineers_mail("a\n[tid: 2h]\n", reply_to=notice), "2026-11-20 10:00")
    desk.get(a_mail(subject="Saldo", text=""), "2026-11-20 11:00")
    says = text_of(desk.mailer.to("bo@acme.se")[-1])
    assert "13 h" in says
    assert "Skrivaren står still" in says
    assert ticket(desk, 1002) is None


@pytest.mark.parametrize("subject", ["balance", "SV: Saldo?", " SALDO. "])
def test_the_word_may_be_asked_in_a_few_ways_J5(desk, subject):
    desk.get(a_mail(subject=subject, text="Hej! Vad har vi kvar?\n\nHälsningar\nBo"), MORNING)
    assert ticket(desk) is None
    assert "Timbank" in text_of(desk.mailer.to("bo@acme.se")[0])


def test_what_else_stands_in_a_question_for_the_balance_is_read_J5(desk):
    text = "Fakturan visar fel saldo, och vi kan inte stänga månaden. " * 4
    desk.get(a_mail(subject="Saldo", text=text), MORNING)
    assert ticket(desk).subject == "Saldo"
    assert [header_of(raw, "Subject")[:5] for raw in desk.mailer.to("bo@acme.se")] == [
        "Saldo",
        "[#100",
    ]


def test_somebody_of_the_domain_who_is_no_contact_gets_no_balance_J5(desk):
    desk.get(a_mail("eva@acme.se", "saldo", "hej"), MORNING)
    assert ticket(desk).subject == "saldo"
    assert "Timbank" not in header_of(desk.mailer.to("eva@acme.se")[0], "Subject")


def test_help_answers_with_the_card_of_tags_C9(desk, notice):
    before = len(desk.mailer.to("bo@acme.se"))
    desk.get(an_engineers_mail("[hjälp]\n", reply_to=notice), "2026-11-20 10:00")
    assert any("slå ihop" in text_of(raw) for raw in desk.mailer.to("anna@example.se")[1:])
    assert len(desk.mailer.to("bo@acme.se")) == before


def test_closing_without_an_answer_is_told_the_customer_once(desk, notice):
    desk.get(
        an_engineers_mail("[intern] [klar]\nInget fel.\n", reply_to=notice), "2026-11-20 10:00"
    )
    told = desk.mailer.to("bo@acme.se")[1:]
    assert len(told) == 1
    assert "Inget fel." not in text_of(told[0])


def test_closing_as_spam_is_told_nobody_outside_D2(desk):
    desk.get(a_mail("siv@gmail.com", "Köp nu"), MORNING)
    notice = desk.mailer.to("anna@example.se")[0]
    sent = len(desk.mailer.to("siv@gmail.com"))
    desk.get(an_engineers_mail("[skräp]\n", reply_to=notice), "2026-11-20 10:00")
    assert ticket(desk).status == "closed"
    assert len(desk.mailer.to("siv@gmail.com")) == sent


def test_a_customer_closed_as_spam_by_mistake_is_heard_D2(desk, notice):
    desk.get(an_engineers_mail("[skräp]", reply_to=notice), "2026-11-20 10:00")
    confirmation = desk.mailer.to("bo@acme.se")[0]
    desk.get(a_mail(subject="SV", text="Hallå?", reply_to=confirmation), "2026-11-20 11:00")
    assert ticket(desk).status == "open"
    assert "Hallå?" in text_of(desk.mailer.to("erik@example.se")[-1])


def test_a_clear_signed_answer_goes_without_its_armour(desk, notice):
    signed = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHej Bo,\n- --\nnu går den.\n"
        "[tid: 1h]\n-----BEGIN PGP SIGNATURE-----\n\niQEz\n=abcd\n-----END PGP SIGNATURE-----\n"
    )
    desk.get(an_engineers_mail(signed, reply_to=notice), "2026-11-20 10:00")
    answer = text_of(desk.mailer.to("bo@acme.se")[-1])
    assert "PGP" not in answer
    assert answer.replace("\r", "").startswith("Hej Bo,\n--\nnu går den.\n")


def test_whoever_is_given_a_ticket_hears_of_it(desk, notice):
    before = len(desk.mailer.to("erik@example.se"))
    desk.get(an_engineers_mail("[tilldela: Erik] [intern]\n", reply_to=notice), "2026-11-20 10:00")
    assert len(desk.mailer.to("erik@example.se")) == before + 1


def test_an_engineer_lets_a_stranger_in_the_thread_hear_D3(desk, notice):
    confirmation = desk.mailer.to("bo@acme.se")[0]
    stranger = a_mail("siv@konsult.se", "SV: x", "Jag hjälper Bo.", reply_to=confirmation)
    desk.get(stranger, "2026-11-20 09:30")
    desk.get(an_engineers_mail("Hej!\n", reply_to=notice), "2026-11-20 10:00")
    assert desk.mailer.to("siv@konsult.se") == []
    desk.get(
        an_engineers_mail("[för: siv@konsult.se]\nHej alla!\n", reply_to=notice), "2026-11-20 10:30"
    )
    assert "Hej alla!" in text_of(desk.mailer.to("siv@konsult.se")[-1])


def test_an_encrypted_answer_is_not_relayed_and_its_writer_is_told(desk, notice):
    before = len(desk.mailer.to("bo@acme.se"))
    sealed = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n"
    desk.get(an_engineers_mail(sealed, reply_to=notice), "2026-11-20 10:00")
    assert len(desk.mailer.to("bo@acme.se")) == before
    assert "krypterat" in text_of(desk.mailer.to("anna@example.se")[-1])


def test_files_too_large_for_the_server_stay_behind_with_a_notice(store, tmp_path):
    import email
    from email import policy

    small = a_desk(
        store,
        tmp_path,
        settings=SETTINGS + '[outgoing]\nhost = "127.0.0.1"\ntls = "none"\nmax_size = "1MB"\n',
    )
    small.get(a_mail(), MORNING)
    notice = small.mailer.to("anna@example.se")[0]
    answer = email.message_from_bytes(
        an_engineers_mail("Se filen.\n", reply_to=notice), policy=policy.default
    )
    answer.add_attachment(b"x" * 1_500_000, maintype="application", subtype="zip", filename="a.zip")
    small.get(answer.as_bytes(), "2026-11-20 10:00")
    sent = small.mailer.to("bo@acme.se")[-1]
    assert len(sent) < 100_000
    assert "a.zip" in text_of(sent)
    assert "för stora att skicka vidare: a.zip" in text_of(small.mailer.to("anna@example.se")[-1])


def test_a_phone_calls_file_too_large_for_the_server_stays_behind_and_is_told_of_D6(
    store, tmp_path
):
    import email
    from email import policy

    small = a_desk(
        store,
        tmp_path,
        settings=SETTINGS + '[outgoing]\nhost = "127.0.0.1"\ntls = "none"\nmax_size = "1MB"\n',
    )
    mail = email.message_from_bytes(
        an_engineers_mail("[för: bo@acme.se] Bo ringde.", subject="Samtal"), policy=policy.default
    )
    mail.add_attachment(b"x" * 1_500_000, maintype="application", subtype="zip", filename="a.zip")
    small.get(mail.as_bytes(), MORNING)
    (confirmation,) = small.mailer.to("bo@acme.se")
    assert len(confirmation) < 100_000
    assert "a.zip" in text_of(small.mailer.to("anna@example.se")[-1])
