"""What an engineer sends reaches the customer as she wrote it, and nothing else (D8, C12, C13)."""

import html
import re
from email import message_from_bytes, policy

import pytest

from parsers.html import visible_text
from tests.builders import a_desk, a_mail, an_engineers_mail, header_of, text_of
from tests.desk.whole.replies import STYLES, a_mail_of, a_reply, html_of

SECRET = "Kunden har glömt betala i somras så ge dem inget extra"


@pytest.fixture
def noted(desk):
    """A ticket with an internal note, and the notice that quotes it."""
    desk.get(a_mail(), "2026-11-20 09:00")
    first = desk.mailer.to("anna@example.se")[0]
    note = an_engineers_mail(
        f"[intern] {SECRET}\n", sender="Erik Lind <erik@example.se>", reply_to=first
    )
    desk.get(note, "2026-11-20 09:10")
    confirmation = desk.mailer.to("bo@acme.se")[0]
    desk.get(a_mail(subject="SV: a", text="Hallå?", reply_to=confirmation), "2026-11-20 09:30")
    desk.notice = desk.mailer.to("anna@example.se")[-1]
    assert SECRET in " ".join(text_of(desk.notice).replace(">", " ").split())
    return desk


def outside(desk, address="bo@acme.se"):
    return desk.mailer.to(address)


def everything(raw):
    """Both texts of a mail as one line of words."""
    seen = visible_text(html_of(raw)) if html_of(raw) else ""
    return " ".join(re.sub(r"[>|]", " ", f"{text_of(raw)} {seen}").split())


# --- quotes of our own notices (D8) -----------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_whatever_the_mail_program_quotes_of_a_notice_stays_inside_D8(noted, style):
    before = len(outside(noted))
    noted.get(a_reply(style, "Nu går den.", noted.notice), "2026-11-20 10:00")
    for raw in outside(noted)[before:]:
        says = everything(raw)
        assert SECRET not in says
        assert "Acme AB (acme)" not in says
        assert "kvar i timbanken" not in says
        assert "inom hakparenteser" not in says


@pytest.mark.parametrize("style", [each for each in STYLES if each != "unmarked"])
def test_and_the_answer_itself_arrives_D8(noted, style):
    before = len(outside(noted))
    noted.get(a_reply(style, "Nu går den.", noted.notice), "2026-11-20 10:00")
    (sent,) = outside(noted)[before:]
    assert text_of(sent).split()[:3] == ["Nu", "går", "den."]


def test_an_internal_note_between_the_lines_stops_the_answer_until_ok_C9(noted):
    before = len(outside(noted))
    between = f"> {SECRET}\n\nDet ordnar sig, vi bjuder på det.\n"
    noted.get(a_mail_of(between, answers=noted.notice), "2026-11-20 10:00")
    assert len(outside(noted)) == before
    receipt = noted.mailer.to("anna@example.se")[-1]
    assert "svara OK" in " ".join(text_of(receipt).split())
    noted.get(a_mail_of("OK", answers=receipt), "2026-11-20 10:05")
    assert "Det ordnar sig" in text_of(outside(noted)[-1])


def test_a_customers_own_words_between_the_lines_go_back_to_her_D8(noted):
    mail = a_mail_of("> Hallå?\n\nHär är vi. Nu går den.\n", answers=noted.notice)
    noted.get(mail, "2026-11-20 10:00")
    assert "Här är vi." in text_of(outside(noted)[-1])


@pytest.mark.parametrize(
    "text",
    [
        "Så här skrev vi:\n\nKund:      Acme AB (acme)\nAvtal:     Alert!\n\nStämmer det?\n",
        "Till det här:\nKund: Acme AB (acme)\n\nMvh\n",
    ],
)
def test_lines_of_our_own_notice_stop_the_answer_D8(noted, text):
    before = len(outside(noted))
    noted.get(a_mail_of(text, answers=noted.notice), "2026-11-20 10:00")
    assert len(outside(noted)) == before


def test_the_same_holds_where_the_client_strips_the_reply_headers_D3(noted):
    before = len(outside(noted))
    mail = a_mail_of(f"Jo: {SECRET}.\n", answers=noted.notice, stripped=True)
    noted.get(mail, "2026-11-20 10:00")
    assert len(outside(noted)) == before


@pytest.mark.parametrize("stripped", [False, True])
def test_lines_of_an_earlier_notice_stop_the_answer_too_D8(noted, stripped):
    """Whoever copies them need not answer that very notice."""
    first, before = noted.mailer.to("anna@example.se")[0], len(outside(noted))
    for minute in range(31, 37):  # each has a receipt, which says the customer in other words
        timed = an_engineers_mail("[intern] [tid: 1m]", reply_to=first, subject=f"SV: {minute}")
        noted.get(timed, f"2026-11-20 09:{minute}")
    customer = next(line for line in text_of(first).splitlines() if "Acme AB (acme)" in line)
    answers = noted.mailer.to("anna@example.se")[-1]
    mail = a_mail_of(f"Så här:\n{customer}\nMvh\n", answers=answers, stripped=stripped)
    noted.get(mail, "2026-11-20 10:00")
    assert len(outside(noted)) == before


@pytest.mark.parametrize(
    "text",
    [
        "[tid: 1h][intern]\nKunden har fel version.\n",
        "Kunden har fel version[intern]\n",
        "[intern anteckning]\nKunden har fel version.\n",
        "[internt] Kunden har fel version.\n",
    ],
)
def test_what_was_surely_meant_as_internal_waits_for_an_ok_C9(noted, text):
    before = len(outside(noted))
    noted.get(a_mail_of(text, answers=noted.notice), "2026-11-20 10:00")
    assert len(outside(noted)) == before


def test_internal_in_the_subject_stops_the_answer_too_C13(noted):
    before = len(outside(noted))
    mail = a_mail_of("Fel version.", answers=noted.notice, subject="SV: [#1001] x [intern]")
    noted.get(mail, "2026-11-20 10:00")
    assert len(outside(noted)) == before


def test_an_address_of_another_customer_stops_the_answer_until_ok(noted):
    before = len(outside(noted))
    mail = a_mail_of("Fråga cia@beta.se, de har samma fel.\n", answers=noted.notice)
    noted.get(mail, "2026-11-20 10:00")
    assert len(outside(noted)) == before


def test_a_tag_for_somebody_of_another_customer_stops_the_answer_D6(noted):
    before = len(outside(noted))
    mail = a_mail_of("[för: cia@beta.se] Hej Cia, nu är er klar.\n", answers=noted.notice)
    noted.get(mail, "2026-11-20 10:00")
    assert len(outside(noted)) == before
    assert outside(noted, "cia@beta.se") == []
    noted.get(a_mail_of("Nu går den.", answers=noted.notice), "2026-11-20 10:10")
    assert outside(noted, "cia@beta.se") == []


def test_what_another_customer_wrote_into_the_thread_is_not_quoted_to_this_one_D3(noted):
    confirmation = outside(noted)[0]
    stray = a_mail("Cia By <cia@beta.se>", "SV: x", "Vi har samma fel.", reply_to=confirmation)
    noted.get(stray, "2026-11-20 09:45")
    noted.get(a_mail_of("Nu går den.", answers=noted.notice), "2026-11-20 10:00")
    assert "beta.se" not in everything(outside(noted)[-1])
    assert "samma fel" not in everything(outside(noted)[-1])
    assert "Hallå?" in everything(outside(noted)[-1])
    assert outside(noted, "cia@beta.se") == []


def test_a_forwarded_thread_does_not_go_back_with_the_confirmation_D6(desk):
    forwarded = (
        "[för: bo@acme.se]\nVi tar det här.\n\n---------- Forwarded message ---------\n"
        "Från: Erik Lind <erik@example.se>\nDate: fre 20 nov. 2026 kl 08:00\nSubject: Bo\n"
        "To: anna@example.se\n\nHan är besvärlig. [tid: 2h]\n"
    )
    mail = a_mail_of(forwarded, subject="VB: Bo [tid: 1h]", files=[("kalkyl.pdf", b"%PDF internt")])
    desk.get(mail, "2026-11-20 09:00")
    (sent,) = outside(desk)
    assert "Vi tar det här." in text_of(sent)
    assert "besvärlig" not in everything(sent)
    assert b"kalkyl" not in sent
    assert "tid: 1h" not in header_of(sent, "Subject")


# --- the engineer's own HTML (D8, C12, C13) ---------------------------------------------------

FORMATTED = (
    "<div>Hej <b>Bo</b>,<br>läs <a href='https://hjalp.example.se/a'>sidan</a> [tid: 1h].</div>"
    "<ul><li>ett</li><li>två</li></ul><div><img src='cid:bild@klient' alt=''></div>"
)
PLAIN = (
    "Hej *Bo*,\nläs sidan <https://hjalp.example.se/a> [tid: 1h].\n\n   - ett\n   - två\n\n"
    "[image: bild.png]\n"
)


def quoted_below(desk, plain, page, **more):
    """A reply as Gmail writes it, with other pictures in the quote."""
    line = "Den fre 20 nov. 2026 kl 10:00 skrev Exempel Support <support@example.se>:"
    return a_mail_of(
        f"{plain}\n{line}\n\n> Skriv\n> mer\n",
        f"<html><head><style>b{{color:red}}</style></head><body>{page}<br>"
        f'<div class="gmail_quote"><div class="gmail_attr">{html.escape(line)}</div><blockquote '
        f'class="gmail_quote">{html_of(desk.notice)}<img src="cid:logga@klient"></blockquote></div>'
        "</body></html>",
        answers=desk.notice,
        **more,
    )


def test_formatting_links_and_inline_pictures_reach_the_customer_D8(noted):
    pictures = [("bild@klient", b"\x89PNG ny"), ("logga@klient", b"\x89PNG gammal")]
    noted.get(quoted_below(noted, PLAIN, FORMATTED, pictures=pictures), "2026-11-20 10:00")
    sent = outside(noted)[-1]
    page = html_of(sent)
    assert "<b>Bo</b>" in page
    assert 'href="https://hjalp.example.se/a"' in page
    assert "<li>ett</li>" in page
    assert "cid:bild@klient" in page
    assert "tid" not in page
    kept = [part.get_content_type() for part in message_from_bytes(sent).walk()]
    assert kept.count("image/png") == 1
    assert "logga@klient" not in page


def letters(text):
    return re.sub(r"[\W_]|https?://\S+", "", text)


def test_a_picture_that_the_text_does_not_mention_goes_as_a_file_D8(noted):
    page = "<div>Se bilden</div><div><img src='cid:bild@klient'></div>"
    mail = quoted_below(noted, "Se bilden", page, pictures=[("bild@klient", b"PNG")])
    noted.get(mail, "2026-11-20 10:00")
    sent = message_from_bytes(outside(noted)[-1])
    (picture,) = [part for part in sent.walk() if part.get_content_type() == "image/png"]
    assert picture.get_content_disposition() == "attachment"


@pytest.mark.parametrize("style", ["gmail", "outlook", "outlook_web", "apple", "thunderbird"])
def test_what_is_seen_of_the_html_is_the_text_that_was_approved_C12(noted, style):
    new = "Hej Bo!\n\nNu går den – säg till om [tid: 15m] den stannar.\n\nMvh\nAnna"
    noted.get(a_reply(style, new, noted.notice), "2026-11-20 10:00")
    sent = outside(noted)[-1]
    message = html_of(sent)
    approved = letters("Hej Bo! Nu går den – säg till om den stannar. Mvh Anna")
    assert approved in letters(visible_text(message))
    assert approved in letters(text_of(sent))
    assert "MsoNormal" not in message


@pytest.mark.parametrize(
    ("plain", "page"),
    [
        ("Nu går den.", "<div>Nu går den.<span style='display:none'>hemligt ord</span></div>"),
        ("Nu går den.", "<div>Nu går den. Hemligt ord till.</div>"),
        ("Nu går den.", "<div style='font-size:0'>hemligt ord</div><div>Nu går den.</div>"),
        ("Nu går den.", "<div>Nu går <!-- x --><title>hemligt ord</title>den.</div>"),
        ("Nu går den.", "<div>hemligt ord Nu går den.</div>"),
        ("Nu går den.", "<div title='[tid: 9h] hemligt ord'>Nu går den.</div>"),
        ("Nu går den. [tid: 1h]", "<div>Nu går den. [tid: 1h <i hidden>hemligt ord</i>]</div>"),
        ("Nu går den.", "<div>Nu går den.</div><noscript>hemligt ord</noscript>"),
    ],
)
def test_html_that_says_or_hides_more_than_the_text_never_goes_out_C13(noted, plain, page):
    noted.get(quoted_below(noted, plain, page), "2026-11-20 10:00")
    sent = outside(noted)[-1]
    assert "Nu går den." in text_of(sent)
    assert "hemligt ord" not in html_of(sent).lower()
    assert b"hemligt" not in sent
    assert "[tid" not in html_of(sent)


def test_an_answer_in_html_alone_goes_out_with_its_formatting_C12(noted):
    mail = a_mail_of("x", "<p>Nu <b>går</b> den. [tid: 10m]</p>", answers=noted.notice)
    alone = message_from_bytes(mail, policy=policy.default)
    page = alone.get_body(("html",)).get_content()
    alone.clear_content()
    alone.set_content(page, subtype="html")
    noted.get(alone.as_bytes(), "2026-11-20 10:00")
    assert "Nu <b>går</b> den." in html_of(outside(noted)[-1])
    assert "tid" not in html_of(outside(noted)[-1])


def test_a_file_name_that_holds_a_tag_loses_it_C13(noted):
    mail = a_mail_of("Se filen.", answers=noted.notice, files=[("rapport [tid: 2h].pdf", b"%PDF")])
    noted.get(mail, "2026-11-20 10:00")
    names = [part.get_filename() for part in message_from_bytes(outside(noted)[-1]).walk()]
    assert "rapport.pdf" in [name and name.replace(" .", ".") for name in names]


def test_the_same_stop_on_both_engines_D8(any_store, tmp_path):
    desk = a_desk(any_store, tmp_path)
    desk.get(a_mail(), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    mail = a_mail_of("Kund: Acme AB (acme)\n\nStämmer det?", answers=notice)
    desk.get(mail, "2026-11-20 10:00")
    assert len(outside(desk)) == 1
