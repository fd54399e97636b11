"""New text, quotes, forwards and signatures of plain text and HTML (C2, C3)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.body import split_html, split_text
from parsers.tags import read_tags

NEW = "Hej Bo!\n\nNu fungerar det igen. [tid: 1.5h]"
OLD = ["Hej!", "", "Skrivaren är trasig. [tid: 9h]", "", "Mvh", "Bo"]
UNMARKED = "\n".join(OLD)
MARKED = "\n".join(f"> {line}".rstrip() for line in OLD)

ATTRIBUTIONS = (
    "Den mån 12 maj 2025 kl 10:32 skrev Bo Ek <bo@kund.se>:",
    "Den mån 12 maj 2025 kl. 10:32 skrev Bo Ek via Support <support@it.se>:",
    "Den mån 12 maj 2025 10:32Bo Ek <bo@kund.se> skrev:",
    "Den fre 1 aug. 2025 kl 23:59 skrev <bo@kund.se>:",
    "12 maj 2025 kl. 10:32 skrev Bo Ek <bo@kund.se>:",
    "Bo Ek <bo@kund.se> skrev den 12 maj 2025 10:32:",
    "Den 12 maj 2025 10:32:00 CEST, skrev Bo Ek <bo@kund.se>:",
    "Den 12 maj 2025 10:32 +0200, Bo Ek <bo@kund.se>, skrev:",
    "man. 12. mai 2025 kl. 10:32 skrev Bo Ek <bo@kund.se>:",
    "Den man. 12. maj 2025 kl. 10.32 skrev Bo Ek <bo@kund.se>:",
    "ma 12. toukok. 2025 klo 10.32 Bo Ek (bo@kund.se) kirjoitti:",
    "Bo Ek <bo@kund.se> kirjoitti 12.5.2025 kello 10.32:",
    "Am Mo., 12. Mai 2025 um 10:32 Uhr schrieb Bo Ek <bo@kund.se>:",
    "Am 12.05.2025 um 10:32 schrieb Bo Ek <bo@kund.se>:",
    "On Mon, May 12, 2025 at 10:32\u202fAM Bo Ek <bo@kund.se> wrote:",
    "On 12 May 2025, at 10:32, Bo Ek <bo@kund.se> wrote:",
    "On Monday, May 12th, 2025 at 10:32 AM, Bo Ek <bo@kund.se> wrote:",
    "On 12 May 2025 at 10:32:15, Bo Ek (bo@kund.se) wrote:",
    "---- On Mon, 12 May 2025 10:32:00 +0200 Bo Ek <bo@kund.se> wrote ----",
    "Le lun. 12 mai 2025 à 10:32, Bo Ek <bo@kund.se> a écrit :",
    "El lun, 12 may 2025 a las 10:32, Bo Ek (<bo@kund.se>) escribió:",
    "Op ma 12 mei 2025 om 10:32 schreef Bo Ek <bo@kund.se>:",
    "pon., 12 maj 2025 o 10:32 Bo Ek <bo@kund.se> napisał(a):",
    "På mandag 12. mai 2025 kl. 10:32:15 skrev Bo Ek <bo@kund.se <mailto:bo@kund.se>>:",
    "Citerar Bo Ek <bo@kund.se>:",
    "Den ons 4 dec. 2024 kl. 20:42 skrevBo Ek <bo@kund.se>:",
    "Den ons 4 dec. 2024 kl. 8:42 em skrev 'Bo Ek' via Support <support@it.se>:",
    "Den onsdag 4 december 2024 18:36:12 CET, Bo Ek <bo@kund.se> skrev:",
    "den 4 december 2024 20:42:10 skrev Bo Ek <bo@kund.se>:",
    'På 4 dec. 2024, vid 20:42, "Bo Ek" <bo@kund.se> skrev:',
    "4 dec. 2024 20:42 +0100 skrev Bo Ek <bo@kund.se>:",
)
NAMES_ONLY = (
    "Den 2025-05-12 kl. 10:32, skrev Bo Ek:",
    "2025-05-12 10:32 skrev Bo Ek:",
    "12.5.2025 10.32, Bo Ek kirjoitti:",
    "On 5/12/25 10:32, Bo Ek wrote:",
    "Am 12.05.25 um 10:32 schrieb Bo Ek:",
    "Bo Ek skrev:",
    "Bo Ek wrote:",
)
BLOCKS = (
    "Från: Bo Ek <bo@kund.se>\nSkickat: den 12 maj 2025 10:32\nTill: Support\nÄmne: Skrivare",
    (
        "________________________________\nFrån: Bo Ek\nSkickat: måndag, maj 12, 2025 10:32:00 fm\n"
        "Till: Support\nÄmne: Re: x"
    ),
    "Från: Bo Ek\n\nSkickat: den 12 maj 2025 10:32\n\nTill: Support\n\nÄmne: Skrivare",
    "*Från: *Bo Ek <bo@kund.se>\n*Datum: *måndag, 12 maj 2025 10:32\n*Till: *Support\n*Ämne: *x",
    "Ämne: Re: x\nDatum: Mon, 12 May 2025 10:32:00 +0200\nFrån: Bo Ek <bo@kund.se>\nTill: a@b.se",
    (
        "Från: Bo Ek <bo@kund.se>\nSkickat: den 12 maj 2025 10:32\nTill: Support <support@it.se>;\n"
        " Lisa Lind <lisa@x.se>\nKopia: Kalle\nÄmne: Skrivare"
    ),
    "Från: Bo Ek <bo@kund.se> Skickat: den 12 maj 2025 10:32 Till: Support Ämne: Skrivare",
    "Fra: Bo Ek <bo@kund.se>\nSendt: 12. mai 2025 10:32\nTil: Support\nEmne: Skriver",
    (
        "Lähettäjä: Bo Ek\nLähetetty: maanantai 12. toukokuuta 2025 10.32\nVastaanottaja: Support\n"
        "Aihe: Tulostin"
    ),
    "Von: Bo Ek\nGesendet: Montag, 12. Mai 2025 10:32\nAn: Support\nBetreff: Drucker",
    "From: Bo Ek\nSent: den 12 maj 2025 10:32\nTo: Support\nSubject: x",
    "-----Ursprungligt meddelande-----\nFrån: Bo Ek\nSkickat: den 12 maj 2025 10:32\nTill: Support",
    '------ Originalmeddelande ------\nFrån "Bo Ek" <bo@kund.se>\nTill a@b.se\nDatum 2025-05-12',
)
KEPT = (
    "Kunden bo@kund.se skrev:\nSkrivaren är trasig\n\nJag bytte toner. [tid: 1.5h]",
    "Den 12 maj 2025 kl 10:32 skrev Bo i ärendet:\nTrasig\n\nJag bytte toner. [tid: 1.5h]",
    "Från: Malmö\nTill: Lund\nDatum: 2025-05-12\nTid: 10:32\n[tid: 1.5h]",
    "Loggen:\n2025-05-12 10:32 ERROR foo:\n  bar\n[tid: 1.5h]",
    "Från: och med nu\nTill: vidare\nÄmne: test\n[tid: 1.5h]",
    "Jag skrev:\n\nnet use x:\n\n[tid: 1.5h]",
    "Skriv ditt namn ovanför raden så ordnar vi det.\n[tid: 1.5h]",
    "Inställningar:\nFrom: noreply\nTo: kunden\nSubject: Välkommen\n\nKlart [tid: 1.5h]",
    "Så här gjorde jag:\n-----\nsteg 1\n-----\nsteg 2\n[tid: 1.5h]",
    "Original message från servern var fel.\n[tid: 1.5h]",
    "Den 3 maj skrev jag till er:\ningen svarade.\n[tid: 1.5h]",
    "Mötet är 2025-05-12 10:32 med Bo Ek <bo@kund.se>:\nvi ses [tid: 1.5h]",
    "Loggen:\nFrom: bo@kund.se\nTo: lisa@kund.se\nSubject: test\n\nMailet gick fram. [tid: 1.5h]",
    (
        "Return-Path: <a@b.se>\nReceived: by x; Mon, 12 May 2025 10:32\nFrom: a@b.se\nSubject: x\n"
        "Date: Mon, 12 May 2025 10:32\nTo: c@d.se\n\nDet är spam. [tid: 1.5h]"
    ),
    "2025-05-12 10:32 GMT+02:00 tjänsten startade om\n[tid: 1.5h]",
    "2025-05-12 10:32:01 mx postfix: status=bounced (550 5.1.1 <bo@kund.se>:\nokänd)\n[tid: 1.5h]",
    "Vi flyttar från: plan 2\ntill: plan 3 på fredag. [tid: 1.5h]",
    "Så här skrev kunden 2026-05-04 10:32 i chatten:\nhej hej\n[tid: 1.5h]",
    "Kl. 10:32 skrev servern ut:\nen sida\n[tid: 1.5h]",
    "Kontakta Bo <bo@kund.se>:\nhan vet mer. [tid: 1.5h]",
    "Datum: 2026-05-04\nFrån: lager 1\nTill: lager 2\nAntal: 5\n[tid: 1.5h]",
    "SQL:\nFrom: users\nSent: 5\nTo: x\n[tid: 1.5h]",
    "Se loggen:\n2026-05-04 10:32 INFO start\n2026-05-04 10:33 ERROR fel:\nstack\n[tid: 1.5h]",
    "On Monday we wrote to you about this:\nno answer\n[tid: 1.5h]",
    'Vi skrev: "det går inte" i formuläret.\n\nVad gör vi? [tid: 1.5h]',
)


def wrapped(text, width):
    lines, line = [], ""
    for word in text.split(" "):
        if len(line) + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])


def assert_divided(text):
    parts = split_text(text)
    assert parts.new == NEW
    assert [tag.raw for tag in read_tags(parts.new)] == ["[tid: 1.5h]"]
    assert "[tid: 9h]" in parts.quoted
    assert parts.certain


@pytest.mark.parametrize("attribution", ATTRIBUTIONS + NAMES_ONLY)
def test_marked_quotes_after_an_attribution_are_not_new(attribution):
    """C2."""
    assert_divided(f"{NEW}\n\n{attribution}\n\n{MARKED}\n")
    assert_divided(f"{NEW}\n{attribution}\n{MARKED}\n")


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
@pytest.mark.parametrize("width", [76, 60, 45])
def test_a_wrapped_attribution_is_known_again(attribution, width):
    """C2."""
    assert_divided(f"{NEW}\n\n{wrapped(attribution, width)}\n\n{MARKED}\n")


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_an_unmarked_quote_after_a_sure_attribution_is_not_new(attribution):
    """C2."""
    assert_divided(f"{NEW}\n\n{attribution}\n\n{UNMARKED}\n")


@pytest.mark.parametrize("attribution", ATTRIBUTIONS + NAMES_ONLY)
def test_an_attribution_may_be_quoted_itself(attribution):
    """C2: Apple Mail."""
    assert_divided(f"{NEW}\n\n> {attribution}\n>\n{MARKED}\n")


@pytest.mark.parametrize("attribution", ATTRIBUTIONS + NAMES_ONLY)
def test_an_answer_below_the_quote_is_new(attribution):
    """C2."""
    assert_divided(f"{attribution}\n\n{MARKED}\n\n{NEW}\n")


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("gap", ["\n", "\n\n", "\n\n\n\n"])
def test_what_follows_a_header_block_is_not_new(block, gap):
    """C2."""
    assert_divided(f"{NEW}{gap}{block}\n\n{UNMARKED}\n")


@pytest.mark.parametrize("block", BLOCKS)
def test_no_break_spaces_and_invisible_marks_hide_no_header_block(block):
    """C2."""
    odd = block.replace(": ", ":\u00a0").replace("Bo Ek", "\u200eBo Ek")
    assert_divided(f"{NEW}\n\n{odd}\n\n{UNMARKED}\n")


@pytest.mark.parametrize("block", BLOCKS[:1] + BLOCKS[4:6])
def test_an_answer_below_marked_quotes_of_a_header_block_is_new(block):
    """C2."""
    assert_divided(f"{block}\n\n{MARKED}\n\n{NEW}\n")


@pytest.mark.parametrize("text", KEPT)
def test_text_that_only_looks_like_a_quote_is_kept(text):
    """C2: what cannot be told from quote with certainty is text."""
    parts = split_text(text)
    assert parts.new == text
    assert parts.quoted == parts.forwarded == ""


def test_marked_lines_that_nothing_announces_are_kept_as_uncertain():
    """C2."""
    parts = split_text("Logg:\n> ERROR disk full\n> [tid: 9h]\n\nRensade. [tid: 1h]")
    assert not parts.certain
    assert [parts.new[start:end] for start, end in parts.uncertain] == [
        "> ERROR disk full\n> [tid: 9h]"
    ]


def test_text_under_a_leading_attribution_cannot_be_told_and_is_kept():
    """C2."""
    parts = split_text("Den 12 maj 2025 10:32 skrev Bo Ek <bo@kund.se>:\n\nTack!\n")
    assert parts.new == "Tack!"
    assert not parts.certain


@pytest.mark.parametrize(
    "line",
    [
        ">>> Bo Ek <bo@kund.se> 2025-05-12 10:32 >>>",
        '>>> "Bo Ek" <bo@kund.se> den 12 maj 2025 10:32 >>>',
        ">>> Bo Ek 12.05.2025 10:32 >>>",
    ],
)
@pytest.mark.parametrize("old", [UNMARKED, MARKED], ids=["unmarked", "marked"])
def test_an_attribution_between_arrows_is_no_quoted_line(line, old):
    """C2: GroupWise."""
    parts = split_text(f"{NEW}\n\n{line}\n{old}")
    assert parts.new == NEW
    assert "9h" in parts.quoted


def test_arrows_without_date_and_address_are_a_quote():
    """C2."""
    parts = split_text(f"{NEW}\n\n>>> nu >>>\nMer.")
    assert parts.new.endswith("Mer.")
    assert not parts.certain


def test_our_own_marker_ends_the_new_text_however_it_came():
    """C2."""
    marker = "Skriv ditt svar ovanför denna rad"
    for line in (marker, f"*{marker}*", f"--- {marker} ---", marker.upper(), wrapped(marker, 20)):
        parts = split_text(f"{NEW}\n\n{line}\n\n{UNMARKED}", own_markers=(marker,))
        assert parts.new == NEW, line
    quoted = f"{NEW}\n\n> {marker}\n{MARKED}"
    assert split_text(quoted, own_markers=(marker,)).new == NEW


def test_a_header_block_is_a_forward_where_the_subject_says_so():
    """C3."""
    text = f"Se nedan.\n\n{BLOCKS[0]}\n\n{UNMARKED}"
    assert "trasig" in split_text(text, forward=True).forwarded
    assert split_text(text, forward=True).quoted == ""
    assert "trasig" in split_text(text).quoted


@pytest.mark.parametrize(
    "line",
    [
        "---------- Forwarded message ---------",
        "-------- Vidarebefordrat meddelande --------",
        "----- Videresendt melding -----",
    ],
)
def test_a_forwarding_line_needs_no_subject(line):
    """C3."""
    parts = split_text(f"Se nedan.\n\n{line}\nFrån: x@y.se\nTill: z@y.se\n\n{UNMARKED}")
    assert parts.new == "Se nedan."
    assert "trasig" in parts.forwarded


def test_a_signature_is_new_text_but_not_shown():
    """C2: signatures are cut only after tags are read."""
    parts = split_text("Klart.\n\n-- \nAnna\n[tid: 1h]")
    assert parts.new == "Klart.\n\n-- \nAnna\n[tid: 1h]"
    assert parts.shown == "Klart."
    assert parts.signature == "-- \nAnna\n[tid: 1h]"


def test_a_list_with_a_drawn_line_is_no_signature():
    """C2."""
    text = "Åtgärdat:\n- bytt disk\n---\nTotalt: 1h"
    assert split_text(text).shown == text


@pytest.mark.parametrize(
    "footer",
    [
        "Skickat från min iPhone",
        "Hämta Outlook för Android",
        "Skickat från Outlook för iOS",
        "Sänt från min Samsung Galaxy",
        "Sendt fra min iPhone",
        "Lähetetty iPhonesta",
        "Skickat från E-post för Windows",
        "Sent from Proton Mail for iOS",
        "Von meinem iPhone gesendet",
        "Skickades från min iPhone. Ursäkta stavfel",
    ],
)
def test_what_a_phone_adds_is_signature(footer):
    """C2."""
    parts = split_text(f"Klart.\n\n{footer}")
    assert (parts.new, parts.shown) == (f"Klart.\n\n{footer}", "Klart.")


@pytest.mark.parametrize(
    "line",
    [
        "Skickat paket med ny telefon till er idag.",
        "Hämta Outlook på nytt och installera",
        "Sent from my desk, is much easier than my mobile phone.",
        "Skickat ny iPhone till Bo",
        "Sent from the warehouse yesterday",
    ],
)
def test_a_sentence_is_no_footer(line):
    """C2."""
    assert split_text(f"Klart.\n\n{line}").shown == f"Klart.\n\n{line}"


def test_plain_text_and_html_of_one_mail_agree():
    """C12: text and HTML alternatives are one text."""
    plain = f"Hej!\n\nKlart. [tid: 1h]\n\n{ATTRIBUTIONS[0]}\n\n{MARKED}"
    html = (
        "<div>Hej!</div><div><br></div><div>Klart. [tid: 1h]</div><br>"
        '<div class="gmail_quote"><div class="gmail_attr">Den mån 12 maj 2025 kl 10:32 skrev Bo Ek '
        "&lt;bo@kund.se&gt;:</div><blockquote>Skrivaren är trasig. [tid: 9h]</blockquote></div>"
    )
    assert split_text(plain).new == split_html(html).new == "Hej!\n\nKlart. [tid: 1h]"


@given(st.text(alphabet=" \n>-_:*<@|aÅ1.[]", max_size=400))
@settings(max_examples=200)
def test_no_line_is_lost_or_made_up(text):
    """Every line of a text is in exactly one of new, quoted and forwarded."""
    parts = split_text(text)

    def lines(*pieces):
        return sorted(line for piece in pieces for line in piece.split("\n") if line.strip())

    kept = [line for line in lines(text) if not set(line.strip()) <= set("-_=*~#+. ")]
    found = [
        line
        for line in lines(parts.new, parts.quoted, parts.forwarded)
        if not set(line.strip()) <= set("-_=*~#+. ")
    ]
    assert found == kept
    start = 0
    for begin, end in parts.uncertain:
        assert start <= begin < end <= len(parts.new)
        start = end
