"""HTML: what a reader sees, quotes by structure, and exact cuts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from parsers import html, markup
from parsers.style import effect


def test_blocks_are_lines_and_white_space_is_one_space():
    source = (
        "<p>Ett\n  två</p><div>tre<b> fyra</b></div><ul><li>a<li>b</ul>x<br><br>y<pre>1\n 2</pre>"
    )
    assert html.visible_text(source).split("\n") == [
        "Ett två",
        "",
        "tre fyra",
        "",
        "- a",
        "- b",
        "",
        "x",
        "",
        "y",
        "",
        "1",
        "2",
    ]


def test_cells_of_a_row_stand_on_one_line():
    source = "<table><tr><td>Från:</td><td>Bo</td></tr><tr><td>Till:</td><td>Oss</td></tr></table>"
    assert html.visible_text(source) == "Från: Bo\nTill: Oss"


def test_entities_become_characters():
    assert html.visible_text("a&nbsp;b &aring;&#229;&#xE5; &lt;x&gt; &amp;amp; &okänd;") == (
        "a\u00a0b ååå <x> &amp; &okänd;"
    )


@pytest.mark.parametrize(
    "source", ["", "<", "<p", "</", "<!", "<!--", "<a b='", "&", "<p style=", "\0"]
)
def test_cut_off_html_is_read_as_far_as_it_goes(source):
    assert html.visible_text("Hej " + source).startswith("Hej")


SOURCES = st.lists(
    st.sampled_from(
        [
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<b>",
            "</b>",
            "ett",
            "två",
            " ",
            "<br>",
            "<td>",
            "<tr>",
            "<table>",
            "</table>",
            "<li>",
            "<ul>",
            "</ul>",
            "&amp;",
            "<!-- x -->",
            "<span class='a>b'>",
            "</span>",
            "<i/>",
            "</x>",
        ]
    ),
    max_size=25,
).map("".join)


@given(SOURCES)
@settings(max_examples=200)
def test_no_visible_word_is_lost_or_made_up(source):
    """Against a browser's parser (lexbor), apart from white space and list marks."""
    body = LexborHTMLParser(source).body
    wanted = body.text() if body else ""
    assert "".join(html.visible_text(source).replace("-", "").split()) == "".join(wanted.split())


@given(SOURCES, st.integers(0, 60), st.integers(0, 20))
def test_mapped_text_points_at_its_own_source_and_a_cut_removes_just_that(source, start, size):
    """C13."""
    text, places = html.mapped_text(source)
    assert len(text) == len(places)
    for char, (begin, end) in zip(text, places, strict=True):
        if begin >= 0:
            assert char.strip() == source[begin:end].replace("&amp;", "&").strip()
    cut = html.cut(source, places, [(start, start + size)])
    removed = sum(end - begin for begin, end in set(places[start : start + size]))
    assert len(cut) == len(source) - removed
    tags = [source[b:e] for kind, b, e in markup.tokens(source) if kind != "text"]
    assert [cut[b:e] for kind, b, e in markup.tokens(cut) if kind != "text"] == tags


@pytest.mark.parametrize(
    "source",
    [
        '<div class="gmail_quote">{}</div>',
        '<div class="x_gmail_quote">{}</div>',
        '<div class="protonmail_quote">{}</div>',
        '<div class="yahoo_quoted" id="y1">{}</div>',
        '<div class="tutanota_quote">{}</div>',
        '<blockquote type="cite">{}</blockquote>',
        '<div id="appendonsend"></div><hr>{}',
        '<div id="divRplyFwdMsg"></div>{}',
        '<div id="x_divRplyFwdMsg"></div>{}',
        '<div class="moz-cite-prefix">{}</div>',
        '<div style="border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0cm">{}</div>',
        '<p id="reply-intro">{}</p>',
        '<div name="quote">{}</div>',
        '<span id="OLK_SRC_BODY_SECTION">{}</span>',
    ],
)
def test_the_structure_of_a_mail_program_marks_its_quote(source):
    """C2: HTML is cut by structure first."""
    found = html.lines("<div>nytt</div>" + source.format("gammalt"))
    assert {line.text: line.quoted for line in found if line.text} == {
        "nytt": False,
        "gammalt": True,
    }


@pytest.mark.parametrize(
    "source",
    [
        "<blockquote>{}</blockquote>",
        '<div style="border-top:solid windowtext 1.0pt">{}</div>',
        '<div class="quote">{}</div>',
        '<div id="reply">{}</div>',
        '<div class="gmail_default">{}</div>',
    ],
)
def test_what_people_make_themselves_is_no_mark(source):
    """C2."""
    assert not any(line.quoted for line in html.lines(source.format("text")))


def test_styles_say_what_they_hide():
    """S06."""
    assert effect("display:none").hides
    assert effect("color:red; DISPLAY : none").hides
    assert not effect("display:inline; opacity:1; height:0").hides
    assert effect("font-size:0").tiny is True
    assert effect("font-size:12px").tiny is False
    assert effect("font-size:90%").tiny is None
    assert effect("font-size:.5em").tiny is None
    assert effect("font-size:1px").tiny is True
    assert not effect("").hides
