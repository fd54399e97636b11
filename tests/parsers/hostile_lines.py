"""Hostile text: repeats of every kind of line that a reader looks at, in both languages.

`{n}` becomes the number of the repeat, so that no line is the same as another. A kind may have
several lines, which follow each other.
"""

import time
from collections.abc import Callable, Iterator

from parsers import automatic, body, bounce, flowed, html, identity, new_html, priority, tags
from parsers import message as messages
from parsers.protection import without_armour

AT_REST = 220e-6
_WORDS = "den nollte maj tjugo kl tio och bara några ord till kunden"
OWN = ("Skriv ditt svar ovanför denna rad", "Write your reply above this line")

ATTRIBUTIONS = {
    "swedish": ["Den mån 12 maj 2025 kl 10:{n} skrev Bo Ek <bo@kund.se>:"],
    "english": ["On Mon, May 12, 2025 at 10:{n} AM Bo Ek <bo@kund.se> wrote:"],
    "with empty lines": ["", "On Mon, May 12, 2025 at 10:{n} AM Bo Ek <bo@kund.se> wrote:"],
    "weak, swedish": ["Bo Ek {n} skrev:"],
    "weak, english": ["Bo Ek {n} wrote:"],
    "of the writer": ["Den 12 maj 2025 10:{n} skrev vi till Bo Ek <bo@kund.se>:"],
    "without a date": [
        "Den 12 maj 20 kl 10 och {n} skrev några ord till kunden i systemet om det:"
    ],
    "on 2 lines": ["Den mån 12 maj 2025 kl 10:{n}", "skrev Bo Ek <bo@kund.se>:"],
    "on 4 lines": ["Den mån 12 maj", "2025 kl 10:{n}", "skrev Bo Ek", "bo@kund.se och lite till:"],
    "on 5 lines": ["i chatten den", "12 maj kl {n}", "skrev Bo till", "alla andra om", "saken:"],
    "dashes": ["---- On Mon, 12 May 2025 10:{n} Bo wrote ----"],
    "near, dashes": ["och så en text som slutar med att han skrev {n} wrote -"],
    "near, dashes and colon": ["jag : ---skrev {n} > >>min Ämne:- "],
    "GMT": ["2024-12-04 18:36 GMT+01:00 bo ek är på plats {n}"],
    "near, GMT": ["i natt GMT {n} när man till slut fick se vad han skrev"],
    "dated": ["2024-12-04 18:{n} Bo Ek <bo@kund.se>"],
    "near, dated": ["12 maj kl 18 {n} och sedan lite mer text här <bo.ek>"],
    "arrows": [">>> Bo Ek <bo@kund.se> 2025-05-12 10:{n} >>>"],
    "near, arrows": [">>> Bo Ek {n} >>>"],
    "log": ["2025-05-12 10:32:{n} ERROR foo:"],
    "numbers": ["2024 2023 12 13 14.1 {n} 2022 2021 12 11 10 9 8 7 6 5 4 3 2 1:"],
    "numbers and months": ["skrev 1 maj 2 maj 3 maj {n} maj 20 a 12 2024 ab 12 2023 12 203:"],
    "addresses": ["bo@kund.se lisa@kund.se {n} x@y.z a@b.c d@e.f:"],
    "months": ["maj juni juli augusti september oktober november {n} december januari:"],
    "colon": ["a{n}:"],
    "address and colon": ["<bo{n}@kund.se>:"],
    "wrapped address": ["<bo{n}@kund.se", ">:"],
    "verbs": ["skrev skrev wrote wrote skriver schrieb a écrit {n} skrev wrote skrev:"],
    "sentences": ["hej. en två tre fyra. en två tre fyra. en två {n} skrev <bo@kund.se>:"],
    "names": ["Von Van De Der Den Af Av La Le Di Da Via Von {n} skrev 10:32 12 maj:"],
    "one word": ["BoEkSkrevDenTolfteMajTvåtusenTjugofemKlockanTioOchTrettioTvå{n}:"],
    "cyrillic": ["Пн, 12 мая 2025 г. в 10:{n}, Bo Ek <bo@kund.se> написал:"],
    "chinese": ["在 2025年5月12日 10:{n} Bo 写道："],
}
HEADS = {
    "sender, swedish": ["Från: Bo {n}"],
    "sender, english": ["From: Bo {n}"],
    "no date": ["Från: Bo {n}", "Skickat: i går", "Till: Support"],
    "no date, long": ["Från: Bo {n}" + " och fler" * 8, "Skickat: i går kväll" + " klockan" * 7],
    "no address": ["From: Bo {n}", "Sent: Monday 12:10", "To: all"],
    "whole": ["Från: Bo <bo@x.se>", "Skickat: 12 maj 2025 10:{n}", "Till: Support", "Ämne: x", ""],
    "on one line": [
        "Från: Bo Skickat: i går Till: Support Ämne: Skrivare {n} Från: Bo Skickat: nu"
    ],
    "labels": ["från: till: ämne: datum: skickat: kopia: {n} från till ämne datum skickat"],
    "no label": ["Prioritet {n}: nej"],
    "receiver": ["Till: Lund {n}"],
    "raw": ["Received: by x; Mon, 12 May 2025 10:{n}"],
}
QUOTES = {
    "one": ["> hej {n}"],
    "empty": ["", " > "],
    "deep": [">" * 60 + " hej"],
    "deeper": ["> " * 38],
    "attribution": ["> Den mån 12 maj 2025 kl 10:{n} skrev Bo Ek <bo@kund.se>:"],
    "weak": ["> Bo Ek {n} skrev:"],
    "head": ["> Från: Bo {n}"],
    "between": ["hej", "> hå {n}"],
    "announced": ["Bo skrev {n}:", "> hå"],
    "of two depths": ["> Bo skrev:", ">> Bo {n} skrev:"],
    "separator": ["-----Ursprungligt meddelande-----"],
    "near separator": ["-----Ursprungligt meddelan {n}-----"],
    "dashes": ["-" * 72],
    "rules": ["--------", "_____", "=====", "-_=*~#+ {n}"],
    "forward, swedish": ["Vidarebefordrat mejl:"],
    "forward, english": ["Begin forwarded message:"],
    "near forward": ["Forwarded by {n} " + "xxxxxxx " * 8],
    "intro": ["Vidarebefordrat mejl:", "> hej {n}"],
    "marker": ["Skriv ditt svar ovanför denna rad {n}"],
    "marker, dashes": ["-- Skriv ditt svar ovanför den --"],
    "near marker": ["--- skriv över över över rad rad rad rad {n}" + "x" * 36],
    "wrapped marker": ["Skriv ditt svar {n}", "ovanför denna"],
    "signature": ["hej {n}", "-- ", "Bo"],
    "delimiters": ["-- "],
    "footer, swedish": ["Skickat från min iPhone"],
    "footer, english": ["Sent from my iPhone"],
    "near footer": ["Skickat från min xxx xxx xxx xxx iphon {n} " + "x" * 36],
    "segments": ["Den 12 maj 2025 skrev Bo <bo@x.se>:", "> x", "y {n}", "-- ", "z", ""],
    "armour": ["-----BEGIN PGP SIGNED MESSAGE-----", "Hash: SHA256", ""],
    "armour's end": ["-----BEGIN PGP SIGNATURE-----"],
}
TAGS = {
    "one": ["[tid: {n}m]"],
    "many": ["[tid: 1h] [klar] [intern] [kund: x] [prio: 1] [vänta] {n}"],
    "wrong": ["[tid 1,5h] {n} [tid: 15]"],
    "near": ["[itern] [kalr] [inter] [intren] {n}"],
    "without brackets": ["tid: 1,5h {n}"],
    "sample": ["[tid: …] [klar: ...] [time: …] {n}"],
    "open": ["[tid: [tid: [tid: [tid: [tid: [tid: [tid: [tid: {n}"],
    "closed": ["]" * 60],
    "ordinary": ["[vid behov] [hej {n}] [text] [annat ord] [och mer text här] [mer] [x]"],
    "after letters": ["x[klar]x[klar]x[klar]x[klar]x[klar]x[klar]x[klar]x[klar]"],
    "glued": ["[klar][klar][klar][klar][klar][klar][klar][klar][klar]"],
    "broken": ["[tid:", "1h]"],
    "date": ["[tid: 1h 2026-11-20 ej deb kväll; en not {n}]"],
    "words": ["[tid: 1h a b c d e f g h i j k l m n o p q r s t u v x y z å ä ö {n}]"],
    "brackets": ["[" * 40 + "]" * 40],
    "pairs": ["[]" * 40],
    "nested": ["[a [b [c [d [e [f]]]]]] {n}"],
    "invisible": ["[i" + "\u200b" * 38 + "n" + "\u200b" * 38],
    "links": ["[<http:a> [<http:a>klar <mailto:b> {n}"],
    "label": ["prio 1"],
    "label, english": ["priority: critical"],
    "near label": ["prio prio prio prio nivå nivå nivå nivå p1 p2 {n} kritisk hög"],
    "labels": ["[P1] [P2] #P3 P4: {n}"],
}
WRITING = {
    "empty": [""],
    "word": ["hej"],
    "prose": ["Hej, vi har bytt skrivaren på plan 2 och det fungerar igen sedan i går kväll."],
    "flowed": ["en rad som slutar med ett blanksteg och som är rätt lång, tycker jag {n} "],
    "flowed label": ["Skickat den långa: {n} "],
    "no-break spaces": ["\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0hej {n}\u200b\u200e\u00ad"],
    "invisible": ["\u200b\u200e\u00ad" * 25],
    "stars": ["*hej* *Från: *Bo *{n}*", "*" * 70],
    "bars": ["| hej {n}"],
    "link": ["<https://www.example.se/en/lång/adress/{n}?a=b&c=d>"],
    "list of addresses": ["bo{n}@kund.se, lisa@kund.se, 'Ek, Bo' <bo@kund.se>;"],
    "report": ["Final-Recipient: rfc822; bo{n}@kund.se", "Action: failed", "Status: 5.1.1", ""],
    "report as text": ["<bo{n}@kund.se>: 550 5.1.1 user unknown"],
    "message id": ["Message-ID: <{n}@x"],
    "boundary": ["--b"],
}
MARKUP = {
    "paragraph": ["<p>hej {n}</p>"],
    "closed": ["<b><i><u><s>x</s></u></i></b> {n}"],
    "open": ["<div>" * 8],
    "open paragraphs": ["<p>" * 10],
    "breaks": ["<br>" * 10],
    "hidden cells": ["<div hidden>", "<td><br><td><br>"],
    "attributes": ["<p class='a b c' style='color:red;display:block' id=x{n}>hej"],
    "sheet": ["<style>.a{n}{display:none}</style><b class='a b' id=c{n}>x</b>"],
    "sheet of two names": ["<style>.b.a{n}{display:none}</style><b class='a b' id=c{n}>x</b>"],
    "styled": ["<b style='font-size:0;opacity:0.9;color:rgba(0,0,0,0.5);width:0'>x</b>"],
    "quote": ["<blockquote>hej {n}</blockquote>"],
    "container": ["<div class=gmail_quote>hej {n}</div>"],
    "entities": ["&aring;&auml;&ouml;&amp;&#228;&#xe4;&nbsp;" * 2],
    "near entities": ["&a &b &c &# &#x &aaa &bbb &ccc &ddd &eee &fff {n} &ggg &hhh"],
    "cells": ["<tr><td>a<td>b<td>c {n}"],
    "items": ["<li>a<li>b<li>c {n}"],
    "lone brackets": ["< < < < < << <a <a <b <c <d <e <f {n}"],
    "comments": ["<!-- hej {n} --> <!-- hå -->"],
    "open comments": ["<!-- <!-- <!-- <!-- <!-- {n}"],
    "quotation marks": ["<a b=\"<a b='<a b=\"<a b='{n}"],
    "script": ["<script>x</script><title>y</title> {n}"],
    "preformatted": ["<pre>a", "b {n}", "</pre>"],
    "pictures": ["<img src='cid:x{n}'>", "[cid:image{n}.png]"],
}
GROUPS = {
    "attribution": ATTRIBUTIONS,
    "head": HEADS,
    "quote": QUOTES,
    "tag": TAGS,
    "writing": WRITING,
    "markup": MARKUP,
}
KINDS = {
    f"{group}: {name}": lines for group, kinds in GROUPS.items() for name, lines in kinds.items()
}


def text(kind: str, count: int) -> str:
    """A text of so many lines of one kind."""

    def lines() -> Iterator[str]:
        for number in range(10, count + 10):
            for line in KINDS[kind]:
                yield line.replace("{n}", str(number))

    return "\n".join(line for _, line in zip(range(count), lines(), strict=False))


def units(source: str) -> float:
    """How much it is to read: lines of at most 80 characters, or tags of HTML."""
    return max(source.count("\n") + 1, len(source) / 80, source.count("<"))


def yardstick() -> float:
    """Seconds for a piece of plain work, which takes `AT_REST` where nothing else runs."""
    start = time.process_time()
    total = 0
    for number in range(3000):
        total += number % 7
        if not number % 10:
            _WORDS.split()
    return time.process_time() - start


def cost(reader: Callable[[str], object], source: str, enough: float = 0.0) -> list[float]:
    """The µs that a line takes at rest, in three tries; one is enough that is below a figure."""
    tries: list[float] = []
    while len(tries) < 3 and min(tries, default=enough) >= enough:
        before = yardstick()
        start = time.process_time()
        reader(source)
        took = time.process_time() - start
        slowness = (before + yardstick()) / 2 / AT_REST
        tries.append(took * 1_000_000 / slowness / units(source))
    return tries


def _mail(source: str, kind: str) -> bytes:
    head = f"From: bo@kund.se\nSubject: hej\nContent-Type: text/{kind}; charset=utf-8\n\n"
    return (head + source).encode()


def _everything(raw: bytes) -> None:
    """Read all that the desk asks of one mail."""
    identity.identity(raw, delivery="1")
    read = messages.read(raw)
    parts = body.read_body(read, own_markers=OWN)
    tags.cut_tags(parts.new, tags.read_tags(parts.new))
    priority.read_priority(read.subject, parts.new)
    automatic.judge(read, own_addresses=frozenset(), own_instance="x")
    bounce.read_bounce(read)


def _new_markup(source: str) -> None:
    """What is new in a mail whose plain text says the same as its HTML."""
    read = messages.read(_mail(source, "html"))
    seen = html.visible_text(source)
    parts = body.Body(seen, seen, "", "", "", certain=True, source="html")
    new_html.new_html(read, parts)


def _report(text_part: str, report_part: str) -> None:
    head = "From: mailer-daemon@kund.se\nSubject: Undelivered\n"
    kind = "Content-Type: multipart/report; report-type=delivery-status; boundary=edge\n\n"
    part = "--edge\nContent-Type: message/delivery-status\n\n"
    raw = f"{head}{kind}--edge\n\n{text_part}\n{part}{report_part}\n--edge--\n"
    bounce.read_bounce(messages.read(raw.encode()))


READERS: dict[str, Callable[[str], object]] = {
    "a plain mail": lambda source: _everything(_mail(source, "plain")),
    "a mail of HTML": lambda source: _everything(_mail(source, "html")),
    "new markup": _new_markup,
    "visible text": html.visible_text,
    "tags in HTML": lambda source: tags.cut_tags_html(source, ()),
    "a delivery report": lambda source: _report("", source),
    "a delivery report's text": lambda source: _report(source, ""),
    "a flowed text": flowed.joined,
    "armour": without_armour,
    "a subject": lambda source: priority.read_priority(source, ""),
}
