"""What an engineer's mail does: relay, tags, time, receipts, proof (C9–C14, D1, D6–D8, E1, G)."""

import datetime as dt

import pytest

from daemon.store.money import ledger, register
from daemon.store.tickets import holds, tickets
from tests.builders import a_mail, an_engineers_mail, header_of, instant, text_of

MORNING = "2026-11-20 09:00"


@pytest.fixture
def notice(desk):
    """The notice of an Alert! customer's ticket, in the engineers' hands."""
    desk.get(a_mail(), MORNING)
    return desk.mailer.to("anna@example.se")[0]


def answer(desk, text, at="2026-11-20 10:00", **more):
    desk.get(an_engineers_mail(text, **more), at)
    return desk.mailer


def entries(desk, key="acme"):
    with desk.desk.store.reading() as tx:
        return ledger.of_customer(tx, register.customer_by_key(tx, key).id)


def ticket(desk, number=1001):
    with desk.desk.store.reading() as tx:
        return tickets.by_number(tx, number)


def response(desk):
    with desk.desk.store.reading() as tx:
        return tickets.clock_rows(tx, [tickets.by_number(tx, 1001).id])[0]


def last_receipt(desk, to="anna@example.se"):
    return text_of(desk.mailer.to(to)[-1])


def test_the_answer_comes_from_the_desk_with_the_engineers_name_D8(desk, notice):
    answer(desk, "Nu går den.\n", reply_to=notice)
    sent = desk.mailer.to("bo@acme.se")[-1]
    assert header_of(sent, "From") == '"Anna Svensson (Exempel Support)" <support@example.se>'
    assert header_of(sent, "Subject").count("[#1001]") == 1
    assert header_of(sent, "Auto-Submitted") == ""


@pytest.mark.parametrize(
    "tag",
    [
        "[tid: 1,5h]",
        "[TID: 15]",
        "[tid 1,5h]",
        "[time: 90m; mötet]",
        "[klar]",
        "[prio: 2]",
    ],
)
def test_no_tag_right_or_wrong_reaches_the_customer_C13(desk, notice, tag):
    answer(desk, f"Hej Bo, nu går den.\n\n{tag}\n\nMvh Anna\n", reply_to=notice)
    for raw in desk.mailer.to("bo@acme.se")[1:]:
        if header_of(raw, "From").startswith('"Anna'):
            assert tag not in text_of(raw)


def test_a_tag_in_the_subject_is_cut_refused_and_books_nothing_C13(desk, notice):
    answer(desk, "Nu går den.\n", reply_to=notice, subject="SV: [#1001] skrivaren [tid: 2h]")
    assert entries(desk) == []
    assert "tid: 2h" not in header_of(desk.mailer.to("bo@acme.se")[-1], "Subject")
    assert "ämnesrad" in last_receipt(desk)


def test_time_without_a_unit_is_refused_with_the_right_form_and_the_answer_goes_C10(desk, notice):
    answer(desk, "Nu går den.\n[tid: 15]\n", reply_to=notice)
    assert entries(desk) == []
    assert "Enheten saknas" in last_receipt(desk)
    assert "Nu går den." in text_of(desk.mailer.to("bo@acme.se")[-1])


def test_several_tags_are_several_entries_in_their_order_C12(desk, notice):
    answer(desk, "[tid: 1h]\nNu går den.\n[tid: 30m igår; felsökning]\n", reply_to=notice)
    assert [(e.actual, e.worked_on.day, e.ordinal) for e in entries(desk)] == [
        (30, 19, 2),
        (60, 20, 1),
    ]


def test_an_internal_note_stays_inside_and_books_its_time_D8(desk, notice):
    before = len(desk.mailer.to("bo@acme.se"))
    answer(desk, "[intern] [tid: 20m]\nKunden har fel version.\n", reply_to=notice)
    assert len(desk.mailer.to("bo@acme.se")) == before
    assert [e.actual for e in entries(desk)] == [20]
    assert response(desk).result == "running"


def test_a_bracket_that_is_nearly_internal_stops_the_answer_until_ok_C9(desk, notice):
    before = len(desk.mailer.to("bo@acme.se"))
    answer(desk, "[inter]\nKunden har fel version.\n", reply_to=notice)
    assert len(desk.mailer.to("bo@acme.se")) == before
    receipt = desk.mailer.to("anna@example.se")[-1]
    answer(desk, "OK\n", at="2026-11-20 10:05", reply_to=receipt, subject="SV: kvitto")
    assert "fel version" in text_of(desk.mailer.to("bo@acme.se")[-1])
    assert len(desk.mailer.to("bo@acme.se")) == before + 1


@pytest.mark.parametrize(
    "word", ["(intern)", "{Intern}", "intern: ", "INTERNAL: ", "\n (internt) "]
)
def test_the_word_in_another_shape_stops_the_answer_as_well_C9(desk, notice, word):
    before = len(desk.mailer.to("bo@acme.se"))
    answer(desk, f"{word}\nKunden har fel version.\n", reply_to=notice)
    assert len(desk.mailer.to("bo@acme.se")) == before
    assert "liknar taggen" in last_receipt(desk)


@pytest.mark.parametrize("text", ["Vårt interna nät (intern drift) är nere.", "Se intern: 4711."])
def test_the_word_in_running_text_stops_nothing_C9(desk, notice, text):
    answer(desk, text, reply_to=notice)
    assert text in text_of(desk.mailer.to("bo@acme.se")[-1])


def with_file(text, notice, **more):
    from email import message_from_bytes, policy

    mail = message_from_bytes(
        an_engineers_mail(text, reply_to=notice, **more), policy=policy.default
    )
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="guide.pdf")
    return mail.as_bytes()


def test_a_file_without_a_word_is_an_answer_D8(desk, notice):
    desk.get(with_file("\n", notice), "2026-11-20 09:40")
    sent = desk.mailer.to("bo@acme.se")[-1]
    assert b"guide.pdf" in sent
    assert response(desk).used_minutes == 40


@pytest.mark.parametrize("text", ["\n", "[tid: 1h]\n"])
def test_a_mail_without_a_word_for_the_customer_goes_nowhere_and_says_so(desk, notice, text):
    before = len(desk.mailer.to("bo@acme.se"))
    mail = with_file(text, notice) if "tid" in text else an_engineers_mail(text, reply_to=notice)
    desk.get(mail, "2026-11-20 09:40")
    assert len(desk.mailer.to("bo@acme.se")) == before
    assert "ingen text till kunden" in last_receipt(desk)
    assert response(desk).result == "running"


def test_the_clock_stops_at_the_receipt_of_the_accepted_answer_E1(desk, notice):
    desk.receive(an_engineers_mail("Nu går den.\n", reply_to=notice), "2026-11-20 09:40")
    desk.work("2026-11-20 13:00")  # sent much later
    clock = response(desk)
    assert (clock.result, clock.used_minutes) == ("met", 40)


def test_the_first_who_answers_becomes_assignee_and_gets_what_comes_D8(desk, notice):
    answer(desk, "Nu går den.\n", reply_to=notice)
    sent = desk.mailer.to("bo@acme.se")[-1]
    before = len(desk.mailer.to("erik@example.se"))
    desk.get(a_mail(subject="SV: x", text="Den stannade.", reply_to=sent), "2026-11-20 11:00")
    assert len(desk.mailer.to("erik@example.se")) == before
    assert "Den stannade." in text_of(desk.mailer.to("anna@example.se")[-1])


def test_an_engineer_who_writes_to_the_customer_with_the_desk_in_cc_is_not_relayed_D8(desk, notice):
    before = len(desk.mailer.to("bo@acme.se"))
    answer(
        desk, "Nu går den.\n[tid: 30m]\n", reply_to=notice, to="bo@acme.se", cc="support@example.se"
    )
    assert len(desk.mailer.to("bo@acme.se")) == before
    assert response(desk).result == "met"
    assert [e.actual for e in entries(desk)] == [30]


# --- proof (D1) -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "proof",
    [
        None,
        "mx.example.se; dmarc=fail header.from=example.se",
        "mx.evil.se; dmarc=pass header.from=example.se",
        "mx.example.se; dmarc=pass header.from=evil.se",
    ],
)
def test_without_proof_a_message_is_held_and_its_address_asked_D1(desk, notice, proof):
    before = len(desk.mailer.to("bo@acme.se"))
    forged = a_mail(
        "Anna Svensson <anna@example.se>",
        "SV: x",
        "Fakturera.\n[tid: 9h]\n",
        reply_to=notice,
        proof=proof,
    )
    desk.get(forged, "2026-11-20 10:00")
    assert entries(desk) == []
    assert len(desk.mailer.to("bo@acme.se")) == before
    request = desk.mailer.to("anna@example.se")[-1]
    assert "Fakturera." in text_of(request)


def test_a_reply_to_the_request_releases_the_message_once_with_its_receipt_time_D1(desk, notice):
    held = a_mail(
        "Anna Svensson <anna@example.se>", "SV: x", "Nu går den.\n[tid: 1h]\n", reply_to=notice
    )
    desk.get(held, "2026-11-20 10:00")
    request = desk.mailer.to("anna@example.se")[-1]
    yes = a_mail("anna@example.se", "SV: bekräfta", "ja", reply_to=request)
    desk.get(yes, "2026-11-23 08:00")
    assert [(e.actual, e.worked_on) for e in entries(desk)] == [(60, dt.date(2026, 11, 20))]
    assert (response(desk).result, response(desk).used_minutes) == ("met", 60)
    again = a_mail("anna@example.se", "SV: bekräfta", "ja igen", reply_to=request)
    desk.get(again, "2026-11-23 08:01")
    assert len(entries(desk)) == 1


def test_an_out_of_office_to_the_request_releases_nothing_D1(desk, notice):
    held = a_mail("anna@example.se", "SV: x", "[tid: 1h]\nHej", reply_to=notice)
    desk.get(held, "2026-11-20 10:00")
    request = desk.mailer.to("anna@example.se")[-1]
    away = a_mail(
        "anna@example.se",
        "Autosvar",
        "Borta.",
        reply_to=request,
        headers=[("Auto-Submitted", "auto-replied")],
    )
    desk.get(away, "2026-11-20 10:01")
    assert entries(desk) == []


# --- held time, corrections, undoing ----------------------------------------------------------


@pytest.mark.parametrize("tag", ["[tid: 13h]", "[tid: 2h 2026-09-01]"])
def test_doubtful_time_waits_for_an_ok_with_proof_C11(desk, notice, tag):
    answer(desk, f"Nu går den.\n{tag}\n", reply_to=notice)
    assert entries(desk) == []
    receipt = desk.mailer.to("anna@example.se")[-1]
    answer(desk, "OK\n", at="2026-11-20 10:05", reply_to=receipt, subject="SV: kvitto")
    (entry,) = entries(desk)
    assert entry.received_at.astimezone(dt.UTC).hour == 9  # as received when it was written
    with desk.desk.store.reading() as tx:
        assert holds.held_time(tx, dt.date(2026, 12, 1)) == []


def test_more_than_24_hours_on_one_day_waits_C11(desk, notice):
    answer(desk, "a\n[tid: 12h]\n[tid: 12h]\n[tid: 30m]\n", reply_to=notice)
    assert [e.actual for e in entries(desk)] == [720, 720]


def test_a_future_date_is_refused_C11(desk, notice):
    answer(desk, "a\n[tid: 1h 2026-11-21]\n", reply_to=notice)
    assert entries(desk) == []
    assert "framtid" in last_receipt(desk)


def test_a_correction_lowers_the_latest_entries_first_G4(desk, notice):
    answer(desk, "a\n[tid: 1h]\n[tid: 30m]\n", reply_to=notice)
    answer(desk, "[intern] [tid: -45m]\n", at="2026-11-20 11:00", reply_to=notice)
    assert sorted(e.actual for e in entries(desk)) == [0, 45]


def test_a_correction_of_more_than_is_booked_is_refused_whole_G4(desk, notice):
    answer(desk, "a\n[tid: 1h]\n", reply_to=notice)
    answer(desk, "[intern] [tid: −2h]\n", at="2026-11-20 11:00", reply_to=notice)
    assert [e.actual for e in entries(desk)] == [60]
    assert "mer än" in last_receipt(desk)


def test_undo_by_reply_to_the_receipt_takes_back_what_it_booked_C14(desk, notice):
    answer(desk, "a\n[tid: 1h]\n[tid: 30m]\n", reply_to=notice)
    receipt = desk.mailer.to("anna@example.se")[-1]
    before = len(desk.mailer.to("bo@acme.se"))
    answer(desk, "[ångra]\n", at="2026-11-20 11:00", reply_to=receipt)
    assert sum(e.actual for e in entries(desk)) == 0
    assert len(desk.mailer.to("bo@acme.se")) == before


def test_undoing_a_correction_gives_the_time_back_C14(desk, notice):
    answer(desk, "a\n[tid: 1h]\n", reply_to=notice)
    answer(desk, "[intern] [tid: -30m]\n", at="2026-11-20 11:00", reply_to=notice)
    receipt = desk.mailer.to("anna@example.se")[-1]
    answer(desk, "[ångra]\n", at="2026-11-20 11:05", reply_to=receipt)
    assert [e.actual for e in entries(desk)] == [60]


def test_the_receipt_tells_bank_before_and_after_C14(desk, notice):
    answer(desk, "a\n[tid: 1,5h]\n", reply_to=notice)
    says = last_receipt(desk)
    assert "15 h" in says
    assert "13 h 30 min" in says


def test_unbillable_time_is_shown_and_draws_nothing_C10(desk, notice):
    answer(desk, "a\n[tid: 1h ej deb]\n", reply_to=notice)
    (entry,) = entries(desk)
    assert (entry.actual, entry.billable, entry.counts) == (60, 0, False)


# --- D6, D7 -----------------------------------------------------------------------------------


def test_a_phone_call_becomes_a_ticket_for_the_customer_D6(desk):
    answer(
        desk,
        "[för: bo@acme.se] [tid: 15m]\nVi pratade om skrivaren i telefon.\n",
        at=MORNING,
        subject="Skrivaren",
    )
    assert ticket(desk).requester == "bo@acme.se"
    confirmation = desk.mailer.to("bo@acme.se")[0]
    assert "Vi pratade om skrivaren" in text_of(confirmation)
    assert response(desk).result == "running"
    assert [e.actual for e in entries(desk)] == [15]


def test_start_in_it_stops_the_clock_D6(desk):
    answer(desk, "[för: bo@acme.se] [start]\nJag börjar nu.\n", at=MORNING, subject="Skrivaren")
    assert response(desk).result == "met"


def test_without_the_tag_the_receipt_asks_for_it_D6(desk):
    answer(desk, "Vi pratade i telefon. [tid: 15m]\n", at=MORNING, subject="Samtal")
    assert ticket(desk) is None
    assert entries(desk) == []
    assert "för:" in last_receipt(desk)


def test_a_reply_to_that_receipt_names_the_customer_and_the_first_mail_counts_D6(desk):
    answer(desk, "Vi pratade i telefon. [tid: 15m]\n", at=MORNING, subject="Samtal")
    asked = desk.mailer.to("anna@example.se")[-1]
    answer(desk, "[för: bo@acme.se]\n", at="2026-11-20 11:00", reply_to=asked, subject="SV: kvitto")
    assert ticket(desk).requester == "bo@acme.se"
    assert ticket(desk).opened_at == instant(MORNING)
    assert "Vi pratade i telefon." in text_of(desk.mailer.to("bo@acme.se")[0])
    assert [e.actual for e in entries(desk)] == [15]
    assert "1001" in last_receipt(desk)


def test_only_engineers_open_tickets_for_others_D6(desk):
    desk.get(a_mail(text="[för: cia@beta.se] Hej"), MORNING)
    assert ticket(desk).requester == "bo@acme.se"


def test_placing_a_ticket_moves_its_time_to_the_customer_D7(desk):
    desk.get(a_mail("siv@gmail.com", "Hjälp"), MORNING)
    (notice,) = desk.mailer.to("anna@example.se")
    answer(desk, "Vi tittar.\n[tid: 1h]\n", reply_to=notice)
    assert entries(desk) == []
    answer(desk, "[kund: acme]\n", at="2026-11-20 11:00", reply_to=notice)
    assert [(e.actual, e.billable) for e in entries(desk)] == [(60, 60)]
    with desk.desk.store.reading() as tx:
        assert ledger.unplaced(tx) == []


def test_merging_moves_messages_time_and_both_numbers_work_D7(desk, notice):
    answer(desk, "a\n[tid: 30m]\n", reply_to=notice)
    desk.get(a_mail(subject="Samma sak", text="Skrivaren igen"), "2026-11-20 10:30")
    second = desk.mailer.to("anna@example.se")[-1]
    answer(desk, "[slå ihop: 1001] [intern] [tid: 15m]\n", at="2026-11-20 11:00", reply_to=second)
    assert ticket(desk, 1002).status == "merged"
    with desk.desk.store.reading() as tx:
        assert sum(b.entry.actual for b in ledger.on_ticket(tx, ticket(desk).id)) == 45
    desk.get(a_mail(subject="SV: [#1002] Samma sak", text="Hallå?"), "2026-11-20 12:00")
    with desk.desk.store.reading() as tx:
        assert "Hallå?" in tickets.said(tx, ticket(desk).id)[-1].text


@pytest.mark.parametrize("tag", ["tilldela: Erik", "prio: 2", "klar", "kund: acme"])
def test_what_is_so_already_is_told_nobody_again(desk, notice, tag):
    answer(desk, f"[{tag}] [intern]", reply_to=notice)
    before = len(desk.mailer.sent)
    answer(desk, f"[{tag}] [intern] igen", reply_to=notice, at="2026-11-20 10:30")
    told = [(to, text_of(raw)) for to, raw in desk.mailer.sent[before:]]
    assert not [to for to, _ in told if to.endswith("acme.se")]
    assert f"Taggen {tag} ändrade inget." in told[-1][1]
    assert not [text for _, text in told if "gett dig ärendet" in text]


@pytest.mark.parametrize("tag", ["öppna", "vänta"])
def test_a_tag_that_changes_nothing_does_not_say_that_it_has(desk, notice, tag):
    answer(desk, "[klar]" if tag == "vänta" else "[intern] Hm.", reply_to=notice)
    answer(desk, f"[{tag}]", reply_to=notice, at="2026-11-20 10:30")
    assert f"Taggen {tag} ändrade inget." in last_receipt(desk)


def test_time_for_a_customer_without_agreement_is_billed_not_beyond_a_bank_F3(desk):
    desk.get(a_mail("eve@delta.se", "Report"), MORNING)
    answer(desk, "Done. [tid: 1h]", reply_to=desk.mailer.to("anna@example.se")[0])
    assert "Debiteras:  1 h, löpande" in last_receipt(desk)
    assert "imbank" not in last_receipt(desk)


@pytest.mark.parametrize("reply", [True, False])
def test_the_card_of_tags_comes_with_or_without_a_ticket_C9(desk, notice, reply):
    answer(desk, "[hjälp]\n", **({"reply_to": notice} if reply else {}))
    cards = [each for each in desk.mailer.to("anna@example.se") if "slå ihop" in text_of(each)]
    assert len(cards) == 1
