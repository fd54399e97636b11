"""Which ticket a message joins, who takes part, who may say so (D1–D8)."""

import pytest

from daemon.store.mail import inbox
from daemon.store.money import ledger, register
from daemon.store.tickets import tickets
from tests.builders import (
    REGISTER,
    SETTINGS,
    a_desk,
    a_mail,
    an_engineers_mail,
    dated,
    header_of,
    text_of,
)

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


def outcomes(desk):
    with desk.desk.store.reading() as tx:
        return [row.outcome for row in inbox.listing(tx)]


# --- reply ids (D3) ---------------------------------------------------------------------------

PLUS = SETTINGS.replace("operators", 'reply_address = "plus"\noperators')


@pytest.fixture
def plus(store, tmp_path):
    return a_desk(store, tmp_path, settings=PLUS)


def reply_address(raw):
    return header_of(raw, "Reply-To").rpartition("<")[2].rstrip(">")


@pytest.mark.parametrize("change", [str, str.upper, str.lower])
def test_the_reply_address_finds_the_ticket_where_headers_are_stripped_D3(plus, change):
    plus.get(a_mail(), MORNING)
    to = change(reply_address(plus.mailer.to("bo@acme.se")[0]))
    plus.get(a_mail(subject="Helt nytt ämne", text="Mer info", to=to), "2026-11-20 09:30")
    assert ticket(plus, 1002) is None
    assert said(plus)[-1].text == "Mer info"


def test_a_reply_to_a_receipt_without_headers_stays_inside_D8(plus):
    plus.get(a_mail(), MORNING)
    first = plus.mailer.to("anna@example.se")[0]
    plus.get(an_engineers_mail("Nu går den. [tid: 1h]", reply_to=first), "2026-11-20 10:00")
    receipt = plus.mailer.to("anna@example.se")[-1]
    before = len(plus.mailer.to("bo@acme.se"))
    reply = an_engineers_mail("Oj, fel tid.", to=reply_address(receipt), subject="SV: Kvitto")
    plus.get(reply, "2026-11-20 10:05")
    undo = an_engineers_mail("[ångra]", to=reply_address(receipt), subject="SV: Kvitto")
    plus.get(undo, "2026-11-20 10:06")
    assert len(plus.mailer.to("bo@acme.se")) == before
    assert sum(each.actual for each in entries(plus)) == 0


def test_a_held_message_is_released_through_the_reply_address_too_D1(plus):
    plus.get(a_mail(), MORNING)
    first = plus.mailer.to("anna@example.se")[0]
    held = a_mail("anna@example.se", "SV: x", "Nu går den. [tid: 1h]", reply_to=first)
    plus.get(held, "2026-11-20 10:00")
    to = reply_address(plus.mailer.to("anna@example.se")[-1])
    plus.get(a_mail("anna@example.se", "Ja", "ja", to=to), "2026-11-20 10:05")
    assert [each.actual for each in entries(plus)] == [60]


def test_a_reply_id_of_one_ticket_cannot_be_made_into_anothers_D3(desk, notice):
    confirmation = header_of(desk.mailer.to("bo@acme.se")[0], "Message-ID")
    desk.get(a_mail("eva@acme.se", "Annat", "Annat"), "2026-11-20 09:10")
    forged = confirmation.replace("t1001.", "t1002.")
    desk.get(
        a_mail("siv@gmail.com", "SV", "Hej", headers=[("In-Reply-To", forged)]), "2026-11-20 09:30"
    )
    assert ticket(desk, 1003).requester == "siv@gmail.com"


def test_the_last_of_references_finds_the_ticket_where_the_reply_is_to_a_colleague_D3(desk, notice):
    confirmation = header_of(desk.mailer.to("bo@acme.se")[0], "Message-ID")
    headers = [("In-Reply-To", "<eva1@acme.se>"), ("References", f"{confirmation} <eva1@acme.se>")]
    desk.get(a_mail("eva@acme.se", "SV: x", "Håller med", headers=headers), "2026-11-20 09:30")
    assert said(desk)[-1].text == "Håller med"
    assert side(desk) == {"bo@acme.se": False, "eva@acme.se": False}


@pytest.mark.parametrize(
    ("sender", "joins"),
    [
        ("bo@acme.se", True),
        ("eva@acme.se", True),
        ("cia@beta.se", False),
        ("siv@gmail.com", False),
        ("eva@sub.acme.se", False),
        ("anna@example.se", True),
    ],
)
def test_a_number_in_the_subject_is_believed_from_those_concerned_alone_D3(
    desk, notice, sender, joins
):
    make = an_engineers_mail if sender.endswith("example.se") else None
    mail = (
        make("Nu går den.", subject="[#1001] hej")
        if make
        else a_mail(sender, "SV: [#1001] hej", "Vad säger ni? Prio 1", reply_to=None)
    )
    before = [(each.text, each.author) for each in said(desk)]
    desk.get(mail, "2026-11-20 09:30")
    assert (ticket(desk, 1002) is None) == joins
    if not joins:
        assert [(each.text, each.author) for each in said(desk)] == before
        assert ticket(desk).priority == 3
        for raw in desk.mailer.to(sender):
            assert "Skrivaren" not in text_of(raw)


def test_a_silent_stranger_does_not_count_as_one_who_takes_part_D3(desk, notice):
    confirmation = desk.mailer.to("bo@acme.se")[0]
    desk.get(a_mail("siv@gmail.com", "SV", "Hej", reply_to=confirmation), "2026-11-20 09:10")
    desk.get(a_mail("siv@gmail.com", "[#1001] igen", "Hej igen"), "2026-11-20 09:20")
    assert ticket(desk, 1002).requester == "siv@gmail.com"


def test_an_outsider_in_the_thread_moves_no_clock_level_or_state_D3(desk, notice):
    confirmation = desk.mailer.to("bo@acme.se")[0]
    desk.get(an_engineers_mail("Väntar. [vänta]", reply_to=notice), "2026-11-20 09:05")
    desk.get(
        a_mail("cia@beta.se", "SV", "Prio 1\n\nAkut!", reply_to=confirmation), "2026-11-20 09:10"
    )
    assert (ticket(desk).status, ticket(desk).priority) == ("waiting", 3)
    assert side(desk) == {"bo@acme.se": False, "cia@beta.se": True}
    assert "annan kund" in text_of(desk.mailer.to("anna@example.se")[-1])
    desk.get(an_engineers_mail("[klar] [intern]", reply_to=notice), "2026-11-20 09:20")
    desk.get(a_mail("cia@beta.se", "SV", "Hallå där?", reply_to=confirmation), "2026-11-20 09:30")
    assert ticket(desk).status == "closed"
    assert desk.mailer.to("cia@beta.se") == []


def test_an_engineer_who_answers_the_customers_own_mail_is_understood_D8(desk):
    original = a_mail(cc="anna@example.se", message_id="<bo1@acme.se>")
    desk.get(original, MORNING)
    before = len(desk.mailer.to("bo@acme.se"))
    direct = an_engineers_mail(
        "Nu går den. [tid: 30m]",
        to="bo@acme.se",
        cc="support@example.se",
        reply_to=original,
        subject="SV: Skrivaren står still",
    )
    desk.get(direct, "2026-11-20 10:00")
    assert len(desk.mailer.to("bo@acme.se")) == before
    assert [each.actual for each in entries(desk)] == [30]
    assert ticket(desk).assignee_id is not None


def test_who_did_not_get_the_direct_answer_gets_it_from_the_desk_D8(desk):
    desk.get(a_mail(cc="eva@acme.se"), MORNING)
    notice = desk.mailer.to("anna@example.se")[0]
    before = len(desk.mailer.to("bo@acme.se"))
    desk.get(
        an_engineers_mail("Nu går den.", reply_to=notice, cc="eva@acme.se"), "2026-11-20 10:00"
    )
    assert len(desk.mailer.to("bo@acme.se")) == before + 1
    assert desk.mailer.to("eva@acme.se") == []


# --- one mail, several addresses (B3, D4) -----------------------------------------------------


def test_the_same_mail_to_two_of_our_addresses_has_one_effect_B3(desk):
    both = dated(a_mail(to="support@example.se, helpdesk@example.se"), MORNING)
    first = b"Delivered-To: support@example.se\r\n" + both.replace(b"\n", b"\r\n")
    second = b"Delivered-To: helpdesk@example.se\r\n" + both.replace(b"\n", b"\r\n")
    desk.get(first, MORNING)
    desk.get(second, "2026-11-20 09:01")
    assert ticket(desk, 1002) is None
    assert len(desk.mailer.to("bo@acme.se")) == 1


def test_the_desk_as_a_blind_copy_does_not_betray_itself_D4(desk):
    desk.get(a_mail(to="eva@acme.se", cc="chef@acme.se"), MORNING)
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("Nu går den.", reply_to=notice), "2026-11-20 10:00")
    assert {address for address, _ in desk.mailer.sent if "acme" in address} == {"bo@acme.se"}


def test_our_own_addresses_and_people_never_become_the_customers_side_D4(desk, notice):
    confirmation = desk.mailer.to("bo@acme.se")[0]
    copied = "helpdesk@example.se, support+x@example.se, erik@example.se, eva@acme.se"
    desk.get(a_mail(subject="SV", text="Hej", cc=copied, reply_to=confirmation), "2026-11-20 09:30")
    assert set(side(desk)) == {"bo@acme.se", "eva@acme.se"}


def test_an_engineer_of_the_customers_own_domain_is_not_its_colleague_D4(store, tmp_path):
    inhouse = REGISTER.replace('domains = ["acme.se"]', 'domains = ["acme.se", "example.se"]')
    desk = a_desk(store, tmp_path, register=inhouse)
    desk.get(a_mail(cc="erik@example.se, eva@acme.se"), MORNING)
    assert set(side(desk)) == {"bo@acme.se", "eva@acme.se"}


# --- people (D1) ------------------------------------------------------------------------------

ALIASED = REGISTER.replace(
    'email = "anna@example.se"', 'email = "anna@example.se"\naliases = ["anna.s@konsult.se"]'
)
OFFICE = """
[[engineers]]
name = "Fia Ros"
email = "fia@example.se"
roles = ["finance"]

"""


def test_an_alias_writes_and_the_registered_address_is_told_D1(store, tmp_path):
    desk = a_desk(store, tmp_path, register=ALIASED)
    desk.get(a_mail(), MORNING)
    notice = desk.mailer.to("anna@example.se")[0]
    alias = "Anna <anna.s@konsult.se>"
    desk.get(
        an_engineers_mail("Klart. [tid: 1h]", sender=alias, reply_to=notice), "2026-11-20 10:00"
    )
    assert [each.actual for each in entries(desk)] == [60]
    assert header_of(desk.mailer.to("anna@example.se")[-1], "Subject").count("[#1001]")
    assert desk.mailer.to("anna.s@konsult.se") == []
    assert '"Anna Svensson (' in header_of(desk.mailer.to("bo@acme.se")[-1], "From")


def test_an_alias_needs_the_proof_of_its_own_domain_D1(store, tmp_path):
    desk = a_desk(store, tmp_path, register=ALIASED)
    desk.get(a_mail(), MORNING)
    notice = desk.mailer.to("anna@example.se")[0]
    forged = a_mail(
        "anna.s@konsult.se",
        "SV",
        "[tid: 1h]",
        reply_to=notice,
        proof="mx.example.se; dmarc=pass header.from=example.se",
    )
    desk.get(forged, "2026-11-20 10:00")
    assert entries(desk) == []
    assert outcomes(desk)[0] == "held"


def test_an_alias_at_the_customers_domain_counts_as_the_engineer_D1(store, tmp_path):
    both = ALIASED.replace("anna.s@konsult.se", "anna@acme.se")
    desk = a_desk(store, tmp_path, register=both)
    desk.get(a_mail("anna@acme.se", text="Hej [tid: 1h]"), MORNING)
    assert outcomes(desk) == ["held"]
    assert desk.mailer.to("anna@acme.se") == []
    assert len(desk.mailer.to("anna@example.se")) == 1


def test_who_has_left_the_desk_is_nobody_D1(desk, notice):
    import dataclasses

    with desk.desk.store.writing() as tx:
        erik = register.person_by_address(tx, "erik@example.se")
        register.keep_person(tx, dataclasses.replace(erik, active=False))
    before = len(desk.mailer.to("bo@acme.se"))
    mail = an_engineers_mail(
        "Betala. [tid: 9h] [klar]", sender="Erik <erik@example.se>", reply_to=notice
    )
    desk.get(mail, "2026-11-20 10:00")
    assert entries(desk) == []
    assert ticket(desk).status == "open"
    assert len(desk.mailer.to("bo@acme.se")) == before
    assert len(desk.mailer.to("erik@example.se")) == 1  # the notice from before


def test_a_contact_who_has_left_gets_no_more_answers_D2(desk):
    import dataclasses

    with desk.desk.store.writing() as tx:
        acme = register.customer_by_key(tx, "acme")
        (bo,) = register.contacts_of(tx, acme.id)
        register.keep_contact(tx, dataclasses.replace(bo, id=0, email="siv@gmail.com", name="Siv"))
    desk.get(a_mail("siv@gmail.com", cc="eva@acme.se"), MORNING)
    notice = desk.mailer.to("anna@example.se")[0]
    with desk.desk.store.writing() as tx:
        left = next(
            each for each in register.contacts_of(tx, acme.id) if each.email == "siv@gmail.com"
        )
        register.keep_contact(tx, dataclasses.replace(left, active=False))
    before = len(desk.mailer.to("siv@gmail.com"))
    desk.get(an_engineers_mail("Nu går den.", reply_to=notice), "2026-11-20 10:00")
    assert len(desk.mailer.to("siv@gmail.com")) == before
    assert len(desk.mailer.to("eva@acme.se")) == 1


@pytest.fixture
def office(store, tmp_path):
    return a_desk(store, tmp_path, register=OFFICE + REGISTER)


def test_finance_writes_notes_and_neither_answers_nor_books_D8(office):
    office.get(a_mail(), MORNING)
    before = len(office.mailer.to("bo@acme.se"))
    mail = an_engineers_mail(
        "Hej Bo! [tid: 1h] [klar]", sender="Fia Ros <fia@example.se>", subject="[#1001] x"
    )
    office.get(mail, "2026-11-20 10:00")
    assert len(office.mailer.to("bo@acme.se")) == before
    assert entries(office) == []
    assert ticket(office).status == "open"
    assert said(office)[-1].internal
    assert "teknikerna" in text_of(office.mailer.to("fia@example.se")[-1])
    with office.desk.store.reading() as tx:
        (clock,) = tickets.clock_rows(tx, [ticket(office).id])
    assert clock.result == "running"


def test_finance_opens_no_tickets_for_customers_D6(office):
    mail = an_engineers_mail("[för: bo@acme.se] Hej", sender="fia@example.se", subject="x")
    office.get(mail, MORNING)
    assert ticket(office) is None
    assert office.mailer.to("bo@acme.se") == []
    told = text_of(office.mailer.to("fia@example.se")[-1])
    assert "hör inte till något ärende" in told
    assert "sparat" not in told


# --- what a reply to our own mail means -------------------------------------------------------


@pytest.mark.parametrize("stripped", [False, True])
def test_words_in_reply_to_a_receipt_never_reach_the_customer_D8(desk, notice, stripped):
    desk.get(an_engineers_mail("Nu går den. [tid: 1h]", reply_to=notice), "2026-11-20 10:00")
    receipt = desk.mailer.to("anna@example.se")[-1]
    before = len(desk.mailer.to("bo@acme.se"))
    reply = an_engineers_mail(
        "Det var visst mer, han är besvärlig.",
        subject=f"SV: {plain_subject(receipt)}",
        reply_to=None if stripped else receipt,
    )
    desk.get(reply, "2026-11-20 10:05")
    assert len(desk.mailer.to("bo@acme.se")) == before
    told = " ".join(text_of(desk.mailer.to("anna@example.se")[-1]).split())
    assert "inget gick till kunden" in told
    assert said(desk)[-1].internal


def plain_subject(raw):
    from email.header import decode_header, make_header

    return str(make_header(decode_header(header_of(raw, "Subject"))))


def test_a_customer_whose_subject_is_a_receipt_is_answered_as_any_other_D8(desk):
    desk.get(a_mail(subject="Kvitto: saknas för november"), MORNING)
    mail = an_engineers_mail("Här är det.", subject="SV: [#1001] Kvitto: saknas för november")
    desk.get(mail, "2026-11-20 10:00")
    assert "Här är det." in text_of(desk.mailer.to("bo@acme.se")[-1])
