"""Text from mails never acts as markup, as HTML or as a tag, whatever it holds (C2, D8)."""

import dataclasses
import datetime as dt
import html as stdlib_html
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.desk.letters import markup
from daemon.desk.letters.records import Said
from daemon.desk.letters.rendering import render
from daemon.desk.letters.to_customers import Confirmation
from daemon.desk.letters.to_engineers import BankChange, Notice, Receipt
from parsers.html import all_text
from parsers.tags import read_tags
from tests.desk.letters.letter_samples import LETTERS, ZONE

PIECES = [
    "<script>alert(1)</script>",
    "<b>",
    "</td></tr></table>",
    "-->",
    "<!--",
    "&amp;",
    "&lt;",
    '"',
    "'",
    "## rubrik",
    "# x",
    "| a | b",
    "|= a",
    "|- a",
    "|+ x",
    "> citat",
    "- punkt",
    "! panel",
    "~ liten",
    "@message",
    "@reply",
    "---",
    "**fet**",
    "`kod`",
    "((grå))",
    "\\",
    "\r",
    "\n",
    "\r\n",
    "\n\n",
    "\x00",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\ud800",
    "\x02",
    "\x11",
    "\x12",
    "\x13",
    "\x14",
    "\x16",
    "\x17u\x18v\x19",
    "[tid: 9h]",
    "[klar]",
    "[inten]",
    "[[intern]]",
    "[ti",
    "d: 9h]",
    "{{ 1 }}",
    "{% if %}",
    "Subject: x",
    "Accent: 1",
    "å",
    "🙂",
    "x" * 3000,
    "\u2028",
    "\t",
    "  ",
]
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=14).map(
    "".join
)
LANGUAGE = st.sampled_from(["sv", "en"])
UNSEEN = [chr(n) for n in (*range(9), *range(11, 32), 127, 0x202E, 0x2066, 0xFEFF)]


class Shape(HTMLParser):
    """The elements of a document, in order: what no value may change."""

    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag != "br":
            self.found.append((tag, tuple(sorted(attrs))))

    def handle_endtag(self, tag):
        self.found.append(tag)


def shape(source):
    seen = Shape()
    seen.feed(source)
    seen.close()
    return seen.found


def filled(sample, value):
    """The sample with every text in it replaced."""

    def of(field):
        old = getattr(sample, field.name)
        if field.name in {
            "why",
            "not_relayed",
            "bank_period",
            "month",
            "clock",
            "what",
            "html",
            "reason",
            "problem",
        }:
            return old
        return replaced(old, value)

    return dataclasses.replace(sample, **{f.name: of(f) for f in dataclasses.fields(sample)})


def replaced(old, value):
    if isinstance(old, str):
        return value if old else old
    if isinstance(old, tuple):
        return tuple(replaced(each, value) for each in old)
    return filled(old, value) if dataclasses.is_dataclass(old) else old


@pytest.mark.parametrize("name", [n for n in LETTERS if n not in {"tag_card", "digest_empty"}])
@settings(max_examples=12, deadline=None)
@given(value=HOSTILE, language=LANGUAGE)
def test_a_value_never_changes_the_shape_of_a_letter(name, value, language):
    sample = LETTERS[name]
    plain = filled(sample, "x")
    hostile = filled(sample, value.strip() + "x" + value)
    theirs, ours = render(hostile, language, ZONE), render(plain, language, ZONE)
    paragraph = ("p", (("style", "margin:0 0 14px"),))  # an answer's text has its own paragraphs
    assert without(shape(theirs.html), paragraph) == without(shape(ours.html), paragraph)


def without(found, paragraph):
    return [each for each in found if each not in (paragraph, "p")]


@settings(max_examples=60, deadline=None)
@given(value=HOSTILE, language=LANGUAGE)
def test_no_value_is_read_as_a_tag_or_turns_the_writing_c2(value, language):
    for sample in (notice(value), receipt(value), LETTERS["alarm"]):
        letter = render(sample, language, ZONE)
        assert read_tags(letter.subject) == ()
        assert read_tags(letter.text) == ()
        assert read_tags(all_text(letter.html)) == ()
        for text in (letter.subject, letter.text, letter.html):
            assert not [char for char in UNSEEN if char in text]
            text.encode()
        assert "\n" not in letter.subject


def notice(value):
    at = dt.datetime(2026, 11, 27, 15, 42, tzinfo=ZONE)
    said = Said(value, at, value, value)
    return Notice(
        1042, value, value, "acme", value, value, 2, True, value, at, 30, said, (said,), (value,)
    )


def receipt(value):
    return Receipt(
        1042,
        value,
        value,
        (),
        (),
        (value,),
        (BankChange(value, "2026-Q4", 1, 2),) * 2,
        (value,),
        None,
        (value, "[tid: 9h]"),
    )


@settings(max_examples=60, deadline=None)
@given(value=HOSTILE)
def test_every_word_of_a_message_reaches_the_engineer_once_d8(value):
    words = [word for word in markup.harmless(markup.clean(value)).split() if word]
    letter = render(notice_of(value), "sv", ZONE)
    quoted = [line[1:] for line in letter.text.split("\n") if line.startswith(">")]
    assert " ".join(quoted).split() == (words or ["(ingen", "text)"])
    shown = letter.html.partition("<blockquote")[2].partition(">")[2].partition("</blockquote>")[0]
    seen = stdlib_html.unescape(shown.replace("<br>", " ").replace("&nbsp;", " "))
    assert seen.split() == (words or ["(ingen", "text)"])


def notice_of(text):
    at = dt.datetime(2026, 11, 27, 15, 42, tzinfo=ZONE)
    return Notice(1, "x", "x", "x", "x", "x", 3, False, "x", None, None, Said("x", at, text), ())


@settings(max_examples=40, deadline=None)
@given(value=HOSTILE)
def test_a_confirmation_carries_the_subject_on_one_line_and_escaped_once_j1(value):
    sample = LETTERS["confirmation"]
    assert isinstance(sample, Confirmation)
    letter = render(dataclasses.replace(sample, subject=value), "sv", ZONE)
    assert letter.subject == (markup.harmless(markup.one_line(value)) or "Utan ämne")
    title = letter.html.partition("<title>")[2].partition("</title>")[0]
    assert stdlib_html.unescape(title) == letter.subject


def test_ten_thousand_characters_stay_a_mail_and_a_hundred_thousand_are_cut():
    letter = render(notice_of("långt ord " * 1_000), "sv", ZONE)
    assert letter.text.count("långt") == 1_000
    assert max(map(len, letter.text.split("\n"))) <= 80
    longer = render(notice_of("x" * 150_000), "sv", ZONE)
    assert len(longer.text) < 102_000
    assert " …\n" in longer.text


@settings(deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(["[", "]", "tid: 9h", "intern", "klar", "\n", " ", "(", ")", "x"])
    )
)
def test_harmless_text_holds_no_tag_and_all_its_words(parts):
    text = "".join(parts)
    harmless = markup.harmless(text)
    assert read_tags(harmless) == ()
    assert strip(harmless) == strip(text)


def strip(text):
    return text.translate(dict.fromkeys(map(ord, "[]()")))
