"""Hostile mail: limits come first, and nothing takes long (S06, S07, S12-S15)."""

import importlib
import pkgutil
import re
import signal
import time
from contextlib import contextmanager

import pytest

import parsers
from parsers import automatic, body, bounce, html, identity, priority, tags
from parsers.brackets import Openings
from parsers.message import Limits, read

KB = 1024
SIZE = 64 * KB
SECOND = 1.0


def whole_reading(raw):
    identity.identity(raw, delivery="1")
    found = read(raw)
    parts = body.read_body(found, own_markers=("Skriv ditt svar ovanför denna rad",))
    tags.cut_tags(parts.new, tags.read_tags(parts.new))
    tags.cut_tags_html(found.html or "", ())
    priority.read_priority(found.subject, parts.new)
    automatic.judge(found, own_addresses=frozenset(), own_instance="x")
    bounce.read_bounce(found)
    return found


@contextmanager
def within(seconds):
    """Fail, rather than hang, where something takes longer: a generous bound on a busy machine."""

    def stop(*_):
        raise TimeoutError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def nested(depth):
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(depth)
    )
    return b"From: bo@kund.se\r\nSubject: x\r\n" + opening + b"\r\nhej"


BOMBS = {
    "too_large": b"Subject: x\r\n\r\n" + b"x" * (25 * KB * KB),
    "header_block_too_long": b"Subject: x\r\nX-A: " + b"a\r\n " * 30 * KB + b"\r\n\r\nhej",
    "header_too_long": b"From: bo@kund.se\r\nSubject: " + b"=?utf-8?Q?x?= " * 700 + b"\r\n\r\nhej",
    "too_many_headers": b"Subject: x\r\n" + b"X-A: b\r\n" * 300 + b"\r\nhej",
    "too_many_addresses": b"Subject: x\r\nTo: " + b"a@b.se," * 150 + b"\r\n\r\nhej",
    "nested_too_deep": nested(5000),
    "too_many_parts": b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\nx\r\n" * 100_000,
    "too_many_parameters": b"Subject: x\r\nContent-Type: text/plain"
    + b";a=b" * 2000
    + b"\r\n\r\nhej",
    "html_too_large": b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + b"<p>x" * 200 * KB,
    "text_too_large": b"Subject: x\r\n\r\n" + b"log line\r\n" * 500 * KB,
}


@pytest.mark.parametrize("reason", BOMBS)
def test_over_a_limit_a_mail_is_refused_with_its_reason_and_its_headers_readable(reason):
    """S12, S13, B4."""
    with within(5):
        found = read(BOMBS[reason])
    assert found.refusal == reason
    assert found.subject
    assert (found.text, found.html, found.attachments, found.texts) == (None, None, (), ())


def test_a_subject_of_900_kb_is_refused_at_once():
    """S12."""
    raw = b"From: bo@kund.se\r\nSubject: " + b"=?utf-8?B?w6U=?=\r\n " * 47_000 + b"\r\n\r\nhej"
    with within(SECOND):
        found = whole_reading(raw)
    assert found.refusal == "header_block_too_long"
    assert found.sender.address == "bo@kund.se"


def test_messages_nested_in_messages_are_counted_without_recursion():
    """S13."""
    with within(SECOND):
        found = read(b"Subject: x\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 2000 + b"hej")
    assert found.refusal == "nested_too_deep"


def test_nested_comments_in_an_address_are_no_recursion():
    with within(SECOND):
        found = read(b"From: " + b"(" * 4000 + b"a@b.se\r\n\r\nhej")
    assert found.sender is None


def test_limits_are_settings():
    assert read(b"To: a@b.se, c@d.se\r\n\r\n", Limits(addresses=1)).refusal == "too_many_addresses"
    assert read(b"A: b\r\nC: d\r\n\r\n", Limits(headers=1)).refusal == "too_many_headers"
    assert read(b"A: b\r\n\r\nhej", Limits(text_bytes=2)).refusal == "text_too_large"


def test_a_long_pasted_log_does_not_shelve_a_mail_and_hides_no_tag():
    """The limit of text is where a linear scan would be felt, not where a log begins."""
    log = b"2026-11-23 10:32:01 ERROR [worker] disk full: /var\r\n" * 10_000
    with within(5):
        found = read(b"From: bo@kund.se\r\n\r\nHej\r\n" + log + b"Rensat. [tid: 1h]\r\n")
        parts = body.read_body(found)
        (tag,) = tags.read_tags(parts.new)
    assert found.refusal is None
    assert tag.time.minutes == 60


def test_a_quote_in_the_middle_of_a_long_log_is_found_C2():
    """A line of a log is no attribution: it takes none of the places that are looked at."""
    log = "2026-11-23 10:32:01 ERROR [worker] disk full: /var\n" * 9_000
    quote = "Den 12 maj 2025 10:32 skrev Bo Ek <bo@kund.se>:\n> Trasig. [tid: 9h]\n"
    parts = body.split_text(f"Klart. [tid: 1h]\n{log}{quote}{log}")
    assert [tag.time.minutes for tag in tags.read_tags(parts.new)] == [60]
    assert "[tid: 9h]" in parts.quoted


def test_long_headers_that_delivery_adds_are_no_reason_to_shelve():
    raw = b"X-Filter: " + b"a" * 9 * KB + b"\r\nFrom: bo@kund.se\r\n\r\nhej"
    assert read(raw).refusal is None


def test_html_that_is_too_large_is_left_out_where_plain_text_says_the_same():
    raw = (
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nhej\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<p>x" * 200 * KB + b"\r\n--b--"
    )
    found = read(raw)
    assert (found.refusal, found.text, found.html) == (None, "hej", None)
    assert found.defects == ("html_too_large",)


@pytest.mark.parametrize(
    "hidden",
    [
        '<span style="display:none">{}</span>',
        '<span style="display : NONE !important">{}</span>',
        '<span style="font-size:0">{}</span>',
        '<span style="font-size:0px;">{}</span>',
        '<span style="font:0/0 a">{}</span>',
        '<div style="opacity:0">{}</div>',
        '<div style="visibility:hidden">{}</div>',
        '<div style="max-height:0px">{}</div>',
        '<div style="height:0;overflow:hidden">{}</div>',
        '<p style="mso-hide:all">{}</p>',
        '<div style="text-indent:-9999px">{}</div>',
        "<div hidden>{}</div>",
        '<div style="position:absolute;left:-9999px">{}</div>',
        "<!-- {} -->",
        '<span style="color:#fff;background-color:#fff">{}</span>',
        "<title>{}</title>",
        "<style>.h{{display:none}}</style><b class=h>{}</b>",
        "<script>{}</script>",
        "<style>p .h, #x{{font-size:0}}</style><b id=x>{}</b>",
        "<template>{}</template>",
        '<div style="display:none"><p><b>x</b></p><p>{}</p></div>',
        "<textarea>{}</textarea>",
        '<span title=" style=color:red " style="display:none">{}</span>',
        '<div style="/* x */display:/**/none">{}</div>',
        "<select><option>{}</select>",
        '<div style="transform: scale(0)">{}</div>',
        '<div style="clip-path:inset(100%)">{}</div>',
        "<style>@media all{{.h{{display:none}}}}</style><b class=h>{}</b>",
        "<![CDATA[ > {} ]]"[:0] + '<div style="clip: rect(0 0 0 0); position:absolute">{}</div>',
    ],
)
def test_hidden_html_text_never_counts(hidden):
    """S06."""
    source = f"<p>Hej [tid: 1h]</p>{hidden.format('[tid: 9h]')}<p>då</p>"
    parts = body.split_html(source)
    assert [tag.time.minutes for tag in tags.read_tags(parts.new)] == [60]
    assert parts.new.endswith("då")
    assert "9h" not in html.visible_text(source)


@pytest.mark.parametrize(
    "shown",
    [
        '<div style="font-size:0"><span style="font-size:14px">{}</span></div>',
        '<p style="display:none">x<p>{}</p>',
        '<div style="display:block;opacity:0.9">{}</div>',
        "<style>@media print{{.h{{display:none}}}}</style><b class=h>{}</b>",
        '<div style="display:none"></div>{}',
        "<td style='display:none'>x<td>{}",
        '<div style="max-height:none;height:0">{}</div>',
        "<span title='a>b'>{}</span>",
        '<br style="display:none">{}',
        "<p title=it's>{}</p>",
        "<![if !mso]>{}<![endif]>",
        "<table><tr><td>{}</table>",
        '<font size="0">{}</font>',
        "a < b {} c > d",
    ],
)
def test_visible_html_text_is_never_lost(shown):
    """C2."""
    assert "[tid: 1h]" in html.visible_text(shown.format("[tid: 1h]"))


@pytest.mark.parametrize(
    "value", ["1e9h", "\u0663h", "9999999h", "1h" * 400, "-", "\u2212", "0x10h"]
)
def test_absurd_amounts_are_refused_with_a_reason(value):
    """S07."""
    (tag,) = tags.read_tags(f"[tid: {value}]")
    assert tag.kind == "wrong"
    assert tag.error


ATTACKS = [
    "a",
    " ",
    "\n",
    "<",
    ">",
    "[",
    "(",
    '"',
    "'",
    "-",
    "_",
    "=",
    "*",
    "/",
    "1",
    "@",
    ".",
    "&",
    "é",
    "\u00a0",
    "> ",
    "a ",
    "a@",
    "a@b.",
    "<a@b> ",
    "[tid: ",
    "[klar]",
    "=?a?q?",
    "=?utf-8?Q?x?= ",
    "Den 1 maj 2025 10:32 ",
    "skrev <a@b>:\n",
    "-- \n",
    "Från: a@b\n",
    "a:\n",
    "1:",
    "12 maj 2024 ",
    "prio ",
    "<!--",
    "<p>",
    '<a b="',
    "<style>a{",
    "\\",
    "/*",
    "&#1",
    "sent from my ",
    "Message-ID: <",
    "Received: ",
    "--b\n",
    "re: ",
    "a, ",
    "-----\n",
    ">:\n",
    "<\n",
    "ab\n>c\n",
    "\n > \n",
    "[\u200b",
    "[i\u200bn",
    "[a\u0301",
    "[<http:a>",
    "skrev -\n",
    "<td><br>",
]


def attack_texts():
    for piece in ATTACKS:
        yield piece, (piece * (SIZE // len(piece) + 1))[: SIZE - 2] + "!x"


def patterns():
    for module in pkgutil.iter_modules(parsers.__path__, "parsers."):
        if module.name == "parsers.__main__":
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                yield pytest.param(value, id=f"{module.name.removeprefix('parsers.')}.{name}")
            elif isinstance(value, Openings):
                yield pytest.param(value._plain, id="tags.plain")
                yield pytest.param(value._odd, id="tags.odd")
            elif isinstance(value, tuple):
                for number, entry in enumerate(value):
                    inner = entry[0] if isinstance(entry, tuple) else entry
                    if isinstance(inner, re.Pattern):
                        yield pytest.param(inner, id=f"{module.name}.{name}.{number}")


@pytest.mark.parametrize("pattern", list(patterns()))
def test_every_regular_expression_is_linear(pattern):
    """S15: 64 kB of each hostile text, and twice as much takes no more than a few times as long."""

    def cost(text):
        data = text if isinstance(pattern.pattern, str) else text.encode()
        start = time.process_time()
        for _ in pattern.finditer(data):
            pass
        pattern.match(data)
        pattern.fullmatch(data)
        return time.process_time() - start

    for piece, text in attack_texts():
        with within(5):
            took = cost(text)
            # half a second is some ten times what the slowest of them takes on a busy machine
            assert took < 0.5 or cost(text + text) < 4 * cost(text), piece


@pytest.mark.parametrize("piece", ATTACKS, ids=repr)
def test_a_whole_reading_of_hostile_text_never_hangs(piece):
    """S15: as body, as HTML, as subject, as sender, and as header block."""
    data = (piece * (SIZE // len(piece.encode()) + 1)).encode()[:SIZE]
    flat = data.replace(b"\n", b" ")[: 8 * KB]
    for raw in (
        b"Subject: x\r\n\r\n" + data,
        b"Content-Type: text/html\r\n\r\n" + data,
        b"From: " + flat + b"\r\nSubject: " + flat + b"\r\nTo: " + flat + b"\r\n\r\nhej",
        b"Content-Type: " + flat + b"\r\nContent-Disposition: x; " + flat + b"\r\n\r\nhej",
        data,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + data,
    ):
        with within(3):
            whole_reading(raw)
