"""What waits for a person's word: how it is given, by whom, for how long (C9, C11, D1)."""

import pytest

from daemon.store.mail import inbox
from daemon.store.money import ledger, register
from daemon.store.tickets import holds, tickets
from parsers.assent import says_ok
from tests.builders import a_mail, an_engineers_mail, text_of

MORNING = "2026-11-20 09:00"
ERIK = "Erik Lind <erik@example.se>"


@pytest.fixture
def notice(desk):
    desk.get(a_mail(), MORNING)
    return desk.mailer.to("anna@example.se")[0]


def answer(desk, text, at="2026-11-20 10:00", **more):
    desk.get(an_engineers_mail(text, **more), at)
    return desk.mailer.to("anna@example.se")[-1]


def entries(desk, key="acme"):
    with desk.desk.store.reading() as tx:
        return ledger.of_customer(tx, register.customer_by_key(tx, key).id)


def minutes(desk):
    return sorted(each.actual for each in entries(desk) if each.actual)


def outcome(desk):
    with desk.desk.store.reading() as tx:
        return inbox.listing(tx)[0].outcome


# --- the word itself (C11) --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "OK",
        "ok",
        "Ok.",
        "OK!",
        "  ok\n",
        "Ok, kör",
        "OK: kör på",
        "*OK*",
        "_ok_",
        '"OK"',
        "OK – tack",
        "\ufeffOK",
        "OK\n\nDen fre 20 nov. skrev Exempel:\n> OK?",
        "ok tack, hej",
    ],
)
def test_ok_as_first_word_counts_in_many_shapes_C11(text):
    assert says_ok(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "> OK",
        ">OK",
        "Okej",
        "okay",
        "OK?",
        "OK-koden är fel",
        "Inte ok",
        "Nej, inte OK",
        "Hej, OK",
        "o k",
        "0K",
        "[OK]",
        "|OK",
        "OKÄND avsändare",
        "ok@acme.se",
    ],
)
def test_anything_else_does_not_C11(text):
    assert not says_ok(text)


@pytest.mark.parametrize("text", ["> OK\n", "Vad är det här?\n\nOK\n", "OK?\n"])
def test_what_is_no_ok_books_nothing_C11(desk, notice, text):
    receipt = answer(desk, "Nu går den. [tid: 13h]", reply_to=notice)
    answer(desk, text, at="2026-11-20 10:05", reply_to=receipt)
    assert entries(desk) == []


def test_an_ok_above_the_quoted_receipt_counts_C11(desk, notice):
    from tests.desk.whole.replies import a_reply

    receipt = answer(desk, "Nu går den. [tid: 13h]", reply_to=notice)
    for style in ("gmail", "outlook"):
        desk.get(a_reply(style, "OK", receipt), "2026-11-20 10:05")
    assert minutes(desk) == [780]


def test_an_ok_by_somebody_else_does_nothing_D1(desk, notice):
    receipt = answer(desk, "Nu går den. [tid: 13h]", reply_to=notice)
    sent = len(desk.mailer.sent)
    answer(desk, "OK", at="2026-11-20 10:05", reply_to=receipt, sender=ERIK)
    assert entries(desk) == []
    assert outcome(desk) == "noted"
    assert len(desk.mailer.sent) == sent
    answer(desk, "OK", at="2026-11-20 10:06", reply_to=receipt)
    assert minutes(desk) == [780]


def test_an_ok_without_proof_is_held_itself_D1(desk, notice):
    receipt = answer(desk, "Nu går den. [tid: 13h]", reply_to=notice)
    desk.get(a_mail("anna@example.se", "SV", "OK", reply_to=receipt), "2026-11-20 10:05")
    assert entries(desk) == []
    assert outcome(desk) == "held"


def test_a_second_ok_does_nothing_C11(desk, notice):
    receipt = answer(desk, "Nu går den. [inter] [tid: 13h]", reply_to=notice)
    answer(desk, "OK", at="2026-11-20 10:05", reply_to=receipt)
    sent = len(desk.mailer.sent)
    answer(desk, "OK igen", at="2026-11-20 10:06", reply_to=receipt)
    assert minutes(desk) == [780]
    assert len(desk.mailer.sent) == sent
    with desk.desk.store.reading() as tx:
        texts = [each.text for each in tickets.said(tx, tickets.by_number(tx, 1001).id)]
    assert "OK igen" not in texts


def test_tags_beside_an_ok_count_as_well_C14(desk, notice):
    receipt = answer(desk, "Nu går den. [tid: 13h]", reply_to=notice)
    answer(desk, "OK\n[tid: 5m; bekräftelsen]", at="2026-11-20 10:05", reply_to=receipt)
    assert minutes(desk) == [5, 780]


# --- held time (C11) --------------------------------------------------------------------------


def test_the_day_is_counted_with_what_waits_C11(desk, notice):
    receipt = answer(desk, "Nu går den. [tid: 13h] [tid: 12h]", reply_to=notice)
    assert entries(desk) == []  # 13 h wait, and 12 h more would be 25
    says = " ".join(text_of(receipt).split())
    assert "mer än 12 timmar i en tagg" in says
    assert "mer än 24 timmar samma dag" in says


def test_a_correction_touches_nothing_that_waits_G4(desk, notice):
    first = answer(desk, "Nu går den. [tid: 13h]", reply_to=notice)
    second = answer(desk, "[intern] [tid: -1h]", at="2026-11-20 10:05", reply_to=notice)
    assert "mer än vad som finns" in " ".join(text_of(second).split())
    answer(desk, "OK", at="2026-11-20 10:06", reply_to=first)
    answer(desk, "[intern] [tid: -1h] nu", at="2026-11-20 10:07", reply_to=notice)
    assert minutes(desk) == [720]


def test_held_time_is_struck_out_by_undo_and_an_ok_comes_too_late_C14(desk, notice):
    receipt = answer(desk, "Nu går den. [tid: 13h]", reply_to=notice)
    answer(desk, "[ångra]", at="2026-11-20 10:05", reply_to=receipt)
    answer(desk, "OK", at="2026-11-20 10:06", reply_to=receipt)
    assert entries(desk) == []


@pytest.mark.parametrize("of", ["first receipt", "receipt of the ok"])
def test_released_time_is_undone_by_either_receipt_once_C14(desk, notice, of):
    first = answer(desk, "Nu går den. [tid: 13h]", reply_to=notice)
    second = answer(desk, "OK", at="2026-11-20 10:05", reply_to=first)
    assert "13 h" in text_of(second)
    chosen = first if of == "first receipt" else second
    answer(desk, "[ångra]", at="2026-11-20 10:06", reply_to=chosen)
    assert minutes(desk) == []
    again = answer(desk, "[ångra] igen", at="2026-11-20 10:07", reply_to=chosen)
    assert minutes(desk) == []
    assert "inget att ångra" in " ".join(text_of(again).split())


def test_held_time_follows_its_merged_ticket_to_another_customer_D7(desk, notice):
    desk.get(a_mail(subject="Två", text="Två"), "2026-11-20 09:10")
    second = desk.mailer.to("anna@example.se")[-1]
    receipt = answer(desk, "[intern] [tid: 13h]", reply_to=second)
    answer(desk, "[intern] [slå ihop: 1001]", at="2026-11-20 10:05", reply_to=second)
    answer(desk, "[intern] [kund: beta]", at="2026-11-20 10:06", reply_to=notice)
    with desk.desk.store.reading() as tx:
        beta = register.customer_by_key(tx, "beta").id
        (row,) = holds.of_message(tx, row_of(tx, "[intern] [tid: 13h]"))
        assert row.customer_id == beta
    answer(desk, "OK", at="2026-11-20 10:07", reply_to=receipt)
    assert [each.actual for each in entries(desk, "beta")] == [780]
    assert entries(desk) == []


def row_of(tx, text):
    return next(
        row.id
        for row in inbox.listing(tx)
        if text.encode() in inbox.raw(tx, row.id).replace(b"=\n", b"")
    )


# --- stopped answers (C9) ---------------------------------------------------------------------


def test_a_stopped_answer_goes_out_whole_and_as_received_C9(desk, notice):
    from email import message_from_bytes

    from tests.desk.whole.replies import a_mail_of, html_of

    mail = a_mail_of(
        "[inter] Nu går den.",
        "<p>[inter] Nu <b>går</b> den.</p>",
        answers=notice,
        files=[("bruksanvisning.pdf", b"%PDF")],
    )
    desk.get(mail, "2026-11-20 09:40")
    receipt = desk.mailer.to("anna@example.se")[-1]
    answer(desk, "OK", at="2026-11-23 13:00", reply_to=receipt)
    sent = desk.mailer.to("bo@acme.se")[-1]
    assert "bruksanvisning.pdf" in [part.get_filename() for part in message_from_bytes(sent).walk()]
    assert "<b>går</b>" in html_of(sent)
    with desk.desk.store.reading() as tx:
        (clock,) = tickets.clock_rows(tx, [tickets.by_number(tx, 1001).id])
        said = tickets.said(tx, tickets.by_number(tx, 1001).id)
    assert (clock.result, clock.used_minutes) == ("met", 40)
    assert [each.internal for each in said if each.author == "engineer"] == [False]


def test_until_then_it_counts_as_internal_C9(desk, notice):
    answer(desk, "[inter] Kunden har fel version av programmet igen.", reply_to=notice)
    before = len(desk.mailer.to("bo@acme.se"))
    text = "Hej!\n\nKunden har fel version av programmet igen.\n"
    answer(desk, text, at="2026-11-20 10:05", reply_to=notice)
    assert len(desk.mailer.to("bo@acme.se")) == before


# --- confirmation requests (D1) ---------------------------------------------------------------


@pytest.fixture
def request_mail(desk, notice):
    held = a_mail("anna@example.se", "SV: x", "Nu går den.\n[tid: 1h]\n", reply_to=notice)
    desk.get(held, "2026-11-20 10:00")
    return desk.mailer.to("anna@example.se")[-1]


@pytest.mark.parametrize(("at", "booked"), [("2026-12-04 09:59", [60]), ("2026-12-04 10:00", [])])
def test_a_request_waits_as_long_as_the_setting_says_D1(desk, request_mail, at, booked):
    desk.get(a_mail("anna@example.se", "SV", "ja", reply_to=request_mail), at)
    assert minutes(desk) == booked
    if not booked:
        assert "gått ut" in text_of(desk.mailer.to("anna@example.se")[-1])
        desk.get(a_mail("anna@example.se", "SV", "jo", reply_to=request_mail), at)
        assert minutes(desk) == []


def test_nobody_else_releases_it_and_a_late_reply_asks_for_nothing_new_D1(desk, request_mail):
    desk.get(a_mail("erik@example.se", "SV", "ja", reply_to=request_mail), "2026-11-20 10:05")
    assert outcome(desk) == "noted"
    desk.get(a_mail("bo@acme.se", "SV", "ja", reply_to=request_mail), "2026-11-20 10:06")
    assert minutes(desk) == []
    desk.get(a_mail("anna@example.se", "SV", "ja", reply_to=request_mail), "2026-11-20 10:07")
    requests = len(desk.mailer.to("anna@example.se"))
    desk.get(a_mail("anna@example.se", "SV", "ja igen", reply_to=request_mail), "2026-11-20 10:08")
    assert len(desk.mailer.to("anna@example.se")) == requests
    assert minutes(desk) == [60]
