"""What the desk's mails say: golden files, and what must stand in each (C2, C8, C14, J1)."""

import dataclasses
import html
import os
import re
from pathlib import Path

import pytest

from daemon.desk.letters import phrases
from daemon.desk.letters.rendering import render
from daemon.desk.letters.to_customers import Answer
from daemon.desk.letters.to_engineers import Refused
from daemon.desk.letters.to_office import Close
from daemon.domain import priority
from daemon.domain.conversation import MARKERS
from daemon.domain.money import Money
from parsers.html import all_text
from parsers.priority import read_priority
from parsers.tags import read_tags
from tests.desk.letters.letter_samples import LETTERS, STATEMENT, ZONE

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "letters"
WRITE = os.environ.get("AVTALD_GOLDEN") == "write"  # to renew them; then read the difference
EVERY = [(name, language) for name in LETTERS for language in ("sv", "en")]
ANSWERABLE = [
    n for n in LETTERS if not n.startswith(("alarm", "invoice", "tag", "bal", "bank", "term"))
]


def rendered(sample, language="sv", **changed):
    return render(dataclasses.replace(LETTERS[sample], **changed), language, ZONE)


def words(text):
    return " ".join(text.split())


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_every_letter_reads_as_its_golden_files_do(name, language):
    letter = rendered(name, language)
    for kind, text in (("txt", f"{letter.subject}\n\n{letter.text}"), ("html", letter.html)):
        file = GOLDEN / f"{name}.{language}.{kind}"
        if WRITE:
            GOLDEN.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        assert text == file.read_text("utf-8"), f"{file.name}: renew with AVTALD_GOLDEN=write"


def test_no_golden_file_is_left_of_a_letter_that_is_gone():
    expected = {f"{n}.{lang}.{kind}" for n, lang in EVERY for kind in ("txt", "html")}
    assert {file.name for file in GOLDEN.iterdir()} == expected


def test_every_record_has_a_sample_and_both_its_templates():
    names = {re.sub(r"(?<!^)([A-Z])", r"_\1", type(each).__name__) for each in LETTERS.values()}
    files = {path.name for path in (ROOT / "daemon" / "templates").glob("[!_]*.txt")}
    assert files == {
        f"{name.lower()}.{language}.txt" for name in names for language in ("sv", "en")
    }


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_no_letter_holds_anything_that_parses_as_a_tag_c2(name, language):
    letter = rendered(name, language)
    assert read_tags(letter.subject) == ()
    assert read_tags(letter.text) == ()
    assert read_tags(all_text(letter.html)) == ()


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_no_letter_of_ours_states_a_priority_when_it_is_quoted_c5(name, language):
    lines = rendered(name, language).text.split("\n")
    stated = [line for line in lines if read_priority("", line).level]
    assert stated == []


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_plain_text_is_wrapped_and_html_holds_no_remote_or_unclosed_thing(name, language):
    letter = rendered(name, language)
    assert all(len(line) <= 80 for line in letter.text.split("\n"))
    assert "\n\n\n" not in letter.text
    assert not re.search(r'src="(?!cid:)|url\(|<link|<script|<style|class=', letter.html)
    for tag in ("p", "table", "tr", "td", "div", "blockquote", "strong", "code", "span"):
        opened = len(re.findall(rf"<{tag}[ >]", letter.html))
        assert opened == letter.html.count(f"</{tag}>"), tag
    assert f'<html lang="{language}">' in letter.html


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_text_and_html_say_the_same(name, language):
    letter = rendered(name, language)
    body = letter.html.partition("<body")[2].partition(">")[2]
    body = re.sub(r'<div style="display:none.*?</div>', " ", body)
    shown = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<!--.*?-->", "", body)))
    theirs = {w.strip('”“":.,').casefold() for w in shown.split()}
    missing = [w for w in letter.text.split() if w.strip('”“":.,–').casefold() not in theirs]
    assert [w for w in missing if w.strip("->–”“.█") and not w.startswith("https:")] == []


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("name", ANSWERABLE)
def test_a_mail_that_is_answered_has_the_line_that_parsers_cut_at_c2(name, language):
    letter = rendered(name, language)
    assert letter.text.count(MARKERS[language]) == 1
    assert letter.html.count(MARKERS[language]) == 1


def test_a_confirmation_promises_a_clock_time_in_words_c8_j1():
    assert "senast måndag 30 november kl. 09:30." in rendered("confirmation").text
    assert "no later than Monday 30 November at 09:30." in rendered("confirmation", "en").text


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_confirmation_quotes_the_whole_row_of_the_priority_table_c8(level, language):
    text = words(rendered("confirmation", language, level=level).text)
    row = priority.level(level)
    assert f"{row.title(language)}. {row.meaning(language)}" in text


def test_a_confirmation_says_number_plan_bank_and_how_to_change_the_level_j1():
    text = words(rendered("confirmation").text)
    for said in ("ärende 1042", "Alert! med 1 h inställelsetid", "4 h 30 min kvar", "”prio 2”"):
        assert said in text


def test_two_statements_are_told_in_the_confirmation_c6():
    assert "två olika prioriteter" in rendered("confirmation_conflict").text
    assert "two different priorities" in words(rendered("confirmation_conflict", "en").text)
    assert "två olika prioriteter" not in rendered("confirmation").text


@pytest.mark.parametrize("name", ["confirmation_no_agreement", "confirmation_stranger"])
def test_nobody_without_agreement_is_promised_a_time_d2(name):
    for language in ("sv", "en"):
        text = rendered(name, language).text
        assert "senast" not in text
        assert "no later" not in text
        assert "timbank" not in text.casefold()


def test_only_a_known_customer_without_agreement_reads_a_price_f3():
    assert "980 kr per timme" in words(rendered("confirmation_no_agreement").text)
    assert "per timme" not in rendered("confirmation_stranger", rate=Money(98000)).text


def test_an_engineers_text_goes_along_with_the_confirmation_of_her_ticket_d6():
    text = rendered("confirmation_by_engineer").text
    assert "Anna Svensson har lagt upp ärende 1047 åt dig:" in text
    assert "> jag ser att kön till skrivaren har fastnat." in text


@pytest.mark.parametrize("code", [*phrases.REFUSED["sv"], "something_new"])
@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_refused_tag_is_quoted_without_brackets_and_with_a_reason_c13(code, language):
    letter = rendered("receipt_refused", language, refused=(Refused("[tid: 15 ]", code),))
    assert re.search("[”“]tid: 15”", letter.text)
    assert words(_why(code, language)) in words(letter.text)
    assert read_tags(letter.text) == ()


def _why(code, language):
    known = phrases.REFUSED[language].get(code)
    return known[0] if known else phrases.UNREADABLE[language]


def test_every_refusal_of_the_desk_has_its_sentence_c13():
    sources = [path.read_text("utf-8") for path in (ROOT / "daemon" / "desk").rglob("*.py")]
    refusals = re.compile(r'Refus(?:al|ed)\((?:[\w.]+, )?"(\w+)"')
    codes = {code for source in sources for code in refusals.findall(source)}
    assert {"bad_value", "unknown_ticket", "automatic"} <= codes <= phrases.REFUSED["sv"].keys()


def test_every_code_has_its_sentence_in_both_languages():
    for table in (phrases.REFUSED, phrases.NOT_RELAYED, phrases.UNPROVEN):
        assert table["sv"].keys() == table["en"].keys()


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_right_form_of_a_refused_tag_is_right_c13(language):
    forms = [right for _, right in phrases.REFUSED[language].values() if right]
    assert [read_tags(f"[{form}]")[0].kind for form in forms] == ["tag"] * len(forms)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_sample_on_the_tag_card_is_a_tag_c9(language):
    source = rendered("tag_card", language).html
    samples = [html.unescape(s) for s in re.findall(r"<code[^>]*>(.*?)</code>", source)]
    read = [read_tags(f"[{sample}]") for sample in samples]
    assert [len(tags) for tags in read] == [1] * len(samples)
    assert {tags[0].kind for tags in read} == {"tag"}
    assert len(samples) >= 17


@pytest.mark.parametrize("code", phrases.NOT_RELAYED["sv"])
def test_a_receipt_says_why_an_answer_did_not_go_out_d8(code):
    text = words(rendered("receipt_refused", not_relayed=code).text)
    assert phrases.NOT_RELAYED["sv"][code] in text


def test_a_receipt_shows_the_bank_before_and_after_and_the_overage_c14():
    text = rendered("receipt").text
    assert "1 h före, 0 min efter" in text
    assert "Utöver timbanken:  30 min, debiteras löpande" in text
    assert "Skickat till Bo Ek <bo@acme.se> och Eva Ek <eva@acme.se>." in text


def test_time_that_waits_is_not_called_booked_c11():
    text = rendered("receipt_held").text
    assert "14 h väntar på ditt OK" in text
    assert "14 h bokat" not in text
    assert "Svara OK på det här mejlet" in text


def test_an_unknown_reason_of_a_missing_proof_goes_unsaid_d1():
    (mail,) = LETTERS["proof_request"].mails

    def text(reason):
        return rendered("proof_request", mails=(dataclasses.replace(mail, reason=reason),)).text

    assert "Varför" not in text("a_code_of_tomorrow")
    assert "Inget i mejlet visar" in text("no_results")
    assert "Egen mening." in text("Egen mening.")


def test_finance_is_asked_for_ok_only_where_approval_is_set_h7():
    assert "Svara OK" in rendered("close_approval").text
    assert "Svara OK" not in rendered("close_automatic").text


def test_a_close_of_many_customers_stays_a_mail_h7():
    many = tuple(dataclasses.replace(STATEMENT, customer=f"Kund {n}") for n in range(10_000))
    letter = render(Close("2026-11", many, (), (), Money(1), False), "sv", ZONE)
    assert len(letter.html) < 600_000
    assert "Kund 499" in letter.text
    assert "Kund 500" not in letter.text
    assert "Resten finns i specifikationen." in letter.text


def test_an_answer_is_the_engineers_own_words_then_signature_marker_and_quote_d8():
    text = rendered("answer_text").text
    parts = (
        "Den är rensad nu.",
        "Anna Svensson, Exempel Support",
        "[#1042]",
        MARKERS["sv"],
        "> Hej!",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_an_engineers_html_keeps_its_formatting_and_loses_what_is_remote_d8():
    shown = rendered("answer_html").html
    for kept in (
        "<b>fastnat</b>",
        "<ol>",
        'src="cid:bild1"',
        "color:#c00",
        'href="https://example.se',
    ):
        assert kept in shown
    for gone in ("spion.example", "MsoNormal", "font-size:11pt", "<style"):
        assert gone not in shown


def test_html_that_cannot_be_cleaned_gives_way_to_the_text_d8():
    deep = rendered("answer_html", html="<b>" * 100_000 + "x")
    assert isinstance(LETTERS["answer_html"], Answer)
    assert "kön till skrivaren hade fastnat.<br>" in deep.html


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Bo Ek", "Hej Bo,"),
        ("Bo", "Hej Bo,"),
        ("", "Hej,"),
        ("bo@acme.se", "Hej,"),
        ("Ek, Bo", "Hej Bo,"),
        ("Anna-Karin von Å", "Hej Anna-Karin,"),
        ("ACME Order 3", "Hej ACME,"),
    ],
)
def test_people_are_greeted_by_first_name_where_it_can_be_told(name, greeting):
    assert f"\n{greeting}\n" in rendered("confirmation", name=name).text


def test_a_report_without_a_bank_speaks_of_none_f3():
    figures = dataclasses.replace(LETTERS["report"].figures, banks=(), forecast=None)
    text = rendered("report", plan_name=None, figures=figures).text
    assert "På löpande räkning:" in text
    assert "timbank" not in text.lower()
    assert "Ur banken" not in text


def test_a_report_of_a_first_period_compares_it_with_nothing_j3():
    figures = LETTERS["report"].figures
    first = dataclasses.replace(figures, trend=figures.trend[-1:])
    letter = rendered("report", figures=first)
    assert "UTVECKLING" in rendered("report").text
    assert "UTVECKLING" not in letter.text
    assert letter.pictures == ()


@pytest.mark.parametrize(
    ("language", "months", "says"),
    [
        ("sv", 1, "den senaste månaden"),
        ("sv", 12, "de senaste 12 månaderna"),
        ("en", 1, "the last month would"),
        ("en", 12, "the last 12 months"),
    ],
)
def test_a_pack_counts_its_months_in_words_that_fit(language, months, says):
    assert says in words(rendered("manager_pack", language, months=months).text)
