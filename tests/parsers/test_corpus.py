"""What issue 3 asks of the parsers on the shared mail; `make corpus` prints the figures."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def corpus(shared_mail):
    path = Path(__file__).resolve().parents[2] / "bench" / "corpus.py"
    spec = importlib.util.spec_from_file_location("bench_corpus", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.MAIL = shared_mail
    return module


def test_texts_of_every_charset_and_shape_are_decoded(corpus):
    for figure in (corpus.decode_cases(), corpus.decode_stalwart()):
        assert figure.met, figure


def test_no_new_tag_is_lost_and_no_quoted_one_counted_in_swedish_replies(corpus):
    """C2, C9."""
    for figure in corpus.swedish():
        assert figure.met, figure


def test_new_text_is_found_exactly_in_replies_of_many_clients(corpus):
    """C2."""
    figure = corpus.reply_text()
    assert figure.met, figure
    assert int(figure.reached) >= 73, "it has been better"


def test_bounces_are_found_and_ordinary_mail_is_not_taken_for_one(corpus):
    """C1."""
    for figure in corpus.bounces():
        assert figure.met, figure


def test_every_raw_mail_is_read_without_fault(corpus):
    figure = corpus.survival([*corpus.raw_mail(), *corpus.raw_mail(corpus.REPLIES)], 0)
    assert figure.met, figure


def test_no_mail_loses_its_text(corpus):
    """A mail with letters in a text part has letters in its new, quoted or forwarded text."""
    from parsers import body, message

    for raw in corpus.raw_mail():
        found = message.read(raw)
        parts = body.read_body(found)
        plain = [part.text for part in found.texts if part.kind == "plain"]
        if any(text.strip() for text in plain):
            assert (parts.new + parts.quoted + parts.forwarded).strip()
