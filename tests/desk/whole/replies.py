"""How mail programs write replies: the new text, and what they do to the mail that is answered."""

import html
from collections.abc import Callable, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.builders import header_of, text_of

PROOF = "mx.example.se; dmarc=pass header.from=example.se"


def html_of(raw: bytes) -> str:
    """The HTML of a mail, decoded; empty where it has none."""
    body = message_from_bytes(raw, policy=policy.default).get_body(("html",))
    return "" if body is None else body.get_content()


def _marked(text: str) -> str:
    return "".join(f"> {line}\n" for line in text.splitlines())


def gmail(new: str, quoted: str, page: str) -> tuple[str, str]:
    line = "Den fre 20 nov. 2026 kl 10:00 skrev Exempel Support <support@example.se>:"
    return (
        f"{new}\n\n{line}\n\n{_marked(quoted)}",
        (
            f'<div dir="ltr">{_lines(new)}</div><br><div class="gmail_quote"><div dir="ltr" '
            f'class="gmail_attr">{html.escape(line)}<br></div><blockquote class="gmail_quote" '
            f'style="margin:0">{page}</blockquote></div>'
        ),
    )


def outlook(new: str, quoted: str, page: str) -> tuple[str, str]:
    head = (
        "Från: Exempel Support <support@example.se>\nSkickat: den 20 november 2026 10:00\n"
        "Till: Anna Svensson <anna@example.se>\nÄmne: [#1001] Skrivaren står still\n"
    )
    return (
        f"{new}\n\n{head}\n{quoted}",
        (
            f"<html><head><style>p.MsoNormal{{margin:0}}</style></head><body>"
            '<div class="WordSection1">'
            f'{_paragraphs(new)}<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;'
            f'padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>Från:</b> Exempel Support '
            f"&lt;support@example.se&gt;<br><b>Skickat:</b> den 20 november 2026 10:00<br>"
            "<b>Till:</b> "
            f"Anna Svensson<br><b>Ämne:</b> x</p></div></div>{page}</div></body></html>"
        ),
    )


def outlook_web(new: str, quoted: str, page: str) -> tuple[str, str]:
    text, _ = outlook(new, quoted, page)
    return text, (
        f'<html><body><div class="elementToProof">{_lines(new)}</div><div id="appendonsend"></div>'
        f'<hr><div id="divRplyFwdMsg"><b>Från:</b> Exempel Support<br></div>{page}</body></html>'
    )


def apple(new: str, quoted: str, page: str) -> tuple[str, str]:
    line = "20 nov. 2026 kl. 10:00 skrev Exempel Support <support@example.se>:"
    return (
        f"{new}\n\n{_marked(line + chr(10) + chr(10) + quoted)}",
        (
            f'<html><body dir="auto">{_lines(new)}<div><br><blockquote type="cite"><div>'
            f"{html.escape(line)}</div></blockquote></div>"
            f'<blockquote type="cite">{page}</blockquote></body></html>'
        ),
    )


def thunderbird(new: str, quoted: str, page: str) -> tuple[str, str]:
    line = "Den 2026-11-20 kl. 10:00, skrev Exempel Support:"
    return (
        f"{new}\n\n{line}\n{_marked(quoted)}",
        (
            f'<html><body><p>{_lines(new)}</p><div class="moz-cite-prefix">{line}<br></div>'
            f'<blockquote type="cite" cite="mid:x">{page}</blockquote></body></html>'
        ),
    )


def bare_marks(new: str, quoted: str, page: str) -> tuple[str, str]:
    """A client that marks each line and says nothing of who wrote it."""
    del page
    return f"{new}\n\n{_marked(quoted)}", ""


def below(new: str, quoted: str, page: str) -> tuple[str, str]:
    """The new text under the quote, as on mailing lists."""
    del page
    return f"Den 2026-11-20 kl. 10:00, skrev Exempel Support:\n{_marked(quoted)}\n{new}\n", ""


def unmarked(new: str, quoted: str, page: str) -> tuple[str, str]:
    """A client that copies the answered mail as it is, under nothing but an empty line."""
    del page
    return f"{new}\n\n\n{quoted}", ""


def between(new: str, quoted: str, page: str) -> tuple[str, str]:
    """Under each passage of the conversation that it repeats, with nothing that says so."""
    del page
    passages = [line for line in quoted.splitlines() if line.startswith(">")]
    return "\n".join([*passages, "", new, ""]), ""


def copied(new: str, quoted: str, page: str) -> tuple[str, str]:
    """With the lines that say most about a ticket pasted in, as if they were the writer's own."""
    del page
    labelled = [line for line in quoted.splitlines() if ":  " in line]
    return "\n".join([new, "", *labelled, ""]), ""


STYLES: dict[str, Callable[[str, str, str], tuple[str, str]]] = {
    style.__name__: style
    for style in (gmail, outlook, outlook_web, apple, thunderbird, bare_marks, below, unmarked)
}

UNCERTAIN = {"between": between, "copied": copied}  # what no parser can tell from the new text


def _lines(text: str) -> str:
    return "<br>".join(html.escape(line) for line in text.split("\n"))


def _paragraphs(text: str) -> str:
    return "".join(
        f'<p class="MsoNormal">{html.escape(line) or "<o:p>&nbsp;</o:p>"}</p>'
        for line in text.split("\n")
    )


def a_mail_of(
    plain: str,
    page: str = "",
    *,
    answers: bytes | None = None,
    sender: str = "Anna Svensson <anna@example.se>",
    subject: str = "SV: [#1001] ärendet",
    to: str = "support@example.se",
    proof: str = PROOF,
    pictures: Sequence[tuple[str, bytes]] = (),
    files: Sequence[tuple[str, bytes]] = (),
    stripped: bool = False,
) -> bytes:
    """A reply with two texts; `pictures` are (cid, content), `stripped` without reply headers."""
    mail = EmailMessage()
    mail["Authentication-Results"] = proof
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = "Fri, 20 Nov 2026 10:00:00 +0100"
    mail["Message-ID"] = f"<{abs(hash((plain, page, answers, sender))):x}@klient>"
    if answers is not None and not stripped:
        mail["In-Reply-To"] = mail["References"] = header_of(answers, "Message-ID")
    mail.set_content(plain)
    if page:
        mail.add_alternative(page, subtype="html")
        part = mail.get_payload()[1]
        for cid, content in pictures:
            part.add_related(content, "image", "png", cid=f"<{cid}>", disposition="inline")
    for name, content in files:
        mail.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    return mail.as_bytes()


def a_reply(style: str, new: str, answered: bytes, **more: object) -> bytes:
    """A reply in the manner of one mail program."""
    plain, page = (STYLES | UNCERTAIN)[style](new, text_of(answered), html_of(answered))
    return a_mail_of(plain, page, answers=answered, **more)
