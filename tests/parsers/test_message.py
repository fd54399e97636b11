"""Messages: structure, charsets, texts, attachments and defects from raw bytes."""

import base64
import codecs
import encodings
import pkgutil
import time

import pytest

from parsers import charset, mime
from parsers.message import read

TRUE = "Åtgärda skrivare på plan 2 – brådskande"


def mail(body: bytes = b"hej", *headers: str) -> bytes:
    lines = ["From: Bo Ek <bo@kund.se>", "To: support@example.se", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def multipart(*parts: str, kind: str = "mixed") -> bytes:
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    return mail(body.encode(), "MIME-Version: 1.0", f"Content-Type: multipart/{kind}; boundary=b")


PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
HTML = "Content-Type: text/html; charset=utf-8\r\n\r\n"


@pytest.mark.parametrize(
    ("encoded", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", None),
        ("utf-8", "us-ascii"),
        ("utf-8", "x-unknown"),
        ("utf-8", "iso-8859-1"),
        ("cp1252", None),
        ("cp1252", "utf-8"),
        ("cp1252", "iso-8859-1"),
        ("cp1252", "windows-1252"),
        ("cp1252", "us-ascii"),
        ("cp1252", "undefined"),
        ("utf-16", "utf-16"),
        ("utf-7", "utf-7"),
        ("utf-8-sig", "utf-8"),
        ("utf-8", '"UTF-8"'),
    ],
)
def test_the_ladder_finds_the_text_whatever_is_declared(encoded, declared):
    assert charset.decode(TRUE.encode(encoded), declared) == TRUE


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252", "us-ascii", "latin1"])
def test_utf8_that_is_called_latin_is_read_as_utf8_also_without_a_capital_letter(declared):
    """Only Å, Ä and Ö have bytes that no Latin-1 text has; å, ä and ö are no less utf-8."""
    assert charset.decode("smörgås på väg".encode(), declared) == "smörgås på väg"


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        ("på väg, måndag".encode() + b" \xe5", "utf-8", "på väg, måndag å"),
        ("på väg, måndag ö".encode()[:-1], "utf-8", "på väg, måndag Ã"),
        ("på väg".encode() + b"\x96", None, "på väg–"),
        ("på väg, måndag, ö".encode("cp1252"), "utf-8", "på väg, måndag, ö"),
        ("pÃ¥ väg åäö".encode("cp1252"), "utf-8", "pÃ¥ väg åäö"),
    ],
    ids=["one foreign byte", "cut inside a letter", "no charset", "all foreign", "most foreign"],
)
def test_a_few_foreign_bytes_do_not_spoil_the_other_letters(data, declared, text):
    assert charset.decode(data, declared) == text


def test_text_of_two_charsets_is_decoded_in_linear_time():
    """S14: 20 MB of alternating charsets; the bound is far above what a linear reading takes."""
    begun = time.monotonic()
    assert len(charset.decode(b"\xc3\xa5\xc3\xa5\xe5" * 4_000_000, "utf-8")) == 20_000_000
    assert time.monotonic() - begun < 5


def test_every_byte_becomes_a_character():
    everything = bytes(range(1, 256))
    assert len(charset.decode(everything)) == 255
    assert charset.decode(b"a\0b", "utf-8") == "ab"


@pytest.mark.parametrize(
    "name",
    sorted({m.name for m in pkgutil.iter_modules(encodings.__path__)} | {"x" * 90, "", "\0"}),
)
def test_no_codec_of_python_can_be_called_by_a_mail(name):
    """S14."""
    raw = mail(TRUE.encode(), f"Content-Type: text/plain; charset={name}")
    read_mail = read(raw)
    assert read_mail.text is not None
    assert read(mail(b"x", f"Subject: =?{name}?Q?=C3=A5?=")).subject is not None
    assert charset.codec(name) is None or codecs.lookup(charset.codec(name))._is_text_encoding


def test_headers_are_unfolded_decoded_and_kept_in_order():
    message = read(
        mail(
            b"hej",
            "Subject: =?utf-8?B?w4U=?=\r\n =?utf-8?Q?tg=C3=A4rda?= nu",
            "X-One: a\r\n\tb",
            "X-One: c",
        )
    )
    assert message.subject == "Åtgärda nu"
    assert message.all("x-one") == ("a\tb", "c")
    assert message.header("X-ONE") == "a\tb"
    assert message.header("x-two") is None
    assert [name for name, _ in message.headers] == ["From", "To", "Subject", "X-One", "X-One"]


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
def test_line_ends_make_no_difference(end):
    raw = mail("Hej\r\ndå å".encode(), "Subject: x\r\n y").replace(b"\r\n", end)
    message = read(raw)
    assert (message.subject, message.text) == ("x y", "Hej\ndå å")


def test_a_sender_is_one_mailbox_in_one_from():
    """D1, S02."""
    assert read(mail()).sender.address == "bo@kund.se"
    assert read(mail(b"x", "From: evil@x.se")).sender is None
    assert read(mail(b"x", "from : evil@x.se")).sender is None
    assert read(b"To: a@b.se\r\n\r\nx").sender is None


def test_identifiers_keep_their_brackets_and_lose_white_space():
    message = read(
        mail(
            b"x",
            "Message-ID:  <a b@c> (x)",
            "In-Reply-To: <1@x> <2@x>",
            "References: <1@x>\r\n <2@\r\n x> skräp <> <3@x",
        )
    )
    assert message.message_id == "<ab@c>"
    assert message.in_reply_to == "<1@x>"
    assert message.references == ("<1@x>", "<2@x>")
    assert read(mail(b"x", "Message-ID: a@c")).message_id == "<a@c>"
    assert read(mail(b"x", "Message-ID: skräp")).message_id is None


def test_of_alternatives_the_plain_one_is_read_unless_it_is_empty():
    """C12."""
    message = read(multipart(f"{PLAIN}plain", f"{HTML}<p>html</p>", kind="alternative"))
    assert [part.text for part in message.texts] == ["plain"]
    assert message.html == "<p>html</p>"
    message = read(multipart(f"{PLAIN} \r\n", f"{HTML}<p>html</p>", kind="alternative"))
    assert [part.kind for part in message.texts] == ["html"]
    message = read(multipart(f"{HTML}<p>html</p>", f"{PLAIN}plain", kind="alternative"))
    assert [part.kind for part in message.texts] == ["plain"]


def test_texts_around_an_attachment_are_one_text():
    pdf = (
        "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD"
    )
    message = read(multipart(f"{PLAIN}ett", pdf, f"{PLAIN}två"))
    assert message.text == "ett\ntvå"
    assert [(part.name, part.content) for part in message.attachments] == [("a.pdf", b"ABC")]


def test_an_html_text_with_a_plain_footer_is_read_whole():
    """C12: a footer that a list adds is no alternative to the mail."""
    message = read(multipart(f"{HTML}<p>html</p>", f"{PLAIN}footer"))
    assert [part.kind for part in message.texts] == ["html", "plain"]


def test_attached_texts_and_messages_are_no_text_of_the_mail():
    """C2, S06."""
    message = read(
        multipart(
            f"{PLAIN}hej",
            "Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n[tid: 9h]",
            "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n[tid: 9h]",
        )
    )
    assert message.text == "hej"
    assert [part.content_type for part in message.attachments] == ["text/plain", "message/rfc822"]
    assert b"[tid: 9h]" in message.attachments[1].content


def test_inline_pictures_keep_their_identifier():
    picture = "Content-Type: image/png\r\nContent-ID: <p1@x>\r\n\r\nx"
    (part,) = read(multipart(f"{HTML}<img src=cid:p1@x>", picture, kind="related")).attachments
    assert (part.content_id, part.inline, part.name) == ("p1@x", True, "attachment")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/cron.d/x", "x"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("a\0b.pdf", "ab.pdf"),
        ("\u202egpj.exe", "gpj.exe"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("..", "attachment"),
        ("", "attachment"),
        ("  a   b.pdf ", "a b.pdf"),
        ("a:b?.pdf", "a_b_.pdf"),
        ("/", "attachment"),
        ("Möte åäö.pdf", "Möte åäö.pdf"),
        ("x\r\ny.txt", "xy.txt"),
    ],
)
def test_names_of_attachments_are_safe_to_save_under(name, safe):
    """S17."""
    assert mime.safe_name(name) == safe


def test_long_names_keep_their_ending():
    """S17."""
    assert mime.safe_name("å" * 400 + ".pdf").endswith("å.pdf")
    assert len(mime.safe_name("x" * 400)) == 120


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("base64", base64.b64encode(TRUE.encode())),
        ("BASE64", base64.b64encode(TRUE.encode())),
        ("base64", base64.encodebytes(TRUE.encode()).replace(b"=", b"")),
        ("quoted-printable", codecs.encode(TRUE.encode(), "quopri")),
        ("8bit", TRUE.encode()),
        ("rubbish", TRUE.encode()),
        ("", TRUE.encode()),
        ("x-uuencode", codecs.encode(TRUE.encode(), "uu")),
    ],
)
def test_transfer_encodings_are_undone(encoding, content):
    raw = mail(
        content, "Content-Type: text/plain; charset=utf-8", f"Content-Transfer-Encoding: {encoding}"
    )
    assert read(raw).text.strip() == TRUE


def test_broken_structures_lose_no_text():
    missing = mail(b"--x\r\n\r\nhej", "Content-Type: multipart/mixed; boundary=b")
    assert "hej" in read(missing).text
    unended = mail(b"--b\r\n\r\nhej", "Content-Type: multipart/mixed; boundary=b")
    assert read(unended).text == "hej"
    nameless = mail(b"--b\r\n\r\nhej\r\n--b--", "Content-Type: multipart/mixed")
    assert "hej" in read(nameless).text
    assert read(nameless).defects == ("multipart_without_parts",)
    spaced = mail(
        b"--b  \r\n\r\nhej\r\n--b-- \r\nslut", "Content-Type: multipart/mixed; boundary=b"
    )
    assert read(spaced).text == "hej"
    longer = mail(b"--b\r\n\r\nhej\r\n--bc\r\n--b--", "Content-Type: multipart/mixed; boundary=b")
    assert read(longer).text == "hej\n--bc"


def test_text_without_an_empty_line_before_it_is_still_text():
    message = read(b"From: bo@kund.se\r\nSubject: x\r\nHej, skrivaren \xe5r trasig\r\nHej")
    assert message.text == "Hej, skrivaren år trasig\nHej"
    assert message.defects == ("odd_line_in_headers",)
    message = read(b"From: bo@kund.se\r\nskr\xe4p\r\nSubject: x\r\n\r\nHej")
    assert (message.subject, message.text) == ("x", "Hej")


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"\r\n\r\n", b":", b"\0" * 50, b"From", b" x\n y\n", b"\xff"]
)
def test_rubbish_is_a_message_too(raw):
    message = read(raw)
    assert message.sender is None
    assert message.refusal is None


def test_an_mbox_line_is_no_header():
    assert (
        read(b"From bo@kund.se Mon May 12 10:32:00 2025\n" + mail()).sender.address == "bo@kund.se"
    )
