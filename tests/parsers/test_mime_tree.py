"""Whole trees of parts, made and read by the standard library, against our own walk (C2, C12)."""

import email
import email.policy
from email.message import EmailMessage

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers import message

WORDS = st.text("abcåäö éß", min_size=1, max_size=30).map(str.strip).filter(bool)
BYTES = st.binary(max_size=200)
CHARSETS = st.sampled_from(["utf-8", "iso-8859-1", "windows-1252"])
ENCODINGS = st.sampled_from(["quoted-printable", "base64", "8bit"])


@st.composite
def texts(draw):
    """A plain text with its charset and encoding."""
    made = EmailMessage(policy=email.policy.SMTP)
    made.set_content(draw(WORDS) + "\n", charset=draw(CHARSETS), cte=draw(ENCODINGS))
    return made


@st.composite
def files(draw):
    """An attached file; texts among them, which are no text of the mail."""
    made = EmailMessage(policy=email.policy.SMTP)
    kind = draw(st.sampled_from(["application/pdf", "image/png", "text/plain", "text/html"]))
    main, _, sub = kind.partition("/")
    made.set_content(draw(BYTES), main, sub, filename=draw(WORDS) + ".dat")
    return made


@st.composite
def forwarded(draw):
    """A mail inside the mail."""
    inner = EmailMessage(policy=email.policy.SMTP)
    inner["Subject"] = draw(WORDS)
    inner.set_content("[tid: 9h]\n")
    made = EmailMessage(policy=email.policy.SMTP)
    made.set_content(inner)
    made["Content-Disposition"] = "attachment"
    return made


@st.composite
def mixed(draw):
    """A text with files after it, in up to two layers."""
    made = EmailMessage(policy=email.policy.SMTP)
    made["Content-Type"] = "multipart/mixed"
    made.attach(draw(st.one_of(texts(), alternatives())))
    for part in draw(st.lists(st.one_of(files(), forwarded()), max_size=4)):
        made.attach(part)
    if draw(st.booleans()):
        inner = EmailMessage(policy=email.policy.SMTP)
        inner["Content-Type"] = "multipart/mixed"
        for part in draw(st.lists(files(), min_size=1, max_size=2)):
            inner.attach(part)
        made.attach(inner)
    return made


@st.composite
def alternatives(draw):
    """The same said in plain text and in HTML."""
    made = draw(texts())
    made.add_alternative(f"<p>{draw(WORDS)}</p>", subtype="html")
    return made


def finished(tree):
    tree["From"] = "Bo Ek <bo@kund.se>"
    tree["Subject"] = "Skrivaren står still"
    for number, part in enumerate(tree.walk()):
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            part.set_boundary(f"=_{number}")
    return tree.as_bytes()


def leaves(raw):
    """The texts and the files of a mail, by the standard library alone."""
    tree = email.message_from_bytes(raw, policy=email.policy.default)
    plain, attached = [], []
    todo = [tree]
    while todo:
        part = todo.pop(0)
        if part.get_content_disposition() == "attachment":
            attached.append(part)
        elif part.get_content_maintype() == "multipart":
            todo = [*part.iter_parts(), *todo]
        elif part.get_content_type() == "text/plain":
            plain.append(part.get_content().replace("\r\n", "\n").strip())
    return plain, attached


def content_of(part):
    if part.get_content_maintype() == "message":
        return b"[tid: 9h]"
    return part.get_payload(decode=True)


@given(st.one_of(mixed(), texts(), alternatives()).map(finished))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_texts_and_files_are_those_that_the_standard_library_finds(raw):
    """The text is what was written, every file is whole, and no file is ever text (S06)."""
    found = message.read(raw)
    plain, attached = leaves(raw)
    assert found.refusal is None
    assert [part.text.strip() for part in found.texts if part.kind == "plain"] == plain
    assert len(found.attachments) == len(attached)
    for mine, theirs in zip(found.attachments, attached, strict=True):
        assert mine.content_type == theirs.get_content_type()
        if theirs.get_content_maintype() == "message":
            assert content_of(theirs) in mine.content
        else:
            assert mine.content.rstrip(b"\r\n") == content_of(theirs).rstrip(b"\r\n")
            assert mine.name.endswith(".dat")


@given(mixed().map(finished), st.sampled_from([b"\n", b"\r\n"]), st.integers(0, 4000))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_mail_that_was_cut_anywhere_keeps_what_came(raw, end, size):
    """B4: half a mail is read as far as it goes, with its sender, and its files are no text."""
    raw = raw.replace(b"\r\n", end)
    head = len(raw.partition(end * 2)[0])
    whole, cut = message.read(raw), message.read(raw[: max(size, head)])
    assert cut.sender == whole.sender
    assert cut.refusal is None
    assert len(cut.attachments) <= len(whole.attachments) + 1
    assert "[tid: 9h]" not in (cut.text or "")
