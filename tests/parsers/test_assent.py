"""The words by which a person lets something go, and a text that only looks like them (D1, H7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.assent import Approval, answer, read_approval
from parsers.body import Body, read_body
from parsers.message import read
from tests.builders import a_mail

NAMES = ("acme", "Acme AB", "bergs", "Bergs Bygg & Co AB", "och")
WRITER = ("Eva Ek",)


def body(text: str) -> Body:
    return read_body(read(a_mail(text=text)))


def approval(text):
    return read_approval(body(text), NAMES, WRITER)


# --- the first word (D1) ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["OK", "ok.", "Ja", "JA!", "*Ja*", "  ok\n", "Ja, det är mitt", "OK: kör", "\ufeffOK"]
)
def test_ok_or_ja_as_first_word_is_a_yes_D1(text):
    assert answer(text) == "yes"


@pytest.mark.parametrize("text", ["Nej", "nej!", "No", "NO.", "Nej, det var inte jag", "_Nej_"])
def test_nej_or_no_as_first_word_is_a_no_D1(text):
    assert answer(text) == "no"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Det var bluff!",
        "It wasn't me!",
        "Vad är det här?",
        "OK?",
        "Ja?",
        "Jag är på semester till den 12 december.",
        "I am out of the office until Monday.",
        "Okej",
        "Yes",
        "Hej, ja",
        "> OK",
        ">Ja",
        "Norra lagret",
        "Nejlikor",
        "Jaså",
        "Inte OK",
        "\N{THUMBS UP SIGN}",
    ],
)
def test_anything_else_is_neither_D1(text):
    assert answer(text) is None


@given(st.text(max_size=40))
def test_only_a_first_word_of_the_four_is_an_answer_D1(text):
    given = answer(text)
    letters = "".join(each if each.isalnum() else " " for each in text).casefold().split()
    first = letters[0] if letters else ""
    assert given is None or first in {"ok", "ja", "nej", "no"}
    assert given is None or (given == "yes") == (first in {"ok", "ja"})


# --- an approval (H7) -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "OK",
        "ok.",
        "Ja!",
        "Godkänt",
        "GODKA\u0308NT.",
        "Approved",
        "*OK*",
        '"OK"',
        "OK\n\nMvh\nEva",
        "OK\n\nMed vänlig hälsning,\nEva Ek",
        "Ok, tack! /Eva",
        "Approved.\n\nKind regards\nEva Ek",
        "OK\n-- \nEva Ek\nEkonomi, Exempel Support\n070-123 45 67",
        "OK\n\nSkickat från min iPhone",
    ],
)
def test_nothing_but_a_word_of_approval_approves_all_H7(text):
    assert approval(text) == Approval()


@pytest.mark.parametrize(
    ("text", "excepted"),
    [
        ("OK utom acme", ("acme",)),
        ("ok except ACME, bergs", ("acme", "bergs")),
        ("Ja utom Acme AB och Bergs Bygg & Co AB.", ("Acme AB", "Bergs Bygg & Co AB")),
        ("OK, utom bergs\n\nMvh\nEva", ("bergs",)),
        ("Approved except Acme and bergs\nEva Ek", ("acme", "bergs")),
        ("OK utom: acme, och bergs", ("acme", "bergs")),
        ("OK utom Bergs Bygg\n& Co AB", ("Bergs Bygg & Co AB",)),
        ("OK utom och", ("och",)),
    ],
)
def test_named_customers_are_excepted_H7(text, excepted):
    assert approval(text) == Approval(excepted)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("OK utom acmee", ("acmee",)),
        ("OK utom acme och gamma", ("gamma",)),
        ("OK utom gamma, delta\nMvh Eva", ("gamma", "delta")),
        ("OK utom Bergs Bygg", ("bergs bygg",)),
        ("OK utom Acme A", ("acme a",)),
    ],
)
def test_an_unknown_name_approves_nothing_H7(text, unknown):
    assert approval(text) == Approval((), unknown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OK?",
        "Inte OK",
        "OK men vänta med Acme",
        "Ok, jag kollar timmarna i morgon",
        "OK, men fel pris på acme",
        "Ja, godkänt",
        "Hej!\n\nOK",
        "\N{THUMBS UP SIGN}",
        "OK \N{THUMBS UP SIGN}",
        "> OK",
        "OK\n\nMvh\nBo",
        "OK\nacme",
        "OK utom",
        "OK utom acme och",
        "OK utom acme men ta med bergs",
        "utom acme",
        "OK-koden är fel",
        "OKÄND",
        "Okej",
        "Yes",
        "OK\n--\nmen vänta med acme",
        "OK\n-- \nacme får vänta",
        "OK\n—\nmen inte nu",
        "OK\n\n[tid: 1h]",
    ],
)
def test_any_other_text_approves_nothing_H7(text):
    assert approval(text) is None


# The model: a reply is made of parts, and each part is known to belong or not.
_WORDS = ("OK", "ok", "Ja", "Godkänt", "APPROVED", "godkänt")
_SIGNED = (
    "",
    "\n\nMvh\nEva",
    "\n\nKind regards,\nEva Ek",
    "\n/Eva",
    "\n-- \nEva Ek\n070-1",
    " tack",
)
_MORE = (
    " men vänta med acme",
    ", jag kollar i morgon",
    "\n\nFast inte bergs",
    "?",
    "\n\nMvh\nBo",
    "\nRing mig",
)
_BEFORE = ("Inte ", "Hej!\n\n", "Nej, ", "> ", "Visst, ")
_EXCEPTED = (("", ()), (" utom acme", ("acme",)), (" except acme, bergs", ("acme", "bergs")))


@given(
    st.sampled_from(("", *_BEFORE)),
    st.sampled_from(_WORDS),
    st.sampled_from(_EXCEPTED),
    st.sampled_from(("", ".", "!")),
    st.sampled_from(("", *_MORE)),
    st.sampled_from(_SIGNED),
)
def test_a_reply_approves_exactly_where_all_of_its_parts_do_H7(
    before, word, excepted, mark, more, signed
):
    said, names = excepted
    made = approval(f"{before}{word}{said}{mark}{more}{signed}")
    if not before and not more:
        assert made == Approval(names)
    else:
        assert made is None or made.unknown
