"""The templates' markup: what a line is by how it starts, and what a sealed value cannot do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.desk.letters import mail_html, markup, plain_text

SOURCE = """Subject: Ämne
Preview: Förhand
Accent: 1

# Titel

Ett stycke
över två rader.\\
Och en tredje med **fet** och `kod` och ((grå)) text.

| Kund | Acme
| Avtal | Alert!

|= Rad | >Belopp
|- Avgift | 8 000
|+ Netto | 8 000

> Citat

- Ett
- Två

---

~ Slut
"""


def both(source):
    page = markup.read_page(source)
    text = plain_text.typeset(page, "sv", marker="M", message="T")
    return text, mail_html.typeset(page, "sv", marker="M", message="H")


def test_every_kind_of_block_is_read_by_how_it_starts():
    kinds = [block.kind for block in markup.read_page(SOURCE).blocks]
    assert kinds == ["title", "text", "facts", "table", "quote", "list", "rule", "small"]


def test_the_text_form_reads_well():
    text, _ = both(SOURCE)
    assert text == (
        "TITEL\n\nEtt stycke över två rader.\nOch en tredje med fet och ”kod” och grå text.\n\n"
        "Kund:   Acme\nAvtal:  Alert!\n\nRad     Belopp\nAvgift   8 000\n        ------\n"
        "Netto    8 000\n\n> Citat\n\n– Ett\n– Två\n\nSlut\n"
    )


def test_the_html_form_has_an_element_for_each_block():
    _, html = both(SOURCE)
    for element in (
        "<h1 ",
        "<table ",
        "<blockquote ",
        "<ul ",
        "<hr ",
        "<strong>fet</strong>",
        "<code ",
    ):
        assert html.count(element) == (3 if element == "<table " else 1), element
    assert "rader.<br>Och" in html
    assert mail_html.ACCENTS["1"] in mail_html.typeset(
        markup.read_page(f"{SOURCE}\n! Viktigt\n"), "sv", marker="M"
    )


@pytest.mark.parametrize(
    "start", ["## ", "| a | b", "|= a", "> ", "- ", "! ", "~ ", "@message", "@reply"]
)
def test_a_sealed_value_at_the_start_of_a_line_is_a_paragraph(start):
    sealed = markup.seal(f"{start}x")
    assert [block.kind for block in markup.read_page(f"Subject: x\n\n{sealed}").blocks] == ["text"]
    assert plain_text.inline(sealed) == f"{start}x"


@settings(deadline=None)
@given(value=st.text(alphabet="*`()|\\<>&\"' ab\n", max_size=40))
def test_a_sealed_value_comes_out_as_it_went_in(value):
    shown = markup.one_line(value)
    assert plain_text.inline(f"före {markup.seal(value)} efter") == f"före {shown} efter"
    lines = plain_text.inline(markup.seal_lines(value)).split("\n")
    assert " ".join(lines).split() == value.split()


@settings(deadline=None)
@given(
    words=st.lists(st.text(alphabet="abc\N{NO-BREAK SPACE}", min_size=1, max_size=90), max_size=30)
)
def test_wrapping_breaks_only_at_spaces_and_keeps_every_word(words):
    text = " ".join(words)
    lines = plain_text.wrap(text, 40).split("\n")
    assert " ".join(lines) == text
    assert all(len(line) <= 40 or " " not in line for line in lines)


@pytest.mark.parametrize(
    "url", ["javascript:x", "https://a b", 'https://a"', "ftp://a", "", "https://a<"]
)
def test_a_link_that_is_none_is_only_its_label(url):
    text, html = both(f"Subject: x\n\n{markup.link('Öppna', url)}\n")
    assert "<a " not in html
    assert text == "Öppna\n"


def test_a_link_shows_where_it_leads_in_both_forms():
    sealed = markup.link("Öppna & se", "https://a.se/?x=1&y=2")
    text, html = both(f"Subject: x\n\n{sealed}\n")
    assert 'href="https://a.se/?x=1&amp;y=2"' in html
    assert ">Öppna &amp; se</a>" in html
    assert text == "Öppna & se: https://a.se/?x=1&y=2\n"
