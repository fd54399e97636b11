"""An engineer's HTML is cut down to ordinary formatting, fast, whatever it holds (D8)."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.desk.letters.sanitising import MOST, sanitised

ATTACKS = [
    "<script>x()</script>",
    "<img src=x onerror=x()>",
    "<svg onload=x()>",
    "<iframe src=//x.y>",
    "<a href='javascript:x()'>a</a>",
    "<a href='cid:a'>a</a>",
    "<img src='https://x.y/1.gif'>",
    "<img src='data:image/png;base64,AA'>",
    "<style>p{}</style>",
    "<p style='background:url(//x.y)'>p",
    "<p style='position:fixed;display:none;font-size:0'>p",
    "<form action=//x.y><input></form>",
    "<object data=//x.y>",
    "<base href=//x.y>",
    "<meta http-equiv=refresh content=0>",
    "<!-- x -->",
    "<table background=//x.y><tr><td>",
    "<b onclick=x()>b</b>",
    "<math><mtext><style><img src=x>",
    "<img alt='a>b' title=\"q\" src='cid:a'>",
    "<img alt='a>b'>",
    "</p></div>",
    "<b>",
    "å & <",
    "<p/>",
]
HOSTILE = st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=10)), max_size=10)


@settings(deadline=None)
@given(pieces=HOSTILE)
def test_nothing_active_or_remote_comes_through(pieces):
    clean = sanitised("".join(pieces))
    assert clean is not None
    for tag in re.findall(r"<([a-z0-9]+)((?:\s+[a-z-]+=\"[^\"]*\")*)", clean):
        name, attributes = tag
        assert name not in {"script", "svg", "iframe", "style", "form", "input", "object", "base"}
        assert name not in {"meta", "math", "link"}
        assert not re.search(r"\s(on\w+|class|id|background|action)=", attributes)
        assert not re.search(
            r'src="(?!cid:)|url\(|javascript:|position|display|font-size', attributes
        )
        assert name != "img" or 'src="cid:' in attributes
        assert name != "a" or 'href="cid:' not in attributes
    assert "<!--" not in clean


@settings(deadline=None)
@given(pieces=HOSTILE)
def test_cleaning_twice_loses_no_text(pieces):
    once = sanitised("".join(pieces))
    assert once is not None
    twice = sanitised(once)
    assert twice is not None
    assert shown(twice) == shown(once)


def shown(html):
    return re.sub(r"<[^>]*>", "", html).split()


@pytest.mark.parametrize(
    "kept",
    [
        "<b>a</b>",
        "<i>a</i>",
        "<ul><li>a</li></ul>",
        '<ol start="3"><li>a</li></ol>',
        "<h2>a</h2>",
        "<pre>a\n  b</pre>",
        "<blockquote>a</blockquote>",
        "a<br>b",
        '<span style="color:#c00">a</span>',
        '<p style="text-align:right">a</p>',
        '<img src="cid:bild1" alt="a" width="20">',
        '<font color="red">a</font>',
        '<table border="1"><tbody><tr><td colspan="2">a</td></tr></tbody></table>',
    ],
)
def test_ordinary_formatting_is_kept_as_it_is(kept):
    assert sanitised(kept) == kept


def test_links_are_kept_and_lead_nowhere_unsafe():
    clean = sanitised('<a href="https://example.se/">a</a><a href="mailto:a@b.se">b</a>')
    assert clean is not None
    assert 'href="https://example.se/"' in clean
    assert 'href="mailto:a@b.se"' in clean


@pytest.mark.parametrize(
    "colour", ["black", "#000000", "windowtext", "rgb(0, 0, 0)", "#FFF", "white"]
)
def test_colours_that_a_dark_screen_would_hide_are_left_to_the_client(colour):
    assert sanitised(f'<span style="color:{colour}">a</span>') == "<span>a</span>"
    kept = sanitised(f'<span style="font-weight:bold;color:{colour}">a</span>')
    assert kept == '<span style="font-weight:bold">a</span>'


@pytest.mark.parametrize(
    "costly",
    [
        "<b>" * 600 + "x",
        "<div>" * 600 + "</x>" * 600,
        "x" * (MOST + 1),
        "".join(f"<font color={n}>" for n in range(400)) + "<p>x" * 5_000,
        "<b><i></b>" * 100_000,
    ],
    ids=["deep", "closed by others", "large", "opened anew", "misnested"],
)
def test_what_would_cost_too_much_is_left_to_the_text(costly):
    assert sanitised(costly) is None


def test_a_long_ordinary_mail_is_cleaned():
    html = "<div><p class=MsoNormal>rad <b>fet</b></p></div>" * 5_000
    clean = sanitised(html)
    assert clean is not None
    assert clean.count("<b>fet</b>") == 5_000
