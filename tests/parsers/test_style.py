"""Style sheets and style attributes: what hides, whom it hides, and what only looks so (S06)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.body import split_html
from parsers.html import visible_text
from parsers.style import Hiding, declarations, effect, hiding_rules
from parsers.tags import read_tags

HIDES = (
    "display:none",
    "DISPLAY: None!important",
    "display:block;display:none",
    "visibility:hidden",
    "visibility:collapse",
    "mso-hide:all",
    "opacity:0",
    "opacity:.01",
    "opacity:0%",
    "zoom:0",
    "max-height:0",
    "max-width:0px",
    "height:0;overflow:hidden",
    "width:0;overflow:clip",
    "text-indent:-1000em",
    "position:absolute;left:-9999px",
    "position:fixed;top:-10000px",
    "clip:rect(0 0 0 0)",
    "clip-path:inset(50%)",
    "transform:scale(0)",
    "color:transparent",
    "color:rgba(0,0,0,0)",
    "color:rgba(10, 20, 30, 0.0)",
    "color:rgb(0 0 0 / 0%)",
    "color:hsla(0,0%,0%,0)",
    "color:#0000",
    "color:#12345600",
    "color:#fff;background:#fff",
    "color:white;background-color:white",
    r"d\69splay:none",
    r"\64 isplay:none",
    r"display:n\6fne",
    r"disp\lay:none",
    "display:/* x */none",
)
SHOWS = (
    "",
    "display:block",
    "display:none;display:block",
    "opacity:1",
    "opacity:0.5",
    "zoom:1",
    "height:0",
    "max-height:none",
    "left:-9999px",
    "position:absolute;left:0",
    "text-indent:-1em",
    "color:#fff",
    "color:white;background:black",
    "color:rgba(0,0,0,1)",
    "color:rgb(0,0,0)",
    "color:#000",
    "color:#000f",
    "color:#00000001",
    "color:rgb(0 0 0 / 50%)",
    "transform:scale(1)",
    "overflow:hidden",
    "visibility:visible",
    "dis/**/play:none",
    "mso-hide:screen",
    "background:transparent",
    "border-color:transparent",
)


@pytest.mark.parametrize("style", HIDES)
def test_a_style_that_hides_hides_what_stands_in_it(style):
    """S06: no tag in it counts, and the text around it does."""
    assert effect(style).hides
    source = f"<p>[tid: 1h]</p><div style='{style}'><b>[tid: 9h]</b></div><p>då</p>"
    assert [tag.value for tag in read_tags(split_html(source).new)] == ["1h"]


@pytest.mark.parametrize("style", SHOWS)
def test_a_style_that_shows_loses_no_text(style):
    """C2."""
    assert not effect(style).hides
    assert visible_text(f"<div style='{style}'>[tid: 1h]</div>") == "[tid: 1h]"


@pytest.mark.parametrize(
    ("style", "tiny"),
    [
        ("font-size:0", True),
        ("font-size:1px", True),
        ("font-size:0.1em", None),
        ("font-size:0.01em", True),
        ("font-size:2px", False),
        ("font-size:large", None),
        ("font:0 a", True),
        ("font:bold 0/1 a", True),
        ("font:12px/0 a", False),
        ("font-size:0.9rem", False),
        ("font-size:0%", True),
        ("font:inherit", None),
    ],
)
def test_a_size_is_none_some_or_as_around_it(style, tiny):
    """S06."""
    assert effect(style).tiny is tiny


def test_of_two_declarations_of_one_name_the_last_counts():
    assert declarations("A: b; a : C !important;x;:y;a:d") == {"a": "d", "": "y"}


def hides(sheet, tag, classes, identifier=""):
    hiding = Hiding()
    hiding.add(hiding_rules(sheet))
    return hiding.holds(tag, frozenset(classes), identifier)


NAMES = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.lists(st.tuples(st.sampled_from(["", "p", "b"]), st.sets(NAMES), st.sets(NAMES))),
    st.lists(st.tuples(st.sampled_from(["p", "b"]), st.sets(NAMES), NAMES), max_size=5),
)
def test_many_rules_together_hide_what_one_of_them_hides(rules, elements):
    """S06: against each rule by itself."""
    sheet = ""
    for tag, classes, identifiers in rules:
        selector = tag + "".join(f".{x}" for x in classes) + "".join(f"#{x}" for x in identifiers)
        sheet += f"{selector}{{display:none}}" if selector else ""
    for name, has, identifier in elements:
        wanted = any(
            tag in {"", name} and classes <= has and identifiers <= {identifier}
            for tag, classes, identifiers in rules
            if tag or classes or identifiers
        )
        assert hides(sheet, name, has, identifier) == wanted


@pytest.mark.parametrize(
    ("sheet", "tag", "classes", "identifier"),
    [
        (".h{display:none}", "b", {"h", "x"}, ""),
        ("#i{font-size:0}", "p", set(), "i"),
        ("b.h{opacity:0}", "b", {"h"}, ""),
        ("p,.h,i{display:none}", "b", {"h"}, ""),
        (".a .h{display:none}", "b", {"h"}, ""),
        (".a>.h{display:none}", "b", {"h"}, ""),
        ("/* x */ .h /* y */ {display:none}", "b", {"h"}, ""),
        ("b{display:none}", "b", set(), ""),
        ("@media screen{.h{display:none}}", "b", {"h"}, ""),
        (".H{DISPLAY:NONE}", "b", {"h"}, ""),
        (".x{color:red}.h{display:none}", "b", {"h"}, ""),
    ],
)
def test_a_rule_of_a_sheet_hides_whom_it_names(sheet, tag, classes, identifier):
    """S06."""
    assert hides(sheet, tag, classes, identifier)


@pytest.mark.parametrize(
    ("sheet", "tag", "classes"),
    [
        (".h{display:none}", "b", {"g"}),
        ("p.h{display:none}", "b", {"h"}),
        ("@media print{.h{display:none}}", "b", {"h"}),
        (".h{display:block}", "b", {"h"}),
        ("@media (max-width:600px){.h{display:none}}", "b", {"h"}),
        (".h:hover{display:none}", "b", {"h"}),
        (".h.g{display:none}", "b", {"h"}),
        ("*{display:none}", "b", {"h"}),
        (".x b{display:none}", "b", {"h"}),
        (".h{", "b", {"h"}),
        ("", "b", {"h"}),
    ],
)
def test_a_rule_for_others_or_for_other_screens_hides_nothing(sheet, tag, classes):
    """C2: text that a reader may see is never lost to a guess."""
    assert not hides(sheet, tag, classes)


@pytest.mark.parametrize(
    "source",
    [
        "<p>hej</p><b class=h>[tid: 9h]</b><style>.h{display:none}</style>",
        "<body><b class=h>[tid: 9h]</b><p>hej</p><style><!-- .h{display:none} --></style></body>",
        "<style>p{color:red}</style><b class=h>[tid: 9h]</b>hej<style>.h{font-size:0}</style>",
    ],
)
def test_a_sheet_below_hides_what_stands_above_it(source):
    """S06: programs read every sheet before they draw."""
    assert visible_text(source) == "hej"


def test_a_sheet_for_another_program_is_none():
    """A conditional comment is a comment to everybody but the program that it is for."""
    source = "<body><b class=h>hej</b><!--[if mso]><style>.h{display:none}</style><![endif]-->"
    assert visible_text(source) == "hej"
