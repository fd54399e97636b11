"""Damaged real mail: nothing raises, nothing hangs (`make fuzz` runs the long form)."""

import importlib.util
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[3]
OWN = ROOT / "tests" / "mail"


@pytest.fixture(scope="module")
def corpus():
    spec = importlib.util.spec_from_file_location("bench_corpus", ROOT / "bench" / "corpus.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def own_mail():
    return [file.read_bytes() for file in sorted(OWN.glob("*.eml"))]


def test_our_own_mail_survives_damage(corpus, own_mail):
    """B4: short form, the same 300 mails every time."""
    figure = corpus.survival(own_mail, 300)
    assert figure.met, figure


def test_real_mail_survives_damage(corpus, shared_mail):
    """B4: short form, the same 1,000 mails every time."""
    figure = corpus.survival(corpus.raw_mail(), 1000)
    assert figure.met, figure


@given(st.binary(max_size=2000))
@settings(max_examples=100)
def test_any_bytes_are_a_mail(corpus, raw):
    """B4."""
    corpus.whole_reading(raw)


PIECES = st.sampled_from(
    [
        b"From: a@b.se",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"Content-Type: ",
        b"multipart/mixed",
        b"multipart/alternative",
        b"text/html",
        b"text/plain",
        b"message/rfc822",
        b"; boundary=b",
        b"--b",
        b"--b--",
        b"; charset=",
        b"utf-8",
        b"utf-16",
        b"utf-7",
        b"=?utf-8?B?",
        b"?=",
        b"w6U=",
        b"Content-Transfer-Encoding: base64",
        b"quoted-printable",
        b"Subject: ",
        b"[tid: 1h]",
        b"<p>",
        b"<blockquote>",
        b"</p>",
        b"> ",
        b"-- ",
        b"\xe5",
        b"\xc3\xa5",
        b"\0",
        b"Den 1 maj 2025 10:32 skrev ",
        b"<a@b.se>:",
        b"Fr\xc3\xa5n: ",
        b"multipart/report; report-type=delivery-status",
        b"a",
        b":",
    ]
)


@given(st.lists(PIECES, max_size=60).map(b"".join))
@settings(max_examples=200)
def test_any_pieces_of_mail_are_a_mail(corpus, raw):
    """B4."""
    corpus.whole_reading(raw)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_real_mail_survives_damage_for_long(corpus, shared_mail, seed):
    """B4: long form, other mails every day."""
    raws = [*corpus.raw_mail(), *corpus.raw_mail(corpus.REPLIES)]
    day = int(time.time() // 86_400)
    for raw in corpus.mutated(raws, 10_000, seed=day * 100 + seed):
        start = time.perf_counter()
        corpus.whole_reading(raw)
        assert time.perf_counter() - start < 2, raw[:200]
