"""Priorities that customers state (C4-C6), and what a subject says beside its words."""

import pytest

from parsers.priority import read_priority
from parsers.subject import base_subject, is_forward, is_reply, ticket_number


@pytest.mark.parametrize(
    ("subject", "level"),
    [
        ("prio 1 skrivaren", 1),
        ("Skrivaren prio1", 1),
        ("Prioritet: 2 - Hög", 2),
        ("[P1] Skrivaren", 1),
        ("P2: skrivaren", 2),
        ("priority: critical", 1),
        ("Trasig nivå 3", 3),
        ("Skrivaren #prio4", 4),
        ("PRIO=2", 2),
        ("prioritet låg", 4),
        ("Prio: högt", 2),
        ("Skrivaren (P3)", 3),
        ("x #p4", 4),
        ("Priority Low - x", 4),
        ("Re: [#12] prio 2", 2),
        ("KRITISK: servern", 1),
        ("[Hög] Skrivaren", 2),
        ("Sv: [#1042] Low: x", 4),
        ("(normal) x", 3),
        ("HÖG! Skrivaren", 2),
    ],
)
def test_a_label_in_the_subject_states_a_level(subject, level):
    """C5."""
    statement = read_priority(subject, "")
    assert (statement.level, statement.source) == (level, "subject_label")
    assert statement.subject_level == level
    assert not statement.conflict


@pytest.mark.parametrize(
    "subject",
    [
        "Skrivaren står still",
        "prio 5",
        "prio 10",
        "prio 1.5",
        "Hög temperatur i rummet",
        "Det är kritisk: läge",
        "Rum P2 är kallt",
        "MP1 spelaren",
        "Normalt ljud",
        "nivå 42",
        "Plan 2 - låg belysning",
        "priority",
        "",
        "prio: snart",
        "GP2: formel",
        "xprio 1",
    ],
)
def test_words_and_numbers_that_are_no_label_state_nothing(subject):
    """C4, C5."""
    statement = read_priority(subject, "")
    assert (statement.level, statement.source) == (None, None)


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("prio 1", 1),
        ("Prioritet: Hög", 2),
        ("*Prio: 2 - Hög*", 2),
        ("[P1]", 1),
        ("P2", 2),
        ("  - Priority: low!", 4),
        ("(prio 3)", 3),
        ("Prioritet: kritisk (1)", 1),
        ("nivå 2.", 2),
        ("> prio 4", 4),
        ("[prio: 2]", 2),
    ],
)
def test_a_label_on_a_line_of_its_own_states_a_level(line, level):
    """C5."""
    statement = read_priority("Skrivaren", f"Hej!\n\n{line}\n\nDen är trasig.")
    assert (statement.level, statement.source) == (level, "text_label")


@pytest.mark.parametrize(
    "line",
    [
        "Vi har prio 1 på detta",
        "prio 1 tack",
        "Hög",
        "KRITISK:",
        "akut",
        "Rum P2",
        "prio 7",
        "nivå",
    ],
)
def test_a_line_with_more_than_the_label_states_nothing(line):
    """C5."""
    assert read_priority("Skrivaren", f"Hej\n{line}\n").level is None


def test_only_the_first_ten_filled_lines_are_read():
    """C5."""
    text = "\n\n".join(["rad"] * 9)
    assert read_priority("x", f"{text}\n\nprio 1").level == 1
    assert read_priority("x", f"{text}\nrad\n\nprio 1").level is None


@pytest.mark.parametrize(
    ("subject", "level"),
    [
        ("Akut! Skrivaren", 1),
        ("skrivaren AKUT", 1),
        ("Brådskande ärende", 2),
        ("Urgent: x", 2),
        ("ej akut", None),
        ("inte så akut", None),
        ("Icke-akut fråga", None),
        ("not that urgent", None),
        ("inte alls särskilt akut", 1),
        ("Akutmottagningen", None),
        ("akuten", None),
        ("Frågan är inte löst, akut", None),
    ],
)
def test_words_count_in_the_subject_as_whole_words_and_not_negated(subject, level):
    """C5."""
    statement = read_priority(subject, "akut\n\nDet är akut!")
    assert statement.level == level
    assert statement.source == ("word" if level else None)


def test_the_words_are_a_setting():
    """C5."""
    assert read_priority("Panik!", "", {"panik": 1}).level == 1
    assert read_priority("Akut!", "", {"panik": 1}).level is None


def test_a_label_beats_a_word_and_the_subject_beats_the_text():
    """C5."""
    statement = read_priority("Akut: skrivaren", "prio 3\n")
    assert (statement.level, statement.source) == (3, "text_label")
    statement = read_priority("prio 4 akut", "prio 2\n")
    assert (statement.level, statement.source) == (4, "subject_label")
    assert (statement.subject_level, statement.text_level, statement.word_level) == (4, 2, 1)


@pytest.mark.parametrize(
    ("subject", "text", "level"),
    [
        ("prio 1 prio 3", "", 1),
        ("Prioritet: 3 - Hög", "", 2),
        ("prio hög (1)", "", 1),
        ("KRITISK: prio 4", "", 1),
        ("x", "prio 3\nprio 2\n", 2),
        ("akut urgent", "", 1),
    ],
)
def test_of_two_statements_the_more_severe_counts_and_it_is_told(subject, text, level):
    """C6."""
    statement = read_priority(subject, text)
    assert (statement.level, statement.conflict) == (level, True)


def test_the_same_statement_twice_is_no_conflict():
    """C6."""
    assert not read_priority("[P2] prio hög", "").conflict
    assert not read_priority("prio 2", "prio 3\n").conflict  # two places: the subject beats


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Sv: [#1042] x", 1042),
        ("x [#7]", 7),
        ("[#1] [#2]", 1),
        ("#1042", None),
        ("[#x]", None),
        ("[1042]", None),
        ("[#12345678901]", None),
        ("[#٣]", None),
    ],
)
def test_the_ticket_mark_gives_the_number(subject, number):
    """D3."""
    assert ticket_number(subject) == number


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Sv: SV: Re: [#1042] Skrivaren", "Skrivaren"),
        ("VB: FW: x", "x"),
        ("Re[2]: x", "x"),
        ("[#1] Re: [#1] x y", "x y"),
        ("Rapport: x", "Rapport: x"),
        ("AW: x [#5]", "x"),
        ("Antwort: x", "x"),
        ("  re :  x", "x"),
        ("Reparera: x", "Reparera: x"),
        ("Re:", ""),
    ],
)
def test_prefixes_and_marks_are_cut_from_a_subject(subject, base):
    """D3."""
    assert base_subject(subject) == base


def test_a_prefix_says_reply_or_forward():
    """C3."""
    assert is_reply("SV: x")
    assert is_reply("[#1] Re: x")
    assert is_forward("VB: Re: x")
    assert is_forward("Fwd: x")
    assert not is_forward("Re: Fwd: x")
    assert not is_reply("x")
