"""A letter becomes a mail that every parser reads back the same (RFC 5322, J2, D3)."""

import base64
import dataclasses
import datetime as dt
import email
import email.policy
import re
import unicodedata
from email.header import decode_header, make_header
from email.utils import getaddresses
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemon.desk.letters.records import Letter
from daemon.desk.outgoing import headers
from daemon.desk.outgoing.compose import Attachment, compose, marked
from daemon.domain.document import Document
from parsers.body import read_body
from parsers.message import read

STOCKHOLM = ZoneInfo("Europe/Stockholm")
AT = dt.datetime(2026, 11, 27, 15, 42, 10, tzinfo=STOCKHOLM)
HTML = '<p>Hej Bo,</p><img src="cid:bild1">\n'
LETTER = Letter("Skrivaren står still", "Hej Bo,\n\nklart.\n", HTML)
PICTURE = Attachment("bild.png", "image/png", b"\x89PNG", "bild1", inline=True)
FILE = Document("Specifikation november.pdf", "application/pdf", bytes(range(256)) * 20)
ODD = [
    "\r\nBcc: x@y.se",
    "\r",
    "\n",
    "\x00",
    "\u202e",
    "\ud800",
    '"',
    "\\",
    "<",
    ">",
    ",",
    ";",
    ":",
    "=?utf-8?q?x?=",
    "å",
    "🙂",
    "e\u0301",
    " ",
    "\t",
    "\u2028",
    "../",
    "/",
    "a" * 90,
    "x@y.se",
    "(",
    ")",
    "[#1042]",
    "%0d%0a",
    "''",
]
WILD = st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=8)), max_size=12).map("".join)


def mail(letter=LETTER, **changed):
    facts = {
        "message_id": "<t1042.aaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbb@example.se>",
        "from_name": "Exempel Support",
        "from_address": "support@example.se",
        "to": [("Bo Ek", "bo@acme.se")],
        "date": AT,
        "instance": "a1b2",
        "automatic": True,
    } | changed
    return compose(letter, **facts)


def parsed(raw):
    return email.message_from_bytes(raw, policy=email.policy.compat32)


def decoded(value):
    """As a mail client shows a field: unfolded, and its encoded words read."""
    return str(make_header(decode_header(re.sub(r"\r\n(?=[ \t])", "", value))))


def text_of(part):
    return part.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n")


def well_formed(raw):
    assert raw.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return True


def test_a_mail_has_the_fields_of_an_automatic_answer_j2():
    seen = parsed(
        mail(in_reply_to="<a@b.se>", references=["<r@b.se>", "<a@b.se>"], subject_mark=1042)
    )
    assert decoded(seen["Subject"]) == "[#1042] Skrivaren står still"
    assert seen["From"] == "Exempel Support <support@example.se>"
    assert seen["To"] == "Bo Ek <bo@acme.se>"
    assert seen["Date"] == "Fri, 27 Nov 2026 15:42:10 +0100"
    assert seen["Auto-Submitted"] == "auto-replied"
    assert seen["X-Auto-Response-Suppress"] == "All"
    assert seen["X-Avtald-Instance"] == "a1b2"
    assert seen["In-Reply-To"] == "<a@b.se>"
    assert seen["References"].split() == ["<r@b.se>", "<a@b.se>"]
    assert seen["MIME-Version"] == "1.0"


def test_a_mail_that_answers_nothing_is_generated_and_a_persons_is_neither_j2():
    assert parsed(mail())["Auto-Submitted"] == "auto-generated"
    persons = parsed(mail(automatic=False))
    assert "Auto-Submitted" not in persons
    assert "X-Auto-Response-Suppress" not in persons
    assert persons["X-Avtald-Instance"] == "a1b2"


def test_the_mark_is_readable_in_the_raw_mail_and_stands_once_d3():
    assert b"Subject: [#1042] =?utf-8?" in mail(subject_mark=1042)
    assert marked("SV: [#1042] Hej [#1042]", 1042) == "[#1042] SV: Hej"
    assert marked("Hej [#7]", 1042) == "[#1042] Hej [#7]"
    assert marked("", 1042) == "[#1042]"
    assert marked("Hej", None) == "Hej"


def test_the_same_letter_gives_the_same_bytes():
    assert mail(attachments=[PICTURE, FILE]) == mail(attachments=[PICTURE, FILE])


def shape(part):
    if not part.is_multipart():
        return part.get_content_type()
    return (part.get_content_type(), *[shape(each) for each in part.get_payload()])


def test_text_html_pictures_and_files_stand_where_clients_look_for_them():
    seen = parsed(mail(attachments=[FILE, PICTURE]))
    assert shape(seen) == (
        "multipart/mixed",
        (
            "multipart/alternative",
            "text/plain",
            ("multipart/related", "text/html", "image/png"),
        ),
        "application/pdf",
    )
    parts = list(seen.walk())
    assert text_of(parts[2]) == LETTER.text
    assert text_of(parts[4]) == LETTER.html
    assert parts[5]["Content-ID"] == "<bild1>"
    assert parts[5].get_content_disposition() == "inline"
    assert parts[6].get_payload(decode=True) == FILE.content
    assert parts[6].get_filename() == FILE.name
    assert parts[6].get_content_disposition() == "attachment"


def test_a_letter_without_html_is_plain_text_and_its_pictures_are_files():
    plain = Letter("x", "å\n", "")
    assert shape(parsed(mail(plain))) == "text/plain"
    assert shape(parsed(mail(plain, attachments=[PICTURE]))) == (
        "multipart/mixed",
        "text/plain",
        "image/png",
    )


def test_an_invitation_stands_beside_text_and_html_j4():
    calendar = Document("inbjudan.ics", "text/calendar; method=REQUEST; charset=utf-8", b"BEGIN")
    seen = parsed(mail(alternatives=[calendar]))
    assert shape(seen) == ("multipart/alternative", "text/plain", "text/html", "text/calendar")
    part = seen.get_payload()[2]
    assert part.get_param("method") == "REQUEST"
    assert part.get_payload(decode=True) == b"BEGIN"


@pytest.mark.parametrize(
    "given", ["message/rfc822", "multipart/mixed", "text", "a/b\r\nX: y", 'a/b; x="', ""]
)
def test_a_media_type_that_is_none_or_holds_mails_becomes_octets(given):
    part = list(parsed(mail(attachments=[Document("x", given, b"1")])).walk())[-1]
    assert part.get_content_type() == "application/octet-stream"
    assert part.get_payload(decode=True) == b"1"


def test_a_mail_without_references_has_no_empty_field():
    seen = parsed(mail(references=[], in_reply_to=None))
    assert "References" not in seen
    assert "In-Reply-To" not in seen


def test_references_keep_the_first_and_the_last_twenty_and_only_ids():
    ids = [f"<{n}@b.se>" for n in range(100)]
    seen = parsed(mail(references=[*ids, "no id", "<a b@c>", "<x@y>\r\nBcc: z"]))
    assert seen["References"].split() == ["<0@b.se>", *ids[80:]]


@settings(max_examples=150, deadline=None)
@given(subject=WILD, name=WILD)
@example(subject="Hej" * 90, name="Ek, Bo")
@example(subject="=?utf-8?q?x?= y", name="=?utf-8?q?x?=")
@example(subject="ord " * 60, name="B. Ek (Acme)")
def test_no_subject_or_name_makes_a_header_and_both_read_back(subject, name):
    raw = mail(
        Letter(subject, "x", ""), to=[(name, "bo@acme.se"), (name, "eva@acme.se")], from_name=name
    )
    assert well_formed(raw)
    seen = parsed(raw)
    assert set(seen.keys()) == set(parsed(mail(Letter("x", "x", ""))).keys())
    assert decoded(seen["Subject"]) == expected(subject, 250)
    people = getaddresses([re.sub(r"\r\n(?=[ \t])", "", seen["To"])])
    assert [address for _, address in people] == ["bo@acme.se", "eva@acme.se"]
    assert {decoded(shown) for shown, _ in people} == {expected(name, 100)}


def expected(text, limit):
    """Written another way: seen characters, single spaces, an ellipsis where it is cut."""
    kept = []
    for char in text:
        category = unicodedata.category(char)
        if char in "\r\n\t\v\f\x85\u2028\u2029":
            kept.append(" ")
        elif category == "Cs":
            kept.append("\ufffd")
        elif not (category == "Cc" or headers_unseen(char)):
            kept.append(char)
    shown = " ".join("".join(kept).split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def headers_unseen(char):
    point = ord(char)
    ranges = [
        (0x200E, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x2069),
        (0xFFF9, 0xFFFB),
        (0xE0000, 0xE007F),
    ]
    return point in {0xAD, 0x200B, 0xFEFF} or any(low <= point <= high for low, high in ranges)


@settings(max_examples=150, deadline=None)
@given(name=WILD, disposition=st.booleans())
@example(name="C:\\temp\\..\\x.pdf", disposition=False)
@example(name="å" * 300 + ".pdf", disposition=True)
@example(name=".bashrc", disposition=False)
def test_no_file_name_makes_a_header_or_a_path(name, disposition):
    enclosure = Attachment(
        name, "image/png", b"1", "c1" if disposition else None, inline=disposition
    )
    raw = mail(attachments=[enclosure])
    assert well_formed(raw)
    part = next(each for each in parsed(raw).walk() if each.get_content_type() == "image/png")
    shown = part.get_filename()
    assert set(part.keys()) <= {
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "Content-ID",
    }
    assert shown == headers.file_name(name, "bilaga")
    assert not re.search(r'[/\\<>:"|?*\x00-\x1f\u202e]', shown)
    assert 0 < len(shown) <= 120
    assert shown[0] not in ". "


def test_a_picture_that_the_html_does_not_show_goes_as_a_file():
    seen = parsed(mail(dataclasses.replace(LETTER, html="<p>Hej</p>"), attachments=[PICTURE]))
    assert shape(seen)[0] == "multipart/mixed"
    assert list(seen.walk())[-1].get_content_disposition() == "attachment"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("image001.png@01DC5A7B.4F2E1C30", "<image001.png@01DC5A7B.4F2E1C30>"),  # Outlook's
        ("<ii_mhr2x0qa0>", "<ii_mhr2x0qa0>"),  # Gmail's
        ("8A1F-44C0@klient.example", "<8A1F-44C0@klient.example>"),
        ("a\r\nBcc: b", None),
        ("a b", None),
        ("", None),
    ],
)
def test_a_picture_keeps_the_content_id_that_its_html_asks_for(given, kept):
    assert headers.content_id(given) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/cron.d/x", "x"),
        ("C:\\a\\b.txt", "b.txt"),
        ("", "bilaga"),
        ("..", "bilaga"),
        ("rapport\u202efdp.exe", "rapportfdp.exe"),
        ("a\r\nb.txt", "a b.txt"),
        ("a:b?.txt", "a_b_.txt"),
    ],
)
def test_file_names_are_bare(given, kept):
    assert headers.file_name(given, "bilaga") == kept


def test_a_long_file_name_keeps_its_ending():
    kept = headers.file_name("å" * 300 + ".pdf", "bilaga")
    assert kept.endswith("å.pdf")
    assert len(kept) == 120


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=400), html=st.text(min_size=1, max_size=400))
@example(text="x" * 5000 + "\n.\n..\nFrom x\n \n=\n", html="--=_alt_" * 50)
def test_text_and_html_come_back_as_they_were(text, html):
    raw = mail(Letter("x", text, html))
    assert well_formed(raw)
    plain, shown = parsed(raw).get_payload()
    assert text_of(plain) == as_lines(text)
    assert text_of(shown) == as_lines(html)


def as_lines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_an_international_domain_is_sent_in_ascii():
    seen = parsed(mail(to=[("Åsa", "asa@räksmörgås.se")]))
    assert "<asa@xn--rksmrgs-5wao1o.se>" in seen["To"]


def test_an_odd_local_part_is_quoted():
    assert headers.address('"bo ek"@acme.se') == '"bo ek"@acme.se'
    assert headers.address("bo,ek@acme.se") == '"bo,ek"@acme.se'


@pytest.mark.parametrize(
    "given",
    [
        "",
        "bo",
        "@acme.se",
        "bo@",
        "bo@acme.se\r\nBcc: x",
        "bo\r\n@acme.se",
        "bö@acme.se",
        "bo@ac me.se",
        "bo@acme..se",
        "bo@.se",
        "bo@acme.se>",
        "b\x00o@acme.se",
    ],
)
def test_what_is_no_address_in_ascii_is_refused(given):
    with pytest.raises(headers.AddressError):
        headers.address(given)


@settings(deadline=None)
@given(given=st.text(max_size=30))
def test_an_address_is_ascii_on_one_line_or_refused(given):
    try:
        address = headers.address(given)
    except headers.AddressError:
        return
    assert re.fullmatch(r"[ -~]+@[A-Za-z0-9_.-]+", address)


def test_our_own_parser_reads_what_we_write():
    seen = read(mail(subject_mark=1042, attachments=[PICTURE, FILE], in_reply_to="<a@b.se>"))
    assert seen.subject == "[#1042] Skrivaren står still"
    assert (seen.sender.name, seen.sender.address) == ("Exempel Support", "support@example.se")
    assert read_body(seen).new.strip() == LETTER.text.strip()
    assert [(each.name, each.content) for each in seen.attachments] == [
        (PICTURE.name, PICTURE.content),
        (FILE.name, FILE.content),
    ]


def test_a_reply_address_carries_the_name_of_the_desk():
    seen = parsed(mail(reply_to="support+t1.a.b@example.se"))
    assert seen["Reply-To"] == "Exempel Support <support+t1.a.b@example.se>"


def test_attachments_are_whole_whatever_they_hold():
    content = b"\r\n--=_mix_\r\n.\r\n" * 1000
    part = list(parsed(mail(attachments=[Document("x", "a/b", content)])).walk())[-1]
    assert part.get_payload(decode=True) == content
    assert base64.b64decode(part.get_payload()) == content
