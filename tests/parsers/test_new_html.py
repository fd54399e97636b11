"""The HTML of what a sender wrote now: exactly that, or none at all (C2, C12, C13)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import html as markup
from parsers.body import read_body
from parsers.message import read
from parsers.new_html import new_html, pictures, says
from parsers.tags import read_tags

QUOTE = (
    '<div class="gmail_quote">Den 4 maj 2026 kl. 10:32 skrev Bo Ek &lt;bo@kund.se&gt;:'
    "<blockquote>Skrivaren [tid: 9h]</blockquote></div>"
)
QUOTED = "\n\nDen 4 maj 2026 kl. 10:32 skrev Bo Ek <bo@kund.se>:\n> Skrivaren [tid: 9h]\n"


def of(plain, html):
    """What of a mail with these two forms may go on as HTML."""
    parts = [
        f"--b\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n{text}\r\n"
        for kind, text in (("plain", plain), ("html", html))
        if text is not None
    ]
    raw = (
        "From: a@b.se\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        + "".join(parts)
        + "--b--\r\n"
    )
    message = read(raw.encode())
    return new_html(message, read_body(message))


def test_the_new_part_goes_on_without_quote_and_tags():
    """C2, C13"""
    found = of(f"Nu går den. [tid: 1h]{QUOTED}", f"<p><b>Nu</b> går den. [tid: 1h]</p>{QUOTE}")
    assert markup.visible_text(found) == "Nu går den."
    assert "<b>Nu</b>" in found


def test_html_alone_is_cut_by_its_own_structure():
    """C12"""
    found = of(None, f"<p>Nu går den. [tid: 1h] [klar]</p>{QUOTE}")
    assert markup.visible_text(found) == "Nu går den."


def test_a_tag_that_markup_runs_through_is_cut_whole():
    """C13"""
    found = of("Nu. [tid: 1h]\n", "<p>Nu. [t<i>id</i>:&nbsp;1<b>h]</b></p>")
    assert markup.visible_text(found) == "Nu."
    assert "<i></i>" in found


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("Ja.", "<p>Nej.</p>"),
        ("Ja.", "<p>Ja. Och mer.</p>"),
        ("Ja. Och mer.", "<p>Ja.</p>"),
        ("Ja.", "<p>J<!-- x -->b.</p>"),
        ("Ja.", '<p><span style="display:none">Nej.</span>Ja.</p>'),
        ("", "<p></p>"),
        ("Ja.", "<p>Ja, 7.</p>"),
        ("", '<img src="cid:1">'),
    ],
)
def test_where_the_two_forms_differ_or_something_is_hidden_there_is_none(plain, html):
    """C12: the plain part counts, and nothing that it does not say may reach a customer."""
    found = of(plain, html)
    assert found is None or markup.all_text(found).strip(" .,") == plain.strip(" .")


@pytest.mark.parametrize(
    "hiding",
    [
        '<img alt="[tid: 9h]">',
        "<img alt='[klar]'>",
        '<img alt="&#91;intern&#93;">',
        f'<a title="{"x " * 1500}[tid: 9h]">',
        "<img alt=[klar]>",
        "<!-- [tid: 9h] -->",
        "<!-- [intern] x",
    ],
)
def test_no_tag_goes_out_in_markup(hiding):
    """C13: seen or hidden, in an attribute of any length, encoded, or in a comment."""
    found = of("Ja. Nu.", f"<p>Ja. {hiding}Nu.</p>")
    assert found is None or not read_tags(found)
    assert says("<p>Ja. Nu.</p>", "Ja. Nu.")
    assert not says(f"<p>Ja. {hiding}Nu.</p>", "Ja. Nu.")


def test_text_above_the_new_one_leaves_none():
    """C2: an answer below its quote cannot be cut as a beginning."""
    assert of(f"{QUOTED.strip()}\n\nJa.", f"{QUOTE}<p>Ja.</p>") is None


def test_a_picture_goes_on_where_the_plain_text_marks_it():
    """C2: below the last letter only what is known to be new."""
    html = '<p>Se här:</p><img src="cid:bild1"><p>--<br>Anna<img src="cid:logo"></p>'
    found = of("Se här:\n[cid:bild1]\n-- \nAnna", html)
    assert pictures(found) == {"bild1"}
    assert of("Se här:\n-- \nAnna", html) is None


def test_style_sheets_and_scripts_do_not_go_on():
    html = "<style>p{color:red}</style><script>x</script><title>y</title><p>Ja.</p>"
    assert of("Ja.", html) == "<p>Ja."


WORDS = st.lists(st.sampled_from(["Ja", "nej", "[tid: 1h]", "[klar]", "åäö", "7", "."]), max_size=8)
WRAPS = st.sampled_from(["{}", "<b>{}</b>", "<p>{}</p>", "<div><i>{}</i></div>", "{}<br>"])


@given(WORDS, WRAPS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_what_goes_on_says_what_was_written_without_tags(words, wrap, answered):
    """C12, C13: whatever comes out, it says the new text, and reading it finds no tag."""
    text = " ".join(words)
    found = of(text + QUOTED * answered, wrap.format(text) + QUOTE * answered)
    if found is not None:
        kept = [word for word in words if not word.startswith("[")]
        assert "".join(markup.visible_text(found).split()) == "".join(kept)
        assert not read_tags(found)
