"""A person is found in text and in mail however her name is written and encoded (K2)."""

import base64
import html
import quopri
import random
import unicodedata
from email.message import EmailMessage
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.mentions import Person

EVA = Person(("eva.lund@acme.se",), ("Eva Lund",))
FIRST = ["Åsa", "Eva-Märta", "Jörgen", "Öva", "Zoë", "Bo", "Lars-Erik", "D'Arcy", "Élodie", "Siân"]
LAST = ["Öberg", "O'Brien", "Lund", "af Ekenstam", "Ångström-Ek", "Müller", "D’Angelo", "Næss"]
LOCAL = st.from_regex(r"\A[a-z][a-z0-9]{1,8}([.'+-][a-z0-9]{2,8}){0,2}\Z")
NAMES = st.builds(lambda a, b: f"{a} {b}", st.sampled_from(FIRST), st.sampled_from(LAST))


@pytest.mark.parametrize(
    "text",
    [
        "EVA LUND",
        "Eva\u00a0Lund",
        "Eva\n Lund",
        "Lund, Eva",
        "Lund Eva",
        "Eva Lunds skrivare",
        "Eva Lund's printer",
        "Eva_Lund_CV.pdf",
        "eva.lund@acme.se.pdf",
        "<eva.lund@acme.se>",
        "'eva.lund@acme.se'",
        "mailto:eva.lund%40acme.se?subject=x",
        "studs+eva.lund=acme.se@lista.example",
        "Eva.Lund@ACME.se.",
    ],
)
def test_a_person_is_found_in_each_form_that_people_write_K2(text):
    assert EVA.is_in(text)
    assert not EVA.is_in(EVA.replaced(text, "person-1@erased.invalid", "Person 1"))


@pytest.mark.parametrize(
    "text",
    [
        "Eva Lundström",
        "Leva Lund",
        "jumbo-eva.lund@acme.se",
        "o'eva.lund@acme.se",
        "eva.lund@acme.se.org",
        "eva.lund@acme.second",
        "Eva och Lund",
        "",
    ],
)
def test_somebody_else_is_not_the_person_K2(text):
    assert not EVA.is_in(text)
    assert EVA.replaced(text, "x", "y") == text


def test_a_single_name_is_a_word_and_is_only_pointed_out_K2():
    bo = Person(("bo@acme.se",), ("Bo",))
    assert not bo.is_in("Bo i stan")
    assert bo.first_name.search("Hej Bo, klart nu")
    assert not bo.first_name.search("Boende")


def as_html(text):
    return "".join(f"&#{ord(letter)};" if ord(letter) > 127 else letter for letter in text)


def encoded(text):
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def halves(text):
    middle = len(text) // 2
    return [encoded(text[:middle]), encoded(text[middle:])]


WAYS = {
    "utf-8": lambda t: t.encode(),
    "decomposed": lambda t: unicodedata.normalize("NFD", t).encode(),
    "latin-1": lambda t: t.encode("latin-1", "xmlcharrefreplace"),
    "utf-16": lambda t: t.encode("utf-16-le"),
    "base64": lambda t: base64.encodebytes(f"Hej {t}, hur går det med ordern idag?".encode()),
    "base64 of latin-1": lambda t: base64.encodebytes(
        f"Hej du, {t}".encode("latin-1", "xmlcharrefreplace")
    ),
    "base64 of utf-16": lambda t: base64.encodebytes(f"Hej du, {t}".encode("utf-16")),
    "quoted-printable": lambda t: quopri.encodestring(f"Hej {t}!".encode()),
    "quoted-printable with a soft break": lambda t: quopri.encodestring(
        ("x" * 70 + f" {t}!").encode()
    ),
    "encoded word, q": lambda t: f"=?utf-8?q?{quote(t, safe='').replace('%', '=')}?=".encode(),
    "encoded word, b": lambda t: encoded(t).encode(),
    "two encoded words": lambda t: "\r\n ".join(halves(t)).encode(),
    "named entities": lambda t: html.escape(t).encode("ascii", "xmlcharrefreplace"),
    "entities": lambda t: as_html(t).encode(),
    "tags between": lambda t: t.replace(" ", " <b>").encode() + b"</b>",
    "parameter of RFC 2231": lambda t: f"filename*=utf-8''{quote(t)}.pdf".encode(),
}


@pytest.mark.parametrize("way", list(WAYS))
@settings(max_examples=30, deadline=None)
@given(name=NAMES, local=LOCAL, seed=st.integers(0, 99))
def test_a_mail_that_mentions_the_person_is_found_in_every_encoding_K2(way, name, local, seed):
    address = f"{local}@acme.se"
    person = Person((address,), (name,))
    said = random.Random(seed).choice([name, address, name.upper(), name.lower()])
    raw = b"Subject: =?utf-8?q?Hej?=\r\n\r\nHej\r\n" + WAYS[way](said) + b"\r\nslut\r\n"
    assert person.is_in_mail(raw)


@settings(max_examples=30, deadline=None)
@given(name=NAMES, local=LOCAL)
def test_an_attached_text_mentions_the_person_K2(name, local):
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "bo@acme.se", "Lista"
    mail.set_content("Se bilagan.")
    mail.add_attachment(f"nr;namn\n1;{name}\n".encode(), maintype="text", subtype="csv")
    inner = EmailMessage()
    inner.set_content("x")
    inner.add_attachment(mail)
    assert Person((f"{local}@acme.se",), (name,)).is_in_mail(inner.as_bytes())


@settings(max_examples=30, deadline=None)
@given(name=NAMES, local=LOCAL)
def test_whatever_is_replaced_is_found_no_more_K2(name, local):
    person = Person((f"{local}@acme.se",), (name,))
    text = f"{name}, {name.upper()}s <{local}@acme.se> {unicodedata.normalize('NFD', name)}"
    left = person.replaced(text, "person-1@erased.invalid", "Person 1")
    assert not person.is_in(left)
    assert left.count("Person 1") == 3


def test_other_mails_do_not_mention_the_person_K2():
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "Bo Ek <bo@acme.se>", "Skrivaren på plan två"
    mail.set_content("Den står still igen.\n" * 50)
    mail.add_attachment(bytes(range(256)) * 40, maintype="application", subtype="pdf")
    assert not EVA.is_in_mail(mail.as_bytes())
