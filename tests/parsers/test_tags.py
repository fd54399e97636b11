"""Tags that engineers write: reading and cutting (C9-C13)."""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.html import all_text
from parsers.tags import Tag, WorkedTime, cut_tags, cut_tags_html, read_tags


def one(text: str) -> Tag:
    (tag,) = read_tags(text)
    return tag


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("time", "tid time"),
        ("priority", "prio prioritet priority"),
        ("start", "start påbörjad started"),
        ("done", "klar löst done solved"),
        ("reopen", "öppna reopen"),
        ("waiting", "vänta väntar waiting"),
        ("internal", "intern internal"),
        ("customer", "kund customer"),
        ("for", "för for"),
        ("assign", "tilldela assign"),
        ("merge", "slå_ihop merge"),
        ("spam", "skräp spam"),
        ("reason", "orsak reason"),
        ("meeting", "möte meeting"),
        ("promise", "löfte promise"),
        ("undo", "ångra undo"),
        ("help", "hjälp help"),
    ],
)
def test_a_tag_has_its_swedish_and_english_names_in_any_case(name, words):
    """C9."""
    for word in words.replace("_", " ").split(" ") if "_" not in words else ["slå ihop", "merge"]:
        for spelt in (word, word.upper(), word.title()):
            tag = one(f"Hej [{spelt}: 1h] du")
            assert (tag.name, tag.value) == (name, "1h")


@pytest.mark.parametrize(
    ("value", "minutes"),
    [
        ("1,5h", 90),
        ("1.5h", 90),
        ("1,5 tim", 90),
        ("2 timmar", 120),
        ("2 hours", 120),
        ("90m", 90),
        ("90 min", 90),
        ("1h30", 90),
        ("3h20m", 200),
        ("1h 30m", 90),
        ("1 tim 30 min", 90),
        ("1:30", 90),
        ("0:05", 5),
        ("1 timme", 60),
        ("1 hour", 60),
        ("1,33h", 80),
        ("0,5m", 1),
        ("0,125h", 8),
        ("-1h", -60),
        ("\u22121h30", -90),
        ("- 45 min", -45),
        ("25 h", 1500),
        ("0,33 TIM", 20),
    ],
)
def test_an_amount_is_whole_minutes_rounded_half_up(value, minutes):
    """C10, A5."""
    tag = one(f"[tid: {value}]")
    assert (tag.kind, tag.error) == ("tag", None)
    assert tag.time == WorkedTime(minutes)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("15", "unit_missing"),
        ("1,5", "unit_missing"),
        ("15 igår", "unit_missing"),
        ("1e9h", "bad_amount"),
        ("\u0663h", "bad_amount"),
        ("½h", "bad_amount"),
        ("h", "bad_amount"),
        ("1h90m", "bad_amount"),
        ("1:75", "bad_amount"),
        ("en timme", "bad_amount"),
        ("igår 1h", "bad_amount"),
        ("--1h", "bad_amount"),
        ("+1h", "bad_amount"),
        ("1hh", "bad_amount"),
        ("0h", "zero_amount"),
        ("", "no_value"),
        ("1h 2026-02-30", "bad_date"),
        ("1h 20/11", "bad_date"),
        ("1h 5", "bad_date"),
        ("1h igår idag", "two_dates"),
        ("1h 2026-11-20 igår", "two_dates"),
        ("1h bytte disk", "unknown_word"),
        ("99999h", "bad_amount"),
        ("1 d", "unit_missing"),
    ],
)
def test_what_is_no_amount_is_refused_and_never_guessed(value, error):
    """C10, S07."""
    tag = one(f"[tid: {value}]")
    assert (tag.kind, tag.name, tag.error, tag.time) == ("wrong", "time", error, None)


def test_after_the_amount_come_date_marks_and_note_in_any_order():
    """C10."""
    day = dt.date(2026, 11, 20)
    assert one("[tid: 1h 2026-11-20]").time == WorkedTime(60, date=day)
    assert one("[tid: 1h IGÅR]").time == WorkedTime(60, days_back=1)
    assert one("[time: 1h today]").time == WorkedTime(60, days_back=0)
    assert one("[tid: 1h ej deb]").time == WorkedTime(60, billable=False)
    assert one("[tid: 1h not billable, yesterday]").time == WorkedTime(
        60, days_back=1, billable=False
    )
    full = WorkedTime(60, day, None, billable=False, outside=True, note="bytte disk [A] ; x")
    assert one("[tid: 1h kväll ej deb 2026-11-20; bytte  disk [A] ; x]").time == full
    assert one("[tid: 1h 2026-11-20 ej deb evening;bytte disk [A] ; x]").time == full


@given(
    hours=st.integers(0, 999),
    minutes=st.integers(0, 59),
    form=st.integers(0, 5),
    sign=st.sampled_from(["", "-", "\u2212"]),
    space=st.sampled_from(["", " ", "\u00a0"]),
)
def test_every_form_of_an_amount_means_the_same(hours, minutes, form, sign, space):
    """C10, against a model that builds the text from the minutes."""
    total = hours * 60 + minutes
    quarters = (Decimal(total) / 60).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)
    text = (
        f"{total}{space}m",
        f"{hours}h{space}{minutes}m",
        f"{hours}:{minutes:02}",
        f"{hours}h{minutes:02}",
        f"{quarters}{space}h".replace(".", ","),
        f"{hours}{space}tim {minutes}{space}min",
    )[form]
    tag = one(f"[tid: {sign}{text}]")
    if total:
        assert tag.time == WorkedTime(-total if sign else total)
    else:
        assert tag.error == "zero_amount"


@pytest.mark.parametrize(
    "text",
    [
        "[klar för test]",
        "[Tidplan]",
        "[tidning: x]",
        "a[tid: 1h]",
        "1[tid: 1h]",
        ")[tid: 1h]",
        "[tid: 1h](https://x.se)",
        "[1][tid: 1h]",
        "a[0][klar]",
        "[x]",
        "[]",
        "[ ]",
        "[tid: 1h",
        "tid: 1h]",
        "[tid:\n\n1h]",
        "[tid: …]",
        "[TID: ...]",
        "[kund: … ]",
        "[för dig som undrar]",
        "[intern information]",
        "[prio 2]",
        "[start av server]",
        "[öppnad: ja]",
        "[tid: " + "x" * 1100 + "]",
    ],
)
def test_ordinary_text_is_no_tag(text):
    """C9, and the sample form of C2."""
    assert read_tags(text) == ()
    assert cut_tags(text, read_tags(text)) == text


def test_one_line_break_inside_is_white_space():
    """C9."""
    assert one("[tid:\n1,5h]").time == WorkedTime(90)
    assert one("[slå\nihop: 1042]").value == "1042"
    assert one("[\u00a0tid\u00a0:\u200b 1h ]").time == WorkedTime(60)
    assert one("[fo\u0308r: anna@kund.se]").name == "for"


@pytest.mark.parametrize("text", ["[tid 1,5h]", "[tid1h]", "[Tid; 1h]", "[tid -1h]", "[time=2h]"])
def test_a_time_tag_without_its_colon_is_a_wrong_tag(text):
    """C9."""
    if text == "[tid1h]":  # no name: a word of its own
        assert read_tags(text) == ()
    else:
        assert (one(text).kind, one(text).error) == ("wrong", "colon_missing")


@pytest.mark.parametrize(
    "word",
    ["inern", "intern.", "internt", "interna", "itnern", "imtern", "nternal", "intenal", "INTERM"],
)
def test_a_bracket_one_letter_off_intern_stops_the_relay(word):
    """C9."""
    tag = one(f"[{word}] Kunden är sur.")
    assert (tag.kind, tag.name) == ("near_internal", "")


def test_near_internal_is_exactly_one_edit_by_a_model_of_all_edits():
    """C9, against every edit of the two words, made one by one."""
    letters = "abcdefghijklmnopqrstuvwxyzåäö"
    for word in ("intern", "internal"):
        edits = {word[:i] + word[i + 1 :] for i in range(len(word))}
        edits |= {word[:i] + c + word[i + 1 :] for i in range(len(word)) for c in letters}
        edits |= {word[:i] + c + word[i:] for i in range(len(word) + 1) for c in letters}
        for edit in edits - {"intern", "internal"}:
            assert one(f"[{edit}]").kind == "near_internal", edit
    for other in ("kintern2", "inte", "internatet", "extern", "int ern al"):
        assert read_tags(f"[{other}]") == (), other


def test_tags_that_need_a_value_are_wrong_without_one():
    """C9."""
    for name in ("tid", "prio", "kund", "för", "tilldela", "slå ihop", "orsak"):
        assert one(f"[{name}]").error == "no_value"
        assert one(f"[{name}: ]").error == "no_value"
    for name in ("klar", "start", "vänta", "intern", "öppna", "skräp", "ångra", "hjälp"):
        assert one(f"[{name}]").error is None


def test_a_priority_tag_names_a_level():
    """C4, C9."""
    for text, level in (("1", 1), ("hög", 2), ("2 - Hög", 2), ("P3", 3), ("low", 4)):
        assert one(f"[prio: {text}]").level == level
    for text in ("5", "snart", "1 låg"):
        assert one(f"[prio: {text}]").error == "bad_level"


def test_ordinals_count_right_and_wrong_tags_alike():
    """C12."""
    tags = read_tags("[tid: 15] a [tid: 1h] b [klar] c [tid: x]\n[inern] [för dig]")
    assert [tag.kind for tag in tags] == ["wrong", "tag", "tag", "wrong", "near_internal"]
    assert [tags[0].raw, tags[1].span] == ["[tid: 15]", (12, 21)]


def test_a_tag_right_after_a_tag_is_wrong_so_that_no_cut_can_make_one_of_it():
    """C9, C13."""
    first, second = read_tags("[klar][tid: 1h]")
    assert (first.kind, second.kind, second.error) == ("tag", "wrong", "glued")


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Klart [tid: 1h] nu", "Klart nu"),
        ("Klart. [tid: 1h]", "Klart."),
        ("[tid: 1h] Klart.", "Klart."),
        ("Klart [tid: 1h].", "Klart."),
        ("Hej\n\n[tid: 1h]\n\nMvh", "Hej\n\nMvh"),
        ("Hej\n[tid: 1h]\nMvh", "Hej\nMvh"),
        ("Hej\n[tid: 1h] [klar]\nMvh", "Hej\nMvh"),
        ("[intern]", ""),
        ("x [[klar]tid: 1h] y", "x y"),
        ("a\n\n\n\nb [klar]", "a\n\nb"),
        ("Hej [tid: 1h] [klar] [intern], Bo", "Hej, Bo"),
    ],
)
def test_a_cut_leaves_no_trace(text, cut):
    """C13."""
    found = cut_tags(text, read_tags(text))
    assert found == cut
    assert read_tags(found) == ()


def test_text_without_tags_is_left_as_it_is():
    """C13."""
    text = "a  b\n\n\n\nc\t[x]  "
    assert cut_tags(text, ()) == text


PIECES = st.sampled_from(
    [
        "[tid: 1h]",
        "[klar]",
        "[",
        "]",
        "tid",
        ": ",
        "1h",
        " ",
        "\n",
        "a",
        "[intern]",
        "(",
        "…",
        "å",
        "[inern]",
        "[tid 2h]",
        "klar",
        "\u200b",
        "[slå\nihop: 1]",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=300)
def test_after_a_cut_no_tag_can_be_read(text):
    """C13, whatever stands around the tags."""
    cut = cut_tags(text, read_tags(text))
    assert read_tags(cut) == ()
    kept = iter("".join(cut.split()).replace("(", "[").replace(")", "]"))
    whole = iter("".join(text.split()).replace("(", "[").replace(")", "]"))
    assert all(char in whole for char in kept)  # a cut makes up nothing


@given(st.lists(PIECES, max_size=40).map("".join))
def test_spans_lie_in_order_and_hold_their_tags(text):
    """C12."""
    at = 0
    for tag in read_tags(text):
        start, end = tag.span
        assert at <= start < end
        assert text[start:end] == tag.raw
        at = end


def test_tags_are_cut_out_of_html_and_all_else_stays_byte_for_byte():
    """C13."""
    html = "<P CLASS=x>Hej&nbsp;<b>Bo [tid:</b>\n1,5&nbsp;h] och <i>[Klar]</i></P>\n<!-- c --><br/>"
    tags = read_tags("Hej Bo [tid: 1,5 h] och [Klar]")
    expected = "<P CLASS=x>Hej&nbsp;<b>Bo </b> och <i></i></P>\n<!-- c --><br/>"
    assert cut_tags_html(html, tags) == expected


def test_the_link_that_outlook_repeats_in_plain_text_is_no_part_of_a_tag():
    """C9, C13."""
    tags = read_tags("[för: anna@kund.se<mailto:anna@kund.se>] Ring henne.")
    assert tags[0].value == "anna@kund.se"
    html = '<p>[för: <a href="mailto:anna@kund.se">anna@kund.se</a>] Ring henne.</p>'
    assert cut_tags_html(html, tags) == '<p><a href="mailto:anna@kund.se"></a> Ring henne.</p>'


def test_entities_and_quoted_parts_are_cut_too():
    """C13."""
    html = "<p>&#91;tid&#58; 1h&#93; x</p><blockquote>[tid: 9h]</blockquote>"
    assert cut_tags_html(html, read_tags("[tid: 1h]")) == "<p> x</p><blockquote></blockquote>"


@pytest.mark.parametrize(
    "html",
    [
        "<p>Hej</p>",  # the tag is not there
        "<p>[tid: 2h]</p>",  # another one is
        '<p>[tid: 1h]</p><p style="display:none">[tid: 9h]</p>',  # one stays, unseen
    ],
)
def test_html_that_cannot_be_cut_with_certainty_is_refused(html):
    """C13: the message is then not relayed."""
    assert cut_tags_html(html, read_tags("[tid: 1h]")) is None


@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<br>",
                "[tid: 1h]",
                "[klar]",
                "a",
                " ",
                "<b>",
                "</b>",
                "&amp;",
                "[",
                "]",
                "<div style='display:none'>",
                "</div>",
                "klar",
                "<!--",
                "-->",
                "&#91;",
                "&#93;",
            ]
        ),
        max_size=30,
    ).map("".join)
)
@settings(max_examples=300)
def test_html_is_cut_clean_or_not_at_all(html):
    """C13."""
    cut = cut_tags_html(html, ())
    assert cut is None or read_tags(all_text(cut)) == ()
