"""Lines of an earlier text are known again, however a mail program wrapped them (C2a)."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.fingerprint import NOTHING, Line, fingerprint, known, known_lines, words

WORDS = st.text("abcdefghijklmnopqrstuvwxyzåäö", min_size=2, max_size=9)
SENTENCES = st.lists(WORDS, min_size=4, max_size=14).map(lambda found: " ".join(found) + ".")
TEXTS = st.lists(SENTENCES, min_size=1, max_size=8)


def passage(text: str, *, marked: bool = False) -> list[Line]:
    return [Line(line, marked) for line in text.split("\n")]


def changed(text: str, width: int, prefix: str, quotes: bool) -> str:
    """What mail programs do to a text that they quote."""
    if quotes:
        text = text.replace(".", " –").replace(" a", " “a")
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(prefix + line for line in lines)


@given(
    TEXTS,
    st.integers(20, 90),
    st.sampled_from(["", "> ", ">> ", "| ", "\N{NO-BREAK SPACE}> "]),
    st.booleans(),
)
def test_a_quoted_text_is_known_whatever_wraps_and_prefixes_it_C2a(
    sentences, width, prefix, quotes
):
    texts = known([fingerprint("\n\n".join(sentences))])
    quoted = changed(" ".join(sentences), width, prefix, quotes)
    assert all(known_lines(passage(quoted, marked=bool(prefix)), texts))


@given(TEXTS, SENTENCES, st.data())
def test_a_sentence_typed_into_a_quote_is_unknown_and_alone_so_C2a(sentences, typed, data):
    at = data.draw(st.integers(0, len(sentences)))
    texts = known([fingerprint("\n".join(sentences))])
    if set(words(typed)) & set(words(" ".join(sentences))):
        return  # words of both may be either's
    lines = [*sentences[:at], f"new {typed}", *sentences[at:]]
    told = known_lines([Line(line) for line in lines], texts)
    assert told == [index != at for index in range(len(lines))]


@given(TEXTS, SENTENCES)
def test_words_added_to_a_quoted_line_make_it_unknown_C2a(sentences, typed):
    texts = known([fingerprint("\n".join(sentences))])
    told = known_lines([Line(f"> {sentences[0]} zzz {typed}", marked=True)], texts)
    assert told == [False]


@pytest.mark.parametrize(
    ("earlier", "quoted"),
    [
        (
            "Se https://desk.example/ask?id=7 för mer om felet.",
            "Se <https://nam02.example/x> för mer om felet.",
        ),
        (
            "Mejla bo@kund.se om det strular igen.",
            "Mejla bo@kund.se<mailto:bo@kund.se> om det strular igen.",
        ),
        ('Det är *mycket* viktigt – "nu" helst.', "Det är mycket viktigt - ”nu” helst."),
        ("Bilden [cid:image001.png@01D] visar felet vi ser.", "Bilden visar felet vi ser."),
        ("FULLBREDD ２５ kr per styck.", "fullbredd 25 kr per styck."),
    ],
)
def test_links_marks_and_quotes_change_nothing_C2a(earlier, quoted):
    assert known_lines([Line(quoted)], known([fingerprint(earlier)])) == [True]


def test_a_short_line_is_known_by_its_own_mark_only_C2a():
    texts = known([fingerprint("Hej!\nVilken skrivare?\nDen på lagret, sedan i går.")])
    inline = [
        Line("> Vilken skrivare?", marked=True),
        Line("Ja"),
        Line("> Den på lagret, sedan i går.", marked=True),
    ]
    assert known_lines(inline, texts) == [True, False, True]
    answered = known([fingerprint("Ja\nDen på lagret, sedan i går.\nTack för hjälpen med det")])
    below_a_head = [
        Line("Den på lagret, sedan i går."),
        Line("Ja"),
        Line("Hälsningar från oss alla"),
    ]
    assert known_lines(below_a_head, answered) == [True, False, False]


def test_nothing_is_known_of_no_text_and_gaps_part_nothing():
    assert known_lines([Line("Ett två tre fyra.")], NOTHING) == [False]
    texts = known([fingerprint("Ett två tre fyra.\n\nFem sex sju åtta.")])
    assert known_lines(passage("Ett två tre fyra.\n\nFem sex sju åtta."), texts) == [True] * 3


@given(st.binary(max_size=60))
def test_a_damaged_fingerprint_counts_as_something_or_nothing_and_never_raises(data):
    known_lines([Line("Ett två tre fyra.")], known([data]))


@given(TEXTS, TEXTS)
def test_the_texts_of_a_ticket_count_together(first, second):
    both = known([fingerprint("\n".join(first)), fingerprint("\n".join(second))])
    one, other = known([fingerprint("\n".join(first))]), known([fingerprint("\n".join(second))])
    assert both == one | other
    assert all(known_lines([Line(line) for line in (*first, *second)], both))
