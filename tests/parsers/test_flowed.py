"""format=flowed: soft line breaks are no line breaks of the writer (RFC 3676)."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.body import read_body
from parsers.flowed import joined
from parsers.message import read
from parsers.tags import cut_tags, read_tags

LONG = "Disken var full och jag har frigjort plats på den, så nu ska det gå bra att"
FLOWED = "From: a@b.se\r\nContent-Type: text/plain; charset=utf-8; format=flowed{}\r\n\r\n{}"


def flowed(text, more=""):
    return read(FLOWED.format(more, text.replace("\n", "\r\n")).encode())


def test_a_note_that_was_broken_twice_is_one_tag():
    """C9, C13: one line break inside is white space, and a soft one is none."""
    text = (
        f"{LONG} \nskriva ut. [tid: 1,5h 2026-11-20 ej deb; bytte disk och flyttade \n"
        "allt som låg på den gamla till den nya, och läste sedan in säkerhetskopian \n"
        "från i natt]\n\nMvh Anna"
    )
    new = read_body(flowed(text)).new
    (tag,) = read_tags(new)
    assert (tag.time.minutes, tag.time.billable) == (90, False)
    assert tag.time.note.endswith("säkerhetskopian från i natt")
    assert cut_tags(new, [tag]) == f"{LONG} skriva ut.\n\nMvh Anna"


def test_a_space_that_marks_the_break_goes_where_the_mail_says_so():
    """RFC 3676, DelSp."""
    url = "https://example.se/" + "a" * 60
    assert flowed(f"{url} \nbbb", "; delsp=yes").text == f"{url}bbb"
    assert flowed(f"{LONG}  \nbbb", "; DelSp=Yes").text == f"{LONG} bbb"
    assert flowed(f"{LONG} \nbbb").text == f"{LONG} bbb"


@pytest.mark.parametrize(
    "text",
    [
        "Prio 2 \nHej, skrivaren står still igen och ingen kan skriva ut något som helst.",
        f"{LONG} \n\nnytt stycke",
        f"{LONG}\nny rad",
        f"{LONG} \n> citat",
        f"> {LONG} \nsvar",
        f"> {LONG} \n>> äldre",
        f"{LONG} \n-- \nAnna",
        "-- \nAnna Svensson",
        "Från: Bo Ekström via kundtjänsten på Kund AB <bo.ekstrom@kund.se> \nSkickat: den 4 maj",
    ],
)
def test_what_somebody_ended_stays_ended(text):
    """C2, C5: a space at the end of a line is often a slip."""
    assert joined(text) == text


def test_a_quoted_paragraph_is_made_whole_at_its_depth():
    assert joined(f"> {LONG} \n> skriva ut.\n>\n> Bo") == f"> {LONG} skriva ut.\n>\n> Bo"
    assert joined(f">> {LONG} \n>>skriva ut.") == f">> {LONG} skriva ut."


def test_text_that_is_not_called_flowed_is_left_alone():
    raw = FLOWED.replace("; format=flowed", "").format("", f"{LONG} \r\nskriva")
    assert read(raw.encode()).text == f"{LONG} \nskriva"


@given(st.lists(st.text("abcdefghijåäö", min_size=1, max_size=12), min_size=1, max_size=60))
def test_whatever_a_program_wrapped_is_read_as_it_was_written(words):
    """Against the standard library's wrapping, which knows nothing of us."""
    paragraph = " ".join(words)
    lines = textwrap.wrap(paragraph, 72, break_long_words=False, break_on_hyphens=False)
    assert joined(" \n".join(lines)) == paragraph


@given(st.text("ab >-:\n", max_size=300), st.booleans())
def test_nothing_but_line_breaks_stuffing_and_marks_is_ever_lost(text, delete):
    wanted = [char for char in text if char not in " >\n"]
    assert [char for char in joined(text, delete_space=delete) if char not in " >\n"] == wanted
