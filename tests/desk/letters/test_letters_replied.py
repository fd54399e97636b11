"""A reply to any of our mails is read as what its sender wrote now, from any client (C2)."""

import pytest

from daemon.desk.letters.rendering import render
from daemon.domain.conversation import MARKERS
from parsers.body import split_html, split_text
from parsers.priority import read_priority
from parsers.tags import read_tags
from tests.desk.letters.letter_samples import LETTERS, ZONE

OWN = tuple(MARKERS.values())
SILENT = ("alarm", "invoice_report", "tag_card", "balance", "bank", "term")
ANSWERED = [(n, lang) for n in LETTERS if not n.startswith(SILENT) for lang in ("sv", "en")]
AT_THE_TOP = [(n, lang) for n, lang in ANSWERED if not n.startswith("answer")]
WRITTEN = "OK, gör så.\n\n/Bo"


def quoted(text):
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def gmail(letter):
    who = "Den fre 27 nov. 2026 kl 15:42 skrev Exempel Support <support@example.se>:"
    return f"{WRITTEN}\n\n{who}\n\n{quoted(letter.text)}\n"


def apple(letter):
    who = "27 nov. 2026 kl. 15:42 skrev Exempel Support <support@example.se>:"
    return f"{WRITTEN}\n\nSkickat från min iPhone\n\n> {who}\n> \n{quoted(letter.text)}\n"


def outlook(letter):
    head = (
        "________________________________\nFrån: Exempel Support <support@example.se>\n"
        f"Skickat: den 27 november 2026 15:42\nTill: Bo Ek <bo@acme.se>\nÄmne: {letter.subject}\n"
    )
    return f"{WRITTEN}\n\n{head}\n{letter.text}"


def bare(letter):
    """A client that marks nothing: only our own line tells."""
    return f"{WRITTEN}\n\n{letter.text}"


def prefixed(letter):
    """A client that quotes without saying whom."""
    return f"{WRITTEN}\n\n{quoted(letter.text)}\n"


@pytest.mark.parametrize("client", [gmail, apple, outlook])
@pytest.mark.parametrize(("name", "language"), ANSWERED)
def test_a_text_reply_holds_only_what_was_written_now_c2(name, language, client):
    body = split_text(client(render(LETTERS[name], language, ZONE)), own_markers=OWN)
    assert body.shown.strip().startswith("OK, gör så.")
    assert "1042" not in body.new
    assert read_tags(body.new) == ()
    assert read_priority("", body.new).level is None


@pytest.mark.parametrize(("name", "language"), AT_THE_TOP)
def test_the_line_alone_cuts_where_a_client_marks_nothing_c2(name, language):
    body = split_text(bare(render(LETTERS[name], language, ZONE)), own_markers=OWN)
    assert body.new.strip() == WRITTEN


@pytest.mark.parametrize("client", [bare, prefixed])
@pytest.mark.parametrize(("name", "language"), ANSWERED)
def test_a_mail_of_ours_taken_for_new_text_books_and_states_nothing_c2(name, language, client):
    body = split_text(client(render(LETTERS[name], language, ZONE)), own_markers=())
    assert read_tags(body.new) == ()
    assert read_priority("", body.new).level is None


def inner(letter):
    return letter.html.partition("<body")[2].partition(">")[2].partition("</body>")[0]


HTML_CLIENTS = {
    "gmail": '<div dir="ltr">OK, gör så.</div><br><div class="gmail_quote"><div dir="ltr" '
    'class="gmail_attr">Den fre 27 nov. 2026 kl 15:42 skrev Exempel Support &lt;'
    '<a href="mailto:support@example.se">support@example.se</a>&gt;:<br></div><blockquote '
    'class="gmail_quote">{}</blockquote></div>',
    "outlook": '<div><p class="MsoNormal">OK, gör så.</p></div><div id="appendonsend"></div>'
    '<hr><div id="divRplyFwdMsg"><b>Från:</b> Exempel Support<br><b>Skickat:</b> den 27 november '
    "2026 15:42</div>{}",
    "bare": "<p>OK, gör så.</p>{}",
}


@pytest.mark.parametrize("client", ["gmail", "outlook"])
@pytest.mark.parametrize(("name", "language"), ANSWERED)
def test_an_html_reply_holds_only_what_was_written_now_c2(name, language, client):
    source = HTML_CLIENTS[client].replace("{}", inner(render(LETTERS[name], language, ZONE)))
    assert split_html(source, own_markers=OWN).new.strip() == "OK, gör så."


@pytest.mark.parametrize(("name", "language"), AT_THE_TOP)
def test_the_line_alone_cuts_unmarked_html_but_for_the_hidden_preview_c2(name, language):
    source = HTML_CLIENTS["bare"].replace("{}", inner(render(LETTERS[name], language, ZONE)))
    assert split_html(source, own_markers=OWN).new.strip() == "OK, gör så."
